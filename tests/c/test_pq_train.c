/*
 * Training of a product quantiser against a plain definition of its own, to the bit: the kernel, the sample, k-means++,
 * Lloyd, ties and empty centroids; whatever the kernels, the threads and the slices. (c-tests: every CPU and table)
 */
#include "../../csrc/quant/kmeans.h"
#include "../../csrc/simd/simd.h"
#include "golden.h"
#include "pq_world.h"

#include <math.h>

/* -- the kernel -- */

static float plain_distance(const float *point, size_t stride, const float *centroid, uint32_t dims)
{
    float sum = 0.0f;
    for (uint32_t j = 0; j < dims; j++) {
        volatile float difference = point[j * stride] - centroid[j]; /* volatile: rounded here */
        volatile float square = difference * difference;
        sum += square;
    }
    return sum;
}

static void check_kernel(simd_nearest *kernel, uint32_t dims, uint32_t kind)
{
    enum { COUNT = 9 };
    float *points = malloc(NEAREST_POINTS * dims * sizeof *points), *centroids = malloc(COUNT * dims * sizeof *points);
    float distances[NEAREST_POINTS];
    uint32_t numbers[NEAREST_POINTS];
    random_state random = {1000 * kind + dims};
    REQUIRE(points != NULL && centroids != NULL);
    for (uint32_t i = 0; i < NEAREST_POINTS * dims; i++) {
        points[i] = golden_element(kind, random_next(&random));
    }
    for (uint32_t i = 0; i < COUNT * dims; i++) {
        centroids[i] = i < 5 * dims ? golden_element(kind, random_next(&random)) : centroids[i - 5 * dims]; /* ties */
    }
    for (uint32_t i = 0; i < NEAREST_POINTS; i++) {
        distances[i] = INFINITY;
        numbers[i] = 77;
    }
    const nearest_centroids some = {centroids, 100, COUNT};
    kernel(points, dims, &some, distances, numbers);
    for (uint32_t i = 0; i < NEAREST_POINTS; i++) {
        float best = INFINITY;
        uint32_t number = 77;
        for (uint32_t k = 0; k < COUNT; k++) {
            const float distance = plain_distance(points + i, NEAREST_POINTS, centroids + (size_t)k * dims, dims);
            number = distance < best ? 100 + k : number;
            best = distance < best ? distance : best;
        }
        CHECK_UINT(golden_bits(distances[i]), golden_bits(best));
        CHECK_UINT(numbers[i], number);
    }
    free(points);
    free(centroids);
}

static void every_kernel_finds_what_the_definition_finds(void)
{
    unsigned families = 0;
    for (uint32_t family = 0; family < DISKANN_SIMD_COUNT; family++) {
        simd_nearest *kernel = simd_nearest_get(family);
        CHECK((kernel != NULL) == (simd_kernels_get(family) != NULL));
        if (kernel == NULL) {
            continue;
        }
        families++;
        for (uint32_t kind = 0; kind < GOLDEN_KIND_COUNT; kind++) {
            for (uint32_t dims = 1; dims <= 40; dims += dims < 18 ? 1 : 7) {
                check_kernel(kernel, dims, kind);
            }
        }
    }
    CHECK(families >= 2);
}

/* -- training, once more and plainly -- */

/* Algorithm R; returns the rows, owned by caller. */
static float *plain_sample(const world *w, uint32_t *count)
{
    const uint32_t dimensions = w->config.dimensions, limit = w->config.sample_rows;
    *count = w->rows < limit ? w->rows : limit;
    float *sample = floats((size_t)*count * dimensions);
    random_state random = {w->config.seed};
    for (uint32_t row = 0; row < w->rows; row++) {
        const uint64_t place = row < limit ? row : random_below(&random, row + UINT64_C(1));
        if (place < limit) {
            memcpy(sample + place * dimensions, w->vectors + (size_t)row * dimensions, dimensions * sizeof(float));
        }
    }
    return sample;
}

static void plain_centre(world *w, float *sample, uint32_t count)
{
    const uint32_t dimensions = w->config.dimensions, chunks = count < 64 ? count : 64;
    for (uint32_t j = 0; j < dimensions; j++) {
        double total = 0;
        for (uint32_t c = 0; c < chunks; c++) {
            double sum = 0;
            for (uint64_t row = (uint64_t)count * c / chunks; row < (uint64_t)count * (c + 1) / chunks; row++) {
                sum += sample[row * dimensions + j];
            }
            total += sum;
        }
        w->centre[j] = w->config.is_centred ? (float)(total / count) : 0.0f;
        for (uint32_t row = 0; row < count; row++) {
            sample[(size_t)row * dimensions + j] -= w->centre[j];
        }
    }
}

