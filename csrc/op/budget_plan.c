/*
 * What a build under a budget takes, part by part, and how it is cut so that it fits. All figures are upper bounds; the meter
 * of the operation holds them against what is taken.
 */
#include "budget.h"

#include "../base/status.h"

#include <string.h>

enum {
    WORKERS_PLANNED = 8,       /* a plan has room for so many, whoever runs it: threads do not change it */
    SHARD_SPREAD_PERCENT = 125, /* shards are of unequal size: room for that share of two shards a row */
    SHARDS_MIN = 4,            /* fewer would be nearly whole */
    SHARD_ROWS_MIN = 64,
    SAMPLE_ROWS_MIN = 2048,    /* below, centroids are no better than the rows they are made of */
    CENTRE_ROWS_PER_SHARD = 128,
    INPUT_BYTES_MIN = 1 << 16,
    INPUT_BYTES_MAX = 1 << 20,
    CODE_BUFFER_BYTES = 1 << 20, /* of code_pages.c */
    TRAIN_GROUP_BYTES = 1 << 26, /* of pq_train.c */
    LINK_WORKER_BYTES = 24576,   /* of a struct link_worker, rounded up */
    SMALL_BYTES = 65536,         /* tables of pointers, what nobody counts */
    /* The same on every machine, so that plans are: */
    POINTER_BYTES = 8,
    OP_BYTES = 16384
};

_Static_assert(sizeof(void *) <= POINTER_BYTES, "tables of pointers are counted");
_Static_assert(sizeof(budget_op) <= OP_BYTES, "the operation is counted");
_Static_assert(sizeof(diskann_index) <= BUDGET_INDEX_BYTES, "indexes are counted");

typedef struct costs {
    const diskann_budget *budget;
    record_layout layout; /* of the file */
    uint64_t limit;
    uint64_t rows;
    uint64_t row_bytes;
    uint64_t code_bytes; /* of all codes together, where there are some */
    uint64_t input_rows;
    uint64_t fixed;     /* from the first step to the last */
    uint64_t quantizer; /* trained */
} costs;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint32_t budget_code_bytes(const diskann_config *config)
{
    return config->code_bytes > 0 ? config->code_bytes : pq_code_bytes_default(config->dimensions);
}

/* ---- parts ---- */

static uint64_t segment_bytes(const record_layout *layout)
{
    return (uint64_t)layout->page_bytes << layout->segment_shift;
}

/* A record store that has its size at once. */
static uint64_t records_bytes(const record_layout *layout, uint64_t slots)
{
    const uint64_t pages = record_pages(layout, slots), segments = pages / layout->pages_per_segment + 1;
    uint64_t tables = 8;
    while (tables < segments) {
        tables *= 2;
    }
    const uint64_t bytes = pages * layout->page_bytes;
    return bytes + least(bytes, segment_bytes(layout) / 8) + tables * (POINTER_BYTES + layout->pages_per_segment) * 3 / 2;
}

static uint64_t id_map_size(uint64_t rows)
{
    uint64_t capacity = 64;
    while (rows > capacity / 4 * 3) {
        capacity *= 2;
    }
    return capacity * sizeof(uint32_t);
}

/* 8-bit codes in memory, whose last segment has some room. */
static uint64_t codes_8bit_bytes(const diskann_config *config, uint64_t rows)
{
    const uint64_t stride = (config->dimensions + 31) / 32 * 32 + 32;
    return code_is_worthwhile(config) ? rows * stride + least(rows * stride / 4, 1 << 20) + 4 * config->dimensions : 0;
}

static uint64_t batch_rows(const diskann_config *config, uint64_t rows)
{
    return least(rows / 50 + 1, 131072 / config->max_degree + 1);
}

/* One worker of a build. */
static uint64_t build_worker_bytes(const diskann_config *config, uint64_t rows)
{
    const uint64_t list = config->build_list_size, slack = config->max_degree * 3 / 2;
    const uint64_t pool = most(list + 512, slack + 2 * batch_rows(config, rows));
    return rows + LINK_WORKER_BYTES + 8 * (list + 1) + 8 * (list + 512) + 20 * (slack + 2) + 20 * pool +
           12 * (uint64_t)config->dimensions + 4096;
}

