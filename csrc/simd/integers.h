/*
 * Sums over bytes, signed (i8) and unsigned (u8), once. Everything is exact in 32 bits: the largest sum, of l2, is
 * 255^2 * 65535 < 2^32, and an i8 dot product stays within 2^30. So the order of additions is free, partial sums may wrap
 * on their way, and the total is converted to float once, to the nearest. Elements are widened to 16 bits first:
 * instructions that multiply bytes saturate, or want one operand of each sign. (bytes.h: where the CPU has better ones.)
 *
 * Each family's file defines, beside what lanes.h wants:
 *
 *     wide_vector                   WIDE_WIDTH elements of 16 bits: 8, 16 or 32
 *     wide_load_i8(p), _u8(p)       WIDE_WIDTH bytes, widened
 *     wide_load_i16(p)              WIDE_WIDTH integers of 16 bits, of any alignment
 *     wide_ones(), wide_sub(a, b), wide_abs(a)
 *     wide_sums                     some sums of 32 bits
 *     wide_zero()
 *     wide_add(sums, a, b)          adds the products of all elements, modulo 2^32
 *     wide_fold(sums)               their sum, modulo 2^32
 */
#ifndef DISKANN_SIMD_INTEGERS_H
#define DISKANN_SIMD_INTEGERS_H

#include "rows.h"

/* A constant wherever these functions are inlined, as `sum` is. */
enum wide_form { WIDE_I8, WIDE_U8 };

ROWS_INLINE wide_sums wide_block(wide_sums sums, const uint8_t *a, const uint8_t *b, enum simd_sum sum, enum wide_form form)
{
    const wide_vector of_a = form == WIDE_I8 ? wide_load_i8(a) : wide_load_u8(a);
    const wide_vector of_b = form == WIDE_I8 ? wide_load_i8(b) : wide_load_u8(b);
    if (sum == SIMD_SUM_DOT) {
        return wide_add(sums, of_a, of_b);
    }
    const wide_vector difference = wide_sub(of_a, of_b);
    return sum == SIMD_SUM_L1 ? wide_add(sums, wide_abs(difference), wide_ones())
                              : wide_add(sums, difference, difference);
}

ROWS_INLINE uint32_t wide_term(uint8_t byte_a, uint8_t byte_b, enum simd_sum sum, enum wide_form form)
{
    const int32_t a = form == WIDE_I8 ? (int8_t)byte_a : byte_a;
    const int32_t b = form == WIDE_I8 ? (int8_t)byte_b : byte_b;
    if (sum == SIMD_SUM_DOT) {
        return (uint32_t)(a * b);
    }
    const int32_t difference = a - b;
    return (uint32_t)(sum == SIMD_SUM_L2 ? difference * difference : difference < 0 ? -difference : difference);
}

/* `ahead`: see rows_ahead; NULL where there is no such row to speak of. */
ROWS_INLINE float wide_sum(const uint8_t *a, const uint8_t *b, uint32_t dims, enum simd_sum sum, enum wide_form form,
                           const uint8_t *ahead)
{
    wide_sums sums = wide_zero();
    uint32_t i = 0;
    for (; dims - i >= ROW_LINE_BYTES; i += ROW_LINE_BYTES) {
        if (ahead != NULL) {
            ROWS_PREFETCH(ahead + i);
        }
        for (uint32_t at = i; at < i + ROW_LINE_BYTES; at += WIDE_WIDTH) {
            sums = wide_block(sums, a + at, b + at, sum, form);
        }
    }
    if (ahead != NULL) { /* the last lines: rows start anywhere in a line */
        ROWS_PREFETCH(ahead + (i < dims ? i : 0));
        ROWS_PREFETCH(ahead + dims - 1);
    }
    for (; dims - i >= WIDE_WIDTH; i += WIDE_WIDTH) {
        sums = wide_block(sums, a + i, b + i, sum, form);
    }
    uint32_t total = wide_fold(sums);
    for (; i < dims; i++) {
        total += wide_term(a[i], b[i], sum, form);
    }
    return form == WIDE_I8 && sum == SIMD_SUM_DOT ? (float)(int32_t)total : (float)total;
}

#define WIDE_DEFINE(name, sum, form)                                                                        \
    ROWS_SUM float sum_##name(const uint8_t *a, const uint8_t *b, uint32_t dims, const uint8_t *ahead)      \
    {                                                                                                       \
        return wide_sum(a, b, dims, sum, form, ahead);                                                      \
    }                                                                                                       \
    ROWS_KERNELS(name, dims)

WIDE_DEFINE(i8_l2, SIMD_SUM_L2, WIDE_I8)
WIDE_DEFINE(i8_dot, SIMD_SUM_DOT, WIDE_I8)
WIDE_DEFINE(i8_l1, SIMD_SUM_L1, WIDE_I8)
WIDE_DEFINE(u8_l2, SIMD_SUM_L2, WIDE_U8)
WIDE_DEFINE(u8_dot, SIMD_SUM_DOT, WIDE_U8)
WIDE_DEFINE(u8_l1, SIMD_SUM_L1, WIDE_U8)

#endif
