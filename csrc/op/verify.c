/*
 * The audit: checksums, records and graph.
 *
 *     records: RUN, parallel over pages -> codes by product quantisation: RUN, parallel over their pieces, or the navigator:
 *     RUN, parallel over its groups -> tree: RUN, serial -> reach: RUN, serial -> report: RUN, serial
 *
 * All that is found goes into one word per record and one byte per page, which the report reads in order of
 * slot: so the findings are the same however the work was spread. Nothing of the index is trusted here: lists
 * are cut at the capacity of the record and edges out of range are not followed.
 */
#include "../graph/list_codes.h"
#include "../store/page.h"
#include "check.h"
#include "findings.h"
#include "index.h"

#include <string.h>

enum verify_state { VERIFY_BEGIN, VERIFY_RECORDS, VERIFY_CODES, VERIFY_TREE, VERIFY_REACH, VERIFY_REPORT, VERIFY_END };

/* Above the bits of the finding kinds, in the word of a record. */
#define MARK_REACHED (UINT32_C(1) << 30) /* from the entry, by any edges */
#define MARK_COVERED (UINT32_C(1) << 31) /* from the entry, by tree edges */
_Static_assert(DISKANN_FINDING_COUNT <= 30, "the kinds and the marks share 32 bits");

typedef struct verify_op {
    findings found;
    const diskann_index *index;
    uint32_t *marks;       /* per record: CHECK_BIT of what is wrong with it, MARK_... */
    uint8_t *page_kinds;   /* per page: what is wrong with it */
    uint32_t *queue;       /* breadth first: records in order of discovery */
    uint32_t *sets;        /* per worker: set_slots entries, of a check_set */
    list_coder *coders;    /* per worker */
    float *pq_scratch;     /* per worker: index_pq_scratch */
    uint8_t *codes;        /* [size][code_bytes]: made anew */
    navigator navigator;   /* made anew */
    uint64_t pages;
    uint32_t set_slots;
    uint32_t queued;
    uint32_t state;
} verify_op;

/* -- records -- */

static uint32_t audit_record(const verify_op *op, uint32_t worker, uint32_t slot)
{
    const check_set set = {op->sets + (size_t)worker * op->set_slots, op->set_slots};
    const diskann_index *index = op->index;
    const record_layout *layout = &index->records.layout;
    uint8_t *record = record_at(&index->records, slot);
    const check_limits limits = {index->config.max_degree, index->size, index->next_id};
    uint32_t bits = check_record(&index->space, &limits, record);
    if (!(bits & CHECK_BIT(DISKANN_FINDING_DEGREE))) {
        bits |= check_edges(&set, record_links(layout, record), index->size, slot);
    }
    if (index->space.bits != NULL && !(bits & CHECK_BROKEN_LIST) && !list_coder_check(&op->coders[worker], slot)) {
        bits |= CHECK_BIT(DISKANN_FINDING_CODES);
    }
    /* Two records with one id cannot both be the one that is found. */
    if (id_map_find(&index->ids, *record_id(layout, record)) != slot) {
        bits |= CHECK_BIT(DISKANN_FINDING_ID);
    }
    return bits;
}

static void audit_page(verify_op *op, uint32_t worker, uint32_t page)
{
    const diskann_index *index = op->index;
    const record_layout *layout = &index->records.layout;
    const uint32_t records = page_records(layout, page, index->size);
    const uint32_t first = page * layout->records_per_page;
    const uint8_t *bytes = page_at(&index->records, page);
    const int sealed = !index->records.dirty[page];
    op->page_kinds[page] =
        (uint8_t)page_check(index->space.kernels->crc32c, layout, bytes, page, page_used(layout, records), sealed);
    for (uint32_t slot = first; slot < first + records; slot++) {
        op->marks[slot] = audit_record(op, worker, slot);
    }
}

/* -- codes by product quantisation -- */

static int has_quantizer(const verify_op *op)
{
    return op->index->space.pq != NULL && op->index->pq.pq != NULL;
}

static uint64_t pq_pieces(const verify_op *op)
{
    return has_quantizer(op) ? index_pq_pieces(op->index, op->index->size) : 0;
}

static uint64_t codes_bytes(const verify_op *op)
{
    return (uint64_t)op->index->size * op->index->config.code_bytes;
}

static uint64_t pq_scratch_bytes(const verify_op *op)
{
    return has_quantizer(op) ? op->found.base.workers * index_pq_scratch(op->index) * sizeof *op->pq_scratch : 0;
}

static void encode_piece(verify_op *op, uint32_t worker, uint64_t piece)
{
    float *scratch = op->pq_scratch + worker * index_pq_scratch(op->index);
    index_encode_pq(op->index, 0, op->index->size, piece, scratch, op->codes);
}

static uint64_t code_items(const verify_op *op)
{
    return pq_pieces(op) + op->navigator.places / BITS_GROUP;
}

static void encode_item(verify_op *op, uint32_t worker, uint64_t item)
{
    if (has_quantizer(op)) {
        encode_piece(op, worker, item);
    } else {
        list_coder_navigate(&op->coders[worker], &op->navigator, (uint32_t)item);
    }
}

