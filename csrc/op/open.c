/*
 * Opening a file fully in memory. The bytes come from outside: nothing is allocated before the superblock has
 * been checked against the size of the file, and no field of a record is used before the record has been
 * checked.
 *
 *     superblock: IO -> pages: IO, in rounds -> check: RUN, parallel over pages -> ids: RUN, serial
 */
#include "../store/page.h"
#include "../store/superblock.h"
#include "check.h"
#include "index.h"
#include "op.h"
#include "transfer.h"

enum open_state { OPEN_SUPERBLOCK, OPEN_DECODE, OPEN_PAGES, OPEN_CHECK, OPEN_IDS, OPEN_END };

/* The first damaged page that a worker has seen. Cells of different workers share no cache line. */
typedef struct open_cell {
    _Alignas(64) uint64_t page;
    uint32_t kind; /* NONE: no damage */
} open_cell;

typedef struct open_op {
    diskann_op base;
    _Alignas(64) uint8_t head[DISKANN_SUPERBLOCK_BYTES];
    op_transfer transfer;
    superblock block;
    const simd_kernels *kernels;
    open_cell *cells;     /* one per worker */
    diskann_index *index; /* NULL before it is made and after it was taken */
    uint64_t file_bytes;
    uint64_t next_page;   /* to be read */
    uint32_t simd;
    uint32_t state;
    uint32_t twin;        /* slot whose id is in the index already, or SLOT_NONE */
} open_op;

static int fail_corrupt(open_op *op, uint32_t kind, int64_t page, uint64_t value)
{
    return op_fail(&op->base, DISKANN_ERR_CORRUPT, kind, DISKANN_NOWHERE, page, value);
}

static int read_superblock(open_op *op, diskann_stage *stage)
{
    if (op->file_bytes < DISKANN_SUPERBLOCK_BYTES) {
        return fail_corrupt(op, DISKANN_FINDING_FILE_BYTES, DISKANN_NOWHERE, 0);
    }
    transfer_begin(&op->transfer);
    transfer_add(&op->transfer, DISKANN_READ, 0, DISKANN_SUPERBLOCK_BYTES, op->head);
    op->state = OPEN_DECODE;
    return transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_READ, op->file_bytes);
}

static int decode_superblock(open_op *op)
{
    uint64_t value = 0;
    const int status = superblock_decode(&op->block, op->kernels->crc32c, op->head, &value);
    if (status == DISKANN_ERR_CORRUPT) {
        return fail_corrupt(op, DISKANN_FINDING_SUPERBLOCK, DISKANN_NOWHERE, 0);
    }
    if (status < 0) {
        return op_fail(&op->base, status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, value);
    }
    if (op->block.file_bytes != op->file_bytes) {
        return fail_corrupt(op, DISKANN_FINDING_FILE_BYTES, DISKANN_NOWHERE, 0);
    }
    return DISKANN_OK;
}

/* The size of the file vouches for the size of the index: what is allocated here is in proportion to it. */
static int make_index(open_op *op)
{
    diskann_config config = op->block.config;
    config.simd = op->simd;
    const int status = index_create(&config, &op->base.account.allocator, &op->index);
    if (status < 0) {
        return op_fail(&op->base, status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE,
                       status == DISKANN_ERR_NO_MEMORY ? sizeof(diskann_index) : 0);
    }
    if (record_store_reserve(&op->index->records, op->block.size) < 0 ||
        id_map_reserve(&op->index->ids, op->block.size) < 0) {
        return op_fail(&op->base, DISKANN_ERR_NO_MEMORY, 0, DISKANN_NOWHERE, DISKANN_NOWHERE,
                       op->block.file_bytes);
    }
    return DISKANN_OK;
}

/* The next round of pages; IO, or OK when all have been read. */
static int read_pages(open_op *op, diskann_stage *stage)
{
    if (op->next_page == op->block.pages) {
        return DISKANN_OK;
    }
    transfer_begin(&op->transfer);
    op->next_page =
        transfer_add_pages(&op->transfer, DISKANN_READ, &op->index->records, op->next_page, op->block.pages);
    return transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_READ, op->file_bytes);
}

static int hand_out_items(open_op *op, diskann_stage *stage, uint32_t state)
{
    op->state = state;
    stage->phase = DISKANN_PHASE_CHECK;
    stage->parallel = state == OPEN_CHECK;
    stage->items = state == OPEN_CHECK ? op->block.pages : op->block.size;
    stage->done = state == OPEN_CHECK ? 0 : op->block.pages;
    stage->total = op->block.pages + op->block.size;
    return DISKANN_RUN;
}

