/*
 * Opening a file fully in memory. The bytes come from outside: nothing is allocated before the superblock has
 * been checked against the size of the file, and no field of a record is used before the record has been
 * checked.
 *
 *     superblock: IO -> pages: IO, in rounds -> pages of codes, where there are some: IO, in rounds
 *     -> check: RUN, parallel over pages -> tree: RUN, serial -> codes, where they are made: RUN, parallel over records
 *
 * The tree is walked because an insert relies on it: it descends the tree until there is room for a child.
 * The walk fills the id map on its way. The other edges are verify's business: they can do a search no harm.
 */
#include "../store/page.h"
#include "check.h"
#include "code_pages.h"
#include "index.h"
#include "opening.h"

#include <string.h>

enum { ROUND_SEGMENTS = 4 }; /* read at once: about 8 MiB */

enum open_state { OPEN_SUPERBLOCK, OPEN_DECODE, OPEN_PAGES, OPEN_CODE_PAGES, OPEN_CHECK, OPEN_TREE, OPEN_CODES, OPEN_END };

/* The first damaged page that a worker has seen. Cells of different workers share no cache line. */
typedef struct open_cell {
    _Alignas(64) uint64_t page;
    uint32_t kind; /* NONE: no damage */
} open_cell;

typedef struct open_op {
    opening opening;
    code_pages codes;
    open_cell code_damage; /* the first page of codes that is damaged: node pages come before it */
    open_cell *cells;     /* one per worker */
    diskann_index *index; /* NULL before it is made and after it was taken */
    uint64_t next_page;   /* to be read */
    uint32_t *stack;      /* of the walk: records found, but not entered */
    uint8_t *found;       /* one byte per record */
    float *scratch;       /* [workers][dimensions] */
    uint32_t stack_count;
    uint32_t simd;
    uint32_t state;
    uint32_t bad_slot;    /* where the walk ended, or SLOT_NONE */
    uint32_t bad_kind;
} open_op;

static int fail_corrupt(open_op *op, uint32_t kind, int64_t page)
{
    return opening_fail_corrupt(&op->opening, kind, page);
}

static int fail_memory(open_op *op)
{
    return op_fail(&op->opening.base, DISKANN_ERR_NO_MEMORY, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, op->opening.block.file_bytes);
}

/* The size of the file vouches for the size of the index: what is allocated here is in proportion to it. */
static int make_index(open_op *op)
{
    diskann_config config = op->opening.block.config;
    config.simd = op->simd;
    const int status = index_create(&config, &op->opening.base.account.allocator, &op->index);
    if (status < 0) {
        return op_fail(&op->opening.base, status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE,
                       status == DISKANN_ERR_NO_MEMORY ? sizeof(diskann_index) : 0);
    }
    const uint64_t size = op->opening.block.size;
    if (size > 0) {
        op->stack = memory_get(&op->opening.base.account, size * sizeof *op->stack);
        op->found = memory_get_zeroed(&op->opening.base.account, size);
    }
    if ((size > 0 && (op->stack == NULL || op->found == NULL)) || id_map_reserve(&op->index->ids, size) < 0) {
        return fail_memory(op);
    }
    return DISKANN_OK;
}

/*
 * The next round of pages; IO, or OK when all have been read. Memory for a round comes with the round: to get
 * all of it takes long, and a step is to be cheap.
 */
static int read_pages(open_op *op, diskann_stage *stage)
{
    record_store *records = &op->index->records;
    const record_layout *layout = &records->layout;
    if (op->next_page == op->opening.block.pages) {
        return DISKANN_OK;
    }
    const uint64_t rest = op->opening.block.pages - op->next_page;
    const uint64_t most = (uint64_t)ROUND_SEGMENTS << layout->segment_shift;
    const uint64_t end = op->next_page + (rest < most ? rest : most);
    if (record_store_reserve(records, end * layout->records_per_page) < 0) {
        return fail_memory(op);
    }
    transfer_begin(&op->opening.transfer);
    op->next_page = transfer_add_pages(&op->opening.transfer, DISKANN_READ, records, &op->opening.block.layout,
                                       op->next_page, end);
    return transfer_hand_out(&op->opening.transfer, stage, DISKANN_PHASE_READ, op->opening.file_bytes);
}

static int hand_out_items(open_op *op, diskann_stage *stage, uint32_t state)
{
    op->state = state;
    stage->phase = DISKANN_PHASE_CHECK;
    stage->parallel = state != OPEN_TREE;
    stage->items = state == OPEN_CHECK ? op->opening.block.pages : op->opening.block.size;
    stage->done = state == OPEN_CHECK ? 0 : op->opening.block.pages + (state == OPEN_TREE ? 0 : op->opening.block.size);
    stage->total = op->opening.block.pages + op->opening.block.size * (op->index->space.codes != NULL ? 2 : 1);
    return DISKANN_RUN;
}

