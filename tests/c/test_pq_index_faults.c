/*
 * Indexes with codes by product quantisation on a bad day: memory that ends, reads and writes that fail, builds that are
 * cancelled, files that are damaged or forged. And the pages of codes by themselves.
 */
#include "../../csrc/op/index.h"
#include "../../csrc/store/section.h"
#include "../../csrc/store/superblock.h"
#include "forge.h"
#include "pq_index_world.h"

#include <math.h>

enum { ROWS = 150, BUILT = 120, DIMENSIONS = 6, CODE_BYTES = 3 };
static host in_order;

static diskann_config small(void)
{
    return world_config(DIMENSIONS, DISKANN_F32, DISKANN_L2, CODE_BYTES);
}

static diskann_index *small_index(const float *rows)
{
    const diskann_config config = small();
    return world_index(&config, NULL, rows, BUILT, ROWS, &in_order);
}

static host small_file(void)
{
    const diskann_config config = small();
    float *rows = world_rows(ROWS, &config, 1);
    diskann_index *index = small_index(rows);
    const host file = world_save(index);
    diskann_index_destroy(index);
    free(rows);
    return file;
}

/* The index is as it was: nothing, or what was built. */
static void check_rolled_back(diskann_index *index, uint64_t size)
{
    const diskann_stats stats = world_stats(index);
    CHECK_UINT(stats.size, size);
    CHECK_UINT(world_findings(index, NULL), 0);
    CHECK((index->pq.pq != NULL) == (size > 0));
    CHECK(size > 0 || stats.memory_codes == 0);
    for (uint64_t i = size * CODE_BYTES; i < index->pq.capacity * CODE_BYTES; i++) {
        CHECK(index->pq.codes[i] == 0);
    }
}

static void an_index_begins_with_a_build(void)
{
    const diskann_config config = small();
    float *rows = world_rows(ROWS, &config, 1);
    diskann_index *index = NULL;
    diskann_op *op = NULL;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    CHECK_INT(diskann_insert_begin(index, 1, &op), DISKANN_ERR_UNSUPPORTED);
    const answer a = world_search(index, rows, (diskann_search_params){5, 10, 1, 0, 0});
    CHECK_UINT(a.count, 0);
    host empty = world_save(index);
    CHECK_UINT(empty.file_bytes, 4096);
    diskann_index *again;
    diskann_paged *paged;
    meter m = {0};
    CHECK_INT(host_open(&empty, &m, &again, NULL), DISKANN_OK);
    CHECK_INT(diskann_insert_begin(again, 1, &op), DISKANN_ERR_UNSUPPORTED);
    CHECK_INT(world_add(again, 1, rows, ROWS, &in_order), DISKANN_OK);
    CHECK_UINT(world_findings(again, NULL), 0);
    CHECK_INT(world_paged_open(&empty, 1 << 16, NULL, &paged, NULL), DISKANN_OK);
    answer b;
    CHECK_INT(world_paged_search(&empty, paged, rows, (diskann_search_params){5, 10, 1, 0, 0}, &b), DISKANN_OK);
    CHECK_UINT(b.count, 0);
    diskann_paged_destroy(paged);
    diskann_index_destroy(again);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(empty.file);
    free(rows);
}

/* Progress of a build: it never goes back within a phase, and no phase comes twice. */
static int drive_and_watch(diskann_op *op, uint64_t cancel_at, uint64_t *stages)
{
    diskann_stage stage, last = {0};
    uint32_t seen = 0;
    int status;
    while ((status = diskann_op_step(op, &stage)) == DISKANN_RUN) {
        if (++*stages == cancel_at) {
            diskann_op_cancel(op);
        }
        CHECK(stage.done <= stage.total && stage.total > 0);
        CHECK(stage.phase == last.phase ? stage.done >= last.done && stage.total == last.total : !(seen >> stage.phase & 1));
        seen |= UINT32_C(1) << stage.phase;
        last = stage;
        diskann_op_run(op, 0, 0, stage.items);
    }
    return status;
}

