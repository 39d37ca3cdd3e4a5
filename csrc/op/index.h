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
    code_store codes;  /* 8-bit codes; empty where config says otherwise */
    bits_coder bits;   /* 1-bit codes in the records; zero where config says otherwise */
    navigator navigator; /* beside them; empty in a small index */
    pq_codes pq;       /* codes by product quantisation; empty where config says otherwise */
    uint32_t may_drop_codes; /* 8-bit codes were nobody's wish */
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
/* Whether its kind of codes exists for its type and metric. */
int index_codes_are_possible(const diskann_config *config);
/* As diskann_index_create; neither pointer is NULL. */
int index_create(const diskann_config *config, const diskann_allocator *allocator, diskann_index **out);
void index_destroy(diskann_index *index);

/*
 * sq8: how far a record is from the vector that was given, relative to its length, at most 1; in units of 2^-32, so that sums
 * are exact in any order. 0 for other types.
 */
uint64_t index_error(const diskann_index *index, uint32_t slot);

/* From now on it has no 8-bit codes. */
void index_drop_codes(diskann_index *index);
/*
 * A build of an index with codes in the file finds its way by 8-bit codes in memory all the same, where such vectors have
 * some. They are returned when it ends, whatever its end.
 */
void index_lend_codes(diskann_index *index);
void index_return_codes(diskann_index *index);
/* Codes are of vectors less the one of this slot, which is the entry. ERR_NO_MEMORY. */
int index_set_origin(diskann_index *index, uint32_t slot);
/* Floats of scratch that index_encode_pq wants. */
uint64_t index_pq_scratch(const diskann_index *index);
/*
 * Codes by product quantisation are made in pieces, one for each range (pq_codes.h) of each block of PQ_CODES_ROWS rows: how
 * many there are, and piece `piece` of `rows` rows from slot `first` on, into out[rows][code_bytes]. Different pieces may be
 * made at the same time.
 */
uint64_t index_pq_pieces(const diskann_index *index, uint64_t rows);
void index_encode_pq(const diskann_index *index, uint64_t first, uint64_t rows, uint64_t piece, float *scratch, uint8_t *out);
/* `scratch`: [dimensions]. Different slots may be encoded at the same time. */
void index_encode(const diskann_index *index, uint32_t slot, float *scratch);

#endif
