/*
 * 1-bit codes of a build under a budget. A code of an edge is made of the vectors at both its ends: of the record, which is in
 * the window, and of the neighbour, which is anywhere. So the edges of a window are sorted by the read that brings the row they
 * lead to, and all rows are read in order once more: a join of a window with the rows, without a read at a random place.
 */
#include "budget.h"

#include "../base/status.h"

#include <string.h>

/* Rounded up, so that it is the same on every machine. */
enum { LIST_CODER_BYTES = 128 };
_Static_assert(sizeof(list_coder) <= LIST_CODER_BYTES, "coders are counted");

static uint64_t reads_of(const budget_op *op)
{
    return op->rows / (op->plan.input_rows + (op->rows == 0)) + 1;
}

static uint64_t edges_of(const budget_op *op)
{
    return op->plan.window_pages * op->block.layout.records_per_page * op->block.config.max_degree;
}

/* ---- memory ---- */

uint64_t budget_edges_bytes(const diskann_config *config, uint64_t slots)
{
    return slots * config->max_degree * 2 * sizeof(uint32_t);
}

/* What is there beside the window and its edges. */
uint64_t budget_bits_bytes(const diskann_config *config, uint64_t reads, uint32_t workers)
{
    bits_layout layout;
    bits_layout_init(&layout, config->dimensions, config->max_degree);
    const uint64_t vector = layout.length * sizeof(float);
    const uint64_t coder = LIST_CODER_BYTES + 6 * vector + layout.block_bytes + config->max_degree * sizeof(uint32_t);
    const uint64_t shared = 8 * vector; /* origin and rotation */
    return shared + workers * coder + NAVIGATOR_BYTES_MAX + reads * sizeof(uint64_t);
}

