/*
 * The lane rule of simd.h, once, for vectors of floats and of halves (sq8_lanes.h: of sq8). Each family's file defines what
 * is below (and what integers.h wants) and includes kernels.h.
 *
 *     lane_vector                        LANE_WIDTH floats: 4, 8 or 16
 *     lane_zero()                        all +0
 *     lane_load(p)                       LANE_WIDTH floats, no alignment beyond 4
 *     lane_load_part(p, n)               0 < n < LANE_WIDTH floats, +0 in the rest; reads nothing behind them
 *     lane_load_half(p)                  LANE_WIDTH finite halves as floats, exactly; no alignment beyond 2
 *     lane_load_bytes(p)                 LANE_WIDTH bytes, 0 .. 255, as floats
 *     lane_splat(x)                      x in every place
 *     lane_store(p, a)
 *     lane_add, lane_sub, lane_mul(a, b) each rounded by itself
 *     lane_abs(a)
 *     lane_fold(a)                       the rule's last folds, inside one vector: + LANE_WIDTH / 2, ..., + 2, + 1
 *
 * Skipping vectors of the tail that hold no element is no departure from "missing elements add +0": a lane is never
 * -0 (it starts at +0, and a sum rounded to nearest is -0 only of two -0), so adding +0 would not change it.
 */
#ifndef DISKANN_SIMD_LANES_H
#define DISKANN_SIMD_LANES_H

#include "half.h"
#include "rows.h"

enum {
    LANE_COUNT = 32,
    LANE_VECTORS = LANE_COUNT / LANE_WIDTH,
    LANE_VECTORS_MAX = 8
};

/* What the elements are; the value is their size. A constant wherever these functions are inlined, as `sum` is. */
enum lane_form { LANE_F32 = 4, LANE_F16 = 2 };

ROWS_INLINE lane_vector lanes_load(const uint8_t *p, enum lane_form form)
{
    return form == LANE_F32 ? lane_load((const float *)(const void *)p) : lane_load_half((const uint16_t *)(const void *)p);
}

ROWS_INLINE lane_vector lane_term(lane_vector a, lane_vector b, enum simd_sum sum)
{
    if (sum == SIMD_SUM_DOT) {
        return lane_mul(a, b);
    }
    const lane_vector difference = lane_sub(a, b);
    return sum == SIMD_SUM_L1 ? lane_abs(difference) : lane_mul(difference, difference);
}

/*
 * The loops over the vectors of a block are unrolled by the preprocessor: indexes that are constants from the start
 * keep the lanes in registers at any level of optimisation. Steps for vectors that a wide family lacks fold away.
 */
#define LANES_EACH(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7)

ROWS_INLINE void lanes_clear(lane_vector *lanes)
{
#define LANES_STEP(v)                                                                                       \
    if ((v) < LANE_VECTORS) {                                                                               \
        lanes[v] = lane_zero();                                                                             \
    }
    LANES_EACH(LANES_STEP)
#undef LANES_STEP
}

/* Two vectors as they are read, of any two forms. */
typedef struct lane_pair {
    const uint8_t *a, *b;
    enum lane_form form_a, form_b;
} lane_pair;

/* Adds the terms of 32 elements. */
ROWS_INLINE void lanes_block(lane_vector *lanes, lane_pair pair, enum simd_sum sum)
{
#define LANES_STEP(v)                                                                                       \
    if ((v) < LANE_VECTORS) {                                                                               \
        const uint32_t at = (v) * LANE_WIDTH;                                                               \
        const lane_vector of_a = lanes_load(pair.a + at * pair.form_a, pair.form_a);                        \
        const lane_vector of_b = lanes_load(pair.b + at * pair.form_b, pair.form_b);                        \
        lanes[v] = lane_add(lanes[v], lane_term(of_a, of_b, sum));                                          \
    }
    LANES_EACH(LANES_STEP)
#undef LANES_STEP
}

/* Adds the terms of the last `dims` elements, fewer than 32, of floats. */
ROWS_INLINE void lanes_tail(lane_vector *lanes, const float *a, const float *b, uint32_t dims, enum simd_sum sum)
{
#define LANES_STEP(v)                                                                                       \
    if ((v) < LANE_VECTORS && dims >= ((v) + 1) * LANE_WIDTH) {                                             \
        const uint32_t at = (v) * LANE_WIDTH;                                                               \
        lanes[v] = lane_add(lanes[v], lane_term(lane_load(a + at), lane_load(b + at), sum));                \
    } else if ((v) < LANE_VECTORS && dims > (v) * LANE_WIDTH) {                                             \
        const uint32_t at = (v) * LANE_WIDTH, rest = dims - at;                                             \
        const lane_vector of_a = lane_load_part(a + at, rest), of_b = lane_load_part(b + at, rest);         \
        lanes[v] = lane_add(lanes[v], lane_term(of_a, of_b, sum));                                          \
    }
    LANES_EACH(LANES_STEP)
#undef LANES_STEP
}

