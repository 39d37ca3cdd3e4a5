/* Greedy search along codes in the records (SymphonyQG, SIGMOD 2025; DiskANN, NeurIPS 2019, algorithm 1). */
#include "walk.h"

#include "../base/status.h"

#include <string.h>

static const graph_candidate EXPANDED = 1;
static const uint32_t WALK_SCORED = UINT32_C(0x80000000); /* slots are below 2^31 */
enum { NOTES_INITIAL = 1024 };

/* ---- memory ---- */

void walk_init(graph_walk *walk, memory_account *account)
{
    memset(walk, 0, sizeof *walk);
    walk->account = account;
}

/* Tables of the query, of whatever codes there are. */
static int init_coded(graph_walk *walk, const graph_space *space)
{
    return space->bits != NULL ? bits_query_init(&walk->coded, space->bits, walk->account)
                               : pq_query_init(&walk->tables, space->pq, walk->account);
}

static void reset_coded(graph_walk *walk, const graph_space *space)
{
    if (space->bits != NULL) {
        bits_query_reset(&walk->coded, space->bits, walk->account);
    } else {
        pq_query_reset(&walk->tables, space->pq, walk->account);
    }
}

void walk_reset(graph_walk *walk)
{
    memory_account *account = walk->account;
    memory_put(account, walk->list, (uint64_t)walk->list_capacity * sizeof *walk->list);
    memory_put(account, walk->hits, (uint64_t)walk->hit_capacity * sizeof *walk->hits);
    memory_put(account, walk->notes, (uint64_t)walk->note_capacity * sizeof *walk->notes);
    memory_put(account, walk->estimates, (uint64_t)walk->estimate_capacity * sizeof *walk->estimates);
    if (walk->space != NULL) {
        memory_put(account, walk->query, walk->space->dimensions * sizeof *walk->query);
        reset_coded(walk, walk->space);
    }
    walk_init(walk, account);
}

/* The buffers of a query: once. */
static int reserve_query(graph_walk *walk, const graph_space *space)
{
    memory_account *account = walk->account;
    if (walk->space != NULL) {
        return DISKANN_OK;
    }
    const uint64_t query_bytes = space->dimensions * sizeof *walk->query;
    walk->query = memory_get(account, query_bytes);
    if (walk->query == NULL || init_coded(walk, space) < 0) {
        memory_put(account, walk->query, query_bytes);
        walk->query = NULL;
        return DISKANN_ERR_NO_MEMORY;
    }
    walk->space = space;
    return DISKANN_OK;
}

