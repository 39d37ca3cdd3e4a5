/* Public face of the search: a searcher is the scratch of one thread. */
#include "search.h"

#include "../base/float_mode.h"
#include "../base/status.h"
#include "../graph/walk.h"
#include "../op/check.h"
#include "../op/index.h"

enum { REFINE_BEYOND = 16 };

struct diskann_searcher {
    const diskann_index *index;
    memory_account account;
    graph_search search;
    graph_walk walk; /* where records hold codes of their neighbours */
    void *query; /* scratch of graph_query */
};

int diskann_searcher_create(const diskann_index *index, diskann_searcher **out)
{
    if (index == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    memory_account account;
    memory_account_init(&account, &index->account.allocator);
    diskann_searcher *searcher = memory_get_zeroed(&account, sizeof *searcher);
    if (searcher == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    searcher->index = index;
    searcher->account = account;
    graph_search_init(&searcher->search, &searcher->account);
    walk_init(&searcher->walk, &searcher->account);
    const size_t query_bytes = graph_query_bytes(&index->space);
    searcher->query = query_bytes > 0 ? memory_get(&searcher->account, query_bytes) : NULL;
    if (query_bytes > 0 && searcher->query == NULL) {
        diskann_searcher_destroy(searcher);
        return DISKANN_ERR_NO_MEMORY;
    }
    *out = searcher;
    return DISKANN_OK;
}

void diskann_searcher_destroy(diskann_searcher *searcher)
{
    if (searcher != NULL) {
        graph_search_reset(&searcher->search);
        walk_reset(&searcher->walk);
        memory_put(&searcher->account, searcher->query, graph_query_bytes(&searcher->index->space));
        memory_account account = searcher->account;
        memory_put(&account, searcher, sizeof *searcher);
    }
}

static uint32_t list_size_of(const diskann_search_params *params)
{
    return params->list_size > params->k ? params->list_size : params->k;
}

static walk_limits walk_limits_of(const diskann_search_params *params)
{
    return (walk_limits){list_size_of(params), params->beam_width, params->k};
}

int searcher_reserve(diskann_searcher *searcher, const diskann_search_params *params)
{
    const diskann_index *index = searcher->index;
    if (graph_is_walked(&index->space)) {
        return walk_reserve(&searcher->walk, &index->space, index->config.max_degree, walk_limits_of(params));
    }
    const uint32_t per_record =
        index->config.max_degree + (params->page_search ? index->records.layout.records_per_page : 0);
    const graph_search_limits limits = {
        .slots = index->size,
        .list_size = list_size_of(params),
        .expanded = 0,
        .per_round = per_record * params->beam_width,
        .codes = index->space.codes,
    };
    return graph_search_reserve(&searcher->search, &limits);
}

/*
 * Writes the first k of the list. A run of equal distances is ordered by id, also where k cuts it; its candidates are replaced
 * by their ids in place, which sort as they are.
 */
static uint32_t write_hits(diskann_searcher *searcher, uint32_t k, uint64_t *ids, float *distances)
{
    const record_store *records = &searcher->index->records;
    graph_candidate *list = searcher->search.list;
    const uint32_t count = searcher->search.list_count;
    const uint32_t found = k < count ? k : count;
    for (uint32_t first = 0; first < found;) {
        const float distance = candidate_distance(list[first]);
        uint32_t last = first;
        for (; last < count && candidate_distance(list[last]) == distance; last++) {
            list[last] = *record_id(&records->layout, record_at(records, candidate_slot(list[last])));
        }
        if (last - first > 1) {
            candidates_sort(list + first, last - first);
        }
        for (; first < last && first < found; first++) {
            ids[first] = list[first];
            distances[first] = distance;
        }
    }
    return found;
}

/*
 * How many of the list get their distance after a search by codes: enough that those which codes put behind their places
 * are among them.
 */
static uint32_t refined_count(uint32_t k, uint32_t list_count)
{
    const uint32_t wanted = k + (k / 2 > REFINE_BEYOND ? k / 2 : REFINE_BEYOND);
    return wanted < list_count ? wanted : list_count;
}

static void find_nearest(graph_search *search, const diskann_index *index, const graph_links *links, graph_point point,
                         const graph_search_options *options)
{
    if (options->may_scan && index->size <= (uint64_t)options->list_size * DISKANN_SCAN_SHARE) {
        graph_scan_run(search, &index->space, point, options);
    } else {
        graph_search_run(search, &index->space, links, point, options);
    }
}

/* Leaves the nearest, with their distances, in the searcher's list. */
static void search_graph(diskann_searcher *searcher, graph_point point, uint32_t k, graph_search_options *options)
{
    const diskann_index *index = searcher->index;
    const graph_links links = {.records = &index->records, .capacity = index->config.max_degree};
    graph_search *search = &searcher->search;
    options->is_coded = index->space.codes != NULL;
    find_nearest(search, index, &links, point, options);
    if (!options->is_coded) {
        return;
    }
    const uint64_t by_codes = search->distance_count;
    search->list_count = refined_count(k, search->list_count);
    if (!graph_search_refine(search, &index->space, point, search->list, search->list_count)) {
        options->is_coded = 0;
        find_nearest(search, index, &links, point, options);
        search->distance_count += by_codes;
    }
}

/* ---- records that hold codes ---- */

static void score_page(graph_walk *walk, const diskann_index *index, uint32_t slot)
{
    const record_layout *layout = &index->records.layout;
    const uint64_t first = (uint64_t)record_page(layout, slot) * layout->records_per_page;
    for (uint64_t i = first; i < first + layout->records_per_page && i < index->size; i++) {
        walk_score(walk, &index->space, (uint32_t)i, record_at(&index->records, (uint32_t)i));
    }
}

/* The record that is likely next comes while this one is worked on. */
static void prefetch_record(const diskann_index *index, uint32_t slot)
{
    enum { CACHE_LINE = 64, LINES_MAX = 64 };
    if (slot == SLOT_NONE) {
        return;
    }
    const uint8_t *record = record_at(&index->records, slot);
    for (uint32_t line = 0; line < LINES_MAX && line * CACHE_LINE < index->records.layout.record_bytes; line++) {
        __builtin_prefetch(record + line * CACHE_LINE);
    }
}

static void walk_records(graph_walk *walk, const diskann_index *index, const diskann_search_params *params)
{
    uint32_t slots[DISKANN_BEAM_WIDTH_MAX], count;
    while ((count = walk_next(walk, slots)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            prefetch_record(index, i + 1 < count ? slots[i + 1] : walk_peek(walk));
            if (params->page_search) {
                score_page(walk, index, slots[i]);
            }
            walk_absorb(walk, &index->space, slots[i], record_at(&index->records, slots[i]));
        }
    }
}

static int search_along_codes(diskann_searcher *searcher, const float *query, graph_point point,
                              const diskann_search_params *params, uint64_t *ids, float *distances, uint32_t *count)
{
    const diskann_index *index = searcher->index;
    graph_walk *walk = &searcher->walk;
    walk_begin(walk, &index->space, query, point, index->entry, index->size, walk_limits_of(params));
    walk_records(walk, index, params);
    const int found = walk_take(walk, ids, distances);
    TRY(found);
    *count = (uint32_t)found;
    searcher->search.distance_count = walk->distance_count;
    searcher->search.hops = walk->hops;
    searcher->search.rounds = walk->rounds;
    return DISKANN_OK;
}

static int search(diskann_searcher *searcher, const float *query, const diskann_search_params *params, uint64_t *ids,
                  float *distances, uint32_t *count)
{
    const diskann_index *index = searcher->index;
    *count = 0;
    graph_point point;
    TRY(check_search(query, params));
    TRY(graph_query(&index->space, query, searcher->query, &point));
    if (index->size == 0) {
        return DISKANN_OK;
    }
    TRY(searcher_reserve(searcher, params));
    if (graph_is_walked(&index->space)) {
        return search_along_codes(searcher, query, point, params, ids, distances, count);
    }
    graph_search_options options = {
        .entry = index->entry,
        .list_size = list_size_of(params),
        .beam_width = params->beam_width,
        .page_search = params->page_search,
        .size = index->size,
        .may_scan = params->may_scan,
    };
    search_graph(searcher, point, params->k, &options);
    *count = write_hits(searcher, params->k, ids, distances);
    return DISKANN_OK;
}

int diskann_search(diskann_searcher *searcher, const float *query, const diskann_search_params *params, uint64_t *ids,
                   float *distances, uint32_t *count, diskann_search_counters *counters)
{
    if (searcher == NULL || ids == NULL || distances == NULL || count == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const uint64_t mode = float_mode_enter();
    const int status = search(searcher, query, params, ids, distances, count);
    float_mode_leave(mode);
    if (counters != NULL) {
        *counters = (diskann_search_counters){0};
        const int has_run = status == DISKANN_OK && *count > 0;
        counters->distances = has_run ? searcher->search.distance_count : 0;
        counters->hops = has_run ? searcher->search.hops : 0;
        counters->rounds = has_run ? searcher->search.rounds : 0;
    }
    return status;
}
