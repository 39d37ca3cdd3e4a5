/*
 * Product quantisation (Jegou, Douze, Schmid, 2011): a vector is cut into chunks, and each chunk is replaced by the
 * number of the nearest of at most 256 centroids. The floor of codes: it sees vectors and bytes, neither records
 * nor pages.
 */
#ifndef DISKANN_QUANT_PQ_H
#define DISKANN_QUANT_PQ_H

#include "../base/memory.h"
#include "../simd/nearest.h"
#include "../simd/simd.h"

struct diskann_pq {
    memory_account account;
    const simd_kernels *kernels;
    simd_nearest *nearest;
    uint32_t dimensions;
    uint32_t chunks;
    uint32_t centroids;
    uint32_t widest;   /* dimensions of the widest chunk */
    uint32_t *offsets; /* [chunks + 1]: chunk c has the dimensions [offsets[c], offsets[c + 1]) */
    float *codebook;   /* of chunk c: [centroids][width] from codebook + centroids * offsets[c] */
    float *centre;     /* [dimensions]: subtracted from a vector before it is encoded */
};

static inline uint32_t pq_width(const diskann_pq *pq, uint32_t chunk)
{
    return pq->offsets[chunk + 1] - pq->offsets[chunk];
}

static inline float *pq_codebook(const diskann_pq *pq, uint32_t chunk)
{
    return pq->codebook + (size_t)pq->centroids * pq->offsets[chunk];
}

/* 1: within the ranges of diskann.h. */
int pq_shape_is_valid(uint32_t dimensions, uint32_t chunks, uint32_t centroids);
/*
 * Codebook and centre are dirty. `offsets`: [chunks + 1], ascending from 0 to `dimensions`, copied; NULL: the first
 * `dimensions` mod `chunks` chunks have one dimension more than the others. ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED,
 * ERR_NO_MEMORY.
 */
int pq_create(const diskann_pq_config *config, const uint32_t *offsets, const diskann_allocator *allocator, diskann_pq **out);
void pq_destroy(diskann_pq *pq);

/* 1: all elements are finite and the squared norm is at most FLT_MAX / 4. */
int pq_is_finite(const diskann_pq *pq, const float *vector);

/*
 * The numbers of the centroids nearest to one chunk of up to 64 rows: codes[row * chunks]. `panel`: scratch of 64 widths.
 */
void pq_encode_chunk(const diskann_pq *pq, uint32_t chunk, const float *rows, uint32_t count, float *panel, uint8_t *codes);
/* One vector from its code, centre added. */
void pq_decode_row(const diskann_pq *pq, const uint8_t *code, float *out);
/* 1: every number is that of a centroid. */
int pq_codes_are_valid(const diskann_pq *pq, const uint8_t *codes, size_t count);

/* What a query has to do with every centroid: distances are sums over the chunks of a code. */
typedef struct pq_tables {
    float *sums;  /* [chunks][256]: terms of the distance, or of the inner product under cosine */
    float *norms; /* [chunks][256]: terms of the squared norm; cosine only */
    float aux;    /* of the query: 1 / norm under cosine */
    uint32_t metric;
} pq_tables;

enum { PQ_TABLE_WIDTH = 256 };

/* Fills what `tables` points at, for its metric. `query`: finite. */
void pq_tables_fill(const diskann_pq *pq, const float *query, pq_tables *tables);
/* Distances of `count` codes, in order of their chunks each. */
void pq_distances(const diskann_pq *pq, const pq_tables *tables, const uint8_t *codes, uint32_t count, float *out);

#endif
