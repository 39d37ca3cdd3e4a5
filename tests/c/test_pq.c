/*
 * Product quantisation against plain definitions of its own, to the bit: the kernel, training (sample, k-means++,
 * Lloyd, ties, empty centroids), codes and asymmetric distances; whatever the kernels, the threads and the slices.
 * (c-tests: every CPU)
 */
#include "../../csrc/quant/kmeans.h"
#include "../../csrc/quant/pq.h"
#include "check.h"
#include "golden.h"
#include "host.h"

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

typedef struct world {
    diskann_pq_config config;
    uint32_t rows;
    float *vectors;
    float *pivots; /* what the plain training finds: [centroids][dimensions] */
    float *centre;
} world;

static float *floats(size_t count)
{
    float *memory = calloc(count > 0 ? count : 1, sizeof *memory);
    REQUIRE(memory != NULL);
    return memory;
}

/* `steps`: how many different values an element has; few give ties and empty centroids. */
static world make_world(uint32_t rows, uint32_t dimensions, uint32_t chunks, uint32_t centroids, uint32_t steps)
{
    world w = {.rows = rows};
    diskann_pq_config_init(&w.config, dimensions, chunks);
    w.config.centroids = centroids;
    w.config.iterations = 6;
    w.config.seed = 5;
    w.vectors = floats((size_t)rows * dimensions);
    w.pivots = floats((size_t)centroids * dimensions);
    w.centre = floats(dimensions);
    random_state random = {rows + dimensions};
    for (size_t i = 0; i < (size_t)rows * dimensions; i++) {
        w.vectors[i] = (float)random_below(&random, steps) / 8.0f - 1.0f;
    }
    return w;
}

static void free_world(world *w)
{
    free(w->vectors);
    free(w->pivots);
    free(w->centre);
}

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

/* Gives the rows in uneven calls. */
static int begin_training(const world *w, uint32_t workers, const diskann_allocator *allocator, diskann_op **op)
{
    int status = diskann_pq_train_begin(&w->config, workers, allocator, op);
    for (uint32_t row = 0, step = 1; row < w->rows && status == DISKANN_OK; row += step, step += 13) {
        const uint32_t here = w->rows - row < step ? w->rows - row : step;
        status = diskann_pq_rows(*op, w->vectors + (size_t)row * w->config.dimensions, here);
        if (status < 0) {
            diskann_op_end(*op);
        }
    }
    return status;
}

