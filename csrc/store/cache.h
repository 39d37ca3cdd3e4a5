/*
 * A bounded cache of node pages, shared by all searches of a paged index. It does no I/O: it says which pages are to be read
 * and is told when they have come.
 *
 *     EMPTY --cache_read--> READING --cache_finish--> READY --evicted--> EMPTY
 *                              '------- failed -----> FAILED --last unpin--> EMPTY
 *
 * A pinned frame keeps its page. A read goes on when nobody waits for it any more, and its page is kept. Unpinned pages
 * go by the clock algorithm: one that was used again since the hand came by stays for another turn. The search that had it read
 * does not count, so that pages of one search do not push out those of all.
 */
#ifndef DISKANN_STORE_CACHE_H
#define DISKANN_STORE_CACHE_H

#include "../base/memory.h"

#include <stdint.h>

enum cache_state { CACHE_EMPTY, CACHE_READING, CACHE_READY, CACHE_FAILED };

typedef struct cache_frame {
    uint8_t *bytes; /* NULL until the frame is first used */
    uint32_t page;
    uint32_t pins;
    int32_t status; /* FAILED: why */
    uint8_t kind;   /* FAILED: the damage */
    uint8_t state;  /* enum cache_state */
    uint8_t referenced;
} cache_frame;

typedef struct page_cache {
    memory_account *account;
    cache_frame *frames;
    uint32_t *table; /* frame by page: open addressing, FRAME_NONE where there is none */
    uint32_t page_bytes;
    uint32_t read_bytes; /* of a page in its file, for the count */
    uint32_t frame_count; /* frames that may be used */
    uint32_t table_mask;
    uint32_t hand;
    uint32_t busy;   /* frames that are pinned or being read */
    uint64_t bytes;  /* of pages and tables */
    uint64_t hits, misses, reads, bytes_read;
} page_cache;

#define FRAME_NONE UINT32_MAX
#define CACHE_FRAMES_MAX (UINT32_C(1) << 30)

/* Bytes that a cache of so many frames has at the most. */
uint64_t cache_bytes_of(uint32_t frames, uint32_t page_bytes);
/* `frames`: 1 .. CACHE_FRAMES_MAX. ERR_NO_MEMORY. */
int cache_init(page_cache *cache, uint32_t frames, uint32_t page_bytes, memory_account *account);
void cache_reset(page_cache *cache);
/* Makes room for more frames, which keep their numbers. ERR_NO_MEMORY changes nothing. */
int cache_raise(page_cache *cache, uint32_t frames);

/* Pins a page that is there or on its way: its frame, whose state says more. FRAME_NONE: it is neither. */
uint32_t cache_pin(page_cache *cache, uint32_t page);
/* Frames that other pages could have now. */
static inline uint32_t cache_room(const page_cache *cache)
{
    return cache->frame_count - cache->busy;
}
/*
 * A frame for a page that is neither there nor on its way, pinned: the caller has to see to the read. FRAME_NONE: no room,
 * or no memory for one more page and none that could be given up.
 */
uint32_t cache_read(page_cache *cache, uint32_t page);
void cache_unpin(page_cache *cache, uint32_t frame);
/* Takes back a frame of cache_read with all its pins: the read was never asked for. */
void cache_forget(page_cache *cache, uint32_t frame);
/* A read is done. `status`: OK, or why it failed, with the kind of damage. */
void cache_finish(page_cache *cache, uint32_t frame, int status, uint32_t kind);
/* Empties every frame that nobody holds, and gives its memory back. */
void cache_drop(page_cache *cache);

#endif