/* What a build holds beside its index. */
static uint64_t build_bytes(const diskann_config *config, uint64_t rows)
{
    const uint64_t slack = config->max_degree * 3 / 2, edges = batch_rows(config, rows) * (config->max_degree + 1) * 8;
    return rows * (4 * (slack + 1) + 12) + 2064 * (uint64_t)config->dimensions + 3 * edges +
           WORKERS_PLANNED * build_worker_bytes(config, rows) + SMALL_BYTES;
}

/* The peak of a build, with its index; the last segment moves while rows come. */
static uint64_t inner_bytes(const diskann_config *config, uint64_t rows)
{
    record_layout layout;
    record_layout_init(&layout, config);
    const uint64_t records = records_bytes(&layout, rows);
    const uint64_t growing = least(segment_bytes(&layout), records);
    return records + most(growing, build_bytes(config, rows) + id_map_size(rows) + codes_8bit_bytes(config, rows));
}

static uint64_t quantizer_bytes(const diskann_config *config)
{
    return (2 * DISKANN_PQ_CENTROIDS_MAX + UINT64_C(2)) * 4 * config->dimensions + 4 * (uint64_t)config->dimensions + 4096;
}

/* Sample and training of a quantiser of `chunks` chunks. */
static uint64_t training_bytes(uint64_t rows, uint64_t dimensions, uint64_t chunks, uint64_t centroids)
{
    const uint64_t widest = (dimensions + chunks - 1) / chunks;
    const uint64_t group = (rows + 64) * (4 * dimensions + 8 * chunks), one = (rows + 64) * (4 * widest + 8);
    const uint64_t sample = rows * 4 * dimensions;
    return sample + least(sample, 1 << 20) + 4 * dimensions + most(one, least(group, TRAIN_GROUP_BYTES)) +
           512 * dimensions + 8 * dimensions * centroids + chunks * (8 * centroids + 1024) + rows / 8;
}

static uint64_t scratch_bytes(const costs *costs)
{
    const uint64_t dimensions = costs->budget->config.dimensions;
    const uint64_t chunks = budget_code_bytes(&costs->budget->config);
    return WORKERS_PLANNED * 4 * (PQ_CODES_ROWS * (dimensions + (dimensions + chunks - 1) / chunks) + 16);
}

static costs costs_of(const diskann_budget *budget)
{
    costs costs = {.budget = budget, .limit = budget->memory_bytes, .rows = budget->rows};
    const diskann_config *config = &budget->config;
    record_layout_init(&costs.layout, config);
    costs.row_bytes = simd_row_bytes(budget->data_type, config->dimensions);
    costs.code_bytes = costs.rows * budget_code_bytes(config);
    costs.quantizer = quantizer_bytes(config);
    const uint64_t input = least(most(costs.limit / 64, INPUT_BYTES_MIN), INPUT_BYTES_MAX);
    costs.input_rows = least(most(input / costs.row_bytes, 1), costs.rows);
    costs.fixed = OP_BYTES + 2 * BUDGET_INDEX_BYTES + SMALL_BYTES + costs.input_rows * costs.row_bytes +
                  (budget->has_ids ? 8 * costs.rows : 0) + scratch_bytes(&costs);
    return costs;
}

/* ---- the cut ---- */

static int is_coded(const costs *costs, const budget_plan *plan)
{
    return costs->budget->config.codes == DISKANN_CODES_PQ || plan->shards > 1;
}

/* Samples take what there is while nothing else is in memory. */
static int plan_samples(const costs *costs, budget_plan *plan)
{
    const uint64_t dimensions = costs->budget->config.dimensions, chunks = budget_code_bytes(&costs->budget->config);
    const uint64_t base = costs->fixed + records_bytes(&costs->layout, costs->input_rows) + costs->quantizer;
    if (!is_coded(costs, plan)) {
        return base <= costs->limit;
    }
    if (plan->shards > 1) {
        plan->centre_rows = (uint32_t)least(costs->rows, CENTRE_ROWS_PER_SHARD * (uint64_t)plan->shards);
    }
    const uint64_t centring = plan->shards > 1 ? training_bytes(plan->centre_rows, dimensions, 1, plan->shards) : 0;
    uint64_t rows = least(costs->rows, 65536);
    const uint64_t enough = least(costs->rows, SAMPLE_ROWS_MIN);
    while (rows > enough &&
           base + centring + training_bytes(rows, dimensions, chunks, DISKANN_PQ_CENTROIDS_MAX) > costs->limit) {
        rows = most(enough, rows - rows / 16 - 1);
    }
    plan->sample_rows = (uint32_t)rows;
    return base + centring + training_bytes(rows, dimensions, chunks, DISKANN_PQ_CENTROIDS_MAX) <= costs->limit;
}