/* Replaces a block by one of `wanted` items; the content is not kept. */
static int regrow(memory_account *account, void *block, uint32_t *capacity, uint32_t wanted, size_t item_bytes)
{
    void **place = block;
    if (wanted <= *capacity) {
        return DISKANN_OK;
    }
    void *memory = memory_get(account, (uint64_t)wanted * item_bytes);
    if (memory == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memory_put(account, *place, (uint64_t)*capacity * item_bytes);
    *place = memory;
    *capacity = wanted;
    return DISKANN_OK;
}

int walk_reserve(graph_walk *walk, const graph_space *space, uint32_t max_degree, uint32_t list_size, uint32_t k)
{
    memory_account *account = walk->account;
    const uint32_t estimates = (max_degree + BITS_GROUP - 1) / BITS_GROUP * BITS_GROUP; /* codes come in groups */
    TRY(reserve_query(walk, space));
    TRY(regrow(account, &walk->estimates, &walk->estimate_capacity, estimates, sizeof *walk->estimates));
    TRY(regrow(account, &walk->list, &walk->list_capacity, list_size + 1, sizeof *walk->list));
    TRY(regrow(account, &walk->hits, &walk->hit_capacity, k, sizeof *walk->hits));
    return regrow(account, &walk->notes, &walk->note_capacity, NOTES_INITIAL, sizeof *walk->notes);
}

/* ---- notes ---- */

static inline uint32_t note_home(const graph_walk *walk, uint32_t slot)
{
    return (uint32_t)((slot * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (walk->note_capacity - 1);
}

/* The note of a slot, or the free place where it would be. */
static walk_note *note_at(const graph_walk *walk, uint32_t slot)
{
    uint32_t place = note_home(walk, slot);
    while (walk->notes[place].slot != SLOT_NONE && (walk->notes[place].slot & ~WALK_SCORED) != slot) {
        place = (place + 1) & (walk->note_capacity - 1);
    }
    return &walk->notes[place];
}

static void clear_notes(graph_walk *walk)
{
    memset(walk->notes, 0xff, (size_t)walk->note_capacity * sizeof *walk->notes); /* SLOT_NONE */
    walk->note_count = 0;
}

/* Twice the places; seldom, since a walk keeps what it has. */
static int grow_notes(graph_walk *walk)
{
    const uint32_t before = walk->note_capacity;
    walk_note *old = walk->notes;
    walk_note *notes = memory_get(walk->account, UINT64_C(2) * before * sizeof *notes);
    if (notes == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    walk->notes = notes;
    walk->note_capacity = 2 * before;
    clear_notes(walk);
    for (uint32_t i = 0; i < before; i++) {
        if (old[i].slot != SLOT_NONE) {
            *note_at(walk, old[i].slot & ~WALK_SCORED) = old[i];
            walk->note_count++;
        }
    }
    memory_put(walk->account, old, (uint64_t)before * sizeof *old);
    return DISKANN_OK;
}

/* Writes a note into the place that note_at found. */
static void write_note(graph_walk *walk, walk_note *note, uint32_t slot, uint32_t order)
{
    walk->note_count += note->slot == SLOT_NONE;
    *note = (walk_note){slot, order};
    if (walk->note_count > walk->note_capacity / 2 && walk->status == DISKANN_OK) {
        walk->status = grow_notes(walk);
    }
}

/* ---- the list ---- */

static uint32_t order_of(graph_candidate candidate)
{
    return (uint32_t)(candidate >> 32);
}

/* The first place whose candidate is not below; without a branch, since which half is anybody's guess. */
static uint32_t place_of(const graph_walk *walk, graph_candidate candidate)
{
    uint32_t low = 0, count = walk->list_count;
    while (count > 0) {
        const uint32_t half = (count + 1) / 2;
        low += walk->list[low + half - 1] < candidate ? half : 0;
        count -= half;
    }
    return low;
}

/* Takes out a slot of this order, if it is still there; returns its flag. */
static graph_candidate take_out(graph_walk *walk, uint32_t slot, uint32_t order)
{
    const graph_candidate candidate = (uint64_t)order << 32 | (uint64_t)slot << 1;
    const uint32_t place = place_of(walk, candidate);
    if (place == walk->list_count || (walk->list[place] | EXPANDED) != (candidate | EXPANDED)) {
        return 0;
    }
    const graph_candidate flag = walk->list[place] & EXPANDED;
    memmove(walk->list + place, walk->list + place + 1, (walk->list_count - place - 1) * sizeof *walk->list);
    walk->list_count--;
    walk->cursor -= place < walk->cursor;
    return flag;
}

/* Into its place; the last one of a full list falls out. */
static void put_in(graph_walk *walk, graph_candidate candidate)
{
    const uint32_t place = place_of(walk, candidate);
    if (place == walk->list_size) {
        return;
    }
    walk->list_count += walk->list_count < walk->list_size;
    memmove(walk->list + place + 1, walk->list + place, (walk->list_count - 1 - place) * sizeof *walk->list);
    walk->list[place] = candidate;
    if (place < walk->cursor) {
        walk->cursor = candidate & EXPANDED ? walk->cursor + 1 : place;
    }
}

/*
 * One that is only as near as the last of a full list is too far: else a search among equal vectors would not end before
 * it had found their lowest slots.
 */
static int is_too_far(const graph_walk *walk, graph_candidate candidate)
{
    return walk->list_count == walk->list_size && order_of(candidate) >= order_of(walk->list[walk->list_count - 1]);
}

static void offer(graph_walk *walk, float distance, uint32_t slot)
{
    const graph_candidate candidate = candidate_make(distance, slot);
    if (is_too_far(walk, candidate)) {
        return;
    }
    walk_note *note = note_at(walk, slot);
    if (note->slot != SLOT_NONE) {
        if ((note->slot & WALK_SCORED) || note->order <= order_of(candidate)) {
            return;
        }
        take_out(walk, slot, note->order);
    }
    write_note(walk, note, slot, order_of(candidate));
    put_in(walk, candidate);
}

/* ---- hits ---- */

static int is_nearer(const walk_hit *a, const walk_hit *b)
{
    return a->order != b->order ? a->order < b->order : a->id < b->id;
}

static void sift_down(walk_hit *heap, uint32_t count, walk_hit hit)
{
    uint32_t root = 0;
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count) {
            break;
        }
        child += child + 1 < count && is_nearer(&heap[child], &heap[child + 1]);
        if (!is_nearer(&hit, &heap[child])) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = hit;
}

static void keep_hit(graph_walk *walk, walk_hit hit)
{
    walk_hit *heap = walk->hits;
    if (walk->hit_count == walk->k) {
        if (is_nearer(&hit, &heap[0])) {
            sift_down(heap, walk->k, hit);
        }
        return;
    }
    uint32_t place = walk->hit_count++;
    for (; place > 0 && is_nearer(&heap[(place - 1) / 2], &hit); place = (place - 1) / 2) {
        heap[place] = heap[(place - 1) / 2];
    }
    heap[place] = hit;
}

int walk_take(graph_walk *walk, uint64_t *ids, float *distances)
{
    const uint32_t count = walk->hit_count;
    for (uint32_t last = count; last-- > 0;) {
        const walk_hit farthest = walk->hits[0], moving = walk->hits[last];
        sift_down(walk->hits, last, moving);
        ids[last] = farthest.id;
        distances[last] = candidate_distance((uint64_t)farthest.order << 32);
    }
    return walk->status < 0 ? walk->status : (int)count;
}

/* ---- the walk ---- */

void walk_begin(graph_walk *walk, const graph_space *space, const float *query, graph_point point, uint32_t entry,
                uint32_t list_size, uint32_t k)
{
    const float weight = graph_code_weight(space, point.aux);
    for (uint32_t i = 0; i < space->dimensions; i++) {
        walk->query[i] = query[i] * weight;
    }
    if (space->bits != NULL) {
        bits_query_set(&walk->coded, space->bits, walk->query);
    } else {
        pq_query_set(&walk->tables, space->pq, walk->query);
    }
    walk->point = point;
    walk->list_size = list_size;
    walk->k = k;
    walk->list_count = 0;
    walk->hit_count = 0;
    walk->cursor = 0;
    walk->distance_count = 0;
    walk->hops = 0;
    walk->rounds = 0;
    walk->status = DISKANN_OK;
    clear_notes(walk);
    offer(walk, 0, entry);
}

uint32_t walk_next(graph_walk *walk, uint32_t *slots, uint32_t width)
{
    uint32_t count = 0;
    for (; walk->cursor < walk->list_count && count < width; walk->cursor++) {
        if (!(walk->list[walk->cursor] & EXPANDED)) {
            walk->list[walk->cursor] |= EXPANDED;
            slots[count++] = candidate_slot(walk->list[walk->cursor]);
        }
    }
    walk->rounds += count > 0;
    return walk->status < 0 ? 0 : count;
}

uint32_t walk_peek(const graph_walk *walk)
{
    return walk->cursor < walk->list_count ? candidate_slot(walk->list[walk->cursor]) : SLOT_NONE;
}

/* Takes the distance of a record, in place of what was estimated. */
static float score(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record, graph_candidate flag)
{
    const uint64_t id = *record_id(&space->records->layout, (uint8_t *)(uintptr_t)record);
    const float distance = graph_distance(space, walk->point, graph_point_of(space, record));
    graph_candidate candidate = candidate_make(distance, slot) | flag;
    walk_note *note = note_at(walk, slot);
    if (note->slot != SLOT_NONE) {
        candidate |= take_out(walk, slot, note->order); /* it may have been named, and waits to be absorbed */
    }
    walk->distance_count++;
    keep_hit(walk, (walk_hit){id, order_of(candidate)});
    write_note(walk, note, slot | WALK_SCORED, order_of(candidate));
    if (!is_too_far(walk, candidate)) {
        put_in(walk, candidate);
    }
    return distance;
}

void walk_score(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record)
{
    const walk_note *note = note_at(walk, slot);
    if (note->slot == SLOT_NONE || !(note->slot & WALK_SCORED)) {
        score(walk, space, slot, record, 0);
    }
}

/* The distance of an owner as its codes want it: under cosine a zero vector lies at the centre of all others. */
static float base_of(const graph_space *space, graph_point owner, float distance)
{
    return space->metric == DISKANN_COSINE && owner.aux == 0 ? 0.5f : distance;
}

void walk_absorb(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record)
{
    const record_layout *layout = &space->records->layout;
    uint8_t *bytes = (uint8_t *)(uintptr_t)record;
    const record_list *list = record_links(layout, bytes);
    const walk_note *note = note_at(walk, slot);
    const int is_known = note->slot != SLOT_NONE && (note->slot & WALK_SCORED);
    const float distance =
        is_known ? candidate_distance((uint64_t)note->order << 32) : score(walk, space, slot, record, EXPANDED);
    walk->hops++;
    if (space->bits != NULL) {
        const float base = base_of(space, graph_point_of(space, record), distance);
        bits_estimates(space->bits, &walk->coded, record_codes(layout, bytes), list->degree, base, walk->estimates);
    } else {
        pq_estimates(space->pq, &walk->tables, list->neighbours, list->degree, walk->estimates);
    }
    for (uint32_t i = 0; i < list->degree; i++) {
        offer(walk, walk->estimates[i], list->neighbours[i]);
    }
}
