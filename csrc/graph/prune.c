/*
 * Robust prune (DiskANN, NeurIPS 2019, algorithm 2). A candidate is occluded when some chosen neighbour is nearer to it, by
 * a factor, than the record itself. As in the reference implementation there are two passes, factor 1 and factor
 * alpha, so that the sparse relative-neighbourhood edges come first when the degree is short. We differ in the order
 * of work, not in the result: candidates are tested lazily, up to the first neighbour that occludes them, and a
 * second pass goes on where the first one stopped; and tree edges are always kept.
 */
#include "graph.h"

#include "../base/status.h"

#include <string.h>

static const graph_candidate TREE_EDGE = 1;
/* C of the reference: only the nearest so many of a pool are considered. */
enum { PRUNE_POOL_MAX = 750 };

void prune_init(prune_scratch *scratch, memory_account *account)
{
    memset(scratch, 0, sizeof *scratch);
    scratch->account = account;
}

void prune_reset(prune_scratch *scratch)
{
    memory_put(scratch->account, scratch->pool, scratch->capacity * sizeof *scratch->pool);
    memory_put(scratch->account, scratch->states, scratch->capacity * sizeof *scratch->states);
    memory_put(scratch->account, scratch->selected, scratch->capacity * sizeof *scratch->selected);
    memory_put(scratch->account, scratch->source, scratch->source_floats * sizeof *scratch->source);
    prune_init(scratch, scratch->account);
}

int prune_reserve(prune_scratch *scratch, uint32_t capacity, uint32_t source_floats)
{
    if (capacity <= scratch->capacity && source_floats <= scratch->source_floats) {
        return DISKANN_OK;
    }
    prune_reset(scratch);
    scratch->capacity = capacity;
    scratch->source_floats = source_floats;
    scratch->pool = memory_get(scratch->account, capacity * sizeof *scratch->pool);
    scratch->states = memory_get(scratch->account, capacity * sizeof *scratch->states);
    scratch->selected = memory_get(scratch->account, capacity * sizeof *scratch->selected);
    scratch->source = source_floats > 0 ? memory_get(scratch->account, source_floats * sizeof *scratch->source) : NULL;
    if (scratch->pool == NULL || scratch->states == NULL || scratch->selected == NULL ||
        (source_floats > 0 && scratch->source == NULL)) {
        prune_reset(scratch);
        return DISKANN_ERR_NO_MEMORY;
    }
    return DISKANN_OK;
}

typedef struct pruning {
    prune_scratch *scratch;
    const graph_space *space;
    float alpha;
    uint32_t selected_count;
} pruning;

/* Whether a candidate gets past every nearer chosen neighbour at this factor. */
static int is_clear(pruning *pruning, uint32_t position, float factor)
{
    prune_scratch *scratch = pruning->scratch;
    prune_state *state = &scratch->states[position];
    const graph_candidate candidate = scratch->pool[position];
    const float to_record = candidate_distance(candidate);
    if (state->tested == pruning->selected_count) {
        return 1;
    }
    const graph_point point = graph_source_at(pruning->space, candidate_slot(candidate), scratch->source);
    while (state->tested < pruning->selected_count) {
        const uint32_t chosen = scratch->selected[state->tested++];
        if (chosen > position) {
            continue;
        }
        const uint32_t slot = candidate_slot(scratch->pool[chosen]);
        const float between = graph_distance(pruning->space, point, graph_point_at(pruning->space, slot));
        scratch->distance_count++;
        if (between <= 0 || to_record > pruning->alpha * between) {
            state->taken = 1;
            return 0;
        }
        if (to_record > factor * between) {
            return 0;
        }
    }
    return 1;
}

static void select_pass(pruning *pruning, uint32_t count, uint32_t *room, float factor)
{
    prune_scratch *scratch = pruning->scratch;
    for (uint32_t i = 0; i < count && *room > 0; i++) {
        if (!scratch->states[i].taken && is_clear(pruning, i, factor)) {
            scratch->states[i].taken = 1;
            scratch->selected[pruning->selected_count++] = i;
            (*room)--;
        }
    }
}

void prune_run(prune_scratch *scratch, const graph_space *space, uint32_t count, uint32_t max_degree, float alpha,
               record_list *list)
{
    pruning pruning = {scratch, space, alpha, 0};
    candidates_sort(scratch->pool, count);
    memset(scratch->states, 0, count * sizeof *scratch->states);
    for (uint32_t i = 0; i < count; i++) {
        if (scratch->pool[i] & TREE_EDGE) {
            scratch->states[i].taken = 1;
            scratch->selected[pruning.selected_count++] = i;
        }
    }
    const uint32_t children = pruning.selected_count;
    const uint32_t considered = count < PRUNE_POOL_MAX ? count : PRUNE_POOL_MAX;
    uint32_t room = max_degree - children;
    select_pass(&pruning, considered, &room, 1.0f);
    if (alpha > 1.0f) {
        select_pass(&pruning, considered, &room, alpha);
    }
    list->children = (uint16_t)children;
    list->degree = (uint16_t)pruning.selected_count;
    for (uint32_t i = 0; i < pruning.selected_count; i++) {
        list->neighbours[i] = candidate_slot(scratch->pool[scratch->selected[i]]);
    }
}
