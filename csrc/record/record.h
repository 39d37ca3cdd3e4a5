/*
 * The record of a node, and where it lies. This floor owns the layout of a record and the way from a slot to bytes;
 * graph/ sees records and never pages.
 *
 * A record: vector | id u64 | aux f32 | degree u16, children u16 | neighbours u32[max_degree], rounded up to 16 bytes |
 * codes of the neighbours, where the index has such (base/bits_layout.h). Unused bytes are zero. `aux` is what the metric
 * wants beside the vector: cosine: 1 / |x| (0 for a zero vector); others: |x|^2. The first `children` neighbours are *tree
 * edges*: each record but the entry is the target of exactly one of them, they form a tree rooted at the entry, and pruning
 * never drops one. So every record can be reached, by construction, at any moment.
 *
 * A page: header of 16 bytes (crc32c u32 of all that follows, zero u32, page number u64), records, zero padding.
 * Pages lie in segments of about 2 MiB that never move once they are full; the last one has room for what it holds and a
 * little more.
 */
#ifndef DISKANN_RECORD_H
#define DISKANN_RECORD_H

#include "../base/memory.h"

#include <stdint.h>

enum {
    PAGE_HEADER_BYTES = 16,
    PAGE_BYTES_MIN = 4096,
    PAGE_BYTES_MAX_PACKED = 65536, /* larger only where one record is larger */
    SEGMENT_BYTES_TARGET = 2 << 20
};
#define SLOT_NONE UINT32_MAX

/* Sizes and offsets that follow from dimensions, element type, max_degree, the kind of codes and the size of pages alone. */
typedef struct record_layout {
    uint32_t vector_bytes;
    uint32_t id_offset;
    uint32_t aux_offset;
    uint32_t list_offset; /* degree, children, neighbours: see record_list */
    uint32_t codes_offset; /* where the codes of the neighbours begin: record_bytes where there are none */
    uint32_t record_bytes;
    uint32_t records_per_page;
    uint32_t page_bytes;
    uint32_t pages_per_segment; /* a power of two */
    uint32_t segment_shift;     /* log2 of it */
    uint32_t divide_shift;      /* slot / records_per_page = (slot * divide_factor) >> divide_shift */
    uint64_t divide_factor;
    uint64_t pages_offset; /* of the first page in a file: behind the superblock, and what lies between */
} record_layout;

/* 1: 0, or a size of pages that the rest of a valid config can have. */
int record_page_bytes_are_valid(const diskann_config *config);
/* `config` is valid. */
void record_layout_init(record_layout *layout, const diskann_config *config);

/* Other pages for the same records: so many in each, which fit. */
void record_layout_repack(record_layout *layout, uint32_t records_per_page, uint32_t page_bytes);

/* The neighbours of a node, in a record or in the working lists of a build: same shape, other capacity. */
typedef struct record_list {
    uint16_t degree;
    uint16_t children; /* of them, the first ones are tree edges */
    uint32_t neighbours[];
} record_list;

/*
 * A record may be the parent of so many: half of its edges stay free for the graph proper, and a walk down the tree
 * always comes to a record that has room.
 */
static inline uint32_t record_children_max(uint32_t max_degree)
{
    return max_degree / 2;
}

/* How many records have each degree; also as a difference that is to be added. */
typedef struct record_degrees {
    int32_t counts[DISKANN_MAX_DEGREE_MAX + 1];
} record_degrees;

/* Adds the difference and makes it zero. */
void record_degrees_add(record_degrees *degrees, record_degrees *difference);

/* All records of an index. */
typedef struct record_store {
    record_layout layout;
    memory_account *account;
    uint8_t **segments;
    uint8_t *dirty;             /* one byte per page: its checksum is not up to date */
    uint32_t segment_count;
    uint32_t segment_capacity;  /* of the arrays */
    uint32_t last_pages;        /* of the last segment; the others have pages_per_segment */
} record_store;

void record_store_init(record_store *store, const diskann_config *config, memory_account *account);
void record_store_reset(record_store *store);
/* Makes room for slots [0, slots); new pages are zeroed, numbered and dirty. ERR_NO_MEMORY changes no record. */
int record_store_reserve(record_store *store, uint64_t slots);
/* Gives back all segments that no slot below `slots` needs, and zeroes the records at and above it. */
void record_store_truncate(record_store *store, uint64_t slots);
/* Bytes of segments and their tables. */
uint64_t record_store_bytes(const record_store *store);

/* Node pages that `slots` records fill. */
static inline uint64_t record_pages(const record_layout *layout, uint64_t slots)
{
    return (slots + layout->records_per_page - 1) / layout->records_per_page;
}

static inline uint32_t record_page(const record_layout *layout, uint32_t slot)
{
    return (uint32_t)((slot * layout->divide_factor) >> layout->divide_shift);
}

static inline uint8_t *page_at(const record_store *store, uint32_t page)
{
    const record_layout *layout = &store->layout;
    return store->segments[page >> layout->segment_shift] +
           (size_t)(page & (layout->pages_per_segment - 1)) * layout->page_bytes;
}

/* A record of a page, by its place there. */
static inline uint8_t *page_record(const record_layout *layout, uint8_t *page, uint32_t place)
{
    return page + PAGE_HEADER_BYTES + (size_t)place * layout->record_bytes;
}

/* The record of a slot; its vector is at offset 0. */
static inline uint8_t *record_at(const record_store *store, uint32_t slot)
{
    const record_layout *layout = &store->layout;
    const uint32_t page = record_page(layout, slot);
    return page_record(layout, page_at(store, page), slot - page * layout->records_per_page);
}

static inline uint64_t *record_id(const record_layout *layout, uint8_t *record)
{
    return (uint64_t *)(void *)(record + layout->id_offset);
}

static inline float *record_aux(const record_layout *layout, uint8_t *record)
{
    return (float *)(void *)(record + layout->aux_offset);
}

static inline record_list *record_links(const record_layout *layout, uint8_t *record)
{
    return (record_list *)(void *)(record + layout->list_offset);
}

/* The codes of the neighbours. */
static inline uint8_t *record_codes(const record_layout *layout, uint8_t *record)
{
    return record + layout->codes_offset;
}

/* To be called when a record changes. Atomic, since workers may change records of one page at the same time. */
static inline void record_touch(const record_store *store, uint32_t slot)
{
    __atomic_store_n(&store->dirty[record_page(&store->layout, slot)], 1, __ATOMIC_RELAXED);
}

#endif
