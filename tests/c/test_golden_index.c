/*
 * The golden indexes of tests/golden/index.json, built here: the same bytes as in the addon and in WebAssembly.
 * (c-tests: every CPU)
 */
#include "check.h"
#include "host.h"

/* One object of the file: tests/golden/recipe.ts is the same in TypeScript. */
typedef struct recipe {
    diskann_config config;
    uint32_t rows;
    uint32_t added;
    uint64_t bytes;
    uint64_t hash;
} recipe;

static const char *field(const char *object, const char *name)
{
    char key[40];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(object, key);
    REQUIRE(at != NULL);
    return at + strlen(key);
}

static uint64_t field_number(const char *object, const char *name)
{
    return strtoull(field(object, name), NULL, 10);
}

static const char *const METRICS[] = {"\"l2\"", "\"cosine\"", "\"ip\"", "\"l1\""};
static const char *const TYPES[] = {"\"f32\"", "\"f16\"", "\"i8\"", "\"u8\"", "\"sq8\""};
static const char *const CODES[] = {"\"none\"", "\"8bit\"", "\"auto\"", "\"1bit\"", "\"pq\""};

/* Place of a field's value among `count` names, or `count`. */
static uint32_t field_choice(const char *object, const char *name, const char *const *names, uint32_t count)
{
    const char *value = field(object, name) + 1; /* a space */
    uint32_t i = 0;
    while (i < count && strncmp(value, names[i], strlen(names[i])) != 0) {
        i++;
    }
    return i;
}

static recipe read_recipe(const char *object)
{
    recipe r;
    diskann_config_init(&r.config, (uint32_t)field_number(object, "dimensions"));
    r.config.metric = field_choice(object, "metric", METRICS, DISKANN_METRIC_COUNT);
    r.config.data_type = field_choice(object, "dataType", TYPES, DISKANN_DATA_TYPE_COUNT);
    r.config.codes = field_choice(object, "codes", CODES, DISKANN_CODES_COUNT);
    r.config.max_degree = (uint32_t)field_number(object, "maxDegree");
    r.config.build_list_size = (uint32_t)field_number(object, "buildListSize");
    r.config.alpha = (float)strtod(field(object, "alpha"), NULL);
    r.config.seed = field_number(object, "seed");
    r.rows = (uint32_t)field_number(object, "rows");
    r.added = (uint32_t)field_number(object, "added");
    r.bytes = field_number(object, "bytes");
    r.hash = strtoull(field(object, "fnv1a64") + 2, NULL, 16);
    return r;
}

/* Integers in -127 .. 127, or in 0 .. 254 for u8. Owned by caller. */
static float *make_rows(const recipe *r)
{
    const size_t count = (size_t)(r->rows + r->added) * r->config.dimensions;
    float *rows = malloc(count * sizeof *rows);
    const float least = r->config.data_type == DISKANN_U8 ? 0.0f : -127.0f;
    random_state random = {20};
    for (size_t i = 0; rows != NULL && i < count; i++) {
        rows[i] = (float)((uint32_t)random_next(&random) % 255) + least;
    }
    return rows;
}

static void insert(diskann_op *op, host *h, const float *rows, uint64_t count)
{
    REQUIRE(diskann_op_rows(op, rows, DISKANN_F32, NULL, count) == DISKANN_OK);
    CHECK_INT(host_drive(h, op), DISKANN_OK);
    diskann_op_end(op);
}

static uint64_t fnv1a64(const uint8_t *bytes, uint64_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < count; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static void check_recipe(const recipe *r, host *h)
{
    diskann_index *index;
    diskann_op *op;
    diskann_stats stats;
    float *rows = make_rows(r);
    REQUIRE(rows != NULL);
    REQUIRE(diskann_index_create(&r->config, NULL, &index) == DISKANN_OK);
    REQUIRE(diskann_build_begin(index, h->workers, &op) == DISKANN_OK);
    insert(op, h, rows, r->rows);
    if (r->added > 0) {
        REQUIRE(diskann_insert_begin(index, h->workers, &op) == DISKANN_OK);
        insert(op, h, rows + (size_t)r->rows * r->config.dimensions, r->added);
    }
    diskann_index_stats(index, &stats);
    CHECK_UINT(stats.file_bytes, r->bytes);
    h->file_bytes = stats.file_bytes;
    h->file = malloc(stats.file_bytes);
    REQUIRE(h->file != NULL);
    CHECK_INT(host_save(h, index), DISKANN_OK);
    CHECK_UINT(fnv1a64(h->file, h->file_bytes), r->hash);
    diskann_index_destroy(index);
    free(h->file);
    free(rows);
}

/* `turn`: where a test asks for little, every other recipe is made in this way, and the others in the other. */
static void check_all(uint32_t turn, uint32_t workers, uint64_t shuffle)
{
    static char text[16384];
    unsigned count = 0;
    FILE *file = fopen("tests/golden/index.json", "r"); /* the tests run in the root of the repository */
    REQUIRE(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    for (const char *object = text; (object = strstr(object, "\"name\":")) != NULL; object++) {
        const recipe r = read_recipe(object);
        host h = {.workers = workers, .shuffle = shuffle};
        if (!check_is_light() || count % 2 == turn) {
            check_recipe(&r, &h);
        }
        count++;
    }
    CHECK_UINT(count, 16);
}

static void one_worker_in_order(void)
{
    check_all(0, 1, 0);
}

static void many_workers_in_any_order(void)
{
    check_all(1, 7, 20);
}

CHECK_MAIN(CHECK_TEST(one_worker_in_order), CHECK_TEST(many_workers_in_any_order))
