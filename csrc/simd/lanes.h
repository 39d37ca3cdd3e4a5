/*
 * The lane rule of simd.h, once. Each family's file defines what is below, includes this file, and lists the
 * functions it makes in a table with LANES_TABLE.
 *
 *     lane_vector                        LANE_WIDTH floats: 4, 8 or 16
 *     lane_zero()                        all +0
 *     lane_load(p)                       LANE_WIDTH floats, no alignment beyond 4
 *     lane_load_part(p, n)               0 < n < LANE_WIDTH floats, +0 in the rest; reads nothing behind them
 *     lane_add, lane_sub, lane_mul(a, b) each rounded by itself
 *     lane_abs(a)
 *     lane_fold(a)                       the rule's last folds, inside one vector: + LANE_WIDTH / 2, ..., + 2, + 1
 *
 * Skipping vectors of the tail that hold no element is no departure from "missing elements add +0": a lane is never
 * -0 (it starts at +0, and a sum rounded to nearest is -0 only of two -0), so adding +0 would not change it.
 */
#ifndef DISKANN_SIMD_LANES_H
#define DISKANN_SIMD_LANES_H

#include "families.h"

enum {
    LANE_COUNT = 32,
    LANE_VECTORS = LANE_COUNT / LANE_WIDTH,
    LANE_VECTORS_MAX = 8,
#if defined(SIMD_WASM128)
    LANE_ROWS_AHEAD = 4
#else
    LANE_ROWS_AHEAD = 3
#endif
};

#if defined(__GNUC__) || defined(__clang__)
#define LANES_INLINE static inline __attribute__((always_inline))
#else
#define LANES_INLINE static __forceinline
#endif

/*
 * WebAssembly has no prefetch, but a load whose value nobody waits for does the same: a search of 30,000 x 384 gets
 * a quarter faster.
 */
#if defined(SIMD_WASM128)
#define LANES_PREFETCH(address) ((void)*(const volatile char *)(const void *)(address))
#elif defined(__GNUC__) || defined(__clang__)
#define LANES_PREFETCH(address) __builtin_prefetch(address, 0, 3)
#elif defined(SIMD_X86_64)
#include <xmmintrin.h>
#define LANES_PREFETCH(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
#else
#define LANES_PREFETCH(address) ((void)(address))
#endif

/* `sum` is a constant wherever these are inlined, so no branch is left. */
LANES_INLINE lane_vector lane_term(lane_vector a, lane_vector b, enum simd_sum sum)
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

LANES_INLINE void lanes_clear(lane_vector *lanes)
{
#define LANES_STEP(v)                                                                                       \
    if ((v) < LANE_VECTORS) {                                                                               \
        lanes[v] = lane_zero();                                                                             \
    }
    LANES_EACH(LANES_STEP)
#undef LANES_STEP
}

/* Adds the terms of 32 elements. */
LANES_INLINE void lanes_block(lane_vector *lanes, const float *a, const float *b, enum simd_sum sum)
{
#define LANES_STEP(v)                                                                                       \
    if ((v) < LANE_VECTORS) {                                                                               \
        const uint32_t at = (v) * LANE_WIDTH;                                                               \
        lanes[v] = lane_add(lanes[v], lane_term(lane_load(a + at), lane_load(b + at), sum));                \
    }
    LANES_EACH(LANES_STEP)
#undef LANES_STEP
}

/* Adds the terms of the last `dims` elements, fewer than 32. */
LANES_INLINE void lanes_tail(lane_vector *lanes, const float *a, const float *b, uint32_t dims, enum simd_sum sum)
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

LANES_INLINE float lanes_fold(lane_vector *lanes)
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

/*
 * `ahead` is the row to be read a few rows later: each block asks the caches for the same place of it. Asking piece
 * by piece keeps pace with the memory; asking for a row at once stalls on the queue of misses. NULL where there is
 * no such row to speak of.
 */
LANES_INLINE float lanes_sum(const float *a, const float *b, uint32_t dims, enum simd_sum sum, const float *ahead)
{
    lane_vector lanes[LANE_VECTORS_MAX];
    lanes_clear(lanes);
    for (; dims >= LANE_COUNT; dims -= LANE_COUNT, a += LANE_COUNT, b += LANE_COUNT) {
        if (ahead != NULL) {
            LANES_PREFETCH(ahead);
            LANES_PREFETCH(ahead + LANE_COUNT / 2);
            ahead += LANE_COUNT;
        }
        lanes_block(lanes, a, b, sum);
    }
    if (ahead != NULL) { /* the last line: rows start anywhere in a line */
        LANES_PREFETCH(ahead + dims - 1);
    }
    if (dims > 0) {
        if (ahead != NULL) {
            LANES_PREFETCH(ahead);
        }
        lanes_tail(lanes, a, b, dims, sum);
    }
    return lanes_fold(lanes);
}

LANES_INLINE void lanes_prefetch(const float *row, uint32_t dims)
{
    for (uint32_t at = 0; at < dims; at += LANE_COUNT / 2) {
        LANES_PREFETCH(row + at);
    }
    LANES_PREFETCH(row + dims - 1);
}

LANES_INLINE void lanes_many(const void *query, const void *const *rows, uint32_t count, uint32_t dims,
                             float *out, enum simd_sum sum)
{
    for (uint32_t i = 0; i < count && i < LANE_ROWS_AHEAD; i++) {
        lanes_prefetch(rows[i], dims);
    }
    for (uint32_t i = 0; i < count; i++) {
        /* near the end the query stands in: it is in the cache, and asking again costs less than a branch */
        const float *const ahead = count - i > LANE_ROWS_AHEAD ? rows[i + LANE_ROWS_AHEAD] : query;
        out[i] = lanes_sum(query, rows[i], dims, sum, ahead);
    }
}

#define LANES_DEFINE(name, sum)                                                                             \
    static float one_##name(const void *a, const void *b, uint32_t dims)                                    \
    {                                                                                                       \
        return lanes_sum(a, b, dims, sum, NULL);                                                            \
    }                                                                                                       \
    static void many_##name(const void *query, const void *const *rows, uint32_t count, uint32_t dims,      \
                            float *out)                                                                     \
    {                                                                                                       \
        lanes_many(query, rows, count, dims, out, sum);                                                     \
    }

LANES_DEFINE(l2, SIMD_SUM_L2)
LANES_DEFINE(dot, SIMD_SUM_DOT)
LANES_DEFINE(l1, SIMD_SUM_L1)

#define LANES_ROW(name) {[SIMD_SUM_L2] = name##_l2, [SIMD_SUM_DOT] = name##_dot, [SIMD_SUM_L1] = name##_l1}
#define LANES_TABLE(family, checksum)                                                                       \
    {                                                                                                       \
        .simd = (family), .crc32c = (checksum), .dots = dots, .dot_codes = dot_codes,                       \
        .one = {[DISKANN_F32] = LANES_ROW(one)},                                                            \
        .many = {[DISKANN_F32] = LANES_ROW(many)},                                                          \
    }

#endif
