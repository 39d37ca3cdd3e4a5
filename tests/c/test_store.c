/* Files: what is written, what is read back, and that nothing damaged or hostile is taken for an index. */
#include "../../csrc/simd/simd.h"
#include "../../csrc/store/page.h"
#include "check.h"
#include "forge.h"
#include "host.h"

#include <float.h>

/* -- helpers -- */

static host host_of(forge *f)
{
    return (host){.file = f->bytes, .file_bytes = f->file_bytes, .workers = 3};
}

/* Opens and, if that works, throws the index away. All memory must be back. */
static int open_status(host *h, diskann_failure *failure)
{
    meter m = {0};
    diskann_index *index;
    const int status = host_open(h, &m, &index, failure);
    CHECK((status == DISKANN_OK) == (index != NULL));
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    return status;
}

static int forge_status(forge *f, diskann_failure *failure)
{
    host h = host_of(f);
    return open_status(&h, failure);
}

typedef struct shape {
    uint32_t metric, dimensions, max_degree;
    uint64_t size;
} shape;

/* Empty, one record, odd dimensions, a full and an overfull page, records larger than a page. */
static const shape shapes[] = {
    {DISKANN_L2, 2, 4, 0},      {DISKANN_L2, 2, 4, 1},         {DISKANN_COSINE, 3, 5, 2},
    {DISKANN_IP, 7, 9, 40},     {DISKANN_L1, 1, 4, 85},        {DISKANN_L2, 1, 4, 86},
    {DISKANN_L2, 128, 32, 300}, {DISKANN_COSINE, 384, 32, 70}, {DISKANN_L2, 1100, 512, 9},
    {DISKANN_L2, 20000, 32, 30},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* -- round trips -- */

static void a_forged_file_opens_and_saves_as_the_same_bytes(void)
{
    for (int i = 0; i < SHAPES; i++) {
        forge f = forge_make(shapes[i].metric, shapes[i].dimensions, shapes[i].max_degree, shapes[i].size);
        host h = host_of(&f);
        meter m = {0};
        diskann_index *index;
        CHECK_INT(host_open(&h, &m, &index, NULL), DISKANN_OK);
        REQUIRE(index != NULL);
        CHECK_UINT(diskann_index_size(index), f.size);
        CHECK_INT(diskann_index_has(index, 1000), f.size > 0);
        CHECK_INT(diskann_index_has(index, 1001), 0);
        host out = {.file = calloc(1, f.file_bytes), .file_bytes = f.file_bytes, .workers = 2, .shuffle = 9};
        out.written = calloc(1, f.file_bytes);
        CHECK_INT(host_save(&out, index), DISKANN_OK);
        CHECK_BYTES(out.file, f.bytes, f.file_bytes);
        CHECK(out.written[0] == 1 && memcmp(out.written, out.written + 1, f.file_bytes - 1) == 0);
        CHECK_UINT(out.syncs, 1);
        CHECK(!out.after_sync && !out.out_of_bounds);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
        free(out.file);
        free(out.written);
        forge_free(&f);
    }
}

/* Vectors of a seed, any values that a float has in [-1, 1). */
static float *random_rows(uint64_t seed, uint64_t rows, uint32_t dimensions)
{
    random_state random = {seed};
    float *out = malloc(rows * dimensions * sizeof *out);
    for (uint64_t i = 0; i < rows * dimensions; i++) {
        out[i] = (float)(random_next(&random) >> 40) / 8388608.0f - 1.0f;
    }
    return out;
}

static diskann_index *built(meter *m, const diskann_config *config, const float *rows, const uint64_t *ids,
                            uint64_t count)
{
    const diskann_allocator allocator = meter_allocator(m);
    diskann_index *index = NULL;
    diskann_op *op = NULL;
    REQUIRE(diskann_index_create(config, &allocator, &index) == DISKANN_OK);
    REQUIRE(diskann_build_begin(index, 2, &op) == DISKANN_OK);
    REQUIRE(diskann_op_rows(op, rows, DISKANN_F32, ids, count) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    return index;
}

/* A saved file read by the documented offsets: each vector is there once, checksums and sums are right. */
static void check_saved_file(const uint8_t *file, const diskann_config *config, const float *rows,
                             uint64_t count)
{
    forge f = {.dimensions = config->dimensions, .max_degree = config->max_degree, .size = count};
    forge_shape(&f);
    f.bytes = (uint8_t *)file;
    uint8_t *seen = calloc(1, count);
    uint64_t children = 0;
    CHECK_UINT(forge_get(file + FORGE_FILE_BYTES, 8), f.file_bytes);
    CHECK_UINT(forge_get(file + FORGE_PAGES, 8), f.pages);
    CHECK_UINT(forge_get(file + FORGE_RECORD_BYTES, 4), f.record_bytes);
    CHECK_UINT(forge_get(file + FORGE_RECORDS_PER_PAGE, 4), f.records_per_page);
    CHECK_UINT(forge_get(file + FORGE_PAGE_BYTES, 4), f.page_bytes);
    CHECK_UINT(forge_get(file + FORGE_SIZE, 8), count);
    CHECK_UINT(forge_get(file + FORGE_NEXT_ID, 8), 2 * count - 1);
    CHECK_UINT(forge_get(file + FORGE_SEED, 8), config->seed);
    CHECK_UINT(forge_get(file + FORGE_MAX_DEGREE, 4), config->max_degree);
    CHECK_UINT(forge_get(file + FORGE_METRIC, 4), config->metric);
    CHECK(forge_get(file + FORGE_ENTRY, 4) < count);
    for (uint64_t page = 0; page < f.pages; page++) {
        const uint8_t *at = forge_page(&f, page);
        CHECK_UINT(forge_get(at, 4), forge_crc(0, at + 4, f.page_bytes - 4));
        CHECK_UINT(forge_get(at + 4, 4), 0);
        CHECK_UINT(forge_get(at + 8, 8), page);
    }
    for (uint64_t slot = 0; slot < count; slot++) {
        const uint64_t row = forge_get(forge_id(&f, slot), 8) / 2; /* ids are 2 * row */
        REQUIRE(row < count);
        CHECK_BYTES(forge_record(&f, slot), rows + row * f.dimensions, 4 * (size_t)f.dimensions);
        CHECK_UINT(seen[row]++, 0);
        children += forge_get(forge_children(&f, slot), 2);
        CHECK(forge_get(forge_degree(&f, slot), 2) <= f.max_degree);
    }
    CHECK_UINT(children, count - 1);
    free(seen);
}

static void a_built_index_is_saved_as_the_format_says(void)
{
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        enum { ROWS = 200, DIMENSIONS = 19 };
        float *rows = random_rows(metric + 1, ROWS, DIMENSIONS);
        uint64_t ids[ROWS];
        for (uint64_t i = 0; i < ROWS; i++) {
            ids[i] = 2 * i;
        }
        diskann_config config;
        diskann_config_init(&config, DIMENSIONS);
        config.metric = metric;
        config.max_degree = 8;
        config.seed = 77;
        meter m = {0};
        diskann_stats stats;
        diskann_index *index = built(&m, &config, rows, ids, ROWS);
        diskann_index_stats(index, &stats);
        host h = {.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes};
        CHECK_INT(host_save(&h, index), DISKANN_OK);
        check_saved_file(h.file, &config, rows, ROWS);
        /* what is opened is equal: it writes the same bytes */
        diskann_index *again;
        host h2 = h;
        CHECK_INT(host_open(&h, &m, &again, NULL), DISKANN_OK);
        h2.file = malloc(stats.file_bytes);
        CHECK_INT(host_save(&h2, again), DISKANN_OK);
        CHECK_BYTES(h2.file, h.file, stats.file_bytes);
        diskann_index_destroy(index);
        diskann_index_destroy(again);
        CHECK_UINT(m.live, 0);
        free(h.file);
        free(h2.file);
        free(rows);
    }
}

/* -- damage -- */

/* Of the pages, each byte goes through the check that open makes, and some through all of open, which is slow. */
static void every_flipped_byte_is_found(void)
{
    enum { SOME = 67 };
    forge f = forge_make(DISKANN_COSINE, 13, 8, 50); /* superblock and two pages */
    page_crc32c *crc32c = simd_kernels_get(DISKANN_SIMD_AUTO)->crc32c;
    const record_layout layout = {.page_bytes = f.page_bytes, .record_bytes = f.record_bytes};
    random_state random = {3};
    CHECK_UINT(f.pages, 2);
    for (uint64_t at = 0; at < f.file_bytes; at++) {
        const uint64_t page = at < 4096 ? 0 : (at - 4096) / f.page_bytes;
        const uint8_t flip = (uint8_t)(1 + random_below(&random, 255));
        diskann_failure failure;
        f.bytes[at] ^= flip;
        if (at < 4096 || at % SOME == 0) {
            CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_CORRUPT);
            CHECK_UINT(failure.detail, at < 4096 ? DISKANN_FINDING_SUPERBLOCK : DISKANN_FINDING_CHECKSUM);
            CHECK_INT(failure.page, at < 4096 ? DISKANN_NOWHERE : (int64_t)page);
        } else {
            const uint32_t records = page == 0 ? f.records_per_page : 50 - f.records_per_page;
            CHECK_UINT(page_check(crc32c, &layout, forge_page(&f, page), page, page_used(&layout, records), 1),
                       DISKANN_FINDING_CHECKSUM);
        }
        f.bytes[at] ^= flip;
    }
    CHECK_INT(forge_status(&f, NULL), DISKANN_OK);
    forge_free(&f);
}

