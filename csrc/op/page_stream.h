/*
 * The pages of a paged index from the first to the last, past its cache: rounds of a few large reads into a buffer of some
 * megabytes, and items that look at what came. Nothing of the index changes meanwhile, so such an operation may be driven
 * beside searches, on any thread.
 *
 *     IO --all there--> RUN --> IO ... --> no more
 */
#ifndef DISKANN_OP_PAGE_STREAM_H
#define DISKANN_OP_PAGE_STREAM_H

#include "../store/page.h"
#include "paged.h"
#include "transfer.h"

typedef struct page_stream {
    memory_account *account;
    const diskann_paged *paged;
    op_transfer transfer;
    uint8_t *buffer;
    uint8_t *kinds;        /* of the pages in the buffer: what is wrong with each, where the owner looks */
    uint64_t count;        /* pages of the stream, which begins with page 0 */
    uint64_t begin, end;   /* those in the buffer */
    uint32_t buffer_pages;
    uint32_t phase;        /* of all its stages, counted in bytes */
    uint32_t passes;       /* 2: each page is read and written, which counts twice */
    uint32_t is_reading;   /* page_stream_look: the pages are on their way */
} page_stream;

/* `count`: how many of the file's pages; may be 0. ERR_NO_MEMORY; ERR_UNSUPPORTED: a file of Microsoft's. */
int page_stream_init(page_stream *stream, const diskann_paged *paged, uint64_t count, uint32_t phase,
                     memory_account *account);
/* Also of one that is zero. */
void page_stream_reset(page_stream *stream);
/* Pages of the file, of every kind. */
uint64_t page_stream_pages(const diskann_paged *paged);

/* Asks for the next pages: IO; or OK: there are no more. */
int page_stream_read(page_stream *stream, diskann_stage *stage);
/* Once they are there: so many items for them, RUN. */
int page_stream_run(const page_stream *stream, diskann_stage *stage, uint64_t items, uint32_t parallel);
/*
 * A step of `op` where every page is read and looked at, an item each: IO and RUN in turn, then OK. Fails where a look has
 * noted damage, with the lowest page. `is_over`: what has been seen is enough.
 */
int page_stream_look(page_stream *stream, diskann_op *op, diskann_stage *stage, uint32_t parallel, int is_over);
/* Hands the pages in the buffer out to be written: IO. */
int page_stream_write(page_stream *stream, diskann_stage *stage);
/* The lowest page whose kind is not NONE; 0: all are well. */
uint32_t page_stream_damage(const page_stream *stream, uint64_t *page);

static inline uint8_t *page_stream_at(const page_stream *stream, uint64_t page)
{
    return stream->buffer + (size_t)(page - stream->begin) * stream->paged->records.layout.page_bytes;
}

#endif
