/*
 * The generator of generate.ts in C, to the bit: a mixture of clusters in a latent space of few dimensions, projected to
 * the wanted dimensions, plus noise. The shapes' numbers are explained there. Header only, for C tests.
 */
#ifndef DISKANN_TESTS_GENERATE_H
#define DISKANN_TESTS_GENERATE_H

#include "../../csrc/base/random.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct generate_shape {
    uint32_t latent;
    uint32_t clusters;
    double decay;
    double spread_low;
    double spread_high;
    double noise;
    int unit;
} generate_shape;

static const generate_shape GENERATE_IMAGE = {32, 1000, 0.95, 0.78, 0.9, 0.3, 0};
static const generate_shape GENERATE_TEXT = {32, 1000, 0.95, 0.1, 1.8, 0.3, 1};

typedef struct generate_mixture {
    const generate_shape *shape;
    uint32_t dimensions;
    double *centres;
    double *spreads;
    double *axes;
    double *projection;
    double *sums;
} generate_mixture;

static inline double generate_uniform(random_state *random)
{
    return (double)(random_next(random) >> 11) / 9007199254740992.0;
}

static inline double generate_deviate(random_state *random)
{
    const uint64_t draw = random_next(random);
    const double sum = (double)((draw >> 48) + ((draw >> 32) & 0xffff) + ((draw >> 16) & 0xffff) + (draw & 0xffff));
    return (sum - 131070) * (1 / 37837.22728442333);
}

static inline void generate_mixture_free(generate_mixture *mixture)
{
    free(mixture->centres);
}

static inline int generate_mixture_init(generate_mixture *mixture, const generate_shape *shape, uint32_t dimensions,
                                        uint64_t seed)
{
    random_state random = {seed};
    const size_t cells = (size_t)shape->clusters * shape->latent;
    const size_t plane = (size_t)shape->latent * dimensions;
    double *memory = (double *)malloc((cells + shape->clusters + shape->latent + plane + dimensions) * sizeof(double));
    double axis = 1;
    if (!memory) {
        return -1;
    }
    mixture->shape = shape;
    mixture->dimensions = dimensions;
    mixture->centres = memory;
    mixture->spreads = mixture->centres + cells;
    mixture->axes = mixture->spreads + shape->clusters;
    mixture->projection = mixture->axes + shape->latent;
    mixture->sums = mixture->projection + plane;
    for (uint32_t j = 0; j < shape->latent; j++) {
        mixture->axes[j] = axis;
        axis *= shape->decay;
    }
    for (size_t i = 0; i < plane; i++) {
        mixture->projection[i] = generate_deviate(&random);
    }
    for (uint32_t c = 0; c < shape->clusters; c++) {
        mixture->spreads[c] = shape->spread_low + (shape->spread_high - shape->spread_low) * generate_uniform(&random);
        for (uint32_t j = 0; j < shape->latent; j++) {
            mixture->centres[(size_t)c * shape->latent + j] = generate_deviate(&random) * mixture->axes[j];
        }
    }
    return 0;
}

static inline void generate_row(const generate_mixture *mixture, random_state *random, float *out)
{
    const generate_shape *shape = mixture->shape;
    const uint32_t dimensions = mixture->dimensions;
    double *sums = mixture->sums;
    const double draw = generate_uniform(random);
    const uint32_t cluster = (uint32_t)(draw * draw * shape->clusters);
    double square = 0;
    double length = 1;
    memset(sums, 0, dimensions * sizeof(double));
    for (uint32_t j = 0; j < shape->latent; j++) {
        const double *row = mixture->projection + (size_t)j * dimensions;
        const double value = mixture->centres[(size_t)cluster * shape->latent + j] +
                             generate_deviate(random) * mixture->spreads[cluster] * mixture->axes[j];
        for (uint32_t i = 0; i < dimensions; i++) {
            sums[i] += value * row[i];
        }
    }
    for (uint32_t i = 0; i < dimensions; i++) {
        sums[i] += shape->noise * generate_deviate(random);
        square += sums[i] * sums[i];
    }
    if (shape->unit) {
        length = sqrt(square);
    }
    for (uint32_t i = 0; i < dimensions; i++) {
        out[i] = (float)(sums[i] / length);
    }
}

/*
 * rows x dimensions floats into `out`, from row number `first` on. `stream`: 0 = the set, 1 = queries. 0, or -1 without
 * memory.
 */
static inline int generate_rows(const generate_shape *shape, uint32_t dimensions, uint64_t seed, uint32_t stream,
                                uint64_t first, uint64_t rows, float *out)
{
    generate_mixture mixture;
    random_state keys = {seed + ((uint64_t)(stream + 1) << 32)};
    const uint64_t key = random_next(&keys);
    if (generate_mixture_init(&mixture, shape, dimensions, seed) != 0) {
        return -1;
    }
    for (uint64_t row = 0; row < rows; row++) {
        random_state random = {(key & UINT64_C(0xffffffff00000000)) | (uint32_t)(key + first + row)};
        random.state = random_next(&random);
        generate_row(&mixture, &random, out + row * dimensions);
    }
    generate_mixture_free(&mixture);
    return 0;
}

#endif
