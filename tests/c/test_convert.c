/* Pages of every size, and one index made into another: the same graph, the bytes that a build would have made. */
#include "check.h"
#include "pq_index_world.h"

enum { ROWS = 400, DIMENSIONS = 24, K = 8, SWEEP_MAX = 600 };

static const uint32_t CODES[] = {DISKANN_CODES_NONE, DISKANN_CODES_1BIT, DISKANN_CODES_PQ};

/* What is told apart by codes and size of pages alone. */
static diskann_config shape(uint32_t codes, uint32_t code_bytes, uint32_t page_bytes)
{
    diskann_config config = world_config(DIMENSIONS, DISKANN_F32, DISKANN_COSINE, code_bytes);
    config.codes = codes;
    config.page_bytes = page_bytes;
    return config;
}

static diskann_index *built(diskann_config config, uint32_t count)
{
    host in_order = {.workers = 1};
    float *rows = world_rows(count, &config, 4);
    diskann_index *index = world_index(&config, NULL, rows, count, count, &in_order);
    free(rows);
    return index;
}

static int convert(const diskann_index *index, diskann_config config, host way, diskann_index **out)
{
    diskann_op *op;
    const int begun = diskann_convert_begin(index, &config, way.workers > 0 ? way.workers : 1, &op);
    *out = NULL;
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(&way, op);
    *out = diskann_convert_take(op);
    CHECK((*out != NULL) == (status == DISKANN_OK));
    CHECK(diskann_convert_take(op) == NULL);
    diskann_op_end(op);
    return status;
}

static void check_same_file(diskann_index *a, diskann_index *b)
{
    host one = world_save(a), other = world_save(b);
    CHECK_UINT(one.file_bytes, other.file_bytes);
    CHECK_BYTES(one.file, other.file, one.file_bytes);
    free(one.file);
    free(other.file);
}

/* Saved and opened, in both ways. */
static void check_file(diskann_index *index, const answer *wanted, const float *query)
{
    const diskann_search_params params = {K, 40, 3, 1, 0};
    host file = world_save(index);
    meter m = {0};
    diskann_index *opened;
    CHECK_INT(host_open(&file, &m, &opened, NULL), DISKANN_OK);
    CHECK_UINT(world_findings(opened, NULL), 0);
    CHECK_UINT(world_stats(opened).page_bytes, world_stats(index).page_bytes);
    check_same_file(opened, index);
    const answer found = world_search(opened, query, (diskann_search_params){K, 40, 3, 0, 0});
    CHECK_UINT(found.count, wanted->count);
    CHECK_BYTES(found.ids, wanted->ids, sizeof found.ids);
    CHECK_BYTES(found.distances, wanted->distances, sizeof found.distances);
    diskann_paged *paged;
    const int status = world_paged_open(&file, 1 << 16, NULL, &paged, NULL);
    CHECK_INT(status, world_stats(index).config.codes == DISKANN_CODES_NONE ? DISKANN_ERR_UNSUPPORTED : DISKANN_OK);
    if (status == DISKANN_OK) {
        const answer here = world_search(opened, query, params);
        answer there;
        CHECK_INT(world_paged_search(&file, paged, query, params, &there), DISKANN_OK);
        CHECK_BYTES(there.ids, here.ids, sizeof here.ids);
        diskann_paged_destroy(paged);
    }
    diskann_index_destroy(opened);
    CHECK_UINT(m.live, 0);
    free(file.file);
}

/* The answers are the same whatever the pages, but for those that page search finds beside. */
static void pages_of_every_size(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        const diskann_config config = shape(CODES[i], i == 2 ? 6 : 0, 0);
        diskann_index *by_itself = built(config, ROWS);
        float *query = world_rows(1, &config, 9);
        const answer wanted = world_search(by_itself, query, (diskann_search_params){K, 40, 3, 0, 0});
        uint32_t same = 0;
        for (uint32_t page_bytes = 4096; page_bytes <= 65536; page_bytes *= 2) {
            diskann_index *index = built(shape(CODES[i], i == 2 ? 6 : 0, page_bytes), ROWS);
            const diskann_stats stats = world_stats(index);
            CHECK_UINT(stats.page_bytes, page_bytes);
            CHECK_UINT(stats.config.page_bytes, page_bytes);
            CHECK_UINT(stats.records_per_page, (page_bytes - 16) / stats.record_bytes);
            check_file(index, &wanted, query);
            if (page_bytes == world_stats(by_itself).page_bytes) {
                check_same_file(index, by_itself);
                same++;
            }
            diskann_index *back;
            CHECK_INT(convert(index, config, (host){.workers = 2, .shuffle = 5}, &back), DISKANN_OK);
            check_same_file(back, by_itself);
            diskann_index_destroy(back);
            diskann_index_destroy(index);
        }
        CHECK_UINT(same, 1);
        free(query);
        diskann_index_destroy(by_itself);
    }
}

static void wrong_sizes_of_pages(void)
{
    diskann_index *index = NULL;
    const uint32_t wrong[] = {1, 512, 4095, 5000, 12288, 131072, UINT32_MAX};
    for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const diskann_config config = shape(DISKANN_CODES_NONE, 0, wrong[i]);
        CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_config config = shape(DISKANN_CODES_NONE, 0, 4096);
    config.dimensions = 1024; /* 4096 bytes of floats alone */
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_INVALID_ARGUMENT);
    config.page_bytes = 8192;
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_OK);
    diskann_index_destroy(index);
    config.dimensions = 20000; /* a page of its own, of no size that can be asked for */
    config.page_bytes = 65536;
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_ERR_INVALID_ARGUMENT);
    config.page_bytes = 81920;
    CHECK_INT(diskann_index_create(&config, NULL, &index), DISKANN_OK);
    diskann_index_destroy(index);
}

