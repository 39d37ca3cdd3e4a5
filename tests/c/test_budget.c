/*
 * Builds into a file under a memory budget: the file is an index that opens and verifies, whatever type, metric and codes; the
 * budget holds; neither threads nor pieces change a byte; what is refused, fails or is cancelled leaves nothing behind.
 */
#include "../../csrc/op/budget.h"
#include "pq_index_world.h"

enum { ROWS = 3000, DIMENSIONS = 24, QUERIES = 40 };

/* The rows and the file of a build, each in a memory of its own. */
typedef struct world {
    diskann_budget budget;
    const uint64_t *ids;
    const void *rows;
    uint64_t row_bytes;
    host file;
    uint64_t fail_at;   /* the request that fails; 0: none */
    uint64_t cancel_at; /* the stage before which it is cancelled */
    uint64_t requests, stages, reads;
    int is_disordered; /* rows were read before earlier ones of the same pass */
    uint32_t workers;
    uint64_t shuffle;
    meter meter;
    diskann_failure failure;
} world;

static world world_of(const diskann_config *config, const void *rows, uint64_t count, uint32_t data_type)
{
    world w = {.rows = rows, .workers = 1};
    w.budget = (diskann_budget){.config = *config, .rows = count, .data_type = data_type};
    w.row_bytes = simd_row_bytes(data_type, config->dimensions);
    return w;
}

static diskann_budget_needs needs_of(const diskann_budget *budget)
{
    diskann_budget_needs needs;
    REQUIRE(diskann_budget_need(budget, &needs) == DISKANN_OK);
    return needs;
}

/* The least with which it is made at once: its shards are one. */
static uint64_t whole_bytes(const diskann_budget *budget)
{
    diskann_budget other = *budget;
    uint64_t low = needs_of(budget).memory_bytes, high = UINT64_C(1) << 40;
    while (low < high) {
        other.memory_bytes = low + (high - low) / 2;
        if (budget_plan_of(&other).shards == 1) {
            high = other.memory_bytes;
        } else {
            low = other.memory_bytes + 1;
        }
    }
    return low;
}

static int serve(world *w, const diskann_request *request)
{
    if (request->kind != DISKANN_READ) {
        return host_serve(&w->file, request);
    }
    if (request->offset + request->length > w->budget.rows * w->row_bytes) {
        w->file.out_of_bounds = 1;
        return DISKANN_ERR_IO;
    }
    w->is_disordered |= request->offset != 0 && request->offset != w->reads;
    w->reads = request->offset + request->length;
    memcpy(request->buffer, (const uint8_t *)w->rows + request->offset, request->length);
    return DISKANN_OK;
}

static int drive(world *w, diskann_op *op)
{
    random_state random = {w->shuffle};
    host runner = {.workers = w->workers, .shuffle = w->shuffle};
    diskann_stage stage;
    uint32_t phase = DISKANN_PHASE_NONE;
    uint64_t done = 0;
    int status;
    while ((status = diskann_op_step(op, &stage)) > 0) {
        CHECK(stage.done <= stage.total && (stage.phase != phase || stage.done >= done));
        phase = stage.phase;
        done = stage.done;
        if (++w->stages == w->cancel_at) {
            diskann_op_cancel(op);
        }
        for (uint32_t i = 0; status == DISKANN_IO && i < stage.request_count; i++) {
            const int served = ++w->requests == w->fail_at ? DISKANN_ERR_IO : serve(w, &stage.requests[i]);
            diskann_op_complete(op, stage.requests[i].ticket, served);
        }
        if (status == DISKANN_RUN) {
            host_run(&runner, &random, op, &stage);
        }
    }
    return status;
}

