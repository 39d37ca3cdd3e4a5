/*
 * Eight floats or sixteen bytes at a time, for CPUs with AVX2 and F16C. FMA is there on nearly all of them and is not
 * used: see the lane rule.
 */
#include "families.h"

#if defined(DISKANN_HAVE_AVX2)

#include <immintrin.h>

enum { LANE_WIDTH = 8 };
typedef __m256 lane_vector;

static inline lane_vector lane_zero(void)
{
    return _mm256_setzero_ps();
}

static inline lane_vector lane_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    const __m256i position = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), position));
}

static inline lane_vector lane_load_half(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline lane_vector lane_load_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

static inline lane_vector lane_splat(float x)
{
    return _mm256_set1_ps(x);
}

static inline void lane_store(float *p, lane_vector a)
{
    _mm256_storeu_ps(p, a);
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return _mm256_add_ps(a, b);
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return _mm256_sub_ps(a, b);
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return _mm256_mul_ps(a, b);
}

static inline lane_vector lane_abs(lane_vector a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline float lane_fold(lane_vector a)
{
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

enum { WIDE_WIDTH = 16 };
typedef __m256i wide_vector;
typedef __m256i wide_sums;

static inline wide_vector wide_load_i8(const uint8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline wide_vector wide_load_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline wide_vector wide_ones(void)
{
    return _mm256_set1_epi16(1);
}

static inline wide_vector wide_sub(wide_vector a, wide_vector b)
{
    return _mm256_sub_epi16(a, b);
}

static inline wide_vector wide_abs(wide_vector a)
{
    return _mm256_abs_epi16(a);
}

static inline wide_sums wide_zero(void)
{
    return _mm256_setzero_si256();
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
}

static inline uint32_t wide_fold(wide_sums sums)
{
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

enum { SCAN_TABLES = 2 };
typedef __m256i scan_vector;
typedef struct scan_sums {
    __m256i pairs; /* of neighbours: the first, and 256 times the second, modulo 2^16 */
    __m256i seconds;
} scan_sums;

static inline void scan_read(const uint8_t *tables, const uint8_t *codes, scan_vector *low, scan_vector *high)
{
    const __m256i both = _mm256_loadu_si256((const __m256i *)(const void *)codes);
    const __m256i entries = _mm256_loadu_si256((const __m256i *)(const void *)tables);
    const __m256i half = _mm256_set1_epi8(15);
    *low = _mm256_shuffle_epi8(entries, _mm256_and_si256(both, half));
    *high = _mm256_shuffle_epi8(entries, _mm256_and_si256(_mm256_srli_epi16(both, 4), half));
}

static inline scan_sums scan_zero(void)
{
    return (scan_sums){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

static inline scan_sums scan_add(scan_sums sums, scan_vector entries)
{
    sums.pairs = _mm256_add_epi16(sums.pairs, entries);
    sums.seconds = _mm256_add_epi16(sums.seconds, _mm256_srli_epi16(entries, 8));
    return sums;
}

static inline __m128i scan_fold(__m256i sums)
{
    return _mm_add_epi16(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
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

const simd_kernels simd_avx2 = KERNELS_TABLE(DISKANN_SIMD_AVX2, crc32c_sse42);
#if defined(SIMD_AVX_VNNI)
const simd_kernels simd_avx2_vnni = KERNELS_TABLE_WITH(DISKANN_SIMD_AVX2, crc32c_sse42, avx2_vnni);
#endif

#endif
