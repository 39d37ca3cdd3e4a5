/* The operation of a build under a budget: its beginning, its memory, its passes over the rows, its end. */
#include "budget.h"

#include "../base/status.h"
#include "../simd/elements.h"

#include <string.h>

/* ---- memory ---- */

static void *metered_allocate(void *context, size_t bytes)
{
    budget_meter *meter = context;
    if (atomic_fetch_add_explicit(&meter->live, bytes, memory_order_relaxed) + bytes <= meter->limit) {
        void *memory = meter->from.allocate(meter->from.context, bytes);
        if (memory != NULL) {
            return memory;
        }
    }
    atomic_fetch_sub_explicit(&meter->live, bytes, memory_order_relaxed);
    return NULL;
}

static void metered_release(void *context, void *memory, size_t bytes)
{
    budget_meter *meter = context;
    atomic_fetch_sub_explicit(&meter->live, bytes, memory_order_relaxed);
    meter->from.release(meter->from.context, memory, bytes);
}

/* ---- what the passes share ---- */

int budget_store_row(const budget_op *op, const uint8_t *row, uint8_t *record)
{
    const diskann_config *config = &op->work->config;
    if (op->data_type != config->data_type) {
        return elements_from_floats(config->data_type, (const float *)(const void *)row, config->dimensions, record);
    }
    memcpy(record, row, (size_t)op->row_bytes);
    return DISKANN_OK;
}

static uint32_t phase_of(const budget_op *op, uint32_t state)
{
    static const uint32_t phases[] = {DISKANN_PHASE_VALIDATE, DISKANN_PHASE_TRAIN, DISKANN_PHASE_LINK, DISKANN_PHASE_WRITE,
                                      DISKANN_PHASE_WRITE};
    if (state == BUDGET_READ || state == BUDGET_LOAD) {
        return phases[op->pass];
    }
    return state <= BUDGET_SAMPLE   ? DISKANN_PHASE_VALIDATE
           : state <= BUDGET_ASSIGN ? DISKANN_PHASE_TRAIN
           : state <= BUDGET_MERGE  ? DISKANN_PHASE_LINK
           : state == BUDGET_ORDER  ? DISKANN_PHASE_ORDER
                                    : DISKANN_PHASE_WRITE;
}

/* Rows that are linked, two of each in shards. */
static uint64_t links_wanted(const budget_op *op)
{
    return budget_is_whole(op) ? op->rows : 2 * op->rows;
}

static uint64_t bytes_written(const budget_op *op)
{
    return op->state < BUDGET_CODE_PAGES ? page_offset(&op->block.layout, op->window + op->next_page) : op->block.file_bytes;
}

static void tell_progress(const budget_op *op, diskann_stage *stage)
{
    switch (stage->phase) {
    case DISKANN_PHASE_TRAIN: /* the quantiser, the centres, the codes: equal shares */
        stage->total = 3 * op->rows;
        stage->done = 2 * op->rows + op->first;
        break;
    case DISKANN_PHASE_LINK:
        stage->total = links_wanted(op);
        stage->done = op->linked < stage->total ? op->linked : stage->total;
        break;
    case DISKANN_PHASE_WRITE:
        stage->total = op->block.file_bytes;
        stage->done = bytes_written(op);
        break;
    default:
        stage->total = op->rows;
        stage->done = stage->phase == DISKANN_PHASE_ORDER ? 0 : op->first;
    }
}

int budget_enter(budget_op *op, diskann_stage *stage, uint32_t state, uint64_t items, uint32_t parallel)
{
    op->state = state;
    stage->phase = phase_of(op, state);
    stage->items = items;
    stage->parallel = parallel;
    tell_progress(op, stage);
    return DISKANN_RUN;
}

int budget_begin_pass(budget_op *op, diskann_stage *stage, uint32_t pass)
{
    op->pass = pass;
    op->first = 0;
    op->count = 0;
    return budget_read(op, stage);
}

int budget_read(budget_op *op, diskann_stage *stage)
{
    op->first += op->count;
    const uint64_t rest = op->rows - op->first;
    op->count = rest < op->plan.input_rows ? rest : op->plan.input_rows;
    if (op->count == 0) {
        return DISKANN_OK;
    }
    op->state = BUDGET_READ;
    transfer_begin(&op->transfer);
    transfer_add(&op->transfer, DISKANN_READ, op->first * op->row_bytes, op->count * op->row_bytes, op->input);
    transfer_hand_out(&op->transfer, stage, phase_of(op, BUDGET_READ), 0);
    tell_progress(op, stage);
    return DISKANN_IO;
}

