/* Build and insert: the same bytes however they are driven, whole after every accident, and answers that are right. */
#include "../support/generate.h"
#include "check.h"
#include "host.h"

enum { DIMENSIONS = 24, ROWS = 1200 };

static float *make_rows(uint32_t dimensions, uint64_t rows)
{
    float *out = malloc(rows * dimensions * sizeof *out);
    REQUIRE(out != NULL && generate_rows(&GENERATE_IMAGE, dimensions, 4, 0, 0, rows, out) == 0);
    return out;
}

static diskann_config small_config(uint32_t metric)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.metric = metric;
    config.max_degree = 12;
    config.build_list_size = 30;
    return config;
}

static diskann_index *create(const diskann_config *config, meter *m)
{
    const diskann_allocator allocator = meter_allocator(m);
    diskann_index *index = NULL;
    REQUIRE(diskann_index_create(config, &allocator, &index) == DISKANN_OK);
    return index;
}

/* Builds or inserts; returns the status of the last step. */
static int put(diskann_index *index, int is_build, const float *rows, const uint64_t *ids, uint64_t count, host *h,
               diskann_failure *failure)
{
    diskann_op *op;
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    int status = is_build ? diskann_build_begin(index, workers, &op) : diskann_insert_begin(index, workers, &op);
    if (status < 0) {
        return status;
    }
    status = diskann_op_rows(op, rows, DISKANN_F32, ids, count);
    if (status == DISKANN_OK) {
        status = host_drive(h, op);
        if (failure != NULL) {
            diskann_op_failure(op, failure);
        }
    }
    diskann_op_end(op);
    return status;
}

static uint8_t *bytes_of(diskann_index *index, uint64_t *bytes)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    host h = {.file = calloc(1, stats.file_bytes), .file_bytes = stats.file_bytes};
    REQUIRE(h.file != NULL && host_save(&h, index) == DISKANN_OK);
    *bytes = stats.file_bytes;
    return h.file;
}

/* The degrees that the index keeps count of are those of its saved records. */
static void check_degrees(diskann_index *index)
{
    diskann_stats stats, again;
    diskann_index_stats(index, &stats);
    uint64_t bytes;
    meter m = {0};
    diskann_index *opened;
    host h = {.file = bytes_of(index, &bytes)};
    h.file_bytes = bytes;
    REQUIRE(host_open(&h, &m, &opened, NULL) == DISKANN_OK);
    diskann_index_stats(opened, &again); /* counted anew by open */
    CHECK_UINT(stats.edges, again.edges);
    CHECK_UINT(stats.degree_max, again.degree_max);
    CHECK(stats.size < 100 || stats.edges > stats.size);
    diskann_index_destroy(opened);
    free(h.file);
}

static uint64_t findings_of(const diskann_index *index)
{
    diskann_op *op;
    uint64_t total = UINT64_MAX;
    uint32_t shown;
    host h = {0};
    REQUIRE(diskann_verify_begin(index, 1, &op) == DISKANN_OK);
    if (host_drive(&h, op) == DISKANN_OK) {
        const diskann_finding *findings = diskann_verify_findings(op, &shown, &total);
        for (uint32_t i = 0; i < shown && i < 3; i++) {
            printf("    slot %u: %s\n", findings[i].slot, diskann_finding_text(findings[i].kind));
        }
    }
    diskann_op_end(op);
    return total;
}

static uint32_t search(const diskann_index *index, const float *query, uint32_t k, uint32_t list_size, uint64_t *ids,
                       float *distances)
{
    diskann_searcher *searcher;
    uint32_t count = 0;
    const diskann_search_params params = {k, list_size, 1, 0, 0};
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_search(searcher, query, &params, ids, distances, &count, NULL), DISKANN_OK);
    diskann_searcher_destroy(searcher);
    return count;
}

