/*
 * 8-bit codes: kernels against a plain loop, codes against their definition in double precision, estimates against the
 * distance of the decoded vectors, extreme numbers, memory. (c-tests: every CPU and table)
 */
#include "../../csrc/base/random.h"
#include "../../csrc/quant/codes.h"
#include "check.h"
#include "host.h"
#include "tables.h"

#include <float.h>
#include <math.h>

static float uniform(random_state *random, float low, float high)
{
    return low + (high - low) * (float)random_below(random, 1u << 20) / (float)(1u << 20);
}

/* -- kernels -- */

static void compare_codes(const simd_kernels *kernels, const void *const *rows, uint32_t count, uint32_t length)
{
    for (uint32_t i = 0; i + SIMD_DOT_ROWS <= count; i++) {
        const uint8_t *code = rows[(i * 7 + 1) % count];
        int32_t out[SIMD_DOT_ROWS + 1];
        out[SIMD_DOT_ROWS] = 77;
        kernels->dot_codes(code, rows + i, length, out);
        for (uint32_t row = 0; row < SIMD_DOT_ROWS; row++) {
            uint32_t expected = 0; /* a sum that leaves int32_t is one modulo 2^32 */
            for (uint32_t j = 0; j < length; j++) {
                expected += (uint32_t)((const uint8_t *)rows[i + row])[j] * code[j];
            }
            CHECK_UINT((uint32_t)out[row], expected);
        }
        CHECK_INT(out[SIMD_DOT_ROWS], 77);
    }
}

static void compare_dots(uint32_t length, uint32_t count, int extreme)
{
    random_state random = {length + count};
    int16_t *query = malloc(length * sizeof *query);
    uint8_t *memory = malloc((size_t)count * (length + SIMD_DOT_TAIL));
    const void *rows[40];
    int32_t out[41];
    REQUIRE(query != NULL && memory != NULL);
    for (uint32_t i = 0; i < length; i++) {
        query[i] = extreme ? (int16_t)(INT32_MAX / 255 / (int32_t)length) : (int16_t)((int)random_below(&random, 8191) - 4095);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *row = memory + (size_t)i * (length + SIMD_DOT_TAIL); /* the last one ends where the block ends */
        rows[i] = row;
        for (uint32_t j = 0; j < length; j++) {
            row[j] = extreme ? 255 : (uint8_t)random_below(&random, 256);
        }
    }
    for (uint32_t family = 0; family < TABLE_COUNT; family++) {
        const simd_kernels *kernels = table_get(family);
        if (kernels == NULL) {
            continue;
        }
        out[count] = 77;
        kernels->dots(query, rows, count, length, out);
        for (uint32_t i = 0; i < count; i++) {
            int64_t expected = 0;
            for (uint32_t j = 0; j < length; j++) {
                expected += (int64_t)((const uint8_t *)rows[i])[j] * query[j];
            }
            check_that(out[i] == expected, __FILE__, __LINE__, "family %u, length %u, row %u of %u: %d", family, length, i,
                       count, out[i]);
        }
        CHECK_INT(out[count], 77);
        compare_codes(kernels, rows, count, length);
    }
    free(query);
    free(memory);
}

static void products_are_exact_in_every_family(void)
{
    for (uint32_t length = SIMD_DOT_LENGTH; length <= 12 * SIMD_DOT_LENGTH; length += SIMD_DOT_LENGTH) {
        for (uint32_t count = 0; count <= 40; count += 1 + count / 7) {
            compare_dots(length, count, 0);
        }
    }
}

static void the_largest_sums_stay_in_range(void)
{
    compare_dots(256 * SIMD_DOT_LENGTH, 3, 1);
    compare_dots(2048 * SIMD_DOT_LENGTH, 2, 1);
}

/* -- codes -- */

enum { ROWS = 200 };

typedef struct world {
    memory_account account;
    code_store store;
    code_query query;
    uint32_t dimensions;
    float *vectors; /* [ROWS + 1][dimensions]; the last one is the query */
    float *scratch;
} world;

static float norm_of(const float *vector, uint32_t dimensions)
{
    double norm = 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        norm += (double)vector[i] * vector[i];
    }
    return (float)norm;
}

/* As graph_aux has it: of the norm as a float, which may be 0 where the vector is not. */
static float weight_of(uint32_t metric, const float *vector, uint32_t dimensions)
{
    const float norm = norm_of(vector, dimensions);
    return metric != DISKANN_COSINE ? 1.0f : norm > 0 ? 1.0f / sqrtf(norm) : 0.0f;
}

