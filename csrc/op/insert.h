/* What insert and build share: rows on their way into the graph. Internal to op/insert*.c and op/build.c. */
#ifndef DISKANN_OP_INSERT_H
#define DISKANN_OP_INSERT_H

#include "../graph/link.h"
#include "../graph/order.h"
#include "index.h"
#include "op.h"

/* Stages in their order; a batch repeats SEARCH .. LINK. Those of build alone are marked. */
enum insert_stage {
    INSERT_START,
    INSERT_VALIDATE, /* vectors, in parallel */
    INSERT_IDS,      /* into the map */
    INSERT_CENTRE,   /* build: sums of chunks of rows */
    INSERT_MEDOID,   /* build: the row nearest to the mean */
    INSERT_SHUFFLE,  /* build: the order of insertion */
    INSERT_LISTS,    /* build: lists that were given, checked */
    INSERT_ENCODE,   /* codes, in parallel */
    INSERT_BATCH,    /* between batches: the graph is whole */
    INSERT_SEARCH,   /* phase 1 of a batch, in parallel */
    INSERT_ATTACH,   /* tree edges; back-edges are listed */
    INSERT_GROUP,    /* back-edges sorted by target, one digit an item */
    INSERT_LINK,     /* phase 2 of a batch, in parallel */
    INSERT_TRIM,     /* build: lists down to max_degree, in parallel */
    INSERT_WALK,     /* build: the tree, depth first: the order of records */
    INSERT_RENUMBER, /* build: lists into records, in the new numbers, in parallel */
    INSERT_REMAP,    /* build: the id map */
    INSERT_PERMUTE,  /* build: the records, in place */
    INSERT_RECODE,   /* build: codes again, in their places, in parallel */
    INSERT_LISTCODE, /* build: codes of neighbours, in parallel */
    INSERT_NAVIGATE, /* codes of the navigator, in parallel over its groups */
    INSERT_SAMPLE,   /* build: rows to train a quantiser with */
    INSERT_TRAIN,    /* build: the stages of its training */
    INSERT_PQ,       /* codes by it, in parallel; an insert has them before its first batch */
    INSERT_END
};
enum { ORDER_STAGES = INSERT_SAMPLE - INSERT_TRIM };

/* A batch does not see itself, so it is a small part of what is there: 1/BATCH_SHARE, at least one row. */
enum { BATCH_SHARE = 50 };

typedef struct insert_op {
    diskann_op base;
    diskann_index *index;
    uint32_t stage;       /* enum insert_stage */
    uint32_t is_build;
    uint32_t given_ids;   /* 0: none yet, 1: assigned, 2: given by the caller */
    uint64_t rows;        /* slots index->size .. are theirs */
    uint64_t first;       /* slot of row 0 */
    uint64_t linked;      /* build: rows whose lists were given: all or none */
    uint64_t added;       /* rows linked and committed (build: linked) */
    uint64_t ids_put;     /* rows in the id map */
    uint64_t rehash;      /* older slots that go into the new map first */
    uint64_t next_id;     /* for rows without ids */
    uint64_t id_end;      /* one above the largest id of the rows */
    uint64_t unfit_row;   /* lowest row that the index's type cannot hold, or UINT64_MAX */
    int unfit_status;     /* why */
    _Atomic uint64_t bad_row;  /* lowest row that is not finite */
    _Atomic uint32_t norm_max; /* bits of the largest |x|^2 */

    link_graph graph;
    link_worker *link_workers;
    uint32_t *order;      /* build: row of the i-th insertion; insert: NULL, they come in order */
    uint32_t batch_max;
    uint32_t batch;       /* rows of this batch */
    uint32_t attached;    /* of them: hung into the tree */
    uint32_t digits;      /* of the sort: done */
    uint32_t edge_count;
    uint32_t group_count;
    link_edge *edges;     /* [batch_max * (max_degree + 1)] */
    link_edge *edges_other;
    uint32_t *groups;     /* first edge of each target; GROUP_DONE marks a linked one */
    navigator navigator;  /* on its way; empty where that of the index stays */
    float *pq_scratch;    /* [workers][index_pq_scratch] */

    struct build_state *build; /* NULL for an insert */
} insert_op;

/* build.c */
int build_prepare(insert_op *op);
/* The stages that are build's own. Returns the status of step. */
int build_step(insert_op *op, diskann_stage *stage);
void build_run(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end);
void build_reset(insert_op *op);
/* After a batch: goes on without codes when they mislead. */
void build_judge_codes(insert_op *op);

/* build_lists.c: lists that were given. */
/* The arrays of the walk, which comes later, keep what is found: who has named a row last, and its parent. */
void lists_begin(order_walk *walk, uint64_t rows);
void lists_check(insert_op *op, order_walk *walk, uint64_t begin, uint64_t end);
/* Notes what is wrong with the list of a row: ERR_INVALID_ARGUMENT. */
int lists_fail(insert_op *op, uint32_t kind, int64_t row);
/* The row that is nobody's child. ERR_INVALID_ARGUMENT: there is none, or more than one. */
int lists_root(insert_op *op, const order_walk *walk, uint32_t *root);
/* 1: an insert or build that has not begun. */
int insert_waits_for_rows(const diskann_op *op);

/* Progress of the phase TRAIN is counted in rows that are compared with all centroids: so many before they are coded. */
uint64_t build_training_rows(const insert_op *op);

/* insert.c: codes by product quantisation of all rows. */
int insert_encode_pq(insert_op *op, diskann_stage *stage);
/* insert.c: what follows the last row and its codes: the navigator, where one is due. OK: there is nothing to do. */
int insert_navigate(insert_op *op, diskann_stage *stage);
/* insert.c: codes of all rows, then what follows; `entry`: the slot where searches will start, if the index is empty. */
int insert_encode(insert_op *op, diskann_stage *stage, uint32_t entry);

/* Sets up a stage of `items`. */
static inline int insert_enter(insert_op *op, diskann_stage *stage, uint32_t next, uint32_t phase, uint64_t items,
                               uint32_t parallel)
{
    op->stage = next;
    stage->phase = phase;
    stage->items = items;
    stage->parallel = parallel;
    if (phase == DISKANN_PHASE_TRAIN) {
        stage->total = build_training_rows(op) + op->rows;
        stage->done = next == INSERT_PQ ? build_training_rows(op) : 0;
        return DISKANN_RUN;
    }
    const uint64_t stages = phase == DISKANN_PHASE_LINK ? 1 : phase == DISKANN_PHASE_VALIDATE ? 2 : ORDER_STAGES;
    stage->total = stages * op->rows; /* progress counts each row once in each stage of a phase */
    stage->done = phase == DISKANN_PHASE_LINK        ? op->added
                  : phase == DISKANN_PHASE_VALIDATE ? (next - INSERT_VALIDATE) * op->rows
                                                    : (next - INSERT_TRIM) * op->rows;
    return DISKANN_RUN;
}

/* insert_batch.c: one batch. */
/* Memory and workers; a build has set its working lists. ERR_NO_MEMORY. */
int batch_prepare(insert_op *op);
void batch_release(insert_op *op);
int batch_begin(insert_op *op, diskann_stage *stage);
int batch_step(insert_op *op, diskann_stage *stage);
void batch_run(insert_op *op, uint32_t worker, uint64_t begin, uint64_t end);
/* Brings a batch whose links have begun to its end, on this thread, and commits it. */
void batch_settle(insert_op *op);

#endif
