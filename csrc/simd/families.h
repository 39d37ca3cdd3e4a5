/*
 * What the files of this folder share: which families are compiled in, their tables, the checksum routines.
 *
 * A family's file is compiled with flags of its own (tests/tools/sources.mjs is the list), so only the build knows
 * that it is there. On x86-64 it says so to every file of this folder:
 *     DISKANN_HAVE_SSE42   crc32c_sse42.c   -msse4.2
 *     DISKANN_HAVE_AVX2    avx2.c           -mavx2 -mf16c (needs SSE42)
 *                          avx2_vnni.c      -mavx2
 *     DISKANN_HAVE_AVX512  avx512.c         -mavx512f -mavx512bw -mavx512dq -mavx512vl   (needs SSE42)
 *                          avx512_vnni.c    these and -mavx512vnni
 * and on AArch64:
 *     DISKANN_HAVE_ARM_CRC crc32c_arm.c     -march=armv8-a+crc
 *     DISKANN_HAVE_ARM_DOT neon_dot.c       -march=armv8.2-a+dotprod (needs ARM_CRC)
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

/* VNNI without AVX-512 is newer than compilers that are still in use; a flag that they do not know would be an error. */
#if defined(DISKANN_HAVE_AVX2) &&                                                                           \
    (defined(__clang__) ? __clang_major__ >= 13 : defined(__GNUC__) ? __GNUC__ >= 11 : _MSC_VER >= 1930)
#define SIMD_AVX_VNNI 1
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

/* Kernels of bytes (bytes.h) that take the place of a family's own where the CPU has instructions for them. */
#define SIMD_BYTES_DECLARE(name)                                                                            \
    simd_one name##_one_i8_l2, name##_one_i8_dot, name##_one_i8_l1;                                         \
    simd_one name##_one_u8_l2, name##_one_u8_dot, name##_one_u8_l1;                                         \
    simd_many name##_many_i8_l2, name##_many_i8_dot, name##_many_i8_l1;                                     \
    simd_many name##_many_u8_l2, name##_many_u8_dot, name##_many_u8_l1;                                     \
    float name##_norm_i8(const void *vector, uint32_t dims);                                                \
    float name##_norm_u8(const void *vector, uint32_t dims);                                                \
    simd_dot_codes name##_dot_codes

SIMD_BYTES_DECLARE(avx2_vnni);
SIMD_BYTES_DECLARE(avx512_vnni);
SIMD_BYTES_DECLARE(neon_dot);

/* Below a family's table: the same for CPUs with more, an instruction for the checksum or instructions for bytes. */
extern const simd_kernels simd_portable;
extern const simd_kernels simd_portable_sse42;
extern const simd_kernels simd_avx2;
extern const simd_kernels simd_avx2_vnni;
extern const simd_kernels simd_avx512;
extern const simd_kernels simd_avx512_vnni;
extern const simd_kernels simd_neon;
extern const simd_kernels simd_neon_crc;
extern const simd_kernels simd_neon_dot; /* with both */
extern const simd_kernels simd_wasm128;

#endif
