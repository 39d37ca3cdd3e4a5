/*
 * Looking for an id in an index that stays in its file. No map from ids to slots is in memory: that would be what such an index
 * is there to save. Pages in the cache are looked at first, since an id mostly comes from a hit; then all are read in order, up
 * to the one that has it.
 */
#include "../simd/elements.h"
#include "page_stream.h"

typedef struct paged_find_op {
    diskann_op base;
    const diskann_paged *paged;
    page_stream stream;
    float *vector; /* once it is found */
    uint64_t id;
    uint32_t is_found;
} paged_find_op;

/* Notes the vector if the page has the id. */
static void look_into(paged_find_op *op, uint32_t page, uint8_t *bytes)
{
    const diskann_paged *paged = op->paged;
    const record_layout *layout = &paged->records.layout;
    const uint32_t records = page_records(layout, page, paged->block.size);
    for (uint32_t i = 0; i < records && !op->is_found; i++) {
        uint8_t *record = page_record(layout, bytes, i);
        if (*record_id(layout, record) == op->id) {
            elements_to_floats(paged->space.data_type, record, 0, paged->space.dimensions, op->vector);
            op->is_found = 1;
        }
    }
}

static void look_into_cache(paged_find_op *op)
{
    const page_cache *cache = &op->paged->cache;
    for (uint32_t i = 0; i < cache->frame_count && !op->is_found; i++) {
        if (cache->frames[i].state == CACHE_READY) {
            look_into(op, cache->frames[i].page, cache->frames[i].bytes);
        }
    }
}

/* A checksum vouches for the ids of a page; the one that has the id is checked as any that a search reads. */
static void look_into_page(paged_find_op *op, uint32_t page)
{
    const diskann_paged *paged = op->paged;
    const record_layout *layout = &paged->records.layout;
    uint8_t *bytes = page_stream_at(&op->stream, page);
    const uint64_t used = page_used(layout, page_records(layout, page, paged->block.size));
    uint32_t kind = page_check(paged->space.kernels->crc32c, layout, bytes, page, used, 1);
    if (kind == DISKANN_FINDING_NONE) {
        look_into(op, page, bytes);
    }
    if (op->is_found) {
        kind = check_page(&paged->space, &paged->limits, bytes, page);
    }
    op->stream.kinds[page - op->stream.begin] = (uint8_t)kind;
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    paged_find_op *op = (paged_find_op *)base;
    (void)worker;
    for (uint64_t item = begin; item < end && !op->is_found && !op_is_cancelled(base); item++) {
        look_into_page(op, (uint32_t)(op->stream.begin + item));
    }
}

static int step(diskann_op *base, diskann_stage *stage)
{
    paged_find_op *op = (paged_find_op *)base;
    const int is_over = op->is_found || op->id >= op->paged->block.next_id;
    return page_stream_look(&op->stream, base, stage, 0, is_over);
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((paged_find_op *)base)->stream.transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    paged_find_op *op = (paged_find_op *)base;
    page_stream_reset(&op->stream);
    memory_put(&base->account, op->vector, op->paged->space.dimensions * sizeof *op->vector);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_paged_find_begin(const diskann_paged *paged, uint64_t id, diskann_op **out)
{
    if (paged == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&calls, sizeof(paged_find_op), 1, &paged->account.allocator, out));
    paged_find_op *op = (paged_find_op *)*out;
    op->paged = paged;
    op->id = id;
    op->vector = memory_get(&op->base.account, paged->space.dimensions * sizeof *op->vector);
    int status = op->vector != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
    if (status == DISKANN_OK) {
        status = page_stream_init(&op->stream, paged, paged->block.pages, DISKANN_PHASE_SCAN, &op->base.account);
    }
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
        return status;
    }
    look_into_cache(op);
    return DISKANN_OK;
}

int diskann_paged_find_take(const diskann_op *base, float *out)
{
    const paged_find_op *op = (const paged_find_op *)base;
    if (base->calls != &calls || base->status != DISKANN_OK) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; out != NULL && op->is_found && i < op->paged->space.dimensions; i++) {
        out[i] = op->vector[i];
    }
    return op->is_found ? DISKANN_OK : DISKANN_ERR_NOT_FOUND;
}
