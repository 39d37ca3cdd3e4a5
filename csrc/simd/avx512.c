/* Sixteen floats or 32 bytes at a time, for CPUs with AVX-512 F, BW, DQ and VL (servers since Skylake, Zen 4). */
#include "families.h"

#if defined(DISKANN_HAVE_AVX512)

#include <immintrin.h>

enum { LANE_WIDTH = 16 };
typedef __m512 lane_vector;

static inline lane_vector lane_zero(void)
{
    return _mm512_setzero_ps();
}

static inline lane_vector lane_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static inline lane_vector lane_load_half(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline lane_vector lane_load_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

static inline lane_vector lane_splat(float x)
{
    return _mm512_set1_ps(x);
}

static inline void lane_store(float *p, lane_vector a)
{
    _mm512_storeu_ps(p, a);
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return _mm512_add_ps(a, b);
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return _mm512_sub_ps(a, b);
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return _mm512_mul_ps(a, b);
}

static inline lane_vector lane_abs(lane_vector a)
{
    return _mm512_abs_ps(a);
}

static inline float lane_fold(lane_vector a)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

enum { WIDE_WIDTH = 32 };
typedef __m512i wide_vector;
typedef __m512i wide_sums;

static inline wide_vector wide_load_i8(const uint8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline wide_vector wide_load_u8(const uint8_t *p)
{
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline wide_vector wide_ones(void)
{
    return _mm512_set1_epi16(1);
}

static inline wide_vector wide_sub(wide_vector a, wide_vector b)
{
    return _mm512_sub_epi16(a, b);
}

static inline wide_vector wide_abs(wide_vector a)
{
    return _mm512_abs_epi16(a);
}

static inline wide_sums wide_zero(void)
{
    return _mm512_setzero_si512();
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    return _mm512_add_epi32(sums, _mm512_madd_epi16(a, b));
}

static inline uint32_t wide_fold(wide_sums sums)
{
    const __m256i eight = _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti32x8_epi32(sums, 1));
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

enum { SCAN_TABLES = 4 };
typedef __m512i scan_vector;
typedef struct scan_sums {
    __m512i pairs; /* of neighbours: the first, and 256 times the second, modulo 2^16 */
    __m512i seconds;
} scan_sums;

static inline void scan_read(const uint8_t *tables, const uint8_t *codes, scan_vector *low, scan_vector *high)
{
    const __m512i both = _mm512_loadu_si512(codes);
    const __m512i entries = _mm512_loadu_si512(tables);
    const __m512i half = _mm512_set1_epi8(15);
    *low = _mm512_shuffle_epi8(entries, _mm512_and_si512(both, half));
    *high = _mm512_shuffle_epi8(entries, _mm512_and_si512(_mm512_srli_epi16(both, 4), half));
}

static inline scan_sums scan_zero(void)
{
    return (scan_sums){_mm512_setzero_si512(), _mm512_setzero_si512()};
}

static inline scan_sums scan_add(scan_sums sums, scan_vector entries)
{
    sums.pairs = _mm512_add_epi16(sums.pairs, entries);
    sums.seconds = _mm512_add_epi16(sums.seconds, _mm512_srli_epi16(entries, 8));
    return sums;
}

static inline __m128i scan_fold(__m512i sums)
{
    const __m256i two = _mm256_add_epi16(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
    return _mm_add_epi16(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
}

static inline void scan_put(__m128i sums, uint32_t *out)
{
    const __m256i before = _mm256_loadu_si256((const __m256i *)(const void *)out);
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_add_epi32(before, _mm256_cvtepu16_epi32(sums)));
}

static inline void scan_spill(scan_sums sums, uint32_t *out)
{
    const __m128i seconds = scan_fold(sums.seconds);
    const __m128i firsts = _mm_sub_epi16(scan_fold(sums.pairs), _mm_slli_epi16(seconds, 8));
    scan_put(_mm_unpacklo_epi16(firsts, seconds), out);
    scan_put(_mm_unpackhi_epi16(firsts, seconds), out + 8);
}

#include "kernels.h"

const simd_kernels simd_avx512 = KERNELS_TABLE(DISKANN_SIMD_AVX512, crc32c_sse42);
const simd_kernels simd_avx512_vnni = KERNELS_TABLE_WITH(DISKANN_SIMD_AVX512, crc32c_sse42, avx512_vnni);

#endif
