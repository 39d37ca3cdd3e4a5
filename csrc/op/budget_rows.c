/* A build under a budget, up to the shards: what all rows are, the quantiser, their codes, and where they belong. */
#include "budget.h"

#include "../base/status.h"
#include "../simd/elements.h"
#include "extremes.h"

#include <string.h>

/* ---- survey ---- */

static float *scratch_of(const budget_op *op, uint32_t worker)
{
    return op->scratch + worker * op->scratch_floats;
}

int budget_load_row(budget_op *op, uint64_t i, uint8_t *record)
{
    const graph_space *space = &op->work->space;
    const int status = budget_store_row(op, budget_row(op, i), record);
    if (status < 0 || !graph_is_finite(space, record)) {
        lower_to(&op->bad_row, 2 * (op->first + i) + (status != DISKANN_ERR_INVALID_ARGUMENT));
        return 0;
    }
    *record_aux(&space->records->layout, record) = graph_aux(space, record);
    return 1;
}

static void load_rows(budget_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        uint8_t *record = record_at(&op->work->records, (uint32_t)i);
        if (budget_load_row(op, i, record)) {
            raise_to(&op->norm_max, *record_aux(&op->work->records.layout, record));
        }
    }
}

int budget_check_rows(budget_op *op)
{
    const uint64_t bad = atomic_load(&op->bad_row);
    if (bad == UINT64_MAX) {
        return DISKANN_OK;
    }
    const int status = bad & 1 ? DISKANN_ERR_NOT_FINITE : DISKANN_ERR_INVALID_ARGUMENT;
    return op_fail(&op->base, status, 0, (int64_t)(bad / 2), DISKANN_NOWHERE, 0);
}

static void sample_rows_of(budget_op *op, uint64_t begin, uint64_t end)
{
    float *vector = scratch_of(op, 0);
    for (uint64_t i = begin; i < end && op->sample_status == DISKANN_OK; i++) {
        graph_code_vector(&op->work->space, record_at(&op->work->records, (uint32_t)i), vector);
        op->sample_status = diskann_pq_rows(op->training, vector, 1);
        if (op->sample_status == DISKANN_OK && op->centring != NULL) {
            op->sample_status = diskann_pq_rows(op->centring, vector, 1);
        }
    }
}

static int begin_training(budget_op *op)
{
    const uint32_t workers = op->base.workers;
    diskann_pq_config config = pq_codes_training(&op->work->pq, op->block.config.seed);
    config.sample_rows = op->plan.sample_rows;
    TRY(diskann_pq_train_begin(&config, workers, &op->account.allocator, &op->training));
    if (budget_is_whole(op)) {
        return DISKANN_OK;
    }
    diskann_pq_config_init(&config, op->block.config.dimensions, 1);
    config.centroids = op->plan.shards;
    config.sample_rows = op->plan.centre_rows;
    config.is_centred = 0;
    config.simd = op->work->config.simd;
    config.seed = op->block.config.seed;
    return diskann_pq_train_begin(&config, workers, &op->account.allocator, &op->centring);
}

int budget_survey(budget_op *op, diskann_stage *stage)
{
    if (op->rows == 0) {
        return budget_begin_pages(op, stage);
    }
    TRY(record_store_reserve(&op->work->records, op->plan.input_rows));
    if (budget_is_coded(op)) {
        TRY(begin_training(op));
    }
    return budget_begin_pass(op, stage, PASS_SURVEY);
}

/* ---- training ---- */

static void find_first_shard(budget_op *op)
{
    const diskann_pq *centres = op->centres;
    const uint32_t dimensions = centres->dimensions;
    const simd_kernels *kernels = op->work->space.kernels;
    float *middle = scratch_of(op, 0);
    for (uint32_t j = 0; j < dimensions; j++) {
        double sum = 0;
        for (uint32_t shard = 0; shard < op->plan.shards; shard++) {
            sum += centres->codebook[(size_t)shard * dimensions + j];
        }
        middle[j] = (float)(sum / op->plan.shards);
    }
    float nearest = 0;
    for (uint32_t shard = 0; shard < op->plan.shards; shard++) {
        const float *centre = centres->codebook + (size_t)shard * dimensions;
        const float distance = kernels->one[DISKANN_F32][SIMD_SUM_L2](middle, centre, dimensions);
        if (shard == 0 || distance < nearest) {
            nearest = distance;
            op->first_shard = shard;
        }
    }
}

static int begin_coding(budget_op *op, diskann_stage *stage)
{
    find_first_shard(op);
    op->owners = memory_get_zeroed(&op->account, op->rows * sizeof *op->owners);
    if (op->owners == NULL || pq_codes_reserve(&op->work->pq, op->rows) < 0) {
        return DISKANN_ERR_NO_MEMORY;
    }
    return budget_begin_pass(op, stage, PASS_CODE);
}

static int end_training(budget_op *op)
{
    TRY(pq_codes_adopt(&op->work->pq, diskann_pq_train_take(op->training)));
    diskann_op_end(op->training);
    op->training = NULL;
    return DISKANN_OK;
}

static int step_training(budget_op *op, diskann_stage *stage)
{
    TRY(op->sample_status);
    if (op->training != NULL) {
        op->state = BUDGET_TRAIN;
        const int status = budget_step_part(op, op->training, stage, 0, op->rows);
        if (status != DISKANN_OK) {
            return status;
        }
        TRY(end_training(op));
    }
    if (op->centring != NULL) {
        op->state = BUDGET_CENTRE;
        const int status = budget_step_part(op, op->centring, stage, op->rows, op->rows);
        if (status != DISKANN_OK) {
            return status;
        }
        op->centres = diskann_pq_train_take(op->centring);
        diskann_op_end(op->centring);
        op->centring = NULL;
        return begin_coding(op, stage);
    }
    return budget_begin_shards(op, stage);
}

