/*
 * The audit of an index that stays in its file: it reads all of it once, and memory holds some bytes for each record.
 *
 *     superblock: IO -> (pages: IO -> check: RUN, parallel -> note: RUN, serial) ... -> tree: RUN, serial
 *     -> report: RUN, serial
 *
 * It finds what the audit of an index in memory (verify.c) finds, but for two things that want records in any order: 1-bit
 * codes, those of the navigator too, are looked at, not made anew of the vectors; and of a record that is not in the tree it
 * does not say whether other edges lead there. A tree that covers all records is the proof that all can be reached, so no
 * record that cannot be is missed.
 */
#include "code_pages.h"
#include "findings.h"
#include "page_stream.h"

#include <string.h>

enum verify_state { VERIFY_BEGIN, VERIFY_HEAD, VERIFY_READ, VERIFY_CHECK, VERIFY_NOTE, VERIFY_TREE, VERIFY_REPORT, VERIFY_END };

/* Above the bits of the finding kinds, in the word of a record: whether the tree leads there from the entry. */
#define MARK_COVERED (UINT32_C(1) << 30)
#define MARK_LOST (UINT32_C(1) << 31)
#define MARK_PATH (MARK_COVERED | MARK_LOST) /* on the path that is being followed */
_Static_assert(DISKANN_FINDING_COUNT <= 30, "the kinds and the marks share 32 bits");

enum { DENSE = 64 }; /* ids below so many times the size are noted as bits */

typedef struct verify_op {
    findings found;
    _Alignas(64) uint8_t head[DISKANN_SUPERBLOCK_BYTES];
    const diskann_paged *paged;
    page_stream stream;
    section section;     /* of codes by product quantisation, or the navigator */
    uint32_t *marks;     /* per record: CHECK_BIT of what is wrong with it, MARK_... */
    uint32_t *parents;   /* per record: whose tree edge leads there; SLOT_NONE: none yet */
    uint64_t *ids;       /* those that have come: a bit each, or a hash set of id + 1 */
    uint8_t *page_kinds; /* per page of the file */
    uint32_t *sets;      /* per worker, of a check_set */
    float *scratch;      /* per worker: rows and panel of pq_codes_encode */
    uint8_t *codes;      /* per worker: [PQ_CODES_ROWS][code_bytes], made anew */
    uint64_t id_count;   /* bits, or places of the set: a power of two */
    uint32_t set_count;
    uint32_t state;
} verify_op;

static uint32_t size_of(const verify_op *op)
{
    return (uint32_t)op->paged->block.size;
}

static const record_layout *layout_of(const verify_op *op)
{
    return &op->paged->records.layout;
}

static int has_codes(const verify_op *op)
{
    return op->paged->space.pq != NULL && op->paged->pq.pq != NULL;
}

static uint8_t *record_of(const verify_op *op, uint32_t slot)
{
    const record_layout *layout = layout_of(op);
    const uint32_t page = record_page(layout, slot);
    return page_record(layout, page_stream_at(&op->stream, page), slot - page * layout->records_per_page);
}

/* Node pages in the buffer. */
static uint64_t node_end(const verify_op *op)
{
    const uint64_t pages = op->paged->block.pages;
    return op->stream.end < pages ? op->stream.end : op->stream.begin < pages ? pages : op->stream.begin;
}

static uint32_t slot_at(const verify_op *op, uint64_t page)
{
    const uint64_t slot = page * layout_of(op)->records_per_page;
    return slot < size_of(op) ? (uint32_t)slot : size_of(op);
}

/* ---- pages and records ---- */

static void mark(verify_op *op, uint32_t slot, uint32_t bits)
{
    if (bits != 0) { /* pieces of one code may be wrong on several threads */
        __atomic_fetch_or(&op->marks[slot], bits, __ATOMIC_RELAXED);
    }
}

static void audit_records(verify_op *op, uint32_t worker, uint64_t page)
{
    const diskann_paged *paged = op->paged;
    const record_layout *layout = layout_of(op);
    const check_set set = {op->sets + (size_t)worker * op->set_count, op->set_count};
    for (uint32_t slot = slot_at(op, page); slot < slot_at(op, page + 1); slot++) {
        uint8_t *record = record_of(op, slot);
        uint32_t bits = check_record(&paged->space, &paged->limits, record);
        if (!(bits & CHECK_BIT(DISKANN_FINDING_DEGREE))) {
            bits |= check_edges(&set, record_links(layout, record), size_of(op), slot);
        }
        mark(op, slot, bits);
    }
}