static uint32_t scan(const diskann_index *index, const float *query, uint32_t k, uint64_t *ids, float *distances)
{
    diskann_op *op;
    uint32_t count = 0;
    host h = {.workers = 3, .shuffle = 8};
    REQUIRE(diskann_exact_begin(index, query, k, 3, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_exact_take(op, ids, distances, &count);
    diskann_op_end(op);
    return count;
}

static double recall_of(const diskann_index *index, const float *queries, uint32_t count, uint32_t list_size)
{
    uint32_t found = 0;
    for (uint32_t q = 0; q < count; q++) {
        uint64_t near[10], exact[10];
        float distances[10], exact_distances[10];
        CHECK_UINT(search(index, queries + q * DIMENSIONS, 10, list_size, near, distances), 10);
        CHECK_UINT(scan(index, queries + q * DIMENSIONS, 10, exact, exact_distances), 10);
        for (uint32_t i = 0; i < 10; i++) {
            CHECK(i == 0 || distances[i - 1] <= distances[i]);
            found += distances[i] <= exact_distances[9];
        }
    }
    return found / (10.0 * count);
}

/* ---- the same bytes ---- */

static void the_bytes_do_not_depend_on_how_it_is_driven(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS);
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        const diskann_config config = small_config(metric);
        uint8_t *first = NULL;
        uint64_t first_bytes = 0;
        for (uint64_t way = 0; way < 4; way++) {
            meter m = {0};
            host h = {.workers = way == 0 ? 1 : 5, .shuffle = way};
            diskann_index *index = create(&config, &m);
            CHECK_INT(put(index, 1, rows, NULL, ROWS - 300, &h, NULL), DISKANN_OK);
            CHECK_INT(put(index, 0, rows + (ROWS - 300) * DIMENSIONS, NULL, 300, &h, NULL), DISKANN_OK);
            CHECK_UINT(diskann_index_size(index), ROWS);
            CHECK_UINT(findings_of(index), 0);
            check_degrees(index);
            uint64_t bytes;
            uint8_t *saved = bytes_of(index, &bytes);
            if (way == 0) {
                first = saved;
                first_bytes = bytes;
            } else {
                REQUIRE(bytes == first_bytes);
                CHECK_BYTES(saved, first, bytes);
                free(saved);
            }
            diskann_index_destroy(index);
            CHECK_UINT(m.live, 0);
        }
        free(first);
    }
    free(rows);
}

static void every_kernel_family_builds_the_same_bytes(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS);
    uint8_t *first = NULL;
    uint64_t first_bytes = 0;
    for (uint32_t simd = DISKANN_SIMD_PORTABLE; simd < DISKANN_SIMD_COUNT; simd++) {
        if (!diskann_simd_available(simd)) {
            continue;
        }
        meter m = {0};
        host h = {0};
        diskann_config config = small_config(DISKANN_COSINE);
        config.simd = simd;
        diskann_index *index = create(&config, &m);
        CHECK_INT(put(index, 1, rows, NULL, ROWS, &h, NULL), DISKANN_OK);
        uint64_t bytes;
        uint8_t *saved = bytes_of(index, &bytes);
        if (first == NULL) {
            first = saved;
            first_bytes = bytes;
        } else {
            REQUIRE(bytes == first_bytes);
            CHECK_BYTES(saved, first, bytes);
            free(saved);
        }
        diskann_index_destroy(index);
    }
    free(first);
    free(rows);
}

static void seed_and_rows_change_the_bytes(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS);
    uint8_t *saved[2];
    uint64_t bytes[2];
    for (uint64_t seed = 0; seed < 2; seed++) {
        meter m = {0};
        host h = {0};
        diskann_config config = small_config(DISKANN_L2);
        config.seed = seed;
        diskann_index *index = create(&config, &m);
        CHECK_INT(put(index, 1, rows, NULL, ROWS, &h, NULL), DISKANN_OK);
        saved[seed] = bytes_of(index, &bytes[seed]);
        diskann_index_destroy(index);
    }
    REQUIRE(bytes[0] == bytes[1]);
    CHECK(memcmp(saved[0] + 4096, saved[1] + 4096, bytes[0] - 4096) != 0);
    free(saved[0]);
    free(saved[1]);
    free(rows);
}

/* ---- answers ---- */

static void answers_are_good_under_every_metric(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS + 50);
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        for (int is_build = 0; is_build < 2; is_build++) {
            meter m = {0};
            host h = {0};
            const diskann_config config = small_config(metric);
            diskann_index *index = create(&config, &m);
            CHECK_INT(put(index, is_build, rows, NULL, ROWS, &h, NULL), DISKANN_OK);
            const double recall = recall_of(index, rows + ROWS * DIMENSIONS, 50, 60);
            check_that(recall >= 0.97, __FILE__, __LINE__, "metric %u build %d: recall %.3f", metric, is_build, recall);
            diskann_index_destroy(index);
        }
    }
    free(rows);
}