/* Owned by caller: w->file.file. */
static int build(world *w)
{
    const diskann_allocator allocator = meter_allocator(&w->meter);
    diskann_op *op;
    w->file = (host){0};
    w->file.file_bytes = 64 + 2 * 4096 + (w->budget.rows + 64) * 4 * (w->row_bytes + 400);
    w->file.file = calloc(1, w->file.file_bytes);
    w->file.written = calloc(1, w->file.file_bytes);
    REQUIRE(w->file.file != NULL && w->file.written != NULL);
    int status = diskann_budget_begin(&w->budget, w->workers, &allocator, &op);
    if (status < 0) {
        return status;
    }
    if (w->ids != NULL) {
        CHECK_INT(diskann_budget_ids(op, w->ids, w->budget.rows / 2), DISKANN_OK);
        CHECK_INT(diskann_budget_ids(op, w->ids + w->budget.rows / 2, w->budget.rows - w->budget.rows / 2), DISKANN_OK);
    }
    status = drive(w, op);
    diskann_op_failure(op, &w->failure);
    if (status == DISKANN_OK) {
        w->file.file_bytes = ((budget_op *)op)->block.file_bytes;
    }
    diskann_op_end(op);
    CHECK_UINT(w->meter.live, 0);
    CHECK(w->meter.peak <= w->budget.memory_bytes);
    CHECK(!w->file.out_of_bounds && !w->is_disordered && !w->file.after_sync);
    return status;
}

static void drop(world *w)
{
    free(w->file.file);
    free(w->file.written);
    w->file.file = NULL;
    w->file.written = NULL;
}

static diskann_index *opened(const world *w)
{
    diskann_index *index;
    host h = {.file = w->file.file, .file_bytes = w->file.file_bytes};
    diskann_op *op;
    REQUIRE(diskann_open_begin(h.file_bytes, 0, 1, NULL, &op) == DISKANN_OK);
    REQUIRE(host_drive(&h, op) == DISKANN_OK);
    index = diskann_open_take(op);
    diskann_op_end(op);
    return index;
}

static uint32_t right_ids(const diskann_index *index, const float *query, uint32_t list_size)
{
    const diskann_search_params params = {.k = 10, .list_size = list_size, .beam_width = 1};
    const answer found = world_search(index, query, params);
    uint64_t ids[10];
    float distances[10];
    uint32_t count, right = 0;
    diskann_op *op;
    REQUIRE(diskann_exact_begin(index, query, 10, 1, &op) == DISKANN_OK);
    REQUIRE(diskann_op_finish(op) == DISKANN_OK);
    diskann_exact_take(op, ids, distances, &count);
    diskann_op_end(op);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < found.count; j++) {
            right += ids[i] == found.ids[j] || (ids[i] != found.ids[j] && i == j && distances[i] == found.distances[j]);
        }
    }
    return right;
}

/* It opens, is sound, has what was given, and finds it. */
static void check_file(world *w, const float *given)
{
    const uint32_t dimensions = w->budget.config.dimensions;
    diskann_index *index = opened(w);
    float *kept = malloc(dimensions * sizeof *kept);
    uint32_t right = 0;
    uint64_t bytes = 0;
    REQUIRE(kept != NULL);
    CHECK_UINT(world_findings(index, NULL), 0);
    CHECK_UINT(diskann_index_size(index), w->budget.rows);
    for (uint64_t i = 0; i < w->budget.rows; i += 97) {
        CHECK_INT(diskann_index_get(index, w->ids != NULL ? w->ids[i] : i, kept), DISKANN_OK);
        if (w->budget.config.data_type != DISKANN_SQ8) {
            CHECK_BYTES(kept, given + i * dimensions, dimensions * sizeof *kept);
        }
    }
    for (uint32_t i = 0; i < QUERIES; i++) {
        right += right_ids(index, given + i * 61 * dimensions, 80);
    }
    CHECK(right >= QUERIES * 10 * 97 / 100);
    for (uint64_t i = 0; i < w->file.file_bytes; i++) {
        bytes += w->file.written[i] == 1;
    }
    CHECK_UINT(bytes, w->file.file_bytes);
    free(kept);
    diskann_index_destroy(index);
}

static void check_build(const diskann_config *config, uint64_t memory_bytes, uint32_t shards_least, uint32_t shards_most)
{
    float *rows = world_rows(ROWS, config, 3);
    world w = world_of(config, rows, ROWS, DISKANN_F32);
    w.budget.memory_bytes = memory_bytes > 0 ? memory_bytes : needs_of(&w.budget).memory_bytes;
    const budget_plan plan = budget_plan_of(&w.budget);
    CHECK(plan.shards >= shards_least && plan.shards <= shards_most);
    w.workers = 2;
    CHECK_INT(build(&w), DISKANN_OK);
    check_file(&w, rows);
    drop(&w);
    free(rows);
}

