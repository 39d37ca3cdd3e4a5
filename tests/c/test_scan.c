/*
 * Small indexes are compared whole: hits are those of plain arithmetic, whatever the codes; the bound; ties; counters.
 */
#include "../../csrc/base/random.h"
#include "../../csrc/include/diskann.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS = 96, K = 10, LIST = 20, BOUND = DISKANN_SCAN_SHARE * LIST };

static float *make_rows(uint32_t rows, uint32_t dimensions, uint64_t seed)
{
    random_state random = {seed};
    float *vectors = malloc((size_t)rows * dimensions * sizeof *vectors);
    REQUIRE(vectors != NULL);
    for (size_t i = 0; i < (size_t)rows * dimensions; i++) {
        vectors[i] = (float)random_below(&random, 2001) / 1000.0f - 1.0f;
    }
    return vectors;
}

static diskann_index *build(const float *vectors, uint32_t rows, uint32_t dimensions, uint32_t metric, uint32_t codes)
{
    diskann_config config;
    diskann_index *index;
    diskann_op *op;
    diskann_config_init(&config, dimensions);
    config.metric = metric;
    config.codes = codes;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    REQUIRE(diskann_build_begin(index, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_rows(op, vectors, DISKANN_F32, NULL, rows) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    return index;
}

/* The answer of the brute-force operation. */
static uint32_t exact(const diskann_index *index, const float *query, uint64_t *ids, float *distances)
{
    diskann_op *op;
    uint32_t count = 0;
    REQUIRE(diskann_exact_begin(index, query, K, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_exact_take(op, ids, distances, &count);
    diskann_op_end(op);
    return count;
}

static void check_hits(uint32_t rows, uint32_t metric, uint32_t codes)
{
    float *vectors = make_rows(rows, DIMENSIONS, rows + metric), *queries = make_rows(20, DIMENSIONS, 77);
    diskann_index *index = build(vectors, rows, DIMENSIONS, metric, codes);
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    const diskann_search_params params = {.k = K, .list_size = LIST, .beam_width = 1, .may_scan = 1};
    for (uint32_t q = 0; q < 20; q++) {
        uint64_t wanted_ids[K], ids[K];
        float wanted[K], distances[K];
        uint32_t count;
        diskann_search_counters counters;
        const uint32_t wanted_count = exact(index, queries + (size_t)q * DIMENSIONS, wanted_ids, wanted);
        REQUIRE(diskann_search(searcher, queries + (size_t)q * DIMENSIONS, &params, ids, distances, &count, &counters) ==
                DISKANN_OK);
        CHECK_UINT(count, wanted_count);
        CHECK_UINT(memcmp(ids, wanted_ids, count * sizeof *ids), 0);
        CHECK_UINT(memcmp(distances, wanted, count * sizeof *distances), 0);
        CHECK_UINT(counters.hops, 0);
        CHECK_UINT(counters.distances >= rows, 1);
    }
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    free(vectors);
    free(queries);
}

static void hits_are_those_of_brute_force(void)
{
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        check_hits(1, metric, DISKANN_CODES_NONE);
        check_hits(7, metric, DISKANN_CODES_AUTO);
        check_hits(BOUND, metric, DISKANN_CODES_NONE);
        check_hits(BOUND, metric, metric == DISKANN_L1 ? DISKANN_CODES_AUTO : DISKANN_CODES_8BIT);
    }
}

static uint64_t hops_of(uint32_t rows, uint32_t codes, uint32_t may_scan)
{
    float *vectors = make_rows(rows, DIMENSIONS, 5);
    diskann_index *index = build(vectors, rows, DIMENSIONS, DISKANN_L2, codes);
    diskann_searcher *searcher;
    uint64_t ids[K];
    float distances[K];
    uint32_t count;
    diskann_search_counters counters;
    const diskann_search_params params = {.k = K, .list_size = LIST, .beam_width = 1, .may_scan = may_scan};
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    REQUIRE(diskann_search(searcher, vectors, &params, ids, distances, &count, &counters) == DISKANN_OK);
    CHECK_UINT(count, K);
    CHECK_UINT(ids[0], 0);
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    free(vectors);
    return counters.hops;
}

static void larger_indexes_and_those_with_codes_in_the_file_are_walked(void)
{
    CHECK_UINT(hops_of(BOUND, DISKANN_CODES_8BIT, 1), 0);
    CHECK_UINT(hops_of(BOUND, DISKANN_CODES_8BIT, 0) > 0, 1);
    CHECK_UINT(hops_of(BOUND + 1, DISKANN_CODES_8BIT, 1) > 0, 1);
    CHECK_UINT(hops_of(BOUND, DISKANN_CODES_1BIT, 1) > 0, 1);
}

/* More equal rows than the list holds: any of them, in order of id. */
static void equal_rows_come_by_id(void)
{
    enum { ROWS = 300 };
    float *vectors = make_rows(ROWS, DIMENSIONS, 3);
    for (uint32_t i = 1; i < ROWS; i++) {
        memcpy(vectors + (size_t)i * DIMENSIONS, vectors, DIMENSIONS * sizeof *vectors);
    }
    diskann_index *index = build(vectors, ROWS, DIMENSIONS, DISKANN_L2, DISKANN_CODES_8BIT);
    diskann_searcher *searcher;
    uint64_t ids[K];
    float distances[K];
    uint32_t count;
    const diskann_search_params params = {.k = K, .list_size = LIST, .beam_width = 1, .may_scan = 1};
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    REQUIRE(diskann_search(searcher, vectors, &params, ids, distances, &count, NULL) == DISKANN_OK);
    CHECK_UINT(count, K);
    for (uint32_t i = 0; i < K; i++) {
        CHECK_UINT(distances[i] == 0, 1);
        CHECK_UINT(i == 0 || ids[i] > ids[i - 1], 1);
    }
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    free(vectors);
}

static void a_wrong_parameter_is_refused(void)
{
    float *vectors = make_rows(5, DIMENSIONS, 1);
    diskann_index *index = build(vectors, 5, DIMENSIONS, DISKANN_L2, DISKANN_CODES_NONE);
    diskann_searcher *searcher;
    uint64_t ids[K];
    float distances[K];
    uint32_t count;
    const diskann_search_params params = {.k = K, .list_size = LIST, .beam_width = 1, .may_scan = 2};
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_search(searcher, vectors, &params, ids, distances, &count, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    free(vectors);
}

CHECK_MAIN(CHECK_TEST(hits_are_those_of_brute_force),
           CHECK_TEST(larger_indexes_and_those_with_codes_in_the_file_are_walked), CHECK_TEST(equal_rows_come_by_id),
           CHECK_TEST(a_wrong_parameter_is_refused))