static int has_own_navigator(const verify_op *op)
{
    return op->navigator.places == 0 ||
           memcmp(op->navigator.block, op->index->navigator.block, navigator_bytes(&op->navigator)) == 0;
}

/* 1: the code of a vector is what its quantiser makes of it. */
static int has_own_code(const verify_op *op, uint32_t slot)
{
    const size_t bytes = op->index->config.code_bytes;
    return !has_quantizer(op) || memcmp(op->codes + slot * bytes, op->index->pq.codes + slot * bytes, bytes) == 0;
}

/* -- graph -- */

/* Returns 1 if the record had been visited already. */
static int visit(verify_op *op, uint32_t slot, uint32_t mark)
{
    if (op->marks[slot] & (MARK_COVERED | MARK_REACHED)) {
        return 1;
    }
    op->marks[slot] |= mark;
    op->queue[op->queued++] = slot;
    return 0;
}

/*
 * Follows the edges of the record at `at` of the queue: MARK_COVERED its tree edges only, MARK_REACHED all.
 */
static void expand(verify_op *op, uint64_t at, uint32_t mark)
{
    const diskann_index *index = op->index;
    const record_layout *layout = &index->records.layout;
    const record_list *list = record_links(layout, record_at(&index->records, op->queue[at]));
    const uint32_t wanted = mark == MARK_COVERED ? list->children : list->degree;
    const uint32_t edges = wanted < index->config.max_degree ? wanted : index->config.max_degree;
    for (uint32_t i = 0; i < edges; i++) {
        const uint32_t target = list->neighbours[i];
        if (target < index->size && visit(op, target, mark) && mark == MARK_COVERED) {
            op->marks[target] |= CHECK_BIT(DISKANN_FINDING_TREE); /* target of two tree edges, or the entry */
        }
    }
}

/* -- report -- */

/* What is wrong with a page comes before what is wrong with its first record. */
static void report_record(verify_op *op, uint32_t slot)
{
    const record_layout *layout = &op->index->records.layout;
    const uint32_t page = record_page(layout, slot);
    if (slot == page * layout->records_per_page && op->page_kinds[page] != DISKANN_FINDING_NONE) {
        findings_add(&op->found, op->page_kinds[page], UINT32_MAX, page);
    }
    uint32_t bits = op->marks[slot];
    bits |= bits & MARK_COVERED ? 0 : CHECK_BIT(DISKANN_FINDING_TREE);
    bits |= bits & (MARK_COVERED | MARK_REACHED) ? 0 : CHECK_BIT(DISKANN_FINDING_UNREACHABLE);
    bits |= has_own_code(op, slot) ? 0 : CHECK_BIT(DISKANN_FINDING_CODES);
    for (uint32_t kind = 1; kind < DISKANN_FINDING_COUNT; kind++) {
        if (bits & CHECK_BIT(kind)) {
            findings_add(&op->found, kind, slot, page);
        }
    }
}

/* -- the operation -- */

