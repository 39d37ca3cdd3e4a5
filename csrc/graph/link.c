/*
 * Batch insertion (ParlayANN, arXiv 2305.04359): all records of a batch search the same frozen graph, then
 * back-edges are grouped by target and each target is changed by one worker. So the graph depends on the batches alone,
 * not on threads.
 *
 * We add a tree: every record but the entry hangs on one parent by an edge that pruning keeps. A record is linked from
 * the start, and stays linked whatever other records are pruned away.
 */
#include "link.h"

#include "../base/random.h"
#include "../base/status.h"

#include <string.h>

/* Log of expanded candidates beyond L: the way from the entry, whose long edges are worth keeping. */
enum { PATH_LOG = 512 };

int link_worker_reserve(link_worker *worker, const link_graph *graph, uint64_t slots, uint32_t batch)
{
    const graph_search_limits limits = {
        .slots = slots,
        .list_size = graph->build_list_size,
        .expanded = graph->build_list_size + PATH_LOG,
        .per_round = graph->links.capacity,
        .codes = graph->space.codes,
    };
    TRY(graph_search_reserve(&worker->search, &limits));
    /* A target can be wanted by a whole batch, and get its displaced edges back. */
    const uint32_t back_edges = graph->links.capacity + 2 * batch;
    return prune_reserve(&worker->prune, limits.expanded > back_edges ? limits.expanded : back_edges,
                         graph_source_floats(&graph->space));
}

/* A record that was of degree `before` has its list as it is now. */
static void note_degree(link_worker *worker, const link_graph *graph, uint32_t before, const record_list *list)
{
    if (graph->links.lists == NULL) {
        worker->degrees.counts[before]--;
        worker->degrees.counts[list->degree]++;
    }
}

/* Searches for a record; what was expanded on the way is left in the pool of the prune. Returns its count. */
static uint32_t search_record(link_worker *worker, const link_graph *graph, graph_point point, uint32_t is_coded)
{
    const graph_search_options options = {
        .entry = graph->entry, .list_size = graph->build_list_size, .beam_width = 1, .is_coded = is_coded};
    graph_search *search = &worker->search;
    graph_search_run(search, &graph->space, &graph->links, point, &options);
    const uint64_t logged = search->expanded_count;
    const uint32_t count = (uint32_t)(logged < search->expanded_capacity ? logged : search->expanded_capacity);
    memcpy(worker->prune.pool, search->expanded, count * sizeof *search->expanded);
    return count;
}

void link_source(link_worker *worker, const link_graph *graph, uint32_t slot)
{
    const graph_point point = graph_source_at(&graph->space, slot, worker->prune.source);
    graph_search *search = &worker->search;
    uint32_t count = search_record(worker, graph, point, 1);
    if (graph->space.codes != NULL) {
        candidates_sort(worker->prune.pool, count);
        if (!graph_search_refine(search, &graph->space, point, worker->prune.pool, count)) {
            worker->coarse++;
            worker->prune.distance_count += search->distance_count;
            count = search_record(worker, graph, point, 0);
        }
    }
    worker->prune.distance_count += search->distance_count;
    record_list *list = links_at(&graph->links, slot);
    prune_run(&worker->prune, &graph->space, count, graph->max_degree, graph->alpha, list);
    note_degree(worker, graph, 0, list); /* the commit counts it as one of degree 0 before */
}

/*
 * The nearest neighbour that can take a child; when all are full (many equal vectors), down the tree from the nearest, by
 * a random path seeded by the slot, until there is room: leaves always have some, and the tree stays shallow.
 */
static uint32_t choose_parent(const link_graph *graph, const record_list *own, uint32_t slot)
{
    for (uint32_t i = 0; i < own->degree; i++) {
        if (links_at(&graph->links, own->neighbours[i])->children < record_children_max(graph->max_degree)) {
            return own->neighbours[i];
        }
    }
    uint32_t parent = own->degree > 0 ? own->neighbours[0] : graph->entry;
    const record_list *list = links_at(&graph->links, parent);
    random_state path = {slot};
    while (list->children >= record_children_max(graph->max_degree)) {
        parent = list->neighbours[random_below(&path, list->children)];
        list = links_at(&graph->links, parent);
    }
    return parent;
}

