#include "paged.h"

#include "../base/float_mode.h"

#include <string.h>

/* More would never be used. */
static uint32_t frames_max(const superblock *block)
{
    return block->pages < 1 ? 1 : block->pages < CACHE_FRAMES_MAX ? (uint32_t)block->pages : CACHE_FRAMES_MAX;
}

/* As many frames as fit the limit, and at least one. */
static uint32_t frames_for(uint64_t limit, const superblock *block)
{
    uint32_t low = 1, high = frames_max(block);
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (cache_bytes_of(middle, block->layout.page_bytes) <= limit) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

int paged_create(const superblock *block, const simd_kernels *kernels, uint64_t cache_limit,
                 const diskann_allocator *allocator, diskann_paged **out)
{
    const uint32_t codes = block->config.codes;
    if (codes != DISKANN_CODES_1BIT && codes != DISKANN_CODES_PQ) {
        return DISKANN_ERR_UNSUPPORTED;
    }
    memory_account account;
    memory_account_init(&account, allocator);
    diskann_paged *paged = memory_get_zeroed(&account, sizeof *paged);
    if (paged == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    paged->account = account;
    paged->block = *block;
    paged->block.config.simd = kernels->simd;
    paged->cache_limit = cache_limit;
    record_store_init(&paged->records, &block->config, &paged->account);
    paged->records.layout = block->layout;
    navigator_init(&paged->navigator, &paged->account);
    paged->place = (paged_place){block->layout.pages_offset, block->layout.page_bytes};
    paged->space = (graph_space){
        .records = &paged->records,
        .kernels = kernels,
        .bits = codes == DISKANN_CODES_1BIT ? &paged->bits : NULL,
        .navigator = &paged->navigator,
        .pq = codes == DISKANN_CODES_PQ ? &paged->pq : NULL,
        .metric = block->config.metric,
        .data_type = block->config.data_type,
        .dimensions = block->config.dimensions,
    };
    paged->limits = (check_limits){block->config.max_degree, (uint32_t)block->size, block->next_id};
    pq_codes_init(&paged->pq, &block->config, kernels->simd, &paged->account);
    if ((paged->space.bits != NULL && bits_coder_init(&paged->bits, &block->config, kernels, &paged->account) < 0) ||
        cache_init(&paged->cache, frames_for(cache_limit, block), block->layout.page_bytes, &paged->account) < 0) {
        diskann_paged_destroy(paged);
        return DISKANN_ERR_NO_MEMORY;
    }
    *out = paged;
    return DISKANN_OK;
}

void diskann_paged_destroy(diskann_paged *paged)
{
    if (paged != NULL) {
        if (paged->bits.account != NULL) {
            bits_coder_reset(&paged->bits);
        }
        navigator_reset(&paged->navigator);
        pq_codes_reset(&paged->pq);
        cache_reset(&paged->cache);
        memory_account account = paged->account;
        memory_put(&account, paged, sizeof *paged);
    }
}

int paged_reserve(diskann_paged *paged, uint32_t beam_width)
{
    const uint32_t most = frames_max(&paged->block);
    return cache_raise(&paged->cache, beam_width < most ? beam_width : most);
}

void paged_rest(diskann_paged *paged)
{
    if (paged->searches == 0 && paged->cache_limit == 0) {
        cache_drop(&paged->cache);
    }
}

diskann_request paged_request(const diskann_paged *paged, uint32_t frame)
{
    const cache_frame *at = &paged->cache.frames[frame];
    return (diskann_request){
        .kind = DISKANN_READ,
        .ticket = frame,
        .offset = paged->place.begin + (uint64_t)at->page * paged->place.bytes,
        .length = paged->place.bytes,
        .buffer = at->bytes,
    };
}

void paged_set_microsoft(diskann_paged *paged, const microsoft_disk *disk)
{
    paged->disk = *disk;
    paged->place = (paged_place){disk->block_bytes, disk->page_bytes};
    paged->cache.read_bytes = disk->page_bytes;
}

/* Nodes become records, whose norms are made here; there is no checksum, so that all else is checked as ever. */
static uint32_t receive_nodes(const diskann_paged *paged, const cache_frame *frame)
{
    const graph_space *space = &paged->space;
    const record_layout *layout = &paged->records.layout;
    uint32_t kind = microsoft_unpack(&paged->disk, layout, frame->bytes, frame->page);
    const uint32_t records = page_records(layout, frame->page, paged->disk.size);
    for (uint32_t i = 0; i < records && kind == DISKANN_FINDING_NONE; i++) {
        uint8_t *record = page_record(layout, frame->bytes, i);
        *record_aux(layout, record) = graph_aux(space, record);
        kind = check_first(check_record(space, &paged->limits, record));
    }
    return kind;
}

/* A page that came, as a search wants it: the first kind of damage, or NONE. */
static uint32_t receive(const diskann_paged *paged, const cache_frame *frame)
{
    if (paged->disk.nodes > 0) {
        return receive_nodes(paged, frame);
    }
    return check_page(&paged->space, &paged->limits, frame->bytes, frame->page);
}

uint32_t diskann_paged_complete(diskann_paged *paged, uint32_t ticket, int status)
{
    page_cache *cache = &paged->cache;
    if (ticket >= cache->frame_count || cache->frames[ticket].state != CACHE_READING) {
        return DISKANN_FINDING_NONE;
    }
    const cache_frame *frame = &cache->frames[ticket];
    uint32_t kind = DISKANN_FINDING_NONE;
    if (status == DISKANN_OK) {
        const uint64_t mode = float_mode_enter();
        kind = receive(paged, frame);
        float_mode_leave(mode);
        status = kind == DISKANN_FINDING_NONE ? DISKANN_OK : DISKANN_ERR_CORRUPT;
    }
    cache_finish(cache, ticket, status == DISKANN_OK || kind != DISKANN_FINDING_NONE ? status : DISKANN_ERR_IO, kind);
    paged_rest(paged);
    return kind;
}

void diskann_paged_stats(const diskann_paged *paged, diskann_stats *out)
{
    const superblock *block = &paged->block;
    memset(out, 0, sizeof *out);
    out->config = block->config;
    out->config.page_bytes = paged->place.bytes;
    out->size = block->size;
    out->next_id = block->next_id;
    out->record_bytes = paged->disk.nodes > 0 ? paged->disk.node_bytes : block->layout.record_bytes;
    out->page_bytes = paged->place.bytes;
    out->records_per_page = block->layout.records_per_page;
    out->pages = block->pages;
    out->file_bytes = block->file_bytes;
    out->memory_codes = pq_codes_bytes(&paged->pq) + navigator_bytes(&paged->navigator);
    out->memory_total = paged->account.live_bytes + pq_codes_apart(&paged->pq);
    out->cache_bytes = paged->cache.bytes;
    out->cache_limit = cache_bytes_of(paged->cache.frame_count, paged->cache.page_bytes);
    out->cache_hits = paged->cache.hits;
    out->cache_misses = paged->cache.misses;
    out->cache_reads = paged->cache.reads;
    out->cache_bytes_read = paged->cache.bytes_read;
}