static int prepare_coders(budget_op *op)
{
    op->edges.coders = memory_get_zeroed(&op->account, op->base.workers * sizeof *op->edges.coders);
    for (uint32_t i = 0; op->edges.coders != NULL && i < op->base.workers; i++) {
        list_coder_init(&op->edges.coders[i], &op->account);
        TRY(list_coder_reserve(&op->edges.coders[i], &op->work->space, op->block.config.max_degree));
    }
    return op->edges.coders != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

int budget_bits_prepare(budget_op *op)
{
    budget_edges *edges = &op->edges;
    index_destroy(op->work);
    op->work = NULL;
    TRY(index_create(&op->block.config, &op->account.allocator, &op->work));
    TRY(prepare_coders(op));
    edges->targets = memory_get(&op->account, edges_of(op) * sizeof *edges->targets);
    edges->order = memory_get(&op->account, edges_of(op) * sizeof *edges->order);
    edges->ends = memory_get(&op->account, reads_of(op) * sizeof *edges->ends);
    if (edges->targets == NULL || edges->order == NULL || edges->ends == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    return op->block.navigator_size > 0
               ? navigator_reserve(&op->work->navigator, op->block.config.dimensions, op->block.navigator_size)
               : DISKANN_OK;
}

void budget_bits_reset(budget_op *op)
{
    budget_edges *edges = &op->edges;
    memory_account *account = &op->account;
    for (uint32_t i = 0; edges->coders != NULL && i < op->base.workers; i++) {
        if (edges->coders[i].account != NULL) {
            list_coder_reset(&edges->coders[i]);
        }
    }
    memory_put(account, edges->coders, op->base.workers * sizeof *edges->coders);
    memory_put(account, edges->targets, edges_of(op) * sizeof *edges->targets);
    memory_put(account, edges->order, edges_of(op) * sizeof *edges->order);
    memory_put(account, edges->ends, reads_of(op) * sizeof *edges->ends);
}

/* ---- items ---- */

static uint64_t read_of(const budget_op *op, uint64_t edge)
{
    return op->edges.targets[edge] / op->plan.input_rows;
}

/* Where those of a read begin in the order. */
static uint64_t begin_of(const budget_op *op, uint64_t read)
{
    return read > 0 ? op->edges.ends[read - 1] : 0;
}

/* Counts become the places where the edges of a read go next. */
static void sum_counts(budget_op *op)
{
    uint64_t before = 0;
    for (uint64_t read = 0; read < reads_of(op); read++) {
        const uint64_t count = op->edges.ends[read];
        op->edges.ends[read] = before;
        before += count;
    }
}

/* A sort by counting: every record comes twice. */
static void sort_edges(budget_op *op, uint64_t begin, uint64_t end)
{
    const record_layout *layout = &op->work->records.layout;
    const uint64_t slots = budget_window_slots(op);
    for (uint64_t item = begin; item < end; item++) {
        const uint64_t slot = item < slots ? item : item - slots, first = slot * op->block.config.max_degree;
        const uint32_t degree = record_links(layout, record_at(&op->work->records, (uint32_t)slot))->degree;
        if (item == slots) {
            sum_counts(op);
        }
        for (uint64_t edge = first; edge < first + degree; edge++) {
            uint64_t *next = &op->edges.ends[read_of(op, edge)];
            if (item >= slots) {
                op->edges.order[*next] = (uint32_t)edge;
            }
            *next += 1;
        }
    }
}

/* Behind the last page of the window, which is written with zeros behind its last record. */
static uint32_t fetched_slot(const budget_op *op, uint64_t i)
{
    return (uint32_t)(op->window_pages * op->block.layout.records_per_page + i);
}

/* The edges of a record that begin among [begin, end) of those of this read, to the last of them: no record has two workers. */
static void encode_edges(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    const uint64_t read = op->first / op->plan.input_rows, from = begin_of(op, read), to = op->edges.ends[read];
    const uint32_t *order = op->edges.order, degree = op->block.config.max_degree;
    uint64_t at = from + begin;
    uint32_t owner = at > from ? order[at - 1] / degree : SLOT_NONE;
    while (at < to && order[at] / degree == owner) {
        at++;
    }
    for (; at < to && (at < from + end || order[at] / degree == owner); at++) {
        const uint32_t edge = order[at];
        if (edge / degree != owner) {
            owner = edge / degree;
            list_coder_own(&op->edges.coders[worker], owner);
        }
        const uint32_t slot = fetched_slot(op, op->edges.targets[edge] - op->first);
        list_coder_place(&op->edges.coders[worker], owner, edge % degree, slot);
    }
}

static void navigate(budget_op *op, uint64_t begin, uint64_t end)
{
    const navigator *navigator = &op->work->navigator;
    for (uint64_t place = begin; place < end; place++) {
        const uint64_t at = navigator_slot(navigator, (uint32_t)place) - budget_first_slot(op);
        if (at < budget_window_slots(op)) {
            list_coder_navigate_place(&op->edges.coders[0], navigator, (uint32_t)place, (uint32_t)at);
        }
    }
}

/* ---- stages ---- */

int budget_begin_edges(budget_op *op, diskann_stage *stage)
{
    if (op->window == 0) {
        TRY(index_set_origin(op->work, 0)); /* the entry is the first record */
    }
    memset(op->edges.ends, 0, (size_t)(reads_of(op) * sizeof *op->edges.ends));
    return budget_enter(op, stage, BUDGET_SORT, 2 * budget_window_slots(op), 0);
}

int budget_bits_step(budget_op *op, diskann_stage *stage)
{
    if (op->state == BUDGET_SORT) {
        return budget_begin_pass(op, stage, PASS_NEIGHBOURS);
    }
    if (op->state == BUDGET_FETCH) {
        const uint64_t read = op->first / op->plan.input_rows;
        TRY(budget_check_rows(op));
        return budget_enter(op, stage, BUDGET_EDGES, op->edges.ends[read] - begin_of(op, read), 1);
    }
    const int status = budget_read(op, stage);
    return status != DISKANN_OK ? status : budget_enter(op, stage, BUDGET_NAVIGATE, op->work->navigator.places, 0);
}

void budget_bits_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    switch (op->state) {
    case BUDGET_SORT:
        sort_edges(op, begin, end);
        break;
    case BUDGET_FETCH:
        for (uint64_t i = begin; i < end; i++) {
            budget_load_row(op, i, record_at(&op->work->records, fetched_slot(op, i)));
        }
        break;
    case BUDGET_EDGES:
        encode_edges(op, worker, begin, end);
        break;
    default:
        navigate(op, begin, end);
    }
}