static void a_longer_vector_may_come_later_under_inner_product(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS + 20);
    for (uint64_t i = ROWS * DIMENSIONS; i < (ROWS + 20) * DIMENSIONS; i++) {
        rows[i] *= 5;
    }
    meter m = {0};
    host h = {0};
    const diskann_config config = small_config(DISKANN_IP);
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 1, rows, NULL, ROWS, &h, NULL), DISKANN_OK);
    CHECK_INT(put(index, 0, rows + ROWS * DIMENSIONS, NULL, 20, &h, NULL), DISKANN_OK);
    CHECK_UINT(findings_of(index), 0);
    for (uint64_t row = ROWS; row < ROWS + 20; row++) {
        uint64_t near[5], exact[5];
        float distances[5];
        search(index, rows + row * DIMENSIONS, 5, 60, near, distances);
        scan(index, rows + row * DIMENSIONS, 5, exact, distances);
        CHECK_UINT(near[0], exact[0]);
    }
    diskann_index_destroy(index);
    free(rows);
}

static void few_rows_are_all_found(void)
{
    float *rows = make_rows(DIMENSIONS, 3);
    for (uint64_t count = 0; count <= 3; count++) {
        for (int is_build = 0; is_build < 2; is_build++) {
            meter m = {0};
            host h = {0};
            const diskann_config config = small_config(DISKANN_L2);
            diskann_index *index = create(&config, &m);
            CHECK_INT(put(index, is_build, rows, NULL, count, &h, NULL), DISKANN_OK);
            uint64_t ids[10];
            float distances[10];
            CHECK_UINT(search(index, rows, 10, 10, ids, distances), count);
            CHECK_UINT(scan(index, rows, 10, ids, distances), count);
            CHECK(count == 0 || (ids[0] == 0 && distances[0] == 0));
            CHECK_UINT(findings_of(index), 0);
            diskann_index_destroy(index);
            CHECK_UINT(m.live, 0);
        }
    }
    free(rows);
}

/* Equal vectors tell a search nothing; the tree alone leads to all of them. */
static void identical_rows(uint64_t count, uint32_t k, int is_build, float value, uint32_t metric)
{
    float *rows = malloc(count * 4 * sizeof *rows);
    uint64_t *ids = malloc(k * sizeof *ids);
    float *distances = malloc(k * sizeof *distances);
    for (uint64_t i = 0; i < count * 4; i++) {
        rows[i] = value;
    }
    meter m = {0};
    host h = {0};
    diskann_config config;
    diskann_config_init(&config, 4);
    config.metric = metric;
    config.build_list_size = 20;
    config.max_degree = 8;
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, is_build, rows, NULL, count, &h, NULL), DISKANN_OK);
    CHECK_UINT(findings_of(index), 0);
    CHECK_UINT(search(index, rows, k, k, ids, distances), k);
    uint8_t *seen = calloc(1, count);
    for (uint32_t i = 0; i < k; i++) {
        CHECK(ids[i] < count && !seen[ids[i]]++);
        CHECK(i == 0 || ids[i - 1] < ids[i]);
    }
    diskann_index_destroy(index);
    free(seen);
    free(rows);
    free(ids);
    free(distances);
}

static void a_hundred_thousand_identical_rows(void)
{
    identical_rows(check_is_light() ? 5000 : 100000, 1000, 1, 2.5f, DISKANN_L2);
}
static void identical_rows_inserted(void) { identical_rows(3000, 3000, 0, 2.5f, DISKANN_L2); }
static void zero_rows_under_cosine(void) { identical_rows(2000, 2000, 1, 0, DISKANN_COSINE); }
static void zero_rows_under_ip(void) { identical_rows(2000, 2000, 1, 0, DISKANN_IP); }

