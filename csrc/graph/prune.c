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
enum verdict { CLEAR, OCCLUDED, OCCLUDED_FOR_GOOD };

/*
 * A candidate while it is compared with chosen neighbours. One of them that is nearer to it than `now` occludes it at this
 * factor, one that is nearer than `ever` at any.
 */
typedef struct comparison {
    uint32_t candidate;
    float to_record, factor;
    float now, ever;
    graph_point point;             /* fetched when codes leave a doubt */
    code_pairs pairs;              /* what codes say of it and some of the chosen */
    uint32_t is_clear[CODE_PAIRS]; /* by that these are far enough from it */
} comparison;

static void begin_comparison(const pruning *pruning, comparison *comparison, graph_candidate candidate, float factor)
{
    const float unit = pruning->space->metric == DISKANN_COSINE ? 2.0f : 1.0f; /* squared distance of unit vectors is twice */
    comparison->candidate = candidate_slot(candidate);
    comparison->to_record = candidate_distance(candidate);
    comparison->factor = factor;
    comparison->now = sqrtf(unit * comparison->to_record / factor);
    comparison->ever = sqrtf(unit * comparison->to_record / pruning->alpha);
    comparison->point.vector = NULL;
    memset(comparison->is_clear, 0, sizeof comparison->is_clear);
}

/* The vectors are nearer than that. */
static int is_within(const code_pairs *pairs, uint32_t i, float distance)
{
    const float rest = 0.9999f * distance - pairs->error[i];
    return rest > 0 && pairs->squared[i] + pairs->rounding[i] < rest * rest;
}

/* ... are farther. */
static int is_beyond(const code_pairs *pairs, uint32_t i, float distance)
{
    const float sum = 1.0001f * distance + pairs->error[i];
    return pairs->squared[i] - pairs->rounding[i] > sum * sum;
}

/* What codes prove of the chosen ones from `first` on. */
static void prove(const pruning *pruning, comparison *comparison, uint32_t first)
{
    code_compare(pruning->space->codes, comparison->candidate, &pruning->scratch->chosen, first, &comparison->pairs);
    const float now = comparison->now;
    for (uint32_t i = 0; i < CODE_PAIRS; i++) {
        comparison->is_clear[i] = is_beyond(&comparison->pairs, i, now) != 0;
    }
}

static enum verdict measure(const pruning *pruning, comparison *comparison, uint32_t chosen)
{
    const graph_space *space = pruning->space;
    if (comparison->point.vector == NULL) {
        comparison->point = graph_source_at(space, comparison->candidate, pruning->scratch->source);
    }
    const float between = graph_distance(space, comparison->point, graph_point_at(space, chosen));
    if (between <= 0 || comparison->to_record > pruning->alpha * between) {
        return OCCLUDED_FOR_GOOD;
    }
    return comparison->to_record > comparison->factor * between ? OCCLUDED : CLEAR;
}

/* Of a chosen one that is not proved to be far: by codes, where they leave no doubt, else by the vectors; it is the same. */
static enum verdict judge(const pruning *pruning, comparison *comparison, uint32_t i, uint32_t chosen)
{
    const code_pairs *pairs = &comparison->pairs;
    if (pruning->has_codes) {
        if (is_within(pairs, i, comparison->ever)) {
            return OCCLUDED_FOR_GOOD;
        }
        if (is_within(pairs, i, comparison->now) && is_beyond(pairs, i, comparison->ever)) {
            return OCCLUDED;
        }
    }
    return measure(pruning, comparison, chosen);
}

/* Whether a candidate gets past every nearer chosen neighbour at this factor. */
static int is_clear(pruning *pruning, uint32_t position, float factor)
{
    prune_scratch *scratch = pruning->scratch;
    prune_state *state = &scratch->states[position];
    const uint32_t *selected = scratch->selected, count = pruning->selected_count;
    enum verdict verdict = CLEAR;
    uint32_t at = state->tested, compared = 0;
    comparison comparison;
    begin_comparison(pruning, &comparison, scratch->pool[position], factor);
    while (at < count && verdict == CLEAR) {
        const uint32_t first = at, end = count - at < CODE_PAIRS ? count : at + CODE_PAIRS;
        if (pruning->has_codes) {
            prove(pruning, &comparison, first);
        }
        for (; at < end && verdict == CLEAR; at++) {
            if (selected[at] > position) {
                continue;
            }
            compared++;
            if (!comparison.is_clear[at - first]) {
                verdict = judge(pruning, &comparison, at - first, candidate_slot(scratch->pool[selected[at]]));
            }
        }
    }
    scratch->distance_count += compared;
    state->tested = at;
    state->taken = verdict == OCCLUDED_FOR_GOOD;
    return verdict == CLEAR;
}

static void choose(pruning *pruning, uint32_t position)
{
    prune_scratch *scratch = pruning->scratch;
    scratch->states[position].taken = 1;
    scratch->selected[pruning->selected_count++] = position;
    if (pruning->has_codes) {
        code_group_add(&scratch->chosen, pruning->space->codes, candidate_slot(scratch->pool[position]));
    }
}

static void select_pass(pruning *pruning, uint32_t count, uint32_t *room, float factor)
{
    prune_scratch *scratch = pruning->scratch;
    for (uint32_t i = 0; i < count && *room > 0; i++) {
        if (!scratch->states[i].taken && is_clear(pruning, i, factor)) {
            choose(pruning, i);
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
    scratch->chosen.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (scratch->pool[i] & TREE_EDGE) {
            choose(&pruning, i);
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
