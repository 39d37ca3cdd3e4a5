/*
 * A search of a paged index: the walk of graph/walk.h, with records from the page cache.
 *
 *     round: the pages of the next records are pinned --all there--> absorb: RUN --> round --...--> done
 *               | no room: WAIT          | some missing: IO, then WAIT for those that others read
 *
 * A round holds all its pins or none, and gives them back when it has been absorbed; so some search can always go on. What
 * touches the cache happens in steps, of which the host allows one at a time for an index; items touch pinned pages only.
 */
#include "../graph/walk.h"
#include "paged.h"

enum paged_search_state { PAGED_ROUND, PAGED_PENDING, PAGED_ABSORBED, PAGED_END };

typedef struct paged_search_op {
    diskann_op base;
    diskann_paged *paged;
    graph_walk walk;
    float *query;    /* copied */
    void *converted; /* scratch of graph_query */
    diskann_search_params params;
    diskann_search_counters counters;
    uint32_t slots[DISKANN_BEAM_WIDTH_MAX];
    uint32_t frames[DISKANN_BEAM_WIDTH_MAX]; /* of the slots, the same for those of one page; FRAME_NONE: not pinned */
    uint8_t *pages[DISKANN_BEAM_WIDTH_MAX];  /* what is in them, while it is absorbed: frames may move, pages do not */
    diskann_request requests[DISKANN_BEAM_WIDTH_MAX];
    uint32_t slot_count;
    uint32_t request_count;
    uint32_t state;
    uint32_t has_begun;
} paged_search_op;

static const record_layout *layout_of(const paged_search_op *op)
{
    return &op->paged->records.layout;
}

static uint32_t page_of(const paged_search_op *op, uint32_t i)
{
    return record_page(layout_of(op), op->slots[i]);
}

/* ---- pins ---- */

static void unpin_round(paged_search_op *op)
{
    for (uint32_t i = 0; i < op->slot_count; i++) {
        if (op->frames[i] != FRAME_NONE) {
            cache_unpin(&op->paged->cache, op->frames[i]);
            op->frames[i] = FRAME_NONE;
        }
    }
}

static int is_repeated(const paged_search_op *op, uint32_t i)
{
    const uint32_t page = page_of(op, i);
    for (uint32_t j = 0; j < i; j++) {
        if (page_of(op, j) == page) {
            return 1;
        }
    }
    return 0;
}

/* Pins the pages of the round that are there or on their way, before others could push them out; returns how many are not. */
static uint32_t pin_present(paged_search_op *op)
{
    uint32_t absent = 0;
    for (uint32_t i = 0; i < op->slot_count; i++) {
        op->frames[i] = cache_pin(&op->paged->cache, page_of(op, i));
        absent += op->frames[i] == FRAME_NONE && !is_repeated(op, i);
    }
    return absent;
}

/* Pins the page of a slot that was absent, and asks for it unless an earlier slot of the round has done so. */
static int ask_for(paged_search_op *op, uint32_t i)
{
    page_cache *cache = &op->paged->cache;
    const uint32_t page = page_of(op, i);
    op->frames[i] = cache_pin(cache, page);
    if (op->frames[i] != FRAME_NONE) {
        return DISKANN_OK;
    }
    op->frames[i] = cache_read(cache, page);
    if (op->frames[i] == FRAME_NONE) {
        return DISKANN_ERR_NO_MEMORY;
    }
    op->requests[op->request_count++] = paged_request(op->paged, op->frames[i]);
    return DISKANN_OK;
}

/* The reads of the round will not be asked for. */
static void forget_reads(paged_search_op *op)
{
    for (; op->request_count > 0; op->request_count--) {
        const uint32_t frame = op->requests[op->request_count - 1].ticket;
        cache_forget(&op->paged->cache, frame);
        for (uint32_t i = 0; i < op->slot_count; i++) {
            op->frames[i] = op->frames[i] == frame ? FRAME_NONE : op->frames[i];
        }
    }
}

