/*
 * A paged index and a host for it: any number of searches under way, whose steps, items and reads come in random order, late
 * and out of order; reads fail, and pages are damaged. A search that waits is stepped when diskann.h says so and not before, so
 * that one that waits for ever is a failure.
 */
#ifndef DISKANN_TESTS_PAGED_WORLD_H
#define DISKANN_TESTS_PAGED_WORLD_H

#include "check.h"
#include "host.h"

enum { K_MOST = 20, IN_FLIGHT_MOST = 4096 };

typedef struct answer {
    uint64_t ids[K_MOST];
    float distances[K_MOST];
    uint32_t count;
    diskann_search_counters counters;
} answer;

/* A file, and the same opened in memory. */
typedef struct made {
    uint32_t dimensions;
    float *rows;
    host file;
    diskann_index *resident;
} made;

static inline float *make_queries(uint32_t count, uint32_t dimensions, uint64_t seed)
{
    random_state random = {seed};
    float *rows = malloc((size_t)count * dimensions * sizeof *rows);
    REQUIRE(rows != NULL);
    for (size_t i = 0; i < (size_t)count * dimensions; i++) {
        rows[i] = (float)random_below(&random, 100);
    }
    return rows;
}

/* Integers, which every type has. */
static inline made make_index(uint32_t metric, uint32_t type, uint32_t dimensions, uint32_t degree, uint32_t count)
{
    made m = {.dimensions = dimensions};
    diskann_config config;
    diskann_index *index;
    diskann_stats stats;
    diskann_op *op;
    diskann_config_init(&config, dimensions);
    config.metric = metric;
    config.data_type = type;
    config.max_degree = degree;
    config.build_list_size = 40;
    config.codes = DISKANN_CODES_1BIT;
    m.rows = make_queries(count > 0 ? count : 1, dimensions, 7);
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    REQUIRE(diskann_build_begin(index, 1, &op) == DISKANN_OK);
    REQUIRE(count == 0 || diskann_op_rows(op, m.rows, DISKANN_F32, NULL, count) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    diskann_index_stats(index, &stats);
    m.file = (host){.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes, .workers = 1};
    REQUIRE(host_save(&m.file, index) == DISKANN_OK);
    m.resident = index;
    return m;
}

static inline void made_free(made *m)
{
    diskann_index_destroy(m->resident);
    free(m->file.file);
    free(m->rows);
}

static inline void search_resident(const made *m, const float *query, const diskann_search_params *params, answer *out)
{
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(m->resident, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_search(searcher, query, params, out->ids, out->distances, &out->count, &out->counters), DISKANN_OK);
    diskann_searcher_destroy(searcher);
}

/* ---- the host ---- */

enum search_state { SEARCH_NONE, SEARCH_RUNNABLE, SEARCH_WAITS_READ, SEARCH_WAITS_ROOM, SEARCH_DONE };

typedef struct paged_search {
    diskann_op *op;
    enum search_state state;
    int status;
    diskann_failure failure;
    uint64_t steps;
    answer answer;
} paged_search;

typedef struct paged_host {
    diskann_paged *paged;
    const host *file;
    meter memory;
    random_state random;
    paged_search *searches;
    uint32_t search_count;
    uint64_t reads;
    uint64_t fail_at;   /* the read (1 ...) that fails; 0: none */
    uint64_t end_at;    /* the step (1 ...) of any search after which it is ended; 0: none */
    uint64_t cancel_at; /* the step after which it is cancelled */
    uint64_t steps;
    diskann_request flight[IN_FLIGHT_MOST]; /* not yet completed */
    uint32_t flying;
} paged_host;

static inline int paged_host_open(paged_host *h, const made *m, uint64_t cache_bytes, diskann_failure *failure)
{
    const diskann_allocator allocator = meter_allocator(&h->memory);
    diskann_op *op;
    h->file = &m->file;
    h->paged = NULL;
    const int begun = diskann_paged_open_begin(m->file.file_bytes, 0, cache_bytes, &allocator, &op);
    if (begun < 0) {
        return begun;
    }
    host reader = m->file;
    reader.requests = 0;
    reader.fail_at = h->fail_at;
    const int status = host_drive(&reader, op);
    h->paged = diskann_paged_take(op);
    if (failure != NULL) {
        diskann_op_failure(op, failure);
    }
    diskann_op_end(op);
    return status;
}

static inline void wake(paged_host *h, int has_read)
{
    for (uint32_t i = 0; i < h->search_count; i++) {
        paged_search *s = &h->searches[i];
        if (s->state == SEARCH_WAITS_ROOM || (has_read && s->state == SEARCH_WAITS_READ)) {
            s->state = SEARCH_RUNNABLE;
        }
    }
}

/* Any of those in flight. */
static inline void complete_one(paged_host *h)
{
    const uint32_t at = (uint32_t)random_below(&h->random, h->flying);
    const diskann_request request = h->flight[at];
    const int failing = ++h->reads == h->fail_at;
    h->flight[at] = h->flight[--h->flying];
    CHECK(request.kind == DISKANN_READ && request.offset + request.length <= h->file->file_bytes);
    memcpy(request.buffer, h->file->file + request.offset, failing ? request.length / 2 : request.length);
    diskann_paged_complete(h->paged, request.ticket, failing ? DISKANN_ERR_IO : DISKANN_OK);
    wake(h, 1);
}

static inline void take_answer(paged_search *s)
{
    if (s->status == DISKANN_OK) {
        answer *a = &s->answer;
        CHECK_INT(diskann_paged_search_take(s->op, a->ids, a->distances, &a->count, &a->counters), DISKANN_OK);
    } else {
        diskann_op_failure(s->op, &s->failure);
    }
}

static inline void end_search(paged_host *h, paged_search *s)
{
    diskann_op_end(s->op);
    s->op = NULL;
    s->state = SEARCH_DONE;
    wake(h, 0);
}

static inline void take_off(paged_host *h, const diskann_stage *stage)
{
    REQUIRE(h->flying + stage->request_count <= IN_FLIGHT_MOST);
    for (uint32_t i = 0; i < stage->request_count; i++) {
        h->flight[h->flying++] = stage->requests[i];
    }
}

static inline void check_cap(const paged_host *h)
{
    diskann_stats stats;
    diskann_paged_stats(h->paged, &stats);
    CHECK(stats.cache_bytes <= stats.cache_limit);
}

static inline void step_search(paged_host *h, paged_search *s)
{
    diskann_stage stage;
    s->status = diskann_op_step(s->op, &stage);
    s->steps++;
    check_cap(h);
    if (s->status == DISKANN_WAIT) {
        s->state = stage.phase == DISKANN_PHASE_READ ? SEARCH_WAITS_READ : SEARCH_WAITS_ROOM;
    } else {
        wake(h, 0);
    }
    take_off(h, &stage);
    for (uint64_t i = 0; s->status == DISKANN_RUN && i < stage.items; i++) {
        diskann_op_run(s->op, 0, i, i + 1);
    }
    h->steps++;
    if (s->status <= 0) {
        take_answer(s);
        end_search(h, s);
    } else if (h->steps == h->end_at) {
        s->status = DISKANN_ERR_CANCELLED;
        end_search(h, s);
    } else if (h->steps == h->cancel_at) {
        diskann_op_cancel(s->op);
        s->state = SEARCH_RUNNABLE;
    }
}

static inline paged_search *pick_runnable(paged_host *h)
{
    const uint32_t first = (uint32_t)random_below(&h->random, h->search_count);
    for (uint32_t i = 0; i < h->search_count; i++) {
        paged_search *s = &h->searches[(first + i) % h->search_count];
        if (s->state == SEARCH_RUNNABLE) {
            return s;
        }
    }
    return NULL;
}

/* Drives all searches to their ends; `late`: how many steps are made to one read that is completed. */
static inline void drive_searches(paged_host *h, uint32_t late)
{
    for (;;) {
        const int reads_now = h->flying > 0 && random_below(&h->random, late) == 0;
        paged_search *s = reads_now ? NULL : pick_runnable(h);
        if (s != NULL) {
            step_search(h, s);
        } else if (h->flying > 0) {
            complete_one(h);
        } else {
            break;
        }
    }
    for (uint32_t i = 0; i < h->search_count; i++) {
        CHECK(h->searches[i].state == SEARCH_DONE || h->searches[i].state == SEARCH_NONE);
    }
}

static inline int begin_search(paged_host *h, paged_search *s, const float *query, const diskann_search_params *params)
{
    *s = (paged_search){0};
    s->status = diskann_paged_search_begin(h->paged, query, params, &s->op);
    s->state = s->status < 0 ? SEARCH_NONE : SEARCH_RUNNABLE;
    return s->status;
}

/* One search from begin to end. */
static inline int search_paged(paged_host *h, const float *query, const diskann_search_params *params, paged_search *out)
{
    h->searches = out;
    h->search_count = 1;
    if (begin_search(h, out, query, params) == DISKANN_OK) {
        drive_searches(h, 2);
    }
    return out->status;
}

static inline void paged_host_close(paged_host *h)
{
    while (h->flying > 0) {
        complete_one(h);
    }
    diskann_paged_destroy(h->paged);
    CHECK_UINT(h->memory.live, 0);
    h->paged = NULL;
}

static inline void check_same(const answer *a, const answer *b)
{
    CHECK_UINT(a->count, b->count);
    CHECK_BYTES(a->ids, b->ids, b->count * sizeof *b->ids);
    CHECK_BYTES(a->distances, b->distances, b->count * sizeof *b->distances);
    CHECK_UINT(a->counters.distances, b->counters.distances);
    CHECK_UINT(a->counters.hops, b->counters.hops);
    CHECK_UINT(a->counters.rounds, b->counters.rounds);
}

#endif
