/*
 * Codes of neighbours in the records: those of the list whatever became of it, the same bytes however they came about, and what
 * is wrong with them is found.
 */
#include "../../csrc/op/index.h"
#include "check.h"
#include "forge.h"
#include "host.h"

enum { DIMENSIONS = 70, ROWS = 700 };

/* -- indexes -- */

static diskann_config config_of(uint32_t type, uint32_t metric, uint32_t codes)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.data_type = type;
    config.metric = metric;
    config.codes = codes;
    config.max_degree = 14; /* a group that is not full */
    config.build_list_size = 30;
    return config;
}

static diskann_index *create(const diskann_config *config, meter *m)
{
    const diskann_allocator allocator = meter_allocator(m);
    diskann_index *index = NULL;
    REQUIRE(diskann_index_create(config, &allocator, &index) == DISKANN_OK);
    return index;
}

/* Integers that every type holds; a few rows of zeros, a few that are there twice. */
static float *make_rows(uint64_t seed)
{
    float *rows = malloc(ROWS * DIMENSIONS * sizeof *rows);
    random_state random = {seed};
    REQUIRE(rows != NULL);
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t d = 0; d < DIMENSIONS; d++) {
            const float value = (float)(random_next(&random) >> 57);
            rows[i * DIMENSIONS + d] = i % 50 == 7 ? 0 : i % 40 == 9 ? rows[d] : value;
        }
    }
    return rows;
}

static int put(diskann_index *index, int is_build, const float *rows, uint64_t count, host *h)
{
    diskann_op *op;
    const uint32_t workers = h->workers > 0 ? h->workers : 1;
    int status = is_build ? diskann_build_begin(index, workers, &op) : diskann_insert_begin(index, workers, &op);
    if (status == DISKANN_OK) {
        status = diskann_op_rows(op, rows, DISKANN_F32, NULL, count);
        status = status < 0 ? status : host_drive(h, op);
        diskann_op_end(op);
    }
    return status;
}

/* How much verify finds; `first` may be NULL. */
static uint64_t findings_of(const diskann_index *index, diskann_finding *first)
{
    diskann_op *op;
    uint64_t total = 1;
    uint32_t shown;
    host h = {.workers = 3, .shuffle = 5};
    REQUIRE(diskann_verify_begin(index, 3, &op) == DISKANN_OK);
    CHECK_INT(host_drive(&h, op), DISKANN_OK);
    const diskann_finding *findings = diskann_verify_findings(op, &shown, &total);
    if (first != NULL && shown > 0) {
        *first = findings[0];
    }
    diskann_op_end(op);
    return total;
}

static host saved(diskann_index *index)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    host h = {.file = calloc(1, stats.file_bytes), .file_bytes = stats.file_bytes, .workers = 2};
    REQUIRE(h.file != NULL && host_save(&h, index) == DISKANN_OK);
    return h;
}

/* -- what they are of -- */

/* The same graph as with 8-bit codes, which the build used; beside each list its codes. */
static void the_graph_is_that_of_8_bit_codes(void)
{
    float *rows = make_rows(1);
    for (uint32_t metric = DISKANN_L2; metric <= DISKANN_IP; metric++) {
        const diskann_config coded = config_of(DISKANN_F32, metric, DISKANN_CODES_1BIT);
        const diskann_config plain = config_of(DISKANN_F32, metric, DISKANN_CODES_8BIT);
        meter m = {0};
        host h = {0};
        diskann_index *a = create(&coded, &m), *b = create(&plain, &m);
        CHECK_INT(put(a, 1, rows, ROWS, &h), DISKANN_OK);
        CHECK_INT(put(b, 1, rows, ROWS, &h), DISKANN_OK);
        const uint32_t bytes = b->records.layout.record_bytes;
        CHECK_UINT(a->records.layout.codes_offset, bytes);
        for (uint32_t slot = 0; slot < ROWS; slot++) {
            CHECK_BYTES(record_at(&a->records, slot), record_at(&b->records, slot), bytes);
        }
        CHECK_UINT(findings_of(a, NULL), 0);
        diskann_stats stats;
        diskann_index_stats(a, &stats);
        CHECK_UINT(stats.config.codes, DISKANN_CODES_1BIT);
        CHECK_UINT(stats.memory_codes, 0); /* those of the build are gone */
        CHECK(a->space.codes == NULL);
        diskann_index_destroy(a);
        diskann_index_destroy(b);
        CHECK_UINT(m.live, 0);
    }
    free(rows);
}

