/*
 * A build under a budget: the order of the records, and the file. Rows come in their own order and are wanted in that of
 * the records, so memory is filled with pages, as many as fit, by one pass over all rows; then with the next ones. Where
 * the graph is in memory a file is some times as large as that, no more, and reading is cheap beside building.
 */
#include "budget.h"

#include "../base/status.h"
#include "../store/page.h"

#include <string.h>

uint64_t budget_first_slot(const budget_op *op)
{
    return op->window * op->block.layout.records_per_page;
}

uint64_t budget_window_slots(const budget_op *op)
{
    const uint64_t slots = op->window_pages * op->block.layout.records_per_page, rest = op->rows - budget_first_slot(op);
    return slots < rest ? slots : rest;
}

/* ---- order ---- */

int budget_begin_pages(budget_op *op, diskann_stage *stage)
{
    if (op->rows == 0) {
        op->state = BUDGET_PAGES;
        return budget_pages_step(op, stage);
    }
    op->walk.rank = memory_get(&op->account, op->rows * sizeof *op->walk.rank);
    if (!budget_is_whole(op)) {
        op->walk.stack = memory_get(&op->account, op->rows * sizeof *op->walk.stack);
    }
    if (op->walk.rank == NULL || (!budget_is_whole(op) && op->walk.stack == NULL)) {
        return DISKANN_ERR_NO_MEMORY;
    }
    if (!budget_is_whole(op)) {
        order_begin(&op->walk, op->entry);
    }
    return budget_enter(op, stage, BUDGET_ORDER, op->rows, 0);
}

/* Of a record of a build: its id. */
static uint32_t row_of(const diskann_index *inner, uint32_t slot)
{
    return (uint32_t)*record_id(&inner->records.layout, record_at(&inner->records, slot));
}

/* Records of a build have their order. */
static void rank_slots(budget_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t slot = begin; slot < end; slot++) {
        op->walk.rank[row_of(op->inner, (uint32_t)slot)] = (uint32_t)slot;
    }
}

static int end_order(budget_op *op)
{
    memory_put(&op->account, op->walk.stack, op->rows * sizeof *op->walk.stack);
    op->walk.stack = NULL;
    memory_put(&op->account, op->owners, op->rows * sizeof *op->owners);
    op->owners = NULL;
    if (op->block.config.codes == DISKANN_CODES_PQ) {
        return pq_codes_reserve(&op->work->pq, op->rows);
    }
    pq_codes_reset(&op->work->pq);
    return op->block.config.codes == DISKANN_CODES_1BIT ? budget_bits_prepare(op) : DISKANN_OK;
}

/* ---- a window ---- */

static int begin_window(budget_op *op, diskann_stage *stage)
{
    const uint64_t rest = op->block.pages - op->window;
    op->window_pages = rest < op->plan.window_pages ? rest : op->plan.window_pages;
    op->next_page = 0;
    record_store_truncate(&op->work->records, 0);
    const uint64_t more = op->edges.coders != NULL ? op->plan.input_rows : 0; /* neighbours, behind the window */
    TRY(record_store_reserve(&op->work->records, op->window_pages * op->block.layout.records_per_page + more));
    return budget_begin_pass(op, stage, PASS_WINDOW);
}

/* The lists of a build are of its slots, those of shards are of rows. */
static void write_list(const budget_op *op, uint64_t row, uint32_t slot, record_list *to)
{
    const int same = budget_is_whole(op);
    const graph_links inner = {.records = same ? &op->inner->records : NULL};
    const record_list *from = same ? links_at(&inner, slot) : links_at(&op->links, (uint32_t)row);
    uint32_t *targets = op->edges.targets;
    if (targets != NULL) {
        targets += (slot - budget_first_slot(op)) * op->block.config.max_degree;
    }
    to->degree = from->degree;
    to->children = from->children;
    for (uint32_t i = 0; i < from->degree; i++) {
        const uint32_t neighbour = from->neighbours[i];
        to->neighbours[i] = same ? neighbour : op->walk.rank[neighbour];
        if (targets != NULL) {
            targets[i] = same ? row_of(op->inner, neighbour) : neighbour;
        }
    }
}

static void write_rows(budget_op *op, uint64_t begin, uint64_t end)
{
    const record_layout *layout = &op->work->records.layout;
    const uint64_t first = budget_first_slot(op), slots = budget_window_slots(op);
    for (uint64_t i = begin; i < end; i++) {
        const uint64_t row = op->first + i, slot = op->walk.rank[row];
        if (slot - first >= slots) {
            continue;
        }
        uint8_t *record = record_at(&op->work->records, (uint32_t)(slot - first));
        if (!budget_load_row(op, i, record)) {
            continue;
        }
        *record_id(layout, record) = op->ids != NULL ? op->ids[row] : row;
        write_list(op, row, (uint32_t)slot, record_links(layout, record));
    }
}

static void encode_piece(const budget_op *op, uint32_t worker, uint64_t piece)
{
    uint8_t *codes = op->work->pq.codes + budget_first_slot(op) * op->work->config.code_bytes;
    index_encode_pq(op->work, 0, budget_window_slots(op), piece, op->scratch + worker * op->scratch_floats, codes);
}

static void seal_page(const budget_op *op, uint64_t page)
{
    const record_store *records = &op->work->records;
    page_seal(op->work->space.kernels->crc32c, &records->layout, page_at(records, (uint32_t)page), op->window + page);
}

