#include "kmeans.h"

#include <math.h>
#include <string.h>

static float *block_at(const kmeans *means, uint64_t block)
{
    return means->points + block * means->dims * NEAREST_POINTS;
}

static float value_at(const kmeans *means, uint64_t point, uint32_t dim)
{
    return block_at(means, point / NEAREST_POINTS)[(size_t)dim * NEAREST_POINTS + point % NEAREST_POINTS];
}

static void copy_point(const kmeans *means, uint64_t point, float *out)
{
    for (uint32_t j = 0; j < means->dims; j++) {
        out[j] = value_at(means, point, j);
    }
}

static uint64_t piece_end(const kmeans *means, uint64_t piece)
{
    const uint64_t end = (piece + 1) * KMEANS_PIECE;
    return end < means->count ? end : means->count;
}

/* ---- seeds ---- */

static void take_seed(kmeans *means, uint64_t point)
{
    copy_point(means, point, means->centroids + (size_t)means->seeded * means->dims);
    means->seeded++;
}

void kmeans_begin(kmeans *means)
{
    means->seeded = 0;
    means->is_settled = 0;
    take_seed(means, random_below(&means->random, means->count));
}

/* No centroid is near yet. */
static void forget(kmeans *means, uint64_t piece)
{
    const uint64_t slots = kmeans_blocks(means->count) * NEAREST_POINTS, end = (piece + 1) * KMEANS_PIECE;
    for (uint64_t i = piece * KMEANS_PIECE; i < end && i < slots; i++) {
        means->distances[i] = INFINITY;
        means->numbers[i] = 0;
    }
}

static void compare(kmeans *means, uint64_t piece, const nearest_centroids *centroids)
{
    const uint64_t blocks = kmeans_blocks(means->count), end = (piece + 1) * KMEANS_PIECE_BLOCKS;
    for (uint64_t block = piece * KMEANS_PIECE_BLOCKS; block < end && block < blocks; block++) {
        const uint64_t first = block * NEAREST_POINTS;
        means->kernel(block_at(means, block), means->dims, centroids, means->distances + first, means->numbers + first);
    }
}

void kmeans_measure(kmeans *means, uint64_t piece)
{
    const uint32_t last = means->seeded - 1;
    const nearest_centroids one = {means->centroids + (size_t)last * means->dims, last, 1};
    double weight = 0;
    if (last == 0) {
        forget(means, piece);
    }
    compare(means, piece, &one);
    for (uint64_t i = piece * KMEANS_PIECE; i < piece_end(means, piece); i++) {
        weight += means->distances[i];
    }
    means->weights[piece] = weight;
}

/* The point at which the running sum of the distances passes `target`; rounding may leave the last point that has any. */
static uint64_t find_point(const kmeans *means, double target)
{
    const uint64_t pieces = kmeans_pieces(means->count);
    uint64_t found = 0;
    double sum = 0;
    for (uint64_t piece = 0; piece < pieces; piece++) {
        const int is_last = piece + 1 == pieces;
        if (!is_last && sum + means->weights[piece] <= target) {
            sum += means->weights[piece];
            continue;
        }
        for (uint64_t i = piece * KMEANS_PIECE; i < piece_end(means, piece); i++) {
            sum += means->distances[i];
            found = means->distances[i] > 0 ? i : found;
            if (sum > target) {
                return i;
            }
        }
    }
    return found;
}

void kmeans_seed(kmeans *means)
{
    double total = 0;
    for (uint64_t piece = 0; piece < kmeans_pieces(means->count); piece++) {
        total += means->weights[piece];
    }
    if (!(total > 0)) { /* every point is a centroid already */
        take_seed(means, random_below(&means->random, means->count));
        return;
    }
    const double share = (double)(random_next(&means->random) >> 11) * 0x1p-53; /* in [0, 1) */
    take_seed(means, find_point(means, share * total));
}

/* ---- Lloyd ---- */

void kmeans_assign(kmeans *means, uint64_t piece)
{
    const nearest_centroids all = {means->centroids, 0, means->centroid_count};
    forget(means, piece);
    compare(means, piece, &all);
}

void kmeans_sum(kmeans *means, uint32_t dim)
{
    if (dim == means->dims) {
        memset(means->counts, 0, means->centroid_count * sizeof *means->counts);
        for (uint64_t i = 0; i < means->count; i++) {
            means->counts[means->numbers[i]]++;
        }
        return;
    }
    double *sums = means->sums + (size_t)dim * means->centroid_count;
    memset(sums, 0, means->centroid_count * sizeof *sums);
    for (uint64_t first = 0; first < means->count; first += NEAREST_POINTS) {
        const float *values = block_at(means, first / NEAREST_POINTS) + (size_t)dim * NEAREST_POINTS;
        const uint64_t rest = means->count - first;
        const uint32_t here = rest < NEAREST_POINTS ? (uint32_t)rest : NEAREST_POINTS;
        for (uint32_t i = 0; i < here; i++) {
            sums[means->numbers[first + i]] += values[i];
        }
    }
}

/* A point that is away from its centroid; the order is that of distance, then of the lower number. */
typedef struct away {
    float distance;
    uint64_t point;
} away;

static int is_before(away a, away b)
{
    return a.distance > b.distance || (a.distance == b.distance && a.point < b.point);
}

/* The `wanted` farthest points, farthest first; returns how many there are. */
static uint32_t find_farthest(const kmeans *means, uint32_t wanted, away *found)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < means->count; i++) {
        const away candidate = {means->distances[i], i};
        if (!(candidate.distance > 0) || (count == wanted && !is_before(candidate, found[count - 1]))) {
            continue;
        }
        uint32_t place = count < wanted ? count++ : count - 1;
        for (; place > 0 && is_before(candidate, found[place - 1]); place--) {
            found[place] = found[place - 1];
        }
        found[place] = candidate;
    }
    return count;
}

static void fill_empty(kmeans *means)
{
    away farthest[KMEANS_CENTROIDS_MAX];
    uint32_t empty = 0, taken = 0;
    for (uint32_t k = 0; k < means->centroid_count; k++) {
        empty += means->counts[k] == 0;
    }
    const uint32_t found = empty > 0 ? find_farthest(means, empty, farthest) : 0;
    for (uint32_t k = 0; k < means->centroid_count && taken < found; k++) {
        if (means->counts[k] == 0) {
            copy_point(means, farthest[taken++].point, means->centroids + (size_t)k * means->dims);
            means->is_settled = 0;
        }
    }
}

void kmeans_move(kmeans *means)
{
    means->is_settled = 1;
    for (uint32_t k = 0; k < means->centroid_count; k++) {
        float *centroid = means->centroids + (size_t)k * means->dims;
        for (uint32_t j = 0; j < means->dims && means->counts[k] > 0; j++) {
            const double sum = means->sums[(size_t)j * means->centroid_count + k];
            const float mean = (float)(sum / (double)means->counts[k]) + 0.0f;
            means->is_settled &= mean == centroid[j];
            centroid[j] = mean;
        }
    }
    fill_empty(means);
}
