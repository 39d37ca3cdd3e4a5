/*
 * The rule of nearest.h, once. Each file that includes this defines before:
 *
 *     near_vector, near_mask, near_numbers      NEAR_WIDTH floats, comparisons of floats, 32-bit integers
 *     near_load(p), near_store(p, a)            no alignment beyond 4
 *     near_load_numbers(p), near_store_numbers(p, a)
 *     near_zero(), near_spread(x), near_spread_number(x)
 *     near_add, near_sub, near_mul(a, b)        each rounded by itself
 *     near_less(a, b)
 *     near_pick(mask, a, b), near_pick_numbers(mask, a, b)     a where the mask is set, else b
 */
#ifndef DISKANN_SIMD_NEAREST_LANES_H
#define DISKANN_SIMD_NEAREST_LANES_H

#include "families.h"
#include "nearest.h"

#if defined(__GNUC__) || defined(__clang__)
#define NEAR_INLINE static inline __attribute__((always_inline))
#else
#define NEAR_INLINE static __forceinline
#endif

/* So many sums run side by side that none waits for its own last addition. */
enum { NEAR_VECTORS = NEAR_WIDTH < 16 ? 8 : 4, NEAR_PASS = NEAR_VECTORS * NEAR_WIDTH };

/* Unrolled by the preprocessor, as in lanes.h, so that the sums stay in registers. */
#define NEAR_EACH(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7)

NEAR_INLINE void near_sums(const float *points, uint32_t dims, const float *centroid, near_vector *sums)
{
#define NEAR_STEP(v)                                                                                        \
    if ((v) < NEAR_VECTORS) {                                                                               \
        sums[v] = near_zero();                                                                              \
    }
    NEAR_EACH(NEAR_STEP)
#undef NEAR_STEP
    for (uint32_t j = 0; j < dims; j++, points += NEAREST_POINTS) {
        const near_vector value = near_spread(centroid[j]);
#define NEAR_STEP(v)                                                                                        \
    if ((v) < NEAR_VECTORS) {                                                                               \
        const near_vector difference = near_sub(near_load(points + (v) * NEAR_WIDTH), value);               \
        sums[v] = near_add(sums[v], near_mul(difference, difference));                                      \
    }
        NEAR_EACH(NEAR_STEP)
#undef NEAR_STEP
    }
}

NEAR_INLINE void near_keep(const near_vector *sums, uint32_t number, float *distances, uint32_t *numbers)
{
    const near_numbers spread = near_spread_number(number);
#define NEAR_STEP(v)                                                                                        \
    if ((v) < NEAR_VECTORS) {                                                                               \
        const uint32_t at = (v) * NEAR_WIDTH;                                                               \
        const near_vector old = near_load(distances + at);                                                  \
        const near_mask nearer = near_less(sums[v], old);                                                   \
        near_store(distances + at, near_pick(nearer, sums[v], old));                                        \
        near_store_numbers(numbers + at, near_pick_numbers(nearer, spread, near_load_numbers(numbers + at))); \
    }
    NEAR_EACH(NEAR_STEP)
#undef NEAR_STEP
}

NEAR_INLINE void near_all(const float *points, uint32_t dims, const nearest_centroids *centroids, float *distances,
                          uint32_t *numbers)
{
    for (uint32_t at = 0; at < NEAREST_POINTS; at += NEAR_PASS) {
        for (uint32_t k = 0; k < centroids->count; k++) {
            near_vector sums[8];
            near_sums(points + at, dims, centroids->values + (size_t)k * dims, sums);
            near_keep(sums, centroids->first + k, distances + at, numbers + at);
        }
    }
}

#endif
