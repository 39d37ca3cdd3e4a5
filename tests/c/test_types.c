/* Indexes of every element type: what goes in comes out, distances are those of what is stored, misfits are refused. */
#include "check.h"
#include "forge.h"
#include "host.h"

enum { DIMENSIONS = 27, ROWS = 500, DEGREE = 12, LIST_SIZE = 40 };
static const char *const TYPES[] = {"f32", "f16", "i8", "u8", "sq8"};
static const char *const METRICS[] = {"l2", "cosine", "ip", "l1"};

/* -- helpers -- */

static diskann_config config_of(uint32_t data_type, uint32_t metric)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.data_type = data_type;
    config.metric = metric;
    config.max_degree = DEGREE;
    config.build_list_size = LIST_SIZE;
    return config;
}

static diskann_index *create(const diskann_config *config, meter *m)
{
    const diskann_allocator allocator = meter_allocator(m);
    diskann_index *index = NULL;
    REQUIRE(diskann_index_create(config, &allocator, &index) == DISKANN_OK);
    return index;
}

/*
 * Integers that all types hold; as floats. Those of f16 and f32 have a fraction, which halves hold too; sq8 holds them as each
 * row has both ends of a range of 255 eighths.
 */
static void make_rows(uint32_t data_type, uint32_t rows, float *out)
{
    random_state random = {rows + data_type};
    for (uint32_t i = 0; i < rows * DIMENSIONS; i++) {
        const float whole = (float)(random_next(&random) >> 57); /* 0 .. 127 */
        out[i] = data_type == DISKANN_U8 ? 2 * whole : data_type == DISKANN_I8 ? 2 * whole - 128 : whole / 8 - 7;
    }
    for (uint32_t row = 0; row < rows && data_type == DISKANN_SQ8; row++) {
        out[row * DIMENSIONS + row % DIMENSIONS] = -7;
        out[row * DIMENSIONS + (row + 5) % DIMENSIONS] = 255.0f / 8 - 7;
    }
}

/* The same rows as elements of the type, made without the core. */
static void make_elements(uint32_t data_type, const float *rows, uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (data_type == DISKANN_F32) {
            memcpy(out + (size_t)4 * i, rows + i, 4);
        } else if (data_type == DISKANN_F16) {
            const int eighths = (int)(rows[i] * 8);
            int exponent = 0;
            for (int left = abs(eighths); left > 1; left >>= 1) {
                exponent++;
            }
            const int mantissa = (abs(eighths) - (1 << exponent)) * (1 << (10 - exponent));
            const int bits = eighths == 0 ? 0 : (exponent - 3 + 15) << 10 | mantissa;
            forge_put(out + (size_t)2 * i, (uint64_t)(bits | (eighths < 0 ? 0x8000 : 0)), 2);
        } else {
            out[i] = (uint8_t)(int)rows[i];
        }
    }
}

static int put(diskann_index *index, int is_build, const void *rows, uint32_t type, uint32_t count, host *h,
               diskann_failure *failure)
{
    diskann_op *op;
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    int status = is_build ? diskann_build_begin(index, workers, &op) : diskann_insert_begin(index, workers, &op);
    if (status < 0) {
        return status;
    }
    status = diskann_op_rows(op, rows, type, NULL, count);
    status = status < 0 ? status : host_drive(h, op);
    if (failure != NULL) {
        diskann_op_failure(op, failure);
    }
    diskann_op_end(op);
    return status;
}

static host saved(diskann_index *index)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    host h = {.file = calloc(1, stats.file_bytes), .file_bytes = stats.file_bytes, .workers = 2};
    REQUIRE(h.file != NULL && host_save(&h, index) == DISKANN_OK);
    return h;
}