static void audit_page(verify_op *op, uint32_t worker, uint64_t page)
{
    const diskann_paged *paged = op->paged;
    const uint8_t *bytes = page_stream_at(&op->stream, page);
    uint32_t kind;
    if (page < paged->block.pages) {
        const uint64_t used = page_used(layout_of(op), page_records(layout_of(op), page, paged->block.size));
        kind = page_check(paged->space.kernels->crc32c, layout_of(op), bytes, page, used, 1);
        audit_records(op, worker, page);
    } else {
        const uint64_t index = page - paged->block.pages;
        kind = section_check(&op->section, index, bytes);
        kind = kind == DISKANN_FINDING_NONE && !section_matches(&op->section, index, bytes) ? DISKANN_FINDING_CODES : kind;
    }
    op->page_kinds[page] = (uint8_t)kind;
}

/* ---- codes by product quantisation: pieces are ranges of blocks of records in the buffer ---- */

static uint64_t code_pieces(const verify_op *op)
{
    const uint64_t records = slot_at(op, node_end(op)) - slot_at(op, op->stream.begin);
    return has_codes(op) ? (records + PQ_CODES_ROWS - 1) / PQ_CODES_ROWS * pq_codes_ranges(&op->paged->pq) : 0;
}

static uint64_t scratch_floats(const verify_op *op)
{
    return (uint64_t)PQ_CODES_ROWS * op->paged->space.dimensions + pq_codes_panel(&op->paged->pq);
}

static uint64_t codes_bytes(const verify_op *op)
{
    return (uint64_t)PQ_CODES_ROWS * op->paged->pq.code_bytes;
}

static void audit_codes(verify_op *op, uint32_t worker, uint64_t piece)
{
    const pq_codes *pq = &op->paged->pq;
    const uint32_t dimensions = op->paged->space.dimensions, ranges = pq_codes_ranges(pq), bytes = pq->code_bytes;
    const uint32_t first = slot_at(op, op->stream.begin) + (uint32_t)(piece / ranges) * PQ_CODES_ROWS;
    const uint32_t rest = slot_at(op, node_end(op)) - first, count = rest < PQ_CODES_ROWS ? rest : PQ_CODES_ROWS;
    const pq_range range = pq_codes_range(pq, (uint32_t)(piece % ranges));
    float *rows = op->scratch + worker * scratch_floats(op);
    uint8_t *codes = op->codes + worker * codes_bytes(op);
    for (uint32_t i = 0; i < count; i++) {
        graph_code_vector(&op->paged->space, record_of(op, first + i), rows + (size_t)i * dimensions);
    }
    pq_codes_encode(pq, range, rows, count, rows + (size_t)PQ_CODES_ROWS * dimensions, codes);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *wanted = codes + (size_t)i * bytes + range.first;
        const uint8_t *found = pq->codes + (size_t)(first + i) * bytes + range.first;
        mark(op, first + i, memcmp(wanted, found, range.last - range.first) != 0 ? CHECK_BIT(DISKANN_FINDING_CODES) : 0);
    }
}

/* ---- ids and tree ---- */

static int ids_are_dense(const verify_op *op)
{
    return op->paged->block.next_id <= DENSE * op->paged->block.size;
}

static uint64_t ids_bytes(const verify_op *op)
{
    return ids_are_dense(op) ? (op->id_count + 63) / 64 * sizeof *op->ids : op->id_count * sizeof *op->ids;
}

