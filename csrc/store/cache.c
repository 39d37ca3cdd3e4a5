#include "cache.h"

#include "../base/status.h"

#include <string.h>

/* ---- memory ---- */

static uint32_t table_size(uint32_t frames)
{
    uint32_t size = 4;
    while (size < 2 * (uint64_t)frames) {
        size *= 2;
    }
    return size;
}

static uint64_t tables_bytes(uint32_t frames)
{
    return (uint64_t)frames * sizeof(cache_frame) + (uint64_t)table_size(frames) * sizeof(uint32_t);
}

uint64_t cache_bytes_of(uint32_t frames, uint32_t page_bytes)
{
    return tables_bytes(frames) + (uint64_t)frames * page_bytes;
}

int cache_init(page_cache *cache, uint32_t frames, uint32_t page_bytes, memory_account *account)
{
    memset(cache, 0, sizeof *cache);
    cache->account = account;
    cache->page_bytes = page_bytes;
    cache->read_bytes = page_bytes;
    return cache_raise(cache, frames);
}

void cache_reset(page_cache *cache)
{
    for (uint32_t i = 0; i < cache->frame_count; i++) {
        memory_put(cache->account, cache->frames[i].bytes, cache->page_bytes);
    }
    if (cache->frame_count > 0) {
        memory_put(cache->account, cache->frames, (uint64_t)cache->frame_count * sizeof *cache->frames);
        memory_put(cache->account, cache->table, (cache->table_mask + UINT64_C(1)) * sizeof *cache->table);
    }
    memset(cache, 0, sizeof *cache);
}

/* ---- the table ---- */

