/* Many searches as an operation: an item is a query, a worker has a searcher. */
#include "../op/check.h"
#include "../op/index.h"
#include "../op/op.h"
#include "search.h"

typedef struct batch_worker {
    diskann_searcher *searcher;
    diskann_search_counters sums;
    int status;
    uint64_t row; /* the lowest whose search failed */
} batch_worker;

typedef struct batch_op {
    diskann_op base;
    const diskann_index *index;
    const float *queries;
    uint64_t count;
    diskann_search_params params;
    uint64_t *ids; /* of all rows, as the two below */
    float *distances;
    uint32_t *counts;
    batch_worker *workers;
    uint32_t is_searched;
} batch_op;

/* A search that fails does not stop the others: so which one is named depends on nobody's speed. */
static void search_row(batch_op *op, batch_worker *worker, uint64_t row)
{
    diskann_search_counters counters;
    const uint64_t first = row * op->params.k;
    const int status = diskann_search(worker->searcher, op->queries + row * op->index->config.dimensions, &op->params,
                                      op->ids + first, op->distances + first, &op->counts[row], &counters);
    if (status < 0 && (worker->status == DISKANN_OK || row < worker->row)) {
        worker->status = status;
        worker->row = row;
    }
    worker->sums.distances += counters.distances;
    worker->sums.hops += counters.hops;
    worker->sums.rounds += counters.rounds;
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    batch_op *op = (batch_op *)base;
    for (uint64_t row = begin; row < end && !op_is_cancelled(base); row++) {
        search_row(op, &op->workers[worker], row);
    }
}

static int finish(batch_op *op)
{
    const batch_worker *lowest = NULL;
    for (uint32_t i = 0; i < op->base.workers; i++) {
        const batch_worker *worker = &op->workers[i];
        if (worker->status < 0 && (lowest == NULL || worker->row < lowest->row)) {
            lowest = worker;
        }
    }
    return lowest == NULL ? DISKANN_OK
                          : op_fail(&op->base, lowest->status, 0, (int64_t)lowest->row, DISKANN_NOWHERE, 0);
}

static int step(diskann_op *base, diskann_stage *stage)
{
    batch_op *op = (batch_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    if (op->is_searched || op->count == 0) {
        return finish(op);
    }
    op->is_searched = 1;
    stage->parallel = 1;
    stage->items = op->count;
    return DISKANN_RUN;
}

static void reset(diskann_op *base)
{
    batch_op *op = (batch_op *)base;
    for (uint32_t i = 0; op->workers != NULL && i < base->workers; i++) {
        diskann_searcher_destroy(op->workers[i].searcher);
    }
    memory_put(&base->account, op->workers, base->workers * sizeof *op->workers);
}

/* What every search takes. Only walks that note much allocate as they go. */
static int prepare(batch_op *op)
{
    op->workers = memory_get_zeroed(&op->base.account, op->base.workers * sizeof *op->workers);
    if (op->workers == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < op->base.workers; i++) {
        TRY(diskann_searcher_create(op->index, &op->workers[i].searcher));
        if (op->index->size > 0) {
            TRY(searcher_reserve(op->workers[i].searcher, &op->params));
        }
    }
    return DISKANN_OK;
}

static const op_calls batch_calls = {step, run, NULL, reset};

int diskann_batch_begin(const diskann_index *index, const float *queries, uint64_t count, const diskann_search_params *params,
                        uint32_t workers, uint64_t *ids, float *distances, uint32_t *counts, diskann_op **out)
{
    if (index == NULL || ids == NULL || distances == NULL || counts == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(check_search(queries, params));
    TRY(op_create(&batch_calls, sizeof(batch_op), workers, &index->account.allocator, out));
    batch_op *op = (batch_op *)*out;
    op->index = index;
    op->queries = queries;
    op->count = count;
    op->params = *params;
    op->ids = ids;
    op->distances = distances;
    op->counts = counts;
    const int status = prepare(op);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

void diskann_batch_take(const diskann_op *base, diskann_search_counters *counters)
{
    const batch_op *op = (const batch_op *)base;
    *counters = (diskann_search_counters){0};
    for (uint32_t i = 0; i < base->workers; i++) {
        counters->distances += op->workers[i].sums.distances;
        counters->hops += op->workers[i].sums.hops;
        counters->rounds += op->workers[i].sums.rounds;
    }
}
