#include "check.h"

#include "../base/status.h"
#include "../simd/sq8.h"
#include "../store/page.h"

#include <string.h>

static uint32_t check_vector(const graph_space *space, uint8_t *record)
{
    const record_layout *layout = &space->records->layout;
    if (!graph_is_finite(space, record)) {
        return CHECK_BIT(DISKANN_FINDING_NOT_FINITE);
    }
    const float stored = *record_aux(layout, record);
    const float wanted = graph_aux(space, record);
    return memcmp(&stored, &wanted, sizeof stored) == 0 ? 0 : CHECK_BIT(DISKANN_FINDING_NORM);
}

static uint32_t check_links(const graph_space *space, const check_limits *limits, uint8_t *record)
{
    const record_layout *layout = &space->records->layout;
    const record_list *list = record_links(layout, record);
    const uint32_t degree = list->degree;
    if (degree > limits->max_degree || list->children > degree ||
        list->children > record_children_max(limits->max_degree)) {
        return CHECK_BIT(DISKANN_FINDING_DEGREE);
    }
    uint32_t largest = 0;
    for (uint32_t i = 0; i < degree; i++) {
        largest = list->neighbours[i] > largest ? list->neighbours[i] : largest;
    }
    const uint8_t *unused = (const uint8_t *)&list->neighbours[degree];
    uint32_t bits = degree > 0 && largest >= limits->size ? CHECK_BIT(DISKANN_FINDING_EDGE_RANGE) : 0;
    if (!bytes_are_zero(unused, (size_t)(record_codes(layout, record) - unused))) {
        bits |= CHECK_BIT(DISKANN_FINDING_PAGE_HEADER);
    }
    if (space->bits != NULL && !bits_are_sound(&space->bits->layout, record_codes(layout, record), degree)) {
        bits |= CHECK_BIT(DISKANN_FINDING_CODES);
    }
    return bits;
}

uint32_t check_record(const graph_space *space, const check_limits *limits, uint8_t *record)
{
    const record_layout *layout = &space->records->layout;
    const size_t used = simd_row_bytes(space->data_type, space->dimensions);
    uint32_t bits = check_vector(space, record) | check_links(space, limits, record);
    if (*record_id(layout, record) >= limits->next_id) {
        bits |= CHECK_BIT(DISKANN_FINDING_ID);
    }
    const int has_zeros = space->data_type != DISKANN_SQ8 || ((const sq8_head *)(const void *)record)->zero == 0;
    if (!has_zeros || !bytes_are_zero(record + used, layout->vector_bytes - used)) {
        bits |= CHECK_BIT(DISKANN_FINDING_PAGE_HEADER);
    }
    return bits;
}

uint32_t check_first(uint32_t bits)
{
    for (uint32_t kind = 1; kind < DISKANN_FINDING_COUNT; kind++) {
        if (bits & CHECK_BIT(kind)) {
            return kind;
        }
    }
    return DISKANN_FINDING_NONE;
}

uint32_t check_page(const graph_space *space, const check_limits *limits, uint8_t *bytes, uint32_t page)
{
    const record_layout *layout = &space->records->layout;
    const uint32_t records = page_records(layout, page, limits->size);
    uint32_t kind = page_check(space->kernels->crc32c, layout, bytes, page, page_used(layout, records), 1);
    for (uint32_t i = 0; i < records && kind == DISKANN_FINDING_NONE; i++) {
        kind = check_first(check_record(space, limits, page_record(layout, bytes, i)));
    }
    return kind;
}

uint32_t check_set_count(uint32_t max_degree)
{
    uint32_t count = 16;
    while (count < 2 * max_degree) {
        count *= 2;
    }
    return count;
}

/* A small hash set of target + 1, so that 0 is an empty place. */
uint32_t check_edges(const check_set *set, const record_list *list, uint32_t size, uint32_t slot)
{
    const uint32_t mask = set->count - 1;
    uint32_t bits = 0;
    memset(set->places, 0, set->count * sizeof *set->places);
    for (uint32_t i = 0; i < list->degree; i++) {
        const uint32_t key = list->neighbours[i] + 1;
        if (list->neighbours[i] >= size) {
            continue; /* found by check_record */
        }
        uint32_t place = (key * UINT32_C(0x9e3779b1)) >> 16 & mask;
        while (set->places[place] != 0 && set->places[place] != key) {
            place = (place + 1) & mask;
        }
        bits |= set->places[place] == key ? CHECK_BIT(DISKANN_FINDING_DUPLICATE_EDGE) : 0;
        bits |= list->neighbours[i] == slot ? CHECK_BIT(DISKANN_FINDING_SELF_EDGE) : 0;
        set->places[place] = key;
    }
    return bits;
}

int check_search(const float *query, const diskann_search_params *params)
{
    if (query == NULL || params == NULL || params->k < 1 || params->k > DISKANN_K_MAX ||
        params->list_size < DISKANN_LIST_SIZE_MIN || params->list_size > DISKANN_LIST_SIZE_MAX ||
        params->beam_width < 1 || params->beam_width > DISKANN_BEAM_WIDTH_MAX || params->page_search > 1 ||
        params->may_scan > 1) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    return DISKANN_OK;
}
