/* What the simulation of layouts works on: vectors, queries and truth in floats, and a graph that the core has built. */
#ifndef DISKANN_BENCH_LAYOUT_WORLD_H
#define DISKANN_BENCH_LAYOUT_WORLD_H

#include "../../../csrc/op/index.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORLD_K = 10 };

typedef struct world {
    uint32_t rows, dimensions, queries, truth_k;
    uint32_t is_cosine;
    float *given;         /* [rows][dimensions] as they came, in order of id */
    float *query_vectors; /* [queries][dimensions] */
    uint32_t *truth;      /* [queries][truth_k]: ids */
    diskann_index *index;
    float *vectors; /* [rows][dimensions] in order of slot, under cosine of unit length */
    uint64_t *ids;  /* of slots */
    const simd_kernels *kernels;
} world;

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "measure_layout: %s: %s\n", what, detail);
    exit(1);
}

static void check(int status, const char *what)
{
    if (status != DISKANN_OK) {
        fail(what, diskann_status_text(status));
    }
}

static void *get(size_t bytes)
{
    void *memory = calloc(1, bytes + 1);
    if (memory == NULL) {
        fail("memory", "there is none");
    }
    return memory;
}

/* Of the processor, for this thread: what else the machine does counts less. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Two u32, then rows x columns cells of four bytes; what follows them is left alone. */
static void *read_table(const char *path, uint32_t *rows, uint32_t *columns)
{
    uint32_t head[2];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(head, sizeof head, 1, file) != 1) {
        fail(path, "cannot be read");
    }
    const size_t cells = (size_t)head[0] * head[1];
    void *table = get(cells * 4);
    if (fread(table, 4, cells, file) != cells) {
        fail(path, "is cut off");
    }
    fclose(file);
    *rows = head[0];
    *columns = head[1];
    return table;
}

static void world_read(world *world, char **paths, int is_cosine)
{
    uint32_t dimensions, queries;
    memset(world, 0, sizeof *world);
    world->given = read_table(paths[0], &world->rows, &world->dimensions);
    world->query_vectors = read_table(paths[1], &world->queries, &dimensions);
    world->truth = read_table(paths[2], &queries, &world->truth_k);
    world->is_cosine = is_cosine;
    if (dimensions != world->dimensions || queries != world->queries || world->truth_k < WORLD_K) {
        fail("input", "shapes differ");
    }
}

/* Builds rows [0, first) and adds the others; seconds of both. */
static void world_build(world *world, const diskann_config *config, uint32_t first, double *built, double *added)
{
    diskann_op *op;
    double began = now();
    check(diskann_index_create(config, NULL, &world->index), "create");
    check(diskann_build_begin(world->index, 1, &op), "build");
    check(diskann_op_rows(op, world->given, DISKANN_F32, NULL, first), "rows");
    check(diskann_op_finish(op), "build");
    diskann_op_end(op);
    *built = now() - began;
    began = now();
    if (first < world->rows) {
        check(diskann_insert_begin(world->index, 1, &op), "insert");
        check(diskann_op_rows(op, world->given + (size_t)first * world->dimensions, DISKANN_F32, NULL, world->rows - first),
              "rows");
        check(diskann_op_finish(op), "insert");
        diskann_op_end(op);
    }
    *added = now() - began;
}

static void normalize(float *vector, uint32_t dimensions)
{
    double norm = 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        norm += (double)vector[i] * vector[i];
    }
    for (uint32_t i = 0; i < dimensions && norm > 0; i++) {
        vector[i] = (float)(vector[i] / sqrt(norm));
    }
}

/* What the records of the graph hold, in floats, by slot. */
static void world_unpack(world *world)
{
    const graph_space *space = &world->index->space;
    world->kernels = space->kernels;
    world->vectors = get((size_t)world->rows * world->dimensions * sizeof(float));
    world->ids = get(world->rows * sizeof *world->ids);
    for (uint32_t slot = 0; slot < world->rows; slot++) {
        uint8_t *record = record_at(&world->index->records, slot);
        graph_code_vector(space, record, world->vectors + (size_t)slot * world->dimensions);
        world->ids[slot] = *record_id(&world->index->records.layout, record);
    }
    for (uint32_t q = 0; q < world->queries && world->is_cosine; q++) {
        normalize(world->query_vectors + (size_t)q * world->dimensions, world->dimensions);
    }
}

static float squared(const world *world, const float *a, const float *b, uint32_t count)
{
    return world->kernels->one[DISKANN_F32][SIMD_SUM_L2](a, b, count);
}

static const float *vector_at(const world *world, uint32_t slot)
{
    return world->vectors + (size_t)slot * world->dimensions;
}

static const float *query_at(const world *world, uint32_t query)
{
    return world->query_vectors + (size_t)query * world->dimensions;
}

static const record_list *world_list(const world *world, uint32_t slot)
{
    return record_links(&world->index->records.layout, record_at(&world->index->records, slot));
}

static int is_true_hit(const world *world, uint32_t query, uint64_t id)
{
    const uint32_t *truth = world->truth + (size_t)query * world->truth_k;
    for (uint32_t i = 0; i < WORLD_K; i++) {
        if (truth[i] == id) {
            return 1;
        }
    }
    return 0;
}

#endif
