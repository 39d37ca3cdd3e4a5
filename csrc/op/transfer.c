#include "transfer.h"

#include "../store/page.h"

void transfer_begin(op_transfer *transfer)
{
    transfer->first_ticket += transfer->count;
    transfer->count = 0;
    transfer->pending_count = 0;
    transfer->bytes_before = transfer->bytes;
}

void transfer_add(op_transfer *transfer, uint32_t kind, uint64_t offset, uint64_t length, void *buffer)
{
    transfer->requests[transfer->count] = (diskann_request){
        .kind = kind,
        .ticket = transfer->first_ticket + transfer->count,
        .offset = offset,
        .length = length,
        .buffer = buffer,
    };
    transfer->pending[transfer->count++] = 1;
    transfer->pending_count++;
    transfer->bytes += length;
}

uint64_t transfer_add_pages(op_transfer *transfer, uint32_t kind, const record_store *store, const record_layout *layout,
                            uint64_t page, uint64_t pages)
{
    while (page < pages && transfer->count < TRANSFER_REQUESTS_MAX) {
        const uint64_t segment_end = (page | (layout->pages_per_segment - 1)) + 1;
        const uint64_t end = segment_end < pages ? segment_end : pages;
        transfer_add(transfer, kind, page_offset(layout, page), (end - page) * layout->page_bytes,
                     page_at(store, (uint32_t)page));
        page = end;
    }
    return page;
}

int transfer_hand_out(const op_transfer *transfer, diskann_stage *stage, uint32_t phase, uint64_t total)
{
    stage->phase = phase;
    stage->done = transfer->bytes_before;
    stage->total = total;
    stage->request_count = transfer->count;
    stage->requests = transfer->requests;
    return DISKANN_IO;
}

void transfer_complete(op_transfer *transfer, uint32_t ticket, int status)
{
    const uint32_t at = ticket - transfer->first_ticket;
    if (at >= transfer->count || !transfer->pending[at]) {
        return;
    }
    transfer->pending[at] = 0;
    transfer->pending_count--;
    if (status != DISKANN_OK) {
        transfer->status = DISKANN_ERR_IO;
    }
}

int transfer_finish(const op_transfer *transfer)
{
    return transfer->pending_count == 0 ? transfer->status : DISKANN_ERR_IO;
}
