/*
 * A vector as bytes, 256 steps from its least element to its greatest (scalar quantisation by vector, as LVQ does; Aguerrebere
 * et al., VLDB 2023): nothing is trained. The row: sq8_head | u8 code[dimensions].
 */
#ifndef DISKANN_SIMD_SQ8_H
#define DISKANN_SIMD_SQ8_H

#include "simd.h"

enum { SQ8_CODE_MAX = 255 };

typedef struct sq8_head {
    float least;
    float step;
    float error; /* distance between the vector that was given and this one */
    uint32_t zero;
} sq8_head;

_Static_assert(sizeof(sq8_head) == SIMD_SQ8_HEAD_BYTES, "rows are as long as simd.h says");

/* An element: the product is rounded before the sum, in every family. */
static inline float sq8_value(const sq8_head *head, uint8_t code)
{
    return head->least + head->step * (float)code;
}

static inline const uint8_t *sq8_codes(const void *row)
{
    return (const uint8_t *)row + SIMD_SQ8_HEAD_BYTES;
}

#endif
