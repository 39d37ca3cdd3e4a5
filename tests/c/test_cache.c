/* The page cache beside a plain model of it, under anything that searches may do to it in any order. */
#include "../../csrc/store/cache.h"
#include "check.h"
#include "host.h"

enum { PAGE = 128, PAGES = 40, FRAMES_MOST = 24, STEPS = 40000, PINS_MOST = 3 };

/* What each frame should be. */
typedef struct model_frame {
    uint32_t page, pins;
    enum cache_state state;
} model_frame;

typedef struct world {
    page_cache cache;
    memory_account account;
    meter meter;
    model_frame frames[FRAMES_MOST];
    random_state random;
    uint64_t reads;
} world;

static uint32_t draw(world *w, uint32_t below)
{
    return (uint32_t)random_below(&w->random, below);
}

static int model_is_busy(const model_frame *frame)
{
    return frame->pins > 0 || frame->state == CACHE_READING;
}

static uint32_t model_find(const world *w, uint32_t page)
{
    for (uint32_t i = 0; i < w->cache.frame_count; i++) {
        const int is_there = w->frames[i].state == CACHE_READING || w->frames[i].state == CACHE_READY;
        if (is_there && w->frames[i].page == page) {
            return i;
        }
    }
    return FRAME_NONE;
}

static void compare(const world *w)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < w->cache.frame_count; i++) {
        const cache_frame *frame = &w->cache.frames[i];
        const model_frame *wanted = &w->frames[i];
        busy += (uint32_t)model_is_busy(wanted);
        CHECK_UINT(frame->state, wanted->state);
        CHECK_UINT(frame->pins, wanted->pins);
        if (frame->state == CACHE_READY) {
            CHECK(frame->page == wanted->page && frame->bytes[0] == frame->page && frame->bytes[PAGE - 1] == frame->page);
        }
    }
    CHECK_UINT(cache_room(&w->cache), w->cache.frame_count - busy);
    CHECK_UINT(w->cache.reads, w->reads);
    CHECK_UINT(w->cache.bytes_read, w->reads * PAGE);
    CHECK_UINT(w->cache.bytes, w->meter.live);
    CHECK(w->cache.bytes <= cache_bytes_of(w->cache.frame_count, PAGE));
}

static void pin_or_read(world *w)
{
    const uint32_t page = draw(w, PAGES), known = model_find(w, page);
    if (known != FRAME_NONE && w->frames[known].pins >= PINS_MOST) {
        return;
    }
    CHECK_UINT(cache_pin(&w->cache, page), known);
    if (known != FRAME_NONE) {
        w->frames[known].pins++;
        return;
    }
    const uint32_t room = cache_room(&w->cache), frame = cache_read(&w->cache, page);
    if (frame == FRAME_NONE) {
        CHECK(room == 0 || w->meter.fail_at != 0);
        for (uint32_t i = 0; i < w->cache.frame_count; i++) { /* what was pushed out for it is gone */
            w->frames[i].state = w->cache.frames[i].state == CACHE_EMPTY ? CACHE_EMPTY : w->frames[i].state;
        }
        return;
    }
    CHECK(room > 0 && !model_is_busy(&w->frames[frame]));
    for (uint32_t i = 0; i < w->cache.frame_count; i++) { /* without memory, another page may have given its bytes */
        const int gave = w->meter.fail_at != 0 && !model_is_busy(&w->frames[i]) && w->cache.frames[i].bytes == NULL;
        w->frames[i].state = gave ? CACHE_EMPTY : w->frames[i].state;
    }
    w->frames[frame] = (model_frame){page, 1, CACHE_READING};
    if (draw(w, 8) == 0) {
        cache_forget(&w->cache, frame);
        w->frames[frame] = (model_frame){0};
    }
}

static void unpin(world *w)
{
    const uint32_t frame = draw(w, w->cache.frame_count);
    model_frame *at = &w->frames[frame];
    if (at->pins == 0) {
        return;
    }
    cache_unpin(&w->cache, frame);
    if (--at->pins == 0 && at->state == CACHE_FAILED) {
        at->state = CACHE_EMPTY;
    }
}

static void finish(world *w)
{
    const uint32_t frame = draw(w, w->cache.frame_count);
    model_frame *at = &w->frames[frame];
    const int failed = draw(w, 4) == 0;
    if (at->state == CACHE_READING) {
        w->reads++;
        memset(w->cache.frames[frame].bytes, (int)at->page, PAGE);
        at->state = !failed ? CACHE_READY : at->pins > 0 ? CACHE_FAILED : CACHE_EMPTY;
    }
    cache_finish(&w->cache, frame, failed ? DISKANN_ERR_CORRUPT : DISKANN_OK, DISKANN_FINDING_CHECKSUM);
    if (at->state == CACHE_FAILED) {
        CHECK_INT(w->cache.frames[frame].status, DISKANN_ERR_CORRUPT);
        CHECK_UINT(w->cache.frames[frame].kind, DISKANN_FINDING_CHECKSUM);
        CHECK_UINT(w->cache.frames[frame].page, at->page);
    }
}