static void every_other_length_is_found(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    const uint64_t room = f.file_bytes + 2 * f.page_bytes;
    f.bytes = realloc(f.bytes, room);
    memset(f.bytes + f.file_bytes, 0, room - f.file_bytes);
    for (uint64_t length = 0; length <= room; length++) {
        host h = host_of(&f);
        diskann_failure failure;
        h.file_bytes = length;
        if (length != f.file_bytes) {
            CHECK_INT(open_status(&h, &failure), DISKANN_ERR_CORRUPT);
            CHECK_UINT(failure.detail, DISKANN_FINDING_FILE_BYTES);
            CHECK(!h.out_of_bounds);
        }
    }
    forge_free(&f);
}

/* -- hostile superblocks: the checksum is right, a field is not -- */

static void check_spoiled_field(uint32_t offset, uint64_t value, int bytes)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    diskann_failure failure;
    forge_put(f.bytes + offset, value, bytes);
    forge_seal_superblock(f.bytes);
    const int status = forge_status(&f, &failure);
    check_that(status == DISKANN_ERR_CORRUPT && failure.detail == DISKANN_FINDING_SUPERBLOCK, __FILE__,
               __LINE__, "field at %u = %" PRIu64 ": status %d, detail %u", offset, value, status,
               failure.detail);
    forge_free(&f);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void every_field_of_the_superblock_is_checked(void)
{
    static const uint64_t sizes[] = {0, 85, 200, 0x7ffffffe, 0x7fffffff, UINT32_MAX, UINT64_MAX, 1ull << 52};
    static const uint64_t words[] = {0, 1, 3, 513, 65536, 0x7fffffff, UINT32_MAX};
    static const uint32_t narrow[] = {FORGE_PAGE_BYTES, FORGE_RECORDS_PER_PAGE, FORGE_RECORD_BYTES,
                                      FORGE_DIMENSIONS, FORGE_MAX_DEGREE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_spoiled_field(FORGE_FILE_BYTES, sizes[i], 8);
        check_spoiled_field(FORGE_PAGES, sizes[i], 8);
        check_spoiled_field(FORGE_SIZE, sizes[i], 8);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t j = 0; j < sizeof narrow / sizeof narrow[0]; j++) {
            check_spoiled_field(narrow[j], words[i], 4);
        }
    }
    check_spoiled_field(FORGE_NEXT_ID, DISKANN_ID_MAX + 2, 8);
    check_spoiled_field(FORGE_NEXT_ID, UINT64_MAX, 8);
    check_spoiled_field(FORGE_METRIC, DISKANN_METRIC_COUNT, 4);
    check_spoiled_field(FORGE_METRIC, UINT32_MAX, 4);
    check_spoiled_field(FORGE_DATA_TYPE, DISKANN_DATA_TYPE_COUNT, 4);
    check_spoiled_field(FORGE_BUILD_LIST_SIZE, 0, 4);
    check_spoiled_field(FORGE_BUILD_LIST_SIZE, 65536, 4);
    check_spoiled_field(FORGE_ALPHA, bits_of(0.99f), 4);
    check_spoiled_field(FORGE_ALPHA, bits_of(2.01f), 4);
    check_spoiled_field(FORGE_ALPHA, 0x7fc00000, 4); /* NaN */
    check_spoiled_field(FORGE_ALPHA, 0x7f800000, 4); /* Infinity */
    check_spoiled_field(FORGE_NORM_MAX, bits_of(1.0f), 4); /* this metric has none */
    check_spoiled_field(FORGE_NORM_MAX, 0x80000000, 4);    /* -0 */
    check_spoiled_field(FORGE_ENTRY, 50, 4);
    check_spoiled_field(FORGE_ENTRY, UINT32_MAX, 4);
    check_spoiled_field(FORGE_CODES, DISKANN_CODES_AUTO, 4);
    check_spoiled_field(FORGE_CODES, DISKANN_CODES_1BIT, 4); /* records would be larger */
    check_spoiled_field(FORGE_CODES, DISKANN_CODES_COUNT, 4);
    check_spoiled_field(FORGE_CODES, DISKANN_CODES_PQ, 4); /* without bytes of a code */
    check_spoiled_field(FORGE_CODE_BYTES, 1, 4);           /* and with them, but of other codes */
    check_spoiled_field(FORGE_NAVIGATOR_SIZE, 1, 4);
    check_spoiled_field(FORGE_CODE_PAGES, 1, 8);
    for (uint32_t at = FORGE_REST; at < 4096; at += 4) {
        check_spoiled_field(at, 1u << at % 31, 4);
    }
}

