/*
 * An 8-bit code of every vector, in memory: a quarter of the bytes that a search reads of a float vector. What is coded is
 * the vector less an origin (the vector of the entry, so that a far-off data set loses nothing), under cosine both of
 * unit length: each element is one of 256 steps between the vector's own least and greatest element. (Scalar quantisation
 * by vector, as LVQ does; Aguerrebere et al., VLDB 2023.)
 *
 * A code estimates a distance; whoever needs the distance reads the vector. Codes are made of what is in the file and are
 * not written to it.
 *
 * The row of a code: u8[length] | norm, step, least, error, sum: floats | zero; `length` is dimensions rounded up to 32.
 */
#ifndef DISKANN_QUANT_CODES_H
#define DISKANN_QUANT_CODES_H

#include "../base/memory.h"
#include "../simd/simd.h"

typedef struct code_store {
    memory_account *account;
    const simd_kernels *kernels;
    uint8_t **segments;
    float *origin; /* [dimensions]; NULL before it was set */
    uint32_t metric;
    uint32_t data_type;
    uint32_t dimensions;
    uint32_t length; /* codes of a row, zeros at the end */
    uint32_t stride; /* bytes of a row */
    uint32_t segment_shift; /* log2 of the rows of a full segment */
    uint32_t segment_count, segment_capacity;
    uint32_t last_rows; /* of the last segment, which grows; the others are full */
} code_store;

/* Whether there are codes for such an index: f32, f16 and sq8 under l2, cosine and ip. */
int code_is_possible(const diskann_config *config);
/* Whether they pay: below some dimensions, and as sq8, a vector is hardly more to read than its code. */
int code_is_worthwhile(const diskann_config *config);
void code_store_init(code_store *store, const diskann_config *config, const simd_kernels *kernels, memory_account *account);
void code_store_reset(code_store *store);
/* Makes room for slots [0, slots). ERR_NO_MEMORY changes no code; codes may move. */
int code_store_reserve(code_store *store, uint64_t slots);
/* Gives back the segments that no slot below `slots` needs; without slots the origin too. */
void code_store_truncate(code_store *store, uint64_t slots);
uint64_t code_store_bytes(const code_store *store);

/*
 * From now on codes are of vectors less this one. `weight`: what a vector is multiplied with first: cosine: 1 / |x|, others: 1.
 * ERR_NO_MEMORY.
 */
int code_set_origin(code_store *store, const void *vector, float weight);
/*
 * The code of a vector; `norm`: its square, which ip keeps; `scratch`: [dimensions]. Different slots may be encoded at the
 * same time.
 */
void code_encode(const code_store *store, uint32_t slot, const void *vector, float weight, float norm, float *scratch);

/* A query, to be compared with codes. */
typedef struct code_query {
    int16_t *values; /* [length]: the query less the origin, rounded */
    float *scratch;  /* [dimensions] */
    float base;      /* l2, cosine: squared norm of `values`; ip: product of query and origin */
    float step;      /* of `values` */
    float sum;       /* of `values`, in steps */
    /* While links are made under ip (see graph_space): M^2, the query's squared norm, its coordinate beyond the others. */
    uint32_t is_lifted;
    float lifted_norm;
    float norm;
    float lift;
} code_query;

/* Buffers of a query: ERR_NO_MEMORY. */
int code_query_init(code_query *query, const code_store *store, memory_account *account);
void code_query_reset(code_query *query, const code_store *store, memory_account *account);
void code_query_set(code_query *query, const code_store *store, const float *vector, float weight);
/* After that, ip: estimates are in the lifted space, whose M^2 is `lifted_norm`; `norm`: squared, of the query. */
void code_query_lift(code_query *query, float lifted_norm, float norm);

/* Some codes that others are compared with, four at a time: their factors side by side. */
enum { CODE_PAIRS = SIMD_DOT_ROWS, CODE_GROUP_MAX = DISKANN_MAX_DEGREE_MAX + CODE_PAIRS };
typedef struct code_group {
    uint32_t count;
    const void *rows[CODE_GROUP_MAX]; /* behind the last one it comes again, to make four */
    float norms[CODE_GROUP_MAX], steps[CODE_GROUP_MAX], leasts[CODE_GROUP_MAX], errors[CODE_GROUP_MAX], sums[CODE_GROUP_MAX];
} code_group;

/*
 * l2 and cosine, of unit length under the latter: what codes say of the distances between one coded vector and others. A
 * distance is at least sqrt(squared - rounding) - error and at most sqrt(squared + rounding) + error, since no vector is
 * farther from its code.
 */
typedef struct code_pairs {
    float squared[CODE_PAIRS];  /* distance of the codes */
    float rounding[CODE_PAIRS]; /* of `squared`, at most */
    float error[CODE_PAIRS];    /* of the two codes together */
} code_pairs;

/* 1: code_compare can be asked. */
int code_is_comparable(const code_store *store);
/* At most DISKANN_MAX_DEGREE_MAX are in the group then. */
void code_group_add(code_group *group, const code_store *store, uint32_t slot);
/* Of `slot` and those of the group from `first` on; what is behind its end is of no meaning. */
void code_compare(const code_store *store, uint32_t slot, const code_group *group, uint32_t first, code_pairs *out);

static inline const uint8_t *code_at(const code_store *store, uint32_t slot)
{
    return store->segments[slot >> store->segment_shift] +
           (size_t)(slot & ((UINT32_C(1) << store->segment_shift) - 1)) * store->stride;
}

/*
 * out[i]: what the codes make of the metric's distance between the query and slots[i]; never NaN. Scratch: `rows` and
 * `dots` of `count`.
 */
void code_estimates(const code_store *store, const code_query *query, const uint32_t *slots, uint32_t count,
                    const void **rows, int32_t *dots, float *out);

#endif