/* Small clusters, far apart: 8-bit codes of a build mislead, and were nobody's wish. */
static void codes_that_mislead_a_build_are_dropped(void)
{
    enum { COUNT = 4000 };
    float *rows = malloc((size_t)COUNT * DIMENSIONS * sizeof *rows);
    uint64_t work[2];
    random_state random = {4};
    REQUIRE(rows != NULL);
    for (uint32_t i = 0; i < COUNT * DIMENSIONS; i++) {
        random_state centre = {i / DIMENSIONS % 16 * DIMENSIONS + i % DIMENSIONS};
        rows[i] = 0.4f * (float)random_below(&centre, 1000) + 0.0002f * (float)random_below(&random, 1000);
    }
    for (uint32_t coded = 0; coded < 2; coded++) {
        diskann_config config = config_of(DISKANN_F32, DISKANN_L2, coded ? DISKANN_CODES_1BIT : DISKANN_CODES_AUTO);
        config.build_list_size = 100;
        meter m = {0};
        host h = {0};
        diskann_index *index = create(&config, &m);
        diskann_op *op;
        REQUIRE(diskann_build_begin(index, 1, &op) == DISKANN_OK);
        REQUIRE(diskann_op_rows(op, rows, DISKANN_F32, NULL, COUNT) == DISKANN_OK);
        CHECK_INT(host_drive(&h, op), DISKANN_OK);
        work[coded] = diskann_op_distances(op);
        diskann_op_end(op);
        CHECK_UINT(index->config.codes, coded ? DISKANN_CODES_1BIT : DISKANN_CODES_NONE);
        CHECK_UINT(findings_of(index, NULL), 0);
        diskann_index_destroy(index);
    }
    CHECK_UINT(work[0], work[1]);
    free(rows);
}

/* Built, grown by many rows, by few, by one, and by what was cancelled half way: verify makes all codes anew. */
static void codes_follow_their_lists(void)
{
    float *rows = make_rows(2);
    for (uint32_t i = 0; i < DISKANN_DATA_TYPE_COUNT * 3; i += check_is_light() ? 3 : 1) { /* each of both still comes */
        const diskann_config config = config_of(i % DISKANN_DATA_TYPE_COUNT, i / DISKANN_DATA_TYPE_COUNT, DISKANN_CODES_1BIT);
        meter m = {0};
        host h = {.workers = 3, .shuffle = i};
        diskann_index *index = create(&config, &m);
        CHECK_INT(put(index, i % 2, rows, 250, &h), DISKANN_OK);
        CHECK_UINT(findings_of(index, NULL), 0);
        CHECK_INT(put(index, 0, rows + 250 * DIMENSIONS, 150, &h), DISKANN_OK);
        CHECK_UINT(findings_of(index, NULL), 0);
        for (uint32_t row = 400; row < 500; row++) {
            CHECK_INT(put(index, 0, rows + row * DIMENSIONS, 1, &h), DISKANN_OK);
        }
        CHECK_UINT(findings_of(index, NULL), 0);
        for (uint64_t at = 1; at < 60 && index->size < 650; at += 4) {
            host cancelling = {.workers = 2, .shuffle = at, .cancel_at = at};
            const int status = put(index, 0, rows + index->size * DIMENSIONS, 50, &cancelling);
            CHECK(status == DISKANN_ERR_CANCELLED || status == DISKANN_OK);
            CHECK_UINT(findings_of(index, NULL), 0);
        }
        CHECK(index->size > 500);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    free(rows);
}

/* -- the same bytes -- */

static void the_bytes_do_not_depend_on_workers(void)
{
    float *rows = make_rows(3);
    for (uint32_t metric = DISKANN_L2; metric <= DISKANN_IP; metric++) {
        const diskann_config config = config_of(metric == DISKANN_L2 ? DISKANN_U8 : DISKANN_F32, metric, DISKANN_CODES_1BIT);
        host first = {0};
        for (uint32_t workers = 1; workers <= 4; workers += check_is_light() ? 3 : 1) {
            meter m = {0};
            host h = {.workers = workers, .shuffle = workers - 1};
            diskann_index *index = create(&config, &m);
            CHECK_INT(put(index, 1, rows, 500, &h), DISKANN_OK);
            CHECK_INT(put(index, 0, rows + 500 * DIMENSIONS, ROWS - 500, &h), DISKANN_OK);
            host out = saved(index);
            if (workers == 1) {
                first = out;
            } else {
                REQUIRE(out.file_bytes == first.file_bytes);
                CHECK_BYTES(out.file, first.file, out.file_bytes);
                free(out.file);
            }
            diskann_index_destroy(index);
            CHECK_UINT(m.live, 0);
        }
        free(first.file);
    }
    free(rows);
}

/* A build that was cancelled leaves nothing behind: the next one is as if it were the first. */
static void a_cancelled_build_leaves_nothing(void)
{
    float *rows = make_rows(4);
    const diskann_config config = config_of(DISKANN_F32, DISKANN_COSINE, DISKANN_CODES_1BIT);
    meter m = {0};
    host whole = {0};
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 1, rows, 300, &whole), DISKANN_OK);
    host wanted = saved(index);
    diskann_index_destroy(index);
    for (uint64_t at = 1; at <= whole.stages; at += at + 9 < whole.stages ? 1 + at / (check_is_light() ? 2 : 8) : 1) {
        host cancelling = {.cancel_at = at}, h = {0};
        index = create(&config, &m);
        CHECK_INT(put(index, 1, rows + 300 * DIMENSIONS, 300, &cancelling), DISKANN_ERR_CANCELLED);
        CHECK_UINT(index->size, 0);
        CHECK(code_store_bytes(&index->codes) == 0 && index->space.codes == NULL);
        CHECK_INT(put(index, 1, rows, 300, &h), DISKANN_OK);
        forge_put((uint8_t *)&index->next_id, 300, 8); /* the ids of the cancelled rows are not given again */
        host out = saved(index);
        REQUIRE(out.file_bytes == wanted.file_bytes);
        CHECK_BYTES(out.file, wanted.file, out.file_bytes);
        free(out.file);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    free(wanted.file);
    free(rows);
}

