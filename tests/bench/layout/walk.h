/* The search of graph/walk.c, one record at a time, with any codes. */
#ifndef DISKANN_BENCH_LAYOUT_WALK_H
#define DISKANN_BENCH_LAYOUT_WALK_H

#include "codes.h"
#include "curve.h"
#include "order.h"

enum { LIST_MAX = 512, HITS = WORLD_K };

typedef struct candidate {
    float key;
    uint32_t slot;
    uint32_t is_expanded;
} candidate;

/* What is known of a slot: the mean of its estimates, weighted by the inverse of their variances. */
typedef struct note {
    float estimate, spread;
    uint32_t stamp; /* the walk that made it */
} note;

typedef struct walk {
    const world *world;
    codes *codes;
    const placement *placement;
    uint32_t has_navigator, has_page_search;
    edges edges;
    candidate list[LIST_MAX];
    candidate hits[HITS];
    uint32_t list_size, list_count, hit_count;
    note *notes;             /* by slot */
    uint32_t *scored, *read; /* by slot, by page: the walk that has */
    uint32_t stamp, query;
} walk;

static void insert(candidate *list, uint32_t *count, uint32_t most, candidate candidate)
{
    uint32_t place = *count;
    while (place > 0 && list[place - 1].key > candidate.key) {
        place--;
    }
    if (place == most) {
        return;
    }
    *count += *count < most;
    memmove(list + place + 1, list + place, (*count - 1 - place) * sizeof *list);
    list[place] = candidate;
}

static void take_out(walk *walk, uint32_t slot)
{
    for (uint32_t i = 0; i < walk->list_count; i++) {
        if (walk->list[i].slot == slot) {
            memmove(walk->list + i, walk->list + i + 1, (walk->list_count - i - 1) * sizeof *walk->list);
            walk->list_count--;
            return;
        }
    }
}

static void offer(walk *walk, uint32_t slot, float estimate, float spread)
{
    note *known = &walk->notes[slot];
    if (known->stamp == walk->stamp) {
        if (!(spread > 0)) {
            return; /* it says what was said before */
        }
        const float ratio = spread / known->spread, share = 1 / (1 + ratio * ratio);
        estimate = known->estimate + (estimate - known->estimate) * share;
        spread *= sqrtf(share);
        take_out(walk, slot);
    }
    *known = (note){estimate, spread, walk->stamp};
    if (walk->list_count < walk->list_size || estimate < walk->list[walk->list_count - 1].key) {
        insert(walk->list, &walk->list_count, walk->list_size, (candidate){estimate, slot, 0});
    }
}

/* The distance of a record, which makes it a hit if it is near enough. */
static float measure(walk *walk, uint32_t slot)
{
    const world *world = walk->world;
    const float distance = squared(world, walk->codes->query, vector_at(world, slot), world->dimensions);
    if (walk->scored[slot] != walk->stamp) {
        walk->scored[slot] = walk->stamp;
        insert(walk->hits, &walk->hit_count, HITS, (candidate){distance, slot, 1});
    }
    return distance;
}

/* Takes the distance of a record that is not to be expanded now, in place of what was estimated. */
static void score(walk *walk, uint32_t slot)
{
    const float distance = measure(walk, slot);
    take_out(walk, slot);
    insert(walk->list, &walk->list_count, walk->list_size, (candidate){distance, slot, 0});
}

static void expand_list(walk *walk, uint32_t slot, float base)
{
    const record_list *list = world_list(walk->world, slot);
    edges *edges = &walk->edges;
    edges->owner = slot;
    edges->base = base;
    edges->count = 0;
    for (uint32_t place = 0; place < list->degree; place++) {
        if (walk->scored[list->neighbours[place]] != walk->stamp) {
            edges->places[edges->count] = place;
            edges->slots[edges->count++] = list->neighbours[place];
        }
    }
    codes_estimate(walk->codes, edges);
    for (uint32_t i = 0; i < edges->count; i++) {
        offer(walk, edges->slots[i], edges->estimates[i], edges->spreads[i]);
    }
}

static void expand(walk *walk, uint32_t slot, point *counts)
{
    const placement *placement = walk->placement;
    const uint32_t page = placement->page_of[slot];
    const uint32_t is_fresh = walk->read[page] != walk->stamp;
    walk->read[page] = walk->stamp;
    counts->expansions++;
    counts->reads += is_fresh;
    for (uint32_t i = 0; walk->has_page_search && is_fresh && i < placement->per_page; i++) {
        const uint32_t other = placement->slots[(size_t)page * placement->per_page + i];
        if (other != SLOT_NONE && other != slot && walk->scored[other] != walk->stamp) {
            score(walk, other);
        }
    }
    expand_list(walk, slot, measure(walk, slot));
}

static uint32_t find_start(const walk *walk)
{
    const world *world = walk->world;
    const uint32_t step = walk->has_navigator ? 100 : world->rows;
    uint32_t best = world->index->entry;
    float least = INFINITY;
    for (uint32_t slot = 0; slot < world->rows && step < world->rows; slot += step) {
        const float distance = squared(world, walk->codes->query, vector_at(world, slot), world->dimensions);
        best = distance < least ? slot : best;
        least = distance < least ? distance : least;
    }
    return best;
}

static void search(walk *walk, point *counts)
{
    walk->stamp++;
    walk->list_count = walk->hit_count = 0;
    offer(walk, find_start(walk), 0, INFINITY);
    for (uint32_t at = 0; at < walk->list_count;) {
        if (walk->list[at].is_expanded) {
            at++;
            continue;
        }
        walk->list[at].is_expanded = 1; /* it keeps its place, whatever its distance is: see walk_absorb */
        expand(walk, walk->list[at].slot, counts);
        at = 0;
    }
    for (uint32_t i = 0; i < walk->hit_count; i++) {
        counts->hits += is_true_hit(walk->world, walk->query, walk->world->ids[walk->hits[i].slot]);
    }
}

/* A pass of curve.h. */
static void walk_pass(void *context, uint32_t list_size, point *sum)
{
    walk *walk = context;
    walk->list_size = list_size;
    for (walk->query = 0; walk->query < walk->world->queries; walk->query++) {
        codes_query(walk->codes, walk->query);
        search(walk, sum);
    }
}

static walk *walk_create(codes *codes, const placement *placement)
{
    walk *walk = get(sizeof *walk);
    walk->world = codes->world;
    walk->codes = codes;
    walk->placement = placement;
    walk->notes = get(walk->world->rows * sizeof *walk->notes);
    walk->scored = get(walk->world->rows * sizeof *walk->scored);
    walk->read = get((walk->world->rows + 1) * sizeof *walk->read);
    return walk;
}

static void walk_destroy(walk *walk)
{
    free(walk->notes);
    free(walk->scored);
    free(walk->read);
    free(walk);
}

#endif
