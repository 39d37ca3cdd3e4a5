#include "record.h"

#include "../base/bits_layout.h"
#include "../base/status.h"
#include "../simd/simd.h"

#include <string.h>

enum { RECORD_ALIGNMENT = 16, SEGMENTS_INITIAL = 8 };

static uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* The smallest page that wastes at most 8 %, else the one that wastes least; a page of its own for a large record. */
static uint32_t choose_page_bytes(uint32_t record_bytes)
{
    const uint64_t single = round_up((uint64_t)record_bytes + PAGE_HEADER_BYTES, PAGE_BYTES_MIN);
    if (single > PAGE_BYTES_MAX_PACKED) {
        return (uint32_t)single;
    }
    uint32_t best = 0;
    uint64_t best_used = 0, best_bytes = 1;
    for (uint32_t bytes = PAGE_BYTES_MIN; bytes <= PAGE_BYTES_MAX_PACKED; bytes *= 2) {
        const uint64_t used = (uint64_t)((bytes - PAGE_HEADER_BYTES) / record_bytes) * record_bytes;
        if (used * 100 >= (uint64_t)bytes * 92) {
            return bytes;
        }
        if (used * best_bytes > best_used * bytes) {
            best = bytes;
            best_used = used;
            best_bytes = bytes;
        }
    }
    return best;
}

static uint32_t codes_bytes(const diskann_config *config)
{
    if (config->codes != DISKANN_CODES_1BIT) {
        return 0;
    }
    bits_layout layout;
    bits_layout_init(&layout, config->dimensions, config->max_degree);
    return layout.block_bytes;
}

static uint32_t log2_ceil(uint32_t value)
{
    uint32_t log = 0;
    while ((UINT64_C(1) << log) < value) {
        log++;
    }
    return log;
}

void record_layout_init(record_layout *layout, const diskann_config *config)
{
    const uint32_t vector_bytes = (uint32_t)round_up(simd_row_bytes(config->data_type, config->dimensions), 8);
    layout->vector_bytes = vector_bytes;
    layout->id_offset = vector_bytes;
    layout->aux_offset = vector_bytes + 8;
    layout->list_offset = vector_bytes + 12;
    layout->codes_offset = (uint32_t)round_up(vector_bytes + 16 + 4 * (uint64_t)config->max_degree, RECORD_ALIGNMENT);
    layout->record_bytes = layout->codes_offset + codes_bytes(config);
    layout->pages_offset = DISKANN_SUPERBLOCK_BYTES;
    const uint32_t page_bytes = config->page_bytes != 0 ? config->page_bytes : choose_page_bytes(layout->record_bytes);
    record_layout_repack(layout, (page_bytes - PAGE_HEADER_BYTES) / layout->record_bytes, page_bytes);
}

void record_layout_repack(record_layout *layout, uint32_t records_per_page, uint32_t page_bytes)
{
    layout->page_bytes = page_bytes;
    layout->records_per_page = records_per_page;

    layout->segment_shift = 0;
    while (((uint64_t)layout->page_bytes << (layout->segment_shift + 1)) <= SEGMENT_BYTES_TARGET) {
        layout->segment_shift++;
    }
    layout->pages_per_segment = UINT32_C(1) << layout->segment_shift;

    /* Exact for every slot below 2^31 (Granlund and Montgomery 1994). */
    layout->divide_shift = 31 + log2_ceil(layout->records_per_page);
    layout->divide_factor =
        ((UINT64_C(1) << layout->divide_shift) + layout->records_per_page - 1) / layout->records_per_page;
}

int record_page_bytes_are_valid(const diskann_config *config)
{
    diskann_config as_suits = *config;
    record_layout layout;
    as_suits.page_bytes = 0;
    record_layout_init(&layout, &as_suits);
    const uint32_t bytes = config->page_bytes;
    const int is_power = (bytes & (bytes - 1)) == 0 && bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX_PACKED;
    return bytes == 0 || bytes == layout.page_bytes ||
           (is_power && bytes >= layout.record_bytes + (uint64_t)PAGE_HEADER_BYTES);
}

void record_store_init(record_store *store, const diskann_config *config, memory_account *account)
{
    memset(store, 0, sizeof *store);
    record_layout_init(&store->layout, config);
    store->account = account;
}

/* All segments but the last have pages_per_segment pages. */
static uint64_t segment_bytes(const record_store *store, uint32_t segment)
{
    const uint64_t pages =
        segment + 1 == store->segment_count ? store->last_pages : store->layout.pages_per_segment;
    return pages * store->layout.page_bytes;
}

static uint64_t all_pages(const record_store *store)
{
    return store->segment_count == 0
               ? 0
               : ((uint64_t)(store->segment_count - 1) << store->layout.segment_shift) + store->last_pages;
}

static uint64_t table_bytes(const record_store *store, uint64_t segments)
{
    return segments * sizeof(uint8_t *) + (segments << store->layout.segment_shift);
}

static void free_segments_above(record_store *store, uint32_t count)
{
    while (store->segment_count > count) {
        const uint32_t last = store->segment_count - 1;
        memory_put(store->account, store->segments[last], segment_bytes(store, last));
        store->segment_count = last;
        store->last_pages = last > 0 ? store->layout.pages_per_segment : 0;
    }
}

