/* Search among codes: every worker keeps its k nearest rows, the last step merges them. */
#include "../base/float_mode.h"
#include "../graph/graph.h"
#include "../quant/pq.h"
#include "op.h"

#include <string.h>

enum { SEARCH_ROWS = 256 }; /* of an item */

typedef struct search_worker {
    graph_candidate *heap; /* the farthest first */
    uint32_t count;
    int64_t bad_row; /* the lowest row with a number of no centroid, or DISKANN_NOWHERE */
} search_worker;

typedef struct search_op {
    diskann_op base;
    const diskann_pq *pq;
    const uint8_t *codes;
    uint64_t rows;
    pq_tables tables;
    search_worker *workers;
    uint32_t k;
    uint32_t is_run;
} search_op;

static int check_codes(const search_op *op, search_worker *worker, uint64_t first, uint32_t count)
{
    const uint32_t chunks = op->pq->chunks;
    if (pq_codes_are_valid(op->pq, op->codes + first * chunks, (size_t)count * chunks)) {
        return 1;
    }
    uint64_t row = first;
    while (pq_codes_are_valid(op->pq, op->codes + row * chunks, chunks)) {
        row++;
    }
    if (worker->bad_row == DISKANN_NOWHERE || (int64_t)row < worker->bad_row) {
        worker->bad_row = (int64_t)row;
    }
    return 0;
}

static void run(diskann_op *base, uint32_t w, uint64_t begin, uint64_t end)
{
    search_op *op = (search_op *)base;
    search_worker *worker = &op->workers[w];
    float distances[SEARCH_ROWS];
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        const uint64_t first = item * SEARCH_ROWS;
        const uint32_t count = op->rows - first < SEARCH_ROWS ? (uint32_t)(op->rows - first) : SEARCH_ROWS;
        if (!check_codes(op, worker, first, count)) {
            continue;
        }
        pq_distances(op->pq, &op->tables, op->codes + first * op->pq->chunks, count, distances);
        for (uint32_t i = 0; i < count; i++) {
            candidates_keep(worker->heap, &worker->count, op->k, candidate_make(distances[i], (uint32_t)first + i));
        }
    }
}

static int finish(search_op *op)
{
    search_worker *all = &op->workers[0];
    for (uint32_t w = 1; w < op->base.workers; w++) {
        const search_worker *other = &op->workers[w];
        for (uint32_t i = 0; i < other->count; i++) {
            candidates_keep(all->heap, &all->count, op->k, other->heap[i]);
        }
        if (other->bad_row != DISKANN_NOWHERE && (all->bad_row == DISKANN_NOWHERE || other->bad_row < all->bad_row)) {
            all->bad_row = other->bad_row;
        }
    }
    if (all->bad_row != DISKANN_NOWHERE) {
        return op_fail(&op->base, DISKANN_ERR_INVALID_ARGUMENT, 0, all->bad_row, DISKANN_NOWHERE, 0);
    }
    candidates_sort(all->heap, all->count);
    return DISKANN_OK;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    search_op *op = (search_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    if (op->is_run) {
        return finish(op);
    }
    op->is_run = 1;
    stage->phase = DISKANN_PHASE_SCAN;
    stage->parallel = 1;
    stage->items = (op->rows + SEARCH_ROWS - 1) / SEARCH_ROWS;
    stage->total = op->rows;
    return DISKANN_RUN;
}

static uint64_t table_bytes(const search_op *op)
{
    return (uint64_t)op->pq->chunks * PQ_TABLE_WIDTH * sizeof(float);
}

static void reset(diskann_op *base)
{
    search_op *op = (search_op *)base;
    for (uint32_t i = 0; op->workers != NULL && i < base->workers; i++) {
        memory_put(&base->account, op->workers[i].heap, op->k * sizeof(graph_candidate));
    }
    memory_put(&base->account, op->workers, base->workers * sizeof *op->workers);
    memory_put(&base->account, op->tables.sums, table_bytes(op));
    memory_put(&base->account, op->tables.norms, table_bytes(op));
}

static const op_calls search_calls = {step, run, NULL, reset};

static int prepare(search_op *op, const float *query)
{
    memory_account *account = &op->base.account;
    op->workers = memory_get_zeroed(account, op->base.workers * sizeof *op->workers);
    op->tables.sums = memory_get(account, table_bytes(op));
    if (op->workers == NULL || op->tables.sums == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < op->base.workers; i++) {
        op->workers[i].bad_row = DISKANN_NOWHERE;
        op->workers[i].heap = memory_get(account, op->k * sizeof(graph_candidate));
        if (op->workers[i].heap == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    if (op->tables.metric == DISKANN_COSINE) {
        op->tables.norms = memory_get(account, table_bytes(op));
        if (op->tables.norms == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    if (!pq_is_finite(op->pq, query)) {
        return DISKANN_ERR_NOT_FINITE;
    }
    pq_tables_fill(op->pq, query, &op->tables);
    return DISKANN_OK;
}

int diskann_pq_search_begin(const diskann_pq *pq, const float *query, uint32_t metric, const uint8_t *codes, uint64_t rows,
                            uint32_t k, uint32_t workers, diskann_op **out)
{
    if (pq == NULL || query == NULL || out == NULL || (rows > 0 && codes == NULL) || metric >= DISKANN_METRIC_COUNT || k < 1 ||
        k > DISKANN_K_MAX || rows > DISKANN_SIZE_MAX) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&search_calls, sizeof(search_op), workers, &pq->account.allocator, out));
    search_op *op = (search_op *)*out;
    op->pq = pq;
    op->codes = codes;
    op->rows = rows;
    op->tables.metric = metric;
    op->k = k < rows ? k : (uint32_t)rows;
    op->k += op->k == 0; /* no rows: a heap of one that stays empty */
    const uint64_t mode = float_mode_enter();
    const int status = prepare(op, query);
    float_mode_leave(mode);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

void diskann_pq_search_take(diskann_op *base, uint64_t *rows_out, float *distances, uint32_t *count)
{
    const search_op *op = (const search_op *)base;
    const search_worker *all = &op->workers[0];
    const uint32_t found = base->status == DISKANN_OK ? all->count : 0;
    for (uint32_t i = 0; i < found; i++) {
        rows_out[i] = candidate_slot(all->heap[i]);
        distances[i] = candidate_distance(all->heap[i]);
    }
    *count = found;
}