/* Copies n < 32 elements in pieces of constant size, which is much faster than a call of memcpy. */
#define LANES_COPY(name, element_bytes)                                                                     \
    ROWS_SUM void name(uint8_t *to, const uint8_t *from, uint32_t n)                                        \
    {                                                                                                       \
        for (uint32_t piece = LANE_COUNT / 2; piece > 0; piece /= 2) {                                      \
            if ((n & piece) != 0) {                                                                         \
                memcpy(to, from, (size_t)piece * (element_bytes));                                          \
                to += piece * (element_bytes);                                                              \
                from += piece * (element_bytes);                                                            \
            }                                                                                               \
        }                                                                                                   \
    }
LANES_COPY(lanes_copy_f32, LANE_F32)
LANES_COPY(lanes_copy_f16, LANE_F16)

/* The same with halves: a block whose missing elements are zero. */
ROWS_INLINE void lanes_padded(lane_vector *lanes, lane_pair pair, uint32_t dims, enum simd_sum sum)
{
    _Alignas(4) uint8_t a[LANE_COUNT * LANE_F32] = {0}, b[LANE_COUNT * LANE_F16] = {0};
    if (pair.form_a == LANE_F32) {
        lanes_copy_f32(a, pair.a, dims);
    } else {
        lanes_copy_f16(a, pair.a, dims);
    }
    lanes_copy_f16(b, pair.b, dims);
    lanes_block(lanes, (lane_pair){a, b, pair.form_a, pair.form_b}, sum);
}

ROWS_INLINE float lanes_fold(lane_vector *lanes)
{
    if (LANE_VECTORS == 8) {
        lanes[0] = lane_add(lanes[0], lanes[4]);
        lanes[1] = lane_add(lanes[1], lanes[5]);
        lanes[2] = lane_add(lanes[2], lanes[6]);
        lanes[3] = lane_add(lanes[3], lanes[7]);
    }
    if (LANE_VECTORS >= 4) {
        lanes[0] = lane_add(lanes[0], lanes[2]);
        lanes[1] = lane_add(lanes[1], lanes[3]);
    }
    return lane_fold(lane_add(lanes[0], lanes[1])) + 0.0f; /* -0 + 0 is +0 */
}

/* `ahead`: see rows_ahead; NULL where there is no such row to speak of. It is of b's form. */
ROWS_INLINE float lanes_sum(lane_pair pair, uint32_t dims, enum simd_sum sum, const uint8_t *ahead)
{
    lane_vector lanes[LANE_VECTORS_MAX];
    lanes_clear(lanes);
    for (; dims >= LANE_COUNT; dims -= LANE_COUNT) {
        if (ahead != NULL) {
            ROWS_PREFETCH(ahead);
            if (pair.form_b == LANE_F32) {
                ROWS_PREFETCH(ahead + ROW_LINE_BYTES);
            }
            ahead += LANE_COUNT * pair.form_b;
        }
        lanes_block(lanes, pair, sum);
        pair.a += LANE_COUNT * pair.form_a;
        pair.b += LANE_COUNT * pair.form_b;
    }
    if (ahead != NULL) { /* the last line: rows start anywhere in a line */
        ROWS_PREFETCH(ahead + dims * pair.form_b - 1);
    }
    if (dims > 0) {
        if (ahead != NULL) {
            ROWS_PREFETCH(ahead);
        }
        if (pair.form_b == LANE_F32) {
            lanes_tail(lanes, (const float *)(const void *)pair.a, (const float *)(const void *)pair.b, dims, sum);
        } else {
            lanes_padded(lanes, pair, dims, sum);
        }
    }
    return lanes_fold(lanes);
}

/* Sums of floats are inlined wherever they are: they are what most indexes do. */
#define LANES_DEFINE(name, inlined, sum, form)                                                              \
    inlined float sum_##name(const uint8_t *a, const uint8_t *b, uint32_t dims, const uint8_t *ahead)       \
    {                                                                                                       \
        return lanes_sum((lane_pair){a, b, LANE_F32, form}, dims, sum, ahead);                              \
    }                                                                                                       \
    ROWS_KERNELS(name, dims * (form))

LANES_DEFINE(f32_l2, ROWS_INLINE, SIMD_SUM_L2, LANE_F32)
LANES_DEFINE(f32_dot, ROWS_INLINE, SIMD_SUM_DOT, LANE_F32)
LANES_DEFINE(f32_l1, ROWS_INLINE, SIMD_SUM_L1, LANE_F32)
LANES_DEFINE(f16_l2, ROWS_SUM, SIMD_SUM_L2, LANE_F16)
LANES_DEFINE(f16_dot, ROWS_SUM, SIMD_SUM_DOT, LANE_F16)
LANES_DEFINE(f16_l1, ROWS_SUM, SIMD_SUM_L1, LANE_F16)

static float norm_f16(const void *vector, uint32_t dims)
{
    return lanes_sum((lane_pair){vector, vector, LANE_F16, LANE_F16}, dims, SIMD_SUM_DOT, NULL);
}

static void expand_f16(const void *halves, uint32_t dims, float *out)
{
    const uint16_t *from = halves;
    for (; dims >= LANE_WIDTH; dims -= LANE_WIDTH, from += LANE_WIDTH, out += LANE_WIDTH) {
        lane_store(out, lane_load_half(from));
    }
    for (uint32_t i = 0; i < dims; i++) {
        out[i] = half_to_float(from[i]);
    }
}

#endif
