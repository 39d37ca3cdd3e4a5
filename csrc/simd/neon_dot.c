/* Kernels of bytes for CPUs of AArch64 with udot and sdot (most since ARMv8.2, all since ARMv8.4). */
#include "families.h"

#if defined(DISKANN_HAVE_ARM_DOT)

#include <arm_neon.h>

enum { BYTE_WIDTH = 16 };
typedef uint8x16_t byte_vector;
typedef uint32x4_t byte_sums;

static inline byte_vector byte_load(const uint8_t *p)
{
    return vld1q_u8(p);
}

static inline byte_vector byte_apart_i8(byte_vector a, byte_vector b)
{
    return vreinterpretq_u8_s8(vabdq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
}

static inline byte_vector byte_apart_u8(byte_vector a, byte_vector b)
{
    return vabdq_u8(a, b);
}

static inline byte_sums byte_zero(void)
{
    return vdupq_n_u32(0);
}

static inline byte_sums byte_add_i8(byte_sums sums, byte_vector a, byte_vector b)
{
    const int32x4_t before = vreinterpretq_s32_u32(sums);
    return vreinterpretq_u32_s32(vdotq_s32(before, vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
}

static inline byte_sums byte_add_u8(byte_sums sums, byte_vector a, byte_vector b)
{
    return vdotq_u32(sums, a, b);
}

static inline byte_sums byte_add(byte_sums sums, byte_vector a)
{
    return vdotq_u32(sums, a, vdupq_n_u8(1));
}

static inline byte_sums byte_join(byte_sums a, byte_sums b)
{
    return vaddq_u32(a, b);
}

static inline uint32_t byte_fold(byte_sums sums)
{
    return vaddvq_u32(sums);
}

#define BYTES_NAME(name) neon_dot_##name
#include "bytes.h"

#endif
