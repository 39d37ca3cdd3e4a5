/*
 * Training of a product quantiser. Chunks are trained in groups, so that what k-means needs beside the sample stays
 * small; each chunk has random numbers of its own, so groups change nothing.
 *
 *     CENTRE: sums of the sample's rows     once
 *     LOAD: the group's dimensions, centred, as the kernel wants them
 *     MEASURE: once for each centroid       k-means++
 *     ASSIGN, SUM, MOVE: an iteration       Lloyd; the first has nothing to assign
 */
#include "../base/float_mode.h"
#include "../quant/kmeans.h"
#include "../quant/pq.h"
#include "../quant/sample.h"
#include "op.h"

#include <string.h>

enum {
    CENTRE_CHUNKS = 64,    /* sums of rows are made in so many chunks, whatever the threads: same bits */
    GROUP_BYTES = 1 << 26, /* points, distances and numbers of a group, unless one chunk alone takes more */
};

typedef enum train_stage {
    TRAIN_BEGIN,
    TRAIN_CENTRE,
    TRAIN_LOAD,
    TRAIN_MEASURE,
    TRAIN_ASSIGN,
    TRAIN_SUM,
    TRAIN_MOVE
} train_stage;

typedef struct train_op {
    diskann_op base;
    diskann_pq_config config;
    diskann_pq *pq; /* NULL once taken */
    row_sample sample;
    uint64_t rows; /* of the sample, from the first step on */
    double *sums;  /* [CENTRE_CHUNKS][dimensions] */
    train_stage stage;
    uint32_t first_chunk, chunk_count; /* the group */
    uint32_t group_size;               /* chunks of every group but the last */
    uint32_t group_dims;               /* dimensions of the first group, the widest */
    uint32_t iteration;
    kmeans *means;      /* [group_size] */
    float *points;      /* of the group, chunk after chunk */
    float *distances;   /* [group_size][slots] */
    uint32_t *numbers;  /* [group_size][slots] */
    double *weights;    /* [group_size][pieces] */
    double *mean_sums;  /* [group_dims][centroids] */
    uint64_t *counts;   /* [group_size][centroids] */
} train_op;

/* ---- memory ---- */

static uint64_t slots(const train_op *op)
{
    return kmeans_blocks(op->rows) * NEAREST_POINTS;
}

typedef struct train_sizes {
    uint64_t sums, means, points, distances, numbers, weights, mean_sums, counts;
} train_sizes;

static train_sizes sizes_of(const train_op *op)
{
    const uint64_t group = op->group_size, centroids = op->config.centroids;
    return (train_sizes){
        .sums = op->config.is_centred ? UINT64_C(8) * CENTRE_CHUNKS * op->config.dimensions : 0,
        .means = group * sizeof(kmeans),
        .points = slots(op) * op->group_dims * sizeof(float),
        .distances = slots(op) * group * sizeof(float),
        .numbers = slots(op) * group * sizeof(uint32_t),
        .weights = kmeans_pieces(op->rows) * group * sizeof(double),
        .mean_sums = op->group_dims * centroids * sizeof(double),
        .counts = group * centroids * sizeof(uint64_t),
    };
}

static void choose_groups(train_op *op)
{
    const uint64_t chunk_bytes = slots(op) * (op->pq->widest * sizeof(float) + sizeof(float) + sizeof(uint32_t));
    const uint64_t fitting = GROUP_BYTES / chunk_bytes;
    op->group_size = fitting < 1 ? 1 : fitting < op->pq->chunks ? (uint32_t)fitting : op->pq->chunks;
    op->group_dims = op->pq->offsets[op->group_size];
}

