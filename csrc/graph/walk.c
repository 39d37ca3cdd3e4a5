/* Greedy search along codes in the records (SymphonyQG, SIGMOD 2025; DiskANN, NeurIPS 2019, algorithm 1). */
#include "walk.h"

#include "../base/status.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const graph_candidate EXPANDED = 1;
static const uint32_t WALK_SCORED = UINT32_C(0x80000000); /* slots are below 2^31 */
enum { NOTES_INITIAL = 1024, NOTES_MAX = 1 << 30 };
enum { STARTS_SAMPLE = 1024, STARTS_BLOCK = 64, STARTS = 4, NAVIGATOR_STARTS = 32 };

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
    memory_put(account, walk->epochs, walk->note_capacity);
    memory_put(account, walk->estimates, (uint64_t)walk->estimate_capacity * sizeof *walk->estimates);
    memory_put(account, walk->unknown, (uint64_t)walk->unknown_capacity * sizeof *walk->unknown);
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

/* ---- notes ---- */

/* A table without notes in place of the one there is, which the caller has kept. */
static int make_notes(graph_walk *walk, uint32_t capacity)
{
    walk_note *notes = memory_get(walk->account, (uint64_t)capacity * sizeof *notes);
    uint8_t *epochs = memory_get_zeroed(walk->account, capacity);
    if (notes == NULL || epochs == NULL) {
        memory_put(walk->account, notes, (uint64_t)capacity * sizeof *notes);
        memory_put(walk->account, epochs, capacity);
        return DISKANN_ERR_NO_MEMORY;
    }
    walk->notes = notes;
    walk->epochs = epochs;
    walk->note_capacity = capacity;
    walk->note_count = 0;
    walk->epoch = 1;
    return DISKANN_OK;
}

/* A search that was long leaves a large table to those that are not: it is not cleared, but once in 255 walks. */
static void clear_notes(graph_walk *walk)
{
    walk->note_count = 0;
    if (++walk->epoch == 0) {
        memset(walk->epochs, 0, walk->note_capacity);
        walk->epoch = 1;
    }
}

static inline uint32_t note_slot(const walk_note *note)
{
    return note->slot & ~WALK_SCORED;
}