static void a_saved_index_opens_as_it_was(void)
{
    float *rows = make_rows(5);
    for (uint32_t i = 0; i < DISKANN_DATA_TYPE_COUNT * 3; i += check_is_light() ? 3 : 1) { /* each of both still comes */
        const diskann_config config = config_of(i % DISKANN_DATA_TYPE_COUNT, i / DISKANN_DATA_TYPE_COUNT, DISKANN_CODES_1BIT);
        meter m = {0};
        host h = {.workers = 2};
        diskann_index *index = create(&config, &m), *again;
        CHECK_INT(put(index, i % 2, rows, 400, &h), DISKANN_OK);
        host file = saved(index);
        REQUIRE(host_open(&file, &m, &again, NULL) == DISKANN_OK);
        CHECK_UINT(findings_of(again, NULL), 0);
        CHECK_INT(put(index, 0, rows + 400 * DIMENSIONS, 100, &h), DISKANN_OK);
        CHECK_INT(put(again, 0, rows + 400 * DIMENSIONS, 100, &h), DISKANN_OK);
        host a = saved(index), b = saved(again);
        REQUIRE(a.file_bytes == b.file_bytes);
        CHECK_BYTES(a.file, b.file, a.file_bytes);
        diskann_index_destroy(index);
        diskann_index_destroy(again);
        CHECK_UINT(m.live, 0);
        free(file.file);
        free(a.file);
        free(b.file);
    }
    free(rows);
}

/* -- damage -- */

/* A file that holds an index, as forge.h knows files. */
static forge forge_of(host *file)
{
    const uint8_t *b = file->file;
    forge f = {.dimensions = (uint32_t)forge_get(b + FORGE_DIMENSIONS, 4), .codes = (uint32_t)forge_get(b + FORGE_CODES, 4)};
    f.metric = (uint32_t)forge_get(b + FORGE_METRIC, 4);
    f.data_type = (uint32_t)forge_get(b + FORGE_DATA_TYPE, 4);
    f.max_degree = (uint32_t)forge_get(b + FORGE_MAX_DEGREE, 4);
    f.size = forge_get(b + FORGE_SIZE, 8);
    f.bytes = file->file;
    forge_shape(&f);
    CHECK_UINT(f.record_bytes, forge_get(b + FORGE_RECORD_BYTES, 4));
    CHECK_UINT(f.page_bytes, forge_get(b + FORGE_PAGE_BYTES, 4));
    CHECK_UINT(f.file_bytes, file->file_bytes);
    return f;
}