static int prepare(train_op *op)
{
    memory_account *account = &op->base.account;
    op->rows = sample_rows(&op->sample);
    if (op->rows == 0) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    choose_groups(op);
    const train_sizes sizes = sizes_of(op);
    if (op->config.is_centred) {
        op->sums = memory_get_zeroed(account, sizes.sums);
    }
    op->means = memory_get_zeroed(account, sizes.means);
    op->points = memory_get(account, sizes.points);
    op->distances = memory_get(account, sizes.distances);
    op->numbers = memory_get(account, sizes.numbers);
    op->weights = memory_get(account, sizes.weights);
    op->mean_sums = memory_get(account, sizes.mean_sums);
    op->counts = memory_get(account, sizes.counts);
    if ((op->config.is_centred && op->sums == NULL) || op->means == NULL || op->points == NULL || op->distances == NULL ||
        op->numbers == NULL || op->weights == NULL || op->mean_sums == NULL || op->counts == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memset(op->pq->centre, 0, op->config.dimensions * sizeof(float));
    return DISKANN_OK;
}

static void reset(diskann_op *base)
{
    train_op *op = (train_op *)base;
    memory_account *account = &base->account;
    const train_sizes sizes = sizes_of(op);
    memory_put(account, op->sums, sizes.sums);
    memory_put(account, op->means, sizes.means);
    memory_put(account, op->points, sizes.points);
    memory_put(account, op->distances, sizes.distances);
    memory_put(account, op->numbers, sizes.numbers);
    memory_put(account, op->weights, sizes.weights);
    memory_put(account, op->mean_sums, sizes.mean_sums);
    memory_put(account, op->counts, sizes.counts);
    sample_reset(&op->sample);
    diskann_pq_destroy(op->pq);
}

/* ---- the mean of the sample ---- */

static uint64_t centre_chunks(const train_op *op)
{
    return op->rows < CENTRE_CHUNKS ? op->rows : CENTRE_CHUNKS;
}

static void sum_chunks(train_op *op, uint64_t begin, uint64_t end)
{
    const uint32_t dimensions = op->config.dimensions;
    for (uint64_t chunk = begin; chunk < end; chunk++) {
        double *sums = op->sums + chunk * dimensions;
        const uint64_t last = op->rows * (chunk + 1) / centre_chunks(op);
        for (uint64_t row = op->rows * chunk / centre_chunks(op); row < last; row++) {
            const float *values = sample_row(&op->sample, row);
            for (uint32_t j = 0; j < dimensions; j++) {
                sums[j] += values[j];
            }
        }
    }
}

static void finish_centre(train_op *op)
{
    const uint32_t dimensions = op->config.dimensions;
    for (uint32_t j = 0; j < dimensions; j++) {
        double sum = 0;
        for (uint64_t chunk = 0; chunk < centre_chunks(op); chunk++) {
            sum += op->sums[chunk * dimensions + j];
        }
        op->pq->centre[j] = (float)(sum / (double)op->rows) + 0.0f;
    }
}

/* ---- a group ---- */

/* Random numbers of a chunk: the first draw of a generator that chunk and seed choose. */
static random_state random_of(const train_op *op, uint32_t chunk)
{
    random_state random = {op->config.seed + (chunk + UINT64_C(1)) * UINT64_C(0xd1342543de82ef95)};
    return (random_state){random_next(&random)};
}

static void begin_group(train_op *op, uint32_t first)
{
    const diskann_pq *pq = op->pq;
    const uint32_t rest = pq->chunks - first, centroids = op->config.centroids;
    op->first_chunk = first;
    op->chunk_count = rest < op->group_size ? rest : op->group_size;
    op->iteration = 0;
    for (uint32_t i = 0; i < op->chunk_count; i++) {
        const uint32_t chunk = first + i, before = pq->offsets[chunk] - pq->offsets[first];
        op->means[i] = (kmeans){
            .kernel = pq->nearest,
            .random = random_of(op, chunk),
            .points = op->points + slots(op) * before,
            .count = op->rows,
            .dims = pq_width(pq, chunk),
            .centroid_count = centroids,
            .centroids = pq_codebook(pq, chunk),
            .distances = op->distances + slots(op) * i,
            .numbers = op->numbers + slots(op) * i,
            .weights = op->weights + kmeans_pieces(op->rows) * i,
            .sums = op->mean_sums + (size_t)before * centroids,
            .counts = op->counts + (size_t)i * centroids,
        };
    }
}

/* The group's dimensions of 64 rows, centred. */
static void load_block(const train_op *op, uint64_t block)
{
    const diskann_pq *pq = op->pq;
    const uint64_t first = block * NEAREST_POINTS;
    const uint32_t count = op->rows - first < NEAREST_POINTS ? (uint32_t)(op->rows - first) : NEAREST_POINTS;
    for (uint32_t c = 0; c < op->chunk_count; c++) {
        const kmeans *means = &op->means[c];
        const uint32_t offset = pq->offsets[op->first_chunk + c];
        float *into = means->points + block * means->dims * NEAREST_POINTS;
        memset(into, 0, (size_t)means->dims * NEAREST_POINTS * sizeof *into);
        for (uint32_t i = 0; i < count; i++) {
            const float *row = sample_row(&op->sample, first + i) + offset;
            for (uint32_t j = 0; j < means->dims; j++) {
                into[(size_t)j * NEAREST_POINTS + i] = row[j] - pq->centre[offset + j] + 0.0f; /* never -0 */
            }
        }
    }
}

/* Item i of a stage that has `each` items for every chunk. */
static void run_chunk(train_op *op, uint64_t item, uint64_t each)
{
    kmeans *means = &op->means[item / each];
    if (means->is_settled) {
        return;
    }
    if (op->stage == TRAIN_MEASURE) {
        kmeans_measure(means, item % each);
    } else if (op->stage == TRAIN_ASSIGN) {
        kmeans_assign(means, item % each);
    } else {
        kmeans_move(means);
    }
}

/* The chunk of the group that has a dimension, both counted from the first of the group. */
static uint32_t chunk_of(const train_op *op, uint64_t dim)
{
    const uint32_t *offsets = op->pq->offsets + op->first_chunk;
    uint32_t low = 0, high = op->chunk_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (offsets[middle] - offsets[0] <= dim) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Item i is a dimension of the group, or behind those the counts of a chunk. */
static void run_sum(train_op *op, uint64_t item)
{
    const uint32_t *offsets = op->pq->offsets + op->first_chunk;
    const uint32_t dims = offsets[op->chunk_count] - offsets[0];
    const uint32_t chunk = item < dims ? chunk_of(op, item) : (uint32_t)(item - dims);
    kmeans *means = &op->means[chunk];
    if (!means->is_settled) {
        kmeans_sum(means, item < dims ? (uint32_t)item - (offsets[chunk] - offsets[0]) : means->dims);
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    train_op *op = (train_op *)base;
    (void)worker;
    if (op->stage == TRAIN_CENTRE) {
        sum_chunks(op, begin, end);
        return;
    }
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        if (op->stage == TRAIN_LOAD) {
            load_block(op, item);
        } else if (op->stage == TRAIN_SUM) {
            run_sum(op, item);
        } else {
            run_chunk(op, item, op->stage == TRAIN_MOVE ? 1 : kmeans_pieces(op->rows));
        }
    }
}

/* ---- the stages ---- */

/* Progress in comparisons of the whole sample with one centroid. */
static int enter(train_op *op, diskann_stage *stage, train_stage next, uint64_t items)
{
    const uint64_t each = op->config.centroids * (op->config.iterations + UINT64_C(1));
    const uint64_t seeded = op->stage == TRAIN_BEGIN || op->stage == TRAIN_CENTRE ? 0 : op->means[0].seeded;
    op->stage = next;
    stage->phase = DISKANN_PHASE_TRAIN;
    stage->parallel = 1;
    stage->items = items;
    stage->total = op->pq->chunks * each;
    stage->done = op->first_chunk * each +
                  op->chunk_count * (next == TRAIN_LOAD ? 0 : seeded + (uint64_t)op->iteration * op->config.centroids);
    return DISKANN_RUN;
}

static int enter_group(train_op *op, diskann_stage *stage, uint32_t first)
{
    begin_group(op, first);
    return enter(op, stage, TRAIN_LOAD, kmeans_blocks(op->rows));
}

static int begin(train_op *op, diskann_stage *stage)
{
    TRY(prepare(op));
    return op->config.is_centred ? enter(op, stage, TRAIN_CENTRE, centre_chunks(op)) : enter_group(op, stage, 0);
}

static int enter_sum(train_op *op, diskann_stage *stage)
{
    const uint32_t *offsets = op->pq->offsets + op->first_chunk;
    return enter(op, stage, TRAIN_SUM, offsets[op->chunk_count] - offsets[0] + op->chunk_count);
}

/* The next centroid of every chunk, or the first iteration. */
static int enter_measure(train_op *op, diskann_stage *stage)
{
    if (op->stage == TRAIN_MEASURE && op->means[0].seeded == op->config.centroids) {
        return enter_sum(op, stage);
    }
    for (uint32_t c = 0; c < op->chunk_count; c++) {
        if (op->stage == TRAIN_LOAD) {
            kmeans_begin(&op->means[c]);
        } else {
            kmeans_seed(&op->means[c]);
        }
    }
    return enter(op, stage, TRAIN_MEASURE, op->chunk_count * kmeans_pieces(op->rows));
}

static int enter_iteration(train_op *op, diskann_stage *stage)
{
    uint32_t moving = 0;
    for (uint32_t c = 0; c < op->chunk_count; c++) {
        moving += !op->means[c].is_settled;
    }
    op->iteration++;
    if (moving > 0 && op->iteration < op->config.iterations) {
        return enter(op, stage, TRAIN_ASSIGN, op->chunk_count * kmeans_pieces(op->rows));
    }
    const uint32_t next = op->first_chunk + op->chunk_count;
    return next < op->pq->chunks ? enter_group(op, stage, next) : DISKANN_OK;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    train_op *op = (train_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    switch (op->stage) {
    case TRAIN_BEGIN:
        return begin(op, stage);
    case TRAIN_CENTRE:
        finish_centre(op);
        return enter_group(op, stage, 0);
    case TRAIN_LOAD:
    case TRAIN_MEASURE:
        return enter_measure(op, stage);
    case TRAIN_ASSIGN:
        return enter_sum(op, stage);
    case TRAIN_SUM:
        return enter(op, stage, TRAIN_MOVE, op->chunk_count);
    default:
        return enter_iteration(op, stage);
    }
}

/* ---- the face ---- */

static const op_calls train_calls = {step, run, NULL, reset};

int diskann_pq_train_begin(const diskann_pq_config *config, uint32_t workers, const diskann_allocator *allocator,
                           diskann_op **out)
{
    if (config == NULL || out == NULL || !pq_shape_is_valid(config->dimensions, config->chunks, config->centroids) ||
        config->iterations < 1 || config->iterations > DISKANN_PQ_ITERATIONS_MAX || config->sample_rows < 1 ||
        config->sample_rows > DISKANN_PQ_SAMPLE_MAX || config->is_centred > 1) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&train_calls, sizeof(train_op), workers, allocator, out));
    train_op *op = (train_op *)*out;
    op->config = *config;
    sample_init(&op->sample, config->dimensions, config->sample_rows, config->seed, &op->base.account);
    const int status = pq_create(config, NULL, allocator, &op->pq);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

int diskann_pq_rows(diskann_op *base, const float *vectors, uint64_t rows)
{
    if (base == NULL || base->calls != &train_calls || (rows > 0 && vectors == NULL)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    train_op *op = (train_op *)base;
    int status = op->stage == TRAIN_BEGIN ? DISKANN_OK : DISKANN_ERR_INVALID_ARGUMENT;
    const uint64_t mode = float_mode_enter();
    for (uint64_t row = 0; row < rows && status == DISKANN_OK; row++) {
        const float *vector = vectors + row * op->config.dimensions;
        status = pq_is_finite(op->pq, vector)
                     ? sample_offer(&op->sample, vector)
                     : op_fail(base, DISKANN_ERR_NOT_FINITE, 0, (int64_t)op->sample.seen, DISKANN_NOWHERE, 0);
    }
    float_mode_leave(mode);
    return status;
}

diskann_pq *diskann_pq_train_take(diskann_op *base)
{
    train_op *op = (train_op *)base;
    diskann_pq *pq = base->status == DISKANN_OK ? op->pq : NULL;
    op->pq = pq != NULL ? NULL : op->pq;
    return pq;
}
