/* csrc/FORMAT.md is true: its tables and its worked example are read from the page and held against the code. */
#include "check.h"
#include "forge.h"
#include "host.h"

#include <ctype.h>

/* -- the page -- */

/* The text of csrc/FORMAT.md, found beside this file; static, read once. */
static const char *page_text(void)
{
    static char text[65536];
    char path[4096];
    const char *end = strrchr(__FILE__, '/');
    snprintf(path, sizeof path, "%.*s/../../csrc/FORMAT.md", (int)(end - __FILE__), __FILE__);
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL);
    const size_t count = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    REQUIRE(count > 1000 && count < sizeof text - 1);
    text[count] = 0;
    return text;
}

typedef struct field {
    unsigned offset;
    char type[16];
    char name[32];
} field;

/* Rows "| offset | type | field | ..." of the superblock's table. */
static size_t read_table(field *fields, size_t most)
{
    const char *line = strstr(page_text(), "## 2. Superblock");
    size_t count = 0;
    REQUIRE(line != NULL);
    for (line = strchr(line, '\n'); line != NULL && strncmp(line, "\n## ", 4) != 0; line = strchr(line + 1, '\n')) {
        field *f = &fields[count];
        if (count < most && sscanf(line, "\n| %u | %15s | %31s |", &f->offset, f->type, f->name) == 3) {
            count++;
        }
    }
    return count;
}

static unsigned type_bytes(const char *type)
{
    unsigned many;
    if (sscanf(type, "u8[%u]", &many) == 1) {
        return many;
    }
    return (unsigned)atoi(type + 1) / 8; /* u32, u64, f32 */
}

