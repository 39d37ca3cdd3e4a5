/*
 * What the files of this folder share: which families are compiled in, their tables, the checksum routines.
 *
 * A family's file is compiled with flags of its own (tests/tools/sources.mjs is the list), so only the build knows
 * that it is there. On x86-64 it says so to every file of this folder:
 *     DISKANN_HAVE_SSE42   crc32c_sse42.c   -msse4.2
 *     DISKANN_HAVE_AVX2    avx2.c           -mavx2 -mf16c (needs SSE42)
 *     DISKANN_HAVE_AVX512  avx512.c         -mavx512f -mavx512bw -mavx512dq -mavx512vl   (needs SSE42)
 * and on AArch64:
 *     DISKANN_HAVE_ARM_CRC crc32c_arm.c     -march=armv8-a+crc
 *     DISKANN_ONE_FAMILY   WebAssembly: that of SIMD128 alone, without the portable one
 * A file whose macro is missing compiles to nothing. NEON and SIMD128 need no macro: where they can be compiled,
 * every CPU has them.
 */
#ifndef DISKANN_SIMD_FAMILIES_H
#define DISKANN_SIMD_FAMILIES_H

#include "simd.h"

#include <float.h>

#if defined(__x86_64__) || defined(_M_X64)
#define SIMD_X86_64 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define SIMD_AARCH64 1
#elif defined(__wasm_simd128__)
#define SIMD_WASM128 1
#endif

#if FLT_EVAL_METHOD != 0
#error "float sums must be rounded to float at each step (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif
#if defined(__FAST_MATH__)
#error "fast-math changes the bits of a sum"
#endif

uint32_t crc32c_slicing(uint32_t crc, const void *data, size_t bytes);
uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t bytes);
uint32_t crc32c_arm(uint32_t crc, const void *data, size_t bytes);

extern const simd_kernels simd_portable;
extern const simd_kernels simd_portable_sse42; /* the same with the CPU's CRC instruction; so is the next one */
extern const simd_kernels simd_avx2;
extern const simd_kernels simd_avx512;
extern const simd_kernels simd_neon;
extern const simd_kernels simd_neon_crc;
extern const simd_kernels simd_wasm128;

#endif
