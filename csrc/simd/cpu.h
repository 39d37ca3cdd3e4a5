/* What the CPU has that not every one of its architecture has, and the operating system lets programs use. */
#ifndef DISKANN_SIMD_CPU_H
#define DISKANN_SIMD_CPU_H

#include <stdint.h>

enum {
    CPU_SSE42 = 1 << 0,
    CPU_AVX2 = 1 << 1,        /* and F16C */
    CPU_AVX_VNNI = 1 << 2,    /* beside AVX2 */
    CPU_AVX512 = 1 << 3,      /* F, BW, DQ and VL */
    CPU_AVX512_VNNI = 1 << 4, /* beside AVX512 */
    CPU_ARM_CRC = 1 << 5,
    CPU_ARM_DOT = 1 << 6
};

/* Some of these; there is none for WebAssembly. */
uint32_t cpu_features(void);

#endif