/* A window of so many pages, with what its codes take. */
static uint64_t window_bytes(const costs *costs, uint64_t pages)
{
    const uint64_t slots = pages * costs->layout.records_per_page;
    if (costs->budget->config.codes != DISKANN_CODES_1BIT) {
        return records_bytes(&costs->layout, slots);
    }
    return records_bytes(&costs->layout, slots + costs->input_rows) + budget_edges_bytes(&costs->budget->config, slots);
}

/* Edges of a window have numbers of 32 bits. */
static uint64_t window_pages_most(const costs *costs)
{
    const uint64_t edges = (uint64_t)costs->layout.records_per_page * costs->budget->config.max_degree;
    return most(least(record_pages(&costs->layout, costs->rows), UINT32_MAX / edges), 1);
}

/* What is there while the file is written, but for the window; `graph`: of the lists. */
static int plan_window(const costs *costs, budget_plan *plan, uint64_t graph)
{
    const diskann_config *config = &costs->budget->config;
    const int is_pq = config->codes == DISKANN_CODES_PQ, is_1bit = config->codes == DISKANN_CODES_1BIT;
    uint64_t base = costs->fixed + graph + 4 * costs->rows + (is_pq ? costs->code_bytes + costs->quantizer : 0);
    if (is_1bit) {
        base += budget_bits_bytes(config, costs->rows / most(costs->input_rows, 1) + 1, plan->workers);
    }
    const uint64_t tail = is_pq || is_1bit ? most(CODE_BUFFER_BYTES, costs->layout.page_bytes) : 0;
    uint64_t pages = window_pages_most(costs);
    while (pages > 1 && base + window_bytes(costs, pages) > costs->limit) {
        pages -= pages / 16 + 1;
    }
    plan->window_pages = most(pages, 1);
    return base + most(tail, window_bytes(costs, plan->window_pages)) <= costs->limit;
}

/* How many workers the plan has room for while it builds. */
static void plan_workers(const costs *costs, budget_plan *plan, uint64_t peak)
{
    const uint64_t spare = costs->limit > peak ? costs->limit - peak : 0;
    const uint64_t each = build_worker_bytes(&plan->inner, plan->shard_rows) + scratch_bytes(costs) / WORKERS_PLANNED;
    plan->workers = (uint32_t)least(DISKANN_WORKERS_MAX, WORKERS_PLANNED + spare / each);
}

static int plan_whole(const costs *costs, budget_plan *plan, const diskann_config *inner)
{
    *plan = (budget_plan){.inner = *inner, .shards = 1, .shard_rows = costs->rows, .input_rows = costs->input_rows};
    record_layout layout;
    record_layout_init(&layout, inner);
    const uint64_t quantizer = is_coded(costs, plan) ? costs->quantizer : 0;
    const uint64_t peak = costs->fixed + quantizer + inner_bytes(inner, costs->rows);
    plan_workers(costs, plan, peak);
    return peak <= costs->limit && plan_samples(costs, plan) && plan_window(costs, plan, records_bytes(&layout, costs->rows));
}

/* What is there while a shard is built, but for that: lists, codes and owners of all rows. */
static uint64_t shared_bytes(const costs *costs)
{
    const uint64_t list = 4 * (costs->budget->config.max_degree + UINT64_C(1));
    return costs->fixed + costs->quantizer + costs->code_bytes + costs->rows * (BUDGET_NEAREST + list);
}

static uint64_t shard_peak(const costs *costs, const diskann_config *inner, uint64_t rows)
{
    record_layout layout;
    record_layout_init(&layout, inner);
    const uint64_t merging =
        records_bytes(&layout, rows) + merge_bytes(&costs->budget->config, inner, WORKERS_PLANNED);
    return shared_bytes(costs) + most(inner_bytes(inner, rows), merging);
}

