/*
 * Codes of a product quantiser, what they stand for, asymmetric distances and mistakes; golden quantisers.
 * (c-tests: every CPU)
 */
#include "golden.h"
#include "pq_world.h"

#include <math.h>

/* -- codes -- */

static float plain_sum(const world *w, const float *row, uint32_t offset, uint32_t dims, uint32_t k)
{
    float sum = 0.0f;
    for (uint32_t j = offset; j < offset + dims; j++) {
        volatile float difference = row[j] - w->centre[j] - w->pivots[(size_t)k * w->config.dimensions + j];
        volatile float square = difference * difference;
        sum += square;
    }
    return sum;
}

static void check_codes(const world *w, const uint8_t *codes)
{
    const uint32_t chunks = w->config.chunks, dimensions = w->config.dimensions;
    for (uint32_t row = 0; row < w->rows; row++) {
        for (uint32_t c = 0, offset = 0; c < chunks; c++) {
            const uint32_t dims = dimensions / chunks + (c < dimensions % chunks);
            float best = INFINITY;
            uint32_t number = 0;
            for (uint32_t k = 0; k < w->config.centroids; k++) {
                const float sum = plain_sum(w, w->vectors + (size_t)row * dimensions, offset, dims, k);
                number = sum < best ? k : number;
                best = sum < best ? sum : best;
            }
            CHECK_UINT(codes[(size_t)row * chunks + c], number);
            offset += dims;
        }
    }
}

static void codes_are_the_nearest_centroids(void)
{
    world w = make_world(300, 11, 3, 20, 40);
    w.config.sample_rows = 100;
    diskann_pq *trained = train(&w, 1, 0);
    diskann_pq_export(trained, NULL, w.pivots, w.centre);
    diskann_pq_destroy(trained);
    for (uint32_t family = 0; family < DISKANN_SIMD_COUNT; family++) {
        diskann_pq *pq;
        w.config.simd = family;
        if (!diskann_simd_available(family)) {
            continue;
        }
        REQUIRE(diskann_pq_create(&w.config, NULL, w.pivots, w.centre, NULL, &pq) == DISKANN_OK);
        uint8_t *codes = encode(&w, pq, 3, family);
        check_codes(&w, codes);
        check_parts(&w, pq);
        diskann_pq_destroy(pq);
        free(codes);
    }
    free_world(&w);
}

static void decoding_adds_the_centre(void)
{
    world w = make_world(200, 9, 4, 8, 1000);
    diskann_pq *pq = train(&w, 1, 0);
    diskann_pq_export(pq, NULL, w.pivots, w.centre);
    uint8_t *codes = encode(&w, pq, 1, 0);
    float *out = floats((size_t)w.rows * 9);
    CHECK_INT(diskann_pq_decode(pq, codes, w.rows, out), DISKANN_OK);
    static const uint32_t chunk_of[9] = {0, 0, 0, 1, 1, 2, 2, 3, 3};
    for (uint32_t row = 0; row < w.rows; row++) {
        for (uint32_t j = 0; j < 9; j++) {
            const float centroid = w.pivots[codes[row * 4 + chunk_of[j]] * 9 + j];
            CHECK_UINT(golden_bits(out[row * 9 + j]), golden_bits(centroid + w.centre[j]));
        }
    }
    codes[7] = 8;
    CHECK_INT(diskann_pq_decode(pq, codes, w.rows, out), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_pq_decode(pq, codes, 1, out), DISKANN_OK);
    free(codes);
    free(out);
    diskann_pq_destroy(pq);
    free_world(&w);
}

/* -- search -- */

static double true_distance(uint32_t metric, const float *a, const float *b, uint32_t dims)
{
    double dot = 0, l2 = 0, l1 = 0, aa = 0, bb = 0;
    for (uint32_t j = 0; j < dims; j++) {
        dot += (double)a[j] * b[j];
        aa += (double)a[j] * a[j];
        bb += (double)b[j] * b[j];
        l2 += ((double)a[j] - b[j]) * ((double)a[j] - b[j]);
        l1 += fabs((double)a[j] - b[j]);
    }
    const double all[] = {l2, aa > 0 && bb > 0 ? 1 - dot / sqrt(aa * bb) : 1, -dot, l1};
    return all[metric];
}

