#include "code_pages.h"

#include "../base/status.h"

#include <string.h>

enum { BUFFER_BYTES = 1 << 20 };

static void add_part(section *section, void *bytes, uint64_t length)
{
    section->parts[section->part_count++] = (section_part){bytes, length};
}

section code_pages_section(const superblock *block, const graph_space *space)
{
    section section = {
        .layout = &space->records->layout, .crc32c = space->kernels->crc32c, .first_page = block->pages};
    if (space->pq != NULL) {
        const diskann_pq *pq = space->pq->pq;
        add_part(&section, pq->codebook, (uint64_t)pq->centroids * pq->dimensions * sizeof(float));
        add_part(&section, pq->centre, pq->dimensions * sizeof(float));
        add_part(&section, space->pq->codes, block->size * space->pq->code_bytes);
    } else {
        add_part(&section, space->bits->origin, space->dimensions * sizeof(float));
        add_part(&section, space->navigator->block, navigator_bytes(space->navigator));
    }
    return section;
}

int code_pages_init(code_pages *pages, const superblock *block, const graph_space *space, memory_account *account)
{
    const record_layout *layout = &space->records->layout;
    memset(pages, 0, sizeof *pages);
    pages->account = account;
    pages->count = block->code_pages;
    if (pages->count == 0) {
        return DISKANN_OK;
    }
    pages->offset = block->navigator_size > 0 ? DISKANN_SUPERBLOCK_BYTES : page_offset(&block->layout, block->pages);
    pages->section = code_pages_section(block, space);
    const uint64_t fitting = BUFFER_BYTES / layout->page_bytes;
    pages->buffer_pages = fitting < 1 ? 1 : fitting < pages->count ? (uint32_t)fitting : (uint32_t)pages->count;
    pages->buffer_bytes = (uint64_t)pages->buffer_pages * layout->page_bytes;
    pages->buffer = memory_get(account, pages->buffer_bytes);
    return pages->buffer != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

void code_pages_reset(code_pages *pages)
{
    if (pages->buffer != NULL) {
        memory_put(pages->account, pages->buffer, pages->buffer_bytes);
    }
    memset(pages, 0, sizeof *pages);
}

static uint8_t *page_of(const code_pages *pages, uint64_t index)
{
    return pages->buffer + (size_t)(index - pages->begin) * pages->section.layout->page_bytes;
}

int code_pages_round(code_pages *pages, op_transfer *transfer, uint32_t kind)
{
    const record_layout *layout = pages->section.layout;
    pages->begin = pages->end;
    if (pages->begin == pages->count) {
        return 0;
    }
    const uint64_t rest = pages->count - pages->begin;
    pages->end = pages->begin + (rest < pages->buffer_pages ? rest : pages->buffer_pages);
    for (uint64_t i = pages->begin; kind == DISKANN_WRITE && i < pages->end; i++) {
        section_fill(&pages->section, i, page_of(pages, i));
    }
    transfer_add(transfer, kind, pages->offset + pages->begin * layout->page_bytes,
                 (pages->end - pages->begin) * layout->page_bytes, pages->buffer);
    return 1;
}

uint32_t code_pages_take(code_pages *pages, uint64_t *page)
{
    for (uint64_t i = pages->begin; i < pages->end; i++) {
        const uint32_t kind = section_take(&pages->section, i, page_of(pages, i));
        if (kind != DISKANN_FINDING_NONE) {
            *page = pages->section.first_page + i;
            return kind;
        }
    }
    return DISKANN_FINDING_NONE;
}
