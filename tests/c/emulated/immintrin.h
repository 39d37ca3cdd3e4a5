/*
 * x86's wide instructions in plain C (SIMDe), in place of the compiler's header: for kernels that the CPU at hand does not
 * run. What SIMDe lacks is here. A masked load reads what its mask covers and no more, so that a memory detector sees.
 */
#ifndef DISKANN_TESTS_EMULATED_IMMINTRIN_H
#define DISKANN_TESTS_EMULATED_IMMINTRIN_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>

#include <stdint.h>
#include <string.h>

typedef simde__mmask16 __mmask16;
typedef simde__mmask64 __mmask64;

#undef _mm256_maskload_ps
static inline __m256 _mm256_maskload_ps(const float *p, __m256i mask)
{
    simde__m256i_private from = simde__m256i_to_private(mask);
    simde__m256_private to;
    for (uint32_t i = 0; i < 8; i++) {
        to.f32[i] = from.i32[i] < 0 ? p[i] : 0.0f;
    }
    return simde__m256_from_private(to);
}

static inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float *p)
{
    simde__m512_private to;
    for (uint32_t i = 0; i < 16; i++) {
        to.f32[i] = (mask >> i & 1) != 0 ? p[i] : 0.0f;
    }
    return simde__m512_from_private(to);
}

static inline __m512i _mm512_maskz_loadu_epi8(__mmask64 mask, const uint8_t *p)
{
    simde__m512i_private to;
    for (uint32_t i = 0; i < 64; i++) {
        to.u8[i] = (mask >> i & 1) != 0 ? p[i] : 0;
    }
    return simde__m512i_from_private(to);
}

static inline __m512 _mm512_cvtph_ps(__m256i a)
{
    simde__m256i_private from = simde__m256i_to_private(a);
    simde__m512_private to;
    for (uint32_t i = 0; i < 16; i++) {
        to.f32[i] = simde_float16_to_float32(simde_uint16_as_float16(from.u16[i]));
    }
    return simde__m512_from_private(to);
}

static inline __m512 _mm512_cvtepi32_ps(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    simde__m512_private to;
    for (uint32_t i = 0; i < 16; i++) {
        to.f32[i] = (float)from.i32[i];
    }
    return simde__m512_from_private(to);
}

static inline __m512i _mm512_cvtepu8_epi32(__m128i a)
{
    simde__m128i_private from = simde__m128i_to_private(a);
    simde__m512i_private to;
    for (uint32_t i = 0; i < 16; i++) {
        to.i32[i] = from.u8[i];
    }
    return simde__m512i_from_private(to);
}

static inline __m512i _mm512_cvtepu8_epi16(__m256i a)
{
    simde__m256i_private from = simde__m256i_to_private(a);
    simde__m512i_private to;
    for (uint32_t i = 0; i < 32; i++) {
        to.i16[i] = from.u8[i];
    }
    return simde__m512i_from_private(to);
}

static inline __m256 _mm512_extractf32x8_ps(__m512 a, int half)
{
    return simde__m512_to_private(a).m256[half];
}

static inline __m256i _mm512_extracti32x8_epi32(__m512i a, int half)
{
    return simde__m512i_to_private(a).m256i[half];
}

#undef _mm512_madd_epi16 /* it takes a mask that the function does not */
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

/* Of AVX-VNNI, by other names than those of AVX-512. */
#define _mm256_dpbusd_avx_epi32(sums, a, b) _mm256_dpbusd_epi32(sums, a, b)
#define _mm256_dpwssd_avx_epi32(sums, a, b) _mm256_dpwssd_epi32(sums, a, b)

#endif
