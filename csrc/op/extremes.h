/* The least and the largest of what several workers find. */
#ifndef DISKANN_OP_EXTREMES_H
#define DISKANN_OP_EXTREMES_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

static inline void lower_to(_Atomic uint64_t *minimum, uint64_t value)
{
    uint64_t seen = atomic_load_explicit(minimum, memory_order_relaxed);
    while (value < seen && !atomic_compare_exchange_weak_explicit(minimum, &seen, value, memory_order_relaxed,
                                                                  memory_order_relaxed)) {
    }
}

/* Norms are not negative, so their bits have the order of their values. */
static inline void raise_to(_Atomic uint32_t *maximum, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t seen = atomic_load_explicit(maximum, memory_order_relaxed);
    while (bits > seen && !atomic_compare_exchange_weak_explicit(maximum, &seen, bits, memory_order_relaxed,
                                                                 memory_order_relaxed)) {
    }
}

#endif
