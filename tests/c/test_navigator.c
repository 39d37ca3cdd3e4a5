/*
 * The navigator of an index with codes in its records: which records it is a sample of and when it is made anew; in the file
 * and back, damaged and forged; the same from every number of threads.
 */
#include "../../csrc/op/index.h"
#include "check.h"
#include "forge.h"
#include "host.h"

enum { DIMENSIONS = 20, FIRST = 4096, SECTION = DIMENSIONS * 4 };

static diskann_config config_of(uint32_t metric)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.metric = metric;
    config.max_degree = 8;
    config.build_list_size = 20;
    config.codes = DISKANN_CODES_1BIT;
    return config;
}

static float *make_rows(uint32_t count, uint64_t seed)
{
    float *rows = malloc((size_t)count * DIMENSIONS * sizeof *rows);
    random_state random = {seed};
    REQUIRE(rows != NULL);
    for (size_t i = 0; i < (size_t)count * DIMENSIONS; i++) {
        rows[i] = (float)random_below(&random, 1000) - 500;
    }
    return rows;
}

static int put(diskann_index *index, host *h, int is_build, const float *rows, uint64_t count)
{
    diskann_op *op;
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    const int status = is_build ? diskann_build_begin(index, workers, &op) : diskann_insert_begin(index, workers, &op);
    if (status < 0) {
        return status;
    }
    int driven = diskann_op_rows(op, rows, DISKANN_F32, NULL, count);
    driven = driven == DISKANN_OK ? host_drive(h, op) : driven;
    diskann_op_end(op);
    return driven;
}

static diskann_index *make_index(uint32_t metric, const float *rows, uint32_t count, host h)
{
    const diskann_config config = config_of(metric);
    diskann_index *index;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    CHECK_INT(put(index, &h, 1, rows, count), DISKANN_OK);
    return index;
}

/* The file of an index; its bytes are the caller's. */
static host file_of(diskann_index *index)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    host h = {.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes, .workers = 1};
    REQUIRE(h.file != NULL && host_save(&h, index) == DISKANN_OK);
    return h;
}

static int open_file(const host *file, const diskann_allocator *allocator, diskann_index **out, diskann_failure *failure)
{
    diskann_op *op;
    host reader = *file;
    *out = NULL;
    const int begun = diskann_open_begin(file->file_bytes, 0, 1, allocator, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(&reader, op);
    *out = diskann_open_take(op);
    diskann_op_failure(op, failure);
    diskann_op_end(op);
    return status;
}

static int open_paged(const host *file, const diskann_allocator *allocator, diskann_paged **out, diskann_failure *failure)
{
    diskann_op *op;
    host reader = *file;
    *out = NULL;
    const int begun = diskann_paged_open_begin(file->file_bytes, 0, 1 << 20, allocator, &op);
    if (begun < 0) {
        return begun;
    }
    const int status = host_drive(&reader, op);
    *out = diskann_paged_take(op);
    diskann_op_failure(op, failure);
    diskann_op_end(op);
    return status;
}

static void it_is_made_anew_at_twice_the_size(void)
{
    static const uint32_t steps[][2] = {{1000, 0}, {23, 0}, {1, 1024}, {1000, 1024}, {24, 2048}, {1, 2048}};
    const diskann_config config = config_of(DISKANN_L2);
    diskann_index *index;
    float *rows = make_rows(2100, 1);
    uint32_t size = 0;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        host h = {0};
        CHECK_INT(put(index, &h, 0, rows + (size_t)size * DIMENSIONS, steps[i][0]), DISKANN_OK);
        size += steps[i][0];
        CHECK_UINT(index->navigator.size, steps[i][1]);
        CHECK_UINT(index->navigator.places, steps[i][1] / 16 / 32 * 32);
    }
    diskann_index_destroy(index);
    free(rows);
}

static void its_places_fit_their_bytes(void)
{
    CHECK_UINT(bits_navigator_places(384, 1023), 0);
    CHECK_UINT(bits_navigator_places(384, 1024), 64);
    CHECK_UINT(bits_navigator_places(384, 1000000), (124 * 1024 - 4 * 384) / (32 * (384 / 8 + 8)) * 32);
    CHECK_UINT(bits_navigator_places(128, 1000000), (124 * 1024 - 4 * 128) / (32 * (128 / 8 + 8)) * 32);
    CHECK_UINT(bits_navigator_places(65535, 1000000), 0);
}

