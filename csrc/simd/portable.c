/*
 * The family that is always there: SSE2 on x86-64, where every CPU has it; plain C elsewhere, four floats or
 * eight bytes at a time so that a compiler sees vectors.
 */
#include "families.h"
#include "half.h"

#if defined(SIMD_X86_64)

#include <emmintrin.h>

enum { LANE_WIDTH = 4 };
typedef __m128 lane_vector;

static inline lane_vector lane_zero(void)
{
    return _mm_setzero_ps();
}

static inline lane_vector lane_load(const float *p)
{
    return _mm_loadu_ps(p);
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    if (n == 1) {
        return _mm_load_ss(p);
    }
    const __m128 two = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p));
    return n == 2 ? two : _mm_movelh_ps(two, _mm_load_ss(p + 2));
}

/*
 * The bits of a half, put where a float has them, are the number divided by 2^112, a power of two: the multiplication is
 * exact, for subnormal halves too (float_mode.h keeps denormals), if slow for those.
 */
static inline lane_vector lane_load_half(const uint16_t *p)
{
    const __m128i high = _mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)(const void *)p));
    const __m128i bits = _mm_and_si128(_mm_srai_epi32(high, 3), _mm_set1_epi32((int)0x8fffe000));
    return _mm_mul_ps(_mm_castsi128_ps(bits), _mm_set1_ps(0x1p112f));
}

static inline lane_vector lane_load_bytes(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    const __m128i zero = _mm_setzero_si128();
    return _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero));
}

static inline lane_vector lane_splat(float x)
{
    return _mm_set1_ps(x);
}

static inline void lane_store(float *p, lane_vector a)
{
    _mm_storeu_ps(p, a);
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return _mm_add_ps(a, b);
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return _mm_sub_ps(a, b);
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return _mm_mul_ps(a, b);
}

static inline lane_vector lane_abs(lane_vector a)
{
    return _mm_andnot_ps(_mm_set1_ps(-0.0f), a);
}

static inline float lane_fold(lane_vector a)
{
    const __m128 two = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

enum { WIDE_WIDTH = 8 };
typedef __m128i wide_vector;
typedef __m128i wide_sums;

static inline wide_vector wide_load_i8(const uint8_t *p)
{
    const __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)p);
    return _mm_srai_epi16(_mm_unpacklo_epi8(eight, eight), 8);
}

static inline wide_vector wide_load_u8(const uint8_t *p)
{
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(const void *)p), _mm_setzero_si128());
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline wide_vector wide_ones(void)
{
    return _mm_set1_epi16(1);
}

static inline wide_vector wide_sub(wide_vector a, wide_vector b)
{
    return _mm_sub_epi16(a, b);
}

static inline wide_vector wide_abs(wide_vector a)
{
    return _mm_max_epi16(a, _mm_sub_epi16(_mm_setzero_si128(), a));
}

static inline wide_sums wide_zero(void)
{
    return _mm_setzero_si128();
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    return _mm_add_epi32(sums, _mm_madd_epi16(a, b));
}

static inline uint32_t wide_fold(wide_sums sums)
{
    const __m128i two = _mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

enum { SCAN_TABLES = 1 };
typedef __m128i scan_vector;
typedef struct scan_sums {
    __m128i pairs; /* of neighbours: the first, and 256 times the second, modulo 2^16 */
    __m128i seconds;
} scan_sums;

/* In all bytes. */
static inline __m128i scan_spread(uint32_t byte)
{
    return _mm_shuffle_epi32(_mm_cvtsi32_si128((int)((byte & 255) * 0x01010101u)), 0);
}

/* `term` in the bytes that have this bit. */
static inline __m128i scan_term(__m128i codes, uint32_t bit, __m128i term)
{
    const __m128i bits = scan_spread(bit);
    return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(codes, bits), bits), term);
}

