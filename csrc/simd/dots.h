/*
 * Products of 8-bit codes with a 16-bit query, and with another code, once for all families: integers, so that any order
 * gives the same bits. Made of what integers.h names. Four rows share the loads of what they are multiplied with, and
 * their sums wait for nobody.
 */
#ifndef DISKANN_SIMD_DOTS_H
#define DISKANN_SIMD_DOTS_H

#include "rows.h"

_Static_assert(SIMD_DOT_LENGTH % WIDE_WIDTH == 0, "a row is a number of whole vectors");

/* What rows are multiplied with; the value is the size of an element. A constant wherever these functions are inlined. */
enum dot_form { DOT_QUERY = 2, DOT_CODE = 1 };

ROWS_INLINE wide_vector dot_load(const uint8_t *point, uint32_t at, enum dot_form form)
{
    return form == DOT_QUERY ? wide_load_i16((const int16_t *)(const void *)point + at) : wide_load_u8(point + at);
}

ROWS_INLINE void dot_four(const uint8_t *point, const void *const *rows, uint32_t length, int32_t *out, enum dot_form form)
{
    const uint8_t *const row_0 = rows[0], *const row_1 = rows[1], *const row_2 = rows[2], *const row_3 = rows[3];
    wide_sums sums_0 = wide_zero(), sums_1 = wide_zero(), sums_2 = wide_zero(), sums_3 = wide_zero();
    for (uint32_t block = 0; block < length; block += SIMD_DOT_LENGTH) {
        for (uint32_t at = block; at < block + SIMD_DOT_LENGTH; at += WIDE_WIDTH) {
            const wide_vector of_point = dot_load(point, at, form);
            sums_0 = wide_add(sums_0, wide_load_u8(row_0 + at), of_point);
            sums_1 = wide_add(sums_1, wide_load_u8(row_1 + at), of_point);
            sums_2 = wide_add(sums_2, wide_load_u8(row_2 + at), of_point);
            sums_3 = wide_add(sums_3, wide_load_u8(row_3 + at), of_point);
        }
    }
    out[0] = (int32_t)wide_fold(sums_0);
    out[1] = (int32_t)wide_fold(sums_1);
    out[2] = (int32_t)wide_fold(sums_2);
    out[3] = (int32_t)wide_fold(sums_3);
}

ROWS_INLINE int32_t dot_one(const uint8_t *point, const uint8_t *row, uint32_t length, enum dot_form form)
{
    wide_sums sums = wide_zero();
    for (uint32_t block = 0; block < length; block += SIMD_DOT_LENGTH) {
        for (uint32_t at = block; at < block + SIMD_DOT_LENGTH; at += WIDE_WIDTH) {
            sums = wide_add(sums, wide_load_u8(row + at), dot_load(point, at, form));
        }
    }
    return (int32_t)wide_fold(sums);
}

#ifndef FAMILY_HAS_DOTS /* else the family has its own */
static void dots(const int16_t *query, const void *const *rows, uint32_t count, uint32_t length, int32_t *out)
{
    const uint8_t *point = (const uint8_t *)query;
    const uint32_t row_bytes = length + SIMD_DOT_TAIL; /* what lies behind the codes is read next */
    for (uint32_t i = 0; i < count && i < SIMD_DOT_ROWS; i++) {
        rows_prefetch(rows[i], row_bytes);
    }
    uint32_t i = 0;
    for (; count - i >= SIMD_DOT_ROWS; i += SIMD_DOT_ROWS) {
        for (uint32_t ahead = i + SIMD_DOT_ROWS; ahead < i + 2 * SIMD_DOT_ROWS && ahead < count; ahead++) {
            rows_prefetch(rows[ahead], row_bytes);
        }
        dot_four(point, rows + i, length, out + i, DOT_QUERY);
    }
    for (; i < count; i++) {
        out[i] = dot_one(point, rows[i], length, DOT_QUERY);
    }
}
#endif

static void dot_codes(const uint8_t *code, const void *const *rows, uint32_t length, int32_t *out)
{
    dot_four(code, rows, length, out, DOT_CODE);
}

#endif
