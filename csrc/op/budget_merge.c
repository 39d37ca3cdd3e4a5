/*
 * The graph of a shard goes into that of all rows. Its rows have two shards each: their lists are united, and pruned by codes
 * where they are too long for one. Rows that are in no tree yet hang where they hang in the shard's.
 */
#include "budget.h"

#include "../base/status.h"

#include <string.h>

typedef struct merge_worker {
    prune_scratch prune;
    diskann_index *points; /* the row, then its candidates, as their codes say */
    graph_space space;     /* of these */
    uint32_t *rows;        /* [candidates]: their numbers */
    record_list *list;     /* what the prune chose */
} merge_worker;

enum { MERGER_BYTES = 24576 }; /* the same on every machine, so that plans are */
_Static_assert(sizeof(merge_worker) <= MERGER_BYTES, "mergers are counted");

/* Most neighbours that a list and one of a shard have together. */
static uint32_t candidates_max(const diskann_config *config, const diskann_config *inner)
{
    return config->max_degree + inner->max_degree;
}

static diskann_config points_config(const diskann_config *config)
{
    diskann_config points = *config;
    points.data_type = DISKANN_F32;
    points.max_degree = DISKANN_MAX_DEGREE_MIN;
    points.codes = DISKANN_CODES_NONE;
    points.code_bytes = 0;
    points.page_bytes = 0;
    return points;
}

uint64_t merge_bytes(const diskann_config *config, const diskann_config *inner, uint32_t workers)
{
    const diskann_config points = points_config(config);
    const uint64_t most = candidates_max(config, inner) + UINT64_C(1);
    record_layout layout;
    record_layout_init(&layout, &points);
    const uint64_t records = (record_pages(&layout, most) + 1) * layout.page_bytes * 9 / 8 + 8 * 8192;
    return workers * (MERGER_BYTES + BUDGET_INDEX_BYTES + records + most * 32 + 4096);
}

