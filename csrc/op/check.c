#include "check.h"

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
    if (!bytes_are_zero(unused, (size_t)(record + layout->record_bytes - unused))) {
        bits |= CHECK_BIT(DISKANN_FINDING_PAGE_HEADER);
    }
    return bits;
}

uint32_t check_record(const graph_space *space, const check_limits *limits, uint32_t slot)
{
    const record_layout *layout = &space->records->layout;
    uint8_t *record = record_at(space->records, slot);
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
