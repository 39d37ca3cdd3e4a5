/* Build: the stages around the batches of an insert into an empty index. */
#include "../graph/order.h"
#include "../base/random.h"
#include "../simd/elements.h"
#include "insert.h"

#include <string.h>

enum {
    CENTRE_CHUNKS = 256,      /* sums of rows are made in so many chunks, whatever the threads: same bits */
    CENTRE_PIECE = 256,       /* elements of a row that are made floats at a time */
    SLACK_PERCENT = 150,      /* a working list may grow to that share of max_degree before it is pruned */
};

typedef struct build_state {
    uint8_t *lists;        /* working lists: [rows][stride] */
    double *sums;          /* [CENTRE_CHUNKS][dimensions] */
    float *mean;           /* [dimensions] */
    graph_candidate *nearest; /* [CENTRE_CHUNKS]: row nearest to the mean */
    order_walk walk;
    uint64_t permute_cursor;
    random_state random;
    diskann_op *training;  /* of a quantiser; NULL where there is none */
    float *sampled;        /* [dimensions]: a row on its way there */
    int sample_status;
} build_state;

static uint64_t lists_bytes(const insert_op *op)
{
    return op->rows * op->graph.links.stride;
}

static uint64_t chunk_count(const insert_op *op)
{
    return op->rows < CENTRE_CHUNKS ? op->rows : CENTRE_CHUNKS;
}

/* Rows [chunk_begin(i), chunk_begin(i + 1)) are chunk i. */
static uint64_t chunk_begin(const insert_op *op, uint64_t chunk)
{
    return op->rows * chunk / chunk_count(op);
}

/* ---- memory ---- */

