/*
 * Vectors as bytes: what is stored against plain arithmetic, at the ends of what floats are; and that an index of them is one
 * of the vectors that diskann_index_get gives, to the bit. (c-tests: every CPU)
 */
#include "../../csrc/simd/elements.h"
#include "../../csrc/simd/sq8.h"
#include "check.h"
#include "forge.h"
#include "golden.h"
#include "host.h"

#include <fenv.h>
#include <float.h>

enum { DIMENSIONS_MAX = 65535 };

/* -- one vector -- */

typedef struct stored {
    union {
        sq8_head head;
        uint8_t bytes[SIMD_SQ8_HEAD_BYTES + DIMENSIONS_MAX];
    } row;
    float values[DIMENSIONS_MAX];
} stored;

static int store(stored *out, const float *from, uint32_t count)
{
    memset(out, 0xee, sizeof *out);
    const int status = elements_from_floats(DISKANN_SQ8, from, count, &out->row);
    if (status == DISKANN_OK) {
        elements_to_floats(DISKANN_SQ8, &out->row, 0, count, out->values);
        CHECK(count == DIMENSIONS_MAX || out->row.bytes[SIMD_SQ8_HEAD_BYTES + count] == 0xee);
    }
    return status;
}

/* A bound of what floats as large as these lose on their way. */
static double slack_of(const float *from, uint32_t count)
{
    double largest = 0;
    for (uint32_t i = 0; i < count; i++) {
        largest = fabs((double)from[i]) > largest ? fabs((double)from[i]) : largest;
    }
    return 4 * largest * FLT_EPSILON + 0x1p-118;
}

static void check_stored(const float *from, uint32_t count)
{
    static stored s, again;
    double squared = 0, least = from[0], greatest = from[0];
    REQUIRE(store(&s, from, count) == DISKANN_OK);
    for (uint32_t i = 0; i < count; i++) {
        least = from[i] < least ? from[i] : least;
        greatest = from[i] > greatest ? from[i] : greatest;
        squared += ((double)from[i] - s.values[i]) * ((double)from[i] - s.values[i]);
    }
    const double slack = slack_of(from, count), step = (greatest - least) / 255;
    CHECK(s.row.head.least == (float)least && s.row.head.zero == 0);
    CHECK(fabs(s.row.head.step - step) <= 2e-7 * step + 0x1p-118 / 255);
    CHECK(s.row.head.error == (float)sqrt(squared));
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t code = s.row.bytes[SIMD_SQ8_HEAD_BYTES + i];
        const float product = s.row.head.step * (float)code;
        CHECK(golden_bits(s.values[i]) == golden_bits(s.row.head.least + product));
        CHECK(fabs((double)s.values[i] - from[i]) <= step * 0.5001 + slack);
        CHECK(from[i] != least || code == 0);
        CHECK(from[i] != greatest || code == (s.row.head.step > 0 ? 255 : 0));
    }
    /* what is stored, stored again: nearly the same */
    CHECK_INT(store(&again, s.values, count), DISKANN_OK);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(fabs((double)again.values[i] - s.values[i]) <= (step > 16 * slack ? 0 : step) + 2 * slack);
    }
}

static void stored_vectors_are_near(void)
{
    static const float scales[] = {1, 1e-3f, 1e10f, 1e-30f, 1e-37f, 0x1p-140f}, shifts[] = {0, 1, -1000, 1e-36f, 3e7f};
    static float from[1000];
    random_state random = {8};
    for (uint32_t round = 0; round < (check_is_light() ? 90 : 300); round++) {
        const uint32_t count = 1 + (uint32_t)random_below(&random, 200);
        const float scale = scales[round % 6], shift = shifts[round / 6 % 5];
        for (uint32_t i = 0; i < count; i++) {
            from[i] = golden_uniform(random_next(&random)) * scale + shift;
        }
        check_stored(from, count);
    }
}

static void vectors_of_bytes_are_kept_exactly(void)
{
    static stored s;
    float from[256];
    for (int i = 0; i < 256; i++) {
        from[i] = 0.125f * (float)i - 7;
    }
    REQUIRE(store(&s, from, 256) == DISKANN_OK);
    CHECK_BYTES(s.values, from, sizeof from);
    CHECK(s.row.head.error == 0 && s.row.head.step == 0.125f);
}

