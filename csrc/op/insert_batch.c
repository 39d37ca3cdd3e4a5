/* One batch of an insert: search and choose | tree, list back-edges | sort them by target | link targets | commit. */
#include "insert.h"

#include <string.h>

static const uint32_t GROUP_DONE = UINT32_C(0x80000000);
enum { EDGES_PER_BATCH = 131072 }; /* bounds the serial sort of a batch to a few milliseconds */
enum { DIGIT_BITS = 11, DIGIT_COUNT = 3, DIGIT_VALUES = 1 << DIGIT_BITS };

/* ---- memory ---- */

/* A batch is a small part of the index, and not larger than its sort may be. */
static uint32_t choose_batch_max(const insert_op *op)
{
    const uint64_t by_share = (op->first + op->rows) / BATCH_SHARE + 1;
    const uint64_t by_edges = EDGES_PER_BATCH / op->index->config.max_degree;
    const uint64_t batch = by_share < by_edges ? by_share : by_edges;
    return (uint32_t)(batch < op->rows ? batch : op->rows);
}

static uint64_t edges_bytes(const insert_op *op)
{
    return (uint64_t)op->batch_max * (op->graph.max_degree + 1) * sizeof(link_edge);
}

int batch_prepare(insert_op *op)
{
    diskann_op *base = &op->base;
    const diskann_config *config = &op->index->config;
    op->graph.max_degree = config->max_degree;
    op->graph.build_list_size = config->build_list_size;
    op->graph.alpha = config->alpha;
    op->batch_max = choose_batch_max(op);
    if (op->graph.links.records == NULL) { /* else a build has its working lists */
        op->graph.links = (graph_links){.records = &op->index->records, .capacity = config->max_degree};
    }
    op->edges = memory_get(&base->account, edges_bytes(op));
    op->edges_other = memory_get(&base->account, edges_bytes(op));
    op->groups = memory_get(&base->account, edges_bytes(op) / 2 + 4);
    op->link_workers = memory_get_zeroed(&base->account, base->workers * sizeof *op->link_workers);
    if (op->edges == NULL || op->edges_other == NULL || op->groups == NULL || op->link_workers == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < base->workers; i++) {
        link_worker_init(&op->link_workers[i], &base->account);
    }
    for (uint32_t i = 0; i < base->workers; i++) {
        TRY(link_worker_reserve(&op->link_workers[i], &op->graph, op->first + op->rows, op->batch_max));
    }
    return DISKANN_OK;
}

void batch_release(insert_op *op)
{
    diskann_op *base = &op->base;
    for (uint32_t i = 0; op->link_workers != NULL && i < base->workers; i++) {
        if (op->link_workers[i].search.account != NULL) {
            link_worker_reset(&op->link_workers[i]);
        }
    }
    memory_put(&base->account, op->link_workers, base->workers * sizeof *op->link_workers);
    memory_put(&base->account, op->edges, edges_bytes(op));
    memory_put(&base->account, op->edges_other, edges_bytes(op));
    memory_put(&base->account, op->groups, edges_bytes(op) / 2 + 4);
}

static uint32_t row_slot(const insert_op *op, uint64_t i)
{
    const uint64_t place = op->added + i;
    return (uint32_t)(op->first + (op->order != NULL ? op->order[place] : place));
}

static void commit(insert_op *op, uint64_t rows)
{
    diskann_index *index = op->index;
    const record_layout *layout = &index->records.layout;
    for (uint64_t i = 0; i < rows && !op->is_build; i++) {
        const uint64_t id = *record_id(layout, record_at(&index->records, row_slot(op, i)));
        index->next_id = id >= index->next_id ? id + 1 : index->next_id;
    }
    for (uint64_t i = 0; i < rows; i++) {
        index->errors += index_error(index, row_slot(op, i));
    }
    op->added += rows;
    if (!op->is_build) {
        index->size = (uint32_t)(op->first + op->added);
        index->entry = op->graph.entry;
        index->degrees.counts[0] += (int32_t)rows;
        for (uint32_t i = 0; i < op->base.workers; i++) {
            record_degrees_add(&index->degrees, &op->link_workers[i].degrees);
        }
    }
}

