/* Records and where they lie: layouts, the division by multiplication, segments that stay, the id map. */
#include "../../csrc/base/random.h"
#include "../../csrc/record/id_map.h"
#include "check.h"
#include "host.h"

static diskann_config config_of(uint32_t dimensions, uint32_t max_degree)
{
    diskann_config config;
    diskann_config_init(&config, dimensions);
    config.max_degree = max_degree;
    return config;
}

static void layout_of_the_usual_sizes(void)
{
    record_layout layout;
    diskann_config config = config_of(128, 32);
    record_layout_init(&layout, &config);
    CHECK_UINT(layout.record_bytes, 512 + 16 + 128);
    CHECK_UINT(layout.page_bytes, 4096);
    CHECK_UINT(layout.records_per_page, 6);
    config = config_of(384, 32);
    record_layout_init(&layout, &config);
    CHECK_UINT(layout.record_bytes, 1536 + 16 + 128);
    CHECK_UINT(layout.page_bytes, 16384); /* 4 and 8 KiB would waste 18 % */
    CHECK_UINT(layout.records_per_page, 9);
    config = config_of(128, 32);
    config.codes = DISKANN_CODES_1BIT;
    record_layout_init(&layout, &config);
    CHECK_UINT(layout.codes_offset, 512 + 16 + 128);
    CHECK_UINT(layout.record_bytes, 512 + 16 + 128 + 32 * (16 + 8));
    config = config_of(65535, 512);
    record_layout_init(&layout, &config);
    CHECK_UINT(layout.records_per_page, 1);
    CHECK(layout.page_bytes % 4096 == 0 && layout.page_bytes - layout.record_bytes < 4096 + PAGE_HEADER_BYTES);
}

static void layouts_keep_their_promises(void)
{
    for (uint32_t dimensions = 1; dimensions < 20000; dimensions += 1 + dimensions / 7) {
        for (uint32_t degree = 4; degree <= 512; degree += 4 + degree / 2) {
            record_layout layout;
            diskann_config config = config_of(dimensions, degree);
            config.codes = dimensions % 2 == 0 ? DISKANN_CODES_NONE : DISKANN_CODES_1BIT;
            record_layout_init(&layout, &config);
            const uint32_t used = layout.records_per_page * layout.record_bytes;
            CHECK(layout.records_per_page >= 1);
            CHECK(used + PAGE_HEADER_BYTES <= layout.page_bytes);
            CHECK(layout.list_offset + 4 + 4 * degree <= layout.codes_offset);
            CHECK(layout.codes_offset % 16 == 0 && layout.codes_offset <= layout.record_bytes);
            CHECK((layout.codes_offset == layout.record_bytes) == (dimensions % 2 == 0));
            CHECK(layout.record_bytes % 16 == 0 && layout.id_offset % 8 == 0);
            for (uint64_t slot = 0; slot < DISKANN_SIZE_MAX; slot += 1 + slot / 3) {
                CHECK_UINT(record_page(&layout, (uint32_t)slot), slot / layout.records_per_page);
            }
            CHECK_UINT(record_page(&layout, DISKANN_SIZE_MAX), DISKANN_SIZE_MAX / layout.records_per_page);
        }
    }
}