static uint32_t search(const diskann_index *index, const float *query, uint32_t k, uint64_t *ids, float *distances)
{
    diskann_searcher *searcher;
    uint32_t count = 0;
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    /* Estimates by single bits, of so few dimensions, are coarse: a longer list makes up for it. */
    const uint32_t list_size = stats.config.codes == DISKANN_CODES_1BIT ? 120 : 60;
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

/* In double, where every sum of these rows is exact. */
static double distance_of(uint32_t metric, const float *a, const float *b)
{
    double dot = 0, aa = 0, bb = 0, square = 0, absolute = 0;
    for (uint32_t i = 0; i < DIMENSIONS; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
        square += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        absolute += fabs((double)a[i] - b[i]);
    }
    switch (metric) {
    case DISKANN_COSINE:
        return 1 - dot / sqrt(aa * bb);
    case DISKANN_IP:
        return -dot;
    default:
        return metric == DISKANN_L1 ? absolute : square;
    }
}

/* -- what is stored -- */

static void a_forged_file_opens_and_saves_as_the_same_bytes(void)
{
    static const uint32_t dimensions[] = {1, 7, 8, 33, 384};
    for (uint32_t i = 0; i < DISKANN_DATA_TYPE_COUNT * DISKANN_METRIC_COUNT * 5; i++) {
        const uint32_t type = i % DISKANN_DATA_TYPE_COUNT, metric = i / DISKANN_DATA_TYPE_COUNT % DISKANN_METRIC_COUNT;
        const uint32_t wide = dimensions[i / (DISKANN_DATA_TYPE_COUNT * DISKANN_METRIC_COUNT)];
        forge f = forge_make_typed(type, metric, wide, 8, 120);
        host h = {.file = f.bytes, .file_bytes = f.file_bytes, .workers = 3};
        meter m = {0};
        diskann_index *index;
        float vector[384];
        CHECK_INT(host_open(&h, &m, &index, NULL), DISKANN_OK);
        REQUIRE(index != NULL);
        for (uint64_t slot = 0; slot < f.size; slot++) {
            CHECK_INT(diskann_index_get(index, 1000 + 3 * slot, vector), DISKANN_OK);
            for (uint32_t d = 0; d < f.dimensions; d++) {
                CHECK(vector[d] == (float)forge_value(&f, slot, d));
            }
        }
        host out = saved(index);
        CHECK_BYTES(out.file, f.bytes, f.file_bytes);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
        free(out.file);
        forge_free(&f);
    }
}

/* Opens a forged index of halves whose record 5 got these bits in its last element. */
static diskann_failure open_spoiled(uint32_t type, uint64_t bits, int bytes, uint32_t at)
{
    forge f = forge_make_typed(type, DISKANN_L2, 7, 8, 40);
    host h = {.file = f.bytes, .file_bytes = f.file_bytes};
    meter m = {0};
    diskann_index *index;
    diskann_failure failure;
    forge_put(forge_record(&f, 5) + at, bits, bytes);
    forge_seal_page(&f, 5 / f.records_per_page);
    CHECK_INT(host_open(&h, &m, &index, &failure), DISKANN_ERR_CORRUPT);
    CHECK(index == NULL);
    CHECK_UINT(m.live, 0);
    forge_free(&f);
    return failure;
}

static void damaged_elements_are_found(void)
{
    CHECK_UINT(open_spoiled(DISKANN_F16, 0x7c00, 2, 12).detail, DISKANN_FINDING_NOT_FINITE);
    CHECK_UINT(open_spoiled(DISKANN_F16, 0xfe00, 2, 0).detail, DISKANN_FINDING_NOT_FINITE);
    CHECK_UINT(open_spoiled(DISKANN_F16, 0x7bff, 2, 12).detail, DISKANN_FINDING_NORM);
    CHECK_UINT(open_spoiled(DISKANN_F16, 1, 2, 14).detail, DISKANN_FINDING_PAGE_HEADER); /* behind the 7th half */
    CHECK_UINT(open_spoiled(DISKANN_I8, 77, 1, 6).detail, DISKANN_FINDING_NORM);
    CHECK_UINT(open_spoiled(DISKANN_U8, 77, 1, 0).detail, DISKANN_FINDING_NORM);
    CHECK_UINT(open_spoiled(DISKANN_U8, 1, 1, 7).detail, DISKANN_FINDING_PAGE_HEADER);
}

/* -- build, insert, search -- */

static void check_answers(const diskann_index *index, uint32_t metric, const float *rows, const float *queries)
{
    enum { QUERIES = 40, K = 10 };
    uint32_t found = 0;
    for (uint32_t q = 0; q < QUERIES; q++) {
        const float *query = queries + q * DIMENSIONS;
        uint64_t ids[K], exact_ids[K];
        float distances[K], exact[K];
        CHECK_UINT(search(index, query, K, ids, distances), K);
        CHECK_UINT(scan(index, query, K, exact_ids, exact), K);
        uint32_t nearer = 0;
        for (uint32_t row = 0; row < ROWS; row++) {
            nearer += (float)distance_of(metric, query, rows + row * DIMENSIONS) < exact[K - 1];
        }
        CHECK(nearer < K + 2); /* cosine: a float of a sum in another order may tip over */
        for (uint32_t i = 0; i < K; i++) {
            const double wanted = distance_of(metric, query, rows + exact_ids[i] * DIMENSIONS);
            CHECK(metric == DISKANN_COSINE ? fabs(exact[i] - wanted) < 1e-6 : exact[i] == (float)wanted);
            found += distances[i] <= exact[K - 1];
        }
    }
    CHECK(found >= 0.97 * QUERIES * K);
}

/* What rows of this type may be given as, beside floats. */
static uint32_t given_type(uint32_t type)
{
    return type == DISKANN_SQ8 ? DISKANN_F32 : type;
}

static void check_type(uint32_t type, uint32_t metric, uint32_t codes)
{
    const uint32_t given = given_type(type);
    static float rows[(ROWS + 40) * DIMENSIONS], vector[DIMENSIONS];
    static uint8_t elements[(ROWS + 40) * DIMENSIONS * 4];
    diskann_config config = config_of(type, metric);
    config.codes = codes;
    const uint32_t built = ROWS * 3 / 4;
    meter m = {0};
    host one = {0}, many = {.workers = 5, .shuffle = 77}, verifying = {0};
    make_rows(type, ROWS + 40, rows);
    make_elements(given, rows, (ROWS + 40) * DIMENSIONS, elements);
    diskann_index *of_floats = create(&config, &m), *of_elements = create(&config, &m);
    CHECK_INT(put(of_floats, 1, rows, DISKANN_F32, built, &one, NULL), DISKANN_OK);
    CHECK_INT(put(of_elements, 1, elements, given, built, &many, NULL), DISKANN_OK);
    const size_t element_bytes = given == DISKANN_F32 ? 4 : given == DISKANN_F16 ? 2 : 1;
    const uint8_t *rest = elements + (size_t)built * DIMENSIONS * element_bytes;
    CHECK_INT(put(of_floats, 0, rows + built * DIMENSIONS, DISKANN_F32, ROWS - built, &one, NULL), DISKANN_OK);
    CHECK_INT(put(of_elements, 0, rest, given, ROWS - built, &many, NULL), DISKANN_OK);

    host a = saved(of_floats), b = saved(of_elements);
    REQUIRE(a.file_bytes == b.file_bytes);
    CHECK_BYTES(a.file, b.file, a.file_bytes);
    check_answers(of_floats, metric, rows, rows + ROWS * DIMENSIONS);
    for (uint64_t id = 0; id < ROWS; id++) {
        CHECK_INT(diskann_index_get(of_floats, id, vector), DISKANN_OK);
        CHECK_BYTES((const uint8_t *)vector, (const uint8_t *)(rows + id * DIMENSIONS), sizeof vector);
    }
    diskann_stats stats;
    diskann_index_stats(of_floats, &stats);
    CHECK_UINT(stats.memory_vectors, type == DISKANN_SQ8 ? ROWS * (16 + DIMENSIONS) : ROWS * DIMENSIONS * element_bytes);
    CHECK(stats.relative_error == 0);
    CHECK_UINT(stats.config.data_type, type);

    diskann_op *op;
    uint32_t shown;
    uint64_t findings = 1;
    REQUIRE(diskann_verify_begin(of_floats, 1, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&verifying, op), DISKANN_OK);
    diskann_verify_findings(op, &shown, &findings);
    CHECK_UINT(findings, 0);
    diskann_op_end(op);
    diskann_index_destroy(of_floats);
    diskann_index_destroy(of_elements);
    CHECK_UINT(m.live, 0);
    free(a.file);
    free(b.file);
}

static void every_type_and_metric_gives_true_distances(void)
{
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
            if (check_is_light() && (type + metric) % 4 != 0) {
                continue; /* each of both still comes */
            }
            const unsigned before = check_failures;
            check_type(type, metric, DISKANN_CODES_AUTO);
            if (metric != DISKANN_L1) {
                check_type(type, metric, DISKANN_CODES_1BIT);
            }
            check_that(check_failures == before, __FILE__, __LINE__, "%s %s", TYPES[type], METRICS[metric]);
        }
    }
}

