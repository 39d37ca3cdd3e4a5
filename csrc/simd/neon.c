/* Four floats at a time on AArch64, where every CPU has NEON. */
#include "families.h"

#if defined(SIMD_AARCH64)

#include <arm_neon.h>

enum { LANE_WIDTH = 4 };
typedef float32x4_t lane_vector;

static inline lane_vector lane_zero(void)
{
    return vdupq_n_f32(0.0f);
}

static inline lane_vector lane_load(const float *p)
{
    return vld1q_f32(p);
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    lane_vector part = vld1q_lane_f32(p, vdupq_n_f32(0.0f), 0);
    if (n > 1) {
        part = vld1q_lane_f32(p + 1, part, 1);
    }
    return n > 2 ? vld1q_lane_f32(p + 2, part, 2) : part;
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return vaddq_f32(a, b);
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return vsubq_f32(a, b);
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return vmulq_f32(a, b);
}

static inline lane_vector lane_abs(lane_vector a)
{
    return vabsq_f32(a);
}

static inline float lane_fold(lane_vector a)
{
    const float32x2_t two = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* ---- codes (see dots.h) ---- */

enum { DOT_STEP = 16 };
typedef int32x4_t dot_vector;

static inline dot_vector dot_zero(void)
{
    return vdupq_n_s32(0);
}

static inline dot_vector dot_step(dot_vector sums, const uint8_t *row, const int16_t *query)
{
    const uint8x16_t codes = vld1q_u8(row);
    const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(codes)));
    const int16x8_t high = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(codes)));
    const int16x8_t first = vld1q_s16(query), second = vld1q_s16(query + 8);
    sums = vmlal_s16(sums, vget_low_s16(low), vget_low_s16(first));
    sums = vmlal_s16(sums, vget_high_s16(low), vget_high_s16(first));
    sums = vmlal_s16(sums, vget_low_s16(high), vget_low_s16(second));
    return vmlal_s16(sums, vget_high_s16(high), vget_high_s16(second));
}

static inline dot_vector dot_step_codes(dot_vector sums, const uint8_t *a, const uint8_t *b)
{
    const uint8x16_t of_a = vld1q_u8(a), of_b = vld1q_u8(b);
    const uint16x8_t low = vmull_u8(vget_low_u8(of_a), vget_low_u8(of_b));
    const uint16x8_t high = vmull_u8(vget_high_u8(of_a), vget_high_u8(of_b));
    return vreinterpretq_s32_u32(vpadalq_u16(vpadalq_u16(vreinterpretq_u32_s32(sums), low), high));
}

static inline int32_t dot_fold(dot_vector sums)
{
    return vaddvq_s32(sums);
}

#include "dots.h"

const simd_kernels simd_neon = LANES_TABLE(DISKANN_SIMD_NEON, crc32c_slicing);
#if defined(DISKANN_HAVE_ARM_CRC)
const simd_kernels simd_neon_crc = LANES_TABLE(DISKANN_SIMD_NEON, crc32c_arm);
#endif

#endif
