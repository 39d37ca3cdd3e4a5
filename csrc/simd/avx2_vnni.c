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

enum { BYTE_WIDTH = 32, WIDE_WIDTH = 16 };
typedef __m256i byte_vector;
typedef __m256i wide_vector;
typedef __m256i wide_sums;
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

static inline uint32_t wide_fold(wide_sums sums)
{
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

static inline uint32_t byte_fold(byte_sums sums)
{
    return wide_fold(_mm256_sub_epi32(sums.products, sums.moved));
}

/* What dots.h wants for a query of 16 bits. */
static inline wide_vector wide_load_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline wide_sums wide_zero(void)
{
    return _mm256_setzero_si256();
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    return _mm256_dpwssd_avx_epi32(sums, a, b);
}

#define BYTES_NAME(name) avx2_vnni_##name
#include "bytes.h"

#define FAMILY_HAS_DOT_CODES 1
#include "dots.h"

void avx2_vnni_dots(const int16_t *query, const void *const *rows, uint32_t count, uint32_t length, int32_t *out)
{
    dots(query, rows, count, length, out);
}

BYTES_END

#endif
