/* A build of a graph that is there: of the lists of an index, the same index to the byte; and what can be wrong with lists. */
#include "../../csrc/op/index.h"
#include "check.h"
#include "host.h"

enum { DIMENSIONS = 10, DEGREE = 8, ROWS = 400, SWEEP_MAX = 4000 };

/* Lists of rows, which are their ids. */
typedef struct lists {
    uint32_t degrees[ROWS], children[ROWS];
    uint32_t *neighbours;
    uint32_t count;
} lists;

static float *make_rows(void)
{
    random_state random = {9};
    float *rows = malloc((size_t)ROWS * DIMENSIONS * sizeof *rows);
    REQUIRE(rows != NULL);
    for (size_t i = 0; i < (size_t)ROWS * DIMENSIONS; i++) {
        rows[i] = (float)random_below(&random, 90);
    }
    return rows;
}

static diskann_config make_config(uint32_t metric, uint32_t type, uint32_t codes)
{
    diskann_config config;
    diskann_config_init(&config, DIMENSIONS);
    config.metric = metric;
    config.data_type = type;
    config.codes = codes;
    config.max_degree = DEGREE;
    config.build_list_size = 30;
    config.code_bytes = codes == DISKANN_CODES_PQ ? 3 : 0;
    return config;
}

static diskann_index *build(const diskann_config *config, const float *rows, const lists *given, host *h, meter *m, int *status)
{
    const diskann_allocator allocator = meter_allocator(m);
    diskann_index *index = NULL;
    diskann_op *op;
    *status = diskann_index_create(config, &allocator, &index);
    if (*status < 0) {
        return NULL;
    }
    *status = diskann_build_begin(index, h->workers, &op);
    if (*status == DISKANN_OK) {
        *status = diskann_op_rows(op, rows, DISKANN_F32, NULL, ROWS);
        const uint32_t half = ROWS / 2;
        uint64_t before = 0;
        for (uint32_t i = 0; given != NULL && i < half; i++) {
            before += given->degrees[i];
        }
        if (given != NULL && *status == DISKANN_OK) {
            *status = diskann_op_links(op, given->degrees, given->children, given->neighbours, half);
            CHECK_INT(*status, DISKANN_OK);
            *status = diskann_op_links(op, given->degrees + half, given->children + half, given->neighbours + before, half);
            CHECK_INT(*status, DISKANN_OK);
        }
        *status = *status < 0 ? *status : host_drive(h, op);
        diskann_op_end(op);
    }
    return index;
}

static void take_lists(const diskann_index *index, lists *out)
{
    const record_layout *layout = &index->records.layout;
    uint32_t slots[ROWS];
    out->neighbours = malloc((size_t)ROWS * DEGREE * sizeof *out->neighbours);
    out->count = 0;
    for (uint32_t slot = 0; slot < ROWS; slot++) {
        slots[*record_id(layout, record_at(&index->records, slot))] = slot;
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        const record_list *list = record_links(layout, record_at(&index->records, slots[row]));
        out->degrees[row] = list->degree;
        out->children[row] = list->children;
        for (uint32_t i = 0; i < list->degree; i++) {
            out->neighbours[out->count++] = (uint32_t)*record_id(layout, record_at(&index->records, list->neighbours[i]));
        }
    }
}

static uint8_t *bytes_of(diskann_index *index, uint64_t *length)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    host h = {.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes, .workers = 1};
    CHECK_INT(host_save(&h, index), DISKANN_OK);
    *length = stats.file_bytes;
    return h.file;
}