/* A part of an insert that was cancelled is there; the navigator is as it was, and due the next time. */
static void what_fails_or_is_cancelled_leaves_it(void)
{
    float *rows = make_rows(3000, 2);
    for (uint64_t cancel_at = 1; cancel_at < 500; cancel_at += check_is_light() ? 97 : 29) {
        diskann_index *index = make_index(DISKANN_COSINE, rows, 1100, (host){0});
        host h = {.cancel_at = cancel_at};
        const int status = put(index, &h, 0, rows + (size_t)1100 * DIMENSIONS, 1900);
        CHECK_UINT(index->navigator.size, status == DISKANN_OK ? 3000 : 1100);
        const uint64_t rest = 3000 - diskann_index_size(index);
        host next = {0};
        CHECK_INT(put(index, &next, 0, rows, rest + 1), DISKANN_OK);
        CHECK_UINT(index->navigator.size, status == DISKANN_OK ? 3000 : 3001);
        diskann_index_destroy(index);
    }
    free(rows);
}

static void threads_do_not_show(void)
{
    float *rows = make_rows(3000, 3);
    diskann_index *one = make_index(DISKANN_IP, rows, 3000, (host){.workers = 1});
    diskann_index *three = make_index(DISKANN_IP, rows, 3000, (host){.workers = 3, .shuffle = 5});
    host a = file_of(one), b = file_of(three);
    CHECK_UINT(a.file_bytes, b.file_bytes);
    CHECK_BYTES(a.file, b.file, a.file_bytes);
    diskann_index_destroy(one);
    diskann_index_destroy(three);
    free(a.file);
    free(b.file);
    free(rows);
}

