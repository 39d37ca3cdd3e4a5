/* The kernel of nearest.h with eight floats at a time. */
#include "families.h"

#if defined(DISKANN_HAVE_AVX2)

#include <immintrin.h>

enum { NEAR_WIDTH = 8 };
typedef __m256 near_vector;
typedef __m256 near_mask;
typedef __m256i near_numbers;

#define near_load(p) _mm256_loadu_ps(p)
#define near_store(p, a) _mm256_storeu_ps(p, a)
#define near_load_numbers(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define near_store_numbers(p, a) _mm256_storeu_si256((__m256i *)(void *)(p), a)
#define near_zero() _mm256_setzero_ps()
#define near_spread(x) _mm256_set1_ps(x)
#define near_spread_number(x) _mm256_set1_epi32((int)(x))
#define near_add(a, b) _mm256_add_ps(a, b)
#define near_sub(a, b) _mm256_sub_ps(a, b)
#define near_mul(a, b) _mm256_mul_ps(a, b)
#define near_less(a, b) _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define near_pick(mask, a, b) _mm256_blendv_ps(b, a, mask)
#define near_pick_numbers(mask, a, b) _mm256_blendv_epi8(b, a, _mm256_castps_si256(mask))

#include "nearest_lanes.h"

void nearest_avx2(const float *points, uint32_t dims, const nearest_centroids *centroids, float *distances,
                  uint32_t *numbers)
{
    near_all(points, dims, centroids, distances, numbers);
}

#endif
