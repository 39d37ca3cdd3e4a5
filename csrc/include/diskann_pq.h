/*
 * A part of diskann.h, which includes it: the quantiser by itself, of vectors that are in no index.
 */
#ifndef DISKANN_PQ_H
#define DISKANN_PQ_H

#include "diskann.h"

/* ---- product quantisation ------------------------------------------------------------------------------ */

/*
 * A product quantiser (Jegou, Douze and Schmid, TPAMI 2011) cuts a vector into chunks and writes each as one byte: the
 * number of the nearest of up to 256 centroids that k-means found for that chunk. It is trained on a sample, changes no
 * more, and any number of calls may use it side by side.
 */
enum {
    DISKANN_PQ_CENTROIDS_MAX = 256,
    DISKANN_PQ_ITERATIONS_DEFAULT = 12,
    DISKANN_PQ_ITERATIONS_MAX = 1000,
    DISKANN_PQ_SAMPLE_DEFAULT = 256000,
    DISKANN_PQ_SAMPLE_MAX = 16777216
};

typedef struct diskann_pq_config {
    uint32_t dimensions;  /* 1 .. 65535 */
    uint32_t chunks;      /* 1 .. dimensions: bytes of a code */
    uint32_t centroids;   /* 1 .. 256, of each chunk */
    uint32_t iterations;  /* training: of Lloyd at most, 1 .. 1000; fewer where nothing moves any more */
    uint32_t sample_rows; /* training: most rows that are kept, 1 .. 2^24 */
    uint32_t is_centred;  /* training: 1: the mean of the sample is subtracted first (for l2); 0: nothing is */
    uint32_t simd;        /* enum diskann_simd */
    uint32_t reserved;    /* 0 */
    uint64_t seed;        /* training: sample and first centroids */
} diskann_pq_config;

/* Fills in the defaults: 256 centroids, 12 iterations, 256,000 rows, centred, seed 0. */
void diskann_pq_config_init(diskann_pq_config *config, uint32_t dimensions, uint32_t chunks);

/*
 * A quantiser from its parts, copied; owned by caller. `offsets`: chunks + 1 numbers, ascending from 0 to
 * `dimensions`: chunk c has the dimensions [offsets[c], offsets[c + 1]); NULL cuts evenly: the first dimensions mod
 * chunks chunks have one more. `pivots`: [centroids][dimensions], row k holds centroid k of every chunk. `centre`:
 * [dimensions], subtracted before encoding; NULL: zeros. Only dimensions, chunks, centroids and simd of the config
 * count. ERR_INVALID_ARGUMENT, ERR_NOT_FINITE, ERR_UNSUPPORTED, ERR_NO_MEMORY.
 */
int diskann_pq_create(const diskann_pq_config *config, const uint32_t *offsets, const float *pivots, const float *centre,
                      const diskann_allocator *allocator, diskann_pq **out);
/* Frees it; no call or operation uses it any more. NULL is fine. */
void diskann_pq_destroy(diskann_pq *pq);
/* Dimensions, chunks, centroids and simd (never AUTO); the rest is 0. */
void diskann_pq_shape(const diskann_pq *pq, diskann_pq_config *out);
/* Writes the parts as diskann_pq_create takes them; each may be NULL. */
void diskann_pq_export(const diskann_pq *pq, uint32_t *offsets, float *pivots, float *centre);

/*
 * Training. Give the rows with diskann_pq_rows before the first step, in calls of any size; once the sample is
 * full, rows replace others of it by chance (Vitter's algorithm R), so the sample depends on seed, rows and their
 * order only. k-means++ finds the first centroids of each chunk, Lloyd's iterations move them; csrc/quant/kmeans.h
 * says what ties and empty centroids do. About rows x dimensions x centroids x (iterations + 1) multiplications.
 * Where rows are fewer than centroids, some centroids are equal. Fails with ERR_INVALID_ARGUMENT where no rows were
 * given.
 */
int diskann_pq_train_begin(const diskann_pq_config *config, uint32_t workers, const diskann_allocator *allocator,
                           diskann_op **out);
/* Copies. ERR_NOT_FINITE (diskann_op_failure has the row, counted over all calls), ERR_INVALID_ARGUMENT, ERR_NO_MEMORY. */
int diskann_pq_rows(diskann_op *op, const float *vectors, uint64_t rows);
/* After the last step: the quantiser, owned by caller; NULL before the end or when taken already. */
diskann_pq *diskann_pq_train_take(diskann_op *op);

/*
 * Codes of `rows` vectors, row-major, into codes[rows * chunks]; both borrowed until the operation ends. Equally near
 * centroids: the lowest. Fails with ERR_NOT_FINITE (with row).
 */
int diskann_pq_encode_begin(const diskann_pq *pq, const float *vectors, uint64_t rows, uint8_t *codes, uint32_t workers,
                            diskann_op **out);
/* The vectors that codes stand for, into out[rows * dimensions]. ERR_INVALID_ARGUMENT: a code of a centroid there is not. */
int diskann_pq_decode(const diskann_pq *pq, const uint8_t *codes, uint64_t rows, float *out);

/*
 * Search by asymmetric distances: a table of the query's distances to all centroids, then one addition a chunk for
 * every code. `codes` is borrowed until the operation ends, `query` copied. ERR_INVALID_ARGUMENT, ERR_NOT_FINITE,
 * ERR_NO_MEMORY; a code of a centroid there is not fails with ERR_INVALID_ARGUMENT (with row).
 */
int diskann_pq_search_begin(const diskann_pq *pq, const float *query, uint32_t metric, const uint8_t *codes, uint64_t rows,
                            uint32_t k, uint32_t workers, diskann_op **out);
/*
 * After the last step: min(k, rows) hits, nearest first, equal distances by row, into rows_out[k] and distances[k];
 * and their number.
 */
void diskann_pq_search_take(diskann_op *op, uint64_t *rows_out, float *distances, uint32_t *count);

#endif