static void the_norm_of_ip_is_checked(void)
{
    static const struct {
        uint32_t bits;
        int status;
    } cases[] = {
        {0, DISKANN_OK},
        {0x3f800000, DISKANN_OK},          /* 1 */
        {0x7effffff, DISKANN_ERR_CORRUPT}, /* above FLT_MAX / 4 */
        {0x7e7fffff, DISKANN_OK},          /* FLT_MAX / 4 */
        {0x7e800000, DISKANN_ERR_CORRUPT},
        {0x80000000, DISKANN_ERR_CORRUPT},
        {0xbf800000, DISKANN_ERR_CORRUPT},
        {0x7fc00000, DISKANN_ERR_CORRUPT},
        {0x7f800000, DISKANN_ERR_CORRUPT},
        {0xffc00000, DISKANN_ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forge f = forge_make(DISKANN_IP, 13, 8, 50);
        forge_put(f.bytes + FORGE_NORM_MAX, cases[i].bits, 4);
        forge_seal_superblock(f.bytes);
        CHECK_INT(forge_status(&f, NULL), cases[i].status);
        forge_free(&f);
    }
}

static void codes_are_for_some_metrics_and_types_only(void)
{
    for (uint32_t i = 0; i < DISKANN_METRIC_COUNT * DISKANN_DATA_TYPE_COUNT; i++) {
        const uint32_t metric = i % DISKANN_METRIC_COUNT, type = i / DISKANN_METRIC_COUNT;
        const int has_codes = metric != DISKANN_L1 && type != DISKANN_I8 && type != DISKANN_U8;
        forge f = forge_make_typed(type, metric, 13, 8, 50);
        forge_put(f.bytes + FORGE_CODES, DISKANN_CODES_8BIT, 4);
        forge_seal_superblock(f.bytes);
        CHECK_INT(forge_status(&f, NULL), has_codes ? DISKANN_OK : DISKANN_ERR_CORRUPT);
        forge_free(&f);
        f = forge_make_coded(DISKANN_CODES_1BIT, type, metric, 13, 8, 50);
        CHECK_INT(forge_status(&f, NULL), metric != DISKANN_L1 ? DISKANN_OK : DISKANN_ERR_CORRUPT);
        forge_free(&f);
    }
}

static void another_version_or_feature_is_named(void)
{
    for (int bit = 0; bit < 64; bit++) {
        forge f = forge_make(DISKANN_L2, 13, 8, 50);
        diskann_failure failure;
        forge_put(f.bytes + FORGE_FEATURES, 1ull << bit, 8);
        forge_seal_superblock(f.bytes);
        CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_VERSION);
        CHECK_UINT(failure.value, 1ull << bit);
        /* the version comes first: the features of another version mean nothing here */
        forge_put(f.bytes + FORGE_VERSION, 2u << bit % 31, 4);
        forge_seal_superblock(f.bytes);
        CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_VERSION);
        CHECK_UINT(failure.value, 2u << bit % 31);
        /* but what has been damaged is damage, whatever it claims to be */
        f.bytes[2000] ^= 1;
        CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_CORRUPT);
        forge_free(&f);
    }
}

