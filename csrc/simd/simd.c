/*
 * Which family runs. This file is compiled for the baseline CPU and asks the one it runs on; nothing is remembered,
 * so there is no state to race on (the question costs microseconds: callers keep the table).
 */
#include "families.h"

#if defined(SIMD_X86_64)

#if defined(__GNUC__) || defined(__clang__)
#include <cpuid.h>
#else
#include <intrin.h>
#endif

enum {
    CPU_SSE42 = 1 << 0,
    CPU_AVX2 = 1 << 1,
    CPU_AVX512 = 1 << 2
};

typedef struct cpu_leaf {
    uint32_t eax, ebx, ecx, edx;
} cpu_leaf;

static cpu_leaf cpu_ask(uint32_t leaf)
{
    cpu_leaf answer;
#if defined(__GNUC__) || defined(__clang__)
    __cpuid_count(leaf, 0, answer.eax, answer.ebx, answer.ecx, answer.edx);
#else
    int registers[4];
    __cpuidex(registers, (int)leaf, 0);
    answer.eax = (uint32_t)registers[0];
    answer.ebx = (uint32_t)registers[1];
    answer.ecx = (uint32_t)registers[2];
    answer.edx = (uint32_t)registers[3];
#endif
    return answer;
}

/* Which registers the operating system saves on a task switch; only where CPUID says OSXSAVE. */
static uint64_t cpu_saved_registers(void)
{
#if defined(__GNUC__) || defined(__clang__)
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
#else
    return _xgetbv(0);
#endif
}

static uint32_t cpu_features(void)
{
    enum { SSE42_BIT = 1 << 20, OSXSAVE_BIT = 1 << 27, AVX_BIT = 1 << 28, F16C_BIT = 1 << 29 };
    enum { AVX2_BIT = 1 << 5, AVX512F_BIT = 1 << 16, AVX512DQ_BIT = 1 << 17, AVX512BW_BIT = 1 << 30 };
    const uint32_t avx512vl_bit = UINT32_C(1) << 31;
    const uint64_t ymm_saved = 0x06, zmm_saved = 0xe6;
    const uint32_t leaf_max = cpu_ask(0).eax;
    const uint32_t basic = leaf_max >= 1 ? cpu_ask(1).ecx : 0;
    if ((basic & SSE42_BIT) == 0) {
        return 0;
    }
    if ((basic & OSXSAVE_BIT) == 0 || (basic & AVX_BIT) == 0 || (basic & F16C_BIT) == 0 ||
        leaf_max < 7) {
        return CPU_SSE42;
    }
    const uint64_t saved = cpu_saved_registers();
    const uint32_t extended = cpu_ask(7).ebx;
    if ((saved & ymm_saved) != ymm_saved || (extended & AVX2_BIT) == 0) {
        return CPU_SSE42;
    }
    const uint32_t avx512 = AVX512F_BIT | AVX512DQ_BIT | AVX512BW_BIT | avx512vl_bit;
    const int has_avx512 = (saved & zmm_saved) == zmm_saved && (extended & avx512) == avx512;
    return CPU_SSE42 | CPU_AVX2 | (has_avx512 ? CPU_AVX512 : 0);
}

static const simd_kernels *find_avx2(uint32_t features)
{
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
    return (features & CPU_AVX512) != 0 ? &simd_avx512 : NULL;
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

#if defined(DISKANN_HAVE_ARM_CRC) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const simd_kernels *find_neon(void)
{
#if defined(DISKANN_HAVE_ARM_CRC) && defined(__ARM_FEATURE_CRC32)
    return &simd_neon_crc; /* the baseline has it, as on Apple's CPUs */
#elif defined(DISKANN_HAVE_ARM_CRC) && defined(__linux__)
    const unsigned long crc32_bit = 1ul << 7; /* HWCAP_CRC32 */
    return (getauxval(AT_HWCAP) & crc32_bit) != 0 ? &simd_neon_crc : &simd_neon;
#else
    return &simd_neon;
#endif
}

const simd_kernels *simd_kernels_get(uint32_t simd)
{
    switch (simd) {
    case DISKANN_SIMD_AUTO:
    case DISKANN_SIMD_NEON:
        return find_neon();
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