static diskann_pq *train(const world *w, uint32_t workers, uint64_t shuffle)
{
    diskann_op *op;
    host h = {.workers = workers, .shuffle = shuffle};
    REQUIRE(begin_training(w, workers, NULL, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_pq *pq = diskann_pq_train_take(op);
    REQUIRE(pq != NULL);
    CHECK(diskann_pq_train_take(op) == NULL);
    diskann_op_end(op);
    return pq;
}

static void check_parts(const world *w, const diskann_pq *pq)
{
    const size_t count = (size_t)w->config.centroids * w->config.dimensions;
    float *pivots = floats(count), *centre = floats(w->config.dimensions);
    diskann_pq_export(pq, NULL, pivots, centre);
    CHECK_BYTES(centre, w->centre, w->config.dimensions * sizeof(float));
    CHECK_BYTES(pivots, w->pivots, count * sizeof(float));
    free(pivots);
    free(centre);
}

static void check_training(world w)
{
    plain_train(&w);
    for (uint32_t way = 0; way < 3; way++) {
        diskann_pq *pq = train(&w, way == 0 ? 1 : 5, way);
        check_parts(&w, pq);
        diskann_pq_destroy(pq);
    }
    free_world(&w);
}

static void training_finds_what_the_definition_finds(void)
{
    check_training(make_world(900, 10, 4, 16, 1000));
    check_training(make_world(700, 7, 7, 256, 100000));
    check_training(make_world(300, 33, 1, 3, 50));
}

static void ties_and_empty_centroids_are_as_specified(void)
{
    check_training(make_world(1000, 6, 3, 64, 3));  /* 9 different points for 64 centroids */
    check_training(make_world(1000, 6, 6, 200, 1)); /* all points equal */
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

/* Enough to be trained in three groups. */
static void groups_change_nothing(void)
{
    world w = make_world(2100, 5600, 1400, 2, 1000);
    w.config.iterations = 1;
    if (check_is_light()) {
        w.rows = 2049;
    }
    check_training(w);
}

/* An empty centroid in the course of the iterations: three far points, of which two share a centroid at first. */
static void an_empty_centroid_takes_the_farthest_point(void)
{
    float points[NEAREST_POINTS] = {0, 1, 10, 11, 30}, distances[NEAREST_POINTS], centroids[3] = {0, 100, 10};
    uint32_t numbers[NEAREST_POINTS];
    uint64_t counts[3];
    double weights[1], sums[3];
    kmeans means = {.kernel = simd_nearest_get(DISKANN_SIMD_AUTO), .points = points, .count = 5, .dims = 1,
                    .centroid_count = 3, .seeded = 3, .centroids = centroids, .distances = distances, .numbers = numbers,
                    .weights = weights, .sums = sums, .counts = counts};
    kmeans_assign(&means, 0);
    kmeans_sum(&means, 0);
    kmeans_sum(&means, 1);
    kmeans_move(&means);
    CHECK(centroids[0] == 0.5f && centroids[1] == 30.0f && centroids[2] == 17.0f);
    CHECK(!means.is_settled);
    for (uint32_t i = 0; i < 2; i++) {
        kmeans_assign(&means, 0);
        kmeans_sum(&means, 0);
        kmeans_sum(&means, 1);
        kmeans_move(&means);
    }
    CHECK(centroids[0] == 0.5f && centroids[1] == 30.0f && centroids[2] == 10.5f);
    CHECK(means.is_settled);
}

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

static uint8_t *encode(const world *w, const diskann_pq *pq, uint32_t workers, uint64_t shuffle)
{
    diskann_op *op;
    host h = {.workers = workers, .shuffle = shuffle};
    uint8_t *codes = malloc((size_t)w->rows * w->config.chunks);
    REQUIRE(codes != NULL);
    REQUIRE(diskann_pq_encode_begin(pq, w->vectors, w->rows, codes, workers, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_op_end(op);
    return codes;
}

static void codes_are_the_nearest_centroids(void)
{
    world w = make_world(300, 11, 3, 20, 40);
    w.config.sample_rows = 100;
    plain_train(&w);
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
            check_that(fabs(distances[i] - wanted) < 1e-5 * (1 + fabs(wanted)), __FILE__, __LINE__, "metric %u, hit %u: %f, not %f", metric, i,
                       (double)distances[i], wanted);
            CHECK(i == 0 || distances[i] > distances[i - 1] || (distances[i] == distances[i - 1] && ids[i] > ids[i - 1]));
        }
        CHECK_UINT(search(pq, query, metric, codes, ROWS, 10, 9, few_ids, few), 10);
        CHECK_BYTES(few_ids, ids, sizeof few_ids);
        CHECK_BYTES(few, distances, sizeof few);
    }
    CHECK_UINT(search(pq, query, DISKANN_L2, codes, 0, 3, 0, ids, distances), 0);
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

CHECK_MAIN(CHECK_TEST(every_kernel_finds_what_the_definition_finds), CHECK_TEST(training_finds_what_the_definition_finds),
           CHECK_TEST(ties_and_empty_centroids_are_as_specified), CHECK_TEST(fewer_rows_than_centroids_are_enough),
           CHECK_TEST(a_sample_is_drawn_by_the_seed), CHECK_TEST(groups_change_nothing),
           CHECK_TEST(an_empty_centroid_takes_the_farthest_point), CHECK_TEST(codes_are_the_nearest_centroids),
           CHECK_TEST(decoding_adds_the_centre), CHECK_TEST(distances_are_those_of_the_decoded_vectors),
           CHECK_TEST(a_code_of_no_centroid_is_found), CHECK_TEST(arguments_are_checked),
           CHECK_TEST(what_is_not_finite_is_refused),
           CHECK_TEST(every_cancel_and_every_missing_block_leaves_nothing_behind),
           CHECK_TEST(golden_quantizers_have_the_same_bytes_here))