typedef struct plain_means {
    const float *points; /* first dimension of the chunk of the first point */
    float *centroids;    /* the same of centroid 0 */
    uint32_t count, dims, centroid_count, stride;
    float *distances;
    uint32_t *numbers;
} plain_means;

static void plain_compare(plain_means *m, uint32_t first, uint32_t end)
{
    for (uint32_t i = 0; i < m->count; i++) {
        for (uint32_t k = first; k < end; k++) {
            const float distance =
                plain_distance(m->points + (size_t)i * m->stride, 1, m->centroids + (size_t)k * m->stride, m->dims);
            if (k == 0 || distance < m->distances[i]) {
                m->distances[i] = distance;
                m->numbers[i] = k;
            }
        }
    }
}

static void plain_copy(plain_means *m, uint32_t centroid, uint64_t point)
{
    memcpy(m->centroids + (size_t)centroid * m->stride, m->points + point * m->stride, m->dims * sizeof(float));
}

/* Sums of 256 points each; then inside the one where the target lies. */
static uint64_t plain_draw(const plain_means *m, random_state *random)
{
    double total = 0, sums[64] = {0};
    for (uint32_t i = 0; i < m->count; i++) {
        sums[i / 256] += m->distances[i];
    }
    for (uint32_t piece = 0; piece * 256 < m->count; piece++) {
        total += sums[piece];
    }
    if (total == 0) {
        return random_below(random, m->count);
    }
    const double target = (double)(random_next(random) >> 11) / 9007199254740992.0 * total;
    double sum = 0;
    uint32_t piece = 0;
    for (; (piece + 1) * 256 < m->count && sum + sums[piece] <= target; piece++) {
        sum += sums[piece];
    }
    for (uint32_t i = piece * 256; i < m->count; i++) {
        sum += m->distances[i];
        if (sum > target) {
            return i;
        }
    }
    check_that(0, __FILE__, __LINE__, "the draw fell off the end");
    return 0;
}

static void plain_move(plain_means *m)
{
    uint32_t counts[256] = {0};
    for (uint32_t i = 0; i < m->count; i++) {
        counts[m->numbers[i]]++;
    }
    for (uint32_t k = 0; k < m->centroid_count; k++) {
        for (uint32_t j = 0; j < m->dims && counts[k] > 0; j++) {
            double sum = 0;
            for (uint32_t i = 0; i < m->count; i++) {
                sum += m->numbers[i] == k ? m->points[(size_t)i * m->stride + j] : 0;
            }
            m->centroids[(size_t)k * m->stride + j] = (float)(sum / counts[k]);
        }
    }
    for (uint32_t k = 0; k < m->centroid_count; k++) {
        uint32_t farthest = 0;
        for (uint32_t i = 0; i < m->count && counts[k] == 0; i++) {
            farthest = m->distances[i] > m->distances[farthest] ? i : farthest;
        }
        if (counts[k] == 0 && m->distances[farthest] > 0) {
            plain_copy(m, k, farthest);
            m->distances[farthest] = 0;
        }
    }
}

static void plain_chunk(world *w, const float *sample, uint32_t count, uint32_t chunk, uint32_t offset, uint32_t dims)
{
    plain_means m = {sample + offset, w->pivots + offset, count, dims, w->config.centroids, w->config.dimensions,
                     floats(count), malloc(count * sizeof(uint32_t))};
    random_state seeds = {w->config.seed + (chunk + UINT64_C(1)) * UINT64_C(0xd1342543de82ef95)};
    random_state random = {random_next(&seeds)};
    plain_copy(&m, 0, random_below(&random, count));
    plain_compare(&m, 0, 1);
    for (uint32_t k = 1; k < m.centroid_count; k++) {
        plain_copy(&m, k, plain_draw(&m, &random));
        plain_compare(&m, k, k + 1);
    }
    for (uint32_t iteration = 0; iteration < w->config.iterations; iteration++) {
        plain_compare(&m, 0, m.centroid_count);
        plain_move(&m);
    }
    free(m.distances);
    free(m.numbers);
}

static void plain_train(world *w)
{
    uint32_t count;
    float *sample = plain_sample(w, &count);
    plain_centre(w, sample, count);
    const uint32_t chunks = w->config.chunks, dimensions = w->config.dimensions;
    uint32_t offset = 0;
    for (uint32_t c = 0; c < chunks; c++) {
        const uint32_t dims = dimensions / chunks + (c < dimensions % chunks);
        plain_chunk(w, sample, count, c, offset, dims);
        offset += dims;
    }
    CHECK_UINT(offset, dimensions);
    free(sample);
}

