/* The kernel of nearest.h with sixteen floats at a time. */
#include "families.h"

#if defined(DISKANN_HAVE_AVX512)

#include <immintrin.h>

enum { NEAR_WIDTH = 16 };
typedef __m512 near_vector;
typedef __mmask16 near_mask;
typedef __m512i near_numbers;

#define near_load(p) _mm512_loadu_ps(p)
#define near_store(p, a) _mm512_storeu_ps(p, a)
#define near_load_numbers(p) _mm512_loadu_si512(p)
#define near_store_numbers(p, a) _mm512_storeu_si512(p, a)
#define near_zero() _mm512_setzero_ps()
#define near_spread(x) _mm512_set1_ps(x)
#define near_spread_number(x) _mm512_set1_epi32((int)(x))
#define near_add(a, b) _mm512_add_ps(a, b)
#define near_sub(a, b) _mm512_sub_ps(a, b)
#define near_mul(a, b) _mm512_mul_ps(a, b)
#define near_less(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define near_pick(mask, a, b) _mm512_mask_blend_ps(mask, b, a)
#define near_pick_numbers(mask, a, b) _mm512_mask_blend_epi32(mask, b, a)

#include "nearest_lanes.h"

void nearest_avx512(const float *points, uint32_t dims, const nearest_centroids *centroids, float *distances,
                    uint32_t *numbers)
{
    near_all(points, dims, centroids, distances, numbers);
}

#endif
