/*
 * Indexes with codes by product quantisation: what a build makes, the same whoever runs it; what comes back from a file, in
 * memory and paged; what searches find, also where codes say little.
 */
#include "../../csrc/op/index.h"
#include "pq_index_world.h"

#include <float.h>
#include <math.h>

enum { ROWS = 700, BUILT = 620, DIMENSIONS = 25, QUERIES = 12 };
static const char *const TYPES[] = {"f32", "f16", "i8", "u8", "sq8"};
static host in_order;

/* -- what is in an index -- */

static float naive_term(uint32_t metric, float query, float centre, float centroid)
{
    if (metric == DISKANN_L2) {
        const float difference = query - centre - centroid;
        return difference * difference;
    }
    const float value = centroid + centre;
    return metric == DISKANN_L1 ? fabsf(query - value) : query * value;
}

/* The estimate as csrc/FORMAT.md defines it, term by term. `query`: of unit length under cosine. */
static float naive_estimate(const pq_codes *codes, const float *query, uint32_t slot)
{
    const diskann_pq *pq = codes->pq;
    const uint32_t metric = codes->metric == DISKANN_COSINE ? DISKANN_L2 : codes->metric;
    float sum = 0;
    for (uint32_t c = 0; c < codes->code_bytes; c++) {
        const uint32_t offset = pq->offsets[c], width = pq->offsets[c + 1] - offset;
        const uint8_t number = codes->codes[(size_t)slot * codes->code_bytes + c];
        const float *centroid = pq->codebook + (size_t)256 * offset + (size_t)number * width;
        float term = 0;
        for (uint32_t j = 0; j < width; j++) {
            term += naive_term(metric, query[offset + j], pq->centre[offset + j], centroid[j]);
        }
        sum += term;
    }
    return codes->metric == DISKANN_IP ? 0 - sum : codes->metric == DISKANN_COSINE ? sum / 2 : sum;
}

static void check_estimates(const diskann_index *index, const float *query)
{
    const pq_codes *codes = &index->pq;
    uint32_t slots[ROWS];
    float found[ROWS];
    pq_query q;
    memory_account account;
    memory_account_init(&account, NULL);
    REQUIRE(pq_query_init(&q, codes, &account) == DISKANN_OK);
    pq_query_set(&q, codes, query);
    for (uint32_t slot = 0; slot < index->size; slot++) {
        slots[slot] = slot;
    }
    /* any number of them: four are summed at a time */
    for (uint32_t count = index->size; count > index->size - 5; count--) {
        pq_estimates(codes, &q, slots, count, found);
        for (uint32_t slot = 0; slot < count; slot++) {
            const float wanted = naive_estimate(codes, query, slot);
            CHECK_BYTES(&found[slot], &wanted, sizeof wanted);
        }
    }
    pq_query_reset(&q, codes, &account);
    CHECK_UINT(account.live_bytes, 0);
}