/* The audit finds nothing; a copy reads every page where it is, and writes it there. */
static void check_in_place(const diskann_paged *paged, const host *file)
{
    host h = *file;
    diskann_op *op;
    uint32_t count;
    uint64_t total;
    REQUIRE(diskann_paged_verify_begin(paged, 1, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_verify_findings(op, &count, &total);
    CHECK_UINT(total, 0);
    diskann_op_end(op);
    h = *file;
    REQUIRE(diskann_paged_copy_begin(paged, 1, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    diskann_op_end(op);
}

/* In memory and in its place; with it and without. */
static void it_comes_back(void)
{
    for (uint32_t i = 0; i < 6; i++) {
        float *rows = make_rows(1500, 4);
        diskann_index *index = make_index(i / 2, rows, 1500, (host){0}), *opened;
        diskann_paged *paged;
        diskann_failure failure;
        if (i % 2 == 1) {
            navigator_reset(&index->navigator);
        }
        const host file = file_of(index);
        CHECK_UINT(forge_get(file.file + FORGE_NAVIGATOR_SIZE, 4), i % 2 == 1 ? 0 : 1500);
        CHECK_INT(open_file(&file, NULL, &opened, &failure), DISKANN_OK);
        CHECK_INT(open_paged(&file, NULL, &paged, &failure), DISKANN_OK);
        const host again = file_of(opened);
        CHECK_UINT(again.file_bytes, file.file_bytes);
        CHECK_BYTES(again.file, file.file, file.file_bytes);
        diskann_op *op;
        uint32_t count;
        uint64_t total;
        REQUIRE(diskann_verify_begin(opened, 1, &op) == DISKANN_OK);
        CHECK_INT(diskann_op_finish(op), DISKANN_OK);
        diskann_verify_findings(op, &count, &total);
        CHECK_UINT(total, 0);
        diskann_op_end(op);
        check_in_place(paged, &again);
        CHECK_BYTES(again.file, file.file, file.file_bytes);
        diskann_paged_destroy(paged);
        diskann_index_destroy(opened);
        diskann_index_destroy(index);
        free(file.file);
        free(again.file);
        free(rows);
    }
}

typedef struct made {
    host file;
    uint64_t pages, page_bytes;
} made;

static made make_file(void)
{
    float *rows = make_rows(1200, 5);
    diskann_index *index = make_index(DISKANN_L2, rows, 1200, (host){0});
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    const made made = {file_of(index), stats.pages, stats.page_bytes};
    diskann_index_destroy(index);
    free(rows);
    return made;
}

static void reseal(const made *made)
{
    forge_put(made->file.file + FIRST, forge_crc(0, made->file.file + FIRST + 4, made->page_bytes - 4), 4);
}

static void check_refused(const made *made, uint32_t kind, int is_refused_paged)
{
    diskann_failure failure;
    diskann_index *index;
    diskann_paged *paged;
    CHECK_INT(open_file(&made->file, NULL, &index, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, kind);
    CHECK_INT(failure.page, (int64_t)made->pages);
    const int status = open_paged(&made->file, NULL, &paged, &failure);
    CHECK_INT(status, is_refused_paged ? DISKANN_ERR_CORRUPT : DISKANN_OK);
    CHECK(!is_refused_paged || (failure.detail == kind && failure.page == (int64_t)made->pages));
    diskann_index_destroy(index);
    diskann_paged_destroy(paged);
}

static void damage_is_found(void)
{
    const made made = make_file();
    uint8_t *page = made.file.file + FIRST;
    for (uint64_t at = 0; at < made.page_bytes; at += 61) {
        page[at] ^= 4;
        check_refused(&made, DISKANN_FINDING_CHECKSUM, 1);
        page[at] ^= 4;
    }
    page[8] ^= 1; /* the number */
    reseal(&made);
    check_refused(&made, DISKANN_FINDING_PAGE_HEADER, 1);
    page[8] ^= 1;
    free(made.file.file);
}

/* Well sealed, and wrong. */
static void forgeries_are_found(void)
{
    const made made = make_file();
    uint8_t *origin = made.file.file + FIRST + 16, *codes = origin + SECTION;
    origin[3] ^= 0x80;
    reseal(&made);
    check_refused(&made, DISKANN_FINDING_CODES, 0);
    origin[3] ^= 0x80;
    uint8_t *factor = codes + 16 * 16; /* 64 bits are 16 rows */
    const uint32_t was = (uint32_t)forge_get(factor, 4);
    forge_put(factor, 0x7fc00000, 4);
    reseal(&made);
    check_refused(&made, DISKANN_FINDING_CODES, 1);
    forge_put(factor, was, 4);
    codes[0] ^= 1;
    reseal(&made);
    diskann_index *index;
    diskann_failure failure;
    diskann_op *op;
    uint32_t count;
    uint64_t total;
    CHECK_INT(open_file(&made.file, NULL, &index, &failure), DISKANN_OK);
    REQUIRE(index != NULL && diskann_verify_begin(index, 1, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_OK);
    const diskann_finding *findings = diskann_verify_findings(op, &count, &total);
    CHECK_UINT(total, 1);
    CHECK(count == 1 && findings[0].kind == DISKANN_FINDING_CODES && findings[0].page == (int64_t)made.pages);
    diskann_op_end(op);
    diskann_index_destroy(index);
    free(made.file.file);
}

static void its_size_is_checked(void)
{
    static const uint32_t sizes[] = {1, 1023, 1201, 0xffffffff};
    const made made = make_file();
    diskann_failure failure;
    diskann_index *index;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        forge_put(made.file.file + FORGE_NAVIGATOR_SIZE, sizes[i], 4);
        forge_seal_superblock(made.file.file);
        CHECK_INT(open_file(&made.file, NULL, &index, &failure), DISKANN_ERR_CORRUPT);
        CHECK_UINT(failure.detail, DISKANN_FINDING_SUPERBLOCK);
    }
    free(made.file.file);
}

static void memory_may_fail_anywhere(void)
{
    const made made = make_file();
    for (int is_paged = 0; is_paged < 2; is_paged++) {
        int status = DISKANN_ERR_NO_MEMORY;
        for (uint64_t fail_at = 1; status == DISKANN_ERR_NO_MEMORY; fail_at++) {
            meter m = {.fail_at = fail_at};
            const diskann_allocator allocator = meter_allocator(&m);
            diskann_index *index = NULL;
            diskann_paged *paged = NULL;
            diskann_failure failure;
            status = is_paged ? open_paged(&made.file, &allocator, &paged, &failure)
                              : open_file(&made.file, &allocator, &index, &failure);
            CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
            diskann_index_destroy(index);
            diskann_paged_destroy(paged);
            CHECK_UINT(m.live, 0);
        }
    }
    free(made.file.file);
}

CHECK_MAIN(CHECK_TEST(it_is_made_anew_at_twice_the_size), CHECK_TEST(its_places_fit_their_bytes),
           CHECK_TEST(what_fails_or_is_cancelled_leaves_it), CHECK_TEST(threads_do_not_show), CHECK_TEST(it_comes_back),
           CHECK_TEST(damage_is_found), CHECK_TEST(forgeries_are_found), CHECK_TEST(its_size_is_checked),
           CHECK_TEST(memory_may_fail_anywhere))