void record_store_reset(record_store *store)
{
    free_segments_above(store, 0);
    memory_put(store->account, store->segments, table_bytes(store, store->segment_capacity));
    store->segments = NULL;
    store->dirty = NULL;
    store->segment_capacity = 0;
}

/* The two tables share one block: pointers first, then the dirty bytes. */
static int grow_tables(record_store *store, uint64_t segments)
{
    uint64_t capacity = store->segment_capacity == 0 ? SEGMENTS_INITIAL : store->segment_capacity;
    while (capacity < segments) {
        capacity *= 2;
    }
    if (capacity == store->segment_capacity) {
        return DISKANN_OK;
    }
    uint8_t *block = memory_get_zeroed(store->account, table_bytes(store, capacity));
    if (block == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    uint8_t *dirty = block + capacity * sizeof(uint8_t *);
    if (store->segment_count > 0) {
        memcpy(block, store->segments, store->segment_count * sizeof(uint8_t *));
        memcpy(dirty, store->dirty, (size_t)store->segment_count << store->layout.segment_shift);
    }
    memory_put(store->account, store->segments, table_bytes(store, store->segment_capacity));
    store->segments = (uint8_t **)(void *)block;
    store->dirty = dirty;
    store->segment_capacity = (uint32_t)capacity;
    return DISKANN_OK;
}

static void number_pages(record_store *store, uint64_t first, uint64_t end)
{
    for (uint64_t page = first; page < end; page++) {
        memcpy(page_at(store, (uint32_t)page) + 8, &page, sizeof page);
        store->dirty[page] = 1;
    }
}

/* Pages of a last segment that needs `needed`: an eighth of the next power of two in reserve, at most. */
static uint32_t last_pages_for(const record_store *store, uint32_t needed)
{
    const uint32_t step = UINT32_C(1) << log2_ceil(needed) >> 3;
    const uint32_t pages = step > 1 ? (needed + step - 1) / step * step : needed;
    return pages < store->layout.pages_per_segment ? pages : store->layout.pages_per_segment;
}

/* The last segment gets more pages; it moves, nobody is looking while an index grows. */
static int extend_last(record_store *store, uint32_t pages)
{
    if (store->segment_count == 0 || pages <= store->last_pages) {
        return DISKANN_OK;
    }
    const uint32_t last = store->segment_count - 1;
    const uint64_t before = segment_bytes(store, last), first = all_pages(store);
    uint8_t *segment = memory_get(store->account, (uint64_t)pages * store->layout.page_bytes);
    if (segment == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memcpy(segment, store->segments[last], (size_t)before);
    memset(segment + before, 0, (size_t)((uint64_t)pages * store->layout.page_bytes - before));
    memory_put(store->account, store->segments[last], before);
    store->segments[last] = segment;
    store->last_pages = pages;
    number_pages(store, first, all_pages(store));
    return DISKANN_OK;
}

static int append_segment(record_store *store, uint32_t pages)
{
    uint8_t *segment = memory_get_zeroed(store->account, (uint64_t)pages * store->layout.page_bytes);
    if (segment == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    const uint64_t first = all_pages(store);
    store->segments[store->segment_count++] = segment;
    store->last_pages = pages;
    number_pages(store, first, all_pages(store));
    return DISKANN_OK;
}

int record_store_reserve(record_store *store, uint64_t slots)
{
    const uint64_t pages = record_pages(&store->layout, slots);
    if (pages <= all_pages(store)) {
        return DISKANN_OK;
    }
    const uint32_t full = store->layout.pages_per_segment;
    const uint32_t wanted = (uint32_t)((pages + full - 1) >> store->layout.segment_shift);
    const uint32_t last = last_pages_for(store, (uint32_t)(pages - ((uint64_t)(wanted - 1) << store->layout.segment_shift)));
    const uint32_t before = store->segment_count;
    TRY(grow_tables(store, wanted));
    TRY(extend_last(store, wanted == before ? last : full));
    while (store->segment_count < wanted) {
        const int status = append_segment(store, store->segment_count + 1 == wanted ? last : full);
        if (status < 0) {
            free_segments_above(store, before);
            return status;
        }
    }
    return DISKANN_OK;
}

void record_store_truncate(record_store *store, uint64_t slots)
{
    const record_layout *layout = &store->layout;
    const uint64_t pages = record_pages(layout, slots);
    free_segments_above(store, (uint32_t)((pages + layout->pages_per_segment - 1) >> layout->segment_shift));
    const uint64_t end = all_pages(store) * layout->records_per_page;
    for (uint64_t slot = slots; slot < end; slot++) {
        memset(record_at(store, (uint32_t)slot), 0, layout->record_bytes);
        record_touch(store, (uint32_t)slot);
    }
}

uint64_t record_store_bytes(const record_store *store)
{
    return all_pages(store) * store->layout.page_bytes + table_bytes(store, store->segment_capacity);
}

void record_degrees_add(record_degrees *degrees, record_degrees *difference)
{
    for (uint32_t degree = 0; degree <= DISKANN_MAX_DEGREE_MAX; degree++) {
        degrees->counts[degree] += difference->counts[degree];
        difference->counts[degree] = 0;
    }
}