/* 1: the id has come before. One out of range is found by check_record. */
static int note_id(verify_op *op, uint64_t id)
{
    if (id >= op->paged->block.next_id) {
        return 0;
    }
    if (ids_are_dense(op)) {
        const uint64_t bit = UINT64_C(1) << id % 64;
        const int is_known = (op->ids[id / 64] & bit) != 0;
        op->ids[id / 64] |= bit;
        return is_known;
    }
    uint64_t place = ((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (op->id_count - 1);
    while (op->ids[place] != 0 && op->ids[place] != id + 1) {
        place = (place + 1) & (op->id_count - 1);
    }
    const int is_known = op->ids[place] != 0;
    op->ids[place] = id + 1;
    return is_known;
}

/* Of equal ids the record of the higher slot is the one too many; so is the second tree edge to a record. */
static void note_record(verify_op *op, uint32_t slot)
{
    const record_layout *layout = layout_of(op);
    uint8_t *record = record_of(op, slot);
    const record_list *list = record_links(layout, record);
    op->marks[slot] |= note_id(op, *record_id(layout, record)) ? CHECK_BIT(DISKANN_FINDING_ID) : 0;
    const uint32_t most = record_children_max(op->paged->limits.max_degree);
    const uint32_t children = list->children < most ? list->children : most;
    for (uint32_t i = 0; i < children; i++) {
        const uint32_t target = list->neighbours[i];
        if (target >= size_of(op)) {
            continue;
        }
        if (target == op->paged->block.entry || op->parents[target] != SLOT_NONE) {
            op->marks[target] |= CHECK_BIT(DISKANN_FINDING_TREE);
        } else {
            op->parents[target] = slot;
        }
    }
}

/* Up the tree to a record whose place is known, or to none, or round in a circle; then all on the way are like it. */
static void follow(verify_op *op, uint32_t slot)
{
    uint32_t at = slot;
    while (at != SLOT_NONE && (op->marks[at] & MARK_PATH) == 0) {
        op->marks[at] |= MARK_PATH;
        at = op->parents[at];
    }
    const uint32_t end = at == SLOT_NONE ? MARK_PATH : op->marks[at] & MARK_PATH;
    const uint32_t found = end == MARK_COVERED ? MARK_COVERED : MARK_LOST;
    for (at = slot; at != SLOT_NONE && (op->marks[at] & MARK_PATH) == MARK_PATH; at = op->parents[at]) {
        op->marks[at] ^= MARK_PATH ^ found;
    }
}

/* ---- report ---- */

static void report_record(verify_op *op, uint32_t slot)
{
    const uint32_t page = record_page(layout_of(op), slot);
    if (slot == slot_at(op, page) && op->page_kinds[page] != DISKANN_FINDING_NONE) {
        findings_add(&op->found, op->page_kinds[page], UINT32_MAX, page);
    }
    uint32_t bits = op->marks[slot];
    bits |= bits & MARK_COVERED ? 0 : CHECK_BIT(DISKANN_FINDING_TREE);
    for (uint32_t kind = 1; kind < DISKANN_FINDING_COUNT; kind++) {
        if (bits & CHECK_BIT(kind)) {
            findings_add(&op->found, kind, slot, page);
        }
    }
}

static void report_codes(verify_op *op)
{
    for (uint64_t page = op->paged->block.pages; page < op->stream.count; page++) {
        if (op->page_kinds[page] != DISKANN_FINDING_NONE) {
            findings_add(&op->found, op->page_kinds[page], UINT32_MAX, (int64_t)page);
        }
    }
}

/* ---- the operation ---- */

static void run_item(verify_op *op, uint32_t worker, uint64_t item)
{
    const uint64_t pages = op->stream.end - op->stream.begin;
    switch (op->state) {
    case VERIFY_CHECK:
        if (item < pages) {
            audit_page(op, worker, op->stream.begin + item);
        } else {
            audit_codes(op, worker, item - pages);
        }
        break;
    case VERIFY_NOTE:
        note_record(op, slot_at(op, op->stream.begin) + (uint32_t)item);
        break;
    case VERIFY_TREE:
        follow(op, (uint32_t)item);
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

static int read_head(verify_op *op, diskann_stage *stage)
{
    transfer_begin(&op->stream.transfer);
    transfer_add(&op->stream.transfer, DISKANN_READ, 0, DISKANN_SUPERBLOCK_BYTES, op->head);
    op->state = VERIFY_HEAD;
    return transfer_hand_out(&op->stream.transfer, stage, DISKANN_PHASE_NONE, 0);
}

/* Of one state there is one superblock. */
static void check_head(verify_op *op)
{
    uint8_t *wanted = op->stream.buffer; /* nothing has been read yet */
    superblock_encode(&op->paged->block, op->paged->space.kernels->crc32c, wanted);
    if (memcmp(op->head, wanted, DISKANN_SUPERBLOCK_BYTES) != 0) {
        findings_add(&op->found, DISKANN_FINDING_SUPERBLOCK, UINT32_MAX, DISKANN_NOWHERE);
    }
}

static int audit_stage(verify_op *op, diskann_stage *stage, uint32_t state)
{
    op->state = state;
    stage->phase = DISKANN_PHASE_AUDIT;
    stage->items = size_of(op);
    stage->done = (uint64_t)(state - VERIFY_TREE) * size_of(op);
    stage->total = 2 * (uint64_t)size_of(op);
    return DISKANN_RUN;
}

static int begin_tree(verify_op *op, diskann_stage *stage)
{
    if (size_of(op) == 0) {
        op->state = VERIFY_END;
        return DISKANN_OK;
    }
    op->marks[op->paged->block.entry] |= MARK_COVERED;
    return audit_stage(op, stage, VERIFY_TREE);
}

static int read_pages(verify_op *op, diskann_stage *stage)
{
    op->state = VERIFY_READ;
    const int status = page_stream_read(&op->stream, stage);
    return status == DISKANN_OK ? begin_tree(op, stage) : status;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    verify_op *op = (verify_op *)base;
    page_stream *stream = &op->stream;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&stream->transfer));
    switch (op->state) {
    case VERIFY_BEGIN:
        return read_head(op, stage);
    case VERIFY_HEAD:
        check_head(op); /* fall through */
    case VERIFY_NOTE:
        return read_pages(op, stage);
    case VERIFY_READ:
        op->state = VERIFY_CHECK;
        return page_stream_run(stream, stage, stream->end - stream->begin + code_pieces(op), 1);
    case VERIFY_CHECK:
        op->state = VERIFY_NOTE;
        return page_stream_run(stream, stage, slot_at(op, node_end(op)) - slot_at(op, stream->begin), 0);
    case VERIFY_TREE:
        return audit_stage(op, stage, VERIFY_REPORT);
    case VERIFY_REPORT:
        report_codes(op); /* fall through */
    default:
        op->state = VERIFY_END;
        return DISKANN_OK;
    }
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((verify_op *)base)->stream.transfer, ticket, status);
}

/* ---- memory ---- */

static uint64_t words_bytes(const verify_op *op)
{
    return (size_of(op) + UINT64_C(1)) * sizeof(uint32_t);
}

static uint64_t sets_bytes(const verify_op *op)
{
    return (uint64_t)op->found.base.workers * op->set_count * sizeof *op->sets;
}

static void reset(diskann_op *base)
{
    verify_op *op = (verify_op *)base;
    memory_account *account = &base->account;
    findings_reset(&op->found);
    if (op->paged == NULL) {
        return;
    }
    memory_put(account, op->page_kinds, op->stream.count + 1);
    page_stream_reset(&op->stream);
    memory_put(account, op->marks, words_bytes(op));
    memory_put(account, op->parents, words_bytes(op));
    memory_put(account, op->ids, ids_bytes(op));
    memory_put(account, op->sets, sets_bytes(op));
    if (has_codes(op)) {
        memory_put(account, op->scratch, base->workers * scratch_floats(op) * sizeof *op->scratch);
        memory_put(account, op->codes, base->workers * codes_bytes(op));
    }
}

const op_calls paged_verify_calls = {step, run, complete, reset};

static int prepare_codes(verify_op *op)
{
    memory_account *account = &op->found.base.account;
    const diskann_paged *paged = op->paged;
    if (paged->block.code_pages > 0) {
        op->section = code_pages_section(&paged->block, &paged->space);
    }
    if (!has_codes(op)) {
        return DISKANN_OK;
    }
    op->scratch = memory_get(account, op->found.base.workers * scratch_floats(op) * sizeof *op->scratch);
    op->codes = memory_get(account, op->found.base.workers * codes_bytes(op));
    return op->scratch != NULL && op->codes != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

static uint64_t count_ids(const verify_op *op)
{
    uint64_t count = 16;
    while (count < 4 * (uint64_t)size_of(op) / 3) {
        count *= 2;
    }
    return ids_are_dense(op) ? op->paged->block.next_id + 1 : count;
}

static int prepare(verify_op *op)
{
    memory_account *account = &op->found.base.account;
    TRY(page_stream_init(&op->stream, op->paged, page_stream_pages(op->paged), DISKANN_PHASE_CHECK, account));
    op->id_count = count_ids(op);
    op->set_count = check_set_count(op->paged->limits.max_degree);
    op->marks = memory_get_zeroed(account, words_bytes(op));
    op->parents = memory_get(account, words_bytes(op));
    op->ids = memory_get_zeroed(account, ids_bytes(op));
    op->page_kinds = memory_get_zeroed(account, op->stream.count + 1);
    op->sets = memory_get(account, sets_bytes(op));
    if (op->marks == NULL || op->parents == NULL || op->ids == NULL || op->page_kinds == NULL || op->sets == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memset(op->parents, 0xff, (size_t)words_bytes(op));
    return prepare_codes(op);
}

int diskann_paged_verify_begin(const diskann_paged *paged, uint32_t workers, diskann_op **out)
{
    diskann_op *base = NULL;
    if (paged == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    int status = findings_create(&paged_verify_calls, sizeof(verify_op), workers, &paged->account.allocator, &base);
    if (base == NULL) {
        return status;
    }
    verify_op *op = (verify_op *)base;
    op->paged = paged;
    status = status < 0 ? status : prepare(op);
    if (status < 0) {
        diskann_op_end(base);
        return status;
    }
    *out = base;
    return DISKANN_OK;
}
