/* An index in its file beside the same one in memory: equal answers, whatever the cache, the order of things, and the day. */
#include "paged_world.h"

enum { DIMENSIONS = 12, DEGREE = 8, ROWS = 600, QUERIES = 24, SWEEP_MAX = 4000 };

static uint64_t cache_for(const made *m, uint32_t pages)
{
    diskann_stats stats;
    diskann_index_stats(m->resident, &stats);
    return pages * (stats.page_bytes + UINT64_C(100));
}

static uint32_t page_count(const made *m)
{
    diskann_stats stats;
    diskann_index_stats(m->resident, &stats);
    return (uint32_t)stats.pages;
}

static diskann_search_params make_params(uint32_t number)
{
    static const uint32_t widths[] = {1, 4, 2, 64, 1, 8};
    return (diskann_search_params){1 + number % K_MOST, 10 + number % 30, widths[number % 6], number / 6 % 2, 0};
}

/* Many at once, of all widths, in random order with random completion. */
static void search_many(const made *m, uint64_t cache_bytes, uint64_t seed, uint32_t late)
{
    paged_host h = {.random = {seed}};
    paged_search searches[QUERIES];
    float *queries = make_queries(QUERIES, m->dimensions, seed);
    REQUIRE(paged_host_open(&h, m, cache_bytes, NULL) == DISKANN_OK);
    h.searches = searches;
    h.search_count = QUERIES;
    for (uint32_t i = 0; i < QUERIES; i++) {
        const diskann_search_params params = make_params(i);
        REQUIRE(begin_search(&h, &searches[i], queries + (size_t)i * m->dimensions, &params) == DISKANN_OK);
    }
    drive_searches(&h, late);
    diskann_stats stats;
    uint64_t reads = 0, hops = 0;
    for (uint32_t i = 0; i < QUERIES; i++) {
        const diskann_search_params params = make_params(i);
        answer wanted;
        search_resident(m, queries + (size_t)i * m->dimensions, &params, &wanted);
        CHECK_INT(searches[i].status, DISKANN_OK);
        check_same(&searches[i].answer, &wanted);
        reads += searches[i].answer.counters.reads;
        hops += wanted.counters.hops;
    }
    diskann_paged_stats(h.paged, &stats);
    CHECK_UINT(stats.memory_total, h.memory.live);
    CHECK_UINT(stats.cache_reads, h.reads);
    CHECK_UINT(stats.cache_reads, reads);
    CHECK_UINT(stats.cache_misses, reads);
    CHECK_UINT(stats.cache_hits + stats.cache_misses, hops);
    CHECK_UINT(stats.cache_bytes_read, reads * stats.page_bytes);
    paged_host_close(&h);
    free(queries);
}

static void answers_are_those_of_the_index_in_memory(void)
{
    uint64_t seed = 1;
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT && metric != DISKANN_L1; type++) {
            made m = make_index(metric, type, DIMENSIONS, DEGREE, ROWS);
            const uint32_t pages = page_count(&m);
            CHECK(pages > 8);
            const uint64_t sizes[] = {0, cache_for(&m, 1), cache_for(&m, 5), cache_for(&m, pages / 2), UINT64_C(1) << 53};
            for (uint32_t i = 0; i < 5; i++, seed++) {
                search_many(&m, sizes[i], seed, 1 + (uint32_t)seed % 9);
            }
            made_free(&m);
        }
    }
}

static void a_large_record_has_pages_of_its_own(void)
{
    made m = make_index(DISKANN_COSINE, DISKANN_F32, 20000, 4, 12);
    CHECK_UINT(page_count(&m), 12);
    for (uint32_t pages = 0; pages < 14; pages += 4) {
        search_many(&m, cache_for(&m, pages), pages + 1, 3);
    }
    made_free(&m);
}

