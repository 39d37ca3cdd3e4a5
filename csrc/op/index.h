/* The index: what all operations share. */
#ifndef DISKANN_OP_INDEX_H
#define DISKANN_OP_INDEX_H

#include "../graph/graph.h"
#include "../record/id_map.h"
#include "../record/record.h"

struct diskann_index {
    diskann_config config;       /* as given; simd resolved */
    memory_account account;
    record_store records;
    id_map ids;
    graph_space space;           /* metric, kernels, records */
    uint32_t size;
    uint32_t entry;              /* slot where searches start; SLOT_NONE when empty */
    uint64_t next_id;
    float norm_max;              /* ip: M^2, the largest |x|^2 among the rows of the first insert or build; else 0 */
};

#endif
