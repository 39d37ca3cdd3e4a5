/* Rows to quantise, and the operations over them, for the tests of product quantisation. */
#ifndef DISKANN_TESTS_PQ_WORLD_H
#define DISKANN_TESTS_PQ_WORLD_H

#include "check.h"
#include "host.h"

typedef struct world {
    diskann_pq_config config;
    uint32_t rows;
    float *vectors;
    float *pivots; /* what the plain training finds: [centroids][dimensions] */
    float *centre;
} world;

static inline float *floats(size_t count)
{
    float *memory = calloc(count > 0 ? count : 1, sizeof *memory);
    REQUIRE(memory != NULL);
    return memory;
}

/* `steps`: how many different values an element has; few give ties and empty centroids. */
static inline world make_world(uint32_t rows, uint32_t dimensions, uint32_t chunks, uint32_t centroids, uint32_t steps)
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

static inline void free_world(world *w)
{
    free(w->vectors);
    free(w->pivots);
    free(w->centre);
}

/* Gives the rows in uneven calls. */
static inline int begin_training(const world *w, uint32_t workers, const diskann_allocator *allocator, diskann_op **op)
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

static inline diskann_pq *train(const world *w, uint32_t workers, uint64_t shuffle)
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

static inline void check_parts(const world *w, const diskann_pq *pq)
{
    const size_t count = (size_t)w->config.centroids * w->config.dimensions;
    float *pivots = floats(count), *centre = floats(w->config.dimensions);
    diskann_pq_export(pq, NULL, pivots, centre);
    CHECK_BYTES(centre, w->centre, w->config.dimensions * sizeof(float));
    CHECK_BYTES(pivots, w->pivots, count * sizeof(float));
    free(pivots);
    free(centre);
}

static inline uint8_t *encode(const world *w, const diskann_pq *pq, uint32_t workers, uint64_t shuffle)
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

#endif