/* SSE2 looks no bytes up: what each bit of a code adds to entry 0 (simd.h) is summed, modulo 256. */
static inline void scan_read(const uint8_t *tables, const uint8_t *codes, scan_vector *low, scan_vector *high)
{
    const __m128i both = _mm_loadu_si128((const __m128i *)(const void *)codes);
    __m128i lows = scan_spread(tables[0]), highs = lows;
#define SCAN_STEP(j)                                                                                        \
    {                                                                                                       \
        const __m128i term = scan_spread((uint32_t)tables[1 << (j)] - tables[0]);                           \
        lows = _mm_add_epi8(lows, scan_term(both, 1u << (j), term));                                        \
        highs = _mm_add_epi8(highs, scan_term(both, 16u << (j), term));                                     \
    }
    SCAN_STEP(0)
    SCAN_STEP(1)
    SCAN_STEP(2)
    SCAN_STEP(3)
#undef SCAN_STEP
    *low = lows;
    *high = highs;
}

static inline scan_sums scan_zero(void)
{
    return (scan_sums){_mm_setzero_si128(), _mm_setzero_si128()};
}

static inline scan_sums scan_add(scan_sums sums, scan_vector entries)
{
    sums.pairs = _mm_add_epi16(sums.pairs, entries);
    sums.seconds = _mm_add_epi16(sums.seconds, _mm_srli_epi16(entries, 8));
    return sums;
}

static inline void scan_put(__m128i sums, uint32_t *out)
{
    __m128i *const to = (__m128i *)(void *)out;
    const __m128i zero = _mm_setzero_si128();
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), _mm_unpacklo_epi16(sums, zero)));
    _mm_storeu_si128(to + 1, _mm_add_epi32(_mm_loadu_si128(to + 1), _mm_unpackhi_epi16(sums, zero)));
}

static inline void scan_spill(scan_sums sums, uint32_t *out)
{
    const __m128i firsts = _mm_sub_epi16(sums.pairs, _mm_slli_epi16(sums.seconds, 8));
    scan_put(_mm_unpacklo_epi16(firsts, sums.seconds), out);
    scan_put(_mm_unpackhi_epi16(firsts, sums.seconds), out + 8);
}

#else

#include <math.h>

enum { LANE_WIDTH = 4 };
typedef struct lane_vector {
    float at[LANE_WIDTH];
} lane_vector;

static inline lane_vector lane_zero(void)
{
    return (lane_vector){{0.0f, 0.0f, 0.0f, 0.0f}};
}

static inline lane_vector lane_load(const float *p)
{
    return (lane_vector){{p[0], p[1], p[2], p[3]}};
}

static inline lane_vector lane_load_part(const float *p, uint32_t n)
{
    return (lane_vector){{p[0], n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, 0.0f}};
}

static inline lane_vector lane_load_half(const uint16_t *p)
{
    return (lane_vector){{half_to_float(p[0]), half_to_float(p[1]), half_to_float(p[2]), half_to_float(p[3])}};
}

static inline lane_vector lane_load_bytes(const uint8_t *p)
{
    return (lane_vector){{(float)p[0], (float)p[1], (float)p[2], (float)p[3]}};
}

static inline lane_vector lane_splat(float x)
{
    return (lane_vector){{x, x, x, x}};
}

static inline void lane_store(float *p, lane_vector a)
{
    for (uint32_t i = 0; i < LANE_WIDTH; i++) {
        p[i] = a.at[i];
    }
}

static inline lane_vector lane_add(lane_vector a, lane_vector b)
{
    return (lane_vector){{a.at[0] + b.at[0], a.at[1] + b.at[1], a.at[2] + b.at[2], a.at[3] + b.at[3]}};
}

static inline lane_vector lane_sub(lane_vector a, lane_vector b)
{
    return (lane_vector){{a.at[0] - b.at[0], a.at[1] - b.at[1], a.at[2] - b.at[2], a.at[3] - b.at[3]}};
}

static inline lane_vector lane_mul(lane_vector a, lane_vector b)
{
    return (lane_vector){{a.at[0] * b.at[0], a.at[1] * b.at[1], a.at[2] * b.at[2], a.at[3] * b.at[3]}};
}