static void run_item(verify_op *op, uint32_t worker, uint64_t item)
{
    switch (op->state) {
    case VERIFY_RECORDS:
        audit_page(op, worker, (uint32_t)item);
        break;
    case VERIFY_CODES:
        encode_item(op, worker, item);
        break;
    case VERIFY_TREE:
    case VERIFY_REACH: /* item i is the i-th discovery; there may be fewer of them than records */
        if (item < op->queued) {
            expand(op, item, op->state == VERIFY_TREE ? MARK_COVERED : MARK_REACHED);
        }
        break;
    default:
        report_record(op, (uint32_t)item);
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    for (uint64_t item = begin; item < end && !op_is_cancelled(base); item++) {
        run_item((verify_op *)base, worker, item);
    }
}

static int hand_out(verify_op *op, diskann_stage *stage, uint32_t state)
{
    const int is_check = state < VERIFY_TREE;
    op->state = state;
    stage->phase = is_check ? DISKANN_PHASE_CHECK : DISKANN_PHASE_AUDIT;
    stage->parallel = is_check;
    stage->items = state == VERIFY_RECORDS ? op->pages : is_check ? code_items(op) : op->index->size;
    stage->done = state == VERIFY_RECORDS ? 0 : is_check ? op->pages : (uint64_t)(state - VERIFY_TREE) * op->index->size;
    stage->total = is_check ? op->pages + code_items(op) : 3 * (uint64_t)op->index->size;
    return DISKANN_RUN;
}

static int begin_audit(verify_op *op, diskann_stage *stage)
{
    const diskann_index *index = op->index;
    const int entry_is_valid = index->size == 0 ? index->entry == SLOT_NONE : index->entry < index->size;
    if (!entry_is_valid) {
        findings_add(&op->found, DISKANN_FINDING_SUPERBLOCK, UINT32_MAX, DISKANN_NOWHERE);
    }
    if (index->size == 0) {
        op->state = VERIFY_END;
        return DISKANN_OK;
    }
    if (index->space.pq != NULL && !(has_quantizer(op) && pq_codes_are_sound(&index->pq))) {
        findings_add(&op->found, DISKANN_FINDING_CODES, UINT32_MAX, (int64_t)op->pages);
    }
    return hand_out(op, stage, VERIFY_RECORDS);
}

static int begin_tree(verify_op *op, diskann_stage *stage)
{
    if (op->index->entry < op->index->size) {
        visit(op, op->index->entry, MARK_COVERED);
    }
    return hand_out(op, stage, VERIFY_TREE);
}

static int step(diskann_op *base, diskann_stage *stage)
{
    verify_op *op = (verify_op *)base;
    const uint32_t size = op->index->size;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    switch (op->state) {
    case VERIFY_BEGIN:
        return begin_audit(op, stage);
    case VERIFY_RECORDS:
        if (code_items(op) > 0) {
            return hand_out(op, stage, VERIFY_CODES);
        } /* fall through */
    case VERIFY_CODES:
        if (!has_own_navigator(op)) {
            findings_add(&op->found, DISKANN_FINDING_CODES, UINT32_MAX, (int64_t)op->pages);
        }
        return begin_tree(op, stage);
    case VERIFY_TREE:
        /* A tree that covers all records is the proof that all can be reached. */
        return hand_out(op, stage, op->queued == size ? VERIFY_REPORT : VERIFY_REACH);
    case VERIFY_REACH:
        return hand_out(op, stage, VERIFY_REPORT);
    default:
        op->state = VERIFY_END;
        return DISKANN_OK;
    }
}

static uint64_t at_least_one(uint64_t count)
{
    return count > 0 ? count : 1;
}

static uint64_t sets_bytes(const verify_op *op)
{
    return (uint64_t)op->found.base.workers * op->set_slots * sizeof *op->sets;
}

static void reset(diskann_op *base)
{
    verify_op *op = (verify_op *)base;
    const uint64_t size = at_least_one(op->index->size);
    memory_put(&base->account, op->marks, size * sizeof *op->marks);
    memory_put(&base->account, op->page_kinds, at_least_one(op->pages));
    memory_put(&base->account, op->queue, size * sizeof *op->queue);
    memory_put(&base->account, op->sets, sets_bytes(op));
    for (uint32_t i = 0; op->coders != NULL && i < base->workers; i++) {
        if (op->coders[i].account != NULL) {
            list_coder_reset(&op->coders[i]);
        }
    }
    memory_put(&base->account, op->coders, base->workers * sizeof *op->coders);
    memory_put(&base->account, op->pq_scratch, pq_scratch_bytes(op));
    memory_put(&base->account, op->codes, codes_bytes(op));
    navigator_reset(&op->navigator);
    findings_reset(&op->found);
}

const op_calls verify_calls = {step, run, NULL, reset};

static int prepare_coders(verify_op *op)
{
    const diskann_index *index = op->index;
    if (index->space.bits == NULL) {
        return DISKANN_OK;
    }
    op->coders = memory_get_zeroed(&op->found.base.account, op->found.base.workers * sizeof *op->coders);
    for (uint32_t i = 0; op->coders != NULL && i < op->found.base.workers; i++) {
        list_coder_init(&op->coders[i], &op->found.base.account);
        TRY(list_coder_reserve(&op->coders[i], &index->space, index->config.max_degree));
    }
    if (op->coders == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    return index->navigator.size > 0 ? navigator_reserve(&op->navigator, index->config.dimensions, index->navigator.size)
                                     : DISKANN_OK;
}

static int prepare_pq(verify_op *op)
{
    if (!has_quantizer(op)) {
        return DISKANN_OK;
    }
    op->pq_scratch = memory_get(&op->found.base.account, pq_scratch_bytes(op));
    op->codes = memory_get(&op->found.base.account, codes_bytes(op));
    return op->pq_scratch != NULL && op->codes != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

static int prepare(verify_op *op, const diskann_index *index)
{
    memory_account *account = &op->found.base.account;
    const uint64_t size = at_least_one(index->size);
    op->marks = memory_get_zeroed(account, size * sizeof *op->marks);
    op->page_kinds = memory_get_zeroed(account, at_least_one(op->pages));
    op->queue = memory_get(account, size * sizeof *op->queue);
    op->sets = memory_get(account, sets_bytes(op));
    if (op->marks == NULL || op->page_kinds == NULL || op->queue == NULL || op->sets == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    TRY(prepare_coders(op));
    return prepare_pq(op);
}

int diskann_verify_begin(const diskann_index *index, uint32_t workers, diskann_op **out)
{
    diskann_op *base = NULL;
    if (index == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    int status = findings_create(&verify_calls, sizeof(verify_op), workers, &index->account.allocator, &base);
    if (base == NULL) {
        return status;
    }
    verify_op *op = (verify_op *)base;
    op->index = index;
    op->pages = record_pages(&index->records.layout, index->size);
    navigator_init(&op->navigator, &base->account);
    op->set_slots = check_set_count(index->config.max_degree);
    status = status < 0 ? status : prepare(op, index);
    if (status < 0) {
        diskann_op_end(base);
        return status;
    }
    *out = base;
    return DISKANN_OK;
}