static uint32_t home_of(const page_cache *cache, uint32_t page)
{
    return (uint32_t)((page * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & cache->table_mask;
}

/* The place of a page in the table, or the free one where it would be. */
static uint32_t place_of(const page_cache *cache, uint32_t page)
{
    uint32_t place = home_of(cache, page);
    while (cache->table[place] != FRAME_NONE && cache->frames[cache->table[place]].page != page) {
        place = (place + 1) & cache->table_mask;
    }
    return place;
}

/* Those that probed past the place that becomes free move up (Knuth, volume 3, algorithm 6.4R). */
static void take_out(page_cache *cache, uint32_t page)
{
    uint32_t gap = place_of(cache, page);
    for (uint32_t at = (gap + 1) & cache->table_mask; cache->table[at] != FRAME_NONE; at = (at + 1) & cache->table_mask) {
        const uint32_t home = home_of(cache, cache->frames[cache->table[at]].page);
        if (((at - home) & cache->table_mask) >= ((at - gap) & cache->table_mask)) {
            cache->table[gap] = cache->table[at];
            gap = at;
        }
    }
    cache->table[gap] = FRAME_NONE;
}

int cache_raise(page_cache *cache, uint32_t frames)
{
    if (frames <= cache->frame_count) {
        return DISKANN_OK;
    }
    const uint32_t size = table_size(frames);
    cache_frame *moved = memory_get_zeroed(cache->account, (uint64_t)frames * sizeof *moved);
    uint32_t *table = memory_get(cache->account, (uint64_t)size * sizeof *table);
    if (moved == NULL || table == NULL) {
        memory_put(cache->account, moved, (uint64_t)frames * sizeof *moved);
        memory_put(cache->account, table, (uint64_t)size * sizeof *table);
        return DISKANN_ERR_NO_MEMORY;
    }
    const uint32_t before = cache->frame_count;
    if (before > 0) {
        memcpy(moved, cache->frames, before * sizeof *moved);
        memory_put(cache->account, cache->frames, (uint64_t)before * sizeof *moved);
        memory_put(cache->account, cache->table, (cache->table_mask + UINT64_C(1)) * sizeof *table);
        cache->bytes -= tables_bytes(before);
    }
    memset(table, 0xff, (size_t)size * sizeof *table);
    cache->frames = moved;
    cache->table = table;
    cache->table_mask = size - 1;
    cache->frame_count = frames;
    cache->bytes += tables_bytes(frames);
    for (uint32_t i = 0; i < before; i++) {
        if (moved[i].state == CACHE_READING || moved[i].state == CACHE_READY) {
            table[place_of(cache, moved[i].page)] = i;
        }
    }
    return DISKANN_OK;
}

/* ---- frames ---- */

static void empty(page_cache *cache, uint32_t frame)
{
    cache_frame *at = &cache->frames[frame];
    if (at->state == CACHE_READING || at->state == CACHE_READY) {
        take_out(cache, at->page);
    }
    at->state = CACHE_EMPTY;
    at->pins = 0;
    at->referenced = 0;
}

static int is_busy(const cache_frame *frame)
{
    return frame->pins > 0 || frame->state == CACHE_READING;
}

/* A frame for another page: an empty one, or the one whose turn it is. */
static uint32_t find_victim(page_cache *cache)
{
    for (uint64_t looks = 0; looks < 2 * (uint64_t)cache->frame_count; looks++) {
        const uint32_t frame = cache->hand;
        cache_frame *at = &cache->frames[frame];
        cache->hand = cache->hand + 1 < cache->frame_count ? cache->hand + 1 : 0;
        if (is_busy(at)) {
            continue;
        }
        if (at->state == CACHE_READY && at->referenced) {
            at->referenced = 0;
            continue;
        }
        empty(cache, frame);
        return frame;
    }
    return FRAME_NONE;
}

/* With no memory for one more page, the bytes of a page that nobody holds. */
static uint8_t *take_bytes(page_cache *cache)
{
    for (uint32_t frame = 0; frame < cache->frame_count; frame++) {
        cache_frame *at = &cache->frames[frame];
        uint8_t *bytes = at->bytes;
        if (bytes != NULL && !is_busy(at)) {
            empty(cache, frame);
            at->bytes = NULL;
            return bytes;
        }
    }
    return NULL;
}

static int give_bytes(page_cache *cache, cache_frame *frame)
{
    if (frame->bytes == NULL) {
        frame->bytes = memory_get(cache->account, cache->page_bytes);
        cache->bytes += frame->bytes != NULL ? cache->page_bytes : 0;
    }
    if (frame->bytes == NULL) {
        frame->bytes = take_bytes(cache);
    }
    return frame->bytes != NULL;
}

uint32_t cache_pin(page_cache *cache, uint32_t page)
{
    const uint32_t frame = cache->table[place_of(cache, page)];
    if (frame != FRAME_NONE) {
        cache_frame *at = &cache->frames[frame];
        cache->busy += !is_busy(at);
        at->pins++;
        at->referenced = 1;
    }
    return frame;
}

uint32_t cache_read(page_cache *cache, uint32_t page)
{
    const uint32_t frame = cache_room(cache) > 0 ? find_victim(cache) : FRAME_NONE;
    if (frame == FRAME_NONE || !give_bytes(cache, &cache->frames[frame])) {
        return FRAME_NONE;
    }
    cache_frame *at = &cache->frames[frame];
    *at = (cache_frame){.bytes = at->bytes, .page = page, .pins = 1, .state = CACHE_READING};
    cache->table[place_of(cache, page)] = frame;
    cache->busy++;
    return frame;
}

void cache_unpin(page_cache *cache, uint32_t frame)
{
    cache_frame *at = &cache->frames[frame];
    at->pins--;
    cache->busy -= !is_busy(at);
    if (at->pins == 0 && at->state == CACHE_FAILED) {
        empty(cache, frame);
    }
}

void cache_forget(page_cache *cache, uint32_t frame)
{
    empty(cache, frame);
    cache->busy--;
}

void cache_finish(page_cache *cache, uint32_t frame, int status, uint32_t kind)
{
    cache_frame *at = &cache->frames[frame];
    if (at->state != CACHE_READING) {
        return;
    }
    cache->reads++;
    cache->bytes_read += cache->read_bytes;
    cache->busy -= at->pins == 0;
    if (status == DISKANN_OK) {
        at->state = CACHE_READY;
        return;
    }
    take_out(cache, at->page); /* the next search that wants it asks again */
    at->state = CACHE_FAILED;
    at->status = status;
    at->kind = (uint8_t)kind;
    if (at->pins == 0) {
        empty(cache, frame);
    }
}

void cache_drop(page_cache *cache)
{
    for (uint32_t i = 0; i < cache->frame_count; i++) {
        cache_frame *at = &cache->frames[i];
        if (!is_busy(at)) {
            empty(cache, i);
            cache->bytes -= at->bytes != NULL ? cache->page_bytes : 0;
            memory_put(cache->account, at->bytes, cache->page_bytes);
            at->bytes = NULL;
        }
    }
}
