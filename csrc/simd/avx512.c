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

#include "kernels.h"

const simd_kernels simd_avx512 = KERNELS_TABLE(DISKANN_SIMD_AVX512, crc32c_sse42);

#endif
