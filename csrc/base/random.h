/* A seeded random number generator (splitmix64, Steele, Lea and Flood 2014): the same sequence on every platform. */
#ifndef DISKANN_BASE_RANDOM_H
#define DISKANN_BASE_RANDOM_H

#include <stdint.h>

typedef struct random_state {
    uint64_t state;
} random_state;

static inline uint64_t random_next(random_state *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [0, bound), bound >= 1, by rejection, so that no value is favoured. */
static inline uint64_t random_below(random_state *random, uint64_t bound)
{
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value = random_next(random);
    while (value >= limit) {
        value = random_next(random);
    }
    return value % bound;
}

#endif
