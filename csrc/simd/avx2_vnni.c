/*
 * Kernels of bytes for CPUs with VNNI beside AVX2, whether or not they have AVX-512 (desktops since Alder Lake). As
 * avx512_vnni.c, which says how, with half the width.
 */
#include "families.h"

#if defined(SIMD_AVX_VNNI)

#include <immintrin.h>

#if defined(__AVXVNNI__) || (defined(_MSC_VER) && !defined(__clang__))
#define BYTES_END
#elif defined(__clang__)
#pragma clang attribute push(__attribute__((target("avxvnni"))), apply_to = function)
#define BYTES_END _Pragma("clang attribute pop")
#else
#pragma GCC push_options
#pragma GCC target("avxvnni")
#define BYTES_END _Pragma("GCC pop_options")
#endif

enum { BYTE_WIDTH = 32 };
typedef __m256i byte_vector;
typedef struct byte_sums {
    __m256i products;
    __m256i moved; /* to be subtracted */
} byte_sums;

static inline byte_vector byte_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline byte_vector byte_apart_i8(byte_vector a, byte_vector b)
{
    return _mm256_sub_epi8(_mm256_max_epi8(a, b), _mm256_min_epi8(a, b));
}

static inline byte_vector byte_apart_u8(byte_vector a, byte_vector b)
{
    return _mm256_sub_epi8(_mm256_max_epu8(a, b), _mm256_min_epu8(a, b));
}

static inline byte_sums byte_zero(void)
{
    return (byte_sums){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

/* b + 128 of signed bytes as unsigned ones, b - 128 of unsigned bytes as signed ones. */
static inline byte_vector byte_move(byte_vector b)
{
    return _mm256_xor_si256(b, _mm256_set1_epi8(-128));
}

static inline byte_sums byte_add_i8(byte_sums sums, byte_vector a, byte_vector b)
{
    sums.products = _mm256_dpbusd_avx_epi32(sums.products, byte_move(b), a);
    sums.moved = _mm256_dpbusd_avx_epi32(sums.moved, _mm256_set1_epi8(-128), a); /* unsigned here: 128 */
    return sums;
}

static inline byte_sums byte_add_u8(byte_sums sums, byte_vector a, byte_vector b)
{
    sums.products = _mm256_dpbusd_avx_epi32(sums.products, a, byte_move(b));
    sums.moved = _mm256_dpbusd_avx_epi32(sums.moved, a, _mm256_set1_epi8(-128));
    return sums;
}

static inline byte_sums byte_add(byte_sums sums, byte_vector a)
{
    sums.products = _mm256_dpbusd_avx_epi32(sums.products, a, _mm256_set1_epi8(1));
    return sums;
}

static inline byte_sums byte_join(byte_sums a, byte_sums b)
{
    return (byte_sums){_mm256_add_epi32(a.products, b.products), _mm256_add_epi32(a.moved, b.moved)};
}

static inline uint32_t byte_fold(byte_sums sums)
{
    const __m256i all = _mm256_sub_epi32(sums.products, sums.moved);
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

#define BYTES_NAME(name) avx2_vnni_##name
#include "bytes.h"

BYTES_END

#endif
