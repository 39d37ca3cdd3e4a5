/*
 * Node pages as they lie in memory and in the file: header of 16 bytes (crc32c u32 of all that follows it in
 * the page, zero u32, page number u64), records, zero padding. Pages lie one after the other behind the
 * superblock and, where there is one, the navigator.
 */
#ifndef DISKANN_STORE_PAGE_H
#define DISKANN_STORE_PAGE_H

#include "../record/record.h"

/* CRC-32C, as in the table of kernels: of `bytes` bytes after `crc`, which is 0 at the start. */
typedef uint32_t page_crc32c(uint32_t crc, const void *data, size_t bytes);

static inline uint64_t page_offset(const record_layout *layout, uint64_t page)
{
    return layout->pages_offset + page * layout->page_bytes;
}

/* Records in use in a page, of an index of `size` records. */
uint32_t page_records(const record_layout *layout, uint64_t page, uint64_t size);
/* Makes the header right: number and checksum. */
void page_seal(page_crc32c *crc32c, const record_layout *layout, uint8_t *page, uint64_t number);
/* Bytes of a page up to the end of so many records. */
static inline uint64_t page_used(const record_layout *layout, uint32_t records)
{
    return PAGE_HEADER_BYTES + (uint64_t)records * layout->record_bytes;
}
/*
 * Checks the header, and that all is zero behind the first `used` bytes; `sealed`: the checksum too. Returns an enum
 * diskann_finding_kind: CHECKSUM, PAGE_HEADER or NONE.
 */
uint32_t page_check(page_crc32c *crc32c, const record_layout *layout, const uint8_t *page,
                    uint64_t number, uint64_t used, int sealed);

int bytes_are_zero(const uint8_t *bytes, size_t count);

#endif