/*
 * Writes a word into the codes of a record, opens the file and puts the word back. Where it opens, `finding` is the first of
 * verify, and there is one.
 */
static int spoil(forge *f, uint32_t slot, uint64_t at, uint64_t value, int width, diskann_failure *failure,
                 diskann_finding *finding)
{
    meter m = {0};
    host h = {.file = f->bytes, .file_bytes = f->file_bytes};
    diskann_index *index;
    uint8_t *place = forge_codes(f, slot) + at;
    const uint64_t before = forge_get(place, width);
    CHECK(before != value);
    forge_put(place, value, width);
    forge_seal_page(f, slot / f->records_per_page);
    const int status = host_open(&h, &m, &index, failure);
    if (status == DISKANN_OK) {
        CHECK_UINT(findings_of(index, finding), 1);
    }
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    forge_put(place, before, width);
    forge_seal_page(f, slot / f->records_per_page);
    return status;
}

/* max_degree 14: a group of 512 bytes of bits (128 elements), 16 offsets, 16 scales. */
enum { BITS_BYTES = 512, OFFSETS = BITS_BYTES, SCALES = OFFSETS + 4 * 16 };

static void check_unsound(forge *f, uint32_t slot, uint64_t at, uint64_t value, int width)
{
    diskann_failure failure = {0};
    CHECK_INT(spoil(f, slot, at, value, width, &failure, NULL), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_CODES);
    CHECK_INT(failure.page, slot / f->records_per_page);
}

static void check_wrong(forge *f, uint32_t slot, uint64_t at, uint64_t value, int width)
{
    diskann_finding finding = {0};
    CHECK_INT(spoil(f, slot, at, value, width, NULL, &finding), DISKANN_OK);
    CHECK_UINT(finding.kind, DISKANN_FINDING_CODES);
    CHECK_UINT(finding.slot, slot);
}

static void spoiled_codes_are_found(void)
{
    float *rows = make_rows(6);
    const diskann_config config = config_of(DISKANN_F32, DISKANN_L2, DISKANN_CODES_1BIT);
    meter m = {0};
    host h = {0};
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 1, rows, 100, &h), DISKANN_OK);
    host file = saved(index);
    diskann_index_destroy(index);
    forge f = forge_of(&file);
    CHECK_UINT(forge_codes_bytes(&f), SCALES + 4 * 16);
    for (uint32_t slot = 0; slot < 100; slot += 13) {
        const uint32_t degree = (uint32_t)forge_get(forge_degree(&f, slot), 2), last = degree - 1;
        const uint8_t *codes = forge_codes(&f, slot);
        REQUIRE(degree > 0 && degree <= 14);
        /* well-formed, but not those of the neighbours */
        check_wrong(&f, slot, 16 * (slot % 32) + last, codes[16 * (slot % 32) + last] ^ 1, 1);
        check_wrong(&f, slot, OFFSETS + 4 * last, 0x3f800000, 4);
        check_wrong(&f, slot, SCALES, 0xff7fffff, 4); /* -FLT_MAX */
        /* not a number, infinite */
        check_unsound(&f, slot, OFFSETS, 0x7fc00000, 4);
        check_unsound(&f, slot, OFFSETS + 4 * last, 0xff800000, 4);
        check_unsound(&f, slot, SCALES, 0xffc00000, 4);
        check_unsound(&f, slot, SCALES + 4 * last, 0x7f800000, 4);
        /* places that nobody uses: 14 and 15 have factors, 16 to 31 have bits */
        check_unsound(&f, slot, OFFSETS + 4 * 14, 1, 4);
        check_unsound(&f, slot, SCALES + 4 * 15, 0x80000000, 4);
        check_unsound(&f, slot, 16 * 31 + 15, 1, 1);
        check_unsound(&f, slot, 0, codes[0] | 0x10, 1);
        check_unsound(&f, slot, 16 * 5 + 13, codes[16 * 5 + 13] | 0x80, 1);
        if (degree < 14) {
            check_unsound(&f, slot, OFFSETS + 4 * degree, 0x3f800000, 4);
            check_unsound(&f, slot, SCALES + 4 * degree, 0x3f800000, 4);
            check_unsound(&f, slot, 16 * 7 + degree, 8, 1);
        }
    }
    free(file.file);
    free(rows);
}

