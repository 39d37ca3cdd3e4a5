/*
 * The sums of integers.h and the products of codes of dots.h for CPUs that multiply bytes four by four and add each four
 * products to a sum of 32 bits, none of which saturates: vpdpbusd of x86 (VNNI), udot and sdot of ARM. Sums are modulo 2^32
 * and converted once, so that they are those of integers.h, to the bit. Nothing is widened: a vector is as many elements
 * as it has bytes.
 *
 * Each file that includes this defines before:
 *
 *     BYTES_NAME(name)                what kernels are called outside (families.h)
 *     byte_vector                     BYTE_WIDTH bytes: 16, 32 or 64
 *     byte_load(p)
 *     byte_load_part(p, n)            0 < n < BYTE_WIDTH bytes, 0 in the rest; with FAMILY_HAS_PARTS only
 *     byte_apart_i8(a, b), _u8(a, b)  |a - b|, 0 .. 255
 *     byte_sums                       some sums of 32 bits
 *     byte_zero()
 *     byte_add_i8(sums, a, b), _u8    adds the products of all elements
 *     byte_add(sums, a)               adds all elements, 0 .. 255
 *     byte_join(a, b)                 the sums of both
 *     byte_fold(sums)                 their sum; all of it modulo 2^32
 */
#ifndef DISKANN_SIMD_BYTES_H
#define DISKANN_SIMD_BYTES_H

#include "rows.h"

#include <string.h>

/* A constant wherever these functions are inlined, as `sum` is. */
enum byte_form { BYTE_I8, BYTE_U8 };

enum { BYTE_STEP = 2 * BYTE_WIDTH < ROW_LINE_BYTES ? ROW_LINE_BYTES : 2 * BYTE_WIDTH };

#ifndef FAMILY_HAS_PARTS
/* In pieces of constant size, which is much faster than a call of memcpy. */
ROWS_INLINE byte_vector byte_load_part(const uint8_t *p, uint32_t n)
{
    uint8_t bytes[BYTE_WIDTH] = {0};
    uint8_t *to = bytes;
    for (uint32_t piece = BYTE_WIDTH / 2; piece > 0; piece /= 2) {
        if ((n & piece) != 0) {
            memcpy(to, p, piece);
            to += piece;
            p += piece;
        }
    }
    return byte_load(bytes);
}
#endif

ROWS_INLINE byte_sums byte_block(byte_sums sums, byte_vector a, byte_vector b, enum simd_sum sum, enum byte_form form)
{
    if (sum == SIMD_SUM_DOT) {
        return form == BYTE_I8 ? byte_add_i8(sums, a, b) : byte_add_u8(sums, a, b);
    }
    const byte_vector apart = form == BYTE_I8 ? byte_apart_i8(a, b) : byte_apart_u8(a, b);
    return sum == SIMD_SUM_L2 ? byte_add_u8(sums, apart, apart) : byte_add(sums, apart);
}

/* Two chains of sums: one would wait for its own last addition. `ahead`: see rows_ahead; NULL where there is no such row. */
ROWS_INLINE float byte_sum(const uint8_t *a, const uint8_t *b, uint32_t dims, enum simd_sum sum, enum byte_form form,
                           const uint8_t *ahead)
{
    byte_sums even = byte_zero(), odd = byte_zero();
    uint32_t i = 0;
    for (; dims - i >= BYTE_STEP; i += BYTE_STEP) {
        const uint8_t *const of_a = a + i, *const of_b = b + i;
        for (uint32_t at = 0; ahead != NULL && at < BYTE_STEP; at += ROW_LINE_BYTES) {
            ROWS_PREFETCH(ahead + i + at);
        }
        for (uint32_t at = 0; at < BYTE_STEP; at += 2 * BYTE_WIDTH) {
            even = byte_block(even, byte_load(of_a + at), byte_load(of_b + at), sum, form);
            odd = byte_block(odd, byte_load(of_a + at + BYTE_WIDTH), byte_load(of_b + at + BYTE_WIDTH), sum, form);
        }
    }
    if (ahead != NULL) { /* the last lines: rows start anywhere in a line */
        ROWS_PREFETCH(ahead + (i < dims ? i : 0));
        ROWS_PREFETCH(ahead + dims - 1);
    }
    for (; dims - i >= BYTE_WIDTH; i += BYTE_WIDTH) {
        even = byte_block(even, byte_load(a + i), byte_load(b + i), sum, form);
    }
    if (i < dims) {
        odd = byte_block(odd, byte_load_part(a + i, dims - i), byte_load_part(b + i, dims - i), sum, form);
    }
    const uint32_t total = byte_fold(byte_join(even, odd));
    return form == BYTE_I8 && sum == SIMD_SUM_DOT ? (float)(int32_t)total : (float)total;
}