static void flat_vectors_have_no_step(void)
{
    static const float values[][2] = {{0, 0},      {3.25f, 3.25f},      {-0.0f, 0.0f},          {1e-45f, 3e-45f},
                                      {-7e10f, -7e10f}, {0, 0x1p-118f}, {-0x1p-119f, 0x1p-119f}, {-9e18f, -9e18f}};
    static stored s;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        REQUIRE(store(&s, values[i], 2) == DISKANN_OK);
        CHECK(s.row.head.step == 0 && s.row.head.least == values[i][0]);
        CHECK(s.row.bytes[SIMD_SQ8_HEAD_BYTES] == 0 && s.row.bytes[SIMD_SQ8_HEAD_BYTES + 1] == 0);
        CHECK(s.values[0] == values[i][0] && s.values[1] == values[i][0]);
        CHECK(s.row.head.error == values[i][1] - values[i][0]);
    }
    const float wider[2] = {0, 0x1.000002p-118f};
    REQUIRE(store(&s, wider, 2) == DISKANN_OK);
    CHECK(s.row.head.step > 0 && s.row.bytes[SIMD_SQ8_HEAD_BYTES + 1] == 255);
}

static void long_vectors_are_stored(void)
{
    static float from[DIMENSIONS_MAX];
    random_state random = {9};
    for (uint32_t i = 0; i < DIMENSIONS_MAX; i++) {
        from[i] = golden_uniform(random_next(&random));
    }
    check_stored(from, DIMENSIONS_MAX);
    for (uint32_t i = 0; i < DIMENSIONS_MAX; i++) {
        from[i] = i % 2 ? 0x1p+54f : -0x1p+54f;
    }
    check_stored(from, DIMENSIONS_MAX);
}

static void what_is_not_finite_is_refused(void)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    static stored s;
    float from[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (uint32_t i = 0; i < 4 * 9; i++) {
        const float kept = from[i % 9];
        from[i % 9] = bad[i / 9];
        CHECK_INT(store(&s, from, 9), DISKANN_ERR_NOT_FINITE);
        from[i % 9] = kept;
    }
    from[0] = FLT_MAX;
    from[8] = -FLT_MAX;
    CHECK_INT(store(&s, from, 9), DISKANN_ERR_NOT_FINITE);
    from[0] = 0;
    CHECK_INT(store(&s, from, 9), DISKANN_OK);
}

/* -- an index -- */

enum { WIDE = 70, ROWS = 400, MORE = 100 };
static float rows[(ROWS + MORE) * WIDE];

/* Rows of very different lengths, some flat, one of zeros. */
static void make_rows(void)
{
    random_state random = {77};
    for (uint32_t row = 0; row < ROWS + MORE; row++) {
        const float scale = row % 7 == 0 ? 1e-6f : row % 11 == 0 ? 1e5f : 1.0f;
        for (uint32_t i = 0; i < WIDE; i++) {
            const float value = golden_uniform(random_next(&random)) * scale + (row % 5 == 0 ? 10 : 0);
            rows[row * WIDE + i] = row == 3 ? 0 : row % 50 == 9 ? 2.5f : value;
        }
    }
}

static diskann_index *create(uint32_t type, uint32_t metric, uint32_t dimensions, uint32_t codes)
{
    diskann_config config;
    diskann_index *index = NULL;
    diskann_config_init(&config, dimensions);
    config.data_type = type;
    config.metric = metric;
    config.max_degree = 16;
    config.build_list_size = 40;
    config.codes = codes;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    return index;
}

static int put(diskann_index *index, int is_build, const float *vectors, uint32_t count, host *h, diskann_failure *failure)
{
    diskann_op *op;
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    REQUIRE((is_build ? diskann_build_begin(index, workers, &op) : diskann_insert_begin(index, workers, &op)) == DISKANN_OK);
    int status = diskann_op_rows(op, vectors, DISKANN_F32, NULL, count);
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

static double relative_error(const diskann_index *index)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    return stats.relative_error;
}

