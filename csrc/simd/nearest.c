/*
 * Which kernel of nearest.h runs, and the one that is always there: with the vectors of four floats that every CPU of
 * an architecture has. Only x86-64 has wider ones, in files of their own.
 */
#include "nearest.h"
#include "families.h"

enum { NEAR_WIDTH = 4 };

#if defined(SIMD_X86_64)

#include <emmintrin.h>

typedef __m128 near_vector;
typedef __m128 near_mask;
typedef __m128i near_numbers;

#define near_load(p) _mm_loadu_ps(p)
#define near_store(p, a) _mm_storeu_ps(p, a)
#define near_load_numbers(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define near_store_numbers(p, a) _mm_storeu_si128((__m128i *)(void *)(p), a)
#define near_zero() _mm_setzero_ps()
#define near_spread(x) _mm_set1_ps(x)
#define near_spread_number(x) _mm_set1_epi32((int)(x))
#define near_add(a, b) _mm_add_ps(a, b)
#define near_sub(a, b) _mm_sub_ps(a, b)
#define near_mul(a, b) _mm_mul_ps(a, b)
#define near_less(a, b) _mm_cmplt_ps(a, b)
#define near_pick(mask, a, b) _mm_or_ps(_mm_and_ps(mask, a), _mm_andnot_ps(mask, b))

static inline near_numbers near_pick_numbers(near_mask mask, near_numbers a, near_numbers b)
{
    const __m128i bits = _mm_castps_si128(mask);
    return _mm_or_si128(_mm_and_si128(bits, a), _mm_andnot_si128(bits, b));
}

#elif defined(SIMD_AARCH64)

#include <arm_neon.h>

typedef float32x4_t near_vector;
typedef uint32x4_t near_mask;
typedef uint32x4_t near_numbers;

#define near_load(p) vld1q_f32(p)
#define near_store(p, a) vst1q_f32(p, a)
#define near_load_numbers(p) vld1q_u32(p)
#define near_store_numbers(p, a) vst1q_u32(p, a)
#define near_zero() vdupq_n_f32(0.0f)
#define near_spread(x) vdupq_n_f32(x)
#define near_spread_number(x) vdupq_n_u32(x)
#define near_add(a, b) vaddq_f32(a, b)
#define near_sub(a, b) vsubq_f32(a, b)
#define near_mul(a, b) vmulq_f32(a, b)
#define near_less(a, b) vcltq_f32(a, b)
#define near_pick(mask, a, b) vbslq_f32(mask, a, b)
#define near_pick_numbers(mask, a, b) vbslq_u32(mask, a, b)

#elif defined(SIMD_WASM128)

#include <wasm_simd128.h>

typedef v128_t near_vector;
typedef v128_t near_mask;
typedef v128_t near_numbers;

#define near_load(p) wasm_v128_load(p)
#define near_store(p, a) wasm_v128_store(p, a)
#define near_load_numbers(p) wasm_v128_load(p)
#define near_store_numbers(p, a) wasm_v128_store(p, a)
#define near_zero() wasm_f32x4_const(0.0f, 0.0f, 0.0f, 0.0f)
#define near_spread(x) wasm_f32x4_splat(x)
#define near_spread_number(x) wasm_i32x4_splat((int32_t)(x))
#define near_add(a, b) wasm_f32x4_add(a, b)
#define near_sub(a, b) wasm_f32x4_sub(a, b)
#define near_mul(a, b) wasm_f32x4_mul(a, b)
#define near_less(a, b) wasm_f32x4_lt(a, b)
#define near_pick(mask, a, b) wasm_v128_bitselect(a, b, mask)
#define near_pick_numbers(mask, a, b) wasm_v128_bitselect(a, b, mask)

#else

typedef struct near_vector {
    float at[NEAR_WIDTH];
} near_vector;
typedef struct near_numbers {
    uint32_t at[NEAR_WIDTH];
} near_numbers;
typedef near_numbers near_mask;

static inline near_vector near_load(const float *p)
{
    return (near_vector){{p[0], p[1], p[2], p[3]}};
}

static inline void near_store(float *p, near_vector a)
{
    for (uint32_t i = 0; i < NEAR_WIDTH; i++) {
        p[i] = a.at[i];
    }
}

static inline near_numbers near_load_numbers(const uint32_t *p)
{
    return (near_numbers){{p[0], p[1], p[2], p[3]}};
}

static inline void near_store_numbers(uint32_t *p, near_numbers a)
{
    for (uint32_t i = 0; i < NEAR_WIDTH; i++) {
        p[i] = a.at[i];
    }
}

static inline near_vector near_spread(float x)
{
    return (near_vector){{x, x, x, x}};
}

static inline near_vector near_zero(void)
{
    return near_spread(0.0f);
}

static inline near_numbers near_spread_number(uint32_t x)
{
    return (near_numbers){{x, x, x, x}};
}

static inline near_vector near_add(near_vector a, near_vector b)
{
    return (near_vector){{a.at[0] + b.at[0], a.at[1] + b.at[1], a.at[2] + b.at[2], a.at[3] + b.at[3]}};
}

static inline near_vector near_sub(near_vector a, near_vector b)
{
    return (near_vector){{a.at[0] - b.at[0], a.at[1] - b.at[1], a.at[2] - b.at[2], a.at[3] - b.at[3]}};
}

static inline near_vector near_mul(near_vector a, near_vector b)
{
    return (near_vector){{a.at[0] * b.at[0], a.at[1] * b.at[1], a.at[2] * b.at[2], a.at[3] * b.at[3]}};
}

static inline near_mask near_less(near_vector a, near_vector b)
{
    return (near_mask){{a.at[0] < b.at[0], a.at[1] < b.at[1], a.at[2] < b.at[2], a.at[3] < b.at[3]}};
}

static inline near_vector near_pick(near_mask mask, near_vector a, near_vector b)
{
    for (uint32_t i = 0; i < NEAR_WIDTH; i++) {
        b.at[i] = mask.at[i] ? a.at[i] : b.at[i];
    }
    return b;
}

static inline near_numbers near_pick_numbers(near_mask mask, near_numbers a, near_numbers b)
{
    for (uint32_t i = 0; i < NEAR_WIDTH; i++) {
        b.at[i] = mask.at[i] ? a.at[i] : b.at[i];
    }
    return b;
}

#endif

#include "nearest_lanes.h"

static void nearest_portable(const float *points, uint32_t dims, const nearest_centroids *centroids, float *distances,
                             uint32_t *numbers)
{
    near_all(points, dims, centroids, distances, numbers);
}

simd_nearest *simd_nearest_get(uint32_t simd)
{
    const simd_kernels *kernels = simd_kernels_get(simd);
    if (kernels == NULL) {
        return NULL;
    }
#if defined(DISKANN_HAVE_AVX512)
    if (kernels->simd == DISKANN_SIMD_AVX512) {
        return nearest_avx512;
    }
#endif
#if defined(DISKANN_HAVE_AVX2)
    if (kernels->simd == DISKANN_SIMD_AVX2) {
        return nearest_avx2;
    }
#endif
    return nearest_portable;
}