static diskann_config plain_config(uint32_t type, uint32_t metric, uint32_t codes)
{
    diskann_config config = world_config(DIMENSIONS, type, metric, 0);
    config.codes = codes;
    config.code_bytes = codes == DISKANN_CODES_PQ ? 12 : 0;
    return config;
}

/* -- tests -- */

static void every_type_and_metric_in_shards(void)
{
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
            if ((check_is_light() && (type + metric) % 4 != 0) || (check_is_emulated() && type % 2 != 0)) {
                continue;
            }
            static const uint32_t codes[] = {DISKANN_CODES_NONE, DISKANN_CODES_PQ, DISKANN_CODES_1BIT};
            const uint32_t which = metric == DISKANN_L1 ? type % 2 : (type + metric) % 3;
            const diskann_config config = plain_config(type, metric, codes[which]);
            check_build(&config, 0, 4, BUDGET_SHARDS_MAX);
        }
    }
}

static void every_type_at_once(void)
{
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type += check_is_light() ? 3 : 1) {
        static const uint32_t codes[] = {DISKANN_CODES_AUTO, DISKANN_CODES_PQ, DISKANN_CODES_1BIT};
        const diskann_config config = plain_config(type, DISKANN_L2, codes[type % 3]);
        const diskann_budget budget = {.config = config, .rows = ROWS, .data_type = DISKANN_F32};
        check_build(&config, whole_bytes(&budget), 1, 1);
        check_build(&config, 64 << 20, 1, 1);
    }
}

/* The smallest budgets of all shapes: what a part takes is never more than was planned. */
static void the_plan_is_kept(void)
{
    static const uint32_t dimensions[] = {3, 64, 200};
    for (uint32_t i = 0; i < (check_is_light() ? 1 : 3); i++) {
        for (uint32_t degree = 8; degree <= (check_is_emulated() ? 8 : 64); degree *= 8) {
            const int is_pq = (i + degree / 64) % 2 == 0;
            diskann_config config = plain_config(DISKANN_F32, DISKANN_L2, is_pq ? DISKANN_CODES_PQ : DISKANN_CODES_1BIT);
            config.dimensions = dimensions[i];
            config.max_degree = degree;
            config.code_bytes = is_pq ? (dimensions[i] + 1) / 2 : 0;
            config.build_list_size = 30;
            float *rows = world_rows(ROWS, &config, 4);
            world w = world_of(&config, rows, ROWS, DISKANN_F32);
            w.budget.memory_bytes = needs_of(&w.budget).memory_bytes;
            w.workers = 8; /* as many as every plan has room for */
            w.shuffle = 9;
            CHECK_INT(build(&w), DISKANN_OK);
            CHECK(w.meter.peak * 5 >= w.budget.memory_bytes * 2); /* and not much less */
            drop(&w);
            w.meter = (meter){0};
            w.budget.memory_bytes = whole_bytes(&w.budget);
            CHECK_INT(build(&w), DISKANN_OK);
            CHECK(w.meter.peak * 5 >= w.budget.memory_bytes * 2);
            drop(&w);
            free(rows);
        }
    }
}

static void check_threads(uint32_t codes)
{
    const diskann_config config = plain_config(DISKANN_F32, DISKANN_COSINE, codes);
    float *rows = world_rows(ROWS, &config, 5);
    world first = world_of(&config, rows, ROWS, DISKANN_F32);
    first.budget.memory_bytes = needs_of(&first.budget).memory_bytes * 11 / 10;
    CHECK_INT(build(&first), DISKANN_OK);
    for (uint32_t workers = check_is_light() ? 5 : 2; workers <= 5; workers += 3) {
        world other = world_of(&config, rows, ROWS, DISKANN_F32);
        other.budget = first.budget;
        other.workers = workers;
        other.shuffle = workers;
        CHECK_INT(build(&other), DISKANN_OK);
        CHECK_UINT(other.file.file_bytes, first.file.file_bytes);
        CHECK_BYTES(other.file.file, first.file.file, first.file.file_bytes);
        drop(&other);
    }
    drop(&first);
    free(rows);
}