/* Of the rows of an index, whose ids are their numbers, in plain arithmetic. */
static double plain_error(const diskann_index *index, const float *given, uint32_t dimensions)
{
    const uint64_t size = diskann_index_size(index);
    float *got = malloc(dimensions * sizeof *got);
    double sum = 0;
    for (uint64_t id = 0; id < size; id++) {
        double apart = 0, length = 0;
        CHECK_INT(diskann_index_get(index, id, got), DISKANN_OK);
        for (uint32_t i = 0; i < dimensions; i++) {
            const double difference = (double)given[id * dimensions + i] - got[i];
            apart += difference * difference;
            length += (double)got[i] * got[i];
        }
        sum += length > 0 ? sqrt(apart / length) : 0;
    }
    free(got);
    return sum / (double)size;
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

/* A scan gives what floats give; what a search finds has these distances. */
static void check_search(const diskann_index *index, const diskann_index *floats, const float *query)
{
    enum { K = 20, ALL = ROWS + MORE };
    const diskann_search_params params = {K, 80, 1, 0, 0};
    diskann_searcher *searcher;
    uint64_t ids[K], exact_ids[ALL], float_ids[ALL];
    float distances[K], exact[ALL], of_floats[ALL];
    uint32_t count = 0, found = 0;
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_search(searcher, query, &params, ids, distances, &count, NULL), DISKANN_OK);
    diskann_searcher_destroy(searcher);
    CHECK_UINT(count, K);
    CHECK_UINT(scan(index, query, ALL, exact_ids, exact), ALL);
    CHECK_UINT(scan(floats, query, ALL, float_ids, of_floats), ALL);
    CHECK_BYTES(exact_ids, float_ids, sizeof exact_ids);
    CHECK_BYTES(exact, of_floats, sizeof exact);
    for (uint32_t i = 0; i < K * ALL; i++) {
        const uint32_t hit = i / ALL, place = i % ALL;
        found += ids[hit] == exact_ids[place] && golden_bits(distances[hit]) == golden_bits(exact[place]);
    }
    CHECK_UINT(found, K);
}

/* The same vectors as floats. */
static diskann_index *as_floats(const diskann_index *index, uint32_t metric, uint32_t dimensions)
{
    diskann_index *floats = create(DISKANN_F32, metric, dimensions, DISKANN_CODES_NONE);
    const uint64_t size = diskann_index_size(index);
    float *vectors = malloc(size * dimensions * sizeof *vectors);
    host h = {0};
    REQUIRE(vectors != NULL);
    for (uint64_t id = 0; id < size; id++) {
        CHECK_INT(diskann_index_get(index, id, vectors + id * dimensions), DISKANN_OK);
    }
    CHECK_INT(put(floats, 0, vectors, (uint32_t)size, &h, NULL), DISKANN_OK);
    free(vectors);
    return floats;
}

static void check_index(uint32_t metric, uint32_t codes)
{
    host one = {0}, many = {.workers = 5, .shuffle = 3};
    diskann_index *index = create(DISKANN_SQ8, metric, WIDE, codes), *other = create(DISKANN_SQ8, metric, WIDE, codes);
    diskann_index *opened;
    meter m = {0};
    CHECK_INT(put(index, 1, rows, ROWS, &one, NULL), DISKANN_OK);
    CHECK_INT(put(index, 0, rows + ROWS * WIDE, MORE, &one, NULL), DISKANN_OK);
    CHECK_INT(put(other, 1, rows, ROWS, &many, NULL), DISKANN_OK);
    CHECK_INT(put(other, 0, rows + ROWS * WIDE, MORE, &many, NULL), DISKANN_OK);
    host a = saved(index), b = saved(other);
    REQUIRE(a.file_bytes == b.file_bytes);
    CHECK_BYTES(a.file, b.file, a.file_bytes);
    REQUIRE(host_open(&a, &m, &opened, NULL) == DISKANN_OK);

    const double error = relative_error(index);
    CHECK(fabs(error - plain_error(index, rows, WIDE)) <= 1e-9 + 1e-6 * error);
    CHECK(error > 1e-4 && error < 0.01);
    CHECK(error == relative_error(other) && error == relative_error(opened));
    diskann_index *floats = as_floats(index, metric, WIDE);
    for (uint32_t q = 0; q < (check_is_light() ? 3 : 20); q++) {
        check_search(opened, floats, rows + (q * 13 + 1) * WIDE);
    }
    diskann_index_destroy(floats);
    diskann_index_destroy(opened);
    diskann_index_destroy(index);
    diskann_index_destroy(other);
    CHECK_UINT(m.live, 0);
    free(a.file);
    free(b.file);
}

static void an_index_is_one_of_what_it_gives(void)
{
    make_rows();
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        const int has_codes = metric != DISKANN_L1;
        if (!check_is_light() || metric % 2 == 1) {
            check_index(metric, DISKANN_CODES_NONE);
        }
        if (has_codes && (!check_is_light() || metric % 2 == 0)) {
            check_index(metric, DISKANN_CODES_8BIT);
        }
    }
}