/* The quantiser is what training on the records, in their order, gives; codes are what it makes of them. */
static void check_codes(const diskann_index *index, uint32_t built)
{
    const diskann_config *config = &index->config;
    diskann_pq_config training;
    diskann_pq_config_init(&training, config->dimensions, config->code_bytes);
    training.sample_rows = 65536;
    training.is_centred = config->metric != DISKANN_IP;
    training.seed = config->seed;
    float *vectors = malloc((size_t)index->size * config->dimensions * sizeof *vectors);
    uint8_t *codes = malloc((size_t)index->size * config->code_bytes);
    diskann_op *op;
    REQUIRE(vectors != NULL && codes != NULL);
    for (uint32_t slot = 0; slot < index->size; slot++) {
        graph_code_vector(&index->space, record_at(&index->records, slot), vectors + (size_t)slot * config->dimensions);
    }
    REQUIRE(diskann_pq_train_begin(&training, 1, NULL, &op) == DISKANN_OK);
    REQUIRE(diskann_pq_rows(op, vectors, built) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_pq *pq = diskann_pq_train_take(op);
    diskann_op_end(op);
    CHECK_BYTES(index->pq.pq->codebook, pq->codebook, (size_t)256 * config->dimensions * sizeof(float));
    CHECK_BYTES(index->pq.pq->centre, pq->centre, config->dimensions * sizeof(float));
    REQUIRE(diskann_pq_encode_begin(pq, vectors, index->size, codes, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    CHECK_BYTES(index->pq.codes, codes, (size_t)index->size * config->code_bytes);
    check_estimates(index, vectors);
    diskann_pq_destroy(pq);
    free(vectors);
    free(codes);
}

static void check_answers(const diskann_index *index, host *file, const float *queries, uint32_t dimensions)
{
    static const diskann_search_params all[] = {{10, 20, 1, 0, 0}, {5, 40, 4, 1, 0}, {100, 100, 64, 0, 0}};
    diskann_paged *paged;
    REQUIRE(world_paged_open(file, 1 << 16, NULL, &paged, NULL) == DISKANN_OK);
    for (uint32_t q = 0; q < QUERIES; q++) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            answer a = world_search(index, queries + (size_t)q * dimensions, all[i]), b;
            CHECK_INT(world_paged_search(file, paged, queries + (size_t)q * dimensions, all[i], &b), DISKANN_OK);
            b.counters.reads = b.counters.bytes_read = 0;
            CHECK_BYTES(&a, &b, sizeof a);
            CHECK_UINT(a.count, index->size < all[i].k ? index->size : all[i].k);
        }
    }
    diskann_stats stats;
    diskann_paged_stats(paged, &stats);
    CHECK_UINT(stats.config.code_bytes, index->config.code_bytes);
    CHECK(stats.memory_codes >= (uint64_t)index->size * index->config.code_bytes);
    diskann_paged_destroy(paged);
}

/* Build, add, save, open, save, open paged. */
static void check_life(const diskann_config *config, uint32_t built, uint32_t count)
{
    float *rows = world_rows(count, config, 1), *queries = world_rows(QUERIES, config, 2);
    diskann_index *index = world_index(config, NULL, rows, built, count, &in_order), *again;
    meter m = {0};
    host file = world_save(index);
    CHECK_UINT(world_findings(index, NULL), 0);
    for (uint64_t id = 0; id < count; id++) {
        CHECK(diskann_index_has(index, id));
    }
    check_codes(index, built);
    CHECK_INT(host_open(&file, &m, &again, NULL), DISKANN_OK);
    REQUIRE(again != NULL);
    CHECK_UINT(world_findings(again, NULL), 0);
    host second = world_save(again);
    REQUIRE(second.file_bytes == file.file_bytes);
    CHECK_BYTES(second.file, file.file, file.file_bytes);
    check_answers(again, &file, queries, config->dimensions);
    for (uint32_t q = 0; q < QUERIES; q++) {
        const diskann_search_params params = {10, 30, 2, 0, 0};
        const answer a = world_search(index, queries + (size_t)q * config->dimensions, params);
        const answer b = world_search(again, queries + (size_t)q * config->dimensions, params);
        CHECK_BYTES(&a, &b, sizeof a);
    }
    diskann_index_destroy(index);
    diskann_index_destroy(again);
    CHECK_UINT(m.live, 0);
    free(file.file);
    free(second.file);
    free(rows);
    free(queries);
}

static void every_type_and_metric_comes_back_from_a_file(void)
{
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
            if (check_is_light() && (type + metric) % 4 != 0) {
                continue; /* each of both still comes */
            }
            const diskann_config config = world_config(DIMENSIONS, type, metric, 7);
            check_life(&config, BUILT, ROWS);
            if (check_failures > 0) {
                printf("    %s, metric %u\n", TYPES[type], metric);
                return;
            }
        }
    }
}

static void every_shape_works(void)
{
    static const struct {
        uint32_t dimensions, code_bytes, built, count;
    } shapes[] = {
        {1, 1, 300, 310},   {1, 0, 1, 1},         {25, 1, 300, 310}, {25, 25, 300, 310}, {25, 0, 40, 41},
        {64, 16, 2, 70},    {2, 2, 65, 65},       {600, 150, 80, 90}, {1100, 3, 80, 90}, {1100, 300, 70, 140},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric += check_is_light() ? 2 : 1) {
            const diskann_config config = world_config(shapes[i].dimensions, DISKANN_F32, metric, shapes[i].code_bytes);
            check_life(&config, shapes[i].built, shapes[i].count);
        }
        if (check_failures > 0) {
            printf("    shape %zu\n", i);
            return;
        }
    }
}

