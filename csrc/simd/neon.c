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

#include "lanes.h"

const simd_kernels simd_neon = LANES_TABLE(DISKANN_SIMD_NEON, crc32c_slicing);
#if defined(DISKANN_HAVE_ARM_CRC)
const simd_kernels simd_neon_crc = LANES_TABLE(DISKANN_SIMD_NEON, crc32c_arm);
#endif

#endif
