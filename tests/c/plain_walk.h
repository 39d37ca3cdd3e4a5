/* A search along codes in records as csrc/graph/walk.h defines it; included where `answer` is known. */
#ifndef DISKANN_TESTS_PLAIN_WALK_H
#define DISKANN_TESTS_PLAIN_WALK_H

#include <math.h>

typedef struct entry {
    float value;
    uint32_t slot;
} entry;

/* Everything by slot, everything looked for from the beginning. */
typedef struct plain {
    const diskann_index *index;
    graph_point point;
    bits_query coded;
    entry *list;
    float *value;      /* what a slot is in the list by */
    float *distance;   /* of those scored */
    float *spread;     /* of those estimated */
    uint8_t *noted, *scored, *absorbed;
    uint32_t count, list_size; /* L, and what a round has room for beside one */
    uint32_t wanted;           /* L: so many have to be absorbed */
    diskann_search_counters counters;
} plain;

static int is_before(entry a, entry b)
{
    return a.value != b.value ? a.value < b.value : a.slot < b.slot;
}

static void plain_remove(plain *p, uint32_t slot)
{
    uint32_t at = 0;
    while (at < p->count && p->list[at].slot != slot) {
        at++;
    }
    if (at < p->count) {
        memmove(p->list + at, p->list + at + 1, (p->count - at - 1) * sizeof *p->list);
        p->count--;
    }
}

/* The list holds list_size; one that is no nearer than the last of a full list stays out. */
static void plain_insert(plain *p, entry e)
{
    if (p->count == p->list_size && e.value >= p->list[p->count - 1].value) {
        return;
    }
    p->count -= p->count == p->list_size;
    uint32_t at = p->count++;
    for (; at > 0 && is_before(e, p->list[at - 1]); at--) {
        p->list[at] = p->list[at - 1];
    }
    p->list[at] = e;
}

/* Estimates of one slot make a mean, each with the inverse of its variance for a weight. */
static void plain_offer(plain *p, float value, float spread, uint32_t slot)
{
    if (p->scored[slot] || (p->noted[slot] && (p->spread[slot] == 0 || spread == INFINITY))) {
        return;
    }
    if (p->noted[slot]) {
        const float ratio = spread / p->spread[slot], share = 1 / (1 + ratio * ratio);
        value = p->value[slot] + (value - p->value[slot]) * share;
        spread *= sqrtf(share);
    }
    plain_remove(p, slot);
    p->noted[slot] = 1;
    p->value[slot] = value;
    p->spread[slot] = spread;
    plain_insert(p, (entry){value, slot});
}

/* 1: it was not known before. */
static int plain_measure(plain *p, uint32_t slot)
{
    if (p->scored[slot]) {
        return 0;
    }
    p->scored[slot] = 1;
    p->distance[slot] = graph_distance(&p->index->space, p->point, graph_point_at(&p->index->space, slot));
    p->counters.distances++;
    return 1;
}

static void plain_score(plain *p, uint32_t slot)
{
    if (plain_measure(p, slot)) {
        plain_remove(p, slot);
        p->value[slot] = p->distance[slot];
        plain_insert(p, (entry){p->value[slot], slot});
    }
}

static void plain_absorb(plain *p, uint32_t slot, int page_search)
{
    const diskann_index *index = p->index;
    const record_layout *layout = &index->records.layout;
    const uint32_t first = slot / layout->records_per_page * layout->records_per_page;
    for (uint32_t other = first; page_search && other < first + layout->records_per_page && other < index->size; other++) {
        plain_score(p, other);
    }
    plain_measure(p, slot); /* it stays where its estimates have put it */
    p->absorbed[slot] = 1;
    p->counters.hops++;
    uint8_t *record = record_at(&index->records, slot);
    const record_list *list = record_links(layout, record);
    float estimates[DISKANN_MAX_DEGREE_MAX];
    bits_estimates(&index->bits, &p->coded, record_codes(layout, record), list->degree, p->distance[slot], estimates);
    for (uint32_t i = 0; i < list->degree; i++) {
        const float scale = *bits_scale_at(&index->bits.layout, record_codes(layout, record), i);
        plain_offer(p, estimates[i], scale, list->neighbours[i]);
    }
}

/* The distance from the origin of codes. */
static float plain_base(const plain *p, const float *weighted)
{
    const graph_space space = graph_space_of_floats(&p->index->space);
    const uint32_t metric = p->index->config.metric;
    const float squared =
        space.kernels->one[DISKANN_F32][SIMD_SUM_L2](weighted, p->index->bits.origin, p->index->config.dimensions);
    return metric == DISKANN_IP ? 0 : metric == DISKANN_COSINE ? squared / 2 : squared;
}

