#include "page_stream.h"

#include "../base/status.h"
#include "../store/page.h"

#include <string.h>

enum { READ_BYTES = 1 << 20, READS = 4 };

uint64_t page_stream_pages(const diskann_paged *paged)
{
    return (paged->block.file_bytes - DISKANN_SUPERBLOCK_BYTES) / paged->block.layout.page_bytes;
}

static uint64_t buffer_bytes(const page_stream *stream)
{
    return (uint64_t)stream->buffer_pages * stream->paged->block.layout.page_bytes;
}

int page_stream_init(page_stream *stream, const diskann_paged *paged, uint64_t count, uint32_t phase,
                     memory_account *account)
{
    memset(stream, 0, sizeof *stream);
    if (paged->disk.nodes > 0) { /* it has no pages of ours */
        return DISKANN_ERR_UNSUPPORTED;
    }
    const uint64_t fitting = (uint64_t)READS * READ_BYTES / paged->block.layout.page_bytes;
    const uint64_t most = fitting < count ? fitting : count;
    stream->account = account;
    stream->paged = paged;
    stream->count = count;
    stream->phase = phase;
    stream->passes = 1;
    stream->buffer_pages = most > 0 ? (uint32_t)most : 1;
    stream->buffer = memory_get(account, buffer_bytes(stream));
    stream->kinds = memory_get_zeroed(account, stream->buffer_pages);
    return stream->buffer != NULL && stream->kinds != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

void page_stream_reset(page_stream *stream)
{
    if (stream->account != NULL) {
        memory_put(stream->account, stream->buffer, buffer_bytes(stream));
        memory_put(stream->account, stream->kinds, stream->buffer_pages);
    }
    memset(stream, 0, sizeof *stream);
}

static uint64_t total_bytes(const page_stream *stream)
{
    return stream->passes * stream->count * stream->paged->block.layout.page_bytes;
}

/* Bytes moved, with the pages in the buffer or before. */
static uint64_t done_bytes(const page_stream *stream, int with_buffer)
{
    const uint64_t pages = stream->passes * stream->begin + (with_buffer ? stream->end - stream->begin : 0);
    return pages * stream->paged->block.layout.page_bytes;
}

/* Pages of the navigator have the last numbers and the first places. */
static uint64_t place_of(const page_stream *stream, uint64_t page)
{
    const superblock *block = &stream->paged->block;
    return block->navigator_size > 0 && page >= block->pages
               ? DISKANN_SUPERBLOCK_BYTES + (page - block->pages) * block->layout.page_bytes
               : page_offset(&block->layout, page);
}

/* Pages from this one on to there lie together. */
static uint64_t place_end(const page_stream *stream, uint64_t page)
{
    return page < stream->paged->block.pages ? stream->paged->block.pages : UINT64_MAX;
}

/* The pages in the buffer, in a few requests. */
static int transfer_buffer(page_stream *stream, diskann_stage *stage, uint32_t kind)
{
    const record_layout *layout = &stream->paged->block.layout;
    const uint64_t pages = stream->end - stream->begin, each = (pages + READS - 1) / READS;
    transfer_begin(&stream->transfer);
    for (uint64_t page = stream->begin, run; page < stream->end; page += run) {
        const uint64_t end = place_end(stream, page), rest = (end < stream->end ? end : stream->end) - page;
        run = rest < each ? rest : each;
        transfer_add(&stream->transfer, kind, place_of(stream, page), run * layout->page_bytes, page_stream_at(stream, page));
    }
    transfer_hand_out(&stream->transfer, stage, stream->phase, total_bytes(stream));
    stage->done = done_bytes(stream, kind == DISKANN_WRITE);
    return DISKANN_IO;
}

int page_stream_read(page_stream *stream, diskann_stage *stage)
{
    const uint64_t rest = stream->count - stream->end;
    stream->begin = stream->end;
    if (rest == 0) {
        return DISKANN_OK;
    }
    stream->end += rest < stream->buffer_pages ? rest : stream->buffer_pages;
    memset(stream->kinds, 0, stream->buffer_pages);
    return transfer_buffer(stream, stage, DISKANN_READ);
}

int page_stream_write(page_stream *stream, diskann_stage *stage)
{
    return transfer_buffer(stream, stage, DISKANN_WRITE);
}

int page_stream_run(const page_stream *stream, diskann_stage *stage, uint64_t items, uint32_t parallel)
{
    stage->phase = stream->phase;
    stage->parallel = parallel;
    stage->items = items;
    stage->done = done_bytes(stream, 1);
    stage->total = total_bytes(stream);
    return DISKANN_RUN;
}

int page_stream_look(page_stream *stream, diskann_op *op, diskann_stage *stage, uint32_t parallel, int is_over)
{
    uint64_t page = 0;
    if (op_is_cancelled(op)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&stream->transfer));
    stream->is_reading = !stream->is_reading;
    if (!stream->is_reading) {
        return page_stream_run(stream, stage, stream->end - stream->begin, parallel);
    }
    const uint32_t kind = page_stream_damage(stream, &page);
    if (kind != DISKANN_FINDING_NONE) {
        return op_fail(op, DISKANN_ERR_CORRUPT, kind, DISKANN_NOWHERE, (int64_t)page, 0);
    }
    return is_over ? DISKANN_OK : page_stream_read(stream, stage);
}

uint32_t page_stream_damage(const page_stream *stream, uint64_t *page)
{
    for (uint64_t at = stream->begin; at < stream->end; at++) {
        const uint32_t kind = stream->kinds[at - stream->begin];
        if (kind != DISKANN_FINDING_NONE) {
            *page = at;
            return kind;
        }
    }
    return DISKANN_FINDING_NONE;
}