/* A cancelled insert leaves some of its rows: what is reported is of those that are there. */
static void the_error_is_of_the_rows_that_are_there(void)
{
    make_rows();
    for (uint64_t stage = 1; stage < 400; stage += 1 + stage / (check_is_light() ? 1 : 8)) {
        diskann_index *index = create(DISKANN_SQ8, DISKANN_L2, WIDE, DISKANN_CODES_NONE);
        host h = {.cancel_at = stage}, rest = {0};
        CHECK(relative_error(index) == 0);
        put(index, stage % 2 == 0, rows, ROWS, &h, NULL);
        const uint32_t size = (uint32_t)diskann_index_size(index);
        CHECK(fabs(relative_error(index) - (size > 0 ? plain_error(index, rows, WIDE) : 0)) < 1e-8);
        CHECK_INT(put(index, 0, rows + size * WIDE, ROWS - size, &rest, NULL), DISKANN_OK);
        CHECK(fabs(relative_error(index) - plain_error(index, rows, WIDE)) < 1e-8);
        diskann_index_destroy(index);
    }
}

/* Norms at the limit: of what is stored, which may be a little longer or shorter than what was given. */
static void the_limit_of_norms_is_that_of_floats(void)
{
    static const struct {
        float least, greatest;
        int status;
    } cases[] = {{-6.5e18f, 6.5e18f, DISKANN_OK},
                 {-6.6e18f, 6.6e18f, DISKANN_ERR_NOT_FINITE},
                 {9.2e18f, 0, DISKANN_OK},
                 {1e19f, 0, DISKANN_ERR_NOT_FINITE},
                 {3e38f, -3e38f, DISKANN_ERR_NOT_FINITE},
                 {3e38f, 0, DISKANN_ERR_NOT_FINITE},
                 {NAN, 0, DISKANN_ERR_NOT_FINITE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        diskann_index *index = create(DISKANN_SQ8, DISKANN_L2, 2, DISKANN_CODES_NONE);
        const float vectors[6] = {1, 2, cases[i].least, cases[i].greatest, 3, 4}, query[2] = {-6.5e18f, 6.5e18f};
        host h = {0};
        diskann_failure failure;
        uint64_t ids[3];
        float distances[3];
        CHECK_INT(put(index, 0, vectors, 3, &h, &failure), cases[i].status);
        CHECK(cases[i].status == DISKANN_OK || (failure.row == 1 && diskann_index_size(index) == 0));
        if (cases[i].status == DISKANN_OK) {
            CHECK_UINT(scan(index, query, 3, ids, distances), 3);
            CHECK(isfinite(distances[2]));
        }
        diskann_index_destroy(index);
    }
}

static void the_longest_vectors_are_searched(void)
{
    static float vectors[3 * DIMENSIONS_MAX], got[DIMENSIONS_MAX];
    random_state random = {5};
    host h = {0};
    uint64_t ids[3];
    float distances[3];
    const diskann_search_params params = {3, 10, 1, 0, 0};
    diskann_searcher *searcher;
    uint32_t count;
    diskann_index *index = create(DISKANN_SQ8, DISKANN_L2, DIMENSIONS_MAX, DISKANN_CODES_NONE);
    for (uint32_t i = 0; i < 3 * DIMENSIONS_MAX; i++) {
        vectors[i] = golden_uniform(random_next(&random));
    }
    CHECK_INT(put(index, 1, vectors, 3, &h, NULL), DISKANN_OK);
    REQUIRE(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    CHECK_INT(diskann_index_get(index, 1, got), DISKANN_OK);
    CHECK_INT(diskann_search(searcher, got, &params, ids, distances, &count, NULL), DISKANN_OK);
    CHECK(count == 3 && ids[0] == 1 && distances[0] == 0 && distances[1] > 1000);
    float other[2] = {0};
    for (uint64_t id = 0; id < 3; id += 2) {
        static float values[DIMENSIONS_MAX];
        CHECK_INT(diskann_index_get(index, id, values), DISKANN_OK);
        other[id / 2] = golden_sum(got, values, DIMENSIONS_MAX, SIMD_SUM_L2);
    }
    CHECK(distances[1] == other[ids[1] / 2] && distances[2] == other[ids[2] / 2]);
    diskann_searcher_destroy(searcher);
    diskann_index_destroy(index);
}

/* The mode of the calling thread changes neither what is stored nor what comes out. */
static void the_rounding_of_the_caller_does_not_matter(void)
{
    make_rows();
    diskann_index *plain = create(DISKANN_SQ8, DISKANN_COSINE, WIDE, DISKANN_CODES_NONE);
    diskann_index *upward = create(DISKANN_SQ8, DISKANN_COSINE, WIDE, DISKANN_CODES_NONE);
    float got[2][WIDE];
    host h = {0};
    CHECK_INT(put(plain, 1, rows, 60, &h, NULL), DISKANN_OK);
    CHECK_INT(diskann_index_get(plain, 17, got[0]), DISKANN_OK);
#if defined(FE_UPWARD)
    const int mode = fegetround();
    fesetround(FE_UPWARD);
    const int status = put(upward, 1, rows, 60, &h, NULL);
    const int found = diskann_index_get(upward, 17, got[1]);
    fesetround(mode);
#else
    const int status = put(upward, 1, rows, 60, &h, NULL);
    const int found = diskann_index_get(upward, 17, got[1]);
#endif
    CHECK(status == DISKANN_OK && found == DISKANN_OK);
    CHECK_BYTES(got[0], got[1], sizeof got[0]);
    host a = saved(plain), b = saved(upward);
    CHECK_BYTES(a.file, b.file, a.file_bytes);
    diskann_index_destroy(plain);
    diskann_index_destroy(upward);
    free(a.file);
    free(b.file);
}

/* -- damage -- */

static uint32_t open_spoiled(uint32_t at, uint64_t bits, int bytes)
{
    forge f = forge_make_typed(DISKANN_SQ8, DISKANN_L2, 7, 8, 40);
    host h = {.file = f.bytes, .file_bytes = f.file_bytes};
    meter m = {0};
    diskann_index *index;
    diskann_failure failure = {0};
    forge_put(forge_record(&f, 5) + at, bits, bytes);
    forge_seal_page(&f, 5 / f.records_per_page);
    const int status = host_open(&h, &m, &index, &failure);
    CHECK_INT(status, failure.detail == 0 ? DISKANN_OK : DISKANN_ERR_CORRUPT);
    if (index != NULL) {
        diskann_index_destroy(index);
    }
    CHECK_UINT(m.live, 0);
    forge_free(&f);
    return failure.detail;
}

static void damaged_rows_are_found(void)
{
    enum { LEAST = 0, STEP = 4, ERROR = 8, ZERO = 12, CODES = 16 };
    static const uint32_t not_sizes[] = {0x80000000, 0x80000001, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000};
    for (size_t i = 0; i < sizeof not_sizes / sizeof not_sizes[0]; i++) {
        CHECK_UINT(open_spoiled(STEP, not_sizes[i], 4), DISKANN_FINDING_NOT_FINITE);
        CHECK_UINT(open_spoiled(ERROR, not_sizes[i], 4), DISKANN_FINDING_NOT_FINITE);
    }
    for (size_t i = 3; i < sizeof not_sizes / sizeof not_sizes[0]; i++) {
        CHECK_UINT(open_spoiled(LEAST, not_sizes[i], 4), DISKANN_FINDING_NOT_FINITE);
    }
    CHECK_UINT(open_spoiled(LEAST, 0x7e800000, 4), DISKANN_FINDING_NOT_FINITE); /* too long */
    CHECK_UINT(open_spoiled(STEP, 0x7e800000, 4), DISKANN_FINDING_NOT_FINITE);
    CHECK_UINT(open_spoiled(LEAST, 0x40000000, 4), DISKANN_FINDING_NORM);
    CHECK_UINT(open_spoiled(STEP, 0x3f800000, 4), DISKANN_FINDING_NORM);
    CHECK_UINT(open_spoiled(ERROR, 0x40000000, 4), DISKANN_FINDING_NONE); /* nobody can know */
    CHECK_UINT(open_spoiled(ERROR, 0, 4), DISKANN_FINDING_NONE);
    CHECK_UINT(open_spoiled(ERROR, 0x7f7fffff, 4), DISKANN_FINDING_NONE);
    for (uint32_t at = 0; at < 4; at++) {
        CHECK_UINT(open_spoiled(ZERO + at, 1, 1), DISKANN_FINDING_PAGE_HEADER);
    }
    CHECK_UINT(open_spoiled(CODES + 6, 255, 1), DISKANN_FINDING_NORM);
    CHECK_UINT(open_spoiled(CODES + 7, 1, 1), DISKANN_FINDING_PAGE_HEADER); /* behind the 7th */
}

CHECK_MAIN(CHECK_TEST(stored_vectors_are_near), CHECK_TEST(vectors_of_bytes_are_kept_exactly),
           CHECK_TEST(flat_vectors_have_no_step), CHECK_TEST(long_vectors_are_stored),
           CHECK_TEST(what_is_not_finite_is_refused), CHECK_TEST(an_index_is_one_of_what_it_gives),
           CHECK_TEST(the_error_is_of_the_rows_that_are_there), CHECK_TEST(the_limit_of_norms_is_that_of_floats),
           CHECK_TEST(the_longest_vectors_are_searched), CHECK_TEST(the_rounding_of_the_caller_does_not_matter),
           CHECK_TEST(damaged_rows_are_found))
