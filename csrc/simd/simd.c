/* Which family runs, and by which instructions. The question costs microseconds: callers keep the table. */
#include "cpu.h"
#include "families.h"

#if defined(SIMD_X86_64)

static const simd_kernels *find_avx2(uint32_t features)
{
#if defined(SIMD_AVX_VNNI)
    if ((features & CPU_AVX_VNNI) != 0) {
        return &simd_avx2_vnni;
    }
#endif
#if defined(DISKANN_HAVE_AVX2)
    return (features & CPU_AVX2) != 0 ? &simd_avx2 : NULL;
#else
    (void)features;
    return NULL;
#endif
}

static const simd_kernels *find_avx512(uint32_t features)
{
#if defined(DISKANN_HAVE_AVX512)
    if ((features & CPU_AVX512) == 0) {
        return NULL;
    }
    return (features & CPU_AVX512_VNNI) != 0 ? &simd_avx512_vnni : &simd_avx512;
#else
    (void)features;
    return NULL;
#endif
}

static const simd_kernels *find_best(uint32_t features)
{
    const simd_kernels *best = find_avx512(features);
    if (best == NULL) {
        best = find_avx2(features);
    }
#if defined(DISKANN_HAVE_SSE42)
    if (best == NULL && (features & CPU_SSE42) != 0) {
        best = &simd_portable_sse42;
    }
#endif
    return best != NULL ? best : &simd_portable;
}

const simd_kernels *simd_kernels_get(uint32_t simd)
{
    switch (simd) {
    case DISKANN_SIMD_AUTO:
        return find_best(cpu_features());
    case DISKANN_SIMD_PORTABLE:
        return &simd_portable;
    case DISKANN_SIMD_AVX2:
        return find_avx2(cpu_features());
    case DISKANN_SIMD_AVX512:
        return find_avx512(cpu_features());
    default:
        return NULL;
    }
}

#elif defined(SIMD_AARCH64)

static const simd_kernels *find_neon(uint32_t features)
{
#if defined(DISKANN_HAVE_ARM_DOT)
    const uint32_t both = CPU_ARM_DOT | CPU_ARM_CRC;
    if ((features & both) == both) {
        return &simd_neon_dot;
    }
#endif
#if defined(DISKANN_HAVE_ARM_CRC)
    if ((features & CPU_ARM_CRC) != 0) {
        return &simd_neon_crc;
    }
#endif
    (void)features;
    return &simd_neon;
}

const simd_kernels *simd_kernels_get(uint32_t simd)
{
    switch (simd) {
    case DISKANN_SIMD_AUTO:
    case DISKANN_SIMD_NEON:
        return find_neon(cpu_features());
    case DISKANN_SIMD_PORTABLE:
        return &simd_portable;
    default:
        return NULL;
    }
}

#elif defined(SIMD_WASM128) && defined(DISKANN_ONE_FAMILY)

/* A module that loads only where its instructions are needs no other kernels, which would be a tenth of it. */
const simd_kernels *simd_kernels_get(uint32_t simd)
{
    return simd == DISKANN_SIMD_AUTO || simd == DISKANN_SIMD_WASM128 ? &simd_wasm128 : NULL;
}

#else

const simd_kernels *simd_kernels_get(uint32_t simd)
{
#if defined(SIMD_WASM128)
    if (simd == DISKANN_SIMD_AUTO || simd == DISKANN_SIMD_WASM128) {
        return &simd_wasm128;
    }
#endif
    return simd == DISKANN_SIMD_AUTO || simd == DISKANN_SIMD_PORTABLE ? &simd_portable : NULL;
}

#endif
