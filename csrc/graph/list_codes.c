#include "list_codes.h"

#include "../base/status.h"

#include <string.h>

void list_coder_init(list_coder *coder, memory_account *account)
{
    memset(coder, 0, sizeof *coder);
    coder->account = account;
}

static uint64_t floats_bytes(const graph_space *space)
{
    return (bits_scratch_floats(&space->bits->layout) + 2 * (uint64_t)space->dimensions) * sizeof(float);
}

int list_coder_reserve(list_coder *coder, const graph_space *space, uint32_t max_degree)
{
    coder->space = space;
    coder->max_degree = max_degree;
    coder->floats = memory_get(coder->account, floats_bytes(space));
    coder->block = memory_get(coder->account, space->bits->layout.block_bytes);
    coder->neighbours = memory_get(coder->account, max_degree * sizeof *coder->neighbours);
    if (coder->floats == NULL || coder->block == NULL || coder->neighbours == NULL) {
        list_coder_reset(coder);
        return DISKANN_ERR_NO_MEMORY;
    }
    return DISKANN_OK;
}

void list_coder_reset(list_coder *coder)
{
    if (coder->space != NULL) {
        memory_put(coder->account, coder->floats, floats_bytes(coder->space));
        memory_put(coder->account, coder->block, coder->space->bits->layout.block_bytes);
        memory_put(coder->account, coder->neighbours, coder->max_degree * sizeof *coder->neighbours);
    }
    list_coder_init(coder, coder->account);
}

static float *vector_of(const list_coder *coder)
{
    return coder->floats + bits_scratch_floats(&coder->space->bits->layout);
}

static uint8_t *record_of(const list_coder *coder, uint32_t slot)
{
    return record_at(coder->space->records, slot);
}

void list_coder_own(list_coder *coder, uint32_t slot)
{
    float *vector = vector_of(coder);
    graph_code_vector(coder->space, record_of(coder, slot), vector);
    bits_owner_set(coder->space->bits, coder->floats, vector);
}

/*
 * A zero vector lies at the centre of those of unit length, half from each of them, while its cosine distance is 1: else all
 * zero vectors of a data set would seem nearer than they are, and a search would read them all.
 */
static void encode_by(list_coder *coder, const bits_coder *bits, uint8_t *block, uint32_t place, uint32_t neighbour)
{
    float *vector = vector_of(coder) + coder->space->dimensions;
    const float weight = graph_code_vector(coder->space, record_of(coder, neighbour), vector);
    bits_encode(bits, coder->floats, block, place, vector);
    if (weight == 0) {
        *bits_offset_at(&bits->layout, block, place) += 0.5f;
    }
}

static void encode_place(list_coder *coder, uint8_t *block, uint32_t place, uint32_t neighbour)
{
    encode_by(coder, coder->space->bits, block, place, neighbour);
}

void list_coder_place(list_coder *coder, uint32_t owner, uint32_t place, uint32_t slot)
{
    encode_place(coder, record_codes(&coder->space->records->layout, record_of(coder, owner)), place, slot);
}

void list_coder_note(list_coder *coder, uint32_t slot)
{
    const record_layout *layout = &coder->space->records->layout;
    uint8_t *record = record_of(coder, slot);
    const record_list *list = record_links(layout, record);
    coder->degree = list->degree;
    memcpy(coder->neighbours, list->neighbours, list->degree * sizeof *coder->neighbours);
    memcpy(coder->block, record_codes(layout, record), coder->space->bits->layout.block_bytes);
}

/* Where a neighbour was, or SLOT_NONE; most are where they were. */
static uint32_t old_place(const list_coder *coder, uint32_t neighbour, uint32_t place)
{
    if (place < coder->degree && coder->neighbours[place] == neighbour) {
        return place;
    }
    uint32_t at = 0;
    while (at < coder->degree && coder->neighbours[at] != neighbour) {
        at++;
    }
    return at < coder->degree ? at : SLOT_NONE;
}

void list_coder_follow(list_coder *coder, uint32_t slot)
{
    const bits_layout *bits = &coder->space->bits->layout;
    const record_layout *layout = &coder->space->records->layout;
    uint8_t *record = record_of(coder, slot), *block = record_codes(layout, record);
    const record_list *list = record_links(layout, record);
    int has_owner = 0;
    for (uint32_t place = 0; place < list->degree; place++) {
        const uint32_t neighbour = list->neighbours[place], old = old_place(coder, neighbour, place);
        if (old == place) {
            continue;
        }
        if (old != SLOT_NONE) {
            bits_move(bits, block, place, coder->block, old);
            continue;
        }
        if (!has_owner) {
            list_coder_own(coder, slot);
            has_owner = 1;
        }
        encode_place(coder, block, place, neighbour);
    }
    if (list->degree < coder->degree) {
        bits_clear(bits, block, list->degree, coder->degree);
    }
}

static void encode_into(list_coder *coder, uint32_t slot, uint8_t *block)
{
    const record_list *list = record_links(&coder->space->records->layout, record_of(coder, slot));
    list_coder_own(coder, slot);
    for (uint32_t place = 0; place < list->degree; place++) {
        encode_place(coder, block, place, list->neighbours[place]);
    }
}

void list_coder_encode(list_coder *coder, uint32_t slot)
{
    encode_into(coder, slot, record_codes(&coder->space->records->layout, record_of(coder, slot)));
}

int list_coder_check(list_coder *coder, uint32_t slot)
{
    const uint32_t bytes = coder->space->bits->layout.block_bytes;
    memset(coder->block, 0, bytes);
    encode_into(coder, slot, coder->block);
    return memcmp(coder->block, record_codes(&coder->space->records->layout, record_of(coder, slot)), bytes) == 0;
}

void list_coder_navigate_place(list_coder *coder, const navigator *navigator, uint32_t place, uint32_t slot)
{
    const bits_coder bits = navigator_coder(navigator, coder->space->bits);
    bits_owner_set(&bits, coder->floats, bits.origin);
    encode_by(coder, &bits, navigator->block, place, slot);
}

void list_coder_navigate(list_coder *coder, const navigator *navigator, uint32_t group)
{
    const bits_coder bits = navigator_coder(navigator, coder->space->bits);
    bits_owner_set(&bits, coder->floats, bits.origin);
    for (uint32_t place = group * BITS_GROUP; place < (group + 1) * BITS_GROUP; place++) {
        encode_by(coder, &bits, navigator->block, place, navigator_slot(navigator, place));
    }
}