/* Puts a tree edge behind the other tree edges. Returns the neighbour that had to go, or SLOT_NONE. */
static uint32_t add_child(record_list *list, uint32_t child, uint32_t capacity)
{
    uint32_t displaced = SLOT_NONE;
    if (list->degree == capacity) {
        displaced = list->neighbours[list->degree - 1];
    } else {
        list->degree++;
    }
    memmove(list->neighbours + list->children + 1, list->neighbours + list->children,
            (list->degree - 1u - list->children) * sizeof *list->neighbours);
    list->neighbours[list->children++] = child;
    return displaced;
}

static void touch(const link_graph *graph, uint32_t slot)
{
    if (graph->links.lists == NULL) {
        record_touch(graph->space.records, slot);
    }
}

uint32_t link_attach(link_worker *worker, const link_graph *graph, uint32_t slot, link_edge *edges)
{
    const record_list *own = links_at(&graph->links, slot);
    const uint32_t parent = choose_parent(graph, own, slot);
    uint32_t count = 0;
    for (uint32_t i = 0; i < own->degree; i++) {
        if (own->neighbours[i] != parent) {
            edges[count++] = link_edge_make(own->neighbours[i], slot);
        }
    }
    record_list *list = links_at(&graph->links, parent);
    const uint32_t before = list->degree;
    const uint32_t displaced = add_child(list, slot, graph->links.capacity);
    note_degree(worker, graph, before, list);
    if (displaced != SLOT_NONE) {
        edges[count++] = link_edge_make(parent, displaced); /* it competes for its place again */
    }
    touch(graph, parent);
    return count;
}

/*
 * Degree after a full list is pruned. Lists in records have no slack, so that every further back-edge would
 * prune them again; an eighth of room halves the cost of an insert, at no cost in recall.
 */
static uint32_t pruned_degree(const link_graph *graph)
{
    return graph->links.lists != NULL ? graph->max_degree : graph->max_degree - graph->max_degree / 8;
}

/* The whole list of a record as a pool for the prune. */
static uint32_t pool_of_list(link_worker *worker, const link_graph *graph, graph_point point, const record_list *list)
{
    graph_search *search = &worker->search;
    graph_distances(&graph->space, point, list->neighbours, list->degree, search->rows, search->distances);
    worker->prune.distance_count += list->degree;
    for (uint32_t i = 0; i < list->degree; i++) {
        worker->prune.pool[i] = candidate_make(search->distances[i], list->neighbours[i]) | (i < list->children);
    }
    return list->degree;
}

void link_target(link_worker *worker, const link_graph *graph, const link_edge *edges, uint32_t count)
{
    const uint32_t target = (uint32_t)(edges[0] >> 32);
    record_list *list = links_at(&graph->links, target);
    const uint32_t before = list->degree;
    touch(graph, target);
    if (list->degree + count <= graph->links.capacity) {
        for (uint32_t i = 0; i < count; i++) {
            list->neighbours[list->degree++] = (uint32_t)edges[i];
        }
        note_degree(worker, graph, before, list);
        return;
    }
    const graph_point point = graph_source_at(&graph->space, target, worker->prune.source);
    uint32_t pooled = pool_of_list(worker, graph, point, list);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t source = (uint32_t)edges[i];
        const float distance = graph_distance(&graph->space, point, graph_point_at(&graph->space, source));
        worker->prune.pool[pooled++] = candidate_make(distance, source);
    }
    worker->prune.distance_count += count;
    prune_run(&worker->prune, &graph->space, pooled, pruned_degree(graph), graph->alpha, list);
    memset(list->neighbours + list->degree, 0, (graph->links.capacity - list->degree) * sizeof *list->neighbours);
    note_degree(worker, graph, before, list);
}

void link_trim(link_worker *worker, const link_graph *graph, uint32_t slot)
{
    record_list *list = links_at(&graph->links, slot);
    if (list->degree > graph->max_degree) {
        const graph_point point = graph_source_at(&graph->space, slot, worker->prune.source);
        const uint32_t count = pool_of_list(worker, graph, point, list);
        prune_run(&worker->prune, &graph->space, count, graph->max_degree, graph->alpha, list);
    }
}
