/*
 * The order of records: the tree, depth first. A record's parent is a near neighbour of it, so subtrees are places in
 * space, and what a search needs together lies together.
 */
#ifndef DISKANN_GRAPH_ORDER_H
#define DISKANN_GRAPH_ORDER_H

#include "graph.h"

typedef struct order_walk {
    uint32_t *rank;  /* [slots]: new slot of each */
    uint32_t *stack; /* [slots] */
    uint32_t stack_count;
    uint32_t next;
} order_walk;

void order_begin(order_walk *walk, uint32_t entry);
/* Visits `count` more records. */
void order_visit(order_walk *walk, const graph_links *links, uint64_t count);

/*
 * Moves records to their ranks in place, one unit of work at a time: 2 * slots units are always enough, further ones do
 * nothing. `rank` is the identity in the end. `cursor` starts at 0.
 */
void order_permute(record_store *records, uint32_t *rank, uint64_t slots, uint64_t *cursor, uint64_t units);

#endif
