/*
 * The kernel of clustering: 64 points at once against centroids, one after another.
 *
 * The rule for a distance here is not the one of simd.h, whose 32 lanes are for long vectors: the terms
 * (point - centroid)^2 are added in order of their dimension to one sum that starts at +0, each product rounded before
 * the sum. Lanes are points, so the order is the same for any width.
 */
#ifndef DISKANN_SIMD_NEAREST_H
#define DISKANN_SIMD_NEAREST_H

#include "../include/diskann.h"

#include <stddef.h>
#include <stdint.h>

enum { NEAREST_POINTS = 64 };

/* Centroids `first` .. `first + count - 1`, of which `values` is the first: rows of as many floats as points have. */
typedef struct nearest_centroids {
    const float *values;
    uint32_t first;
    uint32_t count;
} nearest_centroids;

/*
 * `points`: [dims][64], finite. Where a centroid is nearer than distances[i], distances[i] and numbers[i] become
 * its distance and its number: start with INFINITY and 0. Of equally near centroids the lowest stays.
 */
typedef void simd_nearest(const float *points, uint32_t dims, const nearest_centroids *centroids, float *distances,
                          uint32_t *numbers);

/* The kernel for a family of kernels, or NULL where this build or this CPU lacks it; the same bits from each. */
simd_nearest *simd_nearest_get(uint32_t simd);

/* Where the build has them (families.h), for nearest.c. */
simd_nearest nearest_avx2;
simd_nearest nearest_avx512;

#endif