static int plan_shards(const costs *costs, budget_plan *plan, const diskann_config *inner)
{
    uint64_t low = 0, high = costs->rows;
    while (low < high) { /* the largest that fits */
        const uint64_t middle = high - (high - low) / 2;
        if (shard_peak(costs, inner, middle) <= costs->limit) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    if (low == 0 || low < least(SHARD_ROWS_MIN, costs->rows)) {
        return 0;
    }
    const uint64_t wanted = (2 * costs->rows * SHARD_SPREAD_PERCENT / 100 + low - 1) / low;
    if (wanted > BUDGET_SHARDS_MAX) {
        return 0;
    }
    *plan = (budget_plan){.inner = *inner,
                          .shards = (uint32_t)most(wanted, SHARDS_MIN),
                          .shard_rows = low,
                          .input_rows = costs->input_rows};
    plan_workers(costs, plan, shard_peak(costs, inner, low));
    const uint64_t graph = costs->rows * 4 * (costs->budget->config.max_degree + UINT64_C(1));
    const uint64_t chunk = records_bytes(&costs->layout, costs->input_rows);
    const uint64_t centres = 4 * (uint64_t)plan->shards * costs->budget->config.dimensions;
    const uint64_t coding = costs->fixed + chunk + costs->quantizer + costs->code_bytes + 4 * costs->rows + centres;
    const uint64_t ordering = shared_bytes(costs) + 8 * costs->rows;
    return most(coding, ordering) <= costs->limit && plan_samples(costs, plan) && plan_window(costs, plan, graph);
}

/* Of what is built in memory: of the file's own type, or of its bytes where that takes less. */
static diskann_config inner_config(const diskann_budget *budget, uint32_t data_type)
{
    diskann_config config = budget->config;
    config.data_type = data_type;
    config.codes = DISKANN_CODES_NONE;
    config.code_bytes = 0;
    config.page_bytes = 0;
    if (code_is_worthwhile(&config)) {
        config.codes = DISKANN_CODES_AUTO;
    }
    return config;
}

budget_plan budget_plan_of(const diskann_budget *budget)
{
    const costs costs = costs_of(budget);
    const uint32_t own = budget->config.data_type, dimensions = budget->config.dimensions;
    const int is_float = own == DISKANN_F32 || own == DISKANN_F16;
    const uint32_t small =
        is_float && simd_row_bytes(DISKANN_SQ8, dimensions) < simd_row_bytes(own, dimensions) ? DISKANN_SQ8 : own;
    budget_plan plan;
    diskann_config inner = inner_config(budget, own);
    if (plan_whole(&costs, &plan, &inner)) {
        return plan;
    }
    inner = inner_config(budget, small);
    inner.codes = DISKANN_CODES_NONE;
    if (plan_whole(&costs, &plan, &inner)) {
        return plan;
    }
    inner.max_degree = (uint32_t)most(DISKANN_MAX_DEGREE_MIN, inner.max_degree * 2 / 3);
    if (budget->config.max_degree >= 2 * DISKANN_MAX_DEGREE_MIN && plan_shards(&costs, &plan, &inner)) {
        return plan;
    }
    return (budget_plan){.shards = 0};
}

static int is_type_of(const diskann_budget *budget)
{
    const uint32_t type = budget->data_type;
    return type == DISKANN_F32 || (type == budget->config.data_type && type < DISKANN_SQ8);
}

int diskann_budget_need(const diskann_budget *budget, diskann_budget_needs *out)
{
    if (budget == NULL || out == NULL || budget->rows > DISKANN_SIZE_MAX || !is_type_of(budget)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(index_check_config(&budget->config));
    const budget_plan plan = budget_plan_of(budget);
    *out = (diskann_budget_needs){.shards = plan.shards, .workers = plan.workers};
    uint64_t low = 1, high = UINT64_C(1) << 52;
    while (low < high) {
        diskann_budget other = *budget;
        other.memory_bytes = low + (high - low) / 2;
        if (budget_plan_of(&other).shards > 0) {
            high = other.memory_bytes;
        } else {
            low = other.memory_bytes + 1;
        }
    }
    out->memory_bytes = low;
    return DISKANN_OK;
}