static void every_search_option_finds_the_same_quality(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS + 20);
    meter m = {0};
    host h = {0};
    const diskann_config config = small_config(DISKANN_L2);
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 1, rows, NULL, ROWS, &h, NULL), DISKANN_OK);
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    for (uint32_t width = 1; width <= DISKANN_BEAM_WIDTH_MAX; width *= 4) {
        for (uint32_t page_search = 0; page_search < 2; page_search++) {
            uint32_t right = 0;
            for (uint32_t q = 0; q < 20; q++) {
                const diskann_search_params params = {5, 40, width, page_search, 0};
                uint64_t ids[5], exact[5];
                float distances[5];
                uint32_t count;
                diskann_search_counters counters;
                const float *query = rows + (ROWS + q) * DIMENSIONS;
                CHECK_INT(diskann_search(searcher, query, &params, ids, distances, &count, &counters), DISKANN_OK);
                CHECK(counters.rounds <= counters.hops && counters.hops <= counters.rounds * width);
                CHECK(counters.distances >= counters.hops && counters.distances <= ROWS);
                scan(index, query, 5, exact, distances);
                right += ids[0] == exact[0];
            }
            CHECK(right >= 19);
        }
    }
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    free(rows);
}

static void searches_allocate_nothing(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS);
    meter m = {0};
    host h = {0};
    const diskann_config config = small_config(DISKANN_COSINE);
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 1, rows, NULL, ROWS, &h, NULL), DISKANN_OK);
    diskann_searcher *searcher;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    uint64_t calls = 0;
    for (uint32_t q = 0; q < 1000; q++) {
        const diskann_search_params params = {10, 64, 1 + q % 3, q & 1, 0};
        uint64_t ids[10];
        float distances[10];
        uint32_t count;
        CHECK_INT(diskann_search(searcher, rows + q * DIMENSIONS, &params, ids, distances, &count, NULL), DISKANN_OK);
        calls = q == 10 ? m.calls : calls;
    }
    CHECK_UINT(m.calls, calls);
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(rows);
}

/* ---- bad input ---- */

static void bad_rows_are_named_and_change_nothing(void)
{
    float *rows = make_rows(DIMENSIONS, 200);
    const float bad[] = {0.0f / 0.0f, 1.0f / 0.0f, -1.0f / 0.0f, 2e19f};
    for (uint32_t kind = 0; kind < 4; kind++) {
        meter m = {0};
        host h = {.workers = 3, .shuffle = 3};
        const diskann_config config = small_config(DISKANN_L2);
        diskann_index *index = create(&config, &m);
        CHECK_INT(put(index, 0, rows, NULL, 100, &h, NULL), DISKANN_OK);
        uint64_t bytes, bytes_after;
        uint8_t *before = bytes_of(index, &bytes);
        float *copy = malloc(100 * DIMENSIONS * sizeof *copy);
        memcpy(copy, rows + 100 * DIMENSIONS, 100 * DIMENSIONS * sizeof *copy);
        copy[31 * DIMENSIONS + 5] = bad[kind];
        copy[77 * DIMENSIONS] = bad[kind];
        diskann_failure failure;
        CHECK_INT(put(index, 0, copy, NULL, 100, &h, &failure), DISKANN_ERR_NOT_FINITE);
        CHECK_INT(failure.row, 31);
        uint8_t *after = bytes_of(index, &bytes_after);
        REQUIRE(bytes == bytes_after);
        CHECK_BYTES(after, before, bytes);
        CHECK(!diskann_index_has(index, 100));
        diskann_index_destroy(index);
        free(before);
        free(after);
        free(copy);
    }
    free(rows);
}