static void threads_and_pieces_change_nothing(void)
{
    if (!check_is_emulated()) {
        check_threads(DISKANN_CODES_PQ);
    }
    check_threads(DISKANN_CODES_1BIT);
}

/* With room for all rows as they are, the file is that of a build in memory; with windows of any size too. */
static void it_is_the_file_of_a_build_in_memory(void)
{
    static const uint32_t metrics[] = {DISKANN_L2, DISKANN_COSINE, DISKANN_IP};
    for (uint32_t i = 0; i < (check_is_light() ? 1 : 3); i++) {
        const diskann_config config = plain_config(DISKANN_U8, metrics[i], DISKANN_CODES_1BIT);
        float *rows = world_rows(ROWS, &config, 11);
        world w = world_of(&config, rows, ROWS, DISKANN_F32);
        host runner = {.workers = 1};
        diskann_index *index = world_index(&config, NULL, rows, ROWS, ROWS, &runner);
        host saved = world_save(index);
        w.budget.memory_bytes = whole_bytes(&w.budget);
        for (uint32_t round = 0; round < 2; round++, w.budget.memory_bytes = 64 << 20) {
            w.workers = 2;
            CHECK_INT(build(&w), DISKANN_OK);
            CHECK_UINT(w.file.file_bytes, saved.file_bytes);
            CHECK_BYTES(w.file.file, saved.file, saved.file_bytes);
            drop(&w);
        }
        free(saved.file);
        diskann_index_destroy(index);
        free(rows);
    }
}

static void own_ids_come_back(void)
{
    const diskann_config config = plain_config(DISKANN_F32, DISKANN_L2, DISKANN_CODES_NONE);
    float *rows = world_rows(ROWS, &config, 6);
    uint64_t *ids = malloc(ROWS * sizeof *ids);
    REQUIRE(ids != NULL);
    for (uint64_t i = 0; i < ROWS; i++) {
        ids[i] = (i * 7919 % ROWS) * 1000003;
    }
    world w = world_of(&config, rows, ROWS, DISKANN_F32);
    w.ids = ids;
    w.budget.has_ids = 1;
    w.budget.memory_bytes = needs_of(&w.budget).memory_bytes;
    CHECK_INT(build(&w), DISKANN_OK);
    check_file(&w, rows);
    drop(&w);
    ids[2000] = ids[17];
    w.meter = (meter){0};
    CHECK_INT(build(&w), DISKANN_ERR_DUPLICATE_ID);
    CHECK_INT(w.failure.row, 2000);
    CHECK_UINT(w.failure.value, ids[17]);
    drop(&w);
    free(ids);
    free(rows);
}

