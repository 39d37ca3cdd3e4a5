/*
 * Products of 8-bit codes and a 16-bit query, once for all families; integers, so any order gives the same bits. Each
 * family's file defines what is below before it includes this file:
 *
 *     dot_vector, DOT_STEP               sums, and how many elements a step takes: a divisor of SIMD_DOT_LENGTH
 *     dot_zero()
 *     dot_step(sums, row, query)         adds DOT_STEP products; no intermediate result may saturate
 *     dot_step_codes(sums, a, b)         the same of codes and codes
 *     dot_fold(sums)                     the sum of all
 */
#ifndef DISKANN_SIMD_DOTS_H
#define DISKANN_SIMD_DOTS_H

#include "lanes.h"

enum { DOT_LINE_BYTES = 64, DOT_ROWS_AHEAD = 4 };

LANES_INLINE void dots_prefetch(const uint8_t *row, uint32_t length)
{
    for (uint32_t at = 0; at < length; at += DOT_LINE_BYTES) {
        LANES_PREFETCH(row + at);
    }
    LANES_PREFETCH(row + length + SIMD_DOT_TAIL - 1); /* what lies behind the codes is read next */
}

static void dots(const int16_t *query, const void *const *rows, uint32_t count, uint32_t length, int32_t *out)
{
    for (uint32_t i = 0; i < count && i < DOT_ROWS_AHEAD; i++) {
        dots_prefetch(rows[i], length);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (count - i > DOT_ROWS_AHEAD) {
            dots_prefetch(rows[i + DOT_ROWS_AHEAD], length);
        }
        const uint8_t *row = rows[i];
        dot_vector sums = dot_zero();
        for (uint32_t at = 0; at < length; at += DOT_STEP) {
            sums = dot_step(sums, row + at, query + at);
        }
        out[i] = dot_fold(sums);
    }
}

static int32_t dot_codes(const uint8_t *a, const uint8_t *b, uint32_t length)
{
    dot_vector sums = dot_zero();
    for (uint32_t at = 0; at < length; at += DOT_STEP) {
        sums = dot_step_codes(sums, a + at, b + at);
    }
    return dot_fold(sums);
}

#endif
