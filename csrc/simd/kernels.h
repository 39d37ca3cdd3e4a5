/* All kernels of a family, from its primitives: those that lanes.h, integers.h and scan.h name. Included once, at its end. */
#ifndef DISKANN_SIMD_KERNELS_H
#define DISKANN_SIMD_KERNELS_H

#include "dots.h"
#include "integers.h"
#include "lanes.h"
#include "scan.h"
#include "sq8_lanes.h"

static float norm_f32(const void *vector, uint32_t dims)
{
    return one_f32_dot(vector, vector, dims);
}

static float norm_i8(const void *vector, uint32_t dims)
{
    return one_i8_dot(vector, vector, dims);
}

static float norm_u8(const void *vector, uint32_t dims)
{
    return one_u8_dot(vector, vector, dims);
}

#define KERNELS_SUMS(name) {[SIMD_SUM_L2] = name##_l2, [SIMD_SUM_DOT] = name##_dot, [SIMD_SUM_L1] = name##_l1}
#define KERNELS_TYPES(name, of_bytes)                                                                       \
    {                                                                                                       \
        [DISKANN_F32] = KERNELS_SUMS(name##_f32), [DISKANN_F16] = KERNELS_SUMS(name##_f16),                 \
        [DISKANN_I8] = KERNELS_SUMS(of_bytes##_i8), [DISKANN_U8] = KERNELS_SUMS(of_bytes##_u8),             \
        [DISKANN_SQ8] = KERNELS_SUMS(name##_sq8),                                                           \
    }
#define KERNELS_TABLE_OF(family, checksum, one_bytes, many_bytes, norm_bytes, dot_codes_by)                 \
    {                                                                                                       \
        .simd = (family), .crc32c = (checksum), .one = KERNELS_TYPES(one, one_bytes),                       \
        .many = KERNELS_TYPES(many, many_bytes),                                                            \
        .norm = {[DISKANN_F32] = norm_f32, [DISKANN_F16] = norm_f16, [DISKANN_I8] = norm_bytes##_i8,        \
                 [DISKANN_U8] = norm_bytes##_u8, [DISKANN_SQ8] = norm_sq8},                                 \
        .expand = {[DISKANN_F16] = expand_f16, [DISKANN_SQ8] = expand_sq8},                                 \
        .dots = dots, .dot_codes = (dot_codes_by), .scan = scan,                                            \
    }
#define KERNELS_TABLE(family, checksum) KERNELS_TABLE_OF(family, checksum, one, many, norm, dot_codes)
/* With kernels of bytes from another file: SIMD_BYTES_DECLARE(by). */
#define KERNELS_TABLE_WITH(family, checksum, by)                                                            \
    KERNELS_TABLE_OF(family, checksum, by##_one, by##_many, by##_norm, by##_dot_codes)

#endif