static void the_default_is_a_byte_for_four_dimensions(void)
{
    for (uint32_t dimensions = 1; dimensions < 30; dimensions++) {
        const diskann_config config = world_config(dimensions, DISKANN_F32, DISKANN_L2, 0);
        diskann_index *index = NULL;
        REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
        CHECK_UINT(world_stats(index).config.code_bytes, (dimensions + 3) / 4);
        diskann_index_destroy(index);
    }
    diskann_index *index = NULL;
    diskann_config config = world_config(25, DISKANN_F32, DISKANN_L2, 26);
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_INVALID_ARGUMENT);
    config.codes = DISKANN_CODES_AUTO;
    config.code_bytes = 5;
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK(index == NULL);
}

static void workers_and_families_change_no_byte(void)
{
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric += check_is_light() ? 2 : 1) {
        diskann_config config = world_config(DIMENSIONS, DISKANN_F32, metric, 7);
        float *rows = world_rows(ROWS, &config, 1);
        diskann_index *index = world_index(&config, NULL, rows, BUILT, ROWS, &in_order);
        host wanted = world_save(index);
        diskann_index_destroy(index);
        for (uint32_t i = 1; i <= 4 + DISKANN_SIMD_COUNT; i++) {
            host h = {.workers = i <= 4 ? i : 2, .shuffle = i};
            config.simd = i <= 4 ? DISKANN_SIMD_AUTO : i - 4;
            if (i > 4 && !diskann_simd_available(config.simd)) {
                continue;
            }
            index = world_index(&config, NULL, rows, BUILT, ROWS, &h);
            host file = world_save(index);
            CHECK_BYTES(file.file, wanted.file, wanted.file_bytes);
            const answer a = world_search(index, rows + 3, (diskann_search_params){10, 50, 4, 0, 0});
            CHECK_UINT(a.count, 10);
            diskann_index_destroy(index);
            free(file.file);
        }
        free(wanted.file);
        free(rows);
    }
}

/* -- what is found -- */

static void searches_find_what_an_exact_search_finds(void)
{
    enum { COUNT = 3000, D = 32 };
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric += check_is_light() ? 2 : 1) {
        diskann_config config = world_config(D, DISKANN_F32, metric, 8);
        float *rows = world_rows(COUNT, &config, 4), *queries = world_rows(40, &config, 9);
        diskann_index *index = world_index(&config, NULL, rows, COUNT, COUNT, &in_order);
        uint64_t ids[10], found = 0;
        float distances[10];
        uint32_t count;
        for (uint32_t q = 0; q < 40; q++) {
            diskann_op *op;
            const answer a = world_search(index, queries + q * D, (diskann_search_params){10, 60, 4, 0, 0});
            REQUIRE(diskann_exact_begin(index, queries + q * D, 10, 1, &op) == DISKANN_OK);
            REQUIRE(diskann_op_finish(op) == DISKANN_OK);
            diskann_exact_take(op, ids, distances, &count);
            diskann_op_end(op);
            for (uint32_t i = 0; i < 10; i++) {
                for (uint32_t j = 0; j < 10; j++) {
                    found += a.ids[i] == ids[j];
                    CHECK(a.ids[i] != ids[j] || a.distances[i] == distances[j]);
                }
            }
        }
        check_that(found >= 380, __FILE__, __LINE__, "metric %u: %u of 400 are found", metric, (unsigned)found);
        diskann_index_destroy(index);
        free(rows);
        free(queries);
    }
}

