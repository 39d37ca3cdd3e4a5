/*
 * The same index with pages of another size or codes of another kind: records are copied with their lists, and codes that the
 * other has not are made of the vectors, as a build makes them.
 *
 *     copy: RUN, parallel -> ids: RUN, serial -> codes of vectors or neighbours: RUN, parallel
 *                                            '-> sample: RUN, serial -> training: RUN ... -> codes: RUN, parallel
 */
#include "../graph/list_codes.h"
#include "index.h"
#include "op.h"

#include <string.h>

enum convert_state {
    CONVERT_BEGIN,
    CONVERT_COPY,
    CONVERT_IDS,
    CONVERT_CODES,
    CONVERT_SAMPLE,
    CONVERT_TRAIN,
    CONVERT_ENCODE,
    CONVERT_END
};

typedef struct convert_op {
    diskann_op base;
    const diskann_index *from;
    diskann_index *to;     /* NULL after it was taken */
    list_coder *coders;    /* per worker, where records get codes */
    diskann_op *training;  /* of a quantiser */
    float *scratch;        /* per worker */
    uint64_t scratch_each; /* floats */
    int sample_status;
    uint32_t state;
} convert_op;

static uint32_t size_of(const convert_op *op)
{
    return op->from->size;
}

/* The codes of the one are codes of the other. */
static int keeps_codes(const convert_op *op)
{
    const diskann_config *from = &op->from->config, *to = &op->to->config;
    return from->codes == to->codes && from->code_bytes == to->code_bytes;
}

/* ---- items ---- */

static void copy_record(const convert_op *op, uint32_t slot)
{
    const record_layout *from = &op->from->records.layout, *to = &op->to->records.layout;
    const size_t bytes = from->record_bytes == to->record_bytes ? to->record_bytes : to->codes_offset;
    memcpy(record_at(&op->to->records, slot), record_at(&op->from->records, slot), bytes);
    record_touch(&op->to->records, slot);
    if (op->to->pq.pq != NULL) {
        const size_t code_bytes = op->to->config.code_bytes;
        memcpy(op->to->pq.codes + slot * code_bytes, op->from->pq.codes + slot * code_bytes, code_bytes);
    }
}

static void make_codes(convert_op *op, uint32_t worker, uint32_t slot)
{
    if (op->coders != NULL && slot >= size_of(op)) {
        list_coder_navigate(&op->coders[worker], &op->to->navigator, slot - size_of(op));
    } else if (op->coders != NULL) {
        list_coder_encode(&op->coders[worker], slot);
    } else {
        index_encode(op->to, slot, op->scratch + worker * op->scratch_each);
    }
}

static void sample(convert_op *op, uint32_t slot)
{
    if (op->sample_status == DISKANN_OK) {
        graph_code_vector(&op->to->space, record_at(&op->to->records, slot), op->scratch);
        op->sample_status = diskann_pq_rows(op->training, op->scratch, 1);
    }
}

static void run_item(convert_op *op, uint32_t worker, uint64_t item)
{
    switch (op->state) {
    case CONVERT_COPY:
        copy_record(op, (uint32_t)item);
        break;
    case CONVERT_IDS:
        id_map_put(&op->to->ids, (uint32_t)item);
        break;
    case CONVERT_CODES:
        make_codes(op, worker, (uint32_t)item);
        break;
    case CONVERT_SAMPLE:
        sample(op, (uint32_t)item);
        break;
    case CONVERT_TRAIN:
        diskann_op_run(op->training, worker, item, item + 1);
        break;
    default:
        index_encode_pq(op->to, 0, size_of(op), item, op->scratch + worker * op->scratch_each, op->to->pq.codes);
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        run_item((convert_op *)base, worker, item);
    }
}

/* ---- stages ---- */

static int enter(convert_op *op, diskann_stage *stage, uint32_t state, uint64_t items, uint32_t parallel)
{
    const int is_training = state >= CONVERT_SAMPLE;
    op->state = state;
    stage->phase = is_training ? DISKANN_PHASE_TRAIN : DISKANN_PHASE_ORDER;
    stage->parallel = parallel;
    stage->items = items;
    stage->done = (uint64_t)(state - (is_training ? CONVERT_SAMPLE : CONVERT_COPY)) * size_of(op);
    stage->total = 3 * (uint64_t)size_of(op);
    return DISKANN_RUN;
}