static void the_same_lists_make_the_same_index(void)
{
    static const uint32_t kinds[][3] = {{DISKANN_L2, DISKANN_F32, DISKANN_CODES_NONE},
                                        {DISKANN_COSINE, DISKANN_F32, DISKANN_CODES_8BIT},
                                        {DISKANN_IP, DISKANN_F16, DISKANN_CODES_1BIT},
                                        {DISKANN_L2, DISKANN_U8, DISKANN_CODES_PQ},
                                        {DISKANN_L1, DISKANN_SQ8, DISKANN_CODES_NONE}};
    float *rows = make_rows();
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const diskann_config config = make_config(kinds[i][0], kinds[i][1], kinds[i][2]);
        meter m = {0};
        host plain = {.workers = 1}, odd = {.workers = 3, .shuffle = i + 1};
        lists given;
        int status;
        uint64_t length, other_length;
        diskann_index *made = build(&config, rows, NULL, &plain, &m, &status);
        CHECK_INT(status, DISKANN_OK);
        take_lists(made, &given);
        diskann_index *again = build(&config, rows, &given, &odd, &m, &status);
        CHECK_INT(status, DISKANN_OK);
        uint8_t *bytes = bytes_of(made, &length), *other = bytes_of(again, &other_length);
        CHECK_UINT(other_length, length);
        CHECK_BYTES(other, bytes, length);
        free(bytes);
        free(other);
        free(given.neighbours);
        diskann_index_destroy(made);
        diskann_index_destroy(again);
        CHECK_UINT(m.live, 0);
    }
    free(rows);
}

/* ---- what can be wrong ---- */

typedef struct world {
    diskann_config config;
    float *rows;
    lists lists;
} world;

static world make_world(void)
{
    world w = {.config = make_config(DISKANN_L2, DISKANN_F32, DISKANN_CODES_8BIT), .rows = make_rows()};
    meter m = {0};
    host h = {.workers = 1};
    int status;
    diskann_index *index = build(&w.config, w.rows, NULL, &h, &m, &status);
    REQUIRE(status == DISKANN_OK);
    take_lists(index, &w.lists);
    diskann_index_destroy(index);
    return w;
}

static void free_world(world *w)
{
    free(w->rows);
    free(w->lists.neighbours);
}

/* The index stays empty, and its memory is what it was. */
static int try_lists(const world *w)
{
    meter m = {0};
    host h = {.workers = 1};
    int status;
    diskann_index *index = build(&w->config, w->rows, &w->lists, &h, &m, &status);
    CHECK_UINT(diskann_index_size(index), status == DISKANN_OK ? ROWS : 0);
    diskann_index_destroy(index);
    CHECK_UINT(m.live, 0);
    return status;
}

static uint32_t place_of(const lists *l, uint32_t row)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < row; i++) {
        place += l->degrees[i];
    }
    return place;
}

static void wrong_neighbours_are_refused(void)
{
    world w = make_world();
    for (uint32_t row = 3; row < ROWS; row += 77) {
        const uint32_t last = place_of(&w.lists, row) + w.lists.degrees[row] - 1, kept = w.lists.neighbours[last];
        const uint32_t wrong[] = {ROWS, UINT32_MAX, row, w.lists.neighbours[last - 1]};
        for (uint32_t i = 0; i < 4; i++) {
            w.lists.neighbours[last] = wrong[i];
            CHECK_INT(try_lists(&w), DISKANN_ERR_INVALID_ARGUMENT);
        }
        w.lists.neighbours[last] = kept;
    }
    CHECK_INT(try_lists(&w), DISKANN_OK);
    free_world(&w);
}

/* Fewer tree edges, or more: always something that is no tree. */
static void what_is_no_tree_is_refused(void)
{
    world w = make_world();
    uint32_t refused = 0;
    for (uint32_t row = 0; row < ROWS; row += 13) {
        const uint32_t kept = w.lists.children[row];
        w.lists.children[row] = kept > 0 ? kept - 1 : 1;
        CHECK_INT(try_lists(&w), DISKANN_ERR_INVALID_ARGUMENT);
        w.lists.children[row] = kept;
        refused++;
    }
    CHECK(refused > 20);
    /* Two rings in place of a tree: one root is left, but not all hang on it. */
    for (uint32_t i = 0; i < ROWS; i++) {
        w.lists.degrees[i] = w.lists.children[i] = i + 1 < ROWS && i != 0 ? 1 : 0;
        w.lists.neighbours[i > 0 ? i - 1 : 0] = i + 2 < ROWS ? i + 1 : 1;
    }
    w.lists.degrees[0] = w.lists.children[0] = 0;
    CHECK_INT(try_lists(&w), DISKANN_ERR_INVALID_ARGUMENT);
    free_world(&w);
}