static void check_page_of(open_op *op, uint32_t page, open_cell *cell)
{
    const diskann_index *index = op->index;
    const check_limits limits = {index->config.max_degree, (uint32_t)op->opening.block.size, op->opening.block.next_id};
    const uint32_t kind = check_page(&index->space, &limits, page_at(&index->records, page), page);
    if (kind == DISKANN_FINDING_NONE) {
        index->records.dirty[page] = 0;
    } else if (cell->kind == DISKANN_FINDING_NONE || page < cell->page) {
        cell->kind = kind;
        cell->page = page;
    }
}

static void stop_walk(open_op *op, uint32_t slot, uint32_t kind)
{
    op->bad_slot = slot;
    op->bad_kind = kind;
}

static void find(open_op *op, uint32_t slot)
{
    if (op->found[slot]) {
        stop_walk(op, slot, DISKANN_FINDING_TREE); /* the child of two, or the entry */
        return;
    }
    op->found[slot] = 1;
    op->stack[op->stack_count++] = slot;
}

/* Depth first, the first child first: the order in which a build has laid the records down. */
static void enter(open_op *op, uint32_t slot)
{
    const record_store *records = &op->index->records;
    const record_list *list = record_links(&records->layout, record_at(records, slot));
    op->index->degrees.counts[list->degree]++;
    op->index->errors += index_error(op->index, slot);
    if (id_map_put(&op->index->ids, slot) != SLOT_NONE) {
        stop_walk(op, slot, DISKANN_FINDING_ID);
    }
    for (uint32_t i = list->children; i > 0 && op->bad_slot == SLOT_NONE; i--) {
        find(op, list->neighbours[i - 1]);
    }
}

/* As many records are entered as there are items, unless the tree is no tree. */
static void walk(open_op *op, uint64_t steps)
{
    for (uint64_t i = 0; i < steps && op->stack_count > 0 && op->bad_slot == SLOT_NONE; i++) {
        enter(op, op->stack[--op->stack_count]);
    }
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    open_op *op = (open_op *)base;
    if (op_is_cancelled(base)) {
        return;
    }
    if (op->state == OPEN_TREE) {
        walk(op, end - begin);
        return;
    }
    if (op->state == OPEN_CODES) {
        for (uint64_t slot = begin; slot < end; slot++) {
            index_encode(op->index, (uint32_t)slot, op->scratch + (size_t)worker * op->opening.block.config.dimensions);
        }
        return;
    }
    for (uint64_t page = begin; page < end; page++) {
        check_page_of(op, (uint32_t)page, &op->cells[worker]);
    }
}

/* The first damaged page of all: the same whoever has checked it. */
static int finish_check(open_op *op)
{
    open_cell first = op->code_damage;
    for (uint32_t i = 0; i < op->opening.base.workers; i++) {
        const open_cell *cell = &op->cells[i];
        if (cell->kind != DISKANN_FINDING_NONE &&
            (first.kind == DISKANN_FINDING_NONE || cell->page < first.page)) {
            first = *cell;
        }
    }
    if (first.kind != DISKANN_FINDING_NONE) {
        return fail_corrupt(op, first.kind, (int64_t)first.page);
    }
    return DISKANN_OK;
}

static int finish_walk(open_op *op)
{
    const uint8_t *missed = memchr(op->found, 0, (size_t)op->opening.block.size);
    if (op->bad_slot == SLOT_NONE && missed == NULL) {
        return DISKANN_OK;
    }
    if (op->bad_slot == SLOT_NONE) {
        stop_walk(op, (uint32_t)(missed - op->found), DISKANN_FINDING_TREE);
    }
    return fail_corrupt(op, op->bad_kind, record_page(&op->index->records.layout, op->bad_slot));
}

static uint64_t scratch_bytes(const open_op *op)
{
    return (uint64_t)op->opening.base.workers * op->opening.block.config.dimensions * sizeof *op->scratch;
}

static int prepare_codes(open_op *op)
{
    diskann_index *index = op->index;
    op->scratch = memory_get(&op->opening.base.account, scratch_bytes(op));
    if (op->scratch == NULL || code_store_reserve(&index->codes, op->opening.block.size) < 0) {
        return fail_memory(op);
    }
    return DISKANN_OK;
}

/* ---- codes that the file has ---- */

static int prepare_code_pages(open_op *op)
{
    diskann_index *index = op->index;
    const int status = opening_reserve_codes(&op->opening, &index->space, &index->pq, &index->navigator, &op->codes);
    return status < 0 ? fail_memory(op) : status;
}

