/* What a search costs by list size, and at a recall. */
#ifndef DISKANN_BENCH_LAYOUT_CURVE_H
#define DISKANN_BENCH_LAYOUT_CURVE_H

#include "world.h"

/* Of a query; hits of its 10 nearest. */
typedef struct point {
    double hits, expansions, reads, seconds;
} point;

enum { LADDER = 16, ROUNDS = 5 };

static const uint32_t ladder[LADDER] = {10, 12, 14, 17, 20, 24, 28, 34, 40, 56, 80, 112, 160, 240, 360, 500};
static const double targets[] = {0.95, 0.99};

/* All queries with this list size; adds to the sums, but for seconds. */
typedef void pass(void *context, uint32_t list_size, point *sum);

/* Who searches, and the points up to the first that reaches the last target. */
typedef struct curve {
    pass *pass;
    void *context;
    uint32_t queries, count;
    point points[LADDER];
} curve;

static point curve_point(const curve *curve, uint32_t at)
{
    point sum = {0};
    const double began = now();
    curve->pass(curve->context, ladder[at], &sum);
    const double seconds = now() - began;
    return (point){sum.hits / curve->queries, sum.expansions / curve->queries, sum.reads / curve->queries,
                   seconds / curve->queries};
}

/* Also warms up. */
static void curve_explore(curve *curve)
{
    double recall = 0;
    while (curve->count < LADDER && recall < targets[1]) {
        curve->points[curve->count] = curve_point(curve, curve->count);
        recall = curve->points[curve->count++].hits / WORLD_K;
    }
}

static void curve_time(curve *curve, uint32_t at)
{
    if (at < curve->count) {
        const double seconds = curve_point(curve, at).seconds, best = curve->points[at].seconds;
        curve->points[at].seconds = seconds < best ? seconds : best;
    }
}

/* By turns, so that what else the machine does hits all alike; the best of the rounds counts. */
static void curves_time(curve *curves, uint32_t count)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t at = 0; at < LADDER; at++) {
            for (uint32_t i = 0; i < count; i++) {
                curve_time(&curves[i], at);
            }
        }
    }
}

/* On the straight line between the neighbouring points. */
static void curve_print(const curve *curve)
{
    for (uint32_t target = 0; target < 2; target++) {
        uint32_t at = 0;
        while (at < curve->count && curve->points[at].hits < WORLD_K * targets[target]) {
            at++;
        }
        if (at == curve->count) {
            continue;
        }
        const point high = curve->points[at], low = curve->points[at > 0 ? at - 1 : 0];
        const double span = high.hits - low.hits;
        const double share = span > 0 ? (WORLD_K * targets[target] - low.hits) / span : 1;
        const int percent = (int)(100 * targets[target] + 0.5);
        printf(", \"expansions%d\": %.1f", percent, low.expansions + share * (high.expansions - low.expansions));
        if (high.reads > 0) {
            printf(", \"reads%d\": %.1f", percent, low.reads + share * (high.reads - low.reads));
        }
        printf(", \"qps%d\": %.0f", percent, 1 / (low.seconds + share * (high.seconds - low.seconds)));
    }
}

#endif