static const float *vector_of(const world *w, uint32_t row)
{
    return w->vectors + (size_t)row * w->dimensions;
}

static void world_open(world *w, uint32_t metric, uint32_t dimensions, uint32_t simd, float low, float high)
{
    random_state random = {dimensions};
    diskann_config config;
    diskann_config_init(&config, dimensions);
    config.metric = metric;
    memory_account_init(&w->account, NULL);
    code_store_init(&w->store, &config, simd_kernels_get(simd), &w->account);
    w->dimensions = dimensions;
    w->vectors = malloc((ROWS + 1) * (size_t)dimensions * sizeof(float));
    w->scratch = malloc(dimensions * sizeof(float));
    REQUIRE(w->vectors != NULL && w->scratch != NULL);
    for (size_t i = 0; i < (ROWS + 1) * (size_t)dimensions; i++) {
        w->vectors[i] = uniform(&random, low, high);
    }
    REQUIRE(code_store_reserve(&w->store, ROWS) == DISKANN_OK);
    REQUIRE(code_set_origin(&w->store, w->vectors, weight_of(metric, w->vectors, dimensions)) == DISKANN_OK);
    for (uint32_t row = 0; row < ROWS; row++) {
        const float *vector = vector_of(w, row);
        code_encode(&w->store, row, vector, weight_of(metric, vector, dimensions), norm_of(vector, dimensions), w->scratch);
    }
    REQUIRE(code_query_init(&w->query, &w->store, &w->account) == DISKANN_OK);
    code_query_set(&w->query, &w->store, vector_of(w, ROWS), weight_of(metric, vector_of(w, ROWS), dimensions));
}

static void world_close(world *w)
{
    code_query_reset(&w->query, &w->store, &w->account);
    code_store_reset(&w->store);
    free(w->vectors);
    free(w->scratch);
    CHECK_UINT(w->account.live_bytes, 0);
}

static void estimate_all(const world *w, float *out)
{
    uint32_t slots[ROWS];
    const void *rows[ROWS];
    int32_t dots[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        slots[i] = i;
    }
    code_estimates(&w->store, &w->query, slots, ROWS, rows, dots, out);
}

/* A code decodes to within half a step, and its factors are what the header says. */
static void codes_are_within_half_a_step(void)
{
    world w;
    world_open(&w, DISKANN_L2, 77, DISKANN_SIMD_AUTO, -3, 9);
    for (uint32_t row = 0; row < ROWS; row++) {
        const uint8_t *code = code_at(&w.store, row);
        float factors[8];
        memcpy(factors, code + w.store.length, sizeof factors);
        double norm = 0, error = 0, sum = 0;
        for (uint32_t i = 0; i < 77; i++) {
            const double decoded = factors[2] + (double)factors[1] * code[i];
            const double wanted = (double)vector_of(&w, row)[i] - vector_of(&w, 0)[i];
            CHECK(fabs(decoded - wanted) <= 0.5001 * factors[1] + 1e-6);
            norm += decoded * decoded;
            error += (decoded - wanted) * (decoded - wanted);
            sum += decoded;
        }
        CHECK(fabs(sqrt(error) - factors[3]) <= 1e-4 * factors[3] + 1e-6);
        CHECK(fabs(sum - factors[4]) <= 1e-4);
        CHECK(fabs(norm - factors[0]) <= 1e-5 * norm + 1e-12);
        CHECK(factors[5] == 0 && factors[6] == 0 && factors[7] == 0);
        for (uint32_t i = 77; i < w.store.length; i++) {
            CHECK_UINT(code[i], 0);
        }
    }
    world_close(&w);
}

static double true_distance(const world *w, uint32_t metric, uint32_t row)
{
    const float *a = vector_of(w, ROWS), *b = vector_of(w, row);
    double squared = 0, product = 0;
    for (uint32_t i = 0; i < w->dimensions; i++) {
        squared += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        product += (double)a[i] * b[i];
    }
    if (metric == DISKANN_IP) {
        return -product;
    }
    const double cosine = product * weight_of(DISKANN_COSINE, a, w->dimensions) * weight_of(DISKANN_COSINE, b, w->dimensions);
    return metric == DISKANN_COSINE ? 1 - cosine : squared;
}