static inline lane_vector lane_abs(lane_vector a)
{
    return (lane_vector){{fabsf(a.at[0]), fabsf(a.at[1]), fabsf(a.at[2]), fabsf(a.at[3])}};
}

static inline float lane_fold(lane_vector a)
{
    return (a.at[0] + a.at[2]) + (a.at[1] + a.at[3]);
}

enum { WIDE_WIDTH = 8 };
typedef struct wide_vector {
    int16_t at[WIDE_WIDTH];
} wide_vector;
typedef uint32_t wide_sums;

static inline wide_vector wide_load_i8(const uint8_t *p)
{
    wide_vector result;
    for (uint32_t i = 0; i < WIDE_WIDTH; i++) {
        result.at[i] = (int8_t)p[i];
    }
    return result;
}

static inline wide_vector wide_load_u8(const uint8_t *p)
{
    wide_vector result;
    for (uint32_t i = 0; i < WIDE_WIDTH; i++) {
        result.at[i] = p[i];
    }
    return result;
}

static inline wide_vector wide_load_i16(const int16_t *p)
{
    wide_vector result;
    for (uint32_t i = 0; i < WIDE_WIDTH; i++) {
        result.at[i] = p[i];
    }
    return result;
}

static inline wide_vector wide_ones(void)
{
    return (wide_vector){{1, 1, 1, 1, 1, 1, 1, 1}};
}

static inline wide_vector wide_sub(wide_vector a, wide_vector b)
{
    for (uint32_t i = 0; i < WIDE_WIDTH; i++) {
        a.at[i] = (int16_t)(a.at[i] - b.at[i]);
    }
    return a;
}

static inline wide_vector wide_abs(wide_vector a)
{
    for (uint32_t i = 0; i < WIDE_WIDTH; i++) {
        a.at[i] = (int16_t)(a.at[i] < 0 ? -a.at[i] : a.at[i]);
    }
    return a;
}

static inline wide_sums wide_zero(void)
{
    return 0;
}

static inline wide_sums wide_add(wide_sums sums, wide_vector a, wide_vector b)
{
    for (uint32_t i = 0; i < WIDE_WIDTH; i++) {
        sums += (uint32_t)(a.at[i] * b.at[i]);
    }
    return sums;
}

static inline uint32_t wide_fold(wide_sums sums)
{
    return sums;
}

enum { SCAN_TABLES = 1 };
typedef struct scan_vector {
    uint8_t at[SIMD_SCAN_ROW];
} scan_vector;
typedef struct scan_sums {
    uint16_t at[SIMD_SCAN_ROW];
} scan_sums;

static inline void scan_read(const uint8_t *tables, const uint8_t *codes, scan_vector *low, scan_vector *high)
{
    for (uint32_t i = 0; i < SIMD_SCAN_ROW; i++) {
        low->at[i] = tables[codes[i] & 15];
        high->at[i] = tables[codes[i] >> 4];
    }
}

static inline scan_sums scan_zero(void)
{
    return (scan_sums){{0}};
}

static inline scan_sums scan_add(scan_sums sums, scan_vector entries)
{
    for (uint32_t i = 0; i < SIMD_SCAN_ROW; i++) {
        sums.at[i] = (uint16_t)(sums.at[i] + entries.at[i]);
    }
    return sums;
}

static inline void scan_spill(scan_sums sums, uint32_t *out)
{
    for (uint32_t i = 0; i < SIMD_SCAN_ROW; i++) {
        out[i] += sums.at[i];
    }
}

#endif

#include "kernels.h"

const simd_kernels simd_portable = KERNELS_TABLE(DISKANN_SIMD_PORTABLE, crc32c_slicing);
#if defined(DISKANN_HAVE_SSE42)
const simd_kernels simd_portable_sse42 = KERNELS_TABLE(DISKANN_SIMD_PORTABLE, crc32c_sse42);
#endif
