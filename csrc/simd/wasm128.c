/* Four floats or eight bytes at a time with WebAssembly SIMD128 (-msimd128, for every file of the module). Nothing relaxed. */
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

/*
 * The bits of a half, put where a float has them, are the number divided by 2^112, a power of two: the multiplication is
 * exact, for subnormal halves too, if slow for those.
 */
static inline lane_vector lane_load_half(const uint16_t *p)
{
    const v128_t bits = wasm_v128_and(wasm_i32x4_shl(wasm_i32x4_load16x4(p), 13), wasm_i32x4_splat((int32_t)0x8fffe000));
    return wasm_f32x4_mul(bits, wasm_f32x4_splat(0x1p112f));
}

static inline lane_vector lane_load_bytes(const uint8_t *p)
{
    const v128_t wide = wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p));
    return wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(wide));
}

static inline lane_vector lane_splat(float x)
{
    return wasm_f32x4_splat(x);
}

static inline void lane_store(float *p, lane_vector a)
{
    wasm_v128_store(p, a);
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

enum { WIDE_WIDTH = 8 };
typedef v128_t wide_vector;
typedef v128_t wide_sums;

static inline wide_vector wide_load_i8(const uint8_t *p)
{
    return wasm_i16x8_load8x8(p);
}

static inline wide_vector wide_load_u8(const uint8_t *p)
{
    return wasm_u16x8_load8x8(p);
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    return wasm_v128_load(p);
}

static inline wide_vector wide_ones(void)
{
    return wasm_i16x8_const(1, 1, 1, 1, 1, 1, 1, 1);
}

static inline wide_vector wide_sub(wide_vector a, wide_vector b)
{
    return wasm_i16x8_sub(a, b);
}

static inline wide_vector wide_abs(wide_vector a)
{
    return wasm_i16x8_abs(a);
}

static inline wide_sums wide_zero(void)
{
    return wasm_i32x4_const(0, 0, 0, 0);
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(a, b));
}

static inline uint32_t wide_fold(wide_sums sums)
{
    const v128_t two = wasm_i32x4_add(sums, wasm_i32x4_shuffle(sums, sums, 2, 3, 0, 1));
    return (uint32_t)wasm_i32x4_extract_lane(two, 0) + (uint32_t)wasm_i32x4_extract_lane(two, 1);
}

enum { SCAN_TABLES = 1 };
typedef v128_t scan_vector;
typedef struct scan_sums {
    v128_t pairs; /* of neighbours: the first, and 256 times the second, modulo 2^16 */
    v128_t seconds;
} scan_sums;

static inline void scan_read(const uint8_t *tables, const uint8_t *codes, scan_vector *low, scan_vector *high)
{
    const v128_t both = wasm_v128_load(codes), entries = wasm_v128_load(tables);
    *low = wasm_i8x16_swizzle(entries, wasm_v128_and(both, wasm_i8x16_splat(15)));
    *high = wasm_i8x16_swizzle(entries, wasm_u8x16_shr(both, 4));
}

static inline scan_sums scan_zero(void)
{
    return (scan_sums){wasm_i16x8_splat(0), wasm_i16x8_splat(0)};
}

static inline scan_sums scan_add(scan_sums sums, scan_vector entries)
{
    sums.pairs = wasm_i16x8_add(sums.pairs, entries);
    sums.seconds = wasm_i16x8_add(sums.seconds, wasm_u16x8_shr(entries, 8));
    return sums;
}

static inline void scan_put(v128_t sums, uint32_t *out)
{
    wasm_v128_store(out, wasm_i32x4_add(wasm_v128_load(out), sums));
}

static inline void scan_spill(scan_sums sums, uint32_t *out)
{
    const v128_t seconds = sums.seconds, firsts = wasm_i16x8_sub(sums.pairs, wasm_i16x8_shl(seconds, 8));
    const v128_t first = wasm_i16x8_shuffle(firsts, seconds, 0, 8, 1, 9, 2, 10, 3, 11);
    const v128_t second = wasm_i16x8_shuffle(firsts, seconds, 4, 12, 5, 13, 6, 14, 7, 15);
    scan_put(wasm_u32x4_extend_low_u16x8(first), out);
    scan_put(wasm_u32x4_extend_high_u16x8(first), out + 4);
    scan_put(wasm_u32x4_extend_low_u16x8(second), out + 8);
    scan_put(wasm_u32x4_extend_high_u16x8(second), out + 12);
}

#include "kernels.h"

const simd_kernels simd_wasm128 = KERNELS_TABLE(DISKANN_SIMD_WASM128, crc32c_slicing);

#endif
