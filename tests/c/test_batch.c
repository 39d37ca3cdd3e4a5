/*
 * Many searches as an operation: each row is that of a search by itself, whatever the codes, the threads and the ranges; errors
 * name the lowest row; cancelled and without memory it leaves nothing.
 */
#include "check.h"
#include "host.h"

#include <math.h>

enum { ROWS = 700, DIMENSIONS = 40, QUERIES = 57, K = 7, LIST = 24 };

typedef struct answers {
    uint64_t ids[QUERIES * K];
    float distances[QUERIES * K];
    uint32_t counts[QUERIES];
    diskann_search_counters counters;
} answers;

static const diskann_search_params PARAMS = {.k = K, .list_size = LIST, .beam_width = 2};

static void fill(float *vectors, uint32_t rows, uint64_t seed)
{
    random_state random = {seed};
    for (uint32_t i = 0; i < rows * DIMENSIONS; i++) {
        vectors[i] = (float)random_below(&random, 2001) / 1000.0f - 1.0f;
    }
}

static diskann_index *make_index(uint32_t codes, uint32_t rows, const diskann_allocator *allocator)
{
    static float vectors[ROWS * DIMENSIONS];
    diskann_config config;
    diskann_index *index;
    diskann_op *op;
    fill(vectors, rows, 5);
    diskann_config_init(&config, DIMENSIONS);
    config.codes = codes;
    config.max_degree = 16;
    config.build_list_size = 30;
    REQUIRE(diskann_index_create(&config, allocator, &index) == DISKANN_OK);
    REQUIRE(diskann_build_begin(index, 1, &op) == DISKANN_OK);
    REQUIRE(rows == 0 || diskann_op_rows(op, vectors, DISKANN_F32, NULL, rows) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    return index;
}

static const float *make_queries(void)
{
    static float queries[QUERIES * DIMENSIONS];
    fill(queries, QUERIES, 6);
    return queries;
}

static void search_one_by_one(const diskann_index *index, const float *queries, answers *out)
{
    diskann_searcher *searcher;
    memset(out, 0, sizeof *out);
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    for (uint32_t row = 0; row < QUERIES; row++) {
        diskann_search_counters counters;
        REQUIRE(diskann_search(searcher, queries + row * DIMENSIONS, &PARAMS, out->ids + row * K, out->distances + row * K,
                               &out->counts[row], &counters) == DISKANN_OK);
        out->counters.distances += counters.distances;
        out->counters.hops += counters.hops;
        out->counters.rounds += counters.rounds;
    }
    diskann_searcher_destroy(searcher);
}

static int search_batch(const diskann_index *index, const float *queries, host *h, answers *out, diskann_failure *failure)
{
    diskann_op *op;
    memset(out, 0, sizeof *out);
    const int begun = diskann_batch_begin(index, queries, QUERIES, &PARAMS, h->workers, out->ids, out->distances, out->counts,
                                          &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(h, op);
    diskann_batch_take(op, &out->counters);
    diskann_op_failure(op, failure);
    diskann_op_end(op);
    return status;
}

static void rows_are_those_of_searches(void)
{
    static const uint32_t kinds[] = {DISKANN_CODES_NONE, DISKANN_CODES_8BIT, DISKANN_CODES_1BIT, DISKANN_CODES_PQ};
    static answers expected, found;
    const float *queries = make_queries();
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        diskann_index *index = make_index(kinds[i], ROWS, NULL);
        search_one_by_one(index, queries, &expected);
        for (uint32_t workers = 1; workers <= 5; workers += 2) {
            host h = {.workers = workers, .shuffle = workers - 1};
            diskann_failure failure;
            CHECK_INT(search_batch(index, queries, &h, &found, &failure), DISKANN_OK);
            CHECK(memcmp(&expected, &found, sizeof expected) == 0);
            CHECK_INT(failure.status, DISKANN_OK);
        }
        diskann_index_destroy(index);
    }
}

static void few_vectors_give_few_hits(void)
{
    static answers found;
    for (uint32_t rows = 0; rows <= 3; rows += 3) {
        diskann_index *index = make_index(DISKANN_CODES_NONE, rows, NULL);
        host h = {.workers = 2, .shuffle = 3};
        diskann_failure failure;
        CHECK_INT(search_batch(index, make_queries(), &h, &found, &failure), DISKANN_OK);
        for (uint32_t row = 0; row < QUERIES; row++) {
            CHECK_UINT(found.counts[row], rows);
        }
        diskann_index_destroy(index);
    }
}

static void the_lowest_row_that_fails_is_named(void)
{
    static answers found;
    static float queries[QUERIES * DIMENSIONS];
    diskann_index *index = make_index(DISKANN_CODES_8BIT, ROWS, NULL);
    memcpy(queries, make_queries(), sizeof queries);
    for (uint32_t row = 31; row < QUERIES; row += 2) {
        queries[row * DIMENSIONS + row % DIMENSIONS] = NAN;
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        host h = {.workers = 4, .shuffle = seed};
        diskann_failure failure;
        CHECK_INT(search_batch(index, queries, &h, &found, &failure), DISKANN_ERR_NOT_FINITE);
        CHECK_INT(failure.row, 31);
    }
    diskann_index_destroy(index);
}

static void it_can_be_cancelled(void)
{
    static answers found;
    diskann_index *index = make_index(DISKANN_CODES_1BIT, ROWS, NULL);
    host h = {.workers = 2, .shuffle = 9, .cancel_at = 1};
    diskann_failure failure;
    CHECK_INT(search_batch(index, make_queries(), &h, &found, &failure), DISKANN_ERR_CANCELLED);
    CHECK_UINT(found.counters.hops, 0);
    diskann_index_destroy(index);
}

static void without_memory_nothing_stays_behind(void)
{
    static answers found;
    meter m = {0};
    const diskann_allocator allocator = meter_allocator(&m);
    diskann_index *index = make_index(DISKANN_CODES_8BIT, ROWS, &allocator);
    const uint64_t before = m.live;
    int status = DISKANN_ERR_NO_MEMORY;
    uint64_t failures = 0;
    for (; status == DISKANN_ERR_NO_MEMORY && failures < 1000; failures++) {
        host h = {.workers = 3, .shuffle = 2};
        diskann_failure failure;
        m.fail_at = m.calls + failures + 1;
        status = search_batch(index, make_queries(), &h, &found, &failure);
        CHECK_UINT(m.live, before);
    }
    CHECK_INT(status, DISKANN_OK);
    CHECK(failures > 10);
    m.fail_at = 0;
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
}

static void wrong_arguments_are_refused(void)
{
    static answers out;
    diskann_index *index = make_index(DISKANN_CODES_NONE, 10, NULL);
    const float *queries = make_queries();
    diskann_op *op;
    diskann_search_params wrong = PARAMS;
    wrong.k = 0;
    const int status[] = {
        diskann_batch_begin(NULL, queries, 1, &PARAMS, 1, out.ids, out.distances, out.counts, &op),
        diskann_batch_begin(index, NULL, 1, &PARAMS, 1, out.ids, out.distances, out.counts, &op),
        diskann_batch_begin(index, queries, 1, NULL, 1, out.ids, out.distances, out.counts, &op),
        diskann_batch_begin(index, queries, 1, &wrong, 1, out.ids, out.distances, out.counts, &op),
        diskann_batch_begin(index, queries, 1, &PARAMS, 0, out.ids, out.distances, out.counts, &op),
        diskann_batch_begin(index, queries, 1, &PARAMS, 1, NULL, out.distances, out.counts, &op),
        diskann_batch_begin(index, queries, 1, &PARAMS, 1, out.ids, out.distances, NULL, &op),
    };
    for (uint32_t i = 0; i < sizeof status / sizeof *status; i++) {
        CHECK_INT(status[i], DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_index_destroy(index);
}

CHECK_MAIN(CHECK_TEST(rows_are_those_of_searches), CHECK_TEST(few_vectors_give_few_hits),
           CHECK_TEST(the_lowest_row_that_fails_is_named), CHECK_TEST(it_can_be_cancelled),
           CHECK_TEST(without_memory_nothing_stays_behind), CHECK_TEST(wrong_arguments_are_refused))
