/*
 * Saving: the pages of memory are the pages of the file. Changed pages get their checksums, then all is
 * written.
 *
 *     seal: RUN, parallel over pages -> superblock and pages: IO, in rounds
 *     -> pages of codes, or of the navigator: IO, in rounds -> sync: IO
 */
#include "../store/page.h"
#include "../store/superblock.h"
#include "code_pages.h"
#include "index.h"
#include "op.h"
#include "transfer.h"

enum save_state { SAVE_SEAL, SAVE_SUPERBLOCK, SAVE_PAGES, SAVE_CODES, SAVE_SYNC, SAVE_END };

typedef struct save_op {
    diskann_op base;
    _Alignas(64) uint8_t head[DISKANN_SUPERBLOCK_BYTES];
    op_transfer transfer;
    superblock block;
    code_pages codes;
    const diskann_index *index;
    uint64_t next_page; /* to be written */
    uint32_t state;
} save_op;

static int hand_out_seal(save_op *op, diskann_stage *stage)
{
    op->state = SAVE_SUPERBLOCK;
    stage->phase = DISKANN_PHASE_SEAL;
    stage->parallel = 1;
    stage->items = op->block.pages;
    stage->total = op->block.pages;
    return DISKANN_RUN;
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    const save_op *op = (const save_op *)base;
    const record_store *records = &op->index->records;
    page_crc32c *crc32c = op->index->space.kernels->crc32c;
    (void)worker;
    for (uint64_t page = begin; page < end && !op_is_cancelled(base); page++) {
        if (records->dirty[page]) {
            page_seal(crc32c, &records->layout, page_at(records, (uint32_t)page), page);
            records->dirty[page] = 0;
        }
    }
}

/* The next round of writes. The superblock goes with the first one: nobody reads the file before the sync. */
static int write_round(save_op *op, diskann_stage *stage)
{
    transfer_begin(&op->transfer);
    if (op->state == SAVE_SUPERBLOCK) {
        superblock_encode(&op->block, op->index->space.kernels->crc32c, op->head);
        transfer_add(&op->transfer, DISKANN_WRITE, 0, DISKANN_SUPERBLOCK_BYTES, op->head);
    }
    op->next_page =
        transfer_add_pages(&op->transfer, DISKANN_WRITE, &op->index->records, &op->block.layout,
                           op->next_page, op->block.pages);
    op->state = op->next_page < op->block.pages ? SAVE_PAGES : SAVE_CODES;
    return transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_WRITE, op->block.file_bytes);
}

static int sync_file(save_op *op, diskann_stage *stage)
{
    transfer_begin(&op->transfer);
    transfer_add(&op->transfer, DISKANN_SYNC, 0, 0, NULL);
    op->state = SAVE_END;
    return transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_WRITE, op->block.file_bytes);
}

static int step(diskann_op *base, diskann_stage *stage)
{
    save_op *op = (save_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&op->transfer));
    switch (op->state) {
    case SAVE_SEAL:
        if (op->block.pages > 0) {
            return hand_out_seal(op, stage);
        }
        op->state = SAVE_SUPERBLOCK; /* fall through */
    case SAVE_SUPERBLOCK:
    case SAVE_PAGES:
        return write_round(op, stage);
    case SAVE_CODES:
        transfer_begin(&op->transfer);
        if (code_pages_round(&op->codes, &op->transfer, DISKANN_WRITE)) {
            return transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_WRITE, op->block.file_bytes);
        }
        op->state = SAVE_SYNC; /* fall through */
    case SAVE_SYNC:
        return sync_file(op, stage);
    default:
        return DISKANN_OK;
    }
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((save_op *)base)->transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    code_pages_reset(&((save_op *)base)->codes);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_save_begin(diskann_index *index, uint32_t workers, diskann_op **out)
{
    if (index == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&calls, sizeof(save_op), workers, &index->account.allocator, out));
    save_op *op = (save_op *)*out;
    op->index = index;
    op->block.config = index->config;
    op->block.size = index->size;
    op->block.next_id = index->next_id;
    op->block.entry = index->entry;
    /* Only ip reads it; so only there is it a part of the file. */
    op->block.norm_max = index->config.metric == DISKANN_IP ? index->norm_max : 0.0f;
    op->block.navigator_size = index->navigator.size;
    superblock_derive(&op->block);
    const int status = code_pages_init(&op->codes, &op->block, &index->space, &op->base.account);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}