/* An index of halves holds the nearest halves of what came, and measures queries as they are. */
static void halves_are_rounded_queries_are_not(void)
{
    diskann_config config = config_of(DISKANN_F16, DISKANN_L2);
    config.dimensions = 2;
    meter m = {0};
    host h = {0};
    diskann_index *index = create(&config, &m);
    const float rows[4] = {1.0001f, -2049, 3, 4}, query[2] = {1.0001f, -2049};
    float got[2], distance;
    uint64_t id;
    CHECK_INT(put(index, 1, rows, DISKANN_F32, 2, &h, NULL), DISKANN_OK);
    CHECK_INT(diskann_index_get(index, 0, got), DISKANN_OK);
    CHECK(got[0] == 1 && got[1] == -2048);
    CHECK_UINT(search(index, query, 1, &id, &distance), 1);
    CHECK_UINT(id, 0);
    CHECK(distance == 1 + (1.0001f - 1) * (1.0001f - 1));
    diskann_index_destroy(index);
}

/* The sums of 65,535 extreme bytes, through all of the index: distances are exact but for one rounding. */
static void the_largest_vectors_have_exact_distances(void)
{
    static float rows[2][65535];
    static const float ends[2][2] = {{-128, 127}, {0, 255}};
    for (uint32_t type = DISKANN_I8; type <= DISKANN_U8; type++) {
        diskann_config config;
        diskann_config_init(&config, 65535);
        config.data_type = type;
        meter m = {0};
        host h = {0};
        uint64_t ids[2];
        float distances[2];
        for (uint32_t i = 0; i < 65535; i++) {
            rows[0][i] = ends[type - DISKANN_I8][0];
            rows[1][i] = ends[type - DISKANN_I8][1];
        }
        diskann_index *index = create(&config, &m);
        CHECK_INT(put(index, 1, rows, DISKANN_F32, 2, &h, NULL), DISKANN_OK);
        CHECK_UINT(search(index, rows[0], 2, ids, distances), 2);
        CHECK(ids[0] == 0 && distances[0] == 0 && distances[1] == (float)(65535.0 * 255 * 255));
        diskann_index_destroy(index);
    }
}