static void bad_rows_are_named(void)
{
    const diskann_config config = plain_config(DISKANN_U8, DISKANN_L2, DISKANN_CODES_PQ);
    float *rows = world_rows(ROWS, &config, 7);
    world w = world_of(&config, rows, ROWS, DISKANN_F32);
    w.budget.memory_bytes = needs_of(&w.budget).memory_bytes;
    w.workers = 2;
    rows[2500 * DIMENSIONS] = 0.5f;
    CHECK_INT(build(&w), DISKANN_ERR_INVALID_ARGUMENT);
    CHECK_INT(w.failure.row, 2500);
    drop(&w);
    rows[900 * DIMENSIONS + 2] = 1.0f / 0.0f;
    CHECK_INT(build(&w), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(w.failure.row, 900);
    drop(&w);
    free(rows);
}

static void equal_rows_are_all_found(void)
{
    const diskann_config config = plain_config(DISKANN_F32, DISKANN_L2, DISKANN_CODES_PQ);
    float *rows = calloc((size_t)ROWS * DIMENSIONS, sizeof *rows);
    REQUIRE(rows != NULL);
    world w = world_of(&config, rows, ROWS, DISKANN_F32);
    w.budget.memory_bytes = needs_of(&w.budget).memory_bytes;
    CHECK_INT(build(&w), DISKANN_OK);
    diskann_index *index = opened(&w);
    CHECK_UINT(world_findings(index, NULL), 0);
    diskann_index_destroy(index);
    drop(&w);
    free(rows);
}

static void too_little_is_refused(void)
{
    const diskann_config config = plain_config(DISKANN_F32, DISKANN_L2, DISKANN_CODES_PQ);
    diskann_budget budget = {.config = config, .rows = ROWS, .data_type = DISKANN_F32};
    diskann_op *op = NULL;
    const diskann_budget_needs needs = needs_of(&budget);
    CHECK_UINT(needs.shards, 0);
    budget.memory_bytes = needs.memory_bytes - 1;
    CHECK_INT(diskann_budget_begin(&budget, 1, NULL, &op), DISKANN_ERR_NO_MEMORY);
    budget.memory_bytes = needs.memory_bytes;
    CHECK_INT(diskann_budget_begin(&budget, needs_of(&budget).workers + 1, NULL, &op), DISKANN_ERR_NO_MEMORY);
    budget.data_type = DISKANN_U8;
    CHECK_INT(diskann_budget_begin(&budget, 1, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT);
    budget.data_type = DISKANN_F32;
    budget.config.codes = DISKANN_CODES_1BIT;
    CHECK_INT(diskann_budget_begin(&budget, 1, NULL, &op), DISKANN_ERR_INVALID_ARGUMENT); /* of no such size */
    CHECK(op == NULL);
}

static void few_rows_and_none(void)
{
    const diskann_config config = plain_config(DISKANN_F32, DISKANN_IP, DISKANN_CODES_PQ);
    float *rows = world_rows(5, &config, 8);
    for (uint64_t count = 0; count <= 5; count += count == 0 ? 1 : 4) {
        world w = world_of(&config, rows, count, DISKANN_F32);
        w.budget.memory_bytes = needs_of(&w.budget).memory_bytes;
        CHECK_INT(build(&w), DISKANN_OK);
        diskann_index *index = opened(&w);
        CHECK_UINT(diskann_index_size(index), count);
        CHECK_UINT(world_findings(index, NULL), 0);
        diskann_index_destroy(index);
        drop(&w);
    }
    free(rows);
}

static void check_ends(uint32_t codes)
{
    diskann_config config = plain_config(DISKANN_F32, DISKANN_L2, codes);
    config.build_list_size = 20;
    enum { FEW = 1200 };
    float *rows = world_rows(FEW, &config, 9);
    world w = world_of(&config, rows, FEW, DISKANN_F32);
    w.budget.memory_bytes = needs_of(&w.budget).memory_bytes;
    CHECK_INT(build(&w), DISKANN_OK);
    const uint64_t requests = w.requests, stages = w.stages, calls = w.meter.calls;
    drop(&w);
    const uint64_t ends = check_is_light() ? 2 : 12;
    for (uint64_t at = 1; at <= requests; at += 1 + requests / ends) {
        w.requests = 0;
        w.fail_at = at;
        CHECK_INT(build(&w), DISKANN_ERR_IO);
        drop(&w);
    }
    w.fail_at = 0;
    for (uint64_t at = 1; at <= stages; at += 1 + stages / ends) {
        w.stages = 0;
        w.cancel_at = at;
        CHECK_INT(build(&w), DISKANN_ERR_CANCELLED);
        drop(&w);
    }
    w.cancel_at = 0;
    for (uint64_t at = 1; at <= calls; at += 1 + calls / (3 * ends)) {
        w.meter = (meter){.fail_at = at};
        CHECK_INT(build(&w), DISKANN_ERR_NO_MEMORY);
        CHECK_UINT(w.meter.live, 0);
        drop(&w);
    }
    free(rows);
}

/* Whatever fails, and whenever it is cancelled, it ends with that and gives all memory back. */
static void any_end_is_clean(void)
{
    check_ends(DISKANN_CODES_PQ);
    if (!check_is_emulated()) {
        check_ends(DISKANN_CODES_1BIT);
    }
}

CHECK_MAIN(CHECK_TEST(every_type_and_metric_in_shards), CHECK_TEST(every_type_at_once), CHECK_TEST(the_plan_is_kept),
           CHECK_TEST(threads_and_pieces_change_nothing), CHECK_TEST(it_is_the_file_of_a_build_in_memory),
           CHECK_TEST(own_ids_come_back), CHECK_TEST(bad_rows_are_named),
           CHECK_TEST(equal_rows_are_all_found), CHECK_TEST(too_little_is_refused), CHECK_TEST(few_rows_and_none),
           CHECK_TEST(any_end_is_clean))