int batch_begin(insert_op *op, diskann_stage *stage)
{
    if (op->first + op->added == 0) { /* the first row of all: nothing to link to */
        op->graph.entry = row_slot(op, 0);
        commit(op, 1);
    }
    const uint64_t there = op->first + op->added;
    uint64_t batch = there / BATCH_SHARE + 1;
    batch = batch > op->batch_max ? op->batch_max : batch;
    batch = batch > op->rows - op->added ? op->rows - op->added : batch;
    op->batch = (uint32_t)batch;
    op->attached = 0;
    op->edge_count = 0;
    op->group_count = 0;
    op->digits = 0;
    return insert_enter(op, stage, INSERT_SEARCH, DISKANN_PHASE_LINK, batch, 1);
}

/* ---- serial part ---- */

static void attach(insert_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        op->edge_count += link_attach(&op->link_workers[0], &op->graph, row_slot(op, i), op->edges + op->edge_count);
        op->attached++;
    }
}

/* One pass of a stable radix sort over the target. */
static void sort_digit(insert_op *op)
{
    uint32_t starts[DIGIT_VALUES] = {0};
    const uint32_t shift = 32 + DIGIT_BITS * op->digits;
    for (uint32_t i = 0; i < op->edge_count; i++) {
        starts[op->edges[i] >> shift & (DIGIT_VALUES - 1)]++;
    }
    for (uint32_t value = 0, sum = 0; value < DIGIT_VALUES; value++) {
        const uint32_t count = starts[value];
        starts[value] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < op->edge_count; i++) {
        op->edges_other[starts[op->edges[i] >> shift & (DIGIT_VALUES - 1)]++] = op->edges[i];
    }
    link_edge *sorted = op->edges_other;
    op->edges_other = op->edges;
    op->edges = sorted;
    op->digits++;
}

static void find_groups(insert_op *op)
{
    for (uint32_t i = 0; i < op->edge_count; i++) {
        if (i == 0 || op->edges[i] >> 32 != op->edges[i - 1] >> 32) {
            op->groups[op->group_count++] = i;
        }
    }
}

static void sort_digits(insert_op *op, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        sort_digit(op);
        if (op->digits == DIGIT_COUNT) {
            find_groups(op);
        }
    }
}

/* ---- parallel part ---- */

static void search_rows(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end && !op_is_cancelled(&op->base); i++) {
        link_source(&op->link_workers[worker], &op->graph, row_slot(op, i));
    }
}

static void link_groups(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        const uint32_t first = op->groups[i];
        uint32_t last = first + 1;
        while (last < op->edge_count && op->edges[last] >> 32 == op->edges[first] >> 32) {
            last++;
        }
        link_target(&op->link_workers[worker], &op->graph, op->edges + first, last - first);
        op->groups[i] |= GROUP_DONE;
    }
}

void batch_run(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    switch (op->stage) {
    case INSERT_SEARCH:
        search_rows(op, worker, begin, end);
        break;
    case INSERT_ATTACH:
        attach(op, begin, end);
        break;
    case INSERT_GROUP:
        sort_digits(op, end - begin);
        break;
    default:
        link_groups(op, worker, begin, end);
    }
}

int batch_step(insert_op *op, diskann_stage *stage)
{
    switch (op->stage) {
    case INSERT_SEARCH:
        return insert_enter(op, stage, INSERT_ATTACH, DISKANN_PHASE_LINK, op->batch, 0);
    case INSERT_ATTACH:
        return insert_enter(op, stage, INSERT_GROUP, DISKANN_PHASE_LINK, DIGIT_COUNT, 0);
    default:
        return insert_enter(op, stage, INSERT_LINK, DISKANN_PHASE_LINK, op->group_count, 1);
    }
}

void batch_settle(insert_op *op)
{
    attach(op, op->attached, op->batch);
    sort_digits(op, DIGIT_COUNT - op->digits);
    for (uint32_t i = 0; i < op->group_count; i++) {
        if (!(op->groups[i] & GROUP_DONE)) {
            link_groups(op, 0, i, i + 1);
        }
    }
    commit(op, op->batch);
}