/* Runs of pages that lie together in memory. */
static int write_pages(budget_op *op, diskann_stage *stage)
{
    const record_store *records = &op->work->records;
    const record_layout *layout = &op->block.layout; /* that of the records knows no navigator before them */
    transfer_begin(&op->transfer);
    while (op->next_page < op->window_pages && op->transfer.count < TRANSFER_REQUESTS_MAX) {
        const uint64_t page = op->next_page, segment_end = (page | (layout->pages_per_segment - 1)) + 1;
        const uint64_t end = segment_end < op->window_pages ? segment_end : op->window_pages;
        transfer_add(&op->transfer, DISKANN_WRITE, page_offset(layout, op->window + page), (end - page) * layout->page_bytes,
                     page_at(records, (uint32_t)page));
        op->next_page = end;
    }
    budget_enter(op, stage, BUDGET_PAGES, 0, 0);
    const uint64_t done = stage->done, total = stage->total;
    transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_WRITE, total);
    stage->done = done;
    return DISKANN_IO;
}

/* ---- the end ---- */

static int begin_codes(budget_op *op)
{
    if (op->rows > 0) {
        record_store_truncate(&op->work->records, 0);
    }
    op->state = BUDGET_CODE_PAGES;
    return code_pages_init(&op->code_pages, &op->block, &op->work->space, &op->account);
}

static int hand_out(budget_op *op, diskann_stage *stage, uint32_t state)
{
    op->state = state;
    transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_WRITE, op->block.file_bytes);
    stage->done = op->block.file_bytes;
    return DISKANN_IO;
}

/* Codes, the superblock last. */
static int write_codes(budget_op *op, diskann_stage *stage)
{
    transfer_begin(&op->transfer);
    if (code_pages_round(&op->code_pages, &op->transfer, DISKANN_WRITE)) {
        return hand_out(op, stage, BUDGET_CODE_PAGES);
    }
    const uint32_t bits = atomic_load(&op->norm_max);
    if (op->block.config.metric == DISKANN_IP) {
        memcpy(&op->block.norm_max, &bits, sizeof bits);
    }
    superblock_encode(&op->block, op->work->space.kernels->crc32c, op->head);
    transfer_add(&op->transfer, DISKANN_WRITE, 0, DISKANN_SUPERBLOCK_BYTES, op->head);
    return hand_out(op, stage, BUDGET_SYNC);
}

static int sync_file(budget_op *op, diskann_stage *stage)
{
    transfer_begin(&op->transfer);
    transfer_add(&op->transfer, DISKANN_SYNC, 0, 0, NULL);
    return hand_out(op, stage, BUDGET_END);
}

/* All rows have been there. */
static int end_pass(budget_op *op, diskann_stage *stage)
{
    TRY(budget_check_rows(op));
    if (op->block.config.codes == DISKANN_CODES_PQ) {
        return budget_enter(op, stage, BUDGET_CODE, index_pq_pieces(op->work, budget_window_slots(op)), 1);
    }
    if (op->edges.coders != NULL) {
        return budget_begin_edges(op, stage);
    }
    return budget_enter(op, stage, BUDGET_SEAL, op->window_pages, 1);
}

static int next_pages(budget_op *op, diskann_stage *stage)
{
    if (op->next_page < op->window_pages) {
        return write_pages(op, stage);
    }
    op->window += op->window_pages;
    op->window_pages = 0;
    op->next_page = 0;
    if (op->window < op->block.pages) {
        return begin_window(op, stage);
    }
    TRY(begin_codes(op));
    return write_codes(op, stage);
}

int budget_pages_step(budget_op *op, diskann_stage *stage)
{
    int status;
    switch (op->state) {
    case BUDGET_ORDER:
        TRY(end_order(op));
        return begin_window(op, stage);
    case BUDGET_READ:
        return budget_enter(op, stage, op->pass == PASS_WINDOW ? BUDGET_EMIT : BUDGET_FETCH, op->count, 1);
    case BUDGET_EMIT:
        status = budget_read(op, stage);
        return status != DISKANN_OK ? status : end_pass(op, stage);
    case BUDGET_SORT:
    case BUDGET_FETCH:
    case BUDGET_EDGES:
        return budget_bits_step(op, stage);
    case BUDGET_CODE:
    case BUDGET_NAVIGATE:
        return budget_enter(op, stage, BUDGET_SEAL, op->window_pages, 1);
    case BUDGET_SEAL:
    case BUDGET_PAGES:
        return next_pages(op, stage);
    case BUDGET_CODE_PAGES:
        return write_codes(op, stage);
    case BUDGET_SYNC:
        return sync_file(op, stage);
    default:
        return DISKANN_OK;
    }
}

void budget_pages_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    switch (op->state) {
    case BUDGET_ORDER:
        if (budget_is_whole(op)) {
            rank_slots(op, begin, end);
        } else {
            order_visit(&op->walk, &op->links, end - begin);
        }
        break;
    case BUDGET_EMIT:
        write_rows(op, begin, end);
        break;
    case BUDGET_CODE:
        for (uint64_t piece = begin; piece < end; piece++) {
            encode_piece(op, worker, piece);
        }
        break;
    case BUDGET_SEAL:
        for (uint64_t page = begin; page < end; page++) {
            seal_page(op, page);
        }
        break;
    default:
        budget_bits_run(op, worker, begin, end);
    }
}
