/*
 * Robust prune (DiskANN, NeurIPS 2019, algorithm 2). A candidate is occluded when some chosen neighbour is nearer to it, by
 * a factor, than the record itself. As in the reference implementation there are two passes, factor 1 and factor
 * alpha, so that the sparse relative-neighbourhood edges come first when the degree is short. We differ in the order
 * of work, not in the result: candidates are tested lazily, up to the first neighbour that occludes them, and a
 * second pass goes on where the first one stopped; codes give the verdict where they leave no doubt; and tree edges are
 * always kept.
 */
#include "graph.h"

#include "../base/status.h"

#include <math.h>
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
    uint32_t has_codes;
    uint32_t selected_count;
} pruning;

/* What a nearer chosen neighbour does to a candidate. */
enum verdict { CLEAR, OCCLUDED, OCCLUDED_FOR_GOOD, UNDECIDED };

/* A chosen neighbour that is nearer to a candidate than these occludes it: at this factor, and at any. */
typedef struct reach {
    float now, ever;
} reach;

static reach reach_of(const pruning *pruning, float to_record, float factor)
{
    const float unit = pruning->space->metric == DISKANN_COSINE ? 2.0f : 1.0f; /* squared distance of unit vectors is twice */
    return (reach){sqrtf(unit * to_record / factor), sqrtf(unit * to_record / pruning->alpha)};
}

/* The codes prove that the vectors are nearer than that. */
static int is_within(const code_pair *pair, float distance)
{
    const float rest = 0.9999f * distance - pair->error;
    return rest > 0 && pair->squared + pair->rounding < rest * rest;
}

/* ... that they are farther. */
static int is_beyond(const code_pair *pair, float distance)
{
    const float sum = 1.0001f * distance + pair->error;
    return pair->squared - pair->rounding > sum * sum;
}

/* By codes alone, where they leave no doubt: the verdict is the one that the vectors give. */
static enum verdict judge(const pruning *pruning, const reach *reach, uint32_t candidate, uint32_t chosen)
{
    const code_pair pair = code_compare(pruning->space->codes, candidate, chosen);
    if (is_beyond(&pair, reach->now)) {
        return CLEAR;
    }
    if (is_within(&pair, reach->ever)) {
        return OCCLUDED_FOR_GOOD;
    }
    return is_within(&pair, reach->now) && is_beyond(&pair, reach->ever) ? OCCLUDED : UNDECIDED;
}

static enum verdict measure(const pruning *pruning, float to_record, float factor, graph_point candidate, uint32_t chosen)
{
    const graph_space *space = pruning->space;
    const float between = graph_distance(space, candidate, graph_point_at(space, chosen));
    if (between <= 0 || to_record > pruning->alpha * between) {
        return OCCLUDED_FOR_GOOD;
    }
    return to_record > factor * between ? OCCLUDED : CLEAR;
}

/* Whether a candidate gets past every nearer chosen neighbour at this factor. */
static int is_clear(pruning *pruning, uint32_t position, float factor)
{
    prune_scratch *scratch = pruning->scratch;
    prune_state *state = &scratch->states[position];
    const uint32_t candidate = candidate_slot(scratch->pool[position]);
    const float to_record = candidate_distance(scratch->pool[position]);
    const reach reach = reach_of(pruning, to_record, factor);
    graph_point point = {NULL, 0}; /* fetched when codes leave a doubt */
    while (state->tested < pruning->selected_count) {
        const uint32_t place = scratch->selected[state->tested++];
        if (place > position) {
            continue;
        }
        const uint32_t chosen = candidate_slot(scratch->pool[place]);
        enum verdict verdict = pruning->has_codes ? judge(pruning, &reach, candidate, chosen) : UNDECIDED;
        if (verdict == UNDECIDED) {
            point = point.vector != NULL ? point : graph_source_at(pruning->space, candidate, scratch->source);
            verdict = measure(pruning, to_record, factor, point, chosen);
        }
        scratch->distance_count++;
        state->taken = verdict == OCCLUDED_FOR_GOOD;
        if (verdict != CLEAR) {
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
    pruning pruning = {scratch, space, alpha, space->codes != NULL && code_is_comparable(space->codes), 0};
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
