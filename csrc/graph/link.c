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

void link_worker_init(link_worker *worker, memory_account *account)
{
    memset(worker, 0, sizeof *worker);
    graph_search_init(&worker->search, account);
    prune_init(&worker->prune, account);
    list_coder_init(&worker->coder, account);
}

void link_worker_reset(link_worker *worker)
{
    graph_search_reset(&worker->search);
    prune_reset(&worker->prune);
    list_coder_reset(&worker->coder);
}

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
    if (graph->space.bits != NULL) {
        TRY(list_coder_reserve(&worker->coder, &graph->space, graph->max_degree));
    }
    /* A target can be wanted by a whole batch, and get its displaced edges back. */
    const uint32_t back_edges = graph->links.capacity + 2 * batch;
    return prune_reserve(&worker->prune, limits.expanded > back_edges ? limits.expanded : back_edges,
                         graph_source_floats(&graph->space));
}

/* Around every change of a list: what goes with lists in records, which are not working lists of a build. */
typedef struct change {
    link_worker *worker;
    const link_graph *graph;
    uint32_t slot;
    uint32_t degree;
} change;

static change begin_change(link_worker *worker, const link_graph *graph, uint32_t slot)
{
    const int is_record = graph->links.lists == NULL;
    if (is_record && graph->space.bits != NULL) {
        list_coder_note(&worker->coder, slot);
    }
    return (change){worker, graph, slot, links_at(&graph->links, slot)->degree};
}

static void end_change(const change *change)
{
    const link_graph *graph = change->graph;
    if (graph->links.lists != NULL) {
        return;
    }
    change->worker->degrees.counts[change->degree]--;
    change->worker->degrees.counts[links_at(&graph->links, change->slot)->degree]++;
    record_touch(graph->space.records, change->slot);
    if (graph->space.bits != NULL) {
        list_coder_follow(&change->worker->coder, change->slot);
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
    const change change = begin_change(worker, graph, slot); /* the commit counts it as one of degree 0 before */
    prune_run(&worker->prune, &graph->space, count, graph->max_degree, graph->alpha, links_at(&graph->links, slot));
    end_change(&change);
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
    const change change = begin_change(worker, graph, parent);
    const uint32_t displaced = add_child(links_at(&graph->links, parent), slot, graph->links.capacity);
    end_change(&change);
    if (displaced != SLOT_NONE) {
        edges[count++] = link_edge_make(parent, displaced); /* it competes for its place again */
    }
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
    const change change = begin_change(worker, graph, target);
    if (list->degree + count <= graph->links.capacity) {
        for (uint32_t i = 0; i < count; i++) {
            list->neighbours[list->degree++] = (uint32_t)edges[i];
        }
        end_change(&change);
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
    end_change(&change);
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