/* -- what does not fit -- */

static void check_misfit(uint32_t type, float value, int status)
{
    static float rows[20 * DIMENSIONS];
    const diskann_config config = config_of(type, DISKANN_L2);
    meter m = {0};
    host h = {0};
    diskann_failure failure;
    diskann_searcher *searcher;
    diskann_op *op;
    uint64_t ids[5];
    float distances[5];
    uint32_t count = 9;
    const diskann_search_params params = {5, 10, 1, 0, 0};
    diskann_index *index = create(&config, &m);
    make_rows(type, 20, rows);
    CHECK_INT(put(index, 0, rows, DISKANN_F32, 10, &h, NULL), DISKANN_OK);
    host before = saved(index);

    rows[17 * DIMENSIONS + 3] = value;
    rows[19 * DIMENSIONS] = value;
    CHECK_INT(put(index, 0, rows + 10 * DIMENSIONS, DISKANN_F32, 10, &h, &failure), status);
    CHECK_INT(failure.row, 7);
    CHECK_UINT(diskann_index_size(index), 10);
    host after = saved(index);
    CHECK_BYTES(after.file, before.file, before.file_bytes);

    const float *query = rows + 17 * DIMENSIONS;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_search(searcher, query, &params, ids, distances, &count, NULL), status);
    CHECK_UINT(count, 0);
    CHECK_INT(diskann_exact_begin(index, query, 5, 2, &op), status);
    CHECK_INT(diskann_search(searcher, rows, &params, ids, distances, &count, NULL), DISKANN_OK);
    CHECK_UINT(count, 5);
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(before.file);
    free(after.file);
}

static void rows_and_queries_that_do_not_fit_are_refused(void)
{
    check_misfit(DISKANN_U8, 256, DISKANN_ERR_INVALID_ARGUMENT);
    check_misfit(DISKANN_U8, -1, DISKANN_ERR_INVALID_ARGUMENT);
    check_misfit(DISKANN_U8, 0.5f, DISKANN_ERR_INVALID_ARGUMENT);
    check_misfit(DISKANN_U8, NAN, DISKANN_ERR_NOT_FINITE);
    check_misfit(DISKANN_I8, 128, DISKANN_ERR_INVALID_ARGUMENT);
    check_misfit(DISKANN_I8, -129, DISKANN_ERR_INVALID_ARGUMENT);
    check_misfit(DISKANN_I8, INFINITY, DISKANN_ERR_NOT_FINITE);
    check_misfit(DISKANN_F16, NAN, DISKANN_ERR_NOT_FINITE);
    check_misfit(DISKANN_F32, INFINITY, DISKANN_ERR_NOT_FINITE);
}