/* Sizes that the same pages could hold: what would be a record is zero, what would be padding is not. */
static void a_size_off_by_one_is_found(void)
{
    for (uint64_t size = 49; size <= 51; size += 2) {
        forge f = forge_make(DISKANN_L2, 13, 8, 50);
        diskann_failure failure;
        forge_put(f.bytes + FORGE_SIZE, size, 8);
        forge_seal_superblock(f.bytes);
        CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_CORRUPT);
        CHECK_UINT(failure.detail, size == 51 ? DISKANN_FINDING_TREE : DISKANN_FINDING_EDGE_RANGE);
        forge_free(&f);
    }
}

/* A small file that claims to be a large index, consistently, must not cost more than its own size. */
static void a_claim_is_not_paid_for(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 0);
    forge huge = {.dimensions = 65535, .max_degree = 512, .size = DISKANN_SIZE_MAX, .bytes = f.bytes};
    meter m = {0};
    diskann_index *index;
    diskann_failure failure;
    forge_shape(&huge);
    forge_write_superblock(&huge);
    forge_put(f.bytes + FORGE_ENTRY, 0, 4);
    forge_seal_superblock(f.bytes);
    host h = host_of(&f);
    CHECK_INT(host_open(&h, &m, &index, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_FILE_BYTES);
    CHECK(m.peak < 65536);
    /* the claim is well formed: only the length of the file speaks against it */
    h.file_bytes = huge.file_bytes;
    m.fail_at = 3; /* operation and workers, then no more */
    m.calls = 0;
    CHECK_INT(host_open(&h, &m, &index, &failure), DISKANN_ERR_NO_MEMORY);
    CHECK_UINT(m.live, 0);
    forge_free(&f);
}

