/* What the two exact searches share, of an index in memory and of one in its file: the query, and the nearest by worker. */
#ifndef DISKANN_OP_EXACT_H
#define DISKANN_OP_EXACT_H

#include "../graph/graph.h"
#include "op.h"

typedef struct hit {
    uint64_t id;
    float distance;
} hit;

typedef struct exact_worker {
    hit *heap; /* the farthest first */
    uint32_t count;
} exact_worker;

/* Embedded as the first member of an operation. */
typedef struct exact_scan {
    diskann_op base;
    const graph_space *space;
    void *query; /* room for floats, whatever the query form is */
    graph_point point;
    exact_worker *workers;
    uint32_t k;
} exact_scan;

/* As op_create, of an index of `size` records; `query` is copied. */
int exact_create(const op_calls *calls, size_t bytes, const graph_space *space, uint32_t size, const float *query, uint32_t k,
                 uint32_t workers, const diskann_allocator *allocator, diskann_op **out);
void exact_reset(exact_scan *scan);
void exact_offer(exact_scan *scan, uint32_t worker, hit candidate);
/* All have been offered: the nearest of all workers, in order, as diskann_exact_take gives them. */
void exact_finish(exact_scan *scan);

#endif
