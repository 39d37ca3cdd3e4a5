/* Greedy search over a Vamana graph (DiskANN, NeurIPS 2019, algorithm 1), with a beam of W. */
#include "graph.h"

#include "../base/status.h"

#include <math.h>
#include <string.h>

static const graph_candidate EXPANDED = 1;
/* Errors of codes, as a share of the differences between distances, above which codes are not trusted. */
static const float CODE_ERROR_MAX = 0.25f;

void graph_search_init(graph_search *search, memory_account *account)
{
    memset(search, 0, sizeof *search);
    search->account = account;
}

void graph_search_reset(graph_search *search)
{
    memory_account *account = search->account;
    memory_put(account, search->list, (search->list_capacity + UINT64_C(1)) * sizeof *search->list);
    memory_put(account, search->expanded, search->expanded_capacity * sizeof *search->expanded);
    memory_put(account, search->visited, search->visited_capacity);
    memory_put(account, search->slots, search->round_capacity * sizeof *search->slots);
    memory_put(account, search->rows, search->round_capacity * sizeof *search->rows);
    memory_put(account, search->distances, search->round_capacity * sizeof *search->distances);
    memory_put(account, search->dots, search->round_capacity * sizeof *search->dots);
    if (search->codes != NULL) {
        code_query_reset(&search->coded, search->codes, account);
    }
    graph_search_init(search, account);
}

/* Replaces a block by a larger one; the old content is not kept. */
static int regrow(memory_account *account, void *block, uint64_t old_bytes, uint64_t new_bytes)
{
    void **place = block;
    void *memory = memory_get_zeroed(account, new_bytes);
    if (memory == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memory_put(account, *place, old_bytes);
    *place = memory;
    return DISKANN_OK;
}

static int reserve_round(graph_search *search, uint32_t capacity)
{
    const uint64_t old = search->round_capacity;
    /* All or none: the capacity is theirs together. */
    uint32_t *slots = memory_get(search->account, capacity * sizeof *slots);
    const void **rows = memory_get(search->account, capacity * sizeof *rows);
    float *distances = memory_get(search->account, capacity * sizeof *distances);
    int32_t *dots = memory_get(search->account, capacity * sizeof *dots);
    if (slots == NULL || rows == NULL || distances == NULL || dots == NULL) {
        memory_put(search->account, slots, capacity * sizeof *slots);
        memory_put(search->account, rows, capacity * sizeof *rows);
        memory_put(search->account, distances, capacity * sizeof *distances);
        memory_put(search->account, dots, capacity * sizeof *dots);
        return DISKANN_ERR_NO_MEMORY;
    }
    memory_put(search->account, search->slots, old * sizeof *slots);
    memory_put(search->account, search->rows, old * sizeof *rows);
    memory_put(search->account, search->distances, old * sizeof *distances);
    memory_put(search->account, search->dots, old * sizeof *dots);
    search->slots = slots;
    search->rows = rows;
    search->distances = distances;
    search->dots = dots;
    search->round_capacity = capacity;
    return DISKANN_OK;
}

int graph_search_reserve(graph_search *search, const graph_search_limits *limits)
{
    if (limits->slots > search->visited_capacity) {
        TRY(regrow(search->account, &search->visited, search->visited_capacity, limits->slots));
        search->visited_capacity = limits->slots;
        search->epoch = 0;
    }
    if (limits->list_size > search->list_capacity || search->list == NULL) {
        const uint64_t old = search->list == NULL ? 0 : search->list_capacity + UINT64_C(1);
        TRY(regrow(search->account, &search->list, old * sizeof *search->list,
                   (limits->list_size + UINT64_C(1)) * sizeof *search->list));
        search->list_capacity = limits->list_size;
    }
    if (limits->expanded > search->expanded_capacity) {
        TRY(regrow(search->account, &search->expanded, search->expanded_capacity * sizeof *search->expanded,
                   limits->expanded * sizeof *search->expanded));
        search->expanded_capacity = limits->expanded;
    }
    if (limits->codes != NULL && search->codes == NULL) {
        TRY(code_query_init(&search->coded, limits->codes, search->account));
        search->codes = limits->codes;
    }
    const uint32_t per_round = limits->per_round + 1; /* see gather */
    return per_round > search->round_capacity ? reserve_round(search, per_round) : DISKANN_OK;
}

static void begin(graph_search *search)
{
    search->list_count = 0;
    search->expanded_count = 0;
    search->distance_count = 0;
    search->hops = 0;
    search->rounds = 0;
    if (++search->epoch == 0) {
        memset(search->visited, 0, (size_t)search->visited_capacity);
        search->epoch = 1;
    }
}

/*
 * Puts a candidate at its place among the list_size nearest; returns the place, or list_size when it is too far. One that is
 * only as near as the last of a full list is too far: else a search among equal vectors would not end before it
 * had found their lowest slots.
 */
static uint32_t offer(graph_search *search, uint32_t list_size, graph_candidate candidate)
{
    graph_candidate *list = search->list;
    uint32_t low = 0, count = search->list_count;
    if (count == list_size && candidate >> 32 >= list[count - 1] >> 32) {
        return list_size;
    }
    while (count > 0) { /* without a branch, which compilers make of a choice: which half is anybody's guess */
        const uint32_t half = (count + 1) / 2;
        low += half & (0u - (uint32_t)(list[low + half - 1] < candidate));
        count -= half;
    }
    if (search->list_count < list_size) {
        search->list_count++;
    }
    memmove(list + low + 1, list + low, (search->list_count - 1 - low) * sizeof *list);
    list[low] = candidate;
    return low;
}

/*
 * Adds what has not been seen to the round. Without a branch, since whether a record was seen before is anybody's guess; so
 * slots[] has room for one more.
 */
static void gather(graph_search *search, const uint32_t *slots, uint32_t count, uint32_t *round_count)
{
    uint32_t *out = search->slots + *round_count, *const before = out;
    uint8_t *visited = search->visited;
    const uint8_t epoch = search->epoch; /* a write to a byte may change anything, as far as a compiler knows */
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t slot = slots[i];
        const uint8_t seen = visited[slot];
        visited[slot] = epoch;
        *out = slot;
        out += seen != epoch;
    }
    *round_count += (uint32_t)(out - before);
}

