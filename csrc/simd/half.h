/*
 * IEEE 754 binary16 by integer arithmetic alone: exact, whatever the floating-point mode. A half is a u16.
 */
#ifndef DISKANN_SIMD_HALF_H
#define DISKANN_SIMD_HALF_H

#include <stdint.h>
#include <string.h>

enum { HALF_SIGN = 0x8000, HALF_INFINITY = 0x7c00, HALF_MANTISSA_BITS = 10 };

static inline int half_is_finite(uint16_t half)
{
    return (half & HALF_INFINITY) != HALF_INFINITY;
}

/* Every half is a float. */
static inline float half_to_float(uint16_t half)
{
    const uint32_t exponent = half >> HALF_MANTISSA_BITS & 31;
    uint32_t mantissa = half & 1023, bits = (uint32_t)(half & HALF_SIGN) << 16;
    float value;
    if (exponent == 31) {
        bits |= 0x7f800000 | mantissa << 13;
    } else if (exponent > 0) {
        bits |= (exponent + 112) << 23 | mantissa << 13;
    } else if (mantissa > 0) { /* a multiple of 2^-24, which a float has as a normal number */
        uint32_t shift = 0;
        while ((mantissa & 1024) == 0) {
            mantissa <<= 1;
            shift++;
        }
        bits |= (113 - shift) << 23 | (mantissa & 1023) << 13;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* value / 2^shift, to the nearest, ties to even. */
static inline uint32_t half_round(uint32_t value, uint32_t shift)
{
    return (value + (UINT32_C(1) << (shift - 1)) - 1 + (value >> shift & 1)) >> shift;
}

/* To the nearest half, ties to even. Infinity from 65520 on; NaN stays NaN. */
static inline uint16_t half_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & HALF_SIGN, magnitude = bits & 0x7fffffff, exponent = magnitude >> 23;
    uint32_t half = 0;
    if (magnitude > 0x7f800000) {
        half = HALF_INFINITY | 0x200;
    } else if (exponent >= 143) { /* 2^16 */
        half = HALF_INFINITY;
    } else if (exponent >= 113) { /* 2^-14: a normal half; a carry goes into its exponent, where it belongs */
        half = half_round(magnitude - (UINT32_C(112) << 23), 13);
    } else if (exponent >= 102) { /* 2^-25: a multiple of 2^-24 */
        half = half_round((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
    }
    return (uint16_t)(sign | half);
}

#endif