/* The 32 nearest by their codes of every so-and-so-many-th of the first `size`, which is known; and the entry. */
static void plain_start(plain *p, const float *weighted)
{
    const diskann_index *index = p->index;
    const uint32_t size = index->navigator.size, places = size / 16 / 32 * 32;
    if (places == 0) {
        plain_offer(p, 0, INFINITY, index->entry);
        return;
    }
    bits_coder coder = index->bits;
    bits_layout_init(&coder.layout, index->config.dimensions, 32);
    float scratch[4 * 64], vector[DIMENSIONS], base = plain_base(p, weighted);
    uint8_t *block = calloc(1, coder.layout.block_bytes);
    entry starts[400];
    REQUIRE(block != NULL && places <= 400 && bits_scratch_floats(&coder.layout) <= 4 * 64);
    bits_owner_set(&coder, scratch, coder.origin);
    for (uint32_t i = 0; i < places; i++) {
        const entry start = {0, (uint32_t)((uint64_t)size * i / places)};
        graph_code_vector(&index->space, record_at(&index->records, start.slot), vector);
        bits_encode(&coder, scratch, block, 0, vector);
        float estimate;
        uint32_t at = i;
        bits_estimates(&coder, &p->coded, block, 1, base, &estimate);
        for (; at > 0 && is_before((entry){estimate, start.slot}, starts[at - 1]); at--) {
            starts[at] = starts[at - 1];
        }
        starts[at] = (entry){estimate, start.slot};
    }
    for (uint32_t i = 0; i < 32; i++) {
        plain_offer(p, starts[i].value, INFINITY, starts[i].slot);
    }
    plain_offer(p, FLT_MAX, INFINITY, index->entry);
    free(block);
}

static int plain_is_over(const plain *p)
{
    for (uint32_t i = 0; i < p->count && i < p->wanted; i++) {
        if (!p->absorbed[p->list[i].slot]) {
            return 0;
        }
    }
    return 1;
}

static void plain_run(plain *p, const diskann_search_params *params)
{
    while (!plain_is_over(p)) {
        uint32_t named[DISKANN_BEAM_WIDTH_MAX], count = 0;
        for (uint32_t i = 0; i < p->count && count < params->beam_width; i++) {
            if (!p->absorbed[p->list[i].slot]) {
                named[count++] = p->list[i].slot;
            }
        }
        p->counters.rounds++;
        for (uint32_t i = 0; i < count; i++) {
            plain_absorb(p, named[i], (int)params->page_search);
        }
    }
}

/* The k nearest of all that were scored, by distance, then id. */
static answer plain_hits(const plain *p, uint32_t k)
{
    const diskann_index *index = p->index;
    answer a = {.counters = p->counters};
    for (uint32_t slot = 0; slot < index->size; slot++) {
        const uint64_t id = *record_id(&index->records.layout, record_at(&index->records, slot));
        const float distance = p->distance[slot];
        uint32_t at = a.count;
        if (!p->scored[slot]) {
            continue;
        }
        for (; at > 0 && (distance < a.distances[at - 1] || (distance == a.distances[at - 1] && id < a.ids[at - 1])); at--) {
            if (at < k) {
                a.ids[at] = a.ids[at - 1];
                a.distances[at] = a.distances[at - 1];
            }
        }
        if (at < k) {
            a.ids[at] = id;
            a.distances[at] = distance;
            a.count += a.count < k;
        }
    }
    return a;
}

/* Vectors and queries without zeros. */
static answer plain_search(diskann_index *index, const float *query, diskann_search_params params)
{
    plain p = {.index = index, .wanted = params.list_size > params.k ? params.list_size : params.k};
    p.list_size = p.wanted + params.beam_width - 1;
    uint8_t converted[DIMENSIONS];
    float weighted[DIMENSIONS];
    REQUIRE(graph_query(&index->space, query, converted, &p.point) == DISKANN_OK);
    for (uint32_t i = 0; i < DIMENSIONS; i++) {
        weighted[i] = query[i] * (index->config.metric == DISKANN_COSINE ? p.point.aux : 1.0f);
    }
    REQUIRE(bits_query_init(&p.coded, &index->bits, &index->account) == DISKANN_OK);
    bits_query_set(&p.coded, &index->bits, weighted);
    p.list = calloc(p.list_size + 1, sizeof *p.list);
    p.value = calloc(3 * index->size, sizeof *p.value);
    p.noted = calloc(index->size, 3);
    REQUIRE(p.list != NULL && p.value != NULL && p.noted != NULL);
    p.distance = p.value + index->size;
    p.spread = p.distance + index->size;
    p.scored = p.noted + index->size;
    p.absorbed = p.scored + index->size;
    plain_start(&p, weighted);
    plain_run(&p, &params);
    const answer a = plain_hits(&p, params.k);
    bits_query_reset(&p.coded, &index->bits, &index->account);
    free(p.list);
    free(p.value);
    free(p.noted);
    return a;
}

#endif
