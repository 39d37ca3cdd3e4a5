/* The index: what all operations share. */
#ifndef DISKANN_OP_INDEX_H
#define DISKANN_OP_INDEX_H

#include "../graph/graph.h"
#include "../record/id_map.h"
#include "../record/record.h"

struct diskann_index {
    diskann_config config; /* as given; simd resolved */
    memory_account account;
    record_store records;
    id_map ids;
    code_store codes;  /* empty where config says none */
    uint32_t may_drop_codes; /* they were nobody's wish */
    graph_space space; /* metric, kernels, records */
    uint32_t size;
    uint32_t entry; /* slot where searches start; SLOT_NONE when empty */
    uint64_t next_id;
    record_degrees degrees; /* of all records */
    uint64_t errors; /* sq8: sum of index_error over all records */
    float norm_max; /* the largest aux among the rows of the first insert or build: M^2 of graph_space under ip */
};

/* All ranges of a config; ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED. */
int index_check_config(const diskann_config *config);
/* As diskann_index_create; neither pointer is NULL. */
int index_create(const diskann_config *config, const diskann_allocator *allocator, diskann_index **out);
void index_destroy(diskann_index *index);

/*
 * sq8: how far a record is from the vector that was given, relative to its length, at most 1; in units of 2^-32, so that sums
 * are exact in any order. 0 for other types.
 */
uint64_t index_error(const diskann_index *index, uint32_t slot);

/* From now on it has none. */
void index_drop_codes(diskann_index *index);
/* Codes are of vectors less the one of this slot, which is the entry. ERR_NO_MEMORY. */
int index_set_origin(diskann_index *index, uint32_t slot);
/* `scratch`: [dimensions]. Different slots may be encoded at the same time. */
void index_encode(const diskann_index *index, uint32_t slot, float *scratch);

#endif