/* What it takes to make links. */
static int prepare_links(insert_op *op)
{
    memory_account *account = &op->base.account;
    const diskann_config *config = &op->index->config;
    build_state *build = op->build;
    const uint32_t capacity = config->max_degree * SLACK_PERCENT / 100;
    op->graph.links = (graph_links){
        .records = &op->index->records, .capacity = capacity, .stride = (capacity + 1) * (uint32_t)sizeof(uint32_t)};

    op->order = memory_get(account, op->rows * sizeof *op->order);
    build->lists = memory_get_zeroed(account, lists_bytes(op));
    build->sums = memory_get_zeroed(account, UINT64_C(8) * CENTRE_CHUNKS * config->dimensions);
    build->mean = memory_get(account, UINT64_C(4) * config->dimensions);
    build->nearest = memory_get(account, CENTRE_CHUNKS * sizeof *build->nearest);
    if (op->order == NULL || build->lists == NULL || build->sums == NULL || build->mean == NULL ||
        build->nearest == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    op->graph.links.lists = build->lists;
    return batch_prepare(op);
}

int build_prepare(insert_op *op)
{
    memory_account *account = &op->base.account;
    build_state *build = memory_get_zeroed(account, sizeof *build);
    if (build == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    op->build = build;
    build->walk.rank = memory_get(account, op->rows * sizeof(uint32_t));
    build->walk.stack = memory_get(account, op->rows * sizeof(uint32_t));
    if (build->walk.rank == NULL || build->walk.stack == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    return op->linked > 0 ? batch_prepare(op) : prepare_links(op);
}

void build_reset(insert_op *op)
{
    build_state *build = op->build;
    if (build == NULL) {
        return;
    }
    memory_account *account = &op->base.account;
    const uint32_t dimensions = op->index->config.dimensions;
    diskann_op_end(build->training);
    memory_put(account, build->sampled, dimensions * sizeof *build->sampled);
    memory_put(account, op->order, op->rows * sizeof *op->order);
    memory_put(account, build->lists, lists_bytes(op));
    memory_put(account, build->sums, UINT64_C(8) * CENTRE_CHUNKS * dimensions);
    memory_put(account, build->mean, UINT64_C(4) * dimensions);
    memory_put(account, build->nearest, CENTRE_CHUNKS * sizeof *build->nearest);
    memory_put(account, build->walk.rank, op->rows * sizeof(uint32_t));
    memory_put(account, build->walk.stack, op->rows * sizeof(uint32_t));
    memory_put(account, build, sizeof *build);
    op->build = NULL;
}

/* ---- start: medoid first, the others in a seeded order ---- */

static uint8_t *row_record(const insert_op *op, uint64_t row)
{
    return record_at(&op->index->records, (uint32_t)(op->first + row));
}

static void add_row(double *sums, uint8_t *record, double weight, const diskann_config *config)
{
    float piece[CENTRE_PIECE];
    for (uint32_t first = 0; first < config->dimensions; first += CENTRE_PIECE) {
        const uint32_t rest = config->dimensions - first, count = rest < CENTRE_PIECE ? rest : CENTRE_PIECE;
        elements_to_floats(config->data_type, record, first, count, piece);
        for (uint32_t i = 0; i < count; i++) {
            sums[first + i] += weight * piece[i];
        }
    }
}

/* Under cosine a row counts by its direction. */
static void sum_chunks(insert_op *op, uint64_t begin, uint64_t end)
{
    const diskann_config *config = &op->index->config;
    for (uint64_t chunk = begin; chunk < end; chunk++) {
        double *sums = op->build->sums + chunk * config->dimensions;
        for (uint64_t row = chunk_begin(op, chunk); row < chunk_begin(op, chunk + 1); row++) {
            uint8_t *record = row_record(op, row);
            const double weight =
                config->metric == DISKANN_COSINE ? *record_aux(&op->index->records.layout, record) : 1.0;
            add_row(sums, record, weight, config);
        }
    }
}

static void finish_mean(insert_op *op)
{
    const uint32_t dimensions = op->index->config.dimensions;
    for (uint32_t i = 0; i < dimensions; i++) {
        double sum = 0;
        for (uint64_t chunk = 0; chunk < chunk_count(op); chunk++) {
            sum += op->build->sums[chunk * dimensions + i];
        }
        op->build->mean[i] = (float)(sum / (double)op->rows);
    }
}

/* A record as a point of floats, since the mean of integers is none: where it lies, or in the scratch. */
static graph_point row_floats(const graph_space *space, uint32_t slot, float *scratch)
{
    graph_point point = graph_point_at(space, slot);
    if (space->data_type != DISKANN_F32) {
        elements_to_floats(space->data_type, point.vector, 0, space->dimensions, scratch);
        point.vector = scratch;
    }
    return point;
}

static void find_nearest(insert_op *op, uint64_t begin, uint64_t end)
{
    const graph_space *space = &op->graph.space;
    const graph_space floats = graph_space_of_floats(space);
    const float *mean = op->build->mean;
    const graph_point centre = {mean, graph_aux(&floats, mean)};
    for (uint64_t chunk = begin; chunk < end; chunk++) {
        float *scratch = (float *)(void *)(op->build->sums + chunk * space->dimensions); /* the sums have been used */
        graph_candidate best = UINT64_MAX;
        for (uint64_t row = chunk_begin(op, chunk); row < chunk_begin(op, chunk + 1); row++) {
            const uint32_t slot = (uint32_t)(op->first + row);
            const graph_candidate candidate =
                candidate_make(graph_distance(&floats, centre, row_floats(space, slot, scratch)), (uint32_t)row);
            best = candidate < best ? candidate : best;
        }
        op->build->nearest[chunk] = best;
    }
}

/* The medoid first; then one step of a Fisher-Yates shuffle per item, from the last row down. */
static void begin_order(insert_op *op)
{
    graph_candidate best = UINT64_MAX;
    for (uint64_t chunk = 0; chunk < chunk_count(op); chunk++) {
        best = op->build->nearest[chunk] < best ? op->build->nearest[chunk] : best;
    }
    uint32_t *order = op->order;
    for (uint64_t i = 0; i < op->rows; i++) {
        order[i] = (uint32_t)i;
    }
    order[0] = candidate_slot(best);
    order[candidate_slot(best)] = 0;
    op->build->random.state = op->index->config.seed;
}

static void shuffle(insert_op *op, uint64_t begin, uint64_t end)
{
    uint32_t *order = op->order;
    for (uint64_t item = begin; item < end; item++) {
        const uint64_t last = op->rows - 1 - item;
        const uint64_t other = 1 + random_below(&op->build->random, last);
        const uint32_t held = order[last];
        order[last] = order[other];
        order[other] = held;
    }
}

/* ---- end: degrees, locality ---- */

static void trim_rows(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    for (uint64_t row = begin; row < end; row++) {
        link_trim(&op->link_workers[worker], &op->graph, (uint32_t)(op->first + row));
    }
}

static void renumber_rows(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    record_store *records = &op->index->records;
    for (uint64_t row = begin; row < end; row++) {
        const record_list *from = links_at(&op->graph.links, (uint32_t)row);
        record_list *to = record_links(&records->layout, row_record(op, row));
        to->degree = from->degree;
        to->children = from->children;
        op->link_workers[worker].degrees.counts[to->degree]++;
        for (uint32_t i = 0; i < from->degree; i++) {
            to->neighbours[i] = op->build->walk.rank[from->neighbours[i]];
        }
    }
}

/*
 * Codes that are too coarse for this data make every search twice. Looked at between batches, by counts of rows, so that the
 * bytes do not depend on threads.
 */
void build_judge_codes(insert_op *op)
{
    enum { ROWS_MIN = 1000, COARSE_SHARE = 4 };
    uint64_t coarse = 0;
    for (uint32_t i = 0; i < op->base.workers; i++) {
        coarse += op->link_workers[i].coarse;
    }
    if (op->index->may_drop_codes && op->added >= ROWS_MIN && coarse * COARSE_SHARE > op->added) {
        op->graph.space.codes = NULL;
    }
}

/* ---- product quantisation ---- */

static int begin_training(insert_op *op, diskann_stage *stage)
{
    build_state *build = op->build;
    const diskann_index *index = op->index;
    const diskann_pq_config config = pq_codes_training(&index->pq, index->config.seed);
    build->sampled = memory_get(&op->base.account, index->config.dimensions * sizeof *build->sampled);
    if (build->sampled == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    TRY(diskann_pq_train_begin(&config, op->base.workers, &op->base.account.allocator, &build->training));
    return insert_enter(op, stage, INSERT_SAMPLE, DISKANN_PHASE_TRAIN, op->rows, 0);
}

uint64_t build_training_rows(const insert_op *op)
{
    const diskann_pq_config config = pq_codes_training(&op->index->pq, 0);
    return (op->rows < config.sample_rows ? op->rows : config.sample_rows) * (config.iterations + UINT64_C(1));
}

static void sample_rows_of(insert_op *op, uint64_t begin, uint64_t end)
{
    build_state *build = op->build;
    for (uint64_t row = begin; row < end && build->sample_status == DISKANN_OK && !op_is_cancelled(&op->base); row++) {
        graph_code_vector(&op->index->space, row_record(op, row), build->sampled);
        build->sample_status = diskann_pq_rows(build->training, build->sampled, 1);
    }
}

/* A stage of the training is one of the build, but for how its progress counts. */
static int step_training(insert_op *op, diskann_stage *stage)
{
    build_state *build = op->build;
    TRY(build->sample_status);
    op->stage = INSERT_TRAIN;
    const int status = diskann_op_step(build->training, stage);
    if (status == DISKANN_RUN) {
        const uint64_t rows = build_training_rows(op);
        stage->done = (uint64_t)((double)rows * (double)stage->done / (double)stage->total);
        stage->total = rows + op->rows;
        return status;
    }
    TRY(status);
    TRY(pq_codes_adopt(&op->index->pq, diskann_pq_train_take(build->training)));
    diskann_op_end(build->training); /* the sample is not wanted any more */
    build->training = NULL;
    return insert_encode_pq(op, stage);
}

/* The training does not know of a cancelled build, so it gets its items in pieces. */
static void run_training(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    enum { PIECE = 32 };
    for (uint64_t item = begin; item < end && !op_is_cancelled(&op->base); item += PIECE) {
        diskann_op_run(op->build->training, worker, item, end - item < PIECE ? end : item + PIECE);
    }
}

static void finish_index(insert_op *op)
{
    diskann_index *index = op->index;
    index->size = (uint32_t)op->rows;
    index->entry = 0; /* the walk starts there */
    if (op->graph.space.codes == NULL && index->config.codes == DISKANN_CODES_8BIT) {
        index_drop_codes(index);
    }
    for (uint32_t i = 0; i < op->base.workers; i++) {
        record_degrees_add(&index->degrees, &op->link_workers[i].degrees);
    }
    index->next_id = op->id_end > index->next_id ? op->id_end : index->next_id;
}

void build_run(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end)
{
    build_state *build = op->build;
    if (op_is_cancelled(&op->base)) {
        return;
    }
    switch (op->stage) {
    case INSERT_LISTS:
        lists_check(op, &build->walk, begin, end);
        break;
    case INSERT_CENTRE:
        sum_chunks(op, begin, end);
        break;
    case INSERT_MEDOID:
        find_nearest(op, begin, end);
        break;
    case INSERT_SHUFFLE:
        shuffle(op, begin, end);
        break;
    case INSERT_TRIM:
        trim_rows(op, worker, begin, end);
        break;
    case INSERT_WALK:
        order_visit(&build->walk, &op->graph.links, end - begin);
        break;
    case INSERT_RENUMBER:
        renumber_rows(op, worker, begin, end);
        break;
    case INSERT_SAMPLE:
        sample_rows_of(op, begin, end);
        break;
    case INSERT_TRAIN:
        run_training(op, worker, begin, end);
        break;
    case INSERT_LISTCODE:
        for (uint64_t row = begin; row < end; row++) {
            list_coder_encode(&op->link_workers[worker].coder, (uint32_t)row);
        }
        break;
    case INSERT_REMAP:
        id_map_renumber(&op->index->ids, build->walk.rank, begin, end);
        break;
    default:
        order_permute(&op->index->records, build->walk.rank, op->rows, &build->permute_cursor, end - begin);
    }
}

static int begin_walk(insert_op *op, diskann_stage *stage)
{
    order_begin(&op->build->walk, op->graph.entry);
    return insert_enter(op, stage, INSERT_WALK, DISKANN_PHASE_ORDER, op->rows, 0);
}

int build_step(insert_op *op, diskann_stage *stage)
{
    switch (op->stage) {
    case INSERT_IDS:
        if (op->linked > 0) {
            lists_begin(&op->build->walk, op->rows);
            return insert_enter(op, stage, INSERT_LISTS, DISKANN_PHASE_LINK, op->rows, 0);
        }
        return insert_enter(op, stage, INSERT_CENTRE, DISKANN_PHASE_LINK, chunk_count(op), 1);
    case INSERT_LISTS:
        TRY(lists_root(op, &op->build->walk, &op->graph.entry));
        op->added = op->rows;
        return insert_encode(op, stage, op->graph.entry);
    case INSERT_CENTRE:
        finish_mean(op);
        return insert_enter(op, stage, INSERT_MEDOID, DISKANN_PHASE_LINK, chunk_count(op), 1);
    case INSERT_MEDOID:
        begin_order(op);
        return insert_encode(op, stage, (uint32_t)(op->first + op->order[0]));
    case INSERT_ENCODE:
        if (op->linked > 0) {
            return begin_walk(op, stage);
        }
        return insert_enter(op, stage, INSERT_SHUFFLE, DISKANN_PHASE_LINK, op->rows > 1 ? op->rows - 1 : 0, 0);
    case INSERT_SHUFFLE:
        return batch_begin(op, stage);
    case INSERT_LINK:
        return insert_enter(op, stage, INSERT_TRIM, DISKANN_PHASE_ORDER, op->rows, 1);
    case INSERT_TRIM:
        return begin_walk(op, stage);
    case INSERT_WALK:
        if (op->build->walk.next < op->rows) {
            return lists_fail(op, DISKANN_FINDING_TREE, DISKANN_NOWHERE); /* lists that were given have a ring */
        }
        return insert_enter(op, stage, INSERT_RENUMBER, DISKANN_PHASE_ORDER, op->rows, 1);
    case INSERT_RENUMBER:
        return insert_enter(op, stage, INSERT_REMAP, DISKANN_PHASE_ORDER, op->index->ids.capacity, 1);
    case INSERT_REMAP:
        return insert_enter(op, stage, INSERT_PERMUTE, DISKANN_PHASE_ORDER, 2 * op->rows, 0);
    case INSERT_PERMUTE:
        if (op->index->config.codes == DISKANN_CODES_8BIT && op->graph.space.codes != NULL) {
            return insert_enter(op, stage, INSERT_RECODE, DISKANN_PHASE_ORDER, op->rows, 1);
        }
        if (op->index->space.bits != NULL) {
            return insert_enter(op, stage, INSERT_LISTCODE, DISKANN_PHASE_ORDER, op->rows, 1);
        }
        if (op->index->space.pq != NULL) {
            return begin_training(op, stage);
        }
        finish_index(op);
        return DISKANN_OK;
    case INSERT_LISTCODE: {
        const int status = insert_navigate(op, stage);
        if (status != DISKANN_OK) {
            return status;
        }
        finish_index(op);
        return DISKANN_OK;
    }
    case INSERT_SAMPLE:
    case INSERT_TRAIN:
        return step_training(op, stage);
    default:
        finish_index(op);
        return DISKANN_OK;
    }
}