static void ids_are_unique_and_kept(void)
{
    float *rows = make_rows(DIMENSIONS, 100);
    uint64_t ids[100];
    for (uint64_t i = 0; i < 100; i++) {
        ids[i] = DISKANN_ID_MAX - 7 * i;
    }
    meter m = {0};
    host h = {0};
    diskann_failure failure;
    const diskann_config config = small_config(DISKANN_L2);
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 1, rows, ids, 60, &h, NULL), DISKANN_OK);
    float out[DIMENSIONS];
    CHECK_INT(diskann_index_get(index, ids[59], out), DISKANN_OK);
    CHECK_BYTES(out, rows + 59 * DIMENSIONS, sizeof out);
    CHECK_INT(diskann_index_get(index, ids[60], out), DISKANN_ERR_NOT_FOUND);
    const uint64_t clash = ids[70];
    ids[70] = ids[20]; /* in the index already */
    CHECK_INT(put(index, 0, rows + 60 * DIMENSIONS, ids + 60, 40, &h, &failure), DISKANN_ERR_DUPLICATE_ID);
    CHECK_INT(failure.row, 10);
    CHECK_UINT(failure.value, ids[20]);
    ids[70] = ids[90]; /* twice in the input: the second one is named */
    CHECK_INT(put(index, 0, rows + 60 * DIMENSIONS, ids + 60, 40, &h, &failure), DISKANN_ERR_DUPLICATE_ID);
    CHECK_INT(failure.row, 30);
    CHECK(!diskann_index_has(index, ids[61]));
    ids[70] = clash;
    CHECK_INT(put(index, 0, rows + 60 * DIMENSIONS, ids + 60, 40, &h, NULL), DISKANN_OK);
    for (uint64_t i = 0; i < 100; i++) {
        CHECK(diskann_index_has(index, ids[i]));
    }
    ids[0] = DISKANN_ID_MAX + 1;
    CHECK_INT(put(index, 0, rows, ids, 1, &h, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(put(index, 0, rows, NULL, 1, &h, NULL), DISKANN_ERR_FULL); /* the next free id is past the last one */
    CHECK_INT(put(index, 1, rows, NULL, 1, &h, NULL), DISKANN_ERR_INVALID_ARGUMENT); /* build wants an empty index */
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(rows);
}

/* ---- accidents ---- */

static void whole_after_cancelling_at_any_stage(void)
{
    float *rows = make_rows(DIMENSIONS, 500);
    for (int is_build = 0; is_build < 2; is_build++) {
        uint64_t stages = 1;
        for (uint64_t at = 1; at <= stages; at += 1 + at / (check_is_light() ? 3 : 40)) {
            meter m = {0};
            host h = {0}, cancelling = {.workers = 2, .shuffle = at, .cancel_at = at};
            diskann_config config = small_config(DISKANN_L2);
            config.codes = at % 2 ? DISKANN_CODES_1BIT : DISKANN_CODES_AUTO;
            diskann_index *index = create(&config, &m);
            const uint64_t before = is_build ? 0 : 200;
            CHECK_INT(put(index, 0, rows, NULL, before, &h, NULL), DISKANN_OK);
            const int status = put(index, is_build, rows + before * DIMENSIONS, NULL, 500 - before, &cancelling, NULL);
            CHECK(status == DISKANN_ERR_CANCELLED || status == DISKANN_OK);
            stages = cancelling.stages > stages ? cancelling.stages : stages;
            if (at == 1) { /* how many stages there are */
                host whole = {0};
                diskann_index *other = create(&config, &m);
                CHECK_INT(put(other, is_build, rows, NULL, 500, &whole, NULL), DISKANN_OK);
                stages = whole.stages;
                diskann_index_destroy(other);
            }
            const uint64_t size = diskann_index_size(index);
            CHECK(size == 500 || (is_build ? size == 0 : size >= before));
            CHECK_UINT(findings_of(index), 0);
            check_degrees(index);
            for (uint64_t id = 0; id < 500; id++) {
                CHECK_UINT(diskann_index_has(index, id), id < size);
            }
            /* What is missing goes in afterwards. */
            CHECK_INT(put(index, 0, rows + size * DIMENSIONS, NULL, 500 - size, &h, NULL), DISKANN_OK);
            CHECK_UINT(diskann_index_size(index), 500);
            CHECK_UINT(findings_of(index), 0);
            diskann_index_destroy(index);
            CHECK_UINT(m.live, 0);
        }
    }
    free(rows);
}

/* The host loses interest in the middle of a stage. */
static void whole_after_ending_half_way(void)
{
    float *rows = make_rows(DIMENSIONS, 400);
    for (uint64_t stop = 1; stop < 400; stop += check_is_light() ? 57 : 3) {
        meter m = {0};
        host h = {0};
        diskann_config config = small_config(DISKANN_L2);
        config.codes = stop % 2 ? DISKANN_CODES_1BIT : DISKANN_CODES_AUTO;
        diskann_index *index = create(&config, &m);
        CHECK_INT(put(index, 0, rows, NULL, 200, &h, NULL), DISKANN_OK);
        diskann_op *op;
        diskann_stage stage;
        REQUIRE(diskann_insert_begin(index, 2, &op) == DISKANN_OK);
        REQUIRE(diskann_op_rows(op, rows + 200 * DIMENSIONS, DISKANN_F32, NULL, 200) == DISKANN_OK);
        for (uint64_t count = 0; diskann_op_step(op, &stage) == DISKANN_RUN; count++) {
            const uint64_t end = count == stop ? stage.items / 2 : stage.items;
            diskann_op_run(op, 0, 0, end);
            if (count == stop) {
                break;
            }
        }
        diskann_op_end(op);
        CHECK(diskann_index_size(index) >= 200 && diskann_index_size(index) <= 400);
        CHECK_UINT(findings_of(index), 0);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    free(rows);
}

static void whole_after_any_failed_allocation(void)
{
    float *rows = make_rows(DIMENSIONS, 150);
    for (int turn = 0; turn < 4; turn++) {
        int status = DISKANN_ERR_NO_MEMORY;
        for (uint64_t at = 1; status == DISKANN_ERR_NO_MEMORY; at++) {
            meter m = {0};
            host h = {.workers = 2, .shuffle = 1};
            diskann_config config = small_config(DISKANN_L2);
            config.codes = turn % 2 ? DISKANN_CODES_1BIT : DISKANN_CODES_AUTO;
            diskann_index *index = create(&config, &m);
            CHECK_INT(put(index, 0, rows, NULL, turn / 2 ? 0 : 50, &h, NULL), DISKANN_OK);
            m.fail_at = m.calls + at;
            const uint64_t before = diskann_index_size(index);
            status = put(index, turn / 2, rows + before * DIMENSIONS, NULL, 150 - before, &h, NULL);
            CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
            m.fail_at = 0;
            CHECK_UINT(diskann_index_size(index), status == DISKANN_OK ? 150 : before);
            CHECK_UINT(findings_of(index), 0);
            diskann_index_destroy(index);
            CHECK_UINT(m.live, 0);
        }
    }
    free(rows);
}

static void inserting_row_by_row_gives_a_whole_and_good_graph(void)
{
    float *rows = make_rows(DIMENSIONS, ROWS + 50);
    meter m = {0};
    const diskann_config config = small_config(DISKANN_L2);
    diskann_index *index = create(&config, &m);
    for (uint64_t row = 0; row < ROWS; row++) {
        host h = {0};
        CHECK_INT(put(index, 0, rows + row * DIMENSIONS, NULL, 1, &h, NULL), DISKANN_OK);
    }
    CHECK_UINT(diskann_index_size(index), ROWS);
    CHECK_UINT(findings_of(index), 0);
    CHECK(recall_of(index, rows + ROWS * DIMENSIONS, 50, 60) >= 0.97);
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    CHECK(stats.degree_max <= config.max_degree);
    CHECK_UINT(stats.memory_total, m.live);
    diskann_index_destroy(index);
    free(rows);
}

CHECK_MAIN(CHECK_TEST(the_bytes_do_not_depend_on_how_it_is_driven),
           CHECK_TEST(every_kernel_family_builds_the_same_bytes), CHECK_TEST(seed_and_rows_change_the_bytes),
           CHECK_TEST(answers_are_good_under_every_metric),
           CHECK_TEST(a_longer_vector_may_come_later_under_inner_product), CHECK_TEST(few_rows_are_all_found),
           CHECK_TEST(a_hundred_thousand_identical_rows), CHECK_TEST(identical_rows_inserted),
           CHECK_TEST(zero_rows_under_cosine), CHECK_TEST(zero_rows_under_ip),
           CHECK_TEST(every_search_option_finds_the_same_quality), CHECK_TEST(searches_allocate_nothing),
           CHECK_TEST(bad_rows_are_named_and_change_nothing), CHECK_TEST(ids_are_unique_and_kept),
           CHECK_TEST(whole_after_cancelling_at_any_stage), CHECK_TEST(whole_after_ending_half_way),
           CHECK_TEST(whole_after_any_failed_allocation),
           CHECK_TEST(inserting_row_by_row_gives_a_whole_and_good_graph))
