/*
 * A copy of the file of a paged index: every page is read, checked and written as it is.
 *
 *     superblock: IO -> (pages: IO -> check: RUN, parallel -> pages: IO) ... -> sync: IO
 */
#include "page_stream.h"

enum copy_state { COPY_SUPERBLOCK, COPY_READ, COPY_CHECK, COPY_WRITE, COPY_END };

typedef struct paged_copy_op {
    diskann_op base;
    _Alignas(64) uint8_t head[DISKANN_SUPERBLOCK_BYTES];
    const diskann_paged *paged;
    page_stream stream;
    uint32_t state;
} paged_copy_op;

static uint32_t check_of(const paged_copy_op *op, uint64_t page)
{
    const diskann_paged *paged = op->paged;
    uint8_t *bytes = page_stream_at(&op->stream, page);
    return page < paged->block.pages ? check_page(&paged->space, &paged->limits, bytes, (uint32_t)page)
                                     : page_check(paged->space.kernels->crc32c, &paged->records.layout, bytes, page,
                                                  paged->records.layout.page_bytes, 1);
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    paged_copy_op *op = (paged_copy_op *)base;
    (void)worker;
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        op->stream.kinds[item] = (uint8_t)check_of(op, op->stream.begin + item);
    }
}

/* What the superblock says follows from what was read of it at first. */
static int write_head(paged_copy_op *op, diskann_stage *stage)
{
    op_transfer *transfer = &op->stream.transfer;
    superblock_encode(&op->paged->block, op->paged->space.kernels->crc32c, op->head);
    transfer_begin(transfer);
    transfer_add(transfer, DISKANN_WRITE, 0, DISKANN_SUPERBLOCK_BYTES, op->head);
    op->state = COPY_READ;
    transfer_hand_out(transfer, stage, DISKANN_PHASE_NONE, 0);
    return DISKANN_IO;
}

static int sync_file(paged_copy_op *op, diskann_stage *stage)
{
    op_transfer *transfer = &op->stream.transfer;
    transfer_begin(transfer);
    transfer_add(transfer, DISKANN_SYNC, 0, 0, NULL);
    op->state = COPY_END;
    transfer_hand_out(transfer, stage, DISKANN_PHASE_NONE, 0);
    return DISKANN_IO;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    paged_copy_op *op = (paged_copy_op *)base;
    page_stream *stream = &op->stream;
    uint64_t page = 0;
    uint32_t kind;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&stream->transfer));
    switch (op->state) {
    case COPY_SUPERBLOCK:
        return write_head(op, stage);
    case COPY_READ:
        if (page_stream_read(stream, stage) == DISKANN_OK) {
            return sync_file(op, stage);
        }
        op->state = COPY_CHECK;
        return DISKANN_IO;
    case COPY_CHECK:
        op->state = COPY_WRITE;
        return page_stream_run(stream, stage, stream->end - stream->begin, 1);
    case COPY_WRITE:
        if ((kind = page_stream_damage(stream, &page)) != DISKANN_FINDING_NONE) {
            return op_fail(base, DISKANN_ERR_CORRUPT, kind, DISKANN_NOWHERE, (int64_t)page, 0);
        }
        op->state = COPY_READ;
        return page_stream_write(stream, stage);
    default:
        return DISKANN_OK;
    }
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((paged_copy_op *)base)->stream.transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    page_stream_reset(&((paged_copy_op *)base)->stream);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_paged_copy_begin(const diskann_paged *paged, uint32_t workers, diskann_op **out)
{
    if (paged == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&calls, sizeof(paged_copy_op), workers, &paged->account.allocator, out));
    paged_copy_op *op = (paged_copy_op *)*out;
    op->paged = paged;
    const int status =
        page_stream_init(&op->stream, paged, page_stream_pages(paged), DISKANN_PHASE_WRITE, &op->base.account);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
        return status;
    }
    op->stream.passes = 2;
    return DISKANN_OK;
}
