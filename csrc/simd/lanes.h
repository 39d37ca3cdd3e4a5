/*
 * The lane rule of simd.h, once. Each family's file defines what is below, includes this file, and lists the
 * functions it makes in a table with LANES_TABLE.
 *
 *     lane_vector                        LANE_WIDTH floats; LANE_WIDTH divides 32
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
    LANE_ROWS_AHEAD = 2,
    LANE_LINE_BYTES = 64
};

#if defined(__clang__)
#define LANES_UNROLL _Pragma("clang loop unroll(full)")
#define LANES_INLINE static inline __attribute__((always_inline))
#elif defined(__GNUC__)
#define LANES_UNROLL _Pragma("GCC unroll 32")
#define LANES_INLINE static inline __attribute__((always_inline))
#else
#define LANES_UNROLL
#define LANES_INLINE static __forceinline
#endif

#if defined(__GNUC__) || defined(__clang__)
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

LANES_INLINE float lanes_sum(const float *a, const float *b, uint32_t dims, enum simd_sum sum)
{
    lane_vector lanes[LANE_VECTORS];
    LANES_UNROLL
    for (uint32_t v = 0; v < LANE_VECTORS; v++) {
        lanes[v] = lane_zero();
    }
    for (; dims >= LANE_COUNT; dims -= LANE_COUNT, a += LANE_COUNT, b += LANE_COUNT) {
        LANES_UNROLL
        for (uint32_t v = 0; v < LANE_VECTORS; v++) {
            const lane_vector term = lane_term(lane_load(a + v * LANE_WIDTH), lane_load(b + v * LANE_WIDTH), sum);
            lanes[v] = lane_add(lanes[v], term);
        }
    }
    LANES_UNROLL
    for (uint32_t v = 0; v < LANE_VECTORS; v++, a += LANE_WIDTH, b += LANE_WIDTH, dims -= LANE_WIDTH) {
        if (dims < LANE_WIDTH) {
            if (dims > 0) {
                lanes[v] = lane_add(lanes[v], lane_term(lane_load_part(a, dims), lane_load_part(b, dims), sum));
            }
            break;
        }
        lanes[v] = lane_add(lanes[v], lane_term(lane_load(a), lane_load(b), sum));
    }
    LANES_UNROLL
    for (uint32_t half = LANE_VECTORS / 2; half > 0; half /= 2) {
        LANES_UNROLL
        for (uint32_t v = 0; v < half; v++) {
            lanes[v] = lane_add(lanes[v], lanes[v + half]);
        }
    }
    return lane_fold(lanes[0]) + 0.0f; /* -0 + 0 is +0 */
}

LANES_INLINE void lanes_prefetch(const void *row, uint32_t dims)
{
    const uint8_t *const bytes = row;
    const size_t end = (size_t)dims * sizeof(float);
    for (size_t at = 0; at < end; at += LANE_LINE_BYTES) {
        LANES_PREFETCH(bytes + at);
    }
    LANES_PREFETCH(bytes + end - 1);
}

LANES_INLINE void lanes_many(const void *query, const void *const *rows, uint32_t count, uint32_t dims, float *out,
                             enum simd_sum sum)
{
    for (uint32_t i = 0; i < count && i < LANE_ROWS_AHEAD; i++) {
        lanes_prefetch(rows[i], dims);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (count - i > LANE_ROWS_AHEAD) {
            lanes_prefetch(rows[i + LANE_ROWS_AHEAD], dims);
        }
        out[i] = lanes_sum(query, rows[i], dims, sum);
    }
}

#define LANES_DEFINE(name, sum)                                                                                      \
    static float one_##name(const void *a, const void *b, uint32_t dims)                                             \
    {                                                                                                                \
        return lanes_sum(a, b, dims, sum);                                                                           \
    }                                                                                                                \
    static void many_##name(const void *query, const void *const *rows, uint32_t count, uint32_t dims, float *out)   \
    {                                                                                                                \
        lanes_many(query, rows, count, dims, out, sum);                                                              \
    }

LANES_DEFINE(l2, SIMD_SUM_L2)
LANES_DEFINE(dot, SIMD_SUM_DOT)
LANES_DEFINE(l1, SIMD_SUM_L1)

#define LANES_TABLE(family, checksum)                                                                                \
    {                                                                                                                \
        .simd = (family), .crc32c = (checksum),                                                                      \
        .one = {[DISKANN_F32] = {[SIMD_SUM_L2] = one_l2, [SIMD_SUM_DOT] = one_dot, [SIMD_SUM_L1] = one_l1}},         \
        .many = {[DISKANN_F32] = {[SIMD_SUM_L2] = many_l2, [SIMD_SUM_DOT] = many_dot, [SIMD_SUM_L1] = many_l1}},     \
    }

#endif
