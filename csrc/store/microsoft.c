#include "microsoft.h"

#include "../base/status.h"

#include <string.h>

/*
 * The first block: two numbers of 32 bits, then numbers of 64 bits. In C++ the first is how many follow; in Rust it is the
 * length of them, which are more.
 */
enum {
    AT_KIND = 0,
    AT_COLUMNS = 4,
    AT_SIZE = 8,
    AT_DIMENSIONS = 16,
    AT_MEDOID = 24,
    AT_NODE_BYTES = 32,
    AT_NODES = 40,
    AT_FROZEN = 48,
    AT_REORDER = 64,
    AT_FILE_BYTES = 72,
    AT_ASSOCIATED = 80,
    AT_BLOCK_BYTES = 88,
    AT_MAJOR = 96
};
enum { KIND_PLAIN = 9, KIND_REORDER = 12, KIND_RUST = 96, RUST_MAJOR = 1 };
enum { BLOCK_BYTES = 4096, BLOCK_BYTES_MAX = 1 << 20, COUNT_BYTES = 4, NEIGHBOUR_BYTES = 4 };

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const uint8_t *at)
{
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

/* Which of the kinds it is, and what only some of them have. */
static int decode_kind(microsoft_disk *disk, const uint8_t *bytes, uint64_t *value)
{
    const uint32_t kind = get_u32(bytes + AT_KIND);
    const int is_known = kind == KIND_PLAIN || kind == KIND_REORDER || kind == KIND_RUST;
    if (!is_known || get_u32(bytes + AT_COLUMNS) != 1) {
        return DISKANN_ERR_CORRUPT;
    }
    disk->block_bytes = BLOCK_BYTES;
    if (kind == KIND_RUST) {
        const uint64_t block_bytes = get_u64(bytes + AT_BLOCK_BYTES);
        *value = get_u32(bytes + AT_MAJOR);
        if (*value != RUST_MAJOR) {
            return DISKANN_ERR_VERSION;
        }
        if (block_bytes < BLOCK_BYTES || block_bytes > BLOCK_BYTES_MAX || block_bytes % BLOCK_BYTES != 0) {
            return DISKANN_ERR_CORRUPT;
        }
        disk->block_bytes = (uint32_t)block_bytes;
    }
    const int has_data = kind == KIND_RUST && get_u64(bytes + AT_ASSOCIATED) != 0;
    return has_data || get_u64(bytes + AT_REORDER) != 0 || get_u64(bytes + AT_FROZEN) != 0 ? DISKANN_ERR_UNSUPPORTED
           : kind == KIND_REORDER                                                         ? DISKANN_ERR_CORRUPT
                                                                                          : DISKANN_OK;
}

/* The node and its degree follow from each other. */
static int decode_node(microsoft_disk *disk, const uint8_t *bytes)
{
    const uint64_t node_bytes = get_u64(bytes + AT_NODE_BYTES);
    const uint64_t fixed = (uint64_t)disk->vector_bytes + COUNT_BYTES;
    if (node_bytes <= fixed || (node_bytes - fixed) % NEIGHBOUR_BYTES != 0) {
        return DISKANN_ERR_CORRUPT;
    }
    const uint64_t degree = (node_bytes - fixed) / NEIGHBOUR_BYTES;
    if (degree > DISKANN_MAX_DEGREE_MAX) {
        return DISKANN_ERR_UNSUPPORTED;
    }
    disk->max_degree = (uint32_t)degree;
    disk->node_bytes = (uint32_t)node_bytes;
    return DISKANN_OK;
}

static void derive_pages(microsoft_disk *disk)
{
    const uint32_t block = disk->block_bytes;
    const uint32_t fitting = block / disk->node_bytes;
    disk->nodes = fitting > 0 ? fitting : 1;
    disk->page_bytes = fitting > 0 ? block : (disk->node_bytes + block - 1) / block * block;
    disk->pages = (disk->size + disk->nodes - 1) / disk->nodes;
}

int microsoft_decode(microsoft_disk *disk, const uint8_t *bytes, uint64_t file_bytes, uint32_t element_bytes,
                     uint64_t *value)
{
    const uint64_t size = get_u64(bytes + AT_SIZE), dimensions = get_u64(bytes + AT_DIMENSIONS);
    const uint64_t medoid = get_u64(bytes + AT_MEDOID);
    memset(disk, 0, sizeof *disk);
    TRY(decode_kind(disk, bytes, value));
    if (size < 1 || size > DISKANN_SIZE_MAX || medoid >= size || dimensions < DISKANN_DIMENSIONS_MIN ||
        dimensions > DISKANN_DIMENSIONS_MAX) {
        return DISKANN_ERR_CORRUPT;
    }
    disk->size = size;
    disk->dimensions = (uint32_t)dimensions;
    disk->entry = (uint32_t)medoid;
    disk->vector_bytes = disk->dimensions * element_bytes;
    TRY(decode_node(disk, bytes));
    derive_pages(disk);
    const uint64_t wanted = disk->block_bytes + disk->pages * disk->page_bytes;
    const uint64_t nodes = disk->block_bytes / disk->node_bytes;
    return get_u64(bytes + AT_NODES) == nodes && get_u64(bytes + AT_FILE_BYTES) == wanted && file_bytes == wanted
               ? DISKANN_OK
               : DISKANN_ERR_CORRUPT;
}

void microsoft_layout(const microsoft_disk *disk, record_layout *layout)
{
    const uint32_t records = PAGE_HEADER_BYTES + disk->nodes * layout->record_bytes;
    record_layout_repack(layout, disk->nodes, records > disk->page_bytes ? records : disk->page_bytes);
}

/*
 * One node into its record, which begins behind it and ends behind it: the list first, then the vector, so that nothing is
 * overwritten that is still wanted.
 */
static uint32_t unpack_node(const microsoft_disk *disk, const record_layout *layout, const uint8_t *node, uint8_t *record,
                            uint64_t id)
{
    const uint32_t vector_bytes = disk->vector_bytes;
    uint32_t degree;
    memcpy(&degree, node + vector_bytes, sizeof degree);
    if (degree > disk->max_degree) {
        return DISKANN_FINDING_DEGREE;
    }
    record_list *list = record_links(layout, record);
    memmove(list->neighbours, node + vector_bytes + COUNT_BYTES, degree * sizeof *list->neighbours);
    memmove(record, node, vector_bytes);
    memset(record + vector_bytes, 0, layout->vector_bytes - vector_bytes);
    *record_id(layout, record) = id;
    *record_aux(layout, record) = 0;
    list->degree = (uint16_t)degree;
    list->children = 0;
    uint8_t *unused = (uint8_t *)&list->neighbours[degree];
    memset(unused, 0, (size_t)(record + layout->record_bytes - unused));
    return DISKANN_FINDING_NONE;
}

/* The last node first: a record is longer than its node, so that it covers none but those that have been moved. */
uint32_t microsoft_unpack(const microsoft_disk *disk, const record_layout *layout, uint8_t *page, uint32_t number)
{
    const uint64_t first = (uint64_t)number * disk->nodes;
    uint32_t kind = DISKANN_FINDING_NONE;
    for (uint32_t i = page_records(layout, number, disk->size); i-- > 0 && kind == DISKANN_FINDING_NONE;) {
        const uint8_t *node = page + (size_t)i * disk->node_bytes;
        kind = unpack_node(disk, layout, node, page_record(layout, page, i), first + i);
    }
    memset(page, 0, PAGE_HEADER_BYTES);
    return kind;
}