/* The place of a slot's note, or the free one where it would be. */
static uint32_t note_place(const graph_walk *walk, uint32_t slot)
{
    const uint32_t mask = walk->note_capacity - 1;
    uint32_t place = (uint32_t)((slot * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
    while (walk->epochs[place] == walk->epoch && note_slot(&walk->notes[place]) != slot) {
        place = (place + 1) & mask;
    }
    return place;
}

static inline int is_noted(const graph_walk *walk, uint32_t place)
{
    return walk->epochs[place] == walk->epoch;
}

static inline int is_scored(const graph_walk *walk, uint32_t place)
{
    return is_noted(walk, place) && (walk->notes[place].slot & WALK_SCORED) != 0;
}

/* Twice the places; seldom, since a walk keeps what it has. */
static int grow_notes(graph_walk *walk)
{
    const uint32_t before = walk->note_capacity;
    const uint8_t epoch = walk->epoch;
    walk_note *notes = walk->notes;
    uint8_t *epochs = walk->epochs;
    if (before > NOTES_MAX / 2) {
        return DISKANN_ERR_NO_MEMORY;
    }
    TRY(make_notes(walk, 2 * before));
    for (uint32_t i = 0; i < before; i++) {
        if (epochs[i] == epoch) {
            const uint32_t place = note_place(walk, note_slot(&notes[i]));
            walk->notes[place] = notes[i];
            walk->epochs[place] = walk->epoch;
            walk->note_count++;
        }
    }
    memory_put(walk->account, notes, (uint64_t)before * sizeof *notes);
    memory_put(walk->account, epochs, before);
    return DISKANN_OK;
}

/* Into the place that note_place found. After a failure nothing is noted any more, so that a place stays free. */
static void write_note(graph_walk *walk, uint32_t place, walk_note note)
{
    walk->note_count += !is_noted(walk, place);
    walk->notes[place] = note;
    walk->epochs[place] = walk->epoch;
    if (walk->note_count > walk->note_capacity / 2) {
        walk->status = grow_notes(walk);
    }
}

int walk_reserve(graph_walk *walk, const graph_space *space, uint32_t max_degree, walk_limits limits)
{
    const uint32_t list_size = limits.list_size + limits.width - 1, k = limits.k;
    memory_account *account = walk->account;
    const uint32_t estimates = (max_degree + BITS_GROUP - 1) / BITS_GROUP * BITS_GROUP; /* codes in records come in groups */
    TRY(reserve_query(walk, space));
    TRY(regrow(account, &walk->estimates, &walk->estimate_capacity, estimates, sizeof *walk->estimates));
    if (space->pq != NULL) {
        TRY(regrow(account, &walk->unknown, &walk->unknown_capacity, max_degree, sizeof *walk->unknown));
    }
    TRY(regrow(account, &walk->list, &walk->list_capacity, list_size, sizeof *walk->list));
    TRY(regrow(account, &walk->hits, &walk->hit_capacity, k, sizeof *walk->hits));
    return walk->notes == NULL ? make_notes(walk, NOTES_INITIAL) : DISKANN_OK;
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

static float note_distance(const walk_note *note)
{
    return candidate_distance((uint64_t)note->order << 32);
}

/* What was estimated before and what is estimated now, with the inverse of their variances for weights. */
static void take_mean(const walk_note *before, float *estimate, float *spread)
{
    const float ratio = *spread / before->spread, share = 1.0f / (1.0f + ratio * ratio), known = note_distance(before);
    const float mean = known + (*estimate - known) * share, below = mean < FLT_MAX ? mean : FLT_MAX;
    *estimate = below > -FLT_MAX ? below : -FLT_MAX;
    *spread = share > 0 ? *spread * sqrtf(share) : before->spread;
}

static void offer(graph_walk *walk, float estimate, float spread, uint32_t slot)
{
    const uint32_t place = note_place(walk, slot);
    graph_candidate flag = 0;
    if (is_noted(walk, place)) {
        const walk_note *note = &walk->notes[place];
        if (is_scored(walk, place) || !(fabsf(note->spread) > 0) || spread == INFINITY) {
            return; /* nothing is better than what is known, or this is no better than anything */
        }
        take_mean(note, &estimate, &spread);
        flag = take_out(walk, slot, note->order);
    }
    const graph_candidate candidate = candidate_make(estimate, slot);
    write_note(walk, place, (walk_note){slot, order_of(candidate), spread});
    if (!is_too_far(walk, candidate)) {
        put_in(walk, candidate | flag);
    }
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

/* Under cosine a query that is zero is as far from all, which codes do not know. */
static int is_anywhere(const graph_walk *walk, const graph_space *space)
{
    return space->metric == DISKANN_COSINE && walk->point.aux == 0;
}

/*
 * With all codes in memory a search need not come from the entry: it starts at the nearest of a sample of slots, which saves it
 * the records on the way. The entry is a candidate among them; should the others lead to few records, it leads to all.
 */
static void offer_starts(graph_walk *walk, const pq_codes *codes, uint32_t entry, uint32_t size)
{
    graph_candidate starts[STARTS];
    uint32_t slots[STARTS_BLOCK], kept = 0;
    float estimates[STARTS_BLOCK];
    const uint32_t sample = size < STARTS_SAMPLE ? size : STARTS_SAMPLE;
    for (uint32_t first = 0; first < sample; first += STARTS_BLOCK) {
        const uint32_t count = sample - first < STARTS_BLOCK ? sample - first : STARTS_BLOCK;
        for (uint32_t i = 0; i < count; i++) {
            slots[i] = (uint32_t)((uint64_t)size * (first + i) / sample);
        }
        pq_estimates(codes, &walk->tables, slots, count, estimates);
        for (uint32_t i = 0; i < count; i++) {
            candidates_keep(starts, &kept, STARTS, candidate_make(estimates[i], slots[i]));
        }
    }
    pq_estimates(codes, &walk->tables, &entry, 1, estimates);
    offer(walk, estimates[0], INFINITY, entry);
    for (uint32_t i = 0; i < kept; i++) {
        offer(walk, candidate_distance(starts[i]), INFINITY, candidate_slot(starts[i]));
    }
}

/* The distance of the query and the origin of codes, for which the navigator is a list of neighbours. */
static float origin_distance(const graph_walk *walk, const graph_space *space)
{
    if (space->metric == DISKANN_IP) {
        return 0.0f;
    }
    const float squared =
        space->kernels->one[DISKANN_F32][SIMD_SUM_L2](walk->query, space->bits->origin, space->dimensions);
    return space->metric == DISKANN_COSINE ? 0.5f * squared : squared;
}

/* The same by the codes of the navigator. The entry has no code; it is last, and leads to all should the others not. */
static void offer_navigated(graph_walk *walk, const graph_space *space, uint32_t entry)
{
    const navigator *navigator = space->navigator;
    const bits_coder coder = navigator_coder(navigator, space->bits);
    const float base = origin_distance(walk, space);
    const uint8_t *block = navigator->block;
    graph_candidate starts[NAVIGATOR_STARTS];
    float estimates[BITS_GROUP];
    uint32_t kept = 0;
    for (uint32_t first = 0; first < navigator->places; first += BITS_GROUP, block += coder.layout.group_bytes) {
        bits_estimates(&coder, &walk->coded, block, BITS_GROUP, base, estimates);
        for (uint32_t i = 0; i < BITS_GROUP; i++) {
            const uint32_t slot = navigator_slot(navigator, first + i);
            candidates_keep(starts, &kept, NAVIGATOR_STARTS, candidate_make(estimates[i], slot));
        }
    }
    for (uint32_t i = 0; i < kept; i++) {
        offer(walk, candidate_distance(starts[i]), INFINITY, candidate_slot(starts[i]));
    }
    offer(walk, FLT_MAX, INFINITY, entry);
}

void walk_begin(graph_walk *walk, const graph_space *space, const float *query, graph_point point, uint32_t entry,
                uint32_t size, walk_limits limits)
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
    walk->list_size = limits.list_size + limits.width - 1;
    walk->wanted = limits.list_size;
    walk->width = limits.width;
    walk->k = limits.k;
    walk->list_count = 0;
    walk->hit_count = 0;
    walk->cursor = 0;
    walk->distance_count = 0;
    walk->hops = 0;
    walk->rounds = 0;
    walk->status = DISKANN_OK;
    clear_notes(walk);
    if (space->pq != NULL && !is_anywhere(walk, space)) {
        offer_starts(walk, space->pq, entry, size);
    } else if (space->navigator != NULL && space->navigator->places > 0 && !is_anywhere(walk, space)) {
        offer_navigated(walk, space, entry);
    } else {
        offer(walk, 0, INFINITY, entry);
    }
}

uint32_t walk_next(graph_walk *walk, uint32_t *slots)
{
    uint32_t count = 0;
    while (walk->cursor < walk->list_count && walk->list[walk->cursor] & EXPANDED) {
        walk->cursor++;
    }
    if (walk->cursor >= walk->wanted) {
        return 0;
    }
    for (; walk->cursor < walk->list_count && count < walk->width; walk->cursor++) {
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

/* The distance of a record, which makes it a hit if it is near enough. */
static float measure(graph_walk *walk, const graph_space *space, const uint8_t *record)
{
    const uint64_t id = *record_id(&space->records->layout, (uint8_t *)(uintptr_t)record);
    const float distance = graph_distance(space, walk->point, graph_point_of(space, record));
    walk->distance_count++;
    keep_hit(walk, (walk_hit){id, order_of(candidate_make(distance, 0))});
    return distance;
}

/* Takes the distance of a record, in place of what was estimated. It may have been named, and wait to be absorbed. */
static void score(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record)
{
    graph_candidate candidate = candidate_make(measure(walk, space, record), slot);
    const uint32_t place = note_place(walk, slot);
    if (is_noted(walk, place)) {
        candidate |= take_out(walk, slot, walk->notes[place].order);
    }
    write_note(walk, place, (walk_note){slot | WALK_SCORED, order_of(candidate), 0});
    if (!is_too_far(walk, candidate)) {
        put_in(walk, candidate);
    }
}

/* It was named when it had another place in the list, perhaps, or none. */
static void mark_expanded(graph_walk *walk, uint32_t slot, uint32_t order)
{
    const graph_candidate candidate = (uint64_t)order << 32 | (uint64_t)slot << 1;
    const uint32_t place = place_of(walk, candidate);
    if (place < walk->list_count && (walk->list[place] | EXPANDED) == (candidate | EXPANDED)) {
        walk->list[place] |= EXPANDED;
    }
}

void walk_score(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record)
{
    if (walk->status == DISKANN_OK && !is_scored(walk, note_place(walk, slot))) {
        score(walk, space, slot, record);
    }
}

static void fill_estimates(graph_walk *walk, uint32_t count, float distance)
{
    for (uint32_t i = 0; i < count; i++) {
        walk->estimates[i] = distance;
    }
}

/* What the codes in a record say of the neighbours. Under cosine a zero vector lies at the centre of all others. */
static void estimate_by_bits(graph_walk *walk, const graph_space *space, const uint8_t *codes, uint32_t count, float distance,
                             float owner_aux)
{
    if (is_anywhere(walk, space)) {
        fill_estimates(walk, count, distance);
        return;
    }
    const float base = space->metric == DISKANN_COSINE && owner_aux == 0 ? 0.5f : distance;
    bits_estimates(space->bits, &walk->coded, codes, count, base, walk->estimates);
}

static void offer_neighbours(graph_walk *walk, const graph_space *space, const record_list *list, uint8_t *codes)
{
    for (uint32_t first = 0; first < list->degree; first += BITS_GROUP) {
        const float *scales = bits_scale_at(&space->bits->layout, codes, first);
        const uint32_t count = list->degree - first < BITS_GROUP ? list->degree - first : BITS_GROUP;
        for (uint32_t i = 0; i < count && walk->status == DISKANN_OK; i++) {
            offer(walk, walk->estimates[first + i], scales[i], list->neighbours[first + i]);
        }
    }
}

/*
 * What a code in memory says of a slot is the same whoever leads there: one that was noted is left alone. One with the code of
 * the record is as far as that is: so what equal vectors are estimated at is what they turn out to be, and a search does not
 * read all of them.
 */
static void offer_unknown(graph_walk *walk, const graph_space *space, uint32_t slot, const record_list *list, float distance)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->degree; i++) {
        walk->unknown[count] = list->neighbours[i];
        count += !is_noted(walk, note_place(walk, list->neighbours[i]));
    }
    if (is_anywhere(walk, space)) {
        fill_estimates(walk, count, distance);
    } else {
        pq_estimates(space->pq, &walk->tables, walk->unknown, count, walk->estimates);
    }
    for (uint32_t i = 0; i < count && walk->status == DISKANN_OK; i++) {
        const int is_equal = pq_codes_are_equal(space->pq, walk->unknown[i], slot);
        const float estimate = is_equal ? distance : walk->estimates[i];
        if (!is_too_far(walk, candidate_make(estimate, walk->unknown[i]))) {
            offer(walk, estimate, INFINITY, walk->unknown[i]);
        }
    }
}

void walk_absorb(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record)
{
    const record_layout *layout = &space->records->layout;
    uint8_t *bytes = (uint8_t *)(uintptr_t)record;
    const record_list *list = record_links(layout, bytes);
    if (walk->status < 0) {
        return;
    }
    const uint32_t place = note_place(walk, slot);
    walk_note *note = &walk->notes[place];
    /* It keeps its place, whatever its distance: were it to drop back others would come in, and L would bound nothing. */
    mark_expanded(walk, slot, note->order);
    const float distance =
        is_scored(walk, place) ? note_distance(note) : measure(walk, space, record);
    note->slot |= WALK_SCORED;
    walk->hops++;
    if (space->bits != NULL) {
        estimate_by_bits(walk, space, record_codes(layout, bytes), list->degree, distance, *record_aux(layout, bytes));
        offer_neighbours(walk, space, list, record_codes(layout, bytes));
    } else {
        offer_unknown(walk, space, slot, list, distance);
    }
}
