/* What the core does: its kinds of codes, built, added to and searched. */
#ifndef DISKANN_BENCH_LAYOUT_KINDS_H
#define DISKANN_BENCH_LAYOUT_KINDS_H

#include "curve.h"

typedef struct kind {
    const char *name;
    const world *world;
    diskann_index *index;
    diskann_searcher *searcher;
    double build_seconds, add_seconds; /* of a row */
} kind;

static uint32_t codes_by_name(const char *name)
{
    return strstr(name, "8bit") != NULL   ? DISKANN_CODES_8BIT
           : strstr(name, "1bit") != NULL ? DISKANN_CODES_1BIT
           : strstr(name, "pq") != NULL   ? DISKANN_CODES_PQ
                                          : DISKANN_CODES_NONE;
}

/* A tenth of all rows is added. */
static void kind_make(kind *kind, world *world, diskann_config config, const char *name)
{
    const uint32_t first = world->rows - world->rows / 10;
    double built, added;
    config.codes = codes_by_name(name);
    world_build(world, &config, first, &built, &added);
    kind->name = name;
    kind->world = world;
    kind->index = world->index;
    kind->build_seconds = built / first;
    kind->add_seconds = added / (world->rows - first);
    check(diskann_searcher_create(kind->index, &kind->searcher), "searcher");
    world->index = NULL;
}

static void kind_free(kind *kind)
{
    diskann_searcher_destroy(kind->searcher);
    diskann_index_destroy(kind->index);
}

/* A pass of curve.h. */
static void kind_pass(void *context, uint32_t list_size, point *sum)
{
    const kind *kind = context;
    const diskann_search_params params = {.k = WORLD_K, .list_size = list_size, .beam_width = 1};
    for (uint32_t q = 0; q < kind->world->queries; q++) {
        uint64_t ids[WORLD_K];
        float distances[WORLD_K];
        uint32_t count;
        diskann_search_counters counters;
        check(diskann_search(kind->searcher, query_at(kind->world, q), &params, ids, distances, &count, &counters), "search");
        for (uint32_t i = 0; i < count; i++) {
            sum->hits += is_true_hit(kind->world, q, ids[i]);
        }
        sum->expansions += (double)counters.hops;
    }
}

static void kind_print(const kind *kind)
{
    diskann_stats stats;
    diskann_index_stats(kind->index, &stats);
    printf("{\"variant\": \"%s\", \"buildMicroseconds\": %.1f, \"addMicroseconds\": %.1f, \"recordBytes\": %u, "
           "\"fileBytes\": %llu, \"memoryBytes\": %llu",
           kind->name, kind->build_seconds * 1e6, kind->add_seconds * 1e6, stats.record_bytes,
           (unsigned long long)stats.file_bytes, (unsigned long long)stats.memory_total);
}

#endif