static void compare_estimates(uint32_t metric, uint32_t dimensions, float low, float high)
{
    world w;
    float estimates[ROWS];
    double errors = 0, mean = 0, spread = 0;
    world_open(&w, metric, dimensions, DISKANN_SIMD_AUTO, low, high);
    estimate_all(&w, estimates);
    for (uint32_t row = 0; row < ROWS; row++) {
        mean += true_distance(&w, metric, row) / ROWS;
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        const double distance = true_distance(&w, metric, row);
        errors += (estimates[row] - distance) * (estimates[row] - distance);
        spread += (distance - mean) * (distance - mean);
    }
    check_that(sqrt(errors) <= 0.05 * sqrt(spread), __FILE__, __LINE__, "metric %u, %u dimensions: errors are %g of the spread",
               metric, dimensions, sqrt(errors / spread));
    world_close(&w);
}

static void estimates_are_near_the_distances(void)
{
    static const uint32_t dimensions[] = {2, 16, 100, 384, 1536};
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP};
    for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
        for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
            compare_estimates(metrics[m], dimensions[i], -1, 1);
            compare_estimates(metrics[m], dimensions[i], 0, 255);
        }
    }
}

/* No distance is outside of what the codes say of it, and they say something: returns whether. */
static int compare_pair(const world *w, uint32_t metric, const code_pairs *pairs, uint32_t i, uint32_t a, uint32_t b)
{
    const float *x = vector_of(w, a), *y = vector_of(w, b);
    const double of_x = weight_of(metric, x, w->dimensions), of_y = weight_of(metric, y, w->dimensions);
    double squared = 0;
    for (uint32_t j = 0; j < w->dimensions; j++) {
        squared += (of_x * x[j] - of_y * y[j]) * (of_x * x[j] - of_y * y[j]);
    }
    const double most = sqrt(fmax(0, (double)pairs->squared[i] + pairs->rounding[i])) + pairs->error[i];
    const double least = sqrt(fmax(0, (double)pairs->squared[i] - pairs->rounding[i])) - pairs->error[i];
    check_that(least <= sqrt(squared) * 1.000001 && sqrt(squared) <= most * 1.000001, __FILE__, __LINE__,
               "metric %u, %u dimensions: %g is not in %g .. %g", metric, w->dimensions, sqrt(squared), least, most);
    return most < 1.2 * least;
}

/* In groups that do not end with four. */
static void compare_pairs(uint32_t metric, uint32_t dimensions, float low, float high)
{
    world w;
    code_group group;
    code_pairs pairs;
    uint32_t tight = 0;
    world_open(&w, metric, dimensions, DISKANN_SIMD_AUTO, low, high);
    REQUIRE(code_is_comparable(&w.store));
    for (uint32_t begin = 0, end; begin < ROWS; begin = end) {
        end = begin + 1 + begin % 11 < ROWS ? begin + 1 + begin % 11 : ROWS;
        group.count = 0;
        for (uint32_t b = begin; b < end; b++) {
            code_group_add(&group, &w.store, b);
        }
        CHECK_UINT(group.count, end - begin);
        for (uint32_t a = 0; a < ROWS; a++) {
            for (uint32_t b = begin; b < end; b++) {
                if ((b - begin) % CODE_PAIRS == 0) {
                    code_compare(&w.store, a, &group, b - begin, &pairs);
                }
                tight += compare_pair(&w, metric, &pairs, (b - begin) % CODE_PAIRS, a, b) != 0;
            }
        }
    }
    CHECK(tight > ROWS * ROWS / 2);
    world_close(&w);
}

static void distances_are_within_what_codes_say_of_them(void)
{
    compare_pairs(DISKANN_L2, 24, -1, 1);
    compare_pairs(DISKANN_L2, 384, 0, 255);
    compare_pairs(DISKANN_L2, 100, 500, 501);
    compare_pairs(DISKANN_COSINE, 24, -1, 1);
    compare_pairs(DISKANN_COSINE, 500, -3, 7);
}

/* What the origin is for: far from zero, the differences are coded as well as near it. */
static void a_far_off_data_set_loses_nothing(void)
{
    compare_estimates(DISKANN_L2, 64, 10000, 10001);
}

static void every_family_estimates_the_same_bits(void)
{
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP};
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        float expected[ROWS], estimates[ROWS];
        for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT; family++) {
            if (simd_kernels_get(family) == NULL) {
                continue;
            }
            world w;
            world_open(&w, metrics[m], 131, family, -5, 20);
            estimate_all(&w, family == DISKANN_SIMD_PORTABLE ? expected : estimates);
            CHECK(family == DISKANN_SIMD_PORTABLE || memcmp(expected, estimates, sizeof expected) == 0);
            world_close(&w);
        }
    }
}

