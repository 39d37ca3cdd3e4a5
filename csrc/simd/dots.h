/*
 * Products of 8-bit codes and a 16-bit query, and of two codes, once for all families: integers, so that any order gives the
 * same bits. Made of what integers.h names.
 */
#ifndef DISKANN_SIMD_DOTS_H
#define DISKANN_SIMD_DOTS_H

#include "rows.h"

enum { DOT_ROWS_AHEAD = 4 };
_Static_assert(SIMD_DOT_LENGTH % WIDE_WIDTH == 0, "a row is a number of whole vectors");

#ifndef FAMILY_HAS_DOTS
static void dots(const int16_t *query, const void *const *rows, uint32_t count, uint32_t length, int32_t *out)
{
    const uint32_t row_bytes = length + SIMD_DOT_TAIL; /* what lies behind the codes is read next */
    for (uint32_t i = 0; i < count && i < DOT_ROWS_AHEAD; i++) {
        rows_prefetch(rows[i], row_bytes);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (count - i > DOT_ROWS_AHEAD) {
            rows_prefetch(rows[i + DOT_ROWS_AHEAD], row_bytes);
        }
        const uint8_t *row = rows[i];
        wide_sums sums = wide_zero();
        for (uint32_t at = 0; at < length; at += WIDE_WIDTH) {
            sums = wide_add(sums, wide_load_u8(row + at), wide_load_i16(query + at));
        }
        out[i] = (int32_t)wide_fold(sums);
    }
}
#endif

static int32_t dot_codes(const uint8_t *a, const uint8_t *b, uint32_t length)
{
    wide_sums sums = wide_zero();
    for (uint32_t at = 0; at < length; at += WIDE_WIDTH) {
        sums = wide_add(sums, wide_load_u8(a + at), wide_load_u8(b + at));
    }
    return (int32_t)wide_fold(sums);
}

#endif