static void a_build_can_be_cancelled_at_every_stage(void)
{
    const diskann_config config = small();
    float *rows = world_rows(ROWS, &config, 1);
    uint64_t all = 0, step = 1;
    for (uint64_t at = 0; at <= all; at += at < 40 ? 1 : step) {
        meter m = {0};
        const diskann_allocator allocator = meter_allocator(&m);
        diskann_index *index = NULL;
        diskann_op *op;
        uint64_t stages = 0;
        REQUIRE(diskann_index_create(&config, &allocator, &index) == DISKANN_OK);
        REQUIRE(diskann_build_begin(index, 1, &op) == DISKANN_OK);
        REQUIRE(diskann_op_rows(op, rows, DISKANN_F32, NULL, BUILT) == DISKANN_OK);
        CHECK_INT(drive_and_watch(op, at, &stages), at == 0 ? DISKANN_OK : DISKANN_ERR_CANCELLED);
        CHECK_UINT(diskann_op_added(op), at == 0 ? BUILT : 0);
        diskann_op_end(op);
        check_rolled_back(index, at == 0 ? BUILT : 0);
        if (at > 0 && at % 8 == 0) { /* as if nothing had been */
            CHECK_INT(world_add(index, 1, rows, BUILT, &in_order), DISKANN_OK);
            check_rolled_back(index, BUILT);
        }
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
        all = at == 0 ? stages : all;
        step = all / 60 + 1;
    }
    CHECK(all > 256); /* k-means++ has a stage for each centroid */
    free(rows);
}

static void an_insert_can_be_cancelled_at_every_stage(void)
{
    const diskann_config config = small();
    float *rows = world_rows(ROWS, &config, 1);
    uint64_t all = 0;
    for (uint64_t at = 0; at <= all; at++) {
        diskann_index *index = world_index(&config, NULL, rows, BUILT, BUILT, &in_order);
        host h = {.cancel_at = at};
        const int status = world_add(index, 0, rows + (size_t)BUILT * DIMENSIONS, ROWS - BUILT, &h);
        const uint64_t size = diskann_index_size(index);
        CHECK(at == 0 ? status == DISKANN_OK : status == DISKANN_ERR_CANCELLED || size == ROWS);
        check_rolled_back(index, size);
        all = at == 0 ? h.stages : all;
        diskann_index_destroy(index);
    }
    CHECK(all > 5);
    free(rows);
}

/* Everything an index does, with memory that ends at the `at`-th allocation; 1: it did not. */
static int live_with(meter *m, uint64_t at, const float *rows, host *file)
{
    const diskann_config config = small();
    const diskann_allocator allocator = meter_allocator(m);
    diskann_index *index = NULL;
    diskann_op *op;
    int status = diskann_index_create(&config, &allocator, &index);
    m->fail_at = m->calls + at;
    status = world_add(index, 1, rows, BUILT, &in_order);
    if (status == DISKANN_OK) {
        status = world_add(index, 0, rows + (size_t)BUILT * DIMENSIONS, ROWS - BUILT, &in_order);
        CHECK_UINT(diskann_index_size(index), status == DISKANN_OK ? ROWS : BUILT);
    }
    if (status == DISKANN_OK) {
        host out = {.file = file->file, .file_bytes = file->file_bytes};
        status = host_save(&out, index);
    }
    if (status == DISKANN_OK && (status = diskann_verify_begin(index, 1, &op)) == DISKANN_OK) {
        status = diskann_op_finish(op);
        diskann_op_end(op);
    }
    const int ended = m->fail_at != 0 && m->calls >= m->fail_at;
    m->fail_at = 0;
    CHECK_INT(status, ended ? DISKANN_ERR_NO_MEMORY : DISKANN_OK);
    check_rolled_back(index, diskann_index_size(index));
    diskann_index_destroy(index);
    CHECK_UINT(m->live, 0);
    return !ended;
}

static void every_failed_allocation_is_told(void)
{
    const diskann_config config = small();
    float *rows = world_rows(ROWS, &config, 1);
    host file = small_file();
    meter m = {0};
    uint64_t at = 1;
    while (!live_with(&m, at, rows, &file)) {
        at++;
    }
    CHECK(at > 60);
    free(rows);
    free(file.file);
}

