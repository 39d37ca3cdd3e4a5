/*
 * A build into a file under a memory budget: rows are read as often as they are wanted, in order; a graph of all of them is
 * made in memory, at once of their 8-bit form or shard by shard; pages of the file are filled window by window and written.
 * Internal to op/budget*.c.
 *
 *     survey: all rows are validated, some sampled -> quantiser, centres of shards are trained
 *     shards: codes of all rows, the nearest shards of each -> of each shard: its rows, a build, its lists into those of all
 *     order -> of each window: its rows, their codes or those of their neighbours, checksums, writes -> codes, superblock, sync
 */
#ifndef DISKANN_OP_BUDGET_H
#define DISKANN_OP_BUDGET_H

#include "../graph/list_codes.h"
#include "../graph/order.h"
#include "../store/superblock.h"
#include "code_pages.h"
#include "index.h"
#include "op.h"
#include "transfer.h"

enum {
    BUDGET_SHARDS_MAX = 256, /* a shard is the number of a centroid */
    BUDGET_NEAREST = 4,      /* shards of a row that are known */
    BUDGET_INDEX_BYTES = 8192, /* of a struct diskann_index, rounded up */
};

/* ---- the plan (budget_plan.c) ---- */

typedef struct budget_plan {
    diskann_config inner;  /* of what is built in memory: all rows, or a shard */
    uint32_t shards;       /* 1: all at once; 0: the budget is too small */
    uint32_t workers;      /* most of them */
    uint64_t shard_rows;   /* most rows of one */
    uint32_t sample_rows;  /* to train the quantiser; 0: there is none */
    uint32_t centre_rows;  /* to find the centres of shards; 0: there are none */
    uint64_t input_rows;   /* read at a time */
    uint64_t window_pages; /* written at a time */
} budget_plan;

/* Depends on the budget alone, not on threads. */
budget_plan budget_plan_of(const diskann_budget *budget);
/* Of the quantiser beside the rows: that of the file, or one for the merge of shards. */
uint32_t budget_code_bytes(const diskann_config *config);

/* ---- the operation ---- */

enum budget_state {
    BUDGET_START,
    BUDGET_IDS,    /* the ids that were given: none twice */
    BUDGET_READ,   /* rows of the pass under way */
    BUDGET_LOAD,   /* survey, coding: into records, validated */
    BUDGET_SAMPLE, /* survey */
    BUDGET_TRAIN,  /* the quantiser */
    BUDGET_CENTRE, /* centres of shards */
    BUDGET_ENCODE, /* coding */
    BUDGET_RANK,   /* coding: the nearest shards */
    BUDGET_ASSIGN, /* two shards for each row */
    BUDGET_TAKE,   /* a shard: its rows into a build */
    BUDGET_BUILD,
    BUDGET_ATTACH, /* a shard's tree into that of all */
    BUDGET_MERGE,  /* its lists into those of all */
    BUDGET_ORDER,
    BUDGET_EMIT,   /* a window: rows into its pages */
    BUDGET_CODE,   /* their codes */
    BUDGET_SORT,   /* 1-bit codes: edges by the rows that they lead to */
    BUDGET_FETCH,  /* those rows, beside the window */
    BUDGET_EDGES,  /* their codes */
    BUDGET_NAVIGATE,
    BUDGET_SEAL,
    BUDGET_PAGES,
    BUDGET_CODE_PAGES,
    BUDGET_SYNC,
    BUDGET_END
};

enum budget_pass { PASS_SURVEY, PASS_CODE, PASS_SHARD, PASS_WINDOW, PASS_NEIGHBOURS };

/* Counts what is taken, and gives no more than the limit. */
typedef struct budget_meter {
    diskann_allocator from;
    _Atomic uint64_t live;
    uint64_t limit;
} budget_meter;

/* Of a file with 1-bit codes: the edges of a window. Edge e is at place e % max_degree of its record e / max_degree. */
typedef struct budget_edges {
    uint32_t *targets;  /* [edges]: the row that one leads to */
    uint32_t *order;    /* [edges]: those there are, by the read that brings their row */
    uint64_t *ends;     /* [reads]: where those of a read end in the order */
    list_coder *coders; /* [workers]; NULL: the file has no such codes */
} budget_edges;

