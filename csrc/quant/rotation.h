/*
 * A fixed rotation that spreads a vector evenly over its dimensions: some passes, each of which flips the signs of a block
 * at random and takes its fast Walsh-Hadamard transform. A block is as long as the largest power of two that fits; where that
 * is not all, passes take the first, the last and the middle one in turns; they overlap.
 *
 * The signs come from a constant seed. Every element is a result of sums and products in a fixed order: the same bits
 * everywhere.
 */
#ifndef DISKANN_QUANT_ROTATION_H
#define DISKANN_QUANT_ROTATION_H

#include "../base/memory.h"

typedef struct rotation {
    uint32_t length;
    uint32_t block;
    uint32_t passes;
    float *factors; /* [passes][block]: sign / sqrt(block) */
} rotation;

/* `length`: a multiple of 64. ERR_NO_MEMORY. */
int rotation_init(rotation *rotation, uint32_t length, memory_account *account);
void rotation_reset(rotation *rotation, memory_account *account);
uint64_t rotation_bytes(const rotation *rotation);
/* Rotates `values` in place; `spare`: scratch. Both [length]. */
void rotation_apply(const rotation *rotation, float *values, float *spare);

#endif