static void full_segments_never_move(void)
{
    meter m = {0};
    const diskann_allocator allocator = meter_allocator(&m);
    memory_account account;
    memory_account_init(&account, &allocator);
    const diskann_config config = config_of(128, 32);
    record_store store;
    record_store_init(&store, &config, &account);
    REQUIRE(record_store_reserve(&store, 1) == DISKANN_OK);
    memset(record_at(&store, 0), 7, 16);
    CHECK_UINT(record_store_bytes(&store) / 4096, 2); /* a page and the tables: a small index is small */
    const uint64_t first_segment = (uint64_t)store.layout.pages_per_segment * store.layout.records_per_page;
    uint8_t *first = NULL;
    for (uint64_t slots = 1; slots <= 100000; slots += 1 + slots / 9) {
        REQUIRE(record_store_reserve(&store, slots) == DISKANN_OK);
        const uint64_t needed = record_pages(&store.layout, slots) * store.layout.page_bytes;
        CHECK(record_store_bytes(&store) <= needed + needed / 8 + (64 << 10) + (256 << 10));
        first = slots >= first_segment && first == NULL ? record_at(&store, 0) : first;
        CHECK(slots < first_segment || record_at(&store, 0) == first);
    }
    REQUIRE(record_store_reserve(&store, 100000) == DISKANN_OK);
    CHECK_UINT(first[15], 7);
    for (uint64_t page = 0; page < record_pages(&store.layout, 100000); page++) {
        uint64_t number;
        memcpy(&number, page_at(&store, (uint32_t)page) + 8, sizeof number);
        CHECK_UINT(number, page);
    }
    m.fail_at = m.calls + 2; /* the second block of the next growth */
    const uint32_t segments = store.segment_count;
    CHECK_INT(record_store_reserve(&store, 200000), DISKANN_ERR_NO_MEMORY);
    CHECK_UINT(store.segment_count, segments);
    m.fail_at = 0;
    record_store_truncate(&store, 0);
    CHECK_UINT(store.segment_count, 0);
    record_store_reset(&store);
    CHECK_UINT(m.live, 0);
    CHECK_UINT(account.live_bytes, 0);
}

static void truncation_zeroes_what_it_takes(void)
{
    memory_account account;
    memory_account_init(&account, NULL);
    const diskann_config config = config_of(8, 4);
    record_store store;
    record_store_init(&store, &config, &account);
    REQUIRE(record_store_reserve(&store, 50) == DISKANN_OK);
    for (uint32_t slot = 0; slot < 50; slot++) {
        memset(record_at(&store, slot), 0xee, store.layout.record_bytes);
    }
    record_store_truncate(&store, 20);
    const uint8_t zeros[256] = {0};
    CHECK_UINT(record_at(&store, 19)[0], 0xee);
    for (uint32_t slot = 20; slot < 50; slot++) {
        CHECK_BYTES(record_at(&store, slot), zeros, store.layout.record_bytes);
    }
    record_store_reset(&store);
}

static void id_map_finds_what_was_put(void)
{
    enum { COUNT = 5000 };
    memory_account account;
    memory_account_init(&account, NULL);
    const diskann_config config = config_of(1, 4);
    record_store store;
    record_store_init(&store, &config, &account);
    REQUIRE(record_store_reserve(&store, COUNT + 1) == DISKANN_OK);
    id_map map;
    id_map_init(&map, &store, &account);
    CHECK_UINT(id_map_find(&map, 3), SLOT_NONE);
    random_state random = {5};
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        *record_id(&store.layout, record_at(&store, slot)) = random_next(&random) >> 11;
        const int grown = id_map_reserve(&map, slot + 1);
        REQUIRE(grown >= 0);
        for (uint32_t again = grown ? 0 : slot; again <= slot; again++) {
            CHECK_UINT(id_map_put(&map, again), SLOT_NONE);
        }
    }
    CHECK(map.capacity * 3 / 4 >= COUNT && map.capacity <= 4 * COUNT);
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        CHECK_UINT(id_map_find(&map, *record_id(&store.layout, record_at(&store, slot))), slot);
    }
    *record_id(&store.layout, record_at(&store, COUNT)) = *record_id(&store.layout, record_at(&store, 17));
    CHECK_UINT(id_map_put(&map, COUNT), 17); /* who has the id already */
    for (uint32_t slot = COUNT; slot-- > COUNT / 2;) {
        id_map_remove(&map, slot);
    }
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        const uint64_t id = *record_id(&store.layout, record_at(&store, slot));
        CHECK_UINT(id_map_find(&map, id), slot < COUNT / 2 ? slot : SLOT_NONE);
    }
    id_map_reset(&map);
    record_store_reset(&store);
    CHECK_UINT(account.live_bytes, 0);
}

CHECK_MAIN(CHECK_TEST(layout_of_the_usual_sizes), CHECK_TEST(layouts_keep_their_promises),
           CHECK_TEST(full_segments_never_move), CHECK_TEST(truncation_zeroes_what_it_takes),
           CHECK_TEST(id_map_finds_what_was_put))