static void check_page(open_op *op, uint32_t page, open_cell *cell)
{
    const diskann_index *index = op->index;
    const record_layout *layout = &index->records.layout;
    const check_limits limits = {index->config.max_degree, (uint32_t)op->block.size, op->block.next_id};
    const uint32_t records = page_records(layout, page, op->block.size);
    uint32_t kind = page_check(op->kernels->crc32c, layout, page_at(&index->records, page), page, records, 1);
    for (uint32_t i = 0; i < records && kind == DISKANN_FINDING_NONE; i++) {
        kind = check_first(check_record(&index->space, &limits, page * layout->records_per_page + i));
    }
    if (kind == DISKANN_FINDING_NONE) {
        index->records.dirty[page] = 0;
    } else if (cell->kind == DISKANN_FINDING_NONE || page < cell->page) {
        cell->kind = kind;
        cell->page = page;
    }
}

static void put_ids(open_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t slot = begin; slot < end && op->twin == SLOT_NONE; slot++) {
        if (id_map_put(&op->index->ids, (uint32_t)slot) != SLOT_NONE) {
            op->twin = (uint32_t)slot;
        }
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    open_op *op = (open_op *)base;
    if (op_is_cancelled(base)) {
        return;
    }
    if (op->state == OPEN_IDS) {
        put_ids(op, begin, end);
        return;
    }
    for (uint64_t page = begin; page < end; page++) {
        check_page(op, (uint32_t)page, &op->cells[worker]);
    }
}

/* The first damaged page of all: the same whoever has checked it. */
static int finish_check(open_op *op)
{
    open_cell first = {0, DISKANN_FINDING_NONE};
    for (uint32_t i = 0; i < op->base.workers; i++) {
        const open_cell *cell = &op->cells[i];
        if (cell->kind != DISKANN_FINDING_NONE &&
            (first.kind == DISKANN_FINDING_NONE || cell->page < first.page)) {
            first = *cell;
        }
    }
    if (first.kind != DISKANN_FINDING_NONE) {
        return fail_corrupt(op, first.kind, (int64_t)first.page, 0);
    }
    return DISKANN_OK;
}

static int finish_ids(open_op *op)
{
    if (op->twin != SLOT_NONE) {
        const record_store *records = &op->index->records;
        return fail_corrupt(op, DISKANN_FINDING_ID, record_page(&records->layout, op->twin),
                            *record_id(&records->layout, record_at(records, op->twin)));
    }
    return DISKANN_OK;
}

static int finish(open_op *op)
{
    diskann_index *index = op->index;
    index->size = (uint32_t)op->block.size;
    index->entry = op->block.entry;
    index->next_id = op->block.next_id;
    index->norm_max = op->block.norm_max;
    op->state = OPEN_END;
    return DISKANN_OK;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    open_op *op = (open_op *)base;
    int status;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&op->transfer));
    switch (op->state) {
    case OPEN_SUPERBLOCK:
        return read_superblock(op, stage);
    case OPEN_DECODE:
        TRY(decode_superblock(op));
        TRY(make_index(op));
        op->state = OPEN_PAGES; /* fall through */
    case OPEN_PAGES:
        if ((status = read_pages(op, stage)) != DISKANN_OK) {
            return status;
        }
        return op->block.size == 0 ? finish(op) : hand_out_items(op, stage, OPEN_CHECK);
    case OPEN_CHECK:
        TRY(finish_check(op));
        return hand_out_items(op, stage, OPEN_IDS);
    default:
        TRY(finish_ids(op));
        return finish(op);
    }
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((open_op *)base)->transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    open_op *op = (open_op *)base;
    if (op->index != NULL) {
        index_destroy(op->index);
    }
    memory_put(&base->account, op->cells, base->workers * sizeof *op->cells);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_open_begin(uint64_t file_bytes, uint32_t simd, uint32_t workers,
                       const diskann_allocator *allocator, diskann_op **out)
{
    diskann_op *base;
    if (simd >= DISKANN_SIMD_COUNT || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const simd_kernels *kernels = simd_kernels_get(simd);
    if (kernels == NULL) {
        return DISKANN_ERR_UNSUPPORTED;
    }
    TRY(op_create(&calls, sizeof(open_op), workers, allocator, &base));
    open_op *op = (open_op *)base;
    op->cells = memory_get_zeroed(&base->account, workers * sizeof *op->cells);
    if (op->cells == NULL) {
        diskann_op_end(base);
        return DISKANN_ERR_NO_MEMORY;
    }
    op->kernels = kernels;
    op->simd = simd;
    op->file_bytes = file_bytes;
    op->twin = SLOT_NONE;
    *out = base;
    return DISKANN_OK;
}

diskann_index *diskann_open_take(diskann_op *base)
{
    open_op *op = (open_op *)base;
    if (base == NULL || base->calls != &calls || op->state != OPEN_END) {
        return NULL;
    }
    diskann_index *index = op->index;
    op->index = NULL;
    return index;
}
