/* The inputs of tests/golden/kernels.json: tests/tools/golden-kernels.mjs, which explains them, in C. */
#ifndef DISKANN_TESTS_GOLDEN_H
#define DISKANN_TESTS_GOLDEN_H

#include "../../csrc/base/random.h"
#include "../../csrc/simd/simd.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define GOLDEN_PATH "tests/golden/kernels.json" /* the tests run in the root of the repository */
enum { GOLDEN_DIMS_MAX = 4096 };

static const char *const GOLDEN_KINDS[] = {"uniform", "bytes", "wide", "huge", "denormal", "mixed"};
enum { GOLDEN_KIND_COUNT = sizeof GOLDEN_KINDS / sizeof GOLDEN_KINDS[0] };

static inline float golden_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t golden_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float golden_uniform(uint64_t draw)
{
    return (float)((int32_t)(draw >> 40) - (1 << 23)) / 8388608.0f;
}

static inline float golden_element(uint32_t kind, uint64_t draw)
{
    const uint32_t sign = (uint32_t)(draw >> 63) << 31;
    const uint32_t mantissa = (uint32_t)draw & 0x7fffff;
    const uint32_t spread = (uint32_t)(draw >> 32) & 0xffff;
    switch (kind) {
    case 1:
        return (float)(draw & 255);
    case 2:
        return golden_float(sign | (87 + spread % 81) << 23 | mantissa);
    case 3:
        return golden_float(sign | (177 + spread % 5) << 23 | mantissa);
    case 4:
        return golden_float(sign | mantissa);
    case 5:
        switch ((draw >> 56) & 3) {
        case 0:
            return golden_float(sign);
        case 1:
            return golden_float(sign | mantissa);
        default:
            return golden_uniform(draw);
        }
    default:
        return golden_uniform(draw);
    }
}

static inline void golden_inputs(uint32_t kind, uint32_t dims, uint64_t seed, float *a, float *b)
{
    random_state random = {seed};
    for (uint32_t i = 0; i < dims; i++) {
        a[i] = golden_element(kind, random_next(&random));
        b[i] = golden_element(kind, random_next(&random));
    }
}

static const char *const GOLDEN_SUMS[SIMD_SUM_COUNT] = {"l2", "dot", "l1"};

static inline float golden_term(float a, float b, uint32_t sum)
{
    volatile float difference = a - b; /* volatile: rounded here, whatever the compiler is told */
    volatile float product = sum == SIMD_SUM_DOT ? a * b : difference * difference;
    return sum == SIMD_SUM_L1 ? fabsf(difference) : product;
}

/* The lane rule. */
static inline float golden_sum(const float *a, const float *b, uint32_t dims, uint32_t sum)
{
    enum { LANES = 32 };
    float lanes[LANES];
    for (uint32_t j = 0; j < LANES; j++) {
        lanes[j] = 0.0f;
    }
    for (uint32_t i = 0; i < dims; i++) {
        lanes[i % LANES] += golden_term(a[i], b[i], sum);
    }
    for (uint32_t half = LANES / 2; half > 0; half /= 2) {
        for (uint32_t j = 0; j < half; j++) {
            lanes[j] += lanes[j + half];
        }
    }
    return lanes[0] == 0.0f ? 0.0f : lanes[0];
}

/* Place of a word in a list, or `count`. */
static inline uint32_t golden_find(const char *const *words, uint32_t count, const char *word)
{
    uint32_t i = 0;
    while (i < count && strcmp(words[i], word) != 0) {
        i++;
    }
    return i;
}

#endif
