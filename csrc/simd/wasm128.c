/* Four floats at a time with WebAssembly SIMD128 (-msimd128, for every file of the module). Nothing relaxed. */
#include "families.h"

#if defined(SIMD_WASM128)

#include <wasm_simd128.h>

enum { LANE_WIDTH = 4 };
typedef v128_t lane_vector;

static inline lane_vector lane_zero(void)
{
    return wasm_f32x4_const(0.0f, 0.0f, 0.0f, 0.0f);
}

static inline lane_vector lane_load(const float *p)
{
    return wasm_v128_load(p);
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    if (n == 1) {
        return wasm_v128_load32_zero(p);
    }
    const lane_vector two = wasm_v128_load64_zero(p);
    return n == 2 ? two : wasm_f32x4_replace_lane(two, 2, p[2]);
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return wasm_f32x4_add(a, b);
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return wasm_f32x4_sub(a, b);
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return wasm_f32x4_mul(a, b);
}

static inline lane_vector lane_abs(lane_vector a)
{
    return wasm_f32x4_abs(a);
}

static inline float lane_fold(lane_vector a)
{
    const lane_vector two = wasm_f32x4_add(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(two, 0) + wasm_f32x4_extract_lane(two, 1);
}

/* ---- codes (see dots.h) ---- */

enum { DOT_STEP = 16 };
typedef v128_t dot_vector;

static inline dot_vector dot_zero(void)
{
    return wasm_i32x4_const(0, 0, 0, 0);
}

static inline dot_vector dot_step(dot_vector sums, const uint8_t *row, const int16_t *query)
{
    const v128_t codes = wasm_v128_load(row);
    const v128_t low = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(codes), wasm_v128_load(query));
    const v128_t high = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_high_u8x16(codes), wasm_v128_load(query + 8));
    return wasm_i32x4_add(sums, wasm_i32x4_add(low, high));
}

static inline dot_vector dot_step_codes(dot_vector sums, const uint8_t *a, const uint8_t *b)
{
    const v128_t of_a = wasm_v128_load(a), of_b = wasm_v128_load(b);
    const v128_t low = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(of_a), wasm_u16x8_extend_low_u8x16(of_b));
    const v128_t high = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_high_u8x16(of_a), wasm_u16x8_extend_high_u8x16(of_b));
    return wasm_i32x4_add(sums, wasm_i32x4_add(low, high));
}

static inline int32_t dot_fold(dot_vector sums)
{
    const v128_t two = wasm_i32x4_add(sums, wasm_i64x2_shuffle(sums, sums, 1, 0));
    return wasm_i32x4_extract_lane(two, 0) + wasm_i32x4_extract_lane(two, 1);
}

#include "dots.h"

const simd_kernels simd_wasm128 = LANES_TABLE(DISKANN_SIMD_WASM128, crc32c_slicing);

#endif