/* -- hostile records -- */

typedef struct spoil {
    uint32_t slot; /* whose page is resealed and must be named */
    uint32_t finding;
    int field;     /* 0: id, 1: aux, 2: degree, 3: children, 4 ...: neighbours; -1, -2 ...: elements */
    uint64_t value;
} spoil;

static uint8_t *spoiled_field(const forge *f, const spoil *s)
{
    switch (s->field) {
    case 0:
        return forge_id(f, s->slot);
    case 1:
        return forge_aux(f, s->slot);
    case 2:
        return forge_degree(f, s->slot);
    case 3:
        return forge_children(f, s->slot);
    default:
        return s->field > 0 ? forge_edge(f, s->slot, (uint32_t)s->field - 4)
                            : forge_record(f, s->slot) + 4 * (-s->field - 1);
    }
}

static int spoil_bytes(const spoil *s)
{
    return s->field == 0 ? 8 : s->field == 2 || s->field == 3 ? 2 : 4;
}

static void every_field_of_a_record_is_checked(void)
{
    /* 50 records of 112 bytes, dimensions 13, R 8: slot 20 has children 41 and 42, and its parent */
    static const spoil spoils[] = {
        {20, DISKANN_FINDING_EDGE_RANGE, 4, 50},
        {20, DISKANN_FINDING_EDGE_RANGE, 6, UINT32_MAX},
        {20, DISKANN_FINDING_EDGE_RANGE, 6, 0x80000000},
        {20, DISKANN_FINDING_DEGREE, 2, 9},
        {49, DISKANN_FINDING_DEGREE, 2, 65535},
        {20, DISKANN_FINDING_DEGREE, 3, 4},
        {20, DISKANN_FINDING_DEGREE, 3, 65535},
        {20, DISKANN_FINDING_TREE, 3, 1}, /* 42 is nobody's child */
        {20, DISKANN_FINDING_TREE, 3, 3}, /* the parent becomes a child */
        {20, DISKANN_FINDING_TREE, 4, 43},
        {20, DISKANN_FINDING_TREE, 5, 20},
        {20, DISKANN_FINDING_TREE, 5, 0},
        {20, DISKANN_FINDING_PAGE_HEADER, 7, 1},  /* an unused neighbour */
        {20, DISKANN_FINDING_PAGE_HEADER, 11, 1},
        {20, DISKANN_FINDING_PAGE_HEADER, 2, 2},  /* the third one is unused then */
        {20, DISKANN_FINDING_PAGE_HEADER, -14, 1},/* behind the 13 elements */
        {0, DISKANN_FINDING_ID, 0, DISKANN_ID_MAX + 1},
        {0, DISKANN_FINDING_ID, 0, UINT64_MAX},
        {0, DISKANN_FINDING_ID, 0, 1148},         /* next_id */
        {49, DISKANN_FINDING_ID, 0, 1000},        /* of slot 0 */
        {1, DISKANN_FINDING_ID, 0, 1000},
        {20, DISKANN_FINDING_NORM, 1, 0},
        {20, DISKANN_FINDING_NORM, 1, 0x7fc00000},
        {20, DISKANN_FINDING_NORM, 1, 0x7f800000},
        {20, DISKANN_FINDING_NORM, -1, 0x40600000},
        {20, DISKANN_FINDING_NOT_FINITE, -1, 0x7fc00000},
        {20, DISKANN_FINDING_NOT_FINITE, -13, 0xff800000},
        {49, DISKANN_FINDING_NOT_FINITE, -5, 0x7f800001},
        {49, DISKANN_FINDING_NOT_FINITE, -5, 0x7f7fffff}, /* FLT_MAX: its square is not */
    };
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        const spoil *s = &spoils[i];
        forge f = forge_make(DISKANN_L2, 13, 8, 50);
        diskann_failure failure;
        const uint64_t page = s->slot / f.records_per_page;
        forge_put(spoiled_field(&f, s), s->value, spoil_bytes(s));
        forge_seal_page(&f, page);
        const int status = forge_status(&f, &failure);
        const int in_place = failure.page == (int64_t)page || s->finding == DISKANN_FINDING_TREE;
        check_that(status == DISKANN_ERR_CORRUPT && failure.detail == s->finding && in_place,
                   __FILE__, __LINE__, "spoil %zu: status %d, detail %u, page %d", i, status, failure.detail,
                   (int)failure.page);
        forge_free(&f);
    }
}

