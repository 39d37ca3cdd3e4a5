/*
 * How many bytes the 1-bit codes of a node's neighbours take, and where they lie in their block (quant/bits.h says what they
 * are). It is here because a record holds such a block and knows no codes.
 *
 * A block: groups of 32 neighbours, one after the other. A group: u8[length / 4][16] | offsets f32[n] | scales f32[n].
 * Byte b of row t has the bits of dimensions 4t .. 4t + 3, the lowest first, of neighbour b in its low half and of neighbour
 * 16 + b in its high half. n is 32, but in the last group: what is left of max_degree, rounded up to 4. Factors lie beside
 * their bits, so that a block is read from its beginning to its last neighbour and no further.
 */
#ifndef DISKANN_BASE_BITS_LAYOUT_H
#define DISKANN_BASE_BITS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

enum { BITS_GROUP = 32, BITS_ROW_BYTES = 16, BITS_ROW_DIMENSIONS = 4, BITS_LENGTH_UNIT = 64, BITS_SLOT_UNIT = 4 };

typedef struct bits_layout {
    uint32_t length;      /* dimensions, rounded up to 64 */
    uint32_t groups;
    uint32_t rows_bytes;  /* of the bits of a group */
    uint32_t group_bytes; /* from one group to the next */
    uint32_t last_slots;  /* neighbours that the last group has factors for */
    uint32_t block_bytes; /* a multiple of 16 */
} bits_layout;

/* dimensions: 1 .. 65535; max_degree: what the block has room for, at least 1. */
static inline void bits_layout_init(bits_layout *layout, uint32_t dimensions, uint32_t max_degree)
{
    const uint32_t factor_bytes = 2 * (uint32_t)sizeof(float);
    layout->length = (dimensions + BITS_LENGTH_UNIT - 1) / BITS_LENGTH_UNIT * BITS_LENGTH_UNIT;
    layout->groups = (max_degree + BITS_GROUP - 1) / BITS_GROUP;
    layout->rows_bytes = layout->length / BITS_ROW_DIMENSIONS * BITS_ROW_BYTES;
    layout->group_bytes = layout->rows_bytes + BITS_GROUP * factor_bytes;
    const uint32_t left = max_degree - (layout->groups - 1) * BITS_GROUP;
    layout->last_slots = (left + BITS_SLOT_UNIT - 1) / BITS_SLOT_UNIT * BITS_SLOT_UNIT;
    layout->block_bytes = layout->groups * layout->group_bytes - (BITS_GROUP - layout->last_slots) * factor_bytes;
}

/*
 * A navigator (quant/navigator.h) is a block with room for so many of `size` vectors: a sixteenth of them, as far as they fit
 * NAVIGATOR_BYTES_MAX with the origin of their codes; in whole groups. 0: there is none.
 */
enum { NAVIGATOR_BYTES_MAX = 124 << 10, NAVIGATOR_SHARE = 16, NAVIGATOR_SIZE_MIN = 1024 };
static inline uint32_t bits_navigator_places(uint32_t dimensions, uint64_t size)
{
    bits_layout layout;
    bits_layout_init(&layout, dimensions, BITS_GROUP);
    const uint32_t origin_bytes = dimensions * (uint32_t)sizeof(float);
    const uint32_t fitting = origin_bytes < NAVIGATOR_BYTES_MAX ? (NAVIGATOR_BYTES_MAX - origin_bytes) / layout.group_bytes : 0;
    const uint64_t wanted = size < NAVIGATOR_SIZE_MIN ? 0 : size / NAVIGATOR_SHARE / BITS_GROUP;
    return (wanted < fitting ? (uint32_t)wanted : fitting) * BITS_GROUP;
}

/* Neighbours that a group has factors for. */
static inline uint32_t bits_group_slots(const bits_layout *layout, uint32_t group)
{
    return group + 1 < layout->groups ? BITS_GROUP : layout->last_slots;
}

/* The offset of the neighbour at a place. */
static inline float *bits_offset_at(const bits_layout *layout, uint8_t *block, uint32_t place)
{
    uint8_t *group = block + (size_t)(place / BITS_GROUP) * layout->group_bytes;
    return (float *)(void *)(group + layout->rows_bytes) + place % BITS_GROUP;
}

/* Its scale. */
static inline float *bits_scale_at(const bits_layout *layout, uint8_t *block, uint32_t place)
{
    return bits_offset_at(layout, block, place) + bits_group_slots(layout, place / BITS_GROUP);
}

#endif
