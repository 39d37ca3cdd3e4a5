/* Encoding: an item is 64 rows of one chunk. */
#include "../quant/pq.h"
#include "op.h"

typedef struct encode_worker {
    float *panel;    /* [widest][64] */
    int64_t bad_row; /* the lowest row that is not finite, or DISKANN_NOWHERE */
} encode_worker;

typedef struct encode_op {
    diskann_op base;
    const diskann_pq *pq;
    const float *vectors;
    uint8_t *codes;
    uint64_t rows;
    encode_worker *workers;
    uint32_t is_run;
} encode_op;

static uint64_t panel_bytes(const encode_op *op)
{
    return (uint64_t)op->pq->widest * NEAREST_POINTS * sizeof(float);
}

/* The items of the first chunk also look at their rows. */
static void check_rows(const encode_op *op, encode_worker *worker, uint64_t first, uint32_t count)
{
    for (uint64_t row = first; row < first + count; row++) {
        const int is_lowest = worker->bad_row == DISKANN_NOWHERE || (int64_t)row < worker->bad_row;
        if (is_lowest && !pq_is_finite(op->pq, op->vectors + row * op->pq->dimensions)) {
            worker->bad_row = (int64_t)row;
        }
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    encode_op *op = (encode_op *)base;
    const diskann_pq *pq = op->pq;
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        const uint64_t first = item / pq->chunks * NEAREST_POINTS;
        const uint32_t chunk = (uint32_t)(item % pq->chunks);
        const uint32_t count = op->rows - first < NEAREST_POINTS ? (uint32_t)(op->rows - first) : NEAREST_POINTS;
        if (chunk == 0) {
            check_rows(op, &op->workers[worker], first, count);
        }
        pq_encode_chunk(pq, chunk, op->vectors + first * pq->dimensions, count, op->workers[worker].panel,
                        op->codes + first * pq->chunks + chunk);
    }
}

static int finish(encode_op *op)
{
    int64_t lowest = DISKANN_NOWHERE;
    for (uint32_t i = 0; i < op->base.workers; i++) {
        const int64_t row = op->workers[i].bad_row;
        lowest = row != DISKANN_NOWHERE && (lowest == DISKANN_NOWHERE || row < lowest) ? row : lowest;
    }
    return lowest == DISKANN_NOWHERE ? DISKANN_OK
                                     : op_fail(&op->base, DISKANN_ERR_NOT_FINITE, 0, lowest, DISKANN_NOWHERE, 0);
}

static int step(diskann_op *base, diskann_stage *stage)
{
    encode_op *op = (encode_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    if (op->is_run) {
        return finish(op);
    }
    op->is_run = 1;
    stage->parallel = 1;
    stage->items = (op->rows + NEAREST_POINTS - 1) / NEAREST_POINTS * op->pq->chunks;
    return DISKANN_RUN;
}

static void reset(diskann_op *base)
{
    encode_op *op = (encode_op *)base;
    for (uint32_t i = 0; op->workers != NULL && i < base->workers; i++) {
        memory_put(&base->account, op->workers[i].panel, panel_bytes(op));
    }
    memory_put(&base->account, op->workers, base->workers * sizeof *op->workers);
}

static const op_calls encode_calls = {step, run, NULL, reset};

static int prepare(encode_op *op)
{
    memory_account *account = &op->base.account;
    op->workers = memory_get_zeroed(account, op->base.workers * sizeof *op->workers);
    for (uint32_t i = 0; op->workers != NULL && i < op->base.workers; i++) {
        op->workers[i].bad_row = DISKANN_NOWHERE;
        op->workers[i].panel = memory_get(account, panel_bytes(op));
        if (op->workers[i].panel == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    return op->workers != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

int diskann_pq_encode_begin(const diskann_pq *pq, const float *vectors, uint64_t rows, uint8_t *codes, uint32_t workers,
                            diskann_op **out)
{
    if (pq == NULL || out == NULL || (rows > 0 && (vectors == NULL || codes == NULL))) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&encode_calls, sizeof(encode_op), workers, &pq->account.allocator, out));
    encode_op *op = (encode_op *)*out;
    op->pq = pq;
    op->vectors = vectors;
    op->rows = rows;
    op->codes = codes;
    const int status = prepare(op);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}
