/*
 * The search of an index that knows codes of a record's neighbours once it has the record: they lie in it, or all codes are in
 * memory. Who has a record has its exact distance and estimates of those of all its neighbours, so that nothing else need
 * be read: a search is a sequence of records. Where they come from is the caller's business:
 *
 *     walk_begin(walk, ...);
 *     while ((count = walk_next(walk, slots)) > 0)
 *         for each of slots[0 .. count), in this order: walk_absorb(walk, space, slot, its record);
 *     walk_take(walk, ids, distances);
 *
 * The list holds the L nearest slots by what is estimated of each, or by its distance where its record was there before it
 * was its turn. With codes in records each neighbour that leads to a record has an estimate of its own, and nearer ones have
 * better ones: they make a mean, each with the inverse of its variance for a weight. The list begins with the entry; with codes
 * in memory or a navigator, with the nearest of a sample of slots too. Hits are the k nearest of all whose distance is known.
 *
 * The walk is over when the L nearest are expanded. The list is longer by what a round has room for beside one slot, so that
 * rounds are full: what lies beyond L now is often wanted in the next round, which is then saved.
 */
#ifndef DISKANN_GRAPH_WALK_H
#define DISKANN_GRAPH_WALK_H

#include "../quant/bits.h"
#include "graph.h"

/* A record whose distance is known, by (distance, id). */
typedef struct walk_hit {
    uint64_t id;
    uint32_t order; /* bits of the distance, sortable */
} walk_hit;

/* What is known of a slot. */
typedef struct walk_note {
    uint32_t slot; /* WALK_SCORED is set when its distance is known */
    uint32_t order;
    float spread; /* how far the estimate may be off, up to a factor that is the query's; INFINITY: any other is better */
} walk_note;

typedef struct walk_limits {
    uint32_t list_size; /* L, at least k */
    uint32_t width;     /* slots of a round */
    uint32_t k;
} walk_limits;

typedef struct graph_walk {
    memory_account *account;
    const graph_space *space; /* what the buffers of the query are made for; NULL before there are some */
    graph_candidate *list;   /* ascending; flag: expanded */
    walk_hit *hits;          /* a heap, the farthest first */
    walk_note *notes;        /* open addressing by slot */
    uint8_t *epochs;         /* of their places: one that is not of this walk is free */
    float *query;            /* [dimensions]: as codes want it */
    float *estimates;        /* [estimate_capacity] */
    uint32_t *unknown;       /* [unknown_capacity]: slots that nothing is known of */
    bits_query coded;        /* where records hold codes */
    pq_query tables;         /* where they are in memory */
    graph_point point;       /* the query; its vector is borrowed until the walk ends */
    uint32_t estimate_capacity, unknown_capacity;
    uint32_t list_size, list_count, list_capacity;
    uint32_t wanted, width;  /* L; of a round */
    uint32_t k, hit_count, hit_capacity;
    uint32_t note_count, note_capacity; /* capacity: a power of two */
    uint32_t cursor;         /* every candidate before it is expanded */
    uint8_t epoch;
    int status;              /* ERR_NO_MEMORY once notes could not grow */
    uint64_t distance_count, hops, rounds;
} graph_walk;

void walk_init(graph_walk *walk, memory_account *account);
/* Makes room; allocates only where a limit grew. ERR_NO_MEMORY leaves it usable for what it could do before. */
int walk_reserve(graph_walk *walk, const graph_space *space, uint32_t max_degree, walk_limits limits);
void walk_reset(graph_walk *walk);

/*
 * `query`: floats, as it came; `point`: the same in the query form. `size`: slots of the graph. Limits are within what was
 * reserved.
 */
void walk_begin(graph_walk *walk, const graph_space *space, const float *query, graph_point point, uint32_t entry,
                uint32_t size, walk_limits limits);
/* The nearest slots that have not been expanded, at most limits.width of them; 0: the walk is over. */
uint32_t walk_next(graph_walk *walk, uint32_t *slots);
/* What is likely to be next, for those who fetch ahead; SLOT_NONE where there is nothing. */
uint32_t walk_peek(const graph_walk *walk);
/* Expands a slot that walk_next named. */
void walk_absorb(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record);
/* A record that is there anyway: its distance is taken, its neighbours are not. */
void walk_score(graph_walk *walk, const graph_space *space, uint32_t slot, const uint8_t *record);
/* The hits, nearest first, equal distances by id. Returns their number, or ERR_NO_MEMORY. */
int walk_take(graph_walk *walk, uint64_t *ids, float *distances);

#endif
