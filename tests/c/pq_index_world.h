/* Indexes with codes by product quantisation, small ones, and what tests of them share. */
#ifndef DISKANN_TESTS_PQ_INDEX_WORLD_H
#define DISKANN_TESTS_PQ_INDEX_WORLD_H

#include "check.h"
#include "host.h"

static inline diskann_config world_config(uint32_t dimensions, uint32_t type, uint32_t metric, uint32_t code_bytes)
{
    diskann_config config;
    diskann_config_init(&config, dimensions);
    config.data_type = type;
    config.metric = metric;
    config.max_degree = 16;
    config.build_list_size = 40;
    config.codes = DISKANN_CODES_PQ;
    config.code_bytes = code_bytes;
    config.seed = 5;
    return config;
}

/* Around 16 centres; integers that every type holds, u8 without a sign. Owned by caller. */
static inline float *world_rows(uint32_t count, const diskann_config *config, uint64_t seed)
{
    const uint32_t dimensions = config->dimensions;
    float *rows = malloc(((size_t)count * dimensions + 1) * sizeof *rows);
    random_state random = {seed};
    REQUIRE(rows != NULL);
    for (uint32_t i = 0; i < count; i++) {
        random_state centre = {random_below(&random, 16)};
        for (uint32_t d = 0; d < dimensions; d++) {
            const int value = (int)random_below(&centre, 96) + (int)random_below(&random, 32);
            rows[(size_t)i * dimensions + d] = (float)(config->data_type == DISKANN_U8 ? value : value - 64);
        }
    }
    return rows;
}

static inline int world_add(diskann_index *index, int is_build, const float *rows, uint64_t count, host *h)
{
    diskann_op *op;
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    const int begun = is_build ? diskann_build_begin(index, workers, &op) : diskann_insert_begin(index, workers, &op);
    if (begun < 0) {
        return begun;
    }
    int status = diskann_op_rows(op, rows, DISKANN_F32, NULL, count);
    if (status == DISKANN_OK) {
        status = host_drive(h, op);
    }
    diskann_op_end(op);
    return status;
}

/* `built` rows are built, the others added; NULL allocator: malloc. */
static inline diskann_index *world_index(const diskann_config *config, const diskann_allocator *allocator, const float *rows,
                                         uint32_t built, uint32_t count, host *h)
{
    diskann_index *index = NULL;
    REQUIRE(diskann_index_create(config, allocator, &index) == DISKANN_OK);
    CHECK_INT(world_add(index, 1, rows, built, h), DISKANN_OK);
    if (count > built) {
        CHECK_INT(world_add(index, 0, rows + (size_t)built * config->dimensions, count - built, h), DISKANN_OK);
    }
    return index;
}

static inline diskann_stats world_stats(const diskann_index *index)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    return stats;
}

/* What a save writes; owned by caller, as `file`. */
static inline host world_save(diskann_index *index)
{
    host h = {.file_bytes = world_stats(index).file_bytes, .workers = 1};
    h.file = malloc(h.file_bytes);
    h.written = calloc(1, h.file_bytes);
    REQUIRE(h.file != NULL && h.written != NULL);
    CHECK_INT(host_save(&h, index), DISKANN_OK);
    CHECK(!h.out_of_bounds && !h.after_sync && h.syncs == 1);
    int once = 1;
    for (uint64_t i = 0; i < h.file_bytes; i++) {
        once &= h.written[i] == 1;
    }
    CHECK(once);
    free(h.written);
    return (host){.file = h.file, .file_bytes = h.file_bytes, .workers = 1};
}

static inline uint64_t world_findings(const diskann_index *index, diskann_finding *first)
{
    diskann_op *op;
    host h = {.workers = 2, .shuffle = 3};
    uint32_t count;
    uint64_t total;
    REQUIRE(diskann_verify_begin(index, 2, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    const diskann_finding *found = diskann_verify_findings(op, &count, &total);
    if (first != NULL && count > 0) {
        *first = found[0];
    }
    diskann_op_end(op);
    return total;
}

/* -- answers -- */

typedef struct answer {
    uint64_t ids[100];
    float distances[100];
    uint32_t count;
    diskann_search_counters counters;
} answer;

static inline answer world_search(const diskann_index *index, const float *query, diskann_search_params params)
{
    diskann_searcher *searcher;
    answer a = {0};
    REQUIRE(params.k <= 100);
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_search(searcher, query, &params, a.ids, a.distances, &a.count, &a.counters), DISKANN_OK);
    diskann_searcher_destroy(searcher);
    return a;
}

static inline int world_paged_open(host *h, uint64_t cache_bytes, const diskann_allocator *allocator, diskann_paged **out,
                                   diskann_failure *failure)
{
    diskann_op *op;
    *out = NULL;
    const int begun = diskann_paged_open_begin(h->file_bytes, 0, cache_bytes, allocator, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(h, op);
    *out = diskann_paged_take(op);
    CHECK((*out != NULL) == (status == DISKANN_OK));
    if (failure != NULL) {
        diskann_op_failure(op, failure);
    }
    diskann_op_end(op);
    return status;
}

/* Searches one at a time, so that none waits for another. */
static inline int world_paged_search(host *h, diskann_paged *paged, const float *query, diskann_search_params params,
                                     answer *a)
{
    diskann_op *op;
    diskann_stage stage;
    int status = diskann_paged_search_begin(paged, query, &params, &op);
    memset(a, 0, sizeof *a);
    if (status < 0) {
        return status;
    }
    while ((status = diskann_op_step(op, &stage)) > 0) {
        if (status == DISKANN_RUN) {
            diskann_op_run(op, 0, 0, stage.items);
        }
        for (uint32_t i = 0; status == DISKANN_IO && i < stage.request_count; i++) {
            const diskann_request request = stage.requests[i];
            diskann_paged_complete(paged, request.ticket, host_serve(h, &request));
        }
    }
    if (status == DISKANN_OK) {
        status = diskann_paged_search_take(op, a->ids, a->distances, &a->count, &a->counters);
    }
    diskann_op_end(op);
    return status;
}

#endif