static void small_indexes(void)
{
    for (uint32_t size = 0; size < 4; size++) {
        made m = make_index(DISKANN_L2, DISKANN_F32, DIMENSIONS, DEGREE, size);
        search_many(&m, 0, size + 1, 2);
        search_many(&m, UINT64_C(1) << 20, size + 1, 2);
        made_free(&m);
    }
}

/* ---- bad days ---- */

static const diskann_search_params PARAMS = {10, 20, 3, 0, 0};

/* Every read of a search fails in turn; another search that waits for it fails too, one after that does not. */
static void every_failed_read_is_an_error(void)
{
    made m = make_index(DISKANN_L2, DISKANN_U8, DIMENSIONS, DEGREE, ROWS);
    uint64_t reads = 0;
    for (uint64_t at = 0; at <= reads; at++) {
        paged_host h = {.random = {at + 1}};
        paged_search searches[3];
        answer wanted;
        REQUIRE(paged_host_open(&h, &m, cache_for(&m, 10), NULL) == DISKANN_OK);
        h.fail_at = at;
        h.searches = searches;
        h.search_count = 2;
        for (uint32_t i = 0; i < 2; i++) {
            REQUIRE(begin_search(&h, &searches[i], m.rows, &PARAMS) == DISKANN_OK);
        }
        drive_searches(&h, 4);
        reads = at == 0 ? h.reads : reads;
        search_resident(&m, m.rows, &PARAMS, &wanted);
        for (uint32_t i = 0; i < 2; i++) {
            if (searches[i].status == DISKANN_OK) {
                check_same(&searches[i].answer, &wanted);
            } else {
                CHECK_INT(searches[i].status, DISKANN_ERR_IO);
                CHECK(searches[i].failure.page >= 0 && searches[i].failure.page < (int64_t)page_count(&m));
                CHECK_UINT(searches[i].failure.detail, DISKANN_FINDING_NONE);
            }
        }
        CHECK(at == 0 || searches[0].status < 0 || searches[1].status < 0);
        CHECK_INT(search_paged(&h, m.rows, &PARAMS, &searches[2]), DISKANN_OK);
        check_same(&searches[2].answer, &wanted);
        paged_host_close(&h);
    }
    CHECK(reads > 5);
    made_free(&m);
}

static void spoil(made *m, uint32_t page, uint32_t page_bytes)
{
    m->file.file[DISKANN_SUPERBLOCK_BYTES + (uint64_t)page * page_bytes + page_bytes / 2 + page % 64] ^= 0x10;
}

/* Every page is damaged in turn: who reads it says which, nobody else is disturbed, and once it is mended all is well. */
static void every_damaged_page_is_found(void)
{
    made m = make_index(DISKANN_IP, DISKANN_I8, DIMENSIONS, DEGREE, ROWS);
    diskann_stats stats;
    float *queries = make_queries(QUERIES, DIMENSIONS, 3);
    diskann_index_stats(m.resident, &stats);
    uint32_t well = 0, ill = 0;
    for (uint32_t page = 0; page < stats.pages; page++) {
        paged_host h = {.random = {page + 1}};
        paged_search searches[QUERIES];
        REQUIRE(paged_host_open(&h, &m, cache_for(&m, 6), NULL) == DISKANN_OK);
        spoil(&m, page, stats.page_bytes);
        h.searches = searches;
        h.search_count = QUERIES;
        for (uint32_t i = 0; i < QUERIES; i++) {
            REQUIRE(begin_search(&h, &searches[i], queries + (size_t)i * DIMENSIONS, &PARAMS) == DISKANN_OK);
        }
        drive_searches(&h, 3);
        spoil(&m, page, stats.page_bytes);
        for (uint32_t i = 0; i < QUERIES; i++) {
            answer wanted;
            paged_search again;
            search_resident(&m, queries + (size_t)i * DIMENSIONS, &PARAMS, &wanted);
            if (searches[i].status != DISKANN_OK) {
                CHECK_INT(searches[i].status, DISKANN_ERR_CORRUPT);
                CHECK_INT(searches[i].failure.page, page);
                CHECK_UINT(searches[i].failure.detail, DISKANN_FINDING_CHECKSUM);
                CHECK_INT(search_paged(&h, queries + (size_t)i * DIMENSIONS, &PARAMS, &again), DISKANN_OK);
                check_same(&again.answer, &wanted);
                h.searches = searches;
                ill++;
            } else {
                check_same(&searches[i].answer, &wanted);
                well++;
            }
        }
        paged_host_close(&h);
    }
    CHECK(well > 0 && ill > 0);
    free(queries);
    made_free(&m);
}

