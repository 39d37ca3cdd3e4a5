/*
 * The floor of the graph: distances between records, greedy search, robust prune, links. It sees records, never pages
 * or files, and holds no state of its own but the scratch that callers own.
 */
#ifndef DISKANN_GRAPH_H
#define DISKANN_GRAPH_H

#include "../record/record.h"
#include "../simd/simd.h"

/* What a distance is made of: kernels, metric, and where the vectors lie. */
typedef struct graph_space {
    const record_store *records;
    const simd_kernels *kernels;
    uint32_t metric;
    uint32_t data_type;
    uint32_t dimensions;
    /*
     * 0 for queries. For the build under ip: distances are squared L2 in the space with one more coordinate
     * sqrt(M^2 - |x|^2) (Neyshabur and Srebro 2015), in which nearest is largest inner product; this is M^2.
     */
    float lifted_norm;
} graph_space;

/* A vector with what its metric needs beside it. */
typedef struct graph_point {
    const void *vector;
    float aux; /* as record_aux */
} graph_point;

/* `aux` of a vector of the space. */
float graph_aux(const graph_space *space, const void *vector);
/* out[i] = distance of `point` and the record of slots[i]. `rows` is scratch of `count` pointers. */
void graph_distances(const graph_space *space, graph_point point, const uint32_t *slots, uint32_t count, const void **rows,
                     float *out);
float graph_distance(const graph_space *space, graph_point a, graph_point b);
graph_point graph_point_at(const graph_space *space, uint32_t slot);

#endif
