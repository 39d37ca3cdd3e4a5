/*
 * A 1-bit code of every neighbour of a node, beside its list: what a search has to know of all of them lies in one piece of
 * memory. What is coded is neighbour less node (its *owner*), rotated: the sign of each element, and two factors. (RaBitQ,
 * Gao and Long, SIGMOD 2024; beside lists, SymphonyQG, Gou et al., SIGMOD 2025.)
 *
 * Given the distance of a query and the owner, a code estimates that of the query and the neighbour, without bias:
 *
 *     estimate = base + offset + scale * S,      S = the sum of the rotated query's elements, each with the code's sign
 *
 * How far the estimates of a query scatter is in proportion to the scale: to the distance of neighbour and owner.
 *
 * All vectors come as floats, under cosine of unit length. The layout of a block is that of base/bits_layout.h. Signs of a
 * query are summed by tables: four dimensions have 16 sums, and a CPU looks 16 and more up at once (FastScan, Andre et
 * al., VLDB 2015).
 */
#ifndef DISKANN_QUANT_BITS_H
#define DISKANN_QUANT_BITS_H

#include "../base/bits_layout.h"
#include "../base/memory.h"
#include "../simd/simd.h"
#include "rotation.h"

typedef struct bits_coder {
    memory_account *account;
    const simd_kernels *kernels;
    bits_layout layout;
    rotation rotation;
    float *origin; /* [dimensions] */
    uint32_t metric;
    uint32_t dimensions;
} bits_coder;

/* For l2, cosine and ip, with an origin of zeros. ERR_NO_MEMORY. */
int bits_coder_init(bits_coder *coder, const diskann_config *config, const simd_kernels *kernels, memory_account *account);
/* Also of a coder that is zero. */
void bits_coder_reset(bits_coder *coder);
uint64_t bits_coder_bytes(const bits_coder *coder);
/*
 * From now on owners and queries are taken less this vector, so that a far-off data set loses nothing; codes made before are
 * void. Under ip it stays zero.
 */
void bits_set_origin(bits_coder *coder, const float *vector);
/* 1: it is what bits_set_origin would make of this vector. */
int bits_has_origin(const bits_coder *coder, const float *vector);

/* Floats of scratch that an owner wants. Coders are shared, scratch is not: owners may be coded at the same time. */
static inline uint64_t bits_scratch_floats(const bits_layout *layout)
{
    return UINT64_C(4) * layout->length;
}

/* Makes the scratch that of one owner; `owner` is copied. */
void bits_owner_set(const bits_coder *coder, float *scratch, const float *owner);
/* Writes the code of one neighbour of this owner; the rest of the block is left as it is. */
void bits_encode(const bits_coder *coder, float *scratch, uint8_t *block, uint32_t place, const float *neighbour);

/* Copies the code of one place to another, of the same block or of another of the same layout. */
void bits_move(const bits_layout *layout, uint8_t *to_block, uint32_t to_place, const uint8_t *from_block, uint32_t from_place);
/* Zeroes the codes of places [first, end). A block whose places all hold nothing is all zero. */
void bits_clear(const bits_layout *layout, uint8_t *block, uint32_t first, uint32_t end);

/* 1: the factors of places [0, count) are finite, and the places behind them hold nothing. */
int bits_are_sound(const bits_layout *layout, const uint8_t *block, uint32_t count);

/* A query, to be compared with codes. */
typedef struct bits_query {
    uint8_t *tables; /* [length / 4][16] */
    float *scratch;  /* [2][length] */
    int32_t *values; /* [length]: of the rotated query, in steps */
    float step;
} bits_query;

/* Buffers of a query: ERR_NO_MEMORY. */
int bits_query_init(bits_query *query, const bits_coder *coder, memory_account *account);
void bits_query_reset(bits_query *query, const bits_coder *coder, memory_account *account);
void bits_query_set(bits_query *query, const bits_coder *coder, const float *vector);

/*
 * out[i]: what the codes make of the metric's distance between the query and the neighbour at place i, i < count; `base`: the
 * distance of the query and the owner. Always finite; may be below
 * zero.
 */
void bits_estimates(const bits_coder *coder, const bits_query *query, const uint8_t *block, uint32_t count, float base,
                    float *out);

#endif
