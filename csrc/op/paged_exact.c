/* Exact search of an index in its file: all pages, in order, each checked as it comes. */
#include "exact.h"
#include "page_stream.h"

typedef struct paged_exact_op {
    exact_scan scan;
    const diskann_paged *paged;
    page_stream stream;
} paged_exact_op;

static void scan_page(paged_exact_op *op, uint32_t worker, uint32_t page)
{
    const diskann_paged *paged = op->paged;
    const record_layout *layout = &paged->records.layout;
    uint8_t *bytes = page_stream_at(&op->stream, page);
    const uint32_t kind = check_page(&paged->space, &paged->limits, bytes, page);
    const uint32_t records = kind == DISKANN_FINDING_NONE ? page_records(layout, page, paged->block.size) : 0;
    op->stream.kinds[page - op->stream.begin] = (uint8_t)kind;
    for (uint32_t i = 0; i < records; i++) {
        uint8_t *record = page_record(layout, bytes, i);
        const float distance = graph_distance(&paged->space, op->scan.point, graph_point_of(&paged->space, record));
        exact_offer(&op->scan, worker, (hit){*record_id(layout, record), distance});
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    paged_exact_op *op = (paged_exact_op *)base;
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        scan_page(op, worker, (uint32_t)(op->stream.begin + item));
    }
}

static int step(diskann_op *base, diskann_stage *stage)
{
    paged_exact_op *op = (paged_exact_op *)base;
    const int status = page_stream_look(&op->stream, base, stage, 1, 0);
    if (status == DISKANN_OK) {
        exact_finish(&op->scan);
    }
    return status;
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((paged_exact_op *)base)->stream.transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    paged_exact_op *op = (paged_exact_op *)base;
    page_stream_reset(&op->stream);
    exact_reset(&op->scan);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_paged_exact_begin(const diskann_paged *paged, const float *query, uint32_t k, uint32_t workers, diskann_op **out)
{
    if (paged == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(exact_create(&calls, sizeof(paged_exact_op), &paged->space, (uint32_t)paged->block.size, query, k, workers,
                     &paged->account.allocator, out));
    paged_exact_op *op = (paged_exact_op *)*out;
    op->paged = paged;
    const int status = page_stream_init(&op->stream, paged, paged->block.pages, DISKANN_PHASE_SCAN, &op->scan.base.account);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}
