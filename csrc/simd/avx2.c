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

#include "lanes.h"

const simd_kernels simd_avx2 = LANES_TABLE(DISKANN_SIMD_AVX2, crc32c_sse42);

#endif
