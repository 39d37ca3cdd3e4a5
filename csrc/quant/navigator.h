/*
 * Where a search along codes in records starts: 1-bit codes of a sample of the vectors, all in memory. A search that starts at
 * the nearest of them is spared the records on the way from the entry. The sample is like the neighbours of a record: its codes
 * lie in such a block (base/bits_layout.h), and their owner is the origin of all codes.
 */
#ifndef DISKANN_QUANT_NAVIGATOR_H
#define DISKANN_QUANT_NAVIGATOR_H

#include "bits.h"

typedef struct navigator {
    memory_account *account;
    bits_layout layout; /* of the block */
    uint8_t *block;     /* NULL: there is none */
    uint32_t size;      /* vectors that it is a sample of */
    uint32_t places;    /* a multiple of BITS_GROUP; 0: there is none */
} navigator;

void navigator_init(navigator *navigator, memory_account *account);
/* Makes room for the sample of `size` vectors, of which there is one. There was none before. ERR_NO_MEMORY. */
int navigator_reserve(navigator *navigator, uint32_t dimensions, uint32_t size);
/* Also of one that is zero. */
void navigator_reset(navigator *navigator);

static inline uint64_t navigator_bytes(const navigator *navigator)
{
    return navigator->places > 0 ? navigator->layout.block_bytes : 0;
}

/* The slot whose vector has this place. */
static inline uint32_t navigator_slot(const navigator *navigator, uint32_t place)
{
    return (uint32_t)((uint64_t)navigator->size * place / navigator->places);
}

/* The same coder for codes of the navigator; what both point to is borrowed. The owner of all of them is its origin. */
bits_coder navigator_coder(const navigator *navigator, const bits_coder *coder);
/* 1: factors are finite. */
int navigator_is_sound(const navigator *navigator);

#endif