static void opening_survives_failed_allocations_and_reads(void)
{
    host file = small_file();
    for (uint32_t is_paged = 0; is_paged < 2; is_paged++) {
        int ends[2] = {0};
        for (uint64_t at = 1; !ends[0] || !ends[1]; at++) {
            for (uint32_t is_read = 0; is_read < 2; is_read++) {
                meter m = {0};
                const diskann_allocator allocator = meter_allocator(&m);
                diskann_index *index = NULL;
                diskann_paged *paged = NULL;
                host h = {.file = file.file, .file_bytes = file.file_bytes, .workers = 1, .fail_at = is_read ? at : 0};
                m.fail_at = is_read ? 0 : at;
                const int status = is_paged ? world_paged_open(&h, 1 << 14, &allocator, &paged, NULL)
                                            : host_open(&h, &m, &index, NULL);
                const int ended = is_read ? h.requests >= at : m.calls >= at;
                CHECK_INT(status, !ended ? DISKANN_OK : is_read ? DISKANN_ERR_IO : DISKANN_ERR_NO_MEMORY);
                ends[is_read] |= !ended;
                m.fail_at = 0;
                diskann_index_destroy(index);
                diskann_paged_destroy(paged);
                CHECK_UINT(m.live, 0);
            }
        }
    }
    free(file.file);
}

/* -- damage -- */

static forge forge_of(const host *file)
{
    forge f = {.bytes = file->file, .file_bytes = file->file_bytes};
    f.page_bytes = (uint32_t)forge_get(file->file + FORGE_PAGE_BYTES, 4);
    f.pages = forge_get(file->file + FORGE_PAGES, 8);
    return f;
}

static void check_corrupt(host *file, uint32_t kind, uint64_t page)
{
    diskann_failure failure = {0};
    diskann_index *index;
    diskann_paged *paged;
    meter m = {0};
    CHECK_INT(host_open(file, &m, &index, &failure), DISKANN_ERR_CORRUPT);
    CHECK(failure.detail == kind && failure.page == (int64_t)page);
    CHECK_UINT(m.live, 0);
    CHECK_INT(world_paged_open(file, 1 << 14, NULL, &paged, &failure), DISKANN_ERR_CORRUPT);
    CHECK(failure.detail == kind && failure.page == (int64_t)page);
}

static void every_damaged_byte_of_a_page_of_codes_is_found(void)
{
    host file = small_file();
    const forge f = forge_of(&file);
    const uint64_t begin = 4096 + f.pages * f.page_bytes;
    REQUIRE(file.file_bytes > begin);
    for (uint64_t at = begin; at < file.file_bytes; at += check_is_light() ? 37 : 1) {
        file.file[at] ^= (uint8_t)(1 + at % 255);
        check_corrupt(&file, DISKANN_FINDING_CHECKSUM, (at - 4096) / f.page_bytes);
        file.file[at] ^= (uint8_t)(1 + at % 255);
    }
    /* two pages are damaged: the first is told, which a node page is */
    file.file[begin + 100] ^= 1;
    file.file[4096 + 100] ^= 1;
    diskann_failure failure = {0};
    diskann_index *index;
    meter m = {0};
    CHECK_INT(host_open(&file, &m, &index, &failure), DISKANN_ERR_CORRUPT);
    CHECK_INT(failure.page, 0);
    free(file.file);
}

static void forged_pages_of_codes_are_found(void)
{
    host file = small_file();
    const forge f = forge_of(&file);
    const uint64_t centre = 256 * DIMENSIONS * 4, codes = 257 * DIMENSIONS * 4, payload = f.page_bytes - 16;
    static const float unsound[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 6; i++) { /* a centroid, the centre */
        const uint64_t offset = i % 2 == 0 ? 4 * i : centre + 4 * i, page = f.pages + offset / payload;
        uint8_t *at = forge_page(&f, page) + 16 + offset % payload;
        const uint32_t before = (uint32_t)forge_get(at, 4);
        forge_put_f32(at, unsound[i / 2]);
        forge_seal_page(&f, page);
        check_corrupt(&file, DISKANN_FINDING_CODES, f.pages);
        forge_put(at, before, 4);
        forge_seal_page(&f, page);
    }
    /* another code, by one of its bytes */
    const uint64_t slot = 77, offset = codes + slot * CODE_BYTES + 1, page = f.pages + offset / payload;
    uint8_t *at = forge_page(&f, page) + 16 + offset % payload;
    diskann_index *index;
    diskann_finding found = {0};
    meter m = {0};
    *at ^= 1;
    forge_seal_page(&f, page);
    CHECK_INT(host_open(&file, &m, &index, NULL), DISKANN_OK);
    CHECK_UINT(world_findings(index, &found), 1);
    CHECK(found.kind == DISKANN_FINDING_CODES && found.slot == slot);
    diskann_index_destroy(index);
    /* what follows the last code is zero, and the number of a page goes on */
    const uint64_t last = file.file_bytes - 1;
    file.file[last] = 1;
    forge_seal_page(&f, (last - 4096) / f.page_bytes);
    check_corrupt(&file, DISKANN_FINDING_PAGE_HEADER, (last - 4096) / f.page_bytes);
    file.file[last] = 0;
    forge_put(forge_page(&f, f.pages) + 8, 0, 8);
    forge_seal_page(&f, f.pages);
    check_corrupt(&file, DISKANN_FINDING_PAGE_HEADER, f.pages);
    free(file.file);
}

