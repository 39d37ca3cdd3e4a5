/* What the files of exports share: the exchange, and numbers on their way into it. */
#ifndef DISKANN_WASM_EXPORTS_H
#define DISKANN_WASM_EXPORTS_H

#include "../csrc/include/diskann.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) wasm_##name

/* Pointers and sizes are 32 bits wide: the host reads them with >>> 0. */
_Static_assert(sizeof(void *) == 4 && sizeof(size_t) == 4, "this is for wasm32");
_Static_assert(sizeof(double) == sizeof(uint64_t), "ids are turned into doubles in place");

enum { EXCHANGE_SLOTS = 256 };
extern double exchange_slots[EXCHANGE_SLOTS];

/* Puts a fresh object into slot 0. */
static inline int give(int status, const void *object)
{
    exchange_slots[0] = status < 0 ? 0 : (double)(uintptr_t)object;
    return status;
}

/* Statistics into the exchange. */
void put_stats(const diskann_stats *values);

/* An id where the core wrote it becomes a double in the same place, and back. */
static inline void id_to_double(double *cell)
{
    uint64_t id;
    memcpy(&id, cell, sizeof id);
    *cell = (double)id;
}

static inline void double_to_id(double *cell)
{
    const uint64_t id = (uint64_t)*cell;
    memcpy(cell, &id, sizeof id);
}

/* Turns the ids of one row into doubles where they lie, and pads the row to k. */
static inline void finish_row(double *ids, float *distances, uint32_t count, uint32_t k)
{
    for (uint32_t i = 0; i < count; i++) {
        id_to_double(&ids[i]);
    }
    for (uint32_t i = count; i < k; i++) {
        ids[i] = (double)NAN;
        distances[i] = INFINITY;
    }
}

#endif