static void drop(world *w)
{
    cache_drop(&w->cache);
    for (uint32_t i = 0; i < w->cache.frame_count; i++) {
        w->frames[i].state = model_is_busy(&w->frames[i]) ? w->frames[i].state : CACHE_EMPTY;
        CHECK((w->cache.frames[i].bytes == NULL) == (w->frames[i].state == CACHE_EMPTY));
    }
}

static void raise(world *w)
{
    const uint32_t before = w->cache.frame_count, wanted = 1 + draw(w, FRAMES_MOST);
    const int status = cache_raise(&w->cache, wanted);
    CHECK(status == DISKANN_OK || (w->meter.fail_at != 0 && w->cache.frame_count == before));
    CHECK(status < 0 || w->cache.frame_count == (wanted > before ? wanted : before));
}

static void it_does_what_the_model_does(void)
{
    for (uint32_t seed = 1; seed <= 6; seed++) {
        world *w = calloc(1, sizeof *w);
        const diskann_allocator allocator = meter_allocator(&w->meter);
        w->random.state = seed;
        memory_account_init(&w->account, &allocator);
        REQUIRE(cache_init(&w->cache, seed < 4 ? seed : 4 * seed, PAGE, &w->account) == DISKANN_OK);
        for (uint32_t i = 0; i < STEPS && check_failures == 0; i++) {
            const uint32_t what = draw(w, 1000);
            if (what < 450) {
                pin_or_read(w);
            } else if (what < 800) {
                unpin(w);
            } else if (what < 990) {
                finish(w);
            } else if (what < 993) {
                drop(w);
            } else if (what < 995 && i > STEPS / 2) {
                raise(w);
            } else {
                w->meter.fail_at = w->meter.fail_at == 0 ? 1 : 0; /* memory is out, or there again */
            }
            compare(w);
        }
        cache_reset(&w->cache);
        CHECK_UINT(w->meter.live, 0);
        free(w);
    }
}

static uint32_t read_page(page_cache *cache, uint32_t page)
{
    const uint32_t frame = cache_read(cache, page);
    REQUIRE(frame != FRAME_NONE);
    cache_finish(cache, frame, DISKANN_OK, 0);
    return frame;
}

/* Of four pages one is used between any two others: it stays. */
static void what_is_used_stays(void)
{
    page_cache cache;
    memory_account account;
    memory_account_init(&account, NULL);
    REQUIRE(cache_init(&cache, 4, PAGE, &account) == DISKANN_OK);
    cache_unpin(&cache, read_page(&cache, 1000));
    for (uint32_t page = 0; page < 100; page++) {
        cache_unpin(&cache, read_page(&cache, page));
        const uint32_t used = cache_pin(&cache, 1000);
        REQUIRE(used != FRAME_NONE);
        cache_unpin(&cache, used);
    }
    cache_reset(&cache);
}

static void without_memory_pages_give_way(void)
{
    page_cache cache;
    memory_account account;
    meter m = {0};
    const diskann_allocator allocator = meter_allocator(&m);
    memory_account_init(&account, &allocator);
    REQUIRE(cache_init(&cache, 8, PAGE, &account) == DISKANN_OK);
    m.fail_at = 1;
    CHECK_UINT(cache_read(&cache, 5), FRAME_NONE);
    CHECK_UINT(cache_room(&cache), 8);
    m.fail_at = 0;
    const uint32_t held = read_page(&cache, 1);
    cache_unpin(&cache, read_page(&cache, 2));
    m.fail_at = 1;
    const uint32_t frame = read_page(&cache, 3);
    CHECK_UINT(cache_pin(&cache, 2), FRAME_NONE);
    CHECK_UINT(cache_pin(&cache, 1), held);
    CHECK_UINT(cache_read(&cache, 4), FRAME_NONE);
    cache_unpin(&cache, frame);
    CHECK(cache_read(&cache, 4) != FRAME_NONE);
    cache_reset(&cache);
    CHECK_UINT(m.live, 0);
}

/* Table sizes double: none may wrap around. */
static void sizes_do_not_overflow(void)
{
    uint64_t before = 0;
    for (uint32_t frames = 1; frames < CACHE_FRAMES_MAX; frames = 2 * frames + 1) {
        CHECK(cache_bytes_of(frames, 4096) > before + 2048 * (uint64_t)frames);
        before = cache_bytes_of(frames, 4096);
    }
    CHECK(cache_bytes_of(CACHE_FRAMES_MAX, 4096) > UINT64_C(4096) * CACHE_FRAMES_MAX);
}

CHECK_MAIN(CHECK_TEST(it_does_what_the_model_does), CHECK_TEST(what_is_used_stays),
           CHECK_TEST(without_memory_pages_give_way), CHECK_TEST(sizes_do_not_overflow))