static void calls_that_make_no_sense(void)
{
    world w = make_world();
    diskann_index *index;
    diskann_op *op;
    lists *l = &w.lists;
    REQUIRE(diskann_index_create(&w.config, NULL, &index) == DISKANN_OK);
    REQUIRE(diskann_build_begin(index, 1, &op) == DISKANN_OK);
    CHECK_INT(diskann_op_links(op, l->degrees, l->children, l->neighbours, 1), DISKANN_ERR_INVALID_ARGUMENT); /* no rows */
    REQUIRE(diskann_op_rows(op, w.rows, DISKANN_F32, NULL, ROWS) == DISKANN_OK);
    CHECK_INT(diskann_op_links(op, NULL, l->children, l->neighbours, 1), DISKANN_ERR_INVALID_ARGUMENT);
    const uint32_t long_list = DEGREE + 1, many = DEGREE / 2 + 1, none = 0;
    CHECK_INT(diskann_op_links(op, &long_list, &none, l->neighbours, 1), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_op_links(op, &many, &many, l->neighbours, 1), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_op_links(op, &none, &many, l->neighbours, 1), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(diskann_op_links(op, l->degrees, l->children, l->neighbours, 5), DISKANN_OK);
    CHECK_INT(diskann_op_finish(op), DISKANN_ERR_INVALID_ARGUMENT); /* five lists of many */
    CHECK_INT(diskann_op_links(op, l->degrees, l->children, l->neighbours, 5), DISKANN_ERR_INVALID_ARGUMENT);
    diskann_op_end(op);
    REQUIRE(diskann_insert_begin(index, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_rows(op, w.rows, DISKANN_F32, NULL, ROWS) == DISKANN_OK);
    CHECK_INT(diskann_op_links(op, l->degrees, l->children, l->neighbours, 5), DISKANN_ERR_INVALID_ARGUMENT); /* no build */
    diskann_op_end(op);
    diskann_index_destroy(index);
    free_world(&w);
}

static void every_allocation_fails_and_every_stage_is_cancelled(void)
{
    world w = make_world();
    int status = DISKANN_ERR_NO_MEMORY;
    uint64_t at = 1;
    for (; status != DISKANN_OK && at < SWEEP_MAX; at++) {
        meter m = {.fail_at = at};
        host h = {.workers = 2};
        diskann_index *index = build(&w.config, w.rows, &w.lists, &h, &m, &status);
        CHECK(status == DISKANN_OK || status == DISKANN_ERR_NO_MEMORY);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    CHECK(at > 10 && at < SWEEP_MAX);
    uint64_t stages = 1;
    for (at = 0; at <= stages; at++) {
        meter m = {0};
        host h = {.workers = 1, .cancel_at = at};
        diskann_index *index = build(&w.config, w.rows, &w.lists, &h, &m, &status);
        CHECK_INT(status, at == 0 ? DISKANN_OK : DISKANN_ERR_CANCELLED);
        stages = at == 0 ? h.stages : stages;
        CHECK_UINT(diskann_index_size(index), at == 0 ? ROWS : 0);
        diskann_index_destroy(index);
        CHECK_UINT(m.live, 0);
    }
    CHECK(stages > 6);
    free_world(&w);
}

CHECK_MAIN(CHECK_TEST(the_same_lists_make_the_same_index), CHECK_TEST(wrong_neighbours_are_refused),
           CHECK_TEST(what_is_no_tree_is_refused), CHECK_TEST(calls_that_make_no_sense),
           CHECK_TEST(every_allocation_fails_and_every_stage_is_cancelled))
