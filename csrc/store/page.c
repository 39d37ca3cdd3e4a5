#include "page.h"

#include <string.h>

/* Records are used in the file as they lie in memory. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the file format is little-endian and so must be the machine"
#endif

enum { CHECKSUM_BYTES = 4, AT_ZERO = 4, AT_NUMBER = 8 };

static uint32_t checksum(page_crc32c *crc32c, const record_layout *layout, const uint8_t *page)
{
    return crc32c(0, page + CHECKSUM_BYTES, layout->page_bytes - CHECKSUM_BYTES);
}

uint32_t page_records(const record_layout *layout, uint64_t page, uint64_t size)
{
    const uint64_t first = page * layout->records_per_page;
    const uint64_t rest = size > first ? size - first : 0;
    return rest < layout->records_per_page ? (uint32_t)rest : layout->records_per_page;
}

void page_seal(page_crc32c *crc32c, const record_layout *layout, uint8_t *page, uint64_t number)
{
    uint32_t crc;
    memset(page + AT_ZERO, 0, AT_NUMBER - AT_ZERO);
    memcpy(page + AT_NUMBER, &number, sizeof number);
    crc = checksum(crc32c, layout, page);
    memcpy(page, &crc, sizeof crc);
}

uint32_t page_check(page_crc32c *crc32c, const record_layout *layout, const uint8_t *page,
                    uint64_t number, uint64_t used, int sealed)
{
    uint32_t crc, zero;
    uint64_t found;
    memcpy(&crc, page, sizeof crc);
    memcpy(&zero, page + AT_ZERO, sizeof zero);
    memcpy(&found, page + AT_NUMBER, sizeof found);
    if (sealed && crc != checksum(crc32c, layout, page)) {
        return DISKANN_FINDING_CHECKSUM;
    }
    if (zero != 0 || found != number || !bytes_are_zero(page + used, (size_t)(layout->page_bytes - used))) {
        return DISKANN_FINDING_PAGE_HEADER;
    }
    return DISKANN_FINDING_NONE;
}

int bytes_are_zero(const uint8_t *bytes, size_t count)
{
    uint64_t seen = 0;
    size_t i = 0;
    for (; i + sizeof seen <= count; i += sizeof seen) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        seen |= word;
    }
    for (; i < count; i++) {
        seen |= bytes[i];
    }
    return seen == 0;
}
