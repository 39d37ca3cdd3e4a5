/*
 * The family that is always there: SSE2 on x86-64, where every CPU has it; plain C elsewhere, four floats at a time
 * so that a compiler sees vectors.
 */
#include "families.h"

#if defined(SIMD_X86_64)

#include <emmintrin.h>

enum { LANE_WIDTH = 4 };
typedef __m128 lane_vector;

static inline lane_vector lane_zero(void)
{
    return _mm_setzero_ps();
}

static inline lane_vector lane_load(const float *p)
{
    return _mm_loadu_ps(p);
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    if (n == 1) {
        return _mm_load_ss(p);
    }
    const __m128 two = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p));
    return n == 2 ? two : _mm_movelh_ps(two, _mm_load_ss(p + 2));
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return _mm_add_ps(a, b);
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return _mm_sub_ps(a, b);
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return _mm_mul_ps(a, b);
}

static inline lane_vector lane_abs(lane_vector a)
{
    return _mm_andnot_ps(_mm_set1_ps(-0.0f), a);
}

static inline float lane_fold(lane_vector a)
{
    const __m128 two = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/* ---- codes (see dots.h) ---- */

enum { DOT_STEP = 16 };
typedef __m128i dot_vector;

static inline dot_vector dot_zero(void)
{
    return _mm_setzero_si128();
}

static inline dot_vector dot_step(dot_vector sums, const uint8_t *row, const int16_t *query)
{
    const __m128i codes = _mm_loadu_si128((const __m128i *)(const void *)row);
    const __m128i *values = (const __m128i *)(const void *)query;
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8(codes, _mm_setzero_si128()), _mm_loadu_si128(values));
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(codes, _mm_setzero_si128()), _mm_loadu_si128(values + 1));
    return _mm_add_epi32(sums, _mm_add_epi32(low, high));
}

static inline dot_vector dot_step_codes(dot_vector sums, const uint8_t *a, const uint8_t *b)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i of_a = _mm_loadu_si128((const __m128i *)(const void *)a);
    const __m128i of_b = _mm_loadu_si128((const __m128i *)(const void *)b);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8(of_a, zero), _mm_unpacklo_epi8(of_b, zero));
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(of_a, zero), _mm_unpackhi_epi8(of_b, zero));
    return _mm_add_epi32(sums, _mm_add_epi32(low, high));
}

static inline int32_t dot_fold(dot_vector sums)
{
    const __m128i two = _mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

#else

#include <math.h>

enum { LANE_WIDTH = 4 };
typedef struct lane_vector {
    float at[LANE_WIDTH];
} lane_vector;

static inline lane_vector lane_zero(void)
{
    return (lane_vector){{0.0f, 0.0f, 0.0f, 0.0f}};
}

static inline lane_vector lane_load(const float *p)
{
    return (lane_vector){{p[0], p[1], p[2], p[3]}};
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    return (lane_vector){{p[0], n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, 0.0f}};
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return (lane_vector){{a.at[0] + b.at[0], a.at[1] + b.at[1], a.at[2] + b.at[2], a.at[3] + b.at[3]}};
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return (lane_vector){{a.at[0] - b.at[0], a.at[1] - b.at[1], a.at[2] - b.at[2], a.at[3] - b.at[3]}};
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return (lane_vector){{a.at[0] * b.at[0], a.at[1] * b.at[1], a.at[2] * b.at[2], a.at[3] * b.at[3]}};
}

static inline lane_vector lane_abs(lane_vector a)
{
    return (lane_vector){{fabsf(a.at[0]), fabsf(a.at[1]), fabsf(a.at[2]), fabsf(a.at[3])}};
}

static inline float lane_fold(lane_vector a)
{
    return (a.at[0] + a.at[2]) + (a.at[1] + a.at[3]);
}

enum { DOT_STEP = 1 };
typedef int32_t dot_vector;

static inline dot_vector dot_zero(void)
{
    return 0;
}

static inline dot_vector dot_step(dot_vector sums, const uint8_t *row, const int16_t *query)
{
    return sums + *row * *query;
}

static inline dot_vector dot_step_codes(dot_vector sums, const uint8_t *a, const uint8_t *b)
{
    return sums + *a * *b;
}

static inline int32_t dot_fold(dot_vector sums)
{
    return sums;
}

#endif

#include "dots.h"

const simd_kernels simd_portable = LANES_TABLE(DISKANN_SIMD_PORTABLE, crc32c_slicing);
#if defined(DISKANN_HAVE_SSE42)
const simd_kernels simd_portable_sse42 = LANES_TABLE(DISKANN_SIMD_PORTABLE, crc32c_sse42);
#endif
