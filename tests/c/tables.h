/*
 * Every kernel table this CPU can run: one for a family, and the plain one of a family that has a better one here, whose
 * kernels of bytes are made of other instructions.
 */
#ifndef DISKANN_TESTS_TABLES_H
#define DISKANN_TESTS_TABLES_H

#include "../../csrc/simd/families.h"

typedef struct table_pair {
    const char *name; /* of the better one, in DISKANN_EXPECT_SIMD */
    uint32_t family;
    const simd_kernels *plain;
    const simd_kernels *better;
} table_pair;

static const table_pair TABLE_PAIRS[] = {
    {"", DISKANN_SIMD_COUNT, NULL, NULL},
#if defined(SIMD_AVX_VNNI)
    {"avx2+vnni", DISKANN_SIMD_AVX2, &simd_avx2, &simd_avx2_vnni},
#endif
#if defined(DISKANN_HAVE_AVX512)
    {"avx512+vnni", DISKANN_SIMD_AVX512, &simd_avx512, &simd_avx512_vnni},
#endif
#if defined(DISKANN_HAVE_ARM_DOT)
    {"neon+dot", DISKANN_SIMD_NEON, &simd_neon_crc, &simd_neon_dot},
#endif
};
enum { TABLE_PAIR_COUNT = sizeof TABLE_PAIRS / sizeof TABLE_PAIRS[0], TABLE_COUNT = DISKANN_SIMD_COUNT + TABLE_PAIR_COUNT };

static inline int table_is_better(const table_pair *pair)
{
    return pair->better != NULL && simd_kernels_get(pair->family) == pair->better;
}

/* NULL where there is none. */
static inline const simd_kernels *table_get(uint32_t number)
{
    if (number < DISKANN_SIMD_COUNT) {
        return simd_kernels_get(number);
    }
    const table_pair *pair = &TABLE_PAIRS[number - DISKANN_SIMD_COUNT];
    return table_is_better(pair) ? pair->plain : NULL;
}

#endif
