/*
 * What 1-bit codes are worth: estimates against distances in double precision, on data of a low intrinsic dimension, on
 * sparse vectors, far from zero. Errors are in units of |neighbour - owner| |query - owner| / sqrt(length): with a random
 * rotation they are .756 of the part of query - owner that is across neighbour - owner (RaBitQ).
 */
#include "../../csrc/quant/bits.h"
#include "../support/generate.h"
#include "check.h"
#include "golden.h"

enum { OWNERS = 128, DEGREE = 32, QUERIES = 6, ROWS = 400 };

typedef struct figures {
    uint32_t metric, dimensions;
    const float *origin;
    double count, sum, squares; /* of errors in their unit */
    double ratios, sum_of_ratios, squares_of_ratios;
} figures;

static double product_of(const float *a, const float *b, uint32_t dimensions)
{
    double product = 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        product += (double)a[i] * b[i];
    }
    return product;
}

static double squared_of(const float *a, const float *b, uint32_t dimensions)
{
    double squared = 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        squared += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    }
    return squared;
}

static double distance_of(uint32_t metric, const float *a, const float *b, uint32_t dimensions)
{
    return metric == DISKANN_IP ? -product_of(a, b, dimensions)
                                : squared_of(a, b, dimensions) * (metric == DISKANN_COSINE ? 0.5 : 1);
}

/* What is known of a query beside an owner. */
typedef struct place {
    double from_owner; /* squared; ip: the query's norm */
    double reach;      /* with what rounding adds: to steps of its distance from the origin */
} place;

static place place_of(const figures *f, const float *owner, const float *query)
{
    const double from_owner = f->metric == DISKANN_IP ? product_of(query, query, f->dimensions)
                                                      : squared_of(query, owner, f->dimensions);
    return (place){from_owner, from_owner + squared_of(query, f->origin, f->dimensions) / 100};
}

/* Ratios only where neighbour and query do not lie so near to each other that nothing but the error is left. */
static void add(figures *f, const place *query, double residual, double distance, float estimate)
{
    const double unit = (f->metric == DISKANN_L2 ? 2 : 1) * sqrt(residual * query->reach / ((f->dimensions + 63) / 64 * 64));
    if (unit > 0) {
        const double error = (estimate - distance) / unit;
        f->count++;
        f->sum += error;
        f->squares += error * error;
    }
    if (f->metric != DISKANN_IP && distance > (f->metric == DISKANN_L2 ? 0.5 : 0.25) * (residual + query->from_owner)) {
        const double ratio = estimate / distance;
        f->ratios++;
        f->sum_of_ratios += ratio;
        f->squares_of_ratios += ratio * ratio;
    }
}

/* A coder with its buffers. */
typedef struct world {
    memory_account account;
    bits_coder coder;
    bits_query query;
    float *scratch;
    uint8_t *block;
} world;

static void world_open(world *w, const figures *f)
{
    diskann_config config;
    diskann_config_init(&config, f->dimensions);
    config.metric = f->metric;
    config.max_degree = DEGREE;
    memory_account_init(&w->account, NULL);
    REQUIRE(bits_coder_init(&w->coder, &config, simd_kernels_get(DISKANN_SIMD_AUTO), &w->account) == DISKANN_OK);
    REQUIRE(bits_query_init(&w->query, &w->coder, &w->account) == DISKANN_OK);
    w->scratch = malloc(bits_scratch_floats(&w->coder.layout) * sizeof(float));
    w->block = calloc(1, w->coder.layout.block_bytes);
    REQUIRE(w->scratch != NULL && w->block != NULL);
}

static void world_close(world *w)
{
    free(w->scratch);
    free(w->block);
    bits_query_reset(&w->query, &w->coder, &w->account);
    bits_coder_reset(&w->coder);
    CHECK_UINT(w->account.live_bytes, 0);
}

static void measure_owner(figures *f, world *w, const float *owner, const float *const *neighbours, const float *queries)
{
    const uint32_t d = f->dimensions;
    double residuals[DEGREE];
    float out[DEGREE];
    bits_owner_set(&w->coder, w->scratch, owner);
    for (uint32_t i = 0; i < DEGREE; i++) {
        bits_encode(&w->coder, w->scratch, w->block, i, neighbours[i]);
        residuals[i] = squared_of(neighbours[i], owner, d);
    }
    for (uint32_t q = 0; q < QUERIES; q++, queries += d) {
        const place query = place_of(f, owner, queries);
        bits_query_set(&w->query, &w->coder, queries);
        bits_estimates(&w->coder, &w->query, w->block, DEGREE, (float)distance_of(f->metric, queries, owner, d), out);
        for (uint32_t i = 0; i < DEGREE; i++) {
            add(f, &query, residuals[i], distance_of(f->metric, queries, neighbours[i], d), out[i]);
        }
    }
}