static int prepare_worker(budget_op *op, merge_worker *worker)
{
    memory_account *account = &op->account;
    const diskann_config config = points_config(&op->block.config);
    const uint32_t most = candidates_max(&op->block.config, &op->plan.inner);
    float norm_max;
    const uint32_t bits = atomic_load(&op->norm_max);
    memcpy(&norm_max, &bits, sizeof norm_max);
    prune_init(&worker->prune, account);
    TRY(index_create(&config, &account->allocator, &worker->points));
    TRY(record_store_reserve(&worker->points->records, most + UINT64_C(1)));
    worker->space = graph_space_for_links(&worker->points->space, norm_max);
    worker->rows = memory_get(account, most * sizeof *worker->rows);
    worker->list = memory_get(account, op->links.stride);
    TRY(prune_reserve(&worker->prune, most, 0));
    return worker->rows != NULL && worker->list != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

int merge_prepare(budget_op *op)
{
    op->mergers = memory_get_zeroed(&op->account, op->base.workers * sizeof *op->mergers);
    if (op->mergers == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < op->base.workers; i++) {
        TRY(prepare_worker(op, &op->mergers[i]));
    }
    return DISKANN_OK;
}

void merge_release(budget_op *op)
{
    const uint32_t most = candidates_max(&op->block.config, &op->plan.inner);
    for (uint32_t i = 0; op->mergers != NULL && i < op->base.workers; i++) {
        merge_worker *worker = &op->mergers[i];
        if (worker->points != NULL) {
            index_destroy(worker->points);
        }
        if (worker->prune.account != NULL) {
            prune_reset(&worker->prune);
        }
        memory_put(&op->account, worker->rows, most * sizeof *worker->rows);
        memory_put(&op->account, worker->list, op->links.stride);
    }
    memory_put(&op->account, op->mergers, op->base.workers * sizeof *op->mergers);
    op->mergers = NULL;
}

/* ---- the tree ---- */

/* The row of a slot of the shard. */
static uint32_t row_of(const budget_op *op, uint32_t slot)
{
    const record_store *records = &op->inner->records;
    return (uint32_t)*record_id(&records->layout, record_at(records, slot));
}

static const record_list *list_of(const budget_op *op, uint32_t slot)
{
    const record_store *records = &op->inner->records;
    return record_links(&records->layout, record_at(records, slot));
}

static uint32_t place_of(const record_list *list, uint32_t row)
{
    uint32_t place = 0;
    while (place < list->degree && list->neighbours[place] != row) {
        place++;
    }
    return place;
}

/* Below the parent, or where it is full below the first of its children that is not. */
static void hang(budget_op *op, uint32_t parent, uint32_t row)
{
    const uint32_t max_degree = op->block.config.max_degree;
    record_list *list = links_at(&op->links, parent);
    while (list->children == record_children_max(max_degree)) {
        list = links_at(&op->links, list->neighbours[0]);
    }
    uint32_t place = place_of(list, row);
    if (place == list->degree) {
        place = list->degree < max_degree ? list->degree++ : max_degree - 1;
    }
    list->neighbours[place] = list->neighbours[list->children];
    list->neighbours[list->children++] = row;
    op->owners[row][2] = 1;
}

/* Slots have the order of the shard's tree: a parent comes before its children. */
void merge_attach(budget_op *op, uint64_t begin, uint64_t end)
{
    for (uint64_t slot = begin; slot < end; slot++) {
        const uint32_t row = row_of(op, (uint32_t)slot);
        if (slot == 0 && op->linked == op->inner->size) { /* the first that has any rows */
            op->entry = row;
            op->owners[row][2] = 1;
        } else if (slot == 0 && !op->owners[row][2]) {
            hang(op, op->entry, row);
        }
        const record_list *list = list_of(op, (uint32_t)slot);
        for (uint32_t i = 0; i < list->children; i++) {
            const uint32_t child = row_of(op, list->neighbours[i]);
            if (!op->owners[child][2]) {
                hang(op, row, child);
            }
        }
    }
}

/* ---- the lists ---- */

static graph_point load_point(const budget_op *op, const merge_worker *worker, uint32_t slot, uint32_t row)
{
    const record_store *records = &worker->points->records;
    const pq_codes *codes = &op->work->pq;
    uint8_t *record = record_at(records, slot);
    pq_decode_row(codes->pq, codes->codes + (size_t)row * codes->code_bytes, (float *)(void *)record);
    *record_aux(&records->layout, record) = graph_aux(&worker->space, record);
    return graph_point_at(&worker->space, slot);
}

/* Chooses among worker->rows[0 .. count), of which the first are tree edges. */
static void choose(const budget_op *op, merge_worker *worker, uint32_t row, uint32_t count, record_list *list)
{
    const diskann_config *config = &op->block.config;
    const graph_point point = load_point(op, worker, 0, row);
    for (uint32_t i = 0; i < count; i++) {
        const graph_point other = load_point(op, worker, i + 1, worker->rows[i]);
        worker->prune.pool[i] =
            candidate_make(graph_distance(&worker->space, point, other), i + 1) | (i < list->children ? 1 : 0);
    }
    prune_run(&worker->prune, &worker->space, count, config->max_degree, config->alpha, worker->list);
    list->degree = worker->list->degree;
    list->children = worker->list->children;
    for (uint32_t i = 0; i < list->degree; i++) {
        list->neighbours[i] = worker->rows[worker->list->neighbours[i] - 1];
    }
}

static void merge_list(const budget_op *op, merge_worker *worker, uint32_t slot)
{
    const uint32_t row = row_of(op, slot);
    const record_list *from = list_of(op, slot);
    record_list *list = links_at(&op->links, row);
    uint32_t count = list->degree;
    memcpy(worker->rows, list->neighbours, count * sizeof *worker->rows);
    for (uint32_t i = 0; i < from->degree; i++) {
        const uint32_t other = row_of(op, from->neighbours[i]);
        if (place_of(list, other) == list->degree) {
            worker->rows[count++] = other;
        }
    }
    if (count > op->links.capacity) {
        choose(op, worker, row, count, list);
        return;
    }
    memcpy(list->neighbours, worker->rows, count * sizeof *worker->rows);
    list->degree = (uint16_t)count;
}

void merge_lists(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    for (uint64_t slot = begin; slot < end && !op_is_cancelled(&op->base); slot++) {
        merge_list(op, &op->mergers[worker], (uint32_t)slot);
    }
}