static void fields_of_the_superblock_are_checked(void)
{
    static const struct {
        uint32_t at, value;
    } changes[] = {{112, 0}, {112, DIMENSIONS + 1}, {116, 1}, {120, 0}, {120, 9}, {124, 1}, {128, 1}, {108, 0}, {108, 3}};
    host file = small_file();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        diskann_failure failure = {0};
        diskann_index *index;
        meter m = {0};
        const uint64_t before = forge_get(file.file + changes[i].at, 4);
        forge_put(file.file + changes[i].at, changes[i].value, 4);
        forge_seal_superblock(file.file);
        CHECK_INT(host_open(&file, &m, &index, &failure), DISKANN_ERR_CORRUPT);
        CHECK_UINT(failure.detail, DISKANN_FINDING_SUPERBLOCK);
        forge_put(file.file + changes[i].at, before, 4);
    }
    free(file.file);
}

/* -- sections -- */

static uint32_t plain_crc(uint32_t crc, const void *data, size_t bytes)
{
    return forge_crc(crc, data, bytes);
}

static void a_section_is_its_parts_end_to_end(void)
{
    enum { PAGE = 48, PAYLOAD = PAGE - 16, BYTES = 1 + 40 + 2 * PAYLOAD, PAGES_MAX = 8 };
    static uint8_t all[BYTES], back[BYTES], pages[PAGES_MAX][PAGE];
    const record_layout layout = {.page_bytes = PAGE};
    for (uint32_t bytes = 0; bytes <= BYTES; bytes++) {
        const uint64_t ends[] = {bytes > 1, bytes < 41 ? bytes : 41, bytes};
        section s = {.layout = &layout, .crc32c = plain_crc, .first_page = 5, .part_count = 3};
        uint64_t begin = 0;
        for (uint32_t i = 0; i < BYTES; i++) {
            all[i] = (uint8_t)(i + bytes + 1);
        }
        for (uint32_t i = 0; i < 3; i++) {
            s.parts[i] = (section_part){all + begin, ends[i] - begin};
            begin = ends[i];
        }
        CHECK_UINT(section_bytes(&s), bytes);
        const uint64_t count = section_pages(&layout, bytes);
        CHECK_UINT(count, (bytes + PAYLOAD - 1) / PAYLOAD);
        memset(pages, 0xa5, sizeof pages);
        memset(back, 0, sizeof back);
        for (uint64_t i = 0; i < count; i++) {
            section_fill(&s, i, pages[i]);
            CHECK_UINT(forge_get(pages[i] + 8, 8), 5 + i);
            const uint64_t here = bytes - i * PAYLOAD < PAYLOAD ? bytes - i * PAYLOAD : PAYLOAD;
            CHECK_BYTES(pages[i] + 16, all + i * PAYLOAD, here);
            CHECK(here == PAYLOAD || pages[i][PAGE - 1] == 0);
        }
        for (uint32_t i = 0; i < 3; i++) {
            s.parts[i].bytes = back + ((uint8_t *)s.parts[i].bytes - all);
        }
        for (uint64_t i = count; i-- > 0;) {
            CHECK_UINT(section_take(&s, i, pages[i]), DISKANN_FINDING_NONE);
            pages[i][20] ^= 1;
            CHECK_UINT(section_take(&s, i, pages[i]), DISKANN_FINDING_CHECKSUM);
        }
        CHECK_BYTES(back, all, bytes);
    }
}

CHECK_MAIN(CHECK_TEST(an_index_begins_with_a_build), CHECK_TEST(a_build_can_be_cancelled_at_every_stage),
           CHECK_TEST(an_insert_can_be_cancelled_at_every_stage), CHECK_TEST(every_failed_allocation_is_told),
           CHECK_TEST(opening_survives_failed_allocations_and_reads),
           CHECK_TEST(every_damaged_byte_of_a_page_of_codes_is_found), CHECK_TEST(forged_pages_of_codes_are_found),
           CHECK_TEST(fields_of_the_superblock_are_checked), CHECK_TEST(a_section_is_its_parts_end_to_end))