/* Bytes that the worked example shows go into `file`, and 1 into `shown`. Returns the number of lines. */
static unsigned read_example(uint8_t *file, uint8_t *shown, size_t bytes)
{
    const char *line = strstr(page_text(), "## 7. Worked example");
    unsigned lines = 0;
    REQUIRE(line != NULL);
    for (line = strchr(line, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        unsigned offset, b[16];
        const int found = sscanf(line, "\n%8x %x %x %x %x %x %x %x %x %x %x %x %x %x %x %x %x", &offset, &b[0], &b[1],
                                 &b[2], &b[3], &b[4], &b[5], &b[6], &b[7], &b[8], &b[9], &b[10], &b[11], &b[12],
                                 &b[13], &b[14], &b[15]);
        if (found != 17 || !isxdigit((unsigned char)line[1])) {
            continue;
        }
        REQUIRE(offset % 16 == 0 && offset + 16 <= bytes);
        for (unsigned i = 0; i < 16; i++) {
            file[offset + i] = (uint8_t)b[i];
            shown[offset + i]++;
        }
        lines++;
    }
    return lines;
}

/* -- tests -- */

static void the_table_has_every_byte_of_the_superblock(void)
{
    static const struct {
        const char *name;
        unsigned offset;
    } expected[] = {
        {"magic", FORGE_MAGIC},
        {"checksum", FORGE_CRC},
        {"version", FORGE_VERSION},
        {"features", FORGE_FEATURES},
        {"file_bytes", FORGE_FILE_BYTES},
        {"pages", FORGE_PAGES},
        {"size", FORGE_SIZE},
        {"next_id", FORGE_NEXT_ID},
        {"seed", FORGE_SEED},
        {"page_bytes", FORGE_PAGE_BYTES},
        {"records_per_page", FORGE_RECORDS_PER_PAGE},
        {"record_bytes", FORGE_RECORD_BYTES},
        {"dimensions", FORGE_DIMENSIONS},
        {"metric", FORGE_METRIC},
        {"data_type", FORGE_DATA_TYPE},
        {"max_degree", FORGE_MAX_DEGREE},
        {"build_list_size", FORGE_BUILD_LIST_SIZE},
        {"alpha", FORGE_ALPHA},
        {"norm_max", FORGE_NORM_MAX},
        {"entry", FORGE_ENTRY},
        {"codes", FORGE_CODES},
        {"code_bytes", FORGE_CODE_BYTES},
        {"navigator_size", FORGE_NAVIGATOR_SIZE},
        {"code_pages", FORGE_CODE_PAGES},
        {"rest", FORGE_REST},
    };
    enum { EXPECTED = sizeof expected / sizeof expected[0] };
    field fields[EXPECTED + 1];
    unsigned next = 0;
    REQUIRE(read_table(fields, EXPECTED + 1) == EXPECTED);
    for (size_t i = 0; i < EXPECTED; i++) {
        CHECK_TEXT(fields[i].name, expected[i].name);
        CHECK_UINT(fields[i].offset, expected[i].offset);
        CHECK_UINT(fields[i].offset, next);
        next = fields[i].offset + type_bytes(fields[i].type);
    }
    CHECK_UINT(next, DISKANN_SUPERBLOCK_BYTES);
}

static void the_checksum_is_the_one_of_the_page(void)
{
    CHECK_UINT(forge_crc(0, (const uint8_t *)"123456789", 9), 0xe3069283);
    CHECK(strstr(page_text(), "0xE3069283") != NULL);
}

static diskann_index *example_index(void)
{
    static const float rows[] = {0, 0, 3, 4, 1, -2};
    static const uint64_t ids[] = {10, 20, 30};
    diskann_config config;
    diskann_index *index;
    diskann_op *op;
    diskann_config_init(&config, 2);
    config.max_degree = 4;
    REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
    REQUIRE(diskann_insert_begin(index, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_rows(op, rows, DISKANN_F32, ids, 3) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_op_end(op);
    return index;
}

static void the_worked_example_is_what_is_written(void)
{
    enum { BYTES = 8192 };
    static uint8_t shown[BYTES], page[BYTES], file[BYTES], counts[BYTES];
    CHECK_UINT(read_example(page, counts, BYTES), 14);
    diskann_index *index = example_index();
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    REQUIRE(stats.file_bytes == BYTES);
    host h = {.file = file, .file_bytes = BYTES};
    CHECK_INT(host_save(&h, index), DISKANN_OK);
    CHECK_BYTES(file, page, BYTES);
    for (unsigned at = 0; at < BYTES; at++) {
        shown[at] = counts[at] > 0;
        CHECK(counts[at] <= 1);
        CHECK(shown[at] || file[at] == 0);
    }
    diskann_index_destroy(index);
}

/* And the other way round: what the page shows is an index. */
static void the_worked_example_opens(void)
{
    enum { BYTES = 8192 };
    static uint8_t page[BYTES], counts[BYTES];
    read_example(page, counts, BYTES);
    host h = {.file = page, .file_bytes = BYTES};
    meter m = {0};
    diskann_index *index;
    float vector[2];
    REQUIRE(host_open(&h, &m, &index, NULL) == DISKANN_OK);
    CHECK_UINT(diskann_index_size(index), 3);
    CHECK_INT(diskann_index_get(index, 30, vector), DISKANN_OK);
    CHECK(vector[0] == 1 && vector[1] == -2);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
}

/* Sizes for many shapes: the forger has them from the page, the core has its own. */
static void sizes_follow_as_the_page_says(void)
{
    static const uint32_t degrees[] = {4, 5, 31, 32, 64, 100, 511, 512};
    for (uint32_t dimensions = 1; dimensions <= DISKANN_DIMENSIONS_MAX; dimensions += 1 + dimensions / 7) {
        for (size_t i = 0; i < sizeof degrees / sizeof degrees[0]; i++) {
            forge f = {.dimensions = dimensions, .max_degree = degrees[i]};
            diskann_config config;
            diskann_index *index;
            diskann_stats stats;
            forge_shape(&f);
            diskann_config_init(&config, dimensions);
            config.max_degree = degrees[i];
            REQUIRE(diskann_index_create(&config, NULL, &index) == DISKANN_OK);
            diskann_index_stats(index, &stats);
            CHECK_UINT(stats.record_bytes, f.record_bytes);
            CHECK_UINT(stats.records_per_page, f.records_per_page);
            CHECK_UINT(stats.page_bytes, f.page_bytes);
            CHECK_UINT(stats.file_bytes, 4096);
            diskann_index_destroy(index);
        }
    }
}

CHECK_MAIN(CHECK_TEST(the_table_has_every_byte_of_the_superblock),
           CHECK_TEST(the_checksum_is_the_one_of_the_page),
           CHECK_TEST(the_worked_example_is_what_is_written),
           CHECK_TEST(the_worked_example_opens),
           CHECK_TEST(sizes_follow_as_the_page_says))