static void check_training(world w)
{
    plain_train(&w);
    for (uint32_t way = check_is_light() ? 2 : 0; way < 3; way++) {
        diskann_pq *pq = train(&w, way == 0 ? 1 : 5, way);
        check_parts(&w, pq);
        diskann_pq_destroy(pq);
    }
    free_world(&w);
}

static void training_finds_what_the_definition_finds(void)
{
    check_training(make_world(900, 10, 4, 16, 1000));
    check_training(make_world(check_is_light() ? 300 : 700, 7, 7, 256, 100000));
    check_training(make_world(300, 33, 1, 3, 50));
}

static void ties_and_empty_centroids_are_as_specified(void)
{
    check_training(make_world(1000, 6, 3, 64, 3));  /* 9 different points for 64 centroids */
    check_training(make_world(check_is_light() ? 257 : 1000, 6, 6, 200, 1)); /* all points equal */
    check_training(make_world(600, 8, 2, 40, 4));
}

static void fewer_rows_than_centroids_are_enough(void)
{
    check_training(make_world(1, 5, 2, 256, 1000));
    check_training(make_world(37, 12, 4, 256, 1000));
}

static void a_sample_is_drawn_by_the_seed(void)
{
    world w = make_world(2000, 8, 2, 16, 1000);
    w.config.sample_rows = 300;
    w.config.is_centred = 0;
    check_training(w);
}

/* So many chunks that they are trained in three groups; emulated CPUs, which differ in kernels only, do with one. */
static void groups_change_nothing(void)
{
    const uint32_t chunks = check_is_light() ? 300 : 65000;
    world w = make_world(150, chunks, chunks, 2, 1000);
    w.config.iterations = 1;
    check_training(w);
}

/* k-means of one dimension and at most 64 points, from centroids of the test's choice. */
static void iterate(kmeans *means, uint32_t iterations)
{
    static float distances[NEAREST_POINTS];
    static uint32_t numbers[NEAREST_POINTS];
    static uint64_t counts[4];
    static double weights[1], sums[4];
    means->kernel = simd_nearest_get(DISKANN_SIMD_AUTO);
    means->dims = 1;
    means->seeded = means->centroid_count;
    means->distances = distances;
    means->numbers = numbers;
    means->weights = weights;
    means->sums = sums;
    means->counts = counts;
    for (uint32_t i = 0; i < iterations; i++) {
        kmeans_assign(means, 0);
        kmeans_sum(means, 0);
        kmeans_sum(means, 1);
        kmeans_move(means);
    }
}

static void an_empty_centroid_takes_the_farthest_point(void)
{
    float points[NEAREST_POINTS] = {0, 1, 10, 11, 30}, centroids[3] = {0, 100, 10};
    kmeans means = {.points = points, .count = 5, .centroid_count = 3, .centroids = centroids};
    iterate(&means, 1);
    CHECK(centroids[0] == 0.5f && centroids[1] == 30.0f && centroids[2] == 17.0f);
    CHECK(!means.is_settled);
    iterate(&means, 2);
    CHECK(centroids[0] == 0.5f && centroids[1] == 30.0f && centroids[2] == 10.5f);
    CHECK(means.is_settled);
}

static void of_equally_far_points_the_lowest_goes_first(void)
{
    float points[NEAREST_POINTS] = {0, 1, -1, 40, -40}, one[2] = {0, 1000}, two[3] = {0, 1000, 3000};
    kmeans means = {.points = points, .count = 5, .centroid_count = 2, .centroids = one};
    iterate(&means, 1);
    CHECK(one[1] == 40.0f);
    means = (kmeans){.points = points, .count = 5, .centroid_count = 3, .centroids = two};
    iterate(&means, 1);
    CHECK(two[1] == 40.0f && two[2] == -40.0f);
}

CHECK_MAIN(CHECK_TEST(every_kernel_finds_what_the_definition_finds), CHECK_TEST(training_finds_what_the_definition_finds),
           CHECK_TEST(ties_and_empty_centroids_are_as_specified), CHECK_TEST(fewer_rows_than_centroids_are_enough),
           CHECK_TEST(a_sample_is_drawn_by_the_seed), CHECK_TEST(groups_change_nothing),
           CHECK_TEST(an_empty_centroid_takes_the_farthest_point), CHECK_TEST(of_equally_far_points_the_lowest_goes_first))
