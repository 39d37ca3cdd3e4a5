#include "section.h"

#include <string.h>

uint64_t section_bytes(const section *section)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < section->part_count; i++) {
        bytes += section->parts[i].length;
    }
    return bytes;
}

/* Calls for every piece of [offset, offset + length) of the stream that lies in one part. */
typedef struct pieces {
    const section *section;
    uint64_t offset, length;
    uint32_t part;
} pieces;

static pieces pieces_of(const section *section, uint64_t index)
{
    const uint64_t payload = section->layout->page_bytes - PAGE_HEADER_BYTES;
    const uint64_t all = section_bytes(section), offset = index * payload;
    const uint64_t rest = all > offset ? all - offset : 0;
    pieces pieces = {section, offset, rest < payload ? rest : payload, 0};
    while (pieces.part < section->part_count && pieces.offset >= section->parts[pieces.part].length) {
        pieces.offset -= section->parts[pieces.part++].length;
    }
    return pieces;
}

/* The next piece, whose bytes lie together in memory; its length is 0 at the end. */
static section_part next_piece(pieces *pieces)
{
    if (pieces->length == 0) {
        return (section_part){NULL, 0};
    }
    const section_part *part = &pieces->section->parts[pieces->part];
    const uint64_t there = part->length - pieces->offset;
    const uint64_t length = there < pieces->length ? there : pieces->length;
    const section_part piece = {(uint8_t *)part->bytes + pieces->offset, length};
    pieces->length -= length;
    pieces->offset += length;
    while (pieces->part + 1 < pieces->section->part_count && pieces->offset == pieces->section->parts[pieces->part].length) {
        pieces->offset = 0;
        pieces->part++;
    }
    return piece;
}

void section_fill(const section *section, uint64_t index, uint8_t *page)
{
    uint8_t *to = page + PAGE_HEADER_BYTES;
    pieces pieces = pieces_of(section, index);
    for (section_part piece = next_piece(&pieces); piece.length > 0; piece = next_piece(&pieces)) {
        memcpy(to, piece.bytes, (size_t)piece.length);
        to += piece.length;
    }
    memset(to, 0, (size_t)(page + section->layout->page_bytes - to));
    page_seal(section->crc32c, section->layout, page, section->first_page + index);
}

uint32_t section_check(const section *section, uint64_t index, const uint8_t *page)
{
    const uint64_t used = pieces_of(section, index).length;
    return page_check(section->crc32c, section->layout, page, section->first_page + index, PAGE_HEADER_BYTES + used, 1);
}

int section_matches(const section *section, uint64_t index, const uint8_t *page)
{
    const uint8_t *from = page + PAGE_HEADER_BYTES;
    pieces pieces = pieces_of(section, index);
    for (section_part piece = next_piece(&pieces); piece.length > 0; piece = next_piece(&pieces)) {
        if (memcmp(piece.bytes, from, (size_t)piece.length) != 0) {
            return 0;
        }
        from += piece.length;
    }
    return 1;
}

uint32_t section_take(const section *section, uint64_t index, const uint8_t *page)
{
    const uint8_t *from = page + PAGE_HEADER_BYTES;
    pieces pieces = pieces_of(section, index);
    const uint32_t kind = section_check(section, index, page);
    if (kind != DISKANN_FINDING_NONE) {
        return kind;
    }
    for (section_part piece = next_piece(&pieces); piece.length > 0; piece = next_piece(&pieces)) {
        memcpy(piece.bytes, from, (size_t)piece.length);
        from += piece.length;
    }
    return DISKANN_FINDING_NONE;
}
