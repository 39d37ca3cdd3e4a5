/* In place of csrc/simd/cpu.c: the CPU that emulated/immintrin.h makes of any one. */
#include "../../../csrc/simd/cpu.h"

uint32_t cpu_features(void)
{
    return CPU_SSE42 | CPU_AVX2 | CPU_AVX_VNNI | CPU_AVX512 | CPU_AVX512_VNNI;
}