/* Records that hang on each other and not on the entry; one with more children than it may have. */
static void a_tree_that_is_none_is_refused(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    diskann_failure failure;
    forge_put(forge_edge(&f, 11, 1), 5, 4); /* 11: children 23, 24, parent 5. Now: 23, parent */
    forge_put(forge_edge(&f, 11, 2), 0, 4);
    forge_put(forge_degree(&f, 11), 2, 2);
    forge_put(forge_children(&f, 11), 1, 2);
    forge_put(forge_edge(&f, 49, 0), 24, 4); /* child of 24 */
    forge_put(forge_children(&f, 49), 1, 2);
    forge_seal_page(&f, 0);
    forge_seal_page(&f, 1);
    CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_TREE);
    CHECK_INT(failure.page, 0); /* of 24, the first that is not covered */
    forge_free(&f);

    f = forge_make(DISKANN_L2, 13, 5, 50); /* R 5: at most 2 children */
    CHECK_INT(forge_status(&f, NULL), DISKANN_OK);
    forge_put(forge_children(&f, 3), 3, 2);
    forge_seal_page(&f, 0);
    CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_CORRUPT);
    CHECK_UINT(failure.detail, DISKANN_FINDING_DEGREE);
    forge_free(&f);
}

static void headers_and_padding_of_pages_are_checked(void)
{
    forge f = forge_make(DISKANN_L2, 13, 8, 50);
    const uint64_t used = 16 + (uint64_t)f.records_per_page * f.record_bytes;
    const uint64_t last = 16 + (50 % f.records_per_page) * f.record_bytes;
    const struct {
        uint64_t page, at;
    } cases[] = {{0, 4}, {1, 7}, {0, 8}, {1, 8}, {0, 15}, {0, used}, {0, 4095}, {1, last}, {1, 4095}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        diskann_failure failure;
        uint8_t *byte = forge_page(&f, cases[i].page) + cases[i].at;
        *byte ^= 0x80;
        forge_seal_page(&f, cases[i].page);
        CHECK_INT(forge_status(&f, &failure), DISKANN_ERR_CORRUPT);
        CHECK_UINT(failure.detail, DISKANN_FINDING_PAGE_HEADER);
        CHECK_INT(failure.page, cases[i].page);
        *byte ^= 0x80;
        forge_seal_page(&f, cases[i].page);
    }
    CHECK_INT(forge_status(&f, NULL), DISKANN_OK);
    forge_free(&f);
}