/* A row of halves may not hold what a query of floats may. */
static void numbers_above_the_largest_half_are_refused_as_rows(void)
{
    const diskann_config config = config_of(DISKANN_F16, DISKANN_L1);
    meter m = {0};
    host h = {0};
    diskann_failure failure;
    float rows[2 * DIMENSIONS] = {0}, distance;
    uint64_t id;
    diskann_index *index = create(&config, &m);
    rows[DIMENSIONS] = 65520;
    CHECK_INT(put(index, 0, rows, DISKANN_F32, 2, &h, &failure), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(failure.row, 1);
    uint16_t halves[2 * DIMENSIONS] = {0};
    halves[DIMENSIONS + 1] = 0x7c00;
    CHECK_INT(put(index, 0, halves, DISKANN_F16, 2, &h, &failure), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(failure.row, 1);
    halves[DIMENSIONS + 1] = 0x7bff;
    CHECK_INT(put(index, 0, halves, DISKANN_F16, 2, &h, &failure), DISKANN_OK);
    CHECK_UINT(search(index, rows + DIMENSIONS, 1, &id, &distance), 1);
    CHECK(id == 0 && distance == 65520);
    diskann_index_destroy(index);
}

static void rows_of_another_type_are_refused(void)
{
    static const uint8_t zeros[4 * DIMENSIONS];
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        const diskann_config config = config_of(type, DISKANN_L2);
        meter m = {0};
        diskann_op *op;
        diskann_index *index = create(&config, &m);
        REQUIRE(diskann_insert_begin(index, 1, &op) == DISKANN_OK);
        for (uint32_t given = 0; given <= DISKANN_DATA_TYPE_COUNT; given++) {
            const int is_taken = given == given_type(type) || given == DISKANN_F32;
            const int status = is_taken ? DISKANN_OK : DISKANN_ERR_INVALID_ARGUMENT;
            CHECK_INT(diskann_op_rows(op, zeros, given, NULL, 1), status);
        }
        CHECK_INT(diskann_op_finish(op), DISKANN_OK);
        CHECK_UINT(diskann_index_size(index), given_type(type) == DISKANN_F32 ? 1 : 2);
        diskann_op_end(op);
        diskann_index_destroy(index);
    }
}

/* Fails the i-th allocation of a build, an insert and a search, for all i. */
static void any_allocation_may_fail(void)
{
    static float rows[60 * DIMENSIONS];
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        const diskann_config config = config_of(type, DISKANN_COSINE);
        int done = 0;
        make_rows(type, 60, rows);
        for (uint64_t i = 1; !done; i++) {
            meter m = {0};
            host h = {.workers = 2};
            diskann_searcher *searcher = NULL;
            diskann_index *index = create(&config, &m);
            m.fail_at = m.calls + i;
            int status = put(index, 1, rows, DISKANN_F32, 40, &h, NULL);
            status = status < 0 ? status : put(index, 0, rows + 40 * DIMENSIONS, DISKANN_F32, 20, &h, NULL);
            status = status < 0 ? status : diskann_searcher_create(index, &searcher);
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_NO_MEMORY);
            CHECK(i < 1000);
            diskann_searcher_destroy(searcher);
            diskann_index_destroy(index);
            CHECK_UINT(m.live, 0);
        }
    }
}

CHECK_MAIN(CHECK_TEST(a_forged_file_opens_and_saves_as_the_same_bytes), CHECK_TEST(damaged_elements_are_found),
           CHECK_TEST(every_type_and_metric_gives_true_distances), CHECK_TEST(halves_are_rounded_queries_are_not),
           CHECK_TEST(the_largest_vectors_have_exact_distances), CHECK_TEST(rows_and_queries_that_do_not_fit_are_refused),
           CHECK_TEST(numbers_above_the_largest_half_are_refused_as_rows), CHECK_TEST(rows_of_another_type_are_refused),
           CHECK_TEST(any_allocation_may_fail))
