/* Eight floats at a time, for CPUs with AVX2. FMA is there on nearly all of them and is not used: see the lane rule. */
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

/* ---- codes (see dots.h) ---- */

enum { DOT_STEP = 16 };
typedef __m256i dot_vector;

static inline dot_vector dot_zero(void)
{
    return _mm256_setzero_si256();
}

static inline dot_vector dot_step(dot_vector sums, const uint8_t *row, const int16_t *query)
{
    const __m256i codes = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)row));
    const __m256i values = _mm256_loadu_si256((const __m256i *)(const void *)query);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(codes, values));
}

static inline dot_vector dot_step_codes(dot_vector sums, const uint8_t *a, const uint8_t *b)
{
    const __m256i of_a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)a));
    const __m256i of_b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)b));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(of_a, of_b));
}

static inline int32_t dot_fold(dot_vector sums)
{
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

#include "dots.h"

const simd_kernels simd_avx2 = LANES_TABLE(DISKANN_SIMD_AVX2, crc32c_sse42);

#endif