/* `rows`: [ROWS][dimensions], `queries`: [QUERIES][dimensions]. */
static void measure(figures *f, const float *rows, const float *queries)
{
    const size_t d = f->dimensions;
    random_state random = {f->dimensions};
    world w;
    world_open(&w, f);
    f->origin = rows + (ROWS - 1) * d;
    bits_set_origin(&w.coder, f->origin);
    for (uint32_t i = 0; i < OWNERS; i++) {
        const float *owner = rows + random_below(&random, ROWS) * d;
        const float *neighbours[DEGREE];
        for (uint32_t j = 0; j < DEGREE; j++) {
            neighbours[j] = rows + random_below(&random, ROWS) * d;
        }
        measure_owner(f, &w, owner, neighbours, queries);
    }
    world_close(&w);
}

static void check_figures(const figures *f, const char *what)
{
    const double mean = f->sum / f->count, spread = sqrt(f->squares / f->count);
    if (f->dimensions > 1) { /* in one dimension nothing is across, and only the rounding of the query is left */
        check_that(fabs(mean) <= 0.05 && spread <= 0.8, __FILE__, __LINE__,
                   "%s, metric %u, %u dimensions: errors %g, spread %g", what, f->metric, f->dimensions, mean, spread);
    }
    if (f->ratios > 0) {
        const double ratio = f->sum_of_ratios / f->ratios;
        const double sigma = sqrt(f->squares_of_ratios / f->ratios - ratio * ratio);
        check_that(fabs(ratio - 1) <= 0.01, __FILE__, __LINE__, "%s, metric %u, %u dimensions: ratio %g, sigma %g", what,
                   f->metric, f->dimensions, ratio, sigma);
    }
}

static void estimates_are_without_bias(void)
{
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP}, dimensions[] = {1, 3, 64, 100, 128, 384, 1536};
    for (size_t at = 0; at < sizeof dimensions / sizeof *dimensions / (check_is_light() ? 2 : 1); at++) {
        const uint32_t d = dimensions[at];
        float *rows = malloc((size_t)(ROWS + QUERIES) * d * sizeof *rows);
        REQUIRE(rows != NULL);
        for (size_t m = 0; m < 3; m++) {
            const generate_shape *shape = metrics[m] == DISKANN_COSINE ? &GENERATE_TEXT : &GENERATE_IMAGE;
            figures f = {.metric = metrics[m], .dimensions = d};
            REQUIRE(generate_rows(shape, d, 5, 0, 0, ROWS, rows) == 0);
            REQUIRE(generate_rows(shape, d, 5, 1, 0, QUERIES, rows + (size_t)ROWS * d) == 0);
            measure(&f, rows, rows + (size_t)ROWS * d);
            check_figures(&f, "generated");
        }
        free(rows);
    }
}

/* Vectors that differ from one point in a few elements only; in one: all by the same. */
static void fill_sparse(float *rows, uint32_t count, uint32_t dimensions, uint32_t elements, float far_off)
{
    random_state random = {dimensions + elements};
    for (size_t i = 0; i < (size_t)count * dimensions; i++) {
        rows[i] = far_off;
    }
    for (uint32_t row = 0; row < count; row++) {
        for (uint32_t e = 0; e < elements; e++) {
            rows[(size_t)row * dimensions + random_below(&random, dimensions)] = far_off + (float)(1 + e % 3);
        }
    }
}

static void sparse_vectors_are_no_worse(void)
{
    static const uint32_t dimensions[] = {64, 128, 192, 384, 448, 960};
    for (size_t at = 0; at < sizeof dimensions / sizeof *dimensions / (check_is_light() ? 2 : 1); at++) {
        const uint32_t d = dimensions[at];
        float *rows = malloc((size_t)(ROWS + QUERIES) * d * sizeof *rows);
        REQUIRE(rows != NULL);
        for (uint32_t elements = 1; elements <= 16; elements *= 2) {
            figures f = {.metric = DISKANN_L2, .dimensions = d};
            fill_sparse(rows, ROWS + QUERIES, d, elements, 0);
            measure(&f, rows, rows + (size_t)ROWS * d);
            check_figures(&f, "sparse");
        }
        free(rows);
    }
}

/* What the origin is for. */
static void a_far_off_data_set_loses_nothing(void)
{
    enum { D = 128 };
    static float rows[(ROWS + QUERIES) * D];
    for (uint32_t far = 0; far <= 1; far++) {
        figures f = {.metric = DISKANN_L2, .dimensions = D};
        fill_sparse(rows, ROWS + QUERIES, D, 64, far != 0 ? 4096 : 0);
        measure(&f, rows, rows + ROWS * D);
        check_figures(&f, "far off");
    }
}

CHECK_MAIN(CHECK_TEST(estimates_are_without_bias), CHECK_TEST(sparse_vectors_are_no_worse),
           CHECK_TEST(a_far_off_data_set_loses_nothing))