static uint32_t search(const diskann_pq *pq, const float *query, uint32_t metric, const uint8_t *codes, uint64_t rows,
                       uint32_t k, uint64_t shuffle, uint64_t *ids, float *distances)
{
    diskann_op *op;
    uint32_t count = 0;
    host h = {.workers = 3, .shuffle = shuffle};
    REQUIRE(diskann_pq_search_begin(pq, query, metric, codes, rows, k, 3, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_pq_search_take(op, ids, distances, &count);
    diskann_op_end(op);
    return count;
}

/* Every row is a hit, so all distances are seen; then the first ten of them alone. */
static void distances_are_those_of_the_decoded_vectors(void)
{
    enum { ROWS = 1003, DIMS = 14 };
    world w = make_world(ROWS, DIMS, 5, 32, 1000);
    diskann_pq *pq = train(&w, 1, 0);
    uint8_t *codes = encode(&w, pq, 2, 3);
    float *decoded = floats(ROWS * DIMS), distances[ROWS], few[10];
    uint64_t ids[ROWS], few_ids[10];
    const float *query = w.vectors + 40 * DIMS;
    REQUIRE(diskann_pq_decode(pq, codes, ROWS, decoded) == DISKANN_OK);
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        CHECK_UINT(search(pq, query, metric, codes, ROWS, ROWS + 5, metric, ids, distances), ROWS);
        for (uint32_t i = 0; i < ROWS; i++) {
            const double wanted = true_distance(metric, query, decoded + ids[i] * DIMS, DIMS);
            check_that(fabs(distances[i] - wanted) < 1e-5 * (1 + fabs(wanted)), __FILE__, __LINE__,
                       "metric %u, hit %u: %f, not %f", metric, i, (double)distances[i], wanted);
            const int is_tie = i > 0 && distances[i] == distances[i - 1];
            CHECK(i == 0 || (is_tie ? ids[i] > ids[i - 1] : distances[i] > distances[i - 1]));
        }
        CHECK_UINT(search(pq, query, metric, codes, ROWS, 10, 9, few_ids, few), 10);
        CHECK_BYTES(few_ids, ids, sizeof few_ids);
        CHECK_BYTES(few, distances, sizeof few);
    }
    CHECK_UINT(search(pq, query, DISKANN_L2, codes, 0, 3, 0, ids, distances), 0);
    memset(codes, 3, (size_t)ROWS * 5); /* equal codes: the first rows */
    CHECK_UINT(search(pq, query, DISKANN_L2, codes, ROWS, 6, 5, ids, distances), 6);
    for (uint32_t i = 0; i < 6; i++) {
        CHECK_UINT(ids[i], i);
    }
    free(decoded);
    free(codes);
    diskann_pq_destroy(pq);
    free_world(&w);
}

static void a_code_of_no_centroid_is_found(void)
{
    world w = make_world(600, 4, 2, 8, 1000);
    diskann_pq *pq = train(&w, 1, 0);
    uint8_t *codes = encode(&w, pq, 1, 0);
    diskann_op *op;
    diskann_failure failure;
    host h = {.workers = 4, .shuffle = 2};
    codes[2 * 555 + 1] = 255;
    codes[2 * 301] = 8;
    REQUIRE(diskann_pq_search_begin(pq, w.vectors, DISKANN_L2, codes, w.rows, 5, 4, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_ERR_INVALID_ARGUMENT);
    diskann_op_failure(op, &failure);
    CHECK_INT(failure.row, 301);
    diskann_op_end(op);
    free(codes);
    diskann_pq_destroy(pq);
    free_world(&w);
}

/* -- mistakes -- */

static void arguments_are_checked(void)
{
    world w = make_world(4, 6, 3, 4, 10);
    diskann_op *op;
    diskann_pq *pq;
    const uint32_t good[] = {0, 1, 3, 6}, bad[][4] = {{0, 3, 3, 6}, {1, 2, 3, 6}, {0, 2, 4, 5}, {0, 4, 2, 6}};
    REQUIRE(diskann_pq_create(&w.config, good, w.vectors, NULL, NULL, &pq) == DISKANN_OK);
    CHECK_INT(diskann_pq_search_begin(pq, w.vectors, 4, NULL, 0, 1, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_pq_search_begin(pq, w.vectors, 0, NULL, 0, 0, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_pq_encode_begin(pq, NULL, 1, NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_pq_encode_begin(pq, NULL, 0, NULL, 0, &op), DISKANN_ERR_INVALID_ARGUMENT);
    diskann_pq_destroy(pq);
    diskann_pq_destroy(NULL);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_INT(diskann_pq_create(&w.config, bad[i], w.vectors, NULL, NULL, &pq), DISKANN_ERR_INVALID_ARGUMENT);
    }
    const diskann_pq_config wrong[] = {{.dimensions = 0, .chunks = 1}, {.dimensions = 6, .chunks = 0},
                                       {.dimensions = 6, .chunks = 7}, {.dimensions = 65536, .chunks = 1}};
    for (uint32_t i = 0; i < 4; i++) {
        diskann_pq_config config;
        diskann_pq_config_init(&config, wrong[i].dimensions, wrong[i].chunks);
        CHECK_INT(diskann_pq_train_begin(&config, 1, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
        CHECK_INT(diskann_pq_create(&config, NULL, w.vectors, NULL, NULL, &pq), DISKANN_ERR_INVALID_ARGUMENT);
    }
    uint32_t *const fields[] = {&w.config.centroids, &w.config.iterations, &w.config.sample_rows, &w.config.is_centred};
    const uint32_t values[][2] = {{0, 257}, {0, 1001}, {0, (1u << 24) + 1}, {2, 3}};
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t before = *fields[i / 2];
        *fields[i / 2] = values[i / 2][i % 2];
        CHECK_INT(diskann_pq_train_begin(&w.config, 1, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
        *fields[i / 2] = before;
    }
    REQUIRE(diskann_pq_train_begin(&w.config, 1, NULL, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_ERR_INVALID_ARGUMENT); /* no rows */
    CHECK(diskann_pq_train_take(op) == NULL);
    CHECK_INT(diskann_pq_rows(op, w.vectors, 1), DISKANN_OK);
    diskann_op_end(op);
    free_world(&w);
}

static void what_is_not_finite_is_refused(void)
{
    world w = make_world(200, 6, 3, 4, 10);
    diskann_op *op;
    diskann_pq *pq;
    diskann_failure failure;
    uint8_t codes[600];
    host h = {.workers = 4, .shuffle = 8};
    w.vectors[6 * 150 + 2] = NAN;
    w.vectors[6 * 70 + 5] = 3e19f;
    REQUIRE(diskann_pq_create(&w.config, NULL, w.vectors, NULL, NULL, &pq) == DISKANN_OK);
    REQUIRE(diskann_pq_encode_begin(pq, w.vectors, w.rows, codes, 4, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_ERR_NOT_FINITE);
    diskann_op_failure(op, &failure);
    CHECK_INT(failure.row, 70);
    diskann_op_end(op);
    CHECK_INT(diskann_pq_search_begin(pq, w.vectors + 6 * 150, 0, codes, 0, 1, 1, &op), DISKANN_ERR_NOT_FINITE);
    diskann_pq_destroy(pq);
    REQUIRE(diskann_pq_train_begin(&w.config, 1, NULL, &op) == DISKANN_OK);
    CHECK_INT(diskann_pq_rows(op, w.vectors, 60), DISKANN_OK);
    CHECK_INT(diskann_pq_rows(op, w.vectors + 6 * 60, 140), DISKANN_ERR_NOT_FINITE);
    diskann_op_failure(op, &failure);
    CHECK_INT(failure.row, 70);
    diskann_op_end(op);
    w.vectors[6 * 3] = INFINITY; /* a pivot */
    CHECK_INT(diskann_pq_create(&w.config, NULL, w.vectors, NULL, NULL, &pq), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(diskann_pq_create(&w.config, NULL, w.vectors + 6 * 4, w.vectors + 6 * 3, NULL, &pq), DISKANN_ERR_NOT_FINITE);
    free_world(&w);
}

static void every_cancel_and_every_missing_block_leaves_nothing_behind(void)
{
    world w = make_world(300, 6, 3, 4, 100);
    meter m = {0};
    const diskann_allocator allocator = meter_allocator(&m);
    int status = DISKANN_ERR_NO_MEMORY;
    for (uint64_t i = 1; status == DISKANN_ERR_NO_MEMORY; i++) {
        diskann_op *op;
        m = (meter){.fail_at = i};
        status = begin_training(&w, 2, &allocator, &op);
        if (status == DISKANN_OK) {
            status = diskann_op_finish(op);
            diskann_pq_destroy(diskann_pq_train_take(op));
            diskann_op_end(op);
        }
        CHECK_UINT(m.live, 0);
        REQUIRE(i < 100);
    }
    CHECK_INT(status, DISKANN_OK);
    for (uint64_t stage = 1; stage < 100 && (status == DISKANN_ERR_CANCELLED || stage == 1); stage++) {
        diskann_op *op;
        host h = {.workers = 2, .shuffle = stage, .cancel_at = stage};
        m = (meter){0};
        REQUIRE(begin_training(&w, 2, &allocator, &op) == DISKANN_OK);
        status = host_drive(&h, op);
        CHECK(status == DISKANN_ERR_CANCELLED || status == DISKANN_OK);
        diskann_pq *pq = diskann_pq_train_take(op);
        CHECK((pq != NULL) == (status == DISKANN_OK));
        diskann_pq_destroy(pq);
        diskann_op_end(op);
        CHECK_UINT(m.live, 0);
    }
    CHECK_INT(status, DISKANN_OK); /* the last round cancelled nothing */
    free_world(&w);
}

/* -- golden -- */

static uint64_t number_of(const char *object, const char *name)
{
    char key[40];
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *at = strstr(object, key);
    REQUIRE(at != NULL);
    return strncmp(at + strlen(key), "true", 4) == 0 ? 1 : strtoull(at + strlen(key), NULL, 10);
}

static uint64_t fnv1a64(uint64_t hash, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static void check_golden(const char *object)
{
    world w = make_world((uint32_t)number_of(object, "rows"), (uint32_t)number_of(object, "dimensions"),
                         (uint32_t)number_of(object, "chunks"), (uint32_t)number_of(object, "centroids"), 2);
    random_state random = {20};
    w.config.iterations = (uint32_t)number_of(object, "iterations");
    w.config.sample_rows = (uint32_t)number_of(object, "sampleRows");
    w.config.is_centred = (uint32_t)number_of(object, "center");
    w.config.seed = number_of(object, "seed");
    for (size_t i = 0; i < (size_t)w.rows * w.config.dimensions; i++) {
        w.vectors[i] = (float)((uint32_t)random_next(&random) % 255) - 127.0f; /* tests/golden/recipe.ts */
    }
    diskann_pq *pq = train(&w, 4, 3);
    uint8_t *codes = encode(&w, pq, 4, 3);
    diskann_pq_export(pq, NULL, w.pivots, w.centre);
    uint64_t hash = fnv1a64(UINT64_C(0xcbf29ce484222325), w.pivots,
                            (size_t)w.config.centroids * w.config.dimensions * sizeof(float));
    hash = fnv1a64(hash, w.centre, w.config.dimensions * sizeof(float));
    hash = fnv1a64(hash, codes, (size_t)w.rows * w.config.chunks);
    char wanted[40];
    snprintf(wanted, sizeof wanted, "\"fnv1a64\": \"%016" PRIx64 "\"", hash);
    const char *at = strstr(object, "\"fnv1a64\"");
    REQUIRE(at != NULL);
    check_that(strncmp(at, wanted, strlen(wanted)) == 0, __FILE__, __LINE__, "%.60s: the hash is %s", object, wanted);
    diskann_pq_destroy(pq);
    free(codes);
    free_world(&w);
}

static void golden_quantizers_have_the_same_bytes_here(void)
{
    static char text[16384];
    unsigned count = 0;
    FILE *file = fopen("tests/golden/pq.json", "r"); /* the tests run in the root of the repository */
    REQUIRE(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    for (const char *object = text; (object = strstr(object, "\"name\":")) != NULL; object++) {
        check_golden(object);
        count++;
    }
    CHECK_UINT(count, 3);
}

CHECK_MAIN(CHECK_TEST(codes_are_the_nearest_centroids), CHECK_TEST(decoding_adds_the_centre),
           CHECK_TEST(distances_are_those_of_the_decoded_vectors), CHECK_TEST(a_code_of_no_centroid_is_found),
           CHECK_TEST(arguments_are_checked), CHECK_TEST(what_is_not_finite_is_refused),
           CHECK_TEST(every_cancel_and_every_missing_block_leaves_nothing_behind),
           CHECK_TEST(golden_quantizers_have_the_same_bytes_here))