/* How far a part is, 0 .. 1: a build by what it has linked. */
static double part_share(const diskann_stage *stage)
{
    if (stage->phase == DISKANN_PHASE_VALIDATE || stage->total == 0) {
        return 0.0;
    }
    return stage->phase == DISKANN_PHASE_ORDER ? 1.0 : (double)stage->done / (double)stage->total;
}

int budget_step_part(budget_op *op, diskann_op *part, diskann_stage *stage, uint64_t before, uint64_t whole)
{
    const int status = diskann_op_step(part, stage);
    if (status < 0) {
        diskann_op_failure(part, &op->base.failure);
        op->base.failure.row = DISKANN_NOWHERE; /* its rows are not those that were given */
        return status;
    }
    const double share = part_share(stage);
    stage->phase = phase_of(op, op->state);
    tell_progress(op, stage);
    stage->done = before + (uint64_t)(share * (double)whole);
    stage->done = stage->done < stage->total ? stage->done : stage->total;
    return status;
}

void budget_run_part(const budget_op *op, diskann_op *part, uint32_t worker, uint64_t begin, uint64_t end)
{
    enum { PIECE = 32 };
    for (uint64_t item = begin; item < end && !op_is_cancelled(&op->base); item += PIECE) {
        diskann_op_run(part, worker, item, end - item < PIECE ? end : item + PIECE);
    }
}

/* ---- the ids that were given ---- */

static uint64_t id_table_size(const budget_op *op)
{
    uint64_t size = 64;
    while (size < op->rows + op->rows / 2) {
        size *= 2;
    }
    return size;
}

