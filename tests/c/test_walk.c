/*
 * Searches along codes in records, beside a plain implementation of the same definition (csrc/graph/walk.h): the same hits,
 * hops and rounds for every type and metric, from every kernel family; all hits there can be, at their true distances.
 */
#include "../../csrc/graph/walk.h"
#include "../../csrc/op/index.h"
#include "check.h"
#include "host.h"

#include <float.h>

enum { ROWS = 900, DIMENSIONS = 40, QUERIES = 12 };
static const char *const TYPES[] = {"f32", "f16", "i8", "u8", "sq8"};

/* -- indexes -- */

static diskann_config config_of(uint32_t dimensions, uint32_t type, uint32_t metric)
{
    diskann_config config;
    diskann_config_init(&config, dimensions);
    config.data_type = type;
    config.metric = metric;
    config.max_degree = 16;
    config.build_list_size = 40;
    config.codes = DISKANN_CODES_1BIT;
    return config;
}

/* Around 16 centres; integers that every type holds, u8 without a sign. */
static float *make_rows(uint32_t count, uint32_t dimensions, uint32_t type, uint64_t seed)
{
    float *rows = malloc((size_t)count * dimensions * sizeof *rows);
    random_state random = {seed};
    REQUIRE(rows != NULL);
    for (uint32_t i = 0; i < count; i++) {
        random_state centre = {random_below(&random, 16)};
        for (uint32_t d = 0; d < dimensions; d++) {
            const int value = (int)random_below(&centre, 96) + (int)random_below(&random, 32);
            rows[(size_t)i * dimensions + d] = (float)(type == DISKANN_U8 ? value : value - 64);
        }
    }
    return rows;
}