/* ---- codes and shards of all rows ---- */

static void encode_piece(budget_op *op, uint32_t worker, uint64_t piece)
{
    uint8_t *codes = op->work->pq.codes + op->first * op->work->config.code_bytes;
    index_encode_pq(op->work, 0, op->count, piece, scratch_of(op, worker), codes);
}

/* The shards whose centres are nearest, in order; equally near ones by number. */
static void rank_row(budget_op *op, uint32_t worker, uint64_t i)
{
    const uint32_t dimensions = op->work->config.dimensions;
    const simd_kernels *kernels = op->work->space.kernels;
    float *vector = scratch_of(op, worker);
    float distances[BUDGET_NEAREST];
    uint8_t *nearest = op->owners[op->first + i];
    uint32_t count = 0;
    graph_code_vector(&op->work->space, record_at(&op->work->records, (uint32_t)i), vector);
    for (uint32_t shard = 0; shard < op->plan.shards; shard++) {
        const float *centre = op->centres->codebook + (size_t)shard * dimensions;
        const float distance = kernels->one[DISKANN_F32][SIMD_SUM_L2](vector, centre, dimensions);
        uint32_t place = count;
        while (place > 0 && distance < distances[place - 1]) {
            place--;
        }
        for (uint32_t j = count < BUDGET_NEAREST ? count++ : BUDGET_NEAREST - 1; j > place; j--) {
            distances[j] = distances[j - 1];
            nearest[j] = nearest[j - 1];
        }
        if (place < BUDGET_NEAREST) {
            distances[place] = distance;
            nearest[place] = (uint8_t)shard;
        }
    }
}

static uint32_t emptiest_shard(const budget_op *op)
{
    uint32_t best = 0;
    for (uint32_t shard = 1; shard < op->plan.shards; shard++) {
        best = op->shard_sizes[shard] < op->shard_sizes[best] ? shard : best;
    }
    return best;
}

/*
 * The nearest shard that has room goes to place `place` of the row, 0 or 1; the others before it are full. Where all that are
 * known are full it is the emptiest.
 */
static void assign_row(budget_op *op, uint64_t row, uint32_t place)
{
    uint8_t *owners = op->owners[row];
    uint32_t at = place;
    while (at < BUDGET_NEAREST && op->shard_sizes[owners[at]] >= op->plan.shard_rows) {
        at++;
    }
    if (at < BUDGET_NEAREST) {
        const uint8_t found = owners[at];
        owners[at] = owners[place];
        owners[place] = found;
    } else {
        owners[place] = (uint8_t)emptiest_shard(op);
        if (op->shard_sizes[owners[place]] >= op->plan.shard_rows) {
            owners[place] = owners[0]; /* nowhere: one is enough */
        }
    }
    op->shard_sizes[owners[place]] += place == 0 || owners[1] != owners[0];
}

/* Every row has its first shard before any has its second. */
static void assign_rows(budget_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t item = begin; item < end; item++) {
        const uint64_t row = item < op->rows ? item : item - op->rows;
        assign_row(op, row, item >= op->rows);
        if (item >= op->rows) {
            op->owners[row][2] = 0; /* not in the tree yet */
        }
    }
}

/* ---- stages ---- */

static int next_rows(budget_op *op, diskann_stage *stage)
{
    const int status = budget_read(op, stage);
    if (status != DISKANN_OK) {
        return status;
    }
    if (op->pass == PASS_CODE) {
        pq_destroy(op->centres);
        op->centres = NULL;
        return budget_enter(op, stage, BUDGET_ASSIGN, 2 * op->rows, 0);
    }
    return budget_is_coded(op) ? step_training(op, stage) : budget_begin_shards(op, stage);
}

int budget_rows_step(budget_op *op, diskann_stage *stage)
{
    switch (op->state) {
    case BUDGET_READ:
        return budget_enter(op, stage, BUDGET_LOAD, op->count, 1);
    case BUDGET_LOAD:
        TRY(budget_check_rows(op));
        if (op->pass == PASS_CODE) {
            return budget_enter(op, stage, BUDGET_ENCODE, index_pq_pieces(op->work, op->count), 1);
        }
        return budget_is_coded(op) ? budget_enter(op, stage, BUDGET_SAMPLE, op->count, 0) : next_rows(op, stage);
    case BUDGET_ENCODE:
        return budget_enter(op, stage, BUDGET_RANK, op->count, 1);
    case BUDGET_SAMPLE:
    case BUDGET_RANK:
        return next_rows(op, stage);
    case BUDGET_TRAIN:
    case BUDGET_CENTRE:
        return step_training(op, stage);
    default:
        return budget_begin_shards(op, stage);
    }
}

void budget_rows_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    switch (op->state) {
    case BUDGET_LOAD:
        load_rows(op, begin, end);
        break;
    case BUDGET_SAMPLE:
        sample_rows_of(op, begin, end);
        break;
    case BUDGET_TRAIN:
        budget_run_part(op, op->training, worker, begin, end);
        break;
    case BUDGET_CENTRE:
        budget_run_part(op, op->centring, worker, begin, end);
        break;
    case BUDGET_ENCODE:
        for (uint64_t piece = begin; piece < end; piece++) {
            encode_piece(op, worker, piece);
        }
        break;
    case BUDGET_RANK:
        for (uint64_t i = begin; i < end; i++) {
            rank_row(op, worker, i);
        }
        break;
    default:
        assign_rows(op, begin, end);
    }
}