static int begin_ids(budget_op *op, diskann_stage *stage)
{
    if (op->ids_count != op->rows) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const uint64_t bytes = id_table_size(op) * sizeof *op->id_table;
    op->id_table = memory_get(&op->account, bytes);
    if (op->id_table == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memset(op->id_table, 0xff, (size_t)bytes);
    return budget_enter(op, stage, BUDGET_IDS, op->rows, 0);
}

static void put_ids(budget_op *op, uint64_t begin, uint64_t end)
{
    const uint64_t mask = id_table_size(op) - 1;
    for (uint64_t row = begin; row < end && op->base.failure.status == 0; row++) {
        const uint64_t hash = op->ids[row] * UINT64_C(0x9e3779b97f4a7c15);
        uint64_t place = (hash ^ (hash >> 32)) & mask;
        while (op->id_table[place] != SLOT_NONE && op->ids[op->id_table[place]] != op->ids[row]) {
            place = (place + 1) & mask;
        }
        if (op->id_table[place] != SLOT_NONE) {
            op_fail(&op->base, DISKANN_ERR_DUPLICATE_ID, 0, (int64_t)row, DISKANN_NOWHERE, op->ids[row]);
            return;
        }
        op->id_table[place] = (uint32_t)row;
        op->block.next_id = op->ids[row] >= op->block.next_id ? op->ids[row] + 1 : op->block.next_id;
    }
}

static void drop_id_table(budget_op *op)
{
    memory_put(&op->account, op->id_table, id_table_size(op) * sizeof *op->id_table);
    op->id_table = NULL;
}

/* ---- the operation ---- */

static int step(diskann_op *base, diskann_stage *stage)
{
    budget_op *op = (budget_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(base->failure.status);
    TRY(transfer_finish(&op->transfer));
    if (op->state == BUDGET_START) {
        return op->ids != NULL ? begin_ids(op, stage) : budget_survey(op, stage);
    }
    if (op->state == BUDGET_IDS) {
        drop_id_table(op);
        return budget_survey(op, stage);
    }
    const uint32_t state = op->state == BUDGET_READ ? op->pass : op->state;
    if (op->state == BUDGET_READ ? state <= PASS_CODE : state <= BUDGET_ASSIGN) {
        return budget_rows_step(op, stage);
    }
    if (op->state == BUDGET_READ ? state == PASS_SHARD : state <= BUDGET_MERGE) {
        return budget_shards_step(op, stage);
    }
    return budget_pages_step(op, stage);
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    budget_op *op = (budget_op *)base;
    if (op_is_cancelled(base)) {
        return;
    }
    if (op->state == BUDGET_IDS) {
        put_ids(op, begin, end);
    } else if (op->state <= BUDGET_ASSIGN) {
        budget_rows_run(op, worker, begin, end);
    } else if (op->state <= BUDGET_MERGE) {
        budget_shards_run(op, worker, begin, end);
    } else {
        budget_pages_run(op, worker, begin, end);
    }
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((budget_op *)base)->transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    budget_op *op = (budget_op *)base;
    memory_account *account = &op->account;
    diskann_op_end(op->training);
    diskann_op_end(op->centring);
    budget_shards_reset(op);
    if (op->centres != NULL) {
        pq_destroy(op->centres);
    }
    code_pages_reset(&op->code_pages);
    budget_bits_reset(op);
    if (op->work != NULL) {
        index_destroy(op->work);
    }
    if (op->id_table != NULL) {
        drop_id_table(op);
    }
    memory_put(account, op->ids, op->rows * sizeof *op->ids);
    memory_put(account, op->input, op->plan.input_rows * op->row_bytes);
    memory_put(account, op->scratch, op->base.workers * op->scratch_floats * sizeof *op->scratch);
    memory_put(account, op->owners, op->rows * sizeof *op->owners);
    memory_put(account, op->walk.rank, op->rows * sizeof *op->walk.rank);
    memory_put(account, op->walk.stack, op->rows * sizeof *op->walk.stack);
    memory_put(account, op->links.lists, op->rows * op->links.stride);
}

static const op_calls calls = {step, run, complete, reset};

/* Rows on their way, with what else the file has beside its graph. */
static int create_work(budget_op *op)
{
    diskann_config config = op->block.config;
    config.codes = budget_is_coded(op) ? DISKANN_CODES_PQ : DISKANN_CODES_NONE;
    config.code_bytes = budget_is_coded(op) ? budget_code_bytes(&config) : 0;
    TRY(index_create(&config, &op->account.allocator, &op->work));
    const uint64_t dimensions = config.dimensions, chunks = budget_code_bytes(&config);
    op->scratch_floats = PQ_CODES_ROWS * (dimensions + (dimensions + chunks - 1) / chunks) + 16;
    if (op->rows == 0) {
        return DISKANN_OK;
    }
    op->input = memory_get(&op->account, op->plan.input_rows * op->row_bytes);
    op->scratch = memory_get(&op->account, op->base.workers * op->scratch_floats * sizeof *op->scratch);
    return op->input != NULL && op->scratch != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

static void describe_file(budget_op *op, const diskann_budget *budget)
{
    op->block.config = budget->config;
    op->block.size = budget->rows;
    op->block.next_id = budget->has_ids ? 0 : budget->rows;
    op->block.entry = budget->rows > 0 ? 0 : SLOT_NONE;
    if (op->block.config.codes == DISKANN_CODES_AUTO) {
        op->block.config.codes = code_is_worthwhile(&budget->config) ? DISKANN_CODES_8BIT : DISKANN_CODES_NONE;
    }
    if (op->block.config.codes == DISKANN_CODES_PQ) {
        op->block.config.code_bytes = budget_code_bytes(&budget->config);
    }
    if (op->block.config.codes == DISKANN_CODES_1BIT && bits_navigator_places(budget->config.dimensions, budget->rows) > 0) {
        op->block.navigator_size = (uint32_t)budget->rows;
    }
    superblock_derive(&op->block);
}

static int check(const diskann_budget *budget, uint32_t workers, diskann_op **out)
{
    if (out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    diskann_budget_needs needs;
    TRY(diskann_budget_need(budget, &needs));
    return needs.shards > 0 && workers <= needs.workers ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

int diskann_budget_begin(const diskann_budget *budget, uint32_t workers, const diskann_allocator *allocator, diskann_op **out)
{
    TRY(check(budget, workers, out));
    TRY(op_create(&calls, sizeof(budget_op), workers, allocator, out));
    budget_op *op = (budget_op *)*out;
    op->plan = budget_plan_of(budget);
    op->meter.from = op->base.account.allocator;
    op->meter.limit = budget->memory_bytes;
    atomic_init(&op->meter.live, sizeof(budget_op));
    atomic_init(&op->bad_row, UINT64_MAX);
    atomic_init(&op->norm_max, 0);
    const diskann_allocator metered = {metered_allocate, metered_release, &op->meter};
    memory_account_init(&op->account, &metered);
    op->rows = budget->rows;
    op->data_type = budget->data_type;
    op->row_bytes = simd_row_bytes(budget->data_type, budget->config.dimensions);
    describe_file(op, budget);
    int status = create_work(op);
    if (status == DISKANN_OK && budget->has_ids && op->rows > 0) {
        op->ids = memory_get(&op->account, op->rows * sizeof *op->ids);
        status = op->ids != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
    }
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

int diskann_budget_ids(diskann_op *base, const uint64_t *ids, uint64_t count)
{
    budget_op *op = (budget_op *)base;
    if (base == NULL || base->calls != &calls || op->state != BUDGET_START || (count > 0 && op->ids == NULL) ||
        count > op->rows - op->ids_count) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (ids[i] > DISKANN_ID_MAX) {
            return DISKANN_ERR_INVALID_ARGUMENT;
        }
        op->ids[op->ids_count++] = ids[i];
    }
    return DISKANN_OK;
}
