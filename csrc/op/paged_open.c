/*
 * Opening a file to be searched where it is: the superblock, and what searches want in memory: codes, or the navigator and the
 * origin of the codes in records. Without a navigator the origin comes with the page of the entry.
 *
 *     superblock: IO -> pages of codes, or of the navigator: IO, in rounds; or the entry's page: IO
 */
#include "code_pages.h"
#include "opening.h"
#include "paged.h"

enum paged_open_state { PAGED_OPEN_SUPERBLOCK, PAGED_OPEN_DECODE, PAGED_OPEN_ENTRY, PAGED_OPEN_CODES, PAGED_OPEN_END };

typedef struct paged_open_op {
    opening opening;
    code_pages codes;
    diskann_paged *paged; /* NULL before it is made and after it was taken */
    uint8_t *page;        /* of the entry */
    uint64_t cache_bytes;
    uint32_t state;
} paged_open_op;

static int fail_corrupt(paged_open_op *op, uint32_t kind, int64_t page)
{
    return opening_fail_corrupt(&op->opening, kind, page);
}

static int read_entry(paged_open_op *op, diskann_stage *stage)
{
    const record_layout *layout = &op->opening.block.layout;
    op->page = memory_get(&op->opening.base.account, layout->page_bytes);
    if (op->page == NULL) {
        return op_fail(&op->opening.base, DISKANN_ERR_NO_MEMORY, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, layout->page_bytes);
    }
    transfer_begin(&op->opening.transfer);
    const uint64_t offset = page_offset(layout, record_page(layout, op->opening.block.entry));
    transfer_add(&op->opening.transfer, DISKANN_READ, offset, layout->page_bytes, op->page);
    op->state = PAGED_OPEN_ENTRY;
    return transfer_hand_out(&op->opening.transfer, stage, DISKANN_PHASE_READ, DISKANN_SUPERBLOCK_BYTES + layout->page_bytes);
}

/* Codes are of vectors less the entry's. */
static int set_origin(paged_open_op *op)
{
    diskann_paged *paged = op->paged;
    const record_layout *layout = &paged->records.layout;
    const uint32_t page = record_page(layout, op->opening.block.entry), dimensions = paged->space.dimensions;
    const uint32_t kind = check_page(&paged->space, &paged->limits, op->page, page);
    if (kind != DISKANN_FINDING_NONE) {
        return fail_corrupt(op, kind, page);
    }
    float *vector = memory_get(&op->opening.base.account, dimensions * sizeof *vector);
    if (vector == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    const uint8_t *record = page_record(layout, op->page, op->opening.block.entry - page * layout->records_per_page);
    graph_code_vector(&paged->space, record, vector);
    bits_set_origin(&paged->bits, vector);
    memory_put(&op->opening.base.account, vector, dimensions * sizeof *vector);
    return DISKANN_OK;
}

static int prepare_codes(paged_open_op *op)
{
    diskann_paged *paged = op->paged;
    if (opening_reserve_codes(&op->opening, &paged->space, &paged->pq, &paged->navigator, &op->codes) < 0) {
        return op_fail(&op->opening.base, DISKANN_ERR_NO_MEMORY, 0, DISKANN_NOWHERE, DISKANN_NOWHERE,
                       op->opening.block.code_pages * op->opening.block.layout.page_bytes);
    }
    return DISKANN_OK;
}

/* The next round, or OK when all are there. */
static int read_codes(paged_open_op *op, diskann_stage *stage)
{
    transfer_begin(&op->opening.transfer);
    if (code_pages_round(&op->codes, &op->opening.transfer, DISKANN_READ)) {
        op->state = PAGED_OPEN_CODES;
        const uint64_t total = DISKANN_SUPERBLOCK_BYTES + op->opening.block.code_pages * op->opening.block.layout.page_bytes;
        return transfer_hand_out(&op->opening.transfer, stage, DISKANN_PHASE_READ, total);
    }
    if (!opening_complete_codes(&op->paged->space, &op->paged->pq)) {
        return fail_corrupt(op, DISKANN_FINDING_CODES, (int64_t)op->opening.block.pages);
    }
    op->state = PAGED_OPEN_END;
    return DISKANN_OK;
}

static int take_codes(paged_open_op *op)
{
    uint64_t page = 0;
    const uint32_t kind = code_pages_take(&op->codes, &page);
    return kind == DISKANN_FINDING_NONE ? DISKANN_OK : fail_corrupt(op, kind, (int64_t)page);
}

static int step(diskann_op *base, diskann_stage *stage)
{
    paged_open_op *op = (paged_open_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&op->opening.transfer));
    switch (op->state) {
    case PAGED_OPEN_SUPERBLOCK:
        op->state = PAGED_OPEN_DECODE;
        return opening_read(&op->opening, stage, DISKANN_SUPERBLOCK_BYTES);
    case PAGED_OPEN_DECODE:
        TRY(opening_decode(&op->opening));
        TRY(paged_create(&op->opening.block, op->opening.kernels, op->cache_bytes, &base->account.allocator, &op->paged));
        if (op->opening.block.code_pages > 0) {
            TRY(prepare_codes(op));
            return read_codes(op, stage);
        }
        if (op->opening.block.size > 0) {
            return read_entry(op, stage);
        }
        break;
    case PAGED_OPEN_CODES:
        TRY(take_codes(op));
        return read_codes(op, stage);
    case PAGED_OPEN_ENTRY:
        TRY(set_origin(op));
        break;
    default:
        break;
    }
    op->state = PAGED_OPEN_END;
    return DISKANN_OK;
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    (void)base, (void)worker, (void)begin, (void)end; /* there are no items */
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((paged_open_op *)base)->opening.transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    paged_open_op *op = (paged_open_op *)base;
    code_pages_reset(&op->codes);
    memory_put(&base->account, op->page, op->opening.block.layout.page_bytes);
    diskann_paged_destroy(op->paged);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_paged_open_begin(uint64_t file_bytes, uint32_t simd, uint64_t cache_bytes, const diskann_allocator *allocator,
                             diskann_op **out)
{
    diskann_op *base;
    if (out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(opening_create(&calls, sizeof(paged_open_op), file_bytes, simd, 1, allocator, &base));
    paged_open_op *op = (paged_open_op *)base;
    op->cache_bytes = cache_bytes;
    *out = base;
    return DISKANN_OK;
}

diskann_paged *diskann_paged_take(diskann_op *base)
{
    paged_open_op *op = (paged_open_op *)base;
    if (base == NULL || base->calls != &calls) {
        return base != NULL ? paged_microsoft_take(base) : NULL;
    }
    if (op->state != PAGED_OPEN_END) {
        return NULL;
    }
    diskann_paged *paged = op->paged;
    op->paged = NULL;
    return paged;
}