/* Pins the pages of all slots, with requests for those that are absent; or none: WAIT, or ERR_NO_MEMORY if nobody has any. */
static int pin_round(paged_search_op *op)
{
    page_cache *cache = &op->paged->cache;
    const uint32_t absent = pin_present(op);
    int status = absent <= cache_room(cache) ? DISKANN_OK : DISKANN_WAIT;
    op->request_count = 0;
    for (uint32_t i = 0; i < op->slot_count && absent > 0 && status == DISKANN_OK; i++) {
        status = op->frames[i] == FRAME_NONE ? ask_for(op, i) : DISKANN_OK;
    }
    if (status != DISKANN_OK) {
        forget_reads(op);
        unpin_round(op);
        return cache->busy > 0 ? DISKANN_WAIT : DISKANN_ERR_NO_MEMORY;
    }
    cache->hits += op->slot_count - op->request_count;
    cache->misses += op->request_count;
    return DISKANN_OK;
}

/* ---- stages ---- */

static int hand_out_absorb(paged_search_op *op, diskann_stage *stage)
{
    op->state = PAGED_ABSORBED;
    stage->items = op->slot_count;
    for (uint32_t i = 0; i < op->slot_count; i++) {
        op->pages[i] = op->paged->cache.frames[op->frames[i]].bytes;
    }
    return DISKANN_RUN;
}

/* OK when all pages of the round are there; WAIT; or the error of the first that could not be read. */
static int look_at_round(paged_search_op *op)
{
    const page_cache *cache = &op->paged->cache;
    int status = DISKANN_OK;
    for (uint32_t i = 0; i < op->slot_count; i++) {
        const cache_frame *frame = &cache->frames[op->frames[i]];
        if (frame->state == CACHE_FAILED) {
            return op_fail(&op->base, frame->status, frame->kind, DISKANN_NOWHERE, frame->page, 0);
        }
        status = frame->state == CACHE_READING ? DISKANN_WAIT : status;
    }
    return status;
}

static int go_on(paged_search_op *op, diskann_stage *stage)
{
    const int status = look_at_round(op);
    stage->phase = status == DISKANN_WAIT ? DISKANN_PHASE_READ : DISKANN_PHASE_NONE;
    return status == DISKANN_OK ? hand_out_absorb(op, stage) : status;
}

static int begin_round(paged_search_op *op, diskann_stage *stage)
{
    const int status = pin_round(op);
    if (status != DISKANN_OK) {
        return status;
    }
    op->counters.reads += op->request_count;
    op->counters.bytes_read += (uint64_t)op->request_count * op->paged->place.bytes;
    op->state = PAGED_PENDING;
    stage->requests = op->requests;
    stage->request_count = op->request_count;
    return op->request_count > 0 ? DISKANN_IO : go_on(op, stage);
}

static int finish(paged_search_op *op)
{
    op->state = PAGED_END;
    op->counters.distances = op->walk.distance_count;
    op->counters.hops = op->walk.hops;
    op->counters.rounds = op->walk.rounds;
    return op->walk.status;
}

static int next_round(paged_search_op *op, diskann_stage *stage)
{
    op->slot_count = walk_next(&op->walk, op->slots);
    if (op->slot_count == 0) {
        return finish(op);
    }
    op->state = PAGED_ROUND;
    return begin_round(op, stage);
}

static int begin_walk(paged_search_op *op, diskann_stage *stage)
{
    const diskann_paged *paged = op->paged;
    graph_point point;
    TRY(graph_query(&paged->space, op->query, op->converted, &point));
    op->has_begun = 1;
    if (paged->block.size == 0) {
        op->state = PAGED_END;
        return DISKANN_OK;
    }
    const walk_limits limits = {op->params.list_size, op->params.beam_width, op->params.k};
    TRY(walk_reserve(&op->walk, &paged->space, paged->limits.max_degree, limits));
    walk_begin(&op->walk, &paged->space, op->query, point, paged->block.entry, (uint32_t)paged->block.size, limits);
    return next_round(op, stage);
}