typedef struct budget_op {
    diskann_op base;
    _Alignas(64) uint8_t head[DISKANN_SUPERBLOCK_BYTES];
    op_transfer transfer;
    budget_meter meter;
    memory_account account; /* of all that follows, metered */
    budget_plan plan;
    superblock block;
    uint64_t rows;
    uint64_t row_bytes;     /* of a row that is read, of this type: */
    uint32_t data_type;
    uint32_t state;         /* enum budget_state */
    uint32_t pass;          /* enum budget_pass */

    uint64_t *ids;          /* [rows], or NULL */
    uint64_t ids_count;     /* that have been given */
    uint32_t *id_table;     /* rows by the hash of their id, while they are compared */

    uint8_t *input;         /* [plan.input_rows][row_bytes] */
    uint64_t first, count;  /* rows in the input */
    diskann_index *work;    /* records: of the input or a window of the file; the quantiser; the codes */
    float *scratch;         /* [workers][scratch_floats] */
    uint64_t scratch_floats;
    _Atomic uint64_t bad_row;  /* lowest row that the index cannot hold, twice; 1 more: it is not finite */
    _Atomic uint32_t norm_max; /* bits of the largest aux */

    diskann_op *training;   /* of the quantiser */
    diskann_op *centring;   /* of the centres */
    diskann_pq *centres;    /* centroids of one chunk */
    int sample_status;

    uint8_t (*owners)[BUDGET_NEAREST]; /* [rows]: the nearest shards; then the two that have it, and if it is in the tree */
    uint64_t shard_sizes[BUDGET_SHARDS_MAX];
    uint32_t first_shard;   /* nearest to the middle: it has the entry */
    uint32_t shard;         /* that is being built, the how-manieth */
    uint64_t linked;        /* rows of the shards before */
    diskann_index *inner;
    diskann_op *build;
    int take_status;
    struct merge_worker *mergers; /* [workers] */
    graph_links links;      /* of all rows by their numbers; shards > 1 */
    uint32_t entry;         /* row; shards > 1 */
    order_walk walk;        /* rank: the slot of each row */

    uint64_t window;        /* first page of the window */
    uint64_t window_pages;  /* of this one */
    uint64_t next_page;     /* of it, to be written */
    budget_edges edges;
    code_pages code_pages;
} budget_op;

static inline uint32_t budget_is_coded(const budget_op *op)
{
    return op->plan.sample_rows > 0;
}

/* All rows are built at once. */
static inline uint32_t budget_is_whole(const budget_op *op)
{
    return op->plan.shards == 1;
}

static inline const uint8_t *budget_row(const budget_op *op, uint64_t i)
{
    return op->input + i * op->row_bytes;
}

/* Sets up a stage of `items`. */
int budget_enter(budget_op *op, diskann_stage *stage, uint32_t state, uint64_t items, uint32_t parallel);
/* Begins a pass over all rows. */
int budget_begin_pass(budget_op *op, diskann_stage *stage, uint32_t pass);
/* The next rows of the pass: IO, or 0 when all have been there. */
int budget_read(budget_op *op, diskann_stage *stage);
/* Of another operation that is driven as a part of this one: status of its step, its progress as a share of `whole`. */
int budget_step_part(budget_op *op, diskann_op *part, diskann_stage *stage, uint64_t before, uint64_t whole);
/* Items of such a part; it hears that it is cancelled in between. */
void budget_run_part(const budget_op *op, diskann_op *part, uint32_t worker, uint64_t begin, uint64_t end);
/* A row in the form of the file: ERR_NOT_FINITE, ERR_INVALID_ARGUMENT. */
int budget_store_row(const budget_op *op, const uint8_t *row, uint8_t *record);
/* Row i of the input with its aux; 0: it cannot be stored, which is noted with why: the lowest counts. */
int budget_load_row(budget_op *op, uint64_t i, uint8_t *record);
/* The lowest row that could not be stored, if there is one: its error. */
int budget_check_rows(budget_op *op);

/* budget_rows.c: from the start to the shards. */
int budget_survey(budget_op *op, diskann_stage *stage);
int budget_rows_step(budget_op *op, diskann_stage *stage);
void budget_rows_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end);

/* budget_shards.c: builds, and what comes of them. */
int budget_begin_shards(budget_op *op, diskann_stage *stage);
int budget_shards_step(budget_op *op, diskann_stage *stage);
void budget_shards_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end);
void budget_shards_reset(budget_op *op);

/* budget_merge.c: the lists of a shard into those of all rows. */
int merge_prepare(budget_op *op);
void merge_release(budget_op *op);
uint64_t merge_bytes(const diskann_config *config, const diskann_config *inner, uint32_t workers);
void merge_attach(budget_op *op, uint64_t begin, uint64_t end);
void merge_lists(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end);

/* budget_bits.c: 1-bit codes of the neighbours of a window. */
int budget_bits_prepare(budget_op *op);
void budget_bits_reset(budget_op *op);
uint64_t budget_bits_bytes(const diskann_config *config, uint64_t reads, uint32_t workers);
uint64_t budget_edges_bytes(const diskann_config *config, uint64_t slots);
/* Once the window has its rows. */
int budget_begin_edges(budget_op *op, diskann_stage *stage);
/* OK: all are coded. */
int budget_bits_step(budget_op *op, diskann_stage *stage);
void budget_bits_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end);

/* budget_pages.c: the file. */
/* Records of the window under way, and the slot of its first one. */
uint64_t budget_window_slots(const budget_op *op);
uint64_t budget_first_slot(const budget_op *op);
int budget_begin_pages(budget_op *op, diskann_stage *stage);
int budget_pages_step(budget_op *op, diskann_stage *stage);
void budget_pages_run(budget_op *op, uint32_t worker, uint64_t begin, uint64_t end);

#endif
