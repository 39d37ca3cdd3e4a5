/* Four floats or eight bytes at a time on AArch64, where every CPU has NEON. */
#include "families.h"

#if defined(SIMD_AARCH64)

#include <arm_neon.h>
#include <string.h>

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

static inline lane_vector lane_load_half(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static inline lane_vector lane_load_bytes(const uint8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}

static inline lane_vector lane_splat(float x)
{
    return vdupq_n_f32(x);
}

static inline void lane_store(float *p, lane_vector a)
{
    vst1q_f32(p, a);
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

enum { WIDE_WIDTH = 8 };
typedef int16x8_t wide_vector;
typedef int32x4_t wide_sums;

static inline wide_vector wide_load_i8(const uint8_t *p)
{
    return vmovl_s8(vreinterpret_s8_u8(vld1_u8(p)));
}

static inline wide_vector wide_load_u8(const uint8_t *p)
{
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p)));
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    return vld1q_s16(p);
}

static inline wide_vector wide_ones(void)
{
    return vdupq_n_s16(1);
}

static inline wide_vector wide_sub(wide_vector a, wide_vector b)
{
    return vsubq_s16(a, b);
}

static inline wide_vector wide_abs(wide_vector a)
{
    return vabsq_s16(a);
}

static inline wide_sums wide_zero(void)
{
    return vdupq_n_s32(0);
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    return vmlal_high_s16(vmlal_s16(sums, vget_low_s16(a), vget_low_s16(b)), a, b);
}

static inline uint32_t wide_fold(wide_sums sums)
{
    return vaddvq_u32(vreinterpretq_u32_s32(sums));
}

enum { SCAN_TABLES = 1 };
typedef uint8x16_t scan_vector;
typedef struct scan_sums {
    uint16x8_t first, second;
} scan_sums;

static inline void scan_read(const uint8_t *tables, const uint8_t *codes, scan_vector *low, scan_vector *high)
{
    const uint8x16_t both = vld1q_u8(codes), entries = vld1q_u8(tables);
    *low = vqtbl1q_u8(entries, vandq_u8(both, vdupq_n_u8(15)));
    *high = vqtbl1q_u8(entries, vshrq_n_u8(both, 4));
}

static inline scan_sums scan_zero(void)
{
    return (scan_sums){vdupq_n_u16(0), vdupq_n_u16(0)};
}

static inline scan_sums scan_add(scan_sums sums, scan_vector entries)
{
    sums.first = vaddw_u8(sums.first, vget_low_u8(entries));
    sums.second = vaddw_high_u8(sums.second, entries);
    return sums;
}

static inline void scan_put(uint16x8_t sums, uint32_t *out)
{
    vst1q_u32(out, vaddw_u16(vld1q_u32(out), vget_low_u16(sums)));
    vst1q_u32(out + 4, vaddw_high_u16(vld1q_u32(out + 4), sums));
}

static inline void scan_spill(scan_sums sums, uint32_t *out)
{
    scan_put(sums.first, out);
    scan_put(sums.second, out + 8);
}

#include "kernels.h"

const simd_kernels simd_neon = KERNELS_TABLE(DISKANN_SIMD_NEON, crc32c_slicing);
#if defined(DISKANN_HAVE_ARM_CRC)
const simd_kernels simd_neon_crc = KERNELS_TABLE(DISKANN_SIMD_NEON, crc32c_arm);
#endif
#if defined(DISKANN_HAVE_ARM_DOT)
const simd_kernels simd_neon_dot = KERNELS_TABLE_WITH(DISKANN_SIMD_NEON, crc32c_arm, neon_dot);
#endif

#endif
