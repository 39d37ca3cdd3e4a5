/*
 * Sums of table entries that 4-bit codes choose, once for all families (FastScan; Andre, Kermarrec, Le Scouarnec, VLDB 2015).
 * A register holds a whole table, so that one instruction looks up 16 codes and more. Sums are integers: any order gives the
 * same bits.
 *
 * Each family's file defines, beside what integers.h wants:
 *
 *     SCAN_TABLES                         how many tables a step takes: 1, 2 or 4
 *     scan_vector                         an entry for each of 16 codes, of so many tables
 *     scan_read(tables, codes, low, high) the entries that the low halves of the bytes at `codes` choose, and the high halves
 *     scan_sums                           sums of 16 bits for 16 codes; may be of each table by itself
 *     scan_zero()
 *     scan_add(sums, entries)
 *     scan_spill(sums, out)               adds the sums of 16 codes to out[0 .. 15]
 */
#ifndef DISKANN_SIMD_SCAN_H
#define DISKANN_SIMD_SCAN_H

#include "rows.h"

enum { SCAN_SPILL = 256 }; /* so many entries of at most 255 fit 16 bits, all tables together */
_Static_assert(SIMD_SCAN_TABLES % SCAN_TABLES == 0 && SCAN_SPILL % SCAN_TABLES == 0, "a scan is a number of whole steps");

static void scan(const uint8_t *tables, uint32_t count, const uint8_t *codes, uint32_t *out)
{
    for (uint32_t i = 0; i < SIMD_SCAN_CODES; i++) {
        out[i] = 0;
    }
    while (count > 0) {
        const uint32_t now = count < SCAN_SPILL ? count : SCAN_SPILL;
        scan_sums lows = scan_zero(), highs = scan_zero();
        for (uint32_t at = 0; at < now * SIMD_SCAN_ROW; at += SCAN_TABLES * SIMD_SCAN_ROW) {
            scan_vector low, high;
            scan_read(tables + at, codes + at, &low, &high);
            lows = scan_add(lows, low);
            highs = scan_add(highs, high);
        }
        scan_spill(lows, out);
        scan_spill(highs, out + SIMD_SCAN_CODES / 2);
        tables += now * SIMD_SCAN_ROW;
        codes += now * SIMD_SCAN_ROW;
        count -= now;
    }
}

#endif