/* From every kind to every kind; and there and back. */
static void every_kind_becomes_every_other(void)
{
    for (uint32_t i = 0; i < 9; i++) {
        const diskann_config from = shape(CODES[i / 3], i / 3 == 2 ? 6 : 0, 0);
        const diskann_config to = shape(CODES[i % 3], i % 3 == 2 ? 6 : 0, 16384);
        diskann_index *first = built(from, ROWS), *wanted = built(to, ROWS), *made, *back;
        CHECK_INT(convert(first, to, (host){.workers = 3, .shuffle = i + 1}, &made), DISKANN_OK);
        REQUIRE(made != NULL);
        check_same_file(made, wanted);
        CHECK_UINT(world_findings(made, NULL), 0);
        CHECK_UINT(diskann_index_size(made), ROWS);
        for (uint64_t id = 0; id < ROWS; id++) {
            CHECK(diskann_index_has(made, id));
        }
        CHECK_INT(convert(made, from, (host){.workers = 1}, &back), DISKANN_OK);
        check_same_file(back, first);
        diskann_index_destroy(back);
        diskann_index_destroy(made);
        diskann_index_destroy(wanted);
        diskann_index_destroy(first);
    }
}

static void what_was_made_goes_on(void)
{
    const diskann_config config = shape(DISKANN_CODES_NONE, 0, 0), to = shape(DISKANN_CODES_8BIT, 0, 0);
    diskann_index *index = built(config, ROWS), *made;
    host in_order = {.workers = 1};
    CHECK_INT(convert(index, to, in_order, &made), DISKANN_OK);
    REQUIRE(made != NULL);
    diskann_index_destroy(index);
    CHECK_UINT(world_stats(made).config.codes, DISKANN_CODES_8BIT);
    CHECK(world_stats(made).memory_codes > 0);
    float *rows = world_rows(50, &config, 12);
    CHECK_INT(world_add(made, 0, rows, 50, &in_order), DISKANN_OK);
    CHECK_UINT(diskann_index_size(made), ROWS + 50);
    CHECK_UINT(world_findings(made, NULL), 0);
    const answer a = world_search(made, rows, (diskann_search_params){1, 60, 1, 0, 0});
    CHECK_UINT(a.ids[0], ROWS);
    diskann_index_destroy(made);
    free(rows);
}

static void empty_and_wrong(void)
{
    diskann_index *index, *made;
    diskann_op *op;
    const diskann_config config = shape(DISKANN_CODES_NONE, 0, 0);
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_INT(convert(index, shape(CODES[i], 0, 8192), (host){.workers = 1}, &made), DISKANN_OK);
        CHECK_UINT(world_stats(made).page_bytes, 8192);
        CHECK_UINT(world_stats(made).config.codes, CODES[i]);
        diskann_index_destroy(made);
    }
    diskann_config wrong = config;
    CHECK_INT(diskann_convert_begin(NULL, &config, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_convert_begin(index, NULL, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_convert_begin(index, &config, 0, &op), DISKANN_ERR_INVALID_ARGUMENT);
    wrong.code_bytes = 3;
    CHECK_INT(diskann_convert_begin(index, &wrong, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    wrong = config;
    wrong.page_bytes = 5000;
    CHECK_INT(diskann_convert_begin(index, &wrong, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    wrong.page_bytes = 0;
    wrong.codes = DISKANN_CODES_COUNT;
    CHECK_INT(diskann_convert_begin(index, &wrong, 1, &op), DISKANN_ERR_INVALID_ARGUMENT);
    diskann_index_destroy(index);
}

static void bad_days(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        meter m = {0};
        const diskann_allocator allocator = meter_allocator(&m);
        const diskann_config from = shape(CODES[(i + 2) % 3], 0, 0), to = shape(CODES[i], 0, 32768);
        float *rows = world_rows(ROWS, &from, 4);
        host in_order = {.workers = 1};
        diskann_index *index = world_index(&from, &allocator, rows, ROWS, ROWS, &in_order), *made;
        const uint64_t before = m.live;
        uint64_t at = 1;
        for (int done = 0; !done && at < SWEEP_MAX; at++) {
            m.fail_at = m.calls + at;
            const int status = convert(index, to, (host){.workers = 2}, &made);
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_NO_MEMORY);
            diskann_index_destroy(made);
            CHECK_UINT(m.live, before);
        }
        CHECK(at > 4 && at < SWEEP_MAX);
        m.fail_at = 0;
        at = 1;
        for (int done = 0; !done && at < SWEEP_MAX; at += at < 10 ? 1 : 7) {
            const int status = convert(index, to, (host){.workers = 2, .cancel_at = at}, &made);
            done = status == DISKANN_OK;
            CHECK(done || status == DISKANN_ERR_CANCELLED);
            diskann_index_destroy(made);
            CHECK_UINT(m.live, before);
        }
        CHECK(at > 2 && at < SWEEP_MAX);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
        free(rows);
    }
}

CHECK_MAIN(CHECK_TEST(pages_of_every_size), CHECK_TEST(wrong_sizes_of_pages), CHECK_TEST(every_kind_becomes_every_other),
           CHECK_TEST(what_was_made_goes_on), CHECK_TEST(empty_and_wrong), CHECK_TEST(bad_days))