/* The next round, or the check of all pages when all are there or one is damaged. */
static int read_code_pages(open_op *op, diskann_stage *stage)
{
    transfer_begin(&op->opening.transfer);
    if (op->code_damage.kind == DISKANN_FINDING_NONE && code_pages_round(&op->codes, &op->opening.transfer, DISKANN_READ)) {
        op->state = OPEN_CODE_PAGES;
        return transfer_hand_out(&op->opening.transfer, stage, DISKANN_PHASE_READ, op->opening.file_bytes);
    }
    if (op->code_damage.kind == DISKANN_FINDING_NONE && !opening_complete_codes(&op->index->space, &op->index->pq)) {
        op->code_damage = (open_cell){op->opening.block.pages, DISKANN_FINDING_CODES};
    }
    return hand_out_items(op, stage, OPEN_CHECK);
}

/* A navigator comes with the origin of its codes, for those who do not read the entry. */
static int check_origin(open_op *op)
{
    const diskann_index *index = op->index;
    memory_account *account = &op->opening.base.account;
    if (index->navigator.places == 0) {
        return DISKANN_OK;
    }
    const uint64_t bytes = index->config.dimensions * sizeof(float);
    float *vector = memory_get(account, bytes);
    if (vector == NULL) {
        return fail_memory(op);
    }
    graph_code_vector(&index->space, record_at(&index->records, op->opening.block.entry), vector);
    const int is_right = bits_has_origin(&index->bits, vector);
    memory_put(account, vector, bytes);
    return is_right ? DISKANN_OK : fail_corrupt(op, DISKANN_FINDING_CODES, (int64_t)op->opening.block.pages);
}

static int finish(open_op *op)
{
    diskann_index *index = op->index;
    index->size = (uint32_t)op->opening.block.size;
    index->entry = op->opening.block.entry;
    index->next_id = op->opening.block.next_id;
    index->norm_max = op->opening.block.norm_max;
    op->state = OPEN_END;
    return DISKANN_OK;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    open_op *op = (open_op *)base;
    int status;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&op->opening.transfer));
    switch (op->state) {
    case OPEN_SUPERBLOCK:
        op->state = OPEN_DECODE;
        return opening_read(&op->opening, stage, op->opening.file_bytes);
    case OPEN_DECODE:
        TRY(opening_decode(&op->opening));
        TRY(make_index(op));
        op->state = OPEN_PAGES; /* fall through */
    case OPEN_PAGES:
        if ((status = read_pages(op, stage)) != DISKANN_OK) {
            return status;
        }
        if (op->opening.block.size == 0) {
            return finish(op);
        }
        if (op->opening.block.code_pages == 0) {
            return hand_out_items(op, stage, OPEN_CHECK);
        }
        TRY(prepare_code_pages(op));
        return read_code_pages(op, stage);
    case OPEN_CODE_PAGES:
        op->code_damage.kind = code_pages_take(&op->codes, &op->code_damage.page);
        return read_code_pages(op, stage);
    case OPEN_CHECK:
        TRY(finish_check(op));
        find(op, op->opening.block.entry);
        return hand_out_items(op, stage, OPEN_TREE);
    case OPEN_TREE:
        TRY(finish_walk(op));
        TRY(check_origin(op));
        if (index_set_origin(op->index, op->opening.block.entry) < 0) {
            return fail_memory(op);
        }
        if (op->index->space.codes == NULL) {
            return finish(op);
        }
        TRY(prepare_codes(op));
        return hand_out_items(op, stage, OPEN_CODES);
    default:
        return finish(op);
    }
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((open_op *)base)->opening.transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    open_op *op = (open_op *)base;
    if (op->index != NULL) {
        index_destroy(op->index);
    }
    code_pages_reset(&op->codes);
    memory_put(&base->account, op->stack, op->opening.block.size * sizeof *op->stack);
    memory_put(&base->account, op->found, op->opening.block.size);
    memory_put(&base->account, op->scratch, scratch_bytes(op));
    memory_put(&base->account, op->cells, base->workers * sizeof *op->cells);
}

static const op_calls calls = {step, run, complete, reset};

int diskann_open_begin(uint64_t file_bytes, uint32_t simd, uint32_t workers,
                       const diskann_allocator *allocator, diskann_op **out)
{
    diskann_op *base;
    if (out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(opening_create(&calls, sizeof(open_op), file_bytes, simd, workers, allocator, &base));
    open_op *op = (open_op *)base;
    op->cells = memory_get_zeroed(&base->account, workers * sizeof *op->cells);
    if (op->cells == NULL) {
        diskann_op_end(base);
        return DISKANN_ERR_NO_MEMORY;
    }
    op->simd = simd;
    op->bad_slot = SLOT_NONE;
    *out = base;
    return DISKANN_OK;
}

diskann_index *diskann_open_take(diskann_op *base)
{
    open_op *op = (open_op *)base;
    if (base == NULL || base->calls != &calls || op->state != OPEN_END) {
        return NULL;
    }
    diskann_index *index = op->index;
    op->index = NULL;
    return index;
}