static int proceed(paged_search_op *op, diskann_stage *stage)
{
    if (op_is_cancelled(&op->base)) {
        return DISKANN_ERR_CANCELLED;
    }
    if (!op->has_begun) {
        return begin_walk(op, stage);
    }
    switch (op->state) {
    case PAGED_ROUND:
        return begin_round(op, stage);
    case PAGED_PENDING:
        return go_on(op, stage);
    case PAGED_ABSORBED:
        unpin_round(op);
        return next_round(op, stage);
    default:
        return DISKANN_OK;
    }
}

/* One that has failed holds nothing up until it is ended. */
static int step(diskann_op *base, diskann_stage *stage)
{
    paged_search_op *op = (paged_search_op *)base;
    const int status = proceed(op, stage);
    if (status < 0) {
        unpin_round(op);
    }
    return status;
}

static void score_page(paged_search_op *op, uint32_t page, uint8_t *bytes)
{
    const record_layout *layout = layout_of(op);
    const uint32_t first = page * layout->records_per_page;
    const uint32_t records = page_records(layout, page, op->paged->block.size);
    for (uint32_t i = 0; i < records; i++) {
        walk_score(&op->walk, &op->paged->space, first + i, page_record(layout, bytes, i));
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    paged_search_op *op = (paged_search_op *)base;
    const record_layout *layout = layout_of(op);
    (void)worker;
    for (uint64_t i = begin; i < end && !op_is_cancelled(base); i++) {
        uint8_t *bytes = op->pages[i];
        const uint32_t slot = op->slots[i], page = record_page(layout, slot);
        if (op->params.page_search) {
            score_page(op, page, bytes);
        }
        walk_absorb(&op->walk, &op->paged->space, slot, page_record(layout, bytes, slot - page * layout->records_per_page));
    }
}

static void reset(diskann_op *base)
{
    paged_search_op *op = (paged_search_op *)base;
    diskann_paged *paged = op->paged;
    unpin_round(op);
    walk_reset(&op->walk);
    memory_put(&base->account, op->query, paged->space.dimensions * sizeof *op->query);
    memory_put(&base->account, op->converted, graph_query_bytes(&paged->space));
    paged->searches--;
    paged_rest(paged);
}

static const op_calls calls = {step, run, NULL, reset};

static int prepare(paged_search_op *op, const float *query)
{
    diskann_paged *paged = op->paged;
    memory_account *account = &op->base.account;
    const uint64_t query_bytes = paged->space.dimensions * sizeof *op->query;
    const uint64_t converted_bytes = graph_query_bytes(&paged->space);
    op->query = memory_get(account, query_bytes);
    op->converted = converted_bytes > 0 ? memory_get(account, converted_bytes) : NULL;
    if (op->query == NULL || (converted_bytes > 0 && op->converted == NULL)) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < paged->space.dimensions; i++) {
        op->query[i] = query[i];
    }
    return paged_reserve(paged, op->params.beam_width);
}

int diskann_paged_search_begin(diskann_paged *paged, const float *query, const diskann_search_params *params, diskann_op **out)
{
    if (paged == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(check_search(query, params));
    TRY(op_create(&calls, sizeof(paged_search_op), 1, &paged->account.allocator, out));
    paged_search_op *op = (paged_search_op *)*out;
    op->paged = paged;
    op->params = *params;
    op->params.list_size = params->list_size > params->k ? params->list_size : params->k;
    walk_init(&op->walk, &op->base.account);
    paged->searches++;
    const int status = prepare(op, query);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

int diskann_paged_search_take(diskann_op *base, uint64_t *ids, float *distances, uint32_t *count,
                              diskann_search_counters *counters)
{
    paged_search_op *op = (paged_search_op *)base;
    *count = 0;
    if (base->calls != &calls || op->state != PAGED_END) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const int found = walk_take(&op->walk, ids, distances);
    TRY(found);
    *count = (uint32_t)found;
    if (counters != NULL) {
        *counters = op->counters;
    }
    return DISKANN_OK;
}
