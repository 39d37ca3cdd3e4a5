/* The lane rule for rows of sq8, from the primitives of lanes.h: codes are made floats in the lanes, by sq8_value. */
#ifndef DISKANN_SIMD_SQ8_LANES_H
#define DISKANN_SIMD_SQ8_LANES_H

#include "lanes.h"
#include "sq8.h"

typedef struct sq8_scale {
    lane_vector least, step;
} sq8_scale;

ROWS_INLINE sq8_scale sq8_scale_of(const void *row)
{
    const sq8_head *head = row;
    return (sq8_scale){lane_splat(head->least), lane_splat(head->step)};
}

ROWS_INLINE lane_vector sq8_load(const uint8_t *codes, sq8_scale scale)
{
    return lane_add(scale.least, lane_mul(scale.step, lane_load_bytes(codes)));
}

/* `dims` elements from `codes` on, which are somewhere in a row. */
ROWS_SUM void sq8_expand(const sq8_head *head, const uint8_t *codes, uint32_t dims, float *out)
{
    const sq8_scale scale = sq8_scale_of(head);
    for (; dims >= LANE_WIDTH; dims -= LANE_WIDTH, codes += LANE_WIDTH, out += LANE_WIDTH) {
        lane_store(out, sq8_load(codes, scale));
    }
    for (uint32_t i = 0; i < dims; i++) {
        out[i] = sq8_value(head, codes[i]);
    }
}

static void expand_sq8(const void *row, uint32_t dims, float *out)
{
    sq8_expand(row, sq8_codes(row), dims, out);
}

/* Adds the terms of 32 elements. `query`: NULL for the row itself, as in all of this file. */
ROWS_INLINE void sq8_block(lane_vector *lanes, const float *query, const uint8_t *codes, sq8_scale scale, enum simd_sum sum)
{
#define LANES_STEP(v)                                                                                       \
    if ((v) < LANE_VECTORS) {                                                                               \
        const lane_vector of_row = sq8_load(codes + (v) * LANE_WIDTH, scale);                               \
        const lane_vector of_query = query == NULL ? of_row : lane_load(query + (v) * LANE_WIDTH);          \
        lanes[v] = lane_add(lanes[v], lane_term(of_query, of_row, sum));                                    \
    }
    LANES_EACH(LANES_STEP)
#undef LANES_STEP
}

/* Adds the terms of the last `dims` elements, fewer than 32: missing elements are no codes of anything. */
ROWS_INLINE void sq8_tail(lane_vector *lanes, const float *query, const uint8_t *codes, const sq8_head *head, uint32_t dims,
                          enum simd_sum sum)
{
    float values[LANE_COUNT] = {0};
    sq8_expand(head, codes, dims, values);
    lanes_tail(lanes, query == NULL ? values : query, values, dims, sum);
}

ROWS_INLINE float sq8_sum(const float *query, const void *row, uint32_t dims, enum simd_sum sum, const uint8_t *ahead)
{
    const sq8_scale scale = sq8_scale_of(row);
    const uint8_t *codes = sq8_codes(row);
    lane_vector lanes[LANE_VECTORS_MAX];
    uint32_t i = 0;
    lanes_clear(lanes);
    for (; dims - i >= LANE_COUNT; i += LANE_COUNT) {
        if (ahead != NULL) {
            ROWS_PREFETCH(ahead + i);
        }
        sq8_block(lanes, query == NULL ? NULL : query + i, codes + i, scale, sum);
    }
    if (ahead != NULL) { /* the last line; a query of few elements may stand in, and be shorter than a row */
        ROWS_PREFETCH(ahead + (i > 0 ? SIMD_SQ8_HEAD_BYTES + dims - 1 : 0));
    }
    if (i < dims) {
        sq8_tail(lanes, query == NULL ? NULL : query + i, codes + i, row, dims - i, sum);
    }
    return lanes_fold(lanes);
}

#define SQ8_DEFINE(name, sum)                                                                               \
    ROWS_SUM float sum_##name(const void *a, const uint8_t *b, uint32_t dims, const uint8_t *ahead)         \
    {                                                                                                       \
        return sq8_sum(a, b, dims, sum, ahead);                                                             \
    }                                                                                                       \
    ROWS_KERNELS(name, simd_row_bytes(DISKANN_SQ8, dims))

SQ8_DEFINE(sq8_l2, SIMD_SUM_L2)
SQ8_DEFINE(sq8_dot, SIMD_SUM_DOT)
SQ8_DEFINE(sq8_l1, SIMD_SUM_L1)

static float norm_sq8(const void *row, uint32_t dims)
{
    return sq8_sum(NULL, row, dims, SIMD_SUM_DOT, NULL);
}

#endif
