/* A build under a budget: the graph, by builds in memory. */
#include "budget.h"

#include "../base/status.h"

#include <string.h>

/* The number of the shard under way: that with the entry first, then in order. */
static uint32_t shard_number(const budget_op *op)
{
    return op->shard == 0 ? op->first_shard : op->shard <= op->first_shard ? op->shard - 1 : op->shard;
}

static int is_of_shard(const budget_op *op, uint64_t row)
{
    const uint32_t shard = shard_number(op);
    return budget_is_whole(op) || op->owners[row][0] == shard || op->owners[row][1] == shard;
}

static void drop_inner(budget_op *op)
{
    diskann_op_end(op->build);
    op->build = NULL;
    if (op->inner != NULL) {
        index_destroy(op->inner);
        op->inner = NULL;
    }
}

void budget_shards_reset(budget_op *op)
{
    drop_inner(op);
    merge_release(op);
}

/* ---- a shard ---- */

static int begin_shard(budget_op *op, diskann_stage *stage)
{
    TRY(index_create(&op->plan.inner, &op->account.allocator, &op->inner));
    TRY(diskann_build_begin(op->inner, op->base.workers, &op->build));
    return budget_begin_pass(op, stage, PASS_SHARD);
}

/* Rows of the shard go into its build under their numbers. */
static void take_rows(budget_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end && op->take_status == DISKANN_OK; i++) {
        const uint64_t row = op->first + i;
        if (is_of_shard(op, row)) {
            op->take_status = diskann_op_rows(op->build, budget_row(op, i), op->data_type, &row, 1);
        }
    }
}

static int step_build(budget_op *op, diskann_stage *stage)
{
    op->state = BUDGET_BUILD;
    const uint64_t rows = budget_is_whole(op) ? op->rows : op->shard_sizes[shard_number(op)];
    const int status = budget_step_part(op, op->build, stage, op->linked, rows);
    if (status != DISKANN_OK) {
        return status;
    }
    diskann_op_end(op->build);
    op->build = NULL;
    op->linked += op->inner->size;
    index_drop_codes(op->inner);
    id_map_reset(&op->inner->ids);
    if (budget_is_whole(op)) {
        return budget_begin_pages(op, stage);
    }
    TRY(merge_prepare(op));
    return budget_enter(op, stage, BUDGET_ATTACH, op->inner->size, 0);
}

static int next_shard(budget_op *op, diskann_stage *stage)
{
    merge_release(op);
    drop_inner(op);
    op->shard++;
    return op->shard < op->plan.shards ? begin_shard(op, stage) : budget_begin_pages(op, stage);
}

static int next_rows(budget_op *op, diskann_stage *stage)
{
    TRY(op->take_status);
    const int status = budget_read(op, stage);
    return status != DISKANN_OK ? status : step_build(op, stage);
}

/* ---- stages ---- */

int budget_begin_shards(budget_op *op, diskann_stage *stage)
{
    record_store_truncate(&op->work->records, 0);
    if (!budget_is_whole(op)) {
        const uint32_t capacity = op->block.config.max_degree;
        op->links = (graph_links){.capacity = capacity, .stride = (capacity + 1) * (uint32_t)sizeof(uint32_t)};
        op->links.lists = memory_get_zeroed(&op->account, op->rows * op->links.stride);
        if (op->links.lists == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    return begin_shard(op, stage);
}

int budget_shards_step(budget_op *op, diskann_stage *stage)
{
    switch (op->state) {
    case BUDGET_READ:
        return budget_enter(op, stage, BUDGET_TAKE, op->count, 0);
    case BUDGET_TAKE:
        return next_rows(op, stage);
    case BUDGET_BUILD:
        return step_build(op, stage);
    case BUDGET_ATTACH:
        return budget_enter(op, stage, BUDGET_MERGE, op->inner->size, 1);
    default:
        return next_shard(op, stage);
    }
}

void budget_shards_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    switch (op->state) {
    case BUDGET_TAKE:
        take_rows(op, begin, end);
        break;
    case BUDGET_BUILD:
        budget_run_part(op, op->build, worker, begin, end);
        break;
    case BUDGET_ATTACH:
        merge_attach(op, begin, end);
        break;
    default:
        merge_lists(op, worker, begin, end);
    }
}