static void put(diskann_index *index, int is_build, const float *rows, uint64_t count)
{
    diskann_op *op;
    host h = {0};
    REQUIRE((is_build ? diskann_build_begin(index, 1, &op) : diskann_insert_begin(index, 1, &op)) == DISKANN_OK);
    REQUIRE(diskann_op_rows(op, rows, DISKANN_F32, NULL, count) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_op_end(op);
}

/* The last tenth is inserted. */
static diskann_index *make_index(const diskann_config *config, const float *rows, uint32_t count)
{
    diskann_index *index = NULL;
    const uint32_t built = count - count / 10;
    REQUIRE(diskann_index_create(config, NULL, &index) == DISKANN_OK);
    put(index, 1, rows, built);
    if (count > built) {
        put(index, 0, rows + (size_t)built * config->dimensions, count - built);
    }
    return index;
}

typedef struct answer {
    uint64_t ids[400];
    float distances[400];
    uint32_t count;
    diskann_search_counters counters;
} answer;

static answer search(diskann_searcher *searcher, const float *query, diskann_search_params params)
{
    answer a = {0};
    REQUIRE(params.k <= 400);
    CHECK_INT(diskann_search(searcher, query, &params, a.ids, a.distances, &a.count, &a.counters), DISKANN_OK);
    return a;
}

static answer search_once(const diskann_index *index, const float *query, diskann_search_params params)
{
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    const answer a = search(searcher, query, params);
    diskann_searcher_destroy(searcher);
    return a;
}

#include "plain_walk.h"

/* -- the definition -- */

static void check_against_plain(diskann_index *index, const float *queries)
{
    static const uint32_t beams[] = {1, 4, 64}, lists[] = {1, 7, 30, 150};
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    for (uint32_t i = 0; i < 3 * 4 * 2 * 4; i++) {
        const diskann_search_params params = {1 + i % 5 * 4, lists[i / 3 % 4], beams[i % 3], i / 12 % 2, 0};
        const float *query = queries + (size_t)(i % QUERIES) * DIMENSIONS;
        const answer found = search(searcher, query, params), wanted = plain_search(index, query, params);
        CHECK_UINT(found.count, params.k);
        CHECK_UINT(wanted.count, params.k);
        CHECK_BYTES(found.ids, wanted.ids, params.k * sizeof *found.ids);
        CHECK_BYTES(found.distances, wanted.distances, params.k * sizeof *found.distances);
        CHECK_UINT(found.counters.hops, wanted.counters.hops);
        CHECK_UINT(found.counters.rounds, wanted.counters.rounds);
        CHECK_UINT(found.counters.distances, wanted.counters.distances);
        CHECK(params.page_search || found.counters.hops == found.counters.distances);
    }
    diskann_searcher_destroy(searcher);
}

static void compare(uint32_t type, uint32_t metric, uint32_t count, uint32_t sampled)
{
    const unsigned before = check_failures;
    float *rows = make_rows(count, DIMENSIONS, type, 1), *queries = make_rows(QUERIES, DIMENSIONS, type, 2);
    const diskann_config config = config_of(DIMENSIONS, type, metric);
    diskann_index *index = make_index(&config, rows, count);
    CHECK_UINT(index->navigator.size, sampled);
    check_against_plain(index, queries);
    diskann_index_destroy(index);
    free(rows);
    free(queries);
    check_that(check_failures == before, __FILE__, __LINE__, "%s, metric %u", TYPES[type], metric);
}

static void a_search_is_that_of_the_definition(void)
{
    for (uint32_t i = 0; i < DISKANN_DATA_TYPE_COUNT * 3; i += check_is_light() ? 3 : 1) { /* each of both still comes */
        compare(i % DISKANN_DATA_TYPE_COUNT, i / DISKANN_DATA_TYPE_COUNT, ROWS, 0);
    }
}

static void a_search_starts_at_the_navigator(void)
{
    compare(DISKANN_F32, DISKANN_COSINE, 1400, 1260);
    compare(DISKANN_U8, DISKANN_L2, 1800, 1620);
    compare(DISKANN_F16, DISKANN_IP, 1200, 1080);
}

/* -- the same from every family -- */

static uint64_t hash_of(uint64_t hash, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_of_family(uint32_t simd, uint32_t type, uint32_t metric)
{
    diskann_config config = config_of(DIMENSIONS, type, metric);
    config.simd = simd;
    float *rows = make_rows(300, DIMENSIONS, type, 3), *queries = make_rows(QUERIES, DIMENSIONS, type, 4);
    diskann_index *index = make_index(&config, rows, 300);
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    host h = {.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes};
    REQUIRE(h.file != NULL && host_save(&h, index) == DISKANN_OK);
    uint64_t hash = hash_of(UINT64_C(0xcbf29ce484222325), h.file, h.file_bytes);
    for (uint32_t q = 0; q < QUERIES; q++) {
        const answer a = search_once(index, queries + (size_t)q * DIMENSIONS, (diskann_search_params){10, 20, 2, 0, 0});
        hash = hash_of(hash, &a, sizeof a);
    }
    diskann_index_destroy(index);
    free(h.file);
    free(rows);
    free(queries);
    return hash;
}

static void every_family_gives_the_same_bits(void)
{
    for (uint32_t i = 0; i < DISKANN_DATA_TYPE_COUNT * 3; i += check_is_light() ? 3 : 1) { /* each of both still comes */
        const uint64_t wanted = hash_of_family(DISKANN_SIMD_PORTABLE, i % DISKANN_DATA_TYPE_COUNT, i / DISKANN_DATA_TYPE_COUNT);
        for (uint32_t simd = 0; simd < DISKANN_SIMD_COUNT; simd++) {
            if (diskann_simd_available(simd)) {
                CHECK_UINT(hash_of_family(simd, i % DISKANN_DATA_TYPE_COUNT, i / DISKANN_DATA_TYPE_COUNT), wanted);
            }
        }
    }
}

/* -- hits -- */

/* min(k, size) of them, each once, in order, at the distances of the scan. */
static void check_hits(const diskann_index *index, const float *query, const answer *a, uint32_t k)
{
    static float distance_of_id[2000];
    static uint64_t ids[2000];
    static float distances[2000];
    const uint32_t size = index->size;
    uint8_t seen[2000] = {0};
    diskann_op *op;
    uint32_t count = 0;
    REQUIRE(size <= 2000);
    CHECK_UINT(a->count, k < size ? k : size);
    REQUIRE(diskann_exact_begin(index, query, size > 0 ? size : 1, 1, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_OK);
    diskann_exact_take(op, ids, distances, &count);
    diskann_op_end(op);
    for (uint32_t i = 0; i < count; i++) {
        distance_of_id[ids[i]] = distances[i];
    }
    for (uint32_t i = 0; i < a->count; i++) {
        REQUIRE(a->ids[i] < size);
        CHECK(!seen[a->ids[i]] && a->distances[i] == distance_of_id[a->ids[i]]);
        seen[a->ids[i]] = 1;
        CHECK(i == 0 || a->distances[i - 1] < a->distances[i] ||
              (a->distances[i - 1] == a->distances[i] && a->ids[i - 1] < a->ids[i]));
    }
    CHECK(a->count < size || memcmp(a->ids, ids, count * sizeof *ids) == 0);
}

static void all_hits_there_are_are_found(void)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 40, 333}, ks[] = {1, 5, 40, 333, 400};
    static const uint32_t degrees[] = {4, 31, 512}, dimensions[] = {1, 3, 64, 129};
    for (uint32_t i = 0; i < 6 * 3 * 4; i += check_is_light() ? 7 : 1) {
        diskann_config config = config_of(dimensions[i / 18], i % DISKANN_DATA_TYPE_COUNT, i % 3);
        config.max_degree = degrees[i / 6 % 3];
        const uint32_t size = sizes[i % 6];
        float *rows = make_rows(size + 1, config.dimensions, config.data_type, i);
        diskann_index *index = NULL;
        REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
        if (size > 0) {
            diskann_index_destroy(index);
            index = make_index(&config, rows, size);
        }
        for (uint32_t j = 0; j < 5 * 2; j++) {
            const diskann_search_params params = {ks[j / 2], 1 + j, 1 + j % 4, j % 2, 0};
            const float *query = rows + (size_t)size * config.dimensions;
            const answer a = search_once(index, query, params);
            check_hits(index, query, &a, params.k);
        }
        diskann_index_destroy(index);
        free(rows);
    }
}

/* Vectors that are all the same, or of which many are: a search ends soon, whatever there is to find. */
static void check_equal_rows(uint32_t count, uint32_t metric, float first, uint32_t different, float asked, uint64_t hops_max)
{
    diskann_config config = config_of(4, DISKANN_F32, metric);
    float *rows = make_rows(count, 4, DISKANN_F32, 9);
    for (uint32_t i = different; i < count; i++) {
        rows[(size_t)i * 4] = first;
        memset(rows + (size_t)i * 4 + 1, 0, 3 * sizeof *rows);
    }
    diskann_index *index = make_index(&config, rows, count);
    for (uint32_t k = 1; k <= 100; k *= 10) {
        const float query[4] = {asked, asked / 2, asked / 4, 0};
        const answer a = search_once(index, query, (diskann_search_params){k, 50, 1, 0, 0});
        CHECK_UINT(a.count, k);
        check_that(a.counters.hops <= hops_max, __FILE__, __LINE__, "metric %u, rows %g, query %g: %g hops", metric,
                   (double)first, (double)asked, (double)a.counters.hops);
        for (uint32_t i = 1; i < k; i++) {
            CHECK(a.distances[i - 1] < a.distances[i] || (a.distances[i - 1] == a.distances[i] && a.ids[i - 1] < a.ids[i]));
        }
    }
    diskann_index_destroy(index);
    free(rows);
}

static void searches_among_equal_vectors_end(void)
{
    const uint32_t many = check_is_light() ? 3000 : 100000, few = many / 10;
    check_equal_rows(many, DISKANN_L2, 3, 0, 5, 110);
    check_equal_rows(few, DISKANN_L2, 3, 200, 5, 110);
    check_equal_rows(few, DISKANN_IP, 3, 0, -5, 110);
    check_equal_rows(many, DISKANN_COSINE, 0, 500, -5, 120);
    check_equal_rows(few, DISKANN_COSINE, 0, 0, 5, 110);
    check_equal_rows(few, DISKANN_COSINE, 2, 200, 0, 110);
}

/* Every distance to a zero vector is 1, and of one to all: all hits at 1, by id as far as they were seen. */
static void zero_vectors_are_far_from_all(void)
{
    const diskann_config config = config_of(DIMENSIONS, DISKANN_F32, DISKANN_COSINE);
    float *rows = make_rows(ROWS, DIMENSIONS, DISKANN_F32, 7);
    for (uint32_t i = 0; i < ROWS; i += 3) {
        memset(rows + (size_t)i * DIMENSIONS, 0, DIMENSIONS * sizeof *rows);
    }
    diskann_index *index = make_index(&config, rows, ROWS);
    for (uint32_t i = 0; i < 30; i++) {
        const float *query = rows + (size_t)i * DIMENSIONS;
        const answer a = search_once(index, query, (diskann_search_params){5, 40, 2, 0, 0});
        check_hits(index, query, &a, 5);
        CHECK(i % 3 == 0 ? a.distances[0] == 1 : a.ids[0] == i);
        CHECK(a.counters.hops < 150);
    }
    diskann_index_destroy(index);
    free(rows);
}

/* The largest record there is has 4.4 MB of codes. */
static void the_largest_record_works(void)
{
    static float rows[3 * 65535];
    diskann_config config = config_of(65535, DISKANN_U8, DISKANN_L2);
    config.max_degree = 512;
    for (uint32_t i = 0; i < 3 * 65535; i++) {
        rows[i] = (float)(i / 65535 * 100 + i % 7);
    }
    diskann_index *index = make_index(&config, rows, 3);
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    CHECK_UINT(stats.record_bytes, 65536 + 16 + 4 * 512 + 16 * (65536 * 4 + 32 * 8));
    const answer a = search_once(index, rows, (diskann_search_params){3, 3, 1, 0, 0});
    check_hits(index, rows, &a, 3);
    diskann_index_destroy(index);
}

/* -- searchers -- */

/* A failure is told, and the next search is as if it had not been; with so many edges that notes fill up within a round. */
static void a_searcher_survives_every_failed_allocation(void)
{
    enum { COUNT = 1500 };
    diskann_config config = config_of(6, DISKANN_F32, DISKANN_L2);
    config.max_degree = 300;
    meter m = {0};
    const diskann_allocator allocator = meter_allocator(&m);
    float *rows = make_rows(COUNT + 1, 6, DISKANN_F32, 5);
    const float *query = rows + (size_t)COUNT * 6;
    diskann_index *index = NULL;
    REQUIRE(diskann_index_create(&config, &allocator, &index) == DISKANN_OK);
    put(index, 1, rows, COUNT);
    const diskann_search_params params = {400, 400, 64, 1, 0};
    const answer wanted = search_once(index, query, params);
    const uint64_t before = m.live;
    uint64_t at = 1;
    for (int status = DISKANN_ERR_NO_MEMORY; status == DISKANN_ERR_NO_MEMORY; at++) {
        diskann_searcher *searcher;
        answer a = {0};
        m.fail_at = m.calls + at;
        status = diskann_searcher_create(index, &searcher);
        if (status < 0) {
            continue;
        }
        status = diskann_search(searcher, query, &params, a.ids, a.distances, &a.count, &a.counters);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        CHECK_UINT(a.count, status == DISKANN_OK ? 400 : 0);
        m.fail_at = 0;
        a = search(searcher, query, params);
        CHECK_BYTES(&a, &wanted, sizeof a);
        diskann_searcher_destroy(searcher);
        CHECK_UINT(m.live, before);
    }
    CHECK(at > 10); /* the searcher, list, hits, five of the query, notes and their epochs, which grew */
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(rows);
}

/* Short walks after long ones, more of them than there are epochs; nothing is allocated any more. */
static void a_searcher_remembers_nothing(void)
{
    const diskann_config config = config_of(DIMENSIONS, DISKANN_F32, DISKANN_L2);
    float *rows = make_rows(ROWS, DIMENSIONS, DISKANN_F32, 1), *queries = make_rows(QUERIES, DIMENSIONS, DISKANN_F32, 2);
    meter m = {0};
    const diskann_allocator allocator = meter_allocator(&m);
    diskann_index *index = NULL;
    diskann_searcher *searcher;
    answer wanted[QUERIES];
    REQUIRE(diskann_index_create(&config, &allocator, &index) == DISKANN_OK);
    put(index, 1, rows, ROWS);
    for (uint32_t q = 0; q < QUERIES; q++) {
        const uint32_t list_size = q % 3 == 0 ? 300 : 12;
        wanted[q] = search_once(index, queries + (size_t)q * DIMENSIONS, (diskann_search_params){10, list_size, 1, 0, 0});
    }
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    uint64_t calls = 0;
    for (uint32_t i = 0; i < 800; i++) {
        const uint32_t q = i % QUERIES, list_size = q % 3 == 0 ? 300 : 12;
        const answer a = search(searcher, queries + (size_t)q * DIMENSIONS, (diskann_search_params){10, list_size, 1, 0, 0});
        CHECK_BYTES(&a, &wanted[q], sizeof a);
        CHECK(i <= QUERIES || m.calls == calls);
        calls = m.calls;
    }
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(rows);
    free(queries);
}

CHECK_MAIN(CHECK_TEST(a_searcher_survives_every_failed_allocation), CHECK_TEST(a_searcher_remembers_nothing),
           CHECK_TEST(a_search_is_that_of_the_definition), CHECK_TEST(a_search_starts_at_the_navigator),
           CHECK_TEST(every_family_gives_the_same_bits),
           CHECK_TEST(all_hits_there_are_are_found), CHECK_TEST(searches_among_equal_vectors_end),
           CHECK_TEST(zero_vectors_are_far_from_all), CHECK_TEST(the_largest_record_works))
