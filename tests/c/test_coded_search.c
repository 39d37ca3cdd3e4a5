/*
 * Searches that find their way by codes, beside the same without: as good an answer for about as much work, also where codes
 * cannot tell neighbours apart; the same answers after a save; hits always at their true distances.
 */
#include "../../csrc/base/random.h"
#include "check.h"
#include "host.h"

enum { DIMENSIONS = 48, ROWS = 4000, QUERIES = 60, K = 10 };

typedef void make(float *row, uint32_t number, random_state *random);

static float normal(random_state *random)
{
    float sum = -6; /* of twelve uniform numbers */
    for (int i = 0; i < 12; i++) {
        sum += (float)random_below(random, 1u << 16) / 65536.0f;
    }
    return sum;
}

static void make_normal(float *row, uint32_t number, random_state *random)
{
    (void)number;
    for (uint32_t i = 0; i < DIMENSIONS; i++) {
        row[i] = normal(random);
    }
}

/* Small clusters so far apart that a step of a code is wider than a cluster. */
static void make_clusters(float *row, uint32_t number, random_state *random)
{
    random_state centre = {number % 16};
    for (uint32_t i = 0; i < DIMENSIONS; i++) {
        row[i] = 100 * normal(&centre) + 0.05f * normal(random);
    }
}

/* One dimension drowns the others in a code. */
static void make_one_large(float *row, uint32_t number, random_state *random)
{
    make_normal(row, number, random);
    row[3] *= 1000;
}

static float *make_rows(make *one, uint32_t count, uint64_t seed)
{
    float *rows = malloc((size_t)count * DIMENSIONS * sizeof *rows);
    random_state random = {seed};
    REQUIRE(rows != NULL);
    for (uint32_t i = 0; i < count; i++) {
        one(rows + (size_t)i * DIMENSIONS, i, &random);
    }
    return rows;
}

static diskann_index *build(const float *rows, uint32_t metric, uint32_t codes, uint32_t built)
{
    diskann_config config;
    diskann_index *index = NULL;
    diskann_config_init(&config, DIMENSIONS);
    config.metric = metric;
    config.codes = codes;
    config.max_degree = 16;
    config.build_list_size = 50;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    for (int part = 0; part < 2; part++) { /* the rest is inserted */
        diskann_op *op;
        host h = {0};
        const uint32_t first = part == 0 ? 0 : built, count = part == 0 ? built : ROWS - built;
        REQUIRE((part == 0 ? diskann_build_begin(index, 1, &op) : diskann_insert_begin(index, 1, &op)) == DISKANN_OK);
        REQUIRE(diskann_op_rows(op, rows + (size_t)first * DIMENSIONS, DISKANN_F32, NULL, count) == DISKANN_OK);
        CHECK_INT(host_drive(&h, op), DISKANN_OK);
        diskann_op_end(op);
    }
    return index;
}

typedef struct answers {
    uint64_t ids[QUERIES][K];
    float distances[QUERIES][K];
    uint64_t work;
} answers;

static void search(const diskann_index *index, const float *queries, uint32_t list_size, answers *out)
{
    diskann_searcher *searcher;
    const diskann_search_params params = {K, list_size, 1, 0, 0};
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    out->work = 0;
    for (uint32_t q = 0; q < QUERIES; q++) {
        uint32_t count = 0;
        diskann_search_counters counters;
        const float *query = queries + (size_t)q * DIMENSIONS;
        CHECK_INT(diskann_search(searcher, query, &params, out->ids[q], out->distances[q], &count, &counters), DISKANN_OK);
        CHECK_UINT(count, K);
        out->work += counters.distances;
    }
    diskann_searcher_destroy(searcher);
}

static void scan(const diskann_index *index, const float *queries, answers *out)
{
    for (uint32_t q = 0; q < QUERIES; q++) {
        diskann_op *op;
        uint32_t count = 0;
        host h = {0};
        REQUIRE(diskann_exact_begin(index, queries + (size_t)q * DIMENSIONS, K, 1, &op) == DISKANN_OK);
        CHECK_INT(host_drive(&h, op), DISKANN_OK);
        diskann_exact_take(op, out->ids[q], out->distances[q], &count);
        CHECK_UINT(count, K);
        diskann_op_end(op);
    }
}

/* Hits that are among the K nearest; each must be at the distance that the scan says. */
static double recall(const answers *found, const answers *truth)
{
    uint32_t right = 0;
    for (uint32_t q = 0; q < QUERIES; q++) {
        for (uint32_t i = 0; i < K; i++) {
            CHECK(i == 0 || found->distances[q][i - 1] <= found->distances[q][i]);
            for (uint32_t j = 0; j < K; j++) {
                if (found->ids[q][i] == truth->ids[q][j]) {
                    right++;
                    CHECK(found->distances[q][i] == truth->distances[q][j]);
                }
            }
        }
    }
    return right / (double)(QUERIES * K);
}