static void open_finds_what_is_wrong_with_a_file(void)
{
    made m = make_index(DISKANN_L2, DISKANN_F32, DIMENSIONS, DEGREE, ROWS);
    const uint64_t bytes = m.file.file_bytes;
    diskann_failure failure;
    paged_host h = {0};
    for (uint64_t at = 1; at <= 2; at++) {
        h.fail_at = at;
        CHECK_INT(paged_host_open(&h, &m, 0, &failure), DISKANN_ERR_IO);
    }
    h.fail_at = 0;
    m.file.file_bytes = bytes - 1;
    CHECK_INT(paged_host_open(&h, &m, 0, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_FILE_BYTES);
    m.file.file_bytes = 100;
    CHECK_INT(paged_host_open(&h, &m, 0, &failure), DISKANN_ERR_CORRUPT);
    m.file.file_bytes = bytes;
    m.file.file[77] ^= 1;
    CHECK_INT(paged_host_open(&h, &m, 0, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_SUPERBLOCK);
    m.file.file[77] ^= 1;
    diskann_stats stats;
    diskann_index_stats(m.resident, &stats);
    uint32_t refused = 0;
    for (uint32_t page = 0; page < stats.pages; page++) { /* only the page of the entry is looked at */
        spoil(&m, page, stats.page_bytes);
        const int status = paged_host_open(&h, &m, 0, &failure);
        CHECK(status == DISKANN_OK || (status == DISKANN_ERR_CORRUPT && failure.page == page));
        refused += status != DISKANN_OK;
        diskann_paged_destroy(h.paged);
        spoil(&m, page, stats.page_bytes);
    }
    CHECK_UINT(refused, 1);
    CHECK_UINT(h.memory.live, 0);
    made_free(&m);
}

static void records_without_codes_are_not_for_this(void)
{
    diskann_config config;
    diskann_stats stats;
    made m = {.dimensions = DIMENSIONS};
    paged_host h = {0};
    diskann_config_init(&config, DIMENSIONS);
    REQUIRE(diskann_index_create(&config, NULL, &m.resident) == DISKANN_OK);
    diskann_index_stats(m.resident, &stats);
    m.file = (host){.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes};
    CHECK_INT(host_save(&m.file, m.resident), DISKANN_OK);
    CHECK_INT(paged_host_open(&h, &m, 1 << 20, NULL), DISKANN_ERR_UNSUPPORTED);
    CHECK_UINT(h.memory.live, 0);
    made_free(&m);
}

/* Ended or cancelled after every step of some searches with reads in flight; the others do not notice. */
static void any_search_can_go_at_any_moment(void)
{
    made m = make_index(DISKANN_COSINE, DISKANN_F16, DIMENSIONS, DEGREE, ROWS);
    answer wanted;
    search_resident(&m, m.rows, &PARAMS, &wanted);
    for (uint32_t way = 0; way < 2; way++) {
        uint64_t steps = 1, gone = 0;
        for (uint64_t at = 0; at < steps && at < SWEEP_MAX; at++) {
            paged_host h = {.random = {1}}; /* the same way until then */
            paged_search searches[5];
            REQUIRE(paged_host_open(&h, &m, cache_for(&m, way == 0 ? 3 : 8), NULL) == DISKANN_OK);
            (way == 0 ? &h.end_at : &h.cancel_at)[0] = at;
            h.searches = searches;
            h.search_count = 5;
            for (uint32_t i = 0; i < 5; i++) {
                REQUIRE(begin_search(&h, &searches[i], m.rows, &PARAMS) == DISKANN_OK);
            }
            drive_searches(&h, 6);
            for (uint32_t i = 0; i < 5; i++) {
                gone += searches[i].status == DISKANN_ERR_CANCELLED;
                if (searches[i].status == DISKANN_OK) {
                    check_same(&searches[i].answer, &wanted);
                }
            }
            steps = at == 0 ? h.steps : steps;
            paged_host_close(&h);
        }
        CHECK(steps > 50);
        CHECK_UINT(gone, steps - 1 - 4); /* 4 steps were the last of a search anyway */
    }
    made_free(&m);
}

static void every_allocation_fails(void)
{
    made m = make_index(DISKANN_L2, DISKANN_I8, DIMENSIONS, DEGREE, ROWS);
    answer wanted;
    uint64_t at = 1;
    search_resident(&m, m.rows, &PARAMS, &wanted);
    for (int opened = 0; !opened; at++) {
        paged_host h = {.memory = {.fail_at = at}};
        const int status = paged_host_open(&h, &m, cache_for(&m, 8), NULL);
        opened = status == DISKANN_OK;
        CHECK(opened || status == DISKANN_ERR_NO_MEMORY);
        paged_host_close(&h);
        REQUIRE(at < SWEEP_MAX);
    }
    CHECK(at > 5);
    int status = DISKANN_ERR_NO_MEMORY;
    for (at = 1; at < 200; at++) {
        paged_host h = {.random = {at}};
        paged_search first, second;
        REQUIRE(paged_host_open(&h, &m, cache_for(&m, 8), NULL) == DISKANN_OK);
        h.memory.fail_at = h.memory.calls + at;
        const int before = status;
        status = search_paged(&h, m.rows, &PARAMS, &first);
        CHECK(status == DISKANN_OK || (status == DISKANN_ERR_NO_MEMORY && before != DISKANN_OK));
        if (status == DISKANN_OK) { /* with memory for one round it goes through: pages give way */
            check_same(&first.answer, &wanted);
        }
        h.memory.fail_at = 0;
        CHECK_INT(search_paged(&h, m.rows, &PARAMS, &second), DISKANN_OK);
        check_same(&second.answer, &wanted);
        paged_host_close(&h);
    }
    CHECK_INT(status, DISKANN_OK);
    made_free(&m);
}

/* ---- memory ---- */

/* What the allocator gives is never more than the limit says, beside what searches take for themselves. */
static void the_cache_keeps_to_its_limit(void)
{
    made m = make_index(DISKANN_L2, DISKANN_U8, DIMENSIONS, DEGREE, ROWS);
    for (uint32_t pages = 0; pages < 12; pages++) {
        paged_host h = {.random = {pages + 1}};
        paged_search one;
        diskann_stats stats;
        const diskann_search_params narrow = {5, 30, 1, 1, 0};
        REQUIRE(paged_host_open(&h, &m, cache_for(&m, pages), NULL) == DISKANN_OK);
        diskann_paged_stats(h.paged, &stats);
        const uint64_t fixed = h.memory.live - stats.cache_bytes;
        CHECK(stats.cache_limit <= cache_for(&m, pages) || pages <= 1);
        for (uint32_t i = 0; i < 30; i++) {
            CHECK_INT(search_paged(&h, m.rows + (size_t)i * DIMENSIONS, &narrow, &one), DISKANN_OK);
            diskann_paged_stats(h.paged, &stats);
            CHECK_UINT(h.memory.live, fixed + stats.cache_bytes);
            CHECK(pages > 0 || stats.cache_hits + 1 >= stats.cache_misses || stats.cache_bytes < stats.page_bytes);
        }
        CHECK(stats.cache_limit <= cache_for(&m, pages) || pages <= 1);
        CHECK_INT(search_paged(&h, m.rows, &PARAMS, &one), DISKANN_OK); /* three wide */
        diskann_paged_stats(h.paged, &stats);
        CHECK(stats.cache_limit <= cache_for(&m, pages) || pages <= 3);
        paged_host_close(&h);
    }
    made_free(&m);
}

/* A read that outlives its search is part of it. */
static void without_a_cache_nothing_is_kept(void)
{
    made m = make_index(DISKANN_L2, DISKANN_F32, DIMENSIONS, DEGREE, ROWS);
    paged_host h = {.random = {1}};
    paged_search one;
    diskann_stats stats;
    REQUIRE(paged_host_open(&h, &m, 0, NULL) == DISKANN_OK);
    CHECK_INT(search_paged(&h, m.rows, &PARAMS, &one), DISKANN_OK);
    diskann_paged_stats(h.paged, &stats);
    CHECK(stats.cache_bytes < stats.page_bytes);
    REQUIRE(begin_search(&h, &one, m.rows, &PARAMS) == DISKANN_OK);
    step_search(&h, &one);
    CHECK_UINT(h.flying, 1);
    end_search(&h, &one);
    complete_one(&h);
    diskann_paged_stats(h.paged, &stats);
    CHECK(stats.cache_bytes < stats.page_bytes);
    paged_host_close(&h);
    made_free(&m);
}

static void bad_arguments(void)
{
    made m = make_index(DISKANN_L2, DISKANN_U8, DIMENSIONS, DEGREE, 20);
    paged_host h = {.random = {1}};
    diskann_op *op;
    uint32_t count;
    paged_search one;
    float query[DIMENSIONS] = {0.5f};
    CHECK_INT(diskann_paged_open_begin(0, DISKANN_SIMD_COUNT, 0, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_open_begin(0, 0, 0, NULL, NULL), DISKANN_ERR_INVALID_ARGUMENT);
    REQUIRE(paged_host_open(&h, &m, 0, NULL) == DISKANN_OK);
    CHECK_INT(diskann_paged_search_begin(NULL, query, &PARAMS, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_search_begin(h.paged, NULL, &PARAMS, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_paged_search_begin(h.paged, query, &(diskann_search_params){1, 1, 65, 0, 0}, &op),
              DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(search_paged(&h, query, &PARAMS, &one), DISKANN_ERR_INVALID_ARGUMENT); /* 0.5 is no byte */
    REQUIRE(begin_search(&h, &one, m.rows, &PARAMS) == DISKANN_OK);
    CHECK_INT(diskann_paged_search_take(one.op, one.answer.ids, one.answer.distances, &count, NULL),
              DISKANN_ERR_INVALID_ARGUMENT);
    end_search(&h, &one);
    CHECK_UINT(diskann_paged_complete(h.paged, 77, DISKANN_OK), DISKANN_FINDING_NONE); /* no such ticket */
    CHECK_UINT(diskann_paged_complete(h.paged, 0, DISKANN_OK), DISKANN_FINDING_NONE);  /* nothing asked for */
    paged_host_close(&h);
    made_free(&m);
}

CHECK_MAIN(CHECK_TEST(answers_are_those_of_the_index_in_memory), CHECK_TEST(a_large_record_has_pages_of_its_own),
           CHECK_TEST(small_indexes), CHECK_TEST(every_failed_read_is_an_error), CHECK_TEST(every_damaged_page_is_found),
           CHECK_TEST(open_finds_what_is_wrong_with_a_file), CHECK_TEST(records_without_codes_are_not_for_this),
           CHECK_TEST(any_search_can_go_at_any_moment), CHECK_TEST(every_allocation_fails),
           CHECK_TEST(the_cache_keeps_to_its_limit), CHECK_TEST(without_a_cache_nothing_is_kept), CHECK_TEST(bad_arguments))
