/* How a record gets into the graph: the two phases of a batch, and the tree that keeps every record reachable. */
#ifndef DISKANN_GRAPH_LINK_H
#define DISKANN_GRAPH_LINK_H

#include "graph.h"
#include "list_codes.h"

/* What one worker needs for both phases. */
typedef struct link_worker {
    graph_search search;
    prune_scratch prune;
    list_coder coder; /* where records hold codes of their neighbours */
    uint64_t coarse; /* records that were searched for again, since codes could not tell their neighbours apart */
    record_degrees degrees; /* what it changed since the last commit, of lists in records */
} link_worker;

/* What all workers share: the graph and the parameters of Vamana. */
typedef struct link_graph {
    graph_space space;
    graph_links links;
    uint32_t entry;
    uint32_t max_degree;
    uint32_t build_list_size;
    float alpha;
} link_graph;

/* A back-edge to be: target in the upper half, source in the lower. */
typedef uint64_t link_edge;

static inline link_edge link_edge_make(uint32_t target, uint32_t source)
{
    return (uint64_t)target << 32 | source;
}

void link_worker_init(link_worker *worker, memory_account *account);
void link_worker_reset(link_worker *worker);
/* `slots`: of the whole graph in the end; `batch`: most rows that are linked at once. */
int link_worker_reserve(link_worker *worker, const link_graph *graph, uint64_t slots, uint32_t batch);

/* Phase 1: searches for a record in the frozen graph and chooses its neighbours. Touches no other record's list. */
void link_source(link_worker *worker, const link_graph *graph, uint32_t slot);

/*
 * Between the phases, for one source at a time, on one worker: hangs it into the tree and writes the back-edges it
 * wants into `edges` (at most max_degree + 1). Returns their number.
 */
uint32_t link_attach(link_worker *worker, const link_graph *graph, uint32_t slot, link_edge *edges);

/* Phase 2: adds back-edges to the list of their common target, which no other worker touches. */
void link_target(link_worker *worker, const link_graph *graph, const link_edge *edges, uint32_t count);

/* Prunes a list that holds more than max_degree. */
void link_trim(link_worker *worker, const link_graph *graph, uint32_t slot);

#endif