/* Nothing but numbers comes out, whatever goes in. */
static void extreme_vectors_give_numbers(void)
{
    static const float sizes[] = {0.0f, 1e-45f, 1e-39f, 1e-20f, 1.0f, 1e15f, 9.0e18f};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP};
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        for (uint32_t a = 0; a < SIZES; a++) {
            for (uint32_t b = 0; b < SIZES; b++) {
                world w;
                float estimates[ROWS], vector[1];
                world_open(&w, metrics[m], 1, DISKANN_SIMD_AUTO, -1, 1);
                vector[0] = sizes[a];
                CHECK_INT(code_set_origin(&w.store, vector, weight_of(metrics[m], vector, 1)), DISKANN_OK);
                vector[0] = -sizes[b];
                code_encode(&w.store, 7, vector, weight_of(metrics[m], vector, 1), norm_of(vector, 1), w.scratch);
                code_query_set(&w.query, &w.store, vector, weight_of(metrics[m], vector, 1));
                estimate_all(&w, estimates);
                CHECK(estimates[7] >= -FLT_MAX && estimates[7] <= FLT_MAX);
                world_close(&w);
            }
        }
    }
}

static void equal_vectors_have_equal_estimates(void)
{
    world w;
    float estimates[ROWS];
    world_open(&w, DISKANN_L2, 40, DISKANN_SIMD_AUTO, -2, 2);
    code_encode(&w.store, 150, vector_of(&w, 3), 1, norm_of(vector_of(&w, 3), 40), w.scratch);
    code_query_set(&w.query, &w.store, vector_of(&w, 9), 1);
    estimate_all(&w, estimates);
    CHECK(estimates[3] == estimates[150]);
    for (uint32_t row = 0; row < ROWS; row++) {
        CHECK(row == 9 || estimates[9] < estimates[row]); /* nothing is nearer to a vector than its own code */
    }
    world_close(&w);
}

/* -- memory -- */

static void memory_comes_and_goes_with_the_slots(void)
{
    world w;
    world_open(&w, DISKANN_L2, 1000, DISKANN_SIMD_AUTO, 0, 1);
    const uint64_t before = code_store_bytes(&w.store);
    uint8_t kept[1000];
    memcpy(kept, code_at(&w.store, 5), sizeof kept);
    CHECK_INT(code_store_reserve(&w.store, 100000), DISKANN_OK);
    CHECK(code_store_bytes(&w.store) >= 100000 * 1032u);
    CHECK(code_store_bytes(&w.store) <= 100000 * 1064u);
    CHECK(before < 2 * ROWS * 1056u);
    CHECK(memcmp(kept, code_at(&w.store, 5), sizeof kept) == 0);
    code_store_truncate(&w.store, ROWS);
    CHECK(code_store_bytes(&w.store) < (17u << 20));
    CHECK(memcmp(kept, code_at(&w.store, 5), sizeof kept) == 0);
    code_store_truncate(&w.store, 0);
    CHECK_UINT(code_store_bytes(&w.store), 0);
    world_close(&w);
}

static void there_are_codes_for_some_indexes_only(void)
{
    diskann_config config;
    diskann_config_init(&config, 4);
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        config.metric = metric;
        CHECK_INT(code_is_possible(&config), metric != DISKANN_L1);
        CHECK_INT(code_is_worthwhile(&config), 0); /* of four dimensions */
    }
    diskann_index *index = NULL;
    config.metric = DISKANN_L1;
    config.codes = DISKANN_CODES_8BIT;
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_UNSUPPORTED);
    config.codes = DISKANN_CODES_COUNT;
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_INVALID_ARGUMENT);
    config.codes = DISKANN_CODES_AUTO;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    CHECK_UINT(stats.config.codes, DISKANN_CODES_NONE);
    diskann_index_destroy(index);
}

CHECK_MAIN(CHECK_TEST(products_are_exact_in_every_family), CHECK_TEST(the_largest_sums_stay_in_range),
           CHECK_TEST(codes_are_within_half_a_step), CHECK_TEST(estimates_are_near_the_distances),
           CHECK_TEST(distances_are_within_what_codes_say_of_them),
           CHECK_TEST(a_far_off_data_set_loses_nothing), CHECK_TEST(every_family_estimates_the_same_bits),
           CHECK_TEST(extreme_vectors_give_numbers), CHECK_TEST(equal_vectors_have_equal_estimates),
           CHECK_TEST(memory_comes_and_goes_with_the_slots), CHECK_TEST(there_are_codes_for_some_indexes_only))