/* Two pages changed places: each is sealed, neither is where it says. The first is named. */
static void the_first_damaged_page_is_named(void)
{
    forge f = forge_make(DISKANN_L2, 100, 32, 200);
    REQUIRE(f.pages > 6);
    uint8_t *swap = malloc(f.page_bytes);
    memcpy(swap, forge_page(&f, 5), f.page_bytes);
    memcpy(forge_page(&f, 5), forge_page(&f, 2), f.page_bytes);
    memcpy(forge_page(&f, 2), swap, f.page_bytes);
    forge_page(&f, 6)[100] ^= 1;
    for (uint64_t shuffle = 0; shuffle < 40; shuffle++) {
        host h = host_of(&f);
        diskann_failure failure;
        h.shuffle = shuffle;
        CHECK_INT(open_status(&h, &failure), DISKANN_ERR_CORRUPT);
        CHECK_INT(failure.page, 2);
        CHECK_UINT(failure.detail, DISKANN_FINDING_PAGE_HEADER);
    }
    free(swap);
    forge_free(&f);
}

CHECK_MAIN(CHECK_TEST(a_forged_file_opens_and_saves_as_the_same_bytes),
           CHECK_TEST(a_built_index_is_saved_as_the_format_says),
           CHECK_TEST(every_flipped_byte_is_found),
           CHECK_TEST(every_other_length_is_found),
           CHECK_TEST(every_field_of_the_superblock_is_checked),
           CHECK_TEST(the_norm_of_ip_is_checked),
           CHECK_TEST(codes_are_for_some_metrics_and_types_only),
           CHECK_TEST(another_version_or_feature_is_named),
           CHECK_TEST(a_size_off_by_one_is_found),
           CHECK_TEST(a_claim_is_not_paid_for),
           CHECK_TEST(every_field_of_a_record_is_checked),
           CHECK_TEST(a_tree_that_is_none_is_refused),
           CHECK_TEST(headers_and_padding_of_pages_are_checked),
           CHECK_TEST(the_first_damaged_page_is_named))
