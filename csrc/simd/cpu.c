/* Compiled for the baseline CPU, this file asks the one it runs on; nothing is remembered, so no state to race on. */
#include "cpu.h"
#include "families.h"

#if defined(SIMD_X86_64)

#if defined(__GNUC__) || defined(__clang__)
#include <cpuid.h>
#else
#include <intrin.h>
#endif

typedef struct cpu_leaf {
    uint32_t eax, ebx, ecx, edx;
} cpu_leaf;

static cpu_leaf cpu_ask(uint32_t leaf, uint32_t part)
{
    cpu_leaf answer;
#if defined(__GNUC__) || defined(__clang__)
    __cpuid_count(leaf, part, answer.eax, answer.ebx, answer.ecx, answer.edx);
#else
    int registers[4];
    __cpuidex(registers, (int)leaf, (int)part);
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

/* Where AVX2 is there: what goes beyond it. */
static uint32_t cpu_beyond_avx2(cpu_leaf extended, uint64_t saved)
{
    enum { AVX512F_BIT = 1 << 16, AVX512DQ_BIT = 1 << 17, AVX512BW_BIT = 1 << 30 };
    enum { AVX_VNNI_BIT = 1 << 4, AVX512_VNNI_BIT = 1 << 11 };
    const uint32_t avx512 = AVX512F_BIT | AVX512DQ_BIT | AVX512BW_BIT | UINT32_C(1) << 31 /* VL */;
    const uint64_t zmm_saved = 0xe6;
    uint32_t features = 0;
    if (extended.eax >= 1 && (cpu_ask(7, 1).eax & AVX_VNNI_BIT) != 0) {
        features |= CPU_AVX_VNNI;
    }
    if ((saved & zmm_saved) == zmm_saved && (extended.ebx & avx512) == avx512) {
        features |= CPU_AVX512 | ((extended.ecx & AVX512_VNNI_BIT) != 0 ? CPU_AVX512_VNNI : 0);
    }
    return features;
}

uint32_t cpu_features(void)
{
    enum { SSE42_BIT = 1 << 20, OSXSAVE_BIT = 1 << 27, AVX_BIT = 1 << 28, F16C_BIT = 1 << 29, AVX2_BIT = 1 << 5 };
    const uint32_t avx = OSXSAVE_BIT | AVX_BIT | F16C_BIT;
    const uint64_t ymm_saved = 0x06;
    const uint32_t leaf_max = cpu_ask(0, 0).eax;
    const uint32_t basic = leaf_max >= 1 ? cpu_ask(1, 0).ecx : 0;
    if ((basic & SSE42_BIT) == 0) {
        return 0;
    }
    if ((basic & avx) != avx || leaf_max < 7) {
        return CPU_SSE42;
    }
    const uint64_t saved = cpu_saved_registers();
    const cpu_leaf extended = cpu_ask(7, 0);
    if ((saved & ymm_saved) != ymm_saved || (extended.ebx & AVX2_BIT) == 0) {
        return CPU_SSE42;
    }
    return CPU_SSE42 | CPU_AVX2 | cpu_beyond_avx2(extended, saved);
}

#elif defined(SIMD_AARCH64)

#if defined(__linux__)

#include <sys/auxv.h>

uint32_t cpu_features(void)
{
    const unsigned long has = getauxval(AT_HWCAP), crc32_bit = 1ul << 7, asimddp_bit = 1ul << 20;
    return ((has & crc32_bit) != 0 ? CPU_ARM_CRC : 0) | ((has & asimddp_bit) != 0 ? CPU_ARM_DOT : 0);
}

#elif defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

uint32_t cpu_features(void)
{
    enum { CRC32_FEATURE = 31, DOT_FEATURE = 43 }; /* PF_ARM_V8_CRC32_, PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE */
    return (IsProcessorFeaturePresent(CRC32_FEATURE) ? CPU_ARM_CRC : 0) |
           (IsProcessorFeaturePresent(DOT_FEATURE) ? CPU_ARM_DOT : 0);
}

#else

/* What the compiler may take for granted, as on Apple's CPUs, all of which have both. */
uint32_t cpu_features(void)
{
    uint32_t features = 0;
#if defined(__ARM_FEATURE_CRC32)
    features |= CPU_ARM_CRC;
#endif
#if defined(__ARM_FEATURE_DOTPROD)
    features |= CPU_ARM_DOT;
#endif
    return features;
}

#endif

#endif
