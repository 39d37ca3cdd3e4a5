/*
 * Kernels: one table per instruction set, the same bits from each (the floor's contract; see csrc/README.md).
 *
 * The rule for a float sum over i = 0 .. dims - 1: 32 lanes that start at +0; element i is added to lane i mod 32, i
 * ascending, product rounded before the sum (no fused multiply-add); missing elements of the last 32 add +0. Then the
 * lanes are folded in halves: lane j += lane j + 16 for j < 16, then + 8, + 4, + 2, + 1. A result of -0 becomes +0.
 *
 * A query is in the form that its index stores, but for f16 and sq8: there the query is of floats and rows are made floats
 * (halves exactly, sq8 as sq8.h says) before the same rule. Sums of i8 and u8 are exact and converted to float once, to
 * the nearest.
 */
#ifndef DISKANN_SIMD_H
#define DISKANN_SIMD_H

#include "../include/diskann.h"

#include <stddef.h>
#include <stdint.h>

enum simd_sum {
    SIMD_SUM_L2 = 0,  /* sum (a - b)^2 */
    SIMD_SUM_DOT = 1, /* sum a * b */
    SIMD_SUM_L1 = 2,  /* sum |a - b| */
    SIMD_SUM_COUNT = 3
};

/* One sum. `a`: a query, `b`: a row, `dims` elements (at most 65535) each, aligned to the size of one; sq8: to 4 bytes. */
typedef float simd_one(const void *a, const void *b, uint32_t dims);
/*
 * out[i] = one(query, rows[i]) for i < count. Rows are expected to be cold: the kernel prefetches ahead inside.
 */
typedef void simd_many(const void *query, const void *const *rows, uint32_t count, uint32_t dims, float *out);
/*
 * out[i] = sum of rows[i][j] * query[j] over j < length, exact: the caller sees to it that no sum leaves int32_t. Rows are
 * u8, `length` a multiple of SIMD_DOT_LENGTH; the SIMD_DOT_TAIL bytes behind each row are prefetched with it.
 */
typedef void simd_dots(const int16_t *query, const void *const *rows, uint32_t count, uint32_t length, int32_t *out);
enum { SIMD_DOT_LENGTH = 32, SIMD_DOT_TAIL = 32 };
/* The same of a code and SIMD_DOT_ROWS rows, which are expected to be in the cache. */
enum { SIMD_DOT_ROWS = 4 };
typedef void simd_dot_codes(const uint8_t *code, const void *const *rows, uint32_t length, int32_t *out);

/*
 * Of 32 neighbours, each of which has a number of 4 bits in every row of 16 bytes (neighbour b in the low half of byte b,
 * 16 + b in its high half): out[b] = the sum of tables[t][that number in row t] over t < count, exact. `count`: a multiple of
 * SIMD_SCAN_TABLES, at most 2^24. A table has the sums of four terms, modulo 256: entry i is entry 0 and, for each bit j of
 * i, the difference of entries 2^j and 0 - a family without a look-up of bytes adds these.
 */
typedef void simd_scan(const uint8_t *tables, uint32_t count, const uint8_t *codes, uint32_t *out);
enum { SIMD_SCAN_ROW = 16, SIMD_SCAN_CODES = 32, SIMD_SCAN_TABLES = 16 };

/* `dims` elements of a row as floats. */
typedef void simd_expand(const void *row, uint32_t dims, float *out);

typedef struct simd_kernels {
    uint32_t simd; /* enum diskann_simd */
    /* [element type of the row][sum] */
    simd_one *one[DISKANN_DATA_TYPE_COUNT][SIMD_SUM_COUNT];
    simd_many *many[DISKANN_DATA_TYPE_COUNT][SIMD_SUM_COUNT];
    /* |x|^2 of a row; of type f32 also that of a query of an f16 or sq8 index. */
    float (*norm[DISKANN_DATA_TYPE_COUNT])(const void *vector, uint32_t dims);
    /* NULL but for the types whose rows are not in the form of a query: f16 (finite), sq8. */
    simd_expand *expand[DISKANN_DATA_TYPE_COUNT];
    simd_dots *dots;
    simd_dot_codes *dot_codes;
    simd_scan *scan;
    /* CRC-32C (Castagnoli, reflected, initial and final complement inside): crc of `bytes` bytes after `crc`; start with 0. */
    uint32_t (*crc32c)(uint32_t crc, const void *data, size_t bytes);
} simd_kernels;

/* The table of a family, or NULL where this build or this CPU lacks it. AUTO: the best one, never NULL. */
const simd_kernels *simd_kernels_get(uint32_t simd);

static inline uint32_t simd_element_bytes(uint32_t data_type)
{
    return data_type == DISKANN_F32 ? 4 : data_type == DISKANN_F16 ? 2 : 1;
}

enum { SIMD_SQ8_HEAD_BYTES = 16 };

/* Of a row: its elements, and what is before them in one of sq8. */
static inline uint32_t simd_row_bytes(uint32_t data_type, uint32_t dims)
{
    return dims * simd_element_bytes(data_type) + (data_type == DISKANN_SQ8 ? SIMD_SQ8_HEAD_BYTES : 0);
}

#endif