/* `copies` of one row, and some others before them. */
static void check_equal_rows(uint32_t metric, const float *row, float other)
{
    enum { COPIES = 10000, OTHERS = 300, D = 6 };
    diskann_config config = world_config(D, DISKANN_F32, metric, 2);
    float *rows = world_rows(OTHERS + COPIES, &config, 3);
    for (uint32_t i = OTHERS; i < OTHERS + COPIES; i++) {
        memcpy(rows + (size_t)i * D, row, D * sizeof *row);
    }
    host h = {.workers = 1};
    diskann_index *index = world_index(&config, NULL, rows, OTHERS + COPIES, OTHERS + COPIES, &h);
    const float queries[][D] = {{1, 2, 3, 4, 5, other}, {0}, {-40, 30, 2, -1, 9, other}, {other, other, other, 0, 0, 0}};
    for (size_t q = 0; q < 4; q++) {
        for (uint32_t width = 1; width <= 16; width *= 4) {
            const answer a = world_search(index, queries[q], (diskann_search_params){10, 50, width, 0, 0});
            CHECK_UINT(a.count, 10);
            check_that(a.counters.hops < 400, __FILE__, __LINE__, "metric %u, query %u: %u hops", metric, (unsigned)q,
                       (unsigned)a.counters.hops);
        }
    }
    diskann_index_destroy(index);
    free(rows);
}

static void searches_among_equal_rows_end(void)
{
    const float zeros[6] = {0}, some[6] = {3, -7, 11, 20, 5, -2};
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric += check_is_light() ? 2 : 1) {
        check_equal_rows(metric, zeros, 6);
        check_equal_rows(metric, some, 100);
    }
}

/* Sums that leave the range of a float say "far", and are no hits; rows at the limit of the norm are found. */
static void huge_values_are_searched(void)
{
    enum { COUNT = 400, D = 8 };
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        diskann_config config = world_config(D, DISKANN_F32, metric, 4);
        float *rows = world_rows(COUNT, &config, 6);
        for (uint32_t i = 0; i < COUNT * D; i++) {
            rows[i] *= 9.2e18f / 64 / 2.9f; /* squared norms of nearly FLT_MAX / 4 */
        }
        diskann_index *index = world_index(&config, NULL, rows, COUNT - 20, COUNT, &in_order), *again;
        meter m = {0};
        host file = world_save(index);
        CHECK_UINT(world_findings(index, NULL), 0);
        CHECK_INT(host_open(&file, &m, &again, NULL), DISKANN_OK);
        for (uint32_t q = 0; q < COUNT; q += 7) {
            const answer a = world_search(index, rows + q * D, (diskann_search_params){10, 50, 4, 0, 0});
            CHECK_UINT(a.count, 10);
            CHECK(metric == DISKANN_IP || a.distances[0] <= 1e-6f || a.ids[0] == q);
            for (uint32_t i = 0; i < a.count; i++) {
                CHECK(a.distances[i] >= -FLT_MAX && a.distances[i] <= FLT_MAX);
                CHECK(i == 0 || a.distances[i - 1] <= a.distances[i]);
            }
        }
        diskann_index_destroy(again);
        diskann_index_destroy(index);
        free(file.file);
        free(rows);
    }
}

static void a_searcher_remembers_nothing(void)
{
    const diskann_config config = world_config(DIMENSIONS, DISKANN_F32, DISKANN_COSINE, 7);
    float *rows = world_rows(ROWS, &config, 1);
    diskann_index *index = world_index(&config, NULL, rows, ROWS, ROWS, &in_order);
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    for (uint32_t i = 0; i < 600; i++) {
        const float *query = rows + (size_t)(i * 37 % ROWS) * DIMENSIONS;
        const diskann_search_params params = {i % 3 == 0 ? 100 : 5, i % 3 == 0 ? 200 : 8, 1 + i % 4, i % 2, 0};
        answer a = {0};
        CHECK_INT(diskann_search(searcher, query, &params, a.ids, a.distances, &a.count, &a.counters), DISKANN_OK);
        if (i % 10 == 0 || i > 590) {
            const answer b = world_search(index, query, params);
            CHECK_BYTES(&a, &b, sizeof a);
        }
    }
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    free(rows);
}

CHECK_MAIN(CHECK_TEST(every_type_and_metric_comes_back_from_a_file), CHECK_TEST(every_shape_works),
           CHECK_TEST(the_default_is_a_byte_for_four_dimensions), CHECK_TEST(workers_and_families_change_no_byte),
           CHECK_TEST(searches_find_what_an_exact_search_finds), CHECK_TEST(searches_among_equal_rows_end),
           CHECK_TEST(huge_values_are_searched), CHECK_TEST(a_searcher_remembers_nothing))
