#include "op.h"

#include "../base/float_mode.h"

#include <string.h>

int op_create(const op_calls *calls, size_t bytes, uint32_t workers, const diskann_allocator *allocator, diskann_op **out)
{
    if (workers < 1 || workers > DISKANN_WORKERS_MAX) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    memory_account account;
    memory_account_init(&account, allocator);
    diskann_op *op = memory_get_zeroed(&account, bytes);
    if (op == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    op->calls = calls;
    op->account = account;
    op->bytes = bytes;
    op->workers = workers;
    op->status = DISKANN_RUN;
    atomic_init(&op->cancelled, 0);
    op->failure.row = DISKANN_NOWHERE;
    op->failure.page = DISKANN_NOWHERE;
    *out = op;
    return DISKANN_OK;
}

int op_fail(diskann_op *op, int status, uint32_t detail, int64_t row, int64_t page, uint64_t value)
{
    op->failure = (diskann_failure){.status = status, .detail = detail, .row = row, .page = page, .value = value};
    return status;
}

int diskann_op_step(diskann_op *op, diskann_stage *stage)
{
    memset(stage, 0, sizeof *stage);
    if (op->status > 0) {
        const uint64_t mode = float_mode_enter();
        op->status = op->calls->step(op, stage);
        float_mode_leave(mode);
        if (op->status < 0 && op->failure.status == 0) {
            op_fail(op, op->status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, 0);
        }
    }
    return op->status;
}

void diskann_op_run(diskann_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    const uint64_t mode = float_mode_enter();
    op->calls->run(op, worker, begin, end);
    float_mode_leave(mode);
}

void diskann_op_complete(diskann_op *op, uint32_t ticket, int status)
{
    if (op->calls->complete != NULL) {
        op->calls->complete(op, ticket, status);
    }
}

void diskann_op_cancel(diskann_op *op)
{
    atomic_store_explicit(&op->cancelled, 1, memory_order_relaxed);
}

void diskann_op_end(diskann_op *op)
{
    if (op != NULL) {
        op->calls->reset(op);
        memory_account account = op->account;
        memory_put(&account, op, op->bytes);
    }
}

int diskann_op_finish(diskann_op *op)
{
    diskann_stage stage;
    int status;
    while ((status = diskann_op_step(op, &stage)) == DISKANN_RUN) {
        diskann_op_run(op, 0, 0, stage.items);
    }
    return status;
}

void diskann_op_failure(const diskann_op *op, diskann_failure *out)
{
    *out = op->failure;
}