/* -- limits -- */

static void there_are_none_under_l1(void)
{
    diskann_index *index;
    for (uint32_t i = 0; i < DISKANN_DATA_TYPE_COUNT * DISKANN_METRIC_COUNT; i++) {
        const diskann_config config = config_of(i % DISKANN_DATA_TYPE_COUNT, i / DISKANN_DATA_TYPE_COUNT, DISKANN_CODES_1BIT);
        const int status = diskann_index_create(&config, NULL, &index);
        CHECK_INT(status, i / DISKANN_DATA_TYPE_COUNT == DISKANN_L1 ? DISKANN_ERR_UNSUPPORTED : DISKANN_OK);
        if (status == DISKANN_OK) {
            CHECK_UINT(findings_of(index, NULL), 0);
            diskann_index_destroy(index);
        }
    }
}

/* With 8-bit codes for the time of a build; of the sweep of an insert see test_insert.c. */
static void whole_after_any_failed_allocation(void)
{
    float *rows = make_rows(7);
    int status = DISKANN_ERR_NO_MEMORY;
    uint64_t steps = 0;
    for (uint64_t at = 1; status == DISKANN_ERR_NO_MEMORY; at++) {
        const diskann_config config = config_of(DISKANN_F32, DISKANN_L2, DISKANN_CODES_1BIT);
        meter m = {.fail_at = at};
        const diskann_allocator allocator = meter_allocator(&m);
        host h = {.workers = 2, .shuffle = 1};
        diskann_index *index, *opened;
        host file = {0};
        status = diskann_index_create(&config, &allocator, &index);
        if (status == DISKANN_OK) {
            status = put(index, 1, rows, 100, &h);
            CHECK(status == DISKANN_OK || (index->size == 0 && index->space.codes == NULL));
            if (status == DISKANN_OK) {
                m.fail_at = 0;
                file = saved(index);
            }
            diskann_index_destroy(index);
        }
        CHECK_UINT(m.live, 0);
        for (int opening = DISKANN_ERR_NO_MEMORY; file.file != NULL && opening == DISKANN_ERR_NO_MEMORY; steps++) {
            m = (meter){.fail_at = steps + 1};
            opening = host_open(&file, &m, &opened, NULL);
            CHECK(opening == DISKANN_OK || (opening == DISKANN_ERR_NO_MEMORY && opened == NULL));
            diskann_index_destroy(opened);
            CHECK_UINT(m.live, 0);
        }
        free(file.file);
    }
    CHECK_INT(status, DISKANN_OK);
    CHECK(steps > 9); /* the operation, workers, the index, rotation, origin (twice), two for the walk, records, ids */
    free(rows);
}

static void verify_survives_every_failed_allocation(void)
{
    float *rows = make_rows(8);
    const diskann_config config = config_of(DISKANN_I8, DISKANN_IP, DISKANN_CODES_1BIT);
    meter m = {0};
    host h = {0};
    diskann_index *index = create(&config, &m);
    CHECK_INT(put(index, 0, rows, 60, &h), DISKANN_OK);
    const uint64_t held = m.live;
    uint64_t after = 1;
    for (int status = DISKANN_ERR_NO_MEMORY; status == DISKANN_ERR_NO_MEMORY; after++) {
        diskann_op *op;
        m.fail_at = m.calls + after;
        status = diskann_verify_begin(index, 2, &op);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        if (status == DISKANN_OK) {
            CHECK_INT(diskann_op_finish(op), DISKANN_OK);
            diskann_op_end(op);
        }
        CHECK_UINT(m.live, held);
    }
    CHECK(after > 12); /* six of the operation, six of two coders */
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    free(rows);
}

CHECK_MAIN(CHECK_TEST(the_graph_is_that_of_8_bit_codes), CHECK_TEST(codes_that_mislead_a_build_are_dropped),
           CHECK_TEST(codes_follow_their_lists), CHECK_TEST(the_bytes_do_not_depend_on_workers),
           CHECK_TEST(a_cancelled_build_leaves_nothing), CHECK_TEST(a_saved_index_opens_as_it_was),
           CHECK_TEST(spoiled_codes_are_found), CHECK_TEST(there_are_none_under_l1),
           CHECK_TEST(whole_after_any_failed_allocation), CHECK_TEST(verify_survives_every_failed_allocation))