#define BYTES_DEFINE(name, sum, form)                                                                       \
    ROWS_INLINE float sum_##name(const uint8_t *a, const uint8_t *b, uint32_t dims, const uint8_t *ahead)   \
    {                                                                                                       \
        return byte_sum(a, b, dims, sum, form, ahead);                                                      \
    }                                                                                                       \
    ROWS_KERNELS_NAMED(extern, BYTES_NAME(one_##name), BYTES_NAME(many_##name), name, dims)

BYTES_DEFINE(i8_l2, SIMD_SUM_L2, BYTE_I8)
BYTES_DEFINE(i8_dot, SIMD_SUM_DOT, BYTE_I8)
BYTES_DEFINE(i8_l1, SIMD_SUM_L1, BYTE_I8)
BYTES_DEFINE(u8_l2, SIMD_SUM_L2, BYTE_U8)
BYTES_DEFINE(u8_dot, SIMD_SUM_DOT, BYTE_U8)
BYTES_DEFINE(u8_l1, SIMD_SUM_L1, BYTE_U8)

float BYTES_NAME(norm_i8)(const void *vector, uint32_t dims)
{
    return sum_i8_dot(vector, vector, dims, NULL);
}

float BYTES_NAME(norm_u8)(const void *vector, uint32_t dims)
{
    return sum_u8_dot(vector, vector, dims, NULL);
}

/* Of `rest` bytes of a code, a multiple of SIMD_DOT_LENGTH. */
ROWS_INLINE byte_vector byte_load_code(const uint8_t *p, uint32_t rest)
{
    return (uint32_t)BYTE_WIDTH > SIMD_DOT_LENGTH && rest < BYTE_WIDTH ? byte_load_part(p, rest) : byte_load(p);
}

void BYTES_NAME(dot_codes)(const uint8_t *code, const void *const *rows, uint32_t length, int32_t *out)
{
    const uint8_t *const row_0 = rows[0], *const row_1 = rows[1], *const row_2 = rows[2], *const row_3 = rows[3];
    byte_sums sums_0 = byte_zero(), sums_1 = byte_zero(), sums_2 = byte_zero(), sums_3 = byte_zero();
    for (uint32_t at = 0; at < length; at += BYTE_WIDTH) {
        const uint32_t rest = length - at;
        const byte_vector of_code = byte_load_code(code + at, rest);
        sums_0 = byte_add_u8(sums_0, of_code, byte_load_code(row_0 + at, rest));
        sums_1 = byte_add_u8(sums_1, of_code, byte_load_code(row_1 + at, rest));
        sums_2 = byte_add_u8(sums_2, of_code, byte_load_code(row_2 + at, rest));
        sums_3 = byte_add_u8(sums_3, of_code, byte_load_code(row_3 + at, rest));
    }
    out[0] = (int32_t)byte_fold(sums_0);
    out[1] = (int32_t)byte_fold(sums_1);
    out[2] = (int32_t)byte_fold(sums_2);
    out[3] = (int32_t)byte_fold(sums_3);
}

#endif