static int reserve_scratch(convert_op *op, uint64_t floats)
{
    memory_put(&op->base.account, op->scratch, op->base.workers * op->scratch_each * sizeof *op->scratch);
    op->scratch_each = floats;
    op->scratch = memory_get(&op->base.account, op->base.workers * floats * sizeof *op->scratch);
    return op->scratch != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

static int prepare_coders(convert_op *op)
{
    op->coders = memory_get_zeroed(&op->base.account, op->base.workers * sizeof *op->coders);
    for (uint32_t i = 0; op->coders != NULL && i < op->base.workers; i++) {
        list_coder_init(&op->coders[i], &op->base.account);
        TRY(list_coder_reserve(&op->coders[i], &op->to->space, op->to->config.max_degree));
    }
    return op->coders != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

static int finish(convert_op *op)
{
    const diskann_index *from = op->from;
    diskann_index *to = op->to;
    to->size = from->size;
    to->entry = from->entry;
    to->next_id = from->next_id;
    to->degrees = from->degrees;
    to->errors = from->errors;
    to->norm_max = from->norm_max;
    op->state = CONVERT_END;
    return DISKANN_OK;
}

static int begin_sample(convert_op *op, diskann_stage *stage)
{
    const diskann_config *config = &op->to->config;
    const diskann_pq_config training = pq_codes_training(&op->to->pq, config->seed);
    TRY(reserve_scratch(op, config->dimensions));
    TRY(diskann_pq_train_begin(&training, op->base.workers, &op->base.account.allocator, &op->training));
    return enter(op, stage, CONVERT_SAMPLE, size_of(op), 0);
}

/* Codes come with the records. */
static int copy_quantizer(convert_op *op)
{
    TRY(pq_codes_copy(&op->to->pq, op->from->pq.pq));
    return pq_codes_reserve(&op->to->pq, size_of(op));
}

static int begin_copy(convert_op *op, diskann_stage *stage)
{
    if (size_of(op) == 0) {
        return finish(op);
    }
    TRY(record_store_reserve(&op->to->records, size_of(op)));
    TRY(id_map_reserve(&op->to->ids, size_of(op)));
    if (op->to->space.pq != NULL && keeps_codes(op)) {
        TRY(copy_quantizer(op));
    }
    return enter(op, stage, CONVERT_COPY, size_of(op), 1);
}

/* That of the other with the codes it has, or room for one of all records. */
static int prepare_navigator(convert_op *op)
{
    const navigator *from = &op->from->navigator;
    navigator *to = &op->to->navigator;
    const uint32_t dimensions = op->to->config.dimensions, size = keeps_codes(op) ? from->size : size_of(op);
    if (bits_navigator_places(dimensions, size) == 0) {
        return DISKANN_OK;
    }
    TRY(navigator_reserve(to, dimensions, size));
    if (keeps_codes(op)) {
        memcpy(to->block, from->block, (size_t)navigator_bytes(to));
    }
    return DISKANN_OK;
}

/* Records and ids are there. */
static int begin_codes(convert_op *op, diskann_stage *stage)
{
    diskann_index *to = op->to;
    TRY(index_set_origin(to, op->from->entry));
    if (to->space.pq != NULL) {
        return keeps_codes(op) ? finish(op) : begin_sample(op, stage);
    }
    if (to->space.bits != NULL) {
        TRY(prepare_navigator(op));
    }
    if (to->space.bits != NULL && !keeps_codes(op)) {
        TRY(prepare_coders(op));
    } else if (to->space.codes != NULL) {
        TRY(reserve_scratch(op, to->config.dimensions));
        TRY(code_store_reserve(&to->codes, size_of(op)));
    } else {
        return finish(op);
    }
    return enter(op, stage, CONVERT_CODES, size_of(op) + (uint64_t)to->navigator.places / BITS_GROUP, 1);
}

static int step_training(convert_op *op, diskann_stage *stage)
{
    TRY(op->sample_status);
    op->state = CONVERT_TRAIN;
    const int status = diskann_op_step(op->training, stage);
    if (status == DISKANN_RUN) {
        stage->done = size_of(op) + (uint64_t)((double)size_of(op) * (double)stage->done / (double)stage->total);
        stage->total = 3 * (uint64_t)size_of(op);
        return status;
    }
    TRY(status);
    TRY(pq_codes_adopt(&op->to->pq, diskann_pq_train_take(op->training)));
    TRY(pq_codes_reserve(&op->to->pq, size_of(op)));
    TRY(reserve_scratch(op, index_pq_scratch(op->to)));
    return enter(op, stage, CONVERT_ENCODE, index_pq_pieces(op->to, size_of(op)), 1);
}

static int step(diskann_op *base, diskann_stage *stage)
{
    convert_op *op = (convert_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    switch (op->state) {
    case CONVERT_BEGIN:
        return begin_copy(op, stage);
    case CONVERT_COPY:
        return enter(op, stage, CONVERT_IDS, size_of(op), 0);
    case CONVERT_IDS:
        return begin_codes(op, stage);
    case CONVERT_SAMPLE:
    case CONVERT_TRAIN:
        return step_training(op, stage);
    default:
        return finish(op);
    }
}

static void reset(diskann_op *base)
{
    convert_op *op = (convert_op *)base;
    for (uint32_t i = 0; op->coders != NULL && i < base->workers; i++) {
        if (op->coders[i].account != NULL) {
            list_coder_reset(&op->coders[i]);
        }
    }
    memory_put(&base->account, op->coders, base->workers * sizeof *op->coders);
    memory_put(&base->account, op->scratch, base->workers * op->scratch_each * sizeof *op->scratch);
    diskann_op_end(op->training);
    diskann_index_destroy(op->to);
}

static const op_calls calls = {step, run, NULL, reset};

int diskann_convert_begin(const diskann_index *index, const diskann_config *config, uint32_t workers, diskann_op **out)
{
    if (index == NULL || config == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    diskann_config wanted = index->config;
    wanted.codes = config->codes;
    wanted.code_bytes = config->code_bytes;
    wanted.page_bytes = config->page_bytes;
    TRY(op_create(&calls, sizeof(convert_op), workers, &index->account.allocator, out));
    convert_op *op = (convert_op *)*out;
    op->from = index;
    const int status = index_create(&wanted, &index->account.allocator, &op->to);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

diskann_index *diskann_convert_take(diskann_op *base)
{
    convert_op *op = (convert_op *)base;
    if (base == NULL || base->calls != &calls || op->state != CONVERT_END) {
        return NULL;
    }
    diskann_index *index = op->to;
    op->to = NULL;
    return index;
}
