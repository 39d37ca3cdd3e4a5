/*
 * k-means of one chunk: k-means++ seeds (Arthur and Vassilvitskii 2007), then Lloyd's iterations. All of it is cut
 * into pieces that are fixed by the data, so that who runs them, and in which order, changes no bit.
 *
 *     kmeans_begin
 *     for each centroid: kmeans_measure all pieces; but after the last: kmeans_seed
 *     for each iteration: kmeans_assign all pieces (the first time the measuring has done it); kmeans_sum all dimensions;
 *                         kmeans_move
 *
 * What ties and gaps do: of equally near centroids the lowest takes a point. An empty centroid takes the point that
 * is farthest from its own, of equally far ones the lowest, each point once; where no point is away from its
 * centroid, it stays where it is.
 */
#ifndef DISKANN_QUANT_KMEANS_H
#define DISKANN_QUANT_KMEANS_H

#include "../base/random.h"
#include "../simd/nearest.h"

enum {
    KMEANS_PIECE_BLOCKS = 4,
    KMEANS_PIECE = KMEANS_PIECE_BLOCKS * NEAREST_POINTS, /* points of a piece */
    KMEANS_CENTROIDS_MAX = 256
};

typedef struct kmeans {
    simd_nearest *kernel;
    random_state random;
    float *points; /* [blocks][dims][64], zeros behind the last point; no -0 */
    uint64_t count;
    uint32_t dims;
    uint32_t centroid_count;
    uint32_t seeded;     /* centroids that have been chosen */
    uint32_t is_settled; /* the last move changed nothing: no other ever will */
    float *centroids;    /* [centroid_count][dims] */
    float *distances;    /* [blocks * 64]: to the nearest centroid */
    uint32_t *numbers;   /* [blocks * 64]: which that is */
    double *weights;     /* [pieces]: sums of distances */
    double *sums;        /* [dims][centroid_count] */
    uint64_t *counts;    /* [centroid_count] */
} kmeans;

static inline uint64_t kmeans_blocks(uint64_t points)
{
    return (points + NEAREST_POINTS - 1) / NEAREST_POINTS;
}

static inline uint64_t kmeans_pieces(uint64_t points)
{
    return (points + KMEANS_PIECE - 1) / KMEANS_PIECE;
}

/* Draws the first centroid. */
void kmeans_begin(kmeans *means);
/* Compares the points of a piece with the centroid that was chosen last. */
void kmeans_measure(kmeans *means, uint64_t piece);
/* Draws the next centroid, a point with the probability of its distance. */
void kmeans_seed(kmeans *means);
/* The nearest centroid of every point of a piece. */
void kmeans_assign(kmeans *means, uint64_t piece);
/* Sums of dimension `dim` by centroid; `dim` == dims: counts. */
void kmeans_sum(kmeans *means, uint32_t dim);
/* Every centroid goes to the mean of its points. */
void kmeans_move(kmeans *means);

#endif