/* Adds what a record leads to to the round. */
static void absorb(graph_search *search, const graph_links *links, uint32_t slot, const graph_search_options *options,
                   uint32_t *count)
{
    if (options->page_search) {
        const record_layout *layout = &links->records->layout;
        const uint64_t first = (uint64_t)record_page(layout, slot) * layout->records_per_page;
        for (uint64_t i = first; i < first + layout->records_per_page && i < options->size; i++) {
            const uint32_t other = (uint32_t)i;
            gather(search, &other, 1, count);
        }
    }
    const record_list *list = links_at(links, slot);
    gather(search, list->neighbours, list->degree, count);
}

/* Of one that is likely to be expanded next: its list comes while distances are computed. */
static void prefetch_list(const graph_links *links, uint32_t slot)
{
    enum { CACHE_LINE = 64, LINES_MAX = 4 };
    const uint8_t *list = (const uint8_t *)links_at(links, slot);
    for (uint32_t line = 0; line < LINES_MAX && line * CACHE_LINE < (links->capacity + 1) * sizeof(uint32_t); line++) {
        __builtin_prefetch(list + line * CACHE_LINE);
    }
}

/* Scores the gathered records. Returns the first place of the list that changed. */
static uint32_t score(graph_search *search, const graph_space *space, const graph_links *links, graph_point query,
                      const graph_search_options *options, uint32_t count)
{
    const uint32_t list_size = options->list_size;
    if (options->is_coded && space->codes != NULL) {
        code_estimates(space->codes, &search->coded, search->slots, count, search->rows, search->dots, search->distances);
    } else {
        graph_distances(space, query, search->slots, count, search->rows, search->distances);
    }
    search->distance_count += count;
    uint32_t first = list_size;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t place = offer(search, list_size, candidate_make(search->distances[i], search->slots[i]));
        if (place < first) {
            first = place;
            prefetch_list(links, search->slots[i]);
        }
    }
    return first;
}

void graph_search_set_coded(graph_search *search, const graph_space *space, graph_point query)
{
    code_query_set(&search->coded, space->codes, query.vector, graph_code_weight(space, query.aux));
    if (space->is_lifted) {
        code_query_lift(&search->coded, space->lifted_norm, query.aux);
    }
}

void graph_search_run(graph_search *search, const graph_space *space, const graph_links *links, graph_point query,
                      const graph_search_options *options)
{
    uint32_t count = 0;
    begin(search);
    if (options->is_coded && space->codes != NULL) {
        graph_search_set_coded(search, space, query);
    }
    gather(search, &options->entry, 1, &count);
    score(search, space, links, query, options, count);

    uint32_t cursor = 0; /* every candidate before it is expanded */
    while (cursor < search->list_count) {
        uint32_t width = 0;
        count = 0;
        for (; cursor < search->list_count && width < options->beam_width; cursor++) {
            if (search->list[cursor] & EXPANDED) {
                continue;
            }
            if (search->expanded_capacity > 0) {
                search->expanded[search->expanded_count++ % search->expanded_capacity] = search->list[cursor];
            }
            absorb(search, links, candidate_slot(search->list[cursor]), options, &count);
            search->list[cursor] |= EXPANDED;
            width++;
        }
        while (cursor < search->list_count && search->list[cursor] & EXPANDED) {
            cursor++; /* to the one that is next, should nothing nearer come */
        }
        if (cursor < search->list_count) {
            prefetch_list(links, candidate_slot(search->list[cursor]));
        }
        search->hops += width;
        search->rounds += width > 0;
        const uint32_t changed = score(search, space, links, query, options, count);
        cursor = changed < cursor ? changed : cursor;
    }
}

/* ---- after a search by codes ---- */

/* Least and greatest of what was seen. */
typedef struct span {
    float least, greatest;
} span;

static void span_add(span *span, float value)
{
    span->least = value < span->least ? value : span->least;
    span->greatest = value > span->greatest ? value : span->greatest;
}

static float span_width(const span *span)
{
    return span->greatest - span->least;
}

int graph_search_refine(graph_search *search, const graph_space *space, graph_point query, graph_candidate *candidates,
                        uint32_t count)
{
    /* Only the nearest say whether codes are fine enough: far ones differ by more, and matter less. */
    enum { CHECKED = 32 };
    span distances = {INFINITY, -INFINITY}, errors = {INFINITY, -INFINITY};
    for (uint32_t first = 0; first < count; first += search->round_capacity) {
        const uint32_t part = count - first < search->round_capacity ? count - first : search->round_capacity;
        for (uint32_t i = 0; i < part; i++) {
            search->slots[i] = candidate_slot(candidates[first + i]);
        }
        graph_distances(space, query, search->slots, part, search->rows, search->distances);
        for (uint32_t i = 0; i < part; i++) {
            graph_candidate *candidate = &candidates[first + i];
            if (first + i < CHECKED) {
                span_add(&distances, search->distances[i]);
                span_add(&errors, candidate_distance(*candidate) - search->distances[i]);
            }
            *candidate = candidate_make(search->distances[i], search->slots[i]) | (*candidate & EXPANDED);
        }
    }
    search->distance_count += count;
    candidates_sort(candidates, count);
    return !(span_width(&errors) > CODE_ERROR_MAX * span_width(&distances));
}
