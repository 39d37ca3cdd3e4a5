/*
 * What a file holds behind its node pages: a stream of bytes in pages of the same size and header, whose numbers go on. The
 * stream is made of parts that lie anywhere in memory.
 */
#ifndef DISKANN_STORE_SECTION_H
#define DISKANN_STORE_SECTION_H

#include "page.h"

enum { SECTION_PARTS_MAX = 4 };

typedef struct section_part {
    void *bytes;
    uint64_t length;
} section_part;

typedef struct section {
    const record_layout *layout;
    page_crc32c *crc32c;
    uint64_t first_page;
    uint32_t part_count;
    section_part parts[SECTION_PARTS_MAX];
} section;

/* Pages that so many bytes fill. */
static inline uint64_t section_pages(const record_layout *layout, uint64_t bytes)
{
    const uint64_t payload = layout->page_bytes - PAGE_HEADER_BYTES;
    return (bytes + payload - 1) / payload;
}

uint64_t section_bytes(const section *section);
/* Writes page `index` of the section, counted from 0, sealed. */
void section_fill(const section *section, uint64_t index, uint8_t *page);
/* 1: a sound page holds what lies in the parts. */
int section_matches(const section *section, uint64_t index, const uint8_t *page);
/* An enum diskann_finding_kind, CHECKSUM, PAGE_HEADER or NONE, of a page as it came. */
uint32_t section_check(const section *section, uint64_t index, const uint8_t *page);
/* The same, and takes what a sound page holds. */
uint32_t section_take(const section *section, uint64_t index, const uint8_t *page);

#endif
