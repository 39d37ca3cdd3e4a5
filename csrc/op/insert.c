/*
 * Insert: rows are copied into records behind the last one, validated there, put into the id map, and linked batch by
 * batch (insert_batch.c). Until its batch is committed a row is unseen: index->size does not count it and no list
 * names it. Build (build.c) is the same with a better start, a seeded order and a last pass for locality.
 */
#include "insert.h"

#include "../base/float_mode.h"
#include "../simd/elements.h"
#include "extremes.h"

#include <string.h>

/* ---- begin and rows ---- */

static const op_calls insert_calls;

static int begin(diskann_index *index, uint32_t workers, uint32_t is_build, diskann_op **out)
{
    if (index == NULL || out == NULL || (is_build && index->size > 0)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    if (!is_build && index->space.pq != NULL && index->pq.pq == NULL) {
        return DISKANN_ERR_UNSUPPORTED; /* a build trains the quantiser */
    }
    TRY(op_create(&insert_calls, sizeof(insert_op), workers, &index->account.allocator, out));
    insert_op *op = (insert_op *)*out;
    op->index = index;
    op->is_build = is_build;
    op->first = index->size;
    op->next_id = index->next_id;
    op->unfit_row = UINT64_MAX;
    navigator_init(&op->navigator, &index->account);
    atomic_init(&op->bad_row, UINT64_MAX);
    atomic_init(&op->norm_max, 0);
    return DISKANN_OK;
}

int diskann_insert_begin(diskann_index *index, uint32_t workers, diskann_op **out)
{
    return begin(index, workers, 0, out);
}

int diskann_build_begin(diskann_index *index, uint32_t workers, diskann_op **out)
{
    return begin(index, workers, 1, out);
}

int insert_waits_for_rows(const diskann_op *op)
{
    return op->calls == &insert_calls && op->status > 0 && ((const insert_op *)op)->stage == INSERT_START;
}

static int check_rows(const insert_op *op, const void *vectors, uint32_t data_type, const uint64_t *ids, uint64_t rows)
{
    const int is_taken = data_type == DISKANN_F32 || (data_type == op->index->config.data_type && data_type != DISKANN_SQ8);
    if (!insert_waits_for_rows(&op->base) || vectors == NULL || !is_taken) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    if (op->given_ids != 0 && op->given_ids != (ids != NULL ? 2u : 1u)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    if (rows > DISKANN_SIZE_MAX - op->first - op->rows) {
        return DISKANN_ERR_FULL;
    }
    if (ids == NULL) {
        return op->next_id > DISKANN_ID_MAX + 1 - rows ? DISKANN_ERR_FULL : DISKANN_OK;
    }
    for (uint64_t i = 0; i < rows; i++) {
        if (ids[i] > DISKANN_ID_MAX) {
            return DISKANN_ERR_INVALID_ARGUMENT;
        }
    }
    return DISKANN_OK;
}

/* One row into its record. A row that does not fit is noted; the operation fails with it once it runs. */
static void take_row(insert_op *op, uint64_t row, uint8_t *record, const void *vector, uint32_t data_type)
{
    const diskann_config *config = &op->index->config;
    if (data_type == config->data_type) {
        memcpy(record, vector, simd_row_bytes(data_type, config->dimensions));
        return;
    }
    const int status = elements_from_floats(config->data_type, vector, config->dimensions, record);
    if (status < 0 && op->unfit_row == UINT64_MAX) {
        op->unfit_row = row;
        op->unfit_status = status;
    }
}

int diskann_op_rows(diskann_op *base, const void *vectors, uint32_t data_type, const uint64_t *ids, uint64_t rows)
{
    insert_op *op = (insert_op *)base;
    if (rows == 0) {
        return DISKANN_OK;
    }
    TRY(check_rows(op, vectors, data_type, ids, rows));
    record_store *records = &op->index->records;
    TRY(record_store_reserve(records, op->first + op->rows + rows));
    const size_t row_bytes = simd_row_bytes(data_type, op->index->config.dimensions);
    const uint64_t mode = float_mode_enter();
    for (uint64_t i = 0; i < rows; i++) {
        const uint32_t slot = (uint32_t)(op->first + op->rows + i);
        uint8_t *record = record_at(records, slot);
        take_row(op, op->rows + i, record, (const uint8_t *)vectors + i * row_bytes, data_type);
        *record_id(&records->layout, record) = ids != NULL ? ids[i] : op->next_id++;
        record_touch(records, slot);
    }
    float_mode_leave(mode);
    op->given_ids = ids != NULL ? 2 : 1;
    op->rows += rows;
    return DISKANN_OK;
}

uint64_t diskann_op_added(const diskann_op *base)
{
    const insert_op *op = (const insert_op *)base;
    return op->base.calls == &insert_calls && (!op->is_build || op->stage == INSERT_END) ? op->added : 0;
}

uint64_t diskann_op_distances(const diskann_op *base)
{
    const insert_op *op = (const insert_op *)base;
    uint64_t total = 0;
    for (uint32_t i = 0; op->base.calls == &insert_calls && op->link_workers != NULL && i < op->base.workers; i++) {
        total += op->link_workers[i].prune.distance_count;
    }
    return total;
}

/* ---- validation ---- */

static void validate_rows(insert_op *op, uint64_t begin_row, uint64_t end_row)
{
    const graph_space *space = &op->index->space;
    const record_layout *layout = &space->records->layout;
    for (uint64_t row = begin_row; row < end_row && !op_is_cancelled(&op->base); row++) {
        uint8_t *record = record_at(space->records, (uint32_t)(op->first + row));
        if (!graph_is_finite(space, record)) {
            lower_to(&op->bad_row, row);
            continue;
        }
        const float aux = graph_aux(space, record);
        *record_aux(layout, record) = aux;
        raise_to(&op->norm_max, aux);
    }
}

static void put_ids(insert_op *op, uint64_t begin_item, uint64_t end_item)
{
    for (uint64_t item = begin_item; item < end_item && op->base.failure.status == 0; item++) {
        if (item < op->rehash) {
            id_map_put(&op->index->ids, (uint32_t)item);
            continue;
        }
        const uint64_t row = item - op->rehash;
        const uint32_t slot = (uint32_t)(op->first + row);
        const record_store *records = &op->index->records;
        const uint64_t id = *record_id(&records->layout, record_at(records, slot));
        if (id_map_put(&op->index->ids, slot) == SLOT_NONE) {
            op->ids_put++;
            op->id_end = id >= op->id_end ? id + 1 : op->id_end;
            continue;
        }
        op_fail(&op->base, DISKANN_ERR_DUPLICATE_ID, 0, (int64_t)row, DISKANN_NOWHERE, id);
    }
}

/* ---- codes ---- */

static void encode_rows(insert_op *op, uint32_t worker, uint64_t begin_row, uint64_t end_row)
{
    float *scratch = op->link_workers[worker].search.coded.scratch;
    for (uint64_t row = begin_row; row < end_row && !op_is_cancelled(&op->base); row++) {
        index_encode(op->index, (uint32_t)(op->first + row), scratch);
    }
}

static uint64_t pq_scratch_bytes(const insert_op *op)
{
    return op->base.workers * index_pq_scratch(op->index) * sizeof *op->pq_scratch;
}

static void encode_pq(insert_op *op, uint32_t worker, uint64_t begin_piece, uint64_t end_piece)
{
    const pq_codes *codes = &op->index->pq;
    float *scratch = op->pq_scratch + worker * index_pq_scratch(op->index);
    for (uint64_t piece = begin_piece; piece < end_piece && !op_is_cancelled(&op->base); piece++) {
        index_encode_pq(op->index, op->first, op->rows, piece, scratch, codes->codes + op->first * codes->code_bytes);
    }
}

/* ---- stages ---- */

static int no_memory(insert_op *op)
{
    return op_fail(&op->base, DISKANN_ERR_NO_MEMORY, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, 0);
}

static uint64_t size_of_all(const insert_op *op)
{
    return op->first + op->rows;
}

/* A sample serves until there are twice as many vectors as it was taken of. */
static int navigator_is_due(const insert_op *op)
{
    const diskann_index *index = op->index;
    return index->space.bits != NULL && size_of_all(op) >= 2 * (uint64_t)index->navigator.size &&
           bits_navigator_places(index->config.dimensions, size_of_all(op)) > 0;
}

int insert_navigate(insert_op *op, diskann_stage *stage)
{
    const uint32_t groups = op->navigator.places / BITS_GROUP;
    return groups > 0 ? insert_enter(op, stage, INSERT_NAVIGATE, DISKANN_PHASE_ORDER, groups, 1) : DISKANN_OK;
}

/* All memory is taken before anything changes. */
static int enter_ids(insert_op *op, diskann_stage *stage)
{
    const uint64_t bad_row = atomic_load(&op->bad_row);
    if (op->unfit_row <= bad_row && op->unfit_row != UINT64_MAX) {
        return op_fail(&op->base, op->unfit_status, 0, (int64_t)op->unfit_row, DISKANN_NOWHERE, 0);
    }
    if (bad_row != UINT64_MAX) {
        return op_fail(&op->base, DISKANN_ERR_NOT_FINITE, 0, (int64_t)bad_row, DISKANN_NOWHERE, 0);
    }
    diskann_index *index = op->index;
    if (index->size == 0) {
        const uint32_t bits = atomic_load(&op->norm_max);
        memcpy(&index->norm_max, &bits, sizeof bits);
    }
    if (op->is_build) {
        index_lend_codes(index);
    }
    op->graph.space = graph_space_for_links(&index->space, index->norm_max);
    op->graph.entry = index->entry;
    if ((op->is_build ? build_prepare(op) : batch_prepare(op)) < 0) {
        return no_memory(op);
    }
    if (navigator_is_due(op) && navigator_reserve(&op->navigator, index->config.dimensions, (uint32_t)size_of_all(op)) < 0) {
        return no_memory(op);
    }
    if (index->space.codes != NULL && code_store_reserve(&index->codes, op->first + op->rows) < 0) {
        return no_memory(op);
    }
    const int grown = id_map_reserve(&index->ids, op->first + op->rows);
    if (grown < 0) {
        return no_memory(op);
    }
    op->rehash = grown ? op->first : 0;
    return insert_enter(op, stage, INSERT_IDS, DISKANN_PHASE_VALIDATE, op->rehash + op->rows, 0);
}

int insert_encode_pq(insert_op *op, diskann_stage *stage)
{
    op->pq_scratch = memory_get(&op->base.account, pq_scratch_bytes(op));
    if (op->pq_scratch == NULL || pq_codes_reserve(&op->index->pq, op->first + op->rows) < 0) {
        return no_memory(op);
    }
    const uint64_t pieces = index_pq_pieces(op->index, op->rows);
    return insert_enter(op, stage, INSERT_PQ, op->is_build ? DISKANN_PHASE_TRAIN : DISKANN_PHASE_LINK, pieces, 1);
}

/* Rows that are added are coded before they are linked: a search that sees them finds their codes. */
static int begin_links(insert_op *op, diskann_stage *stage)
{
    return op->index->space.pq != NULL ? insert_encode_pq(op, stage) : batch_begin(op, stage);
}

int insert_encode(insert_op *op, diskann_stage *stage, uint32_t entry)
{
    if (op->first == 0 && index_set_origin(op->index, entry) < 0) {
        return no_memory(op);
    }
    if (op->index->space.codes == NULL) {
        op->stage = INSERT_ENCODE; /* nothing to do there */
        return op->is_build ? build_step(op, stage) : begin_links(op, stage);
    }
    return insert_enter(op, stage, INSERT_ENCODE, DISKANN_PHASE_LINK, op->rows, 1);
}

static int finish(insert_op *op)
{
    if (op->navigator.places > 0) {
        navigator_reset(&op->index->navigator);
        op->index->navigator = op->navigator;
        navigator_init(&op->navigator, op->navigator.account);
    }
    op->stage = INSERT_END;
    return DISKANN_OK;
}

/* After the last batch of an insert. */
static int end_insert(insert_op *op, diskann_stage *stage)
{
    const int status = insert_navigate(op, stage);
    return status == DISKANN_OK ? finish(op) : status;
}

/* The stages after the last batch. */
static int end_build(insert_op *op, diskann_stage *stage)
{
    const int status = build_step(op, stage);
    return status == DISKANN_OK ? finish(op) : status;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    insert_op *op = (insert_op *)base;
    if (base->failure.status != 0) {
        return base->failure.status;
    }
    /* A batch whose links have begun goes on to its end. */
    const int is_whole = op->stage < INSERT_ATTACH || op->stage > INSERT_LINK || op->is_build;
    if (is_whole && op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    switch (op->stage) {
    case INSERT_START:
        if (op->linked != 0 && op->linked != op->rows) {
            return DISKANN_ERR_INVALID_ARGUMENT;
        }
        return op->rows == 0 ? finish(op)
                             : insert_enter(op, stage, INSERT_VALIDATE, DISKANN_PHASE_VALIDATE, op->rows, 1);
    case INSERT_VALIDATE:
        return enter_ids(op, stage);
    case INSERT_IDS:
        return op->is_build ? build_step(op, stage) : insert_encode(op, stage, (uint32_t)op->first);
    case INSERT_ENCODE:
        return op->is_build ? build_step(op, stage) : begin_links(op, stage);
    case INSERT_SEARCH:
    case INSERT_ATTACH:
    case INSERT_GROUP:
        return batch_step(op, stage);
    case INSERT_LINK:
        batch_settle(op);
        if (op_is_cancelled(base)) {
            op->stage = INSERT_BATCH; /* settled: reset must not do it again */
            return DISKANN_ERR_CANCELLED;
        }
        if (op->is_build) {
            build_judge_codes(op);
        }
        if (op->added < op->rows) {
            return batch_begin(op, stage);
        }
        return op->is_build ? build_step(op, stage) : end_insert(op, stage);
    case INSERT_NAVIGATE:
        return op->is_build ? end_build(op, stage) : finish(op);
    case INSERT_END:
        return DISKANN_OK;
    default:
        return op->stage == INSERT_PQ && !op->is_build ? batch_begin(op, stage) : end_build(op, stage);
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin_item, uint64_t end_item)
{
    insert_op *op = (insert_op *)base;
    switch (op->stage) {
    case INSERT_VALIDATE:
        validate_rows(op, begin_item, end_item);
        break;
    case INSERT_IDS:
        put_ids(op, begin_item, end_item);
        break;
    case INSERT_ENCODE:
    case INSERT_RECODE:
        encode_rows(op, worker, begin_item, end_item);
        break;
    case INSERT_NAVIGATE:
        for (uint64_t group = begin_item; group < end_item && !op_is_cancelled(base); group++) {
            list_coder_navigate(&op->link_workers[worker].coder, &op->navigator, (uint32_t)group);
        }
        break;
    case INSERT_PQ:
        encode_pq(op, worker, begin_item, end_item);
        break;
    case INSERT_SEARCH:
    case INSERT_ATTACH:
    case INSERT_GROUP:
    case INSERT_LINK:
        batch_run(op, worker, begin_item, end_item);
        break;
    default:
        build_run(op, worker, begin_item, end_item);
    }
}

static void reset(diskann_op *base)
{
    insert_op *op = (insert_op *)base;
    diskann_index *index = op->index;
    if (op->stage >= INSERT_ATTACH && op->stage <= INSERT_LINK && !op->is_build) {
        batch_settle(op);
    }
    if (op->pq_scratch != NULL) { /* its size is the quantiser's business, which a failed build loses */
        memory_put(&base->account, op->pq_scratch, pq_scratch_bytes(op));
    }
    if (op->stage != INSERT_END) {
        if (op->is_build) {
            id_map_reset(&index->ids);
            index->errors = 0;
        }
        for (uint64_t row = op->ids_put; !op->is_build && row-- > op->added;) {
            id_map_remove(&index->ids, (uint32_t)(op->first + row));
        }
        record_store_truncate(&index->records, index->size);
        code_store_truncate(&index->codes, index->size);
        pq_codes_truncate(&index->pq, index->size);
    }
    navigator_reset(&op->navigator);
    batch_release(op);
    build_reset(op);
    index_return_codes(index);
}

static const op_calls insert_calls = {step, run, NULL, reset};