/* `loss`: of recall, at most; `work`: distance computations, at most so many times those without codes. */
static void compare(make *one, uint32_t metric, double loss, double work)
{
    float *rows = make_rows(one, ROWS, 1), *queries = make_rows(one, QUERIES, 2);
    answers truth, plain, coded;
    diskann_index *without = build(rows, metric, DISKANN_CODES_NONE, ROWS - 500);
    diskann_index *with = build(rows, metric, DISKANN_CODES_8BIT, ROWS - 500);
    scan(without, queries, &truth);
    for (uint32_t list_size = 20; list_size <= 80; list_size *= 4) {
        search(without, queries, list_size, &plain);
        search(with, queries, list_size, &coded);
        const double before = recall(&plain, &truth), after = recall(&coded, &truth);
        check_that(after >= before - loss, __FILE__, __LINE__, "metric %u, list %u: recall %g with codes, %g without", metric,
                   list_size, after, before);
        check_that((double)coded.work <= work * (double)plain.work, __FILE__, __LINE__,
                   "metric %u, list %u: %g distances with codes, %g without", metric, list_size, (double)coded.work,
                   (double)plain.work);
    }
    diskann_index_destroy(without);
    diskann_index_destroy(with);
    free(rows);
    free(queries);
}

static void codes_lose_nothing(void)
{
    compare(make_normal, DISKANN_COSINE, 0.01, 1.15);
    if (!check_is_light()) { /* what is found depends on bits only, and those are the same everywhere */
        compare(make_normal, DISKANN_L2, 0.01, 1.15);
        compare(make_normal, DISKANN_IP, 0.02, 1.25);
    }
}

/* Such searches are made twice; never worse. */
static void codes_that_are_too_coarse_are_not_trusted(void)
{
    compare(make_clusters, DISKANN_L2, 0.01, 2.6);
    if (!check_is_light()) {
        compare(make_clusters, DISKANN_COSINE, 0.01, 2.6);
        compare(make_one_large, DISKANN_L2, 0.02, 2.6);
    }
}

/* Asked for, they stay; else they go, and their memory with them, and what is inserted later does without. */
static void coarse_codes_are_dropped_by_a_build(void)
{
    enum { LONG = 64 };
    for (int asked = 0; asked < 2; asked++) {
        for (int coarse = check_is_light(); coarse < 2; coarse++) {
            float *rows = malloc((size_t)ROWS * LONG * sizeof *rows);
            random_state random = {4};
            REQUIRE(rows != NULL);
            for (uint32_t i = 0; i < ROWS * LONG; i++) {
                random_state centre = {i / LONG % 16 * LONG + i % LONG};
                rows[i] = (coarse ? 100 * normal(&centre) : 0) + (coarse ? 0.05f : 1.0f) * normal(&random);
            }
            diskann_config config;
            diskann_config_init(&config, LONG);
            config.codes = asked ? DISKANN_CODES_8BIT : DISKANN_CODES_AUTO;
            diskann_index *index = NULL;
            REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
            for (int part = 0; part < 2; part++) {
                diskann_op *op;
                host h = {.workers = 2};
                const uint32_t first = part * (ROWS - 100), count = part ? 100 : ROWS - 100;
                REQUIRE((part ? diskann_insert_begin(index, 2, &op) : diskann_build_begin(index, 2, &op)) == DISKANN_OK);
                REQUIRE(diskann_op_rows(op, rows + (size_t)first * LONG, DISKANN_F32, NULL, count) == DISKANN_OK);
                CHECK_INT(host_drive(&h, op), DISKANN_OK);
                diskann_op_end(op);
            }
            diskann_stats stats;
            diskann_index_stats(index, &stats);
            const int dropped = coarse && !asked;
            CHECK_UINT(stats.size, ROWS);
            CHECK_UINT(stats.config.codes, dropped ? DISKANN_CODES_NONE : DISKANN_CODES_8BIT);
            CHECK((stats.memory_codes == 0) == dropped);
            diskann_index_destroy(index);
            free(rows);
        }
    }
}

static void a_saved_index_answers_the_same(void)
{
    for (uint32_t metric = DISKANN_L2; metric <= DISKANN_IP; metric += check_is_emulated() ? 2 : 1) {
        float *rows = make_rows(make_normal, ROWS, 5), *queries = make_rows(make_normal, QUERIES, 6);
        answers before, after;
        diskann_stats stats, again;
        diskann_index *index = build(rows, metric, DISKANN_CODES_8BIT, 100), *opened;
        diskann_index_stats(index, &stats);
        CHECK_UINT(stats.config.codes, DISKANN_CODES_8BIT);
        host h = {.file = calloc(1, stats.file_bytes), .file_bytes = stats.file_bytes};
        REQUIRE(h.file != NULL && host_save(&h, index) == DISKANN_OK);
        meter m = {0};
        host reader = {.file = h.file, .file_bytes = h.file_bytes, .workers = 3, .shuffle = 9};
        REQUIRE(host_open(&reader, &m, &opened, NULL) == DISKANN_OK);
        diskann_index_stats(opened, &again);
        CHECK_UINT(again.config.codes, DISKANN_CODES_8BIT);
        CHECK(again.memory_codes >= ROWS * (DIMENSIONS + 32u));
        search(index, queries, 30, &before);
        search(opened, queries, 30, &after);
        CHECK_UINT(after.work, before.work);
        CHECK(memcmp(before.ids, after.ids, sizeof before.ids) == 0);
        CHECK(memcmp(before.distances, after.distances, sizeof before.distances) == 0);
        diskann_index_destroy(index);
        diskann_index_destroy(opened);
        CHECK_UINT(m.live, 0);
        free(h.file);
        free(rows);
        free(queries);
    }
}

CHECK_MAIN(CHECK_TEST(codes_lose_nothing), CHECK_TEST(codes_that_are_too_coarse_are_not_trusted),
           CHECK_TEST(coarse_codes_are_dropped_by_a_build), CHECK_TEST(a_saved_index_answers_the_same))
