/*
 * Kernels of bytes for CPUs with AVX-512 VNNI beside what avx512.c wants (servers since Cascade Lake, Zen 4). vpdpbusd takes
 * an unsigned and a signed byte; the products of two alike are had by moving one of them by 128 and subtracting what that
 * adds: a b = a (b - 128) - -128 a, and a b = (b + 128) a - 128 a.
 */
#include "families.h"

#if defined(DISKANN_HAVE_AVX512)

#include <immintrin.h>

enum { BYTE_WIDTH = 64 };
typedef __m512i byte_vector;
typedef struct byte_sums {
    __m512i products;
    __m512i moved; /* to be subtracted */
} byte_sums;

static inline byte_vector byte_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

#define FAMILY_HAS_PARTS 1
static inline byte_vector byte_load_part(const uint8_t *p, uint32_t n)
{
    return _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}

static inline byte_vector byte_apart_i8(byte_vector a, byte_vector b)
{
    return _mm512_sub_epi8(_mm512_max_epi8(a, b), _mm512_min_epi8(a, b));
}

static inline byte_vector byte_apart_u8(byte_vector a, byte_vector b)
{
    return _mm512_sub_epi8(_mm512_max_epu8(a, b), _mm512_min_epu8(a, b));
}

static inline byte_sums byte_zero(void)
{
    return (byte_sums){_mm512_setzero_si512(), _mm512_setzero_si512()};
}

/* b + 128 of signed bytes as unsigned ones, b - 128 of unsigned bytes as signed ones. */
static inline byte_vector byte_move(byte_vector b)
{
    return _mm512_xor_si512(b, _mm512_set1_epi8(-128));
}

static inline byte_sums byte_add_i8(byte_sums sums, byte_vector a, byte_vector b)
{
    sums.products = _mm512_dpbusd_epi32(sums.products, byte_move(b), a);
    sums.moved = _mm512_dpbusd_epi32(sums.moved, _mm512_set1_epi8(-128), a); /* unsigned here: 128 */
    return sums;
}

static inline byte_sums byte_add_u8(byte_sums sums, byte_vector a, byte_vector b)
{
    sums.products = _mm512_dpbusd_epi32(sums.products, a, byte_move(b));
    sums.moved = _mm512_dpbusd_epi32(sums.moved, a, _mm512_set1_epi8(-128));
    return sums;
}

static inline byte_sums byte_add(byte_sums sums, byte_vector a)
{
    sums.products = _mm512_dpbusd_epi32(sums.products, a, _mm512_set1_epi8(1));
    return sums;
}

static inline byte_sums byte_join(byte_sums a, byte_sums b)
{
    return (byte_sums){_mm512_add_epi32(a.products, b.products), _mm512_add_epi32(a.moved, b.moved)};
}

static inline uint32_t byte_fold(byte_sums sums)
{
    const __m512i all = _mm512_sub_epi32(sums.products, sums.moved);
    const __m256i eight = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti32x8_epi32(all, 1));
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

#define BYTES_NAME(name) avx512_vnni_##name
#include "bytes.h"

#endif
