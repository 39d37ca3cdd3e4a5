/* What every operation has in common. An operation embeds diskann_op as its first member. */
#ifndef DISKANN_OP_H
#define DISKANN_OP_H

#include "../base/memory.h"
#include "../base/status.h"

#include <stdatomic.h>

typedef struct op_calls {
    /* Next stage into a zeroed *stage: RUN, IO, OK or an error. */
    int (*step)(diskann_op *op, diskann_stage *stage);
    void (*run)(diskann_op *op, uint32_t worker, uint64_t begin, uint64_t end);
    /* NULL: the operation has no requests. */
    void (*complete)(diskann_op *op, uint32_t ticket, int status);
    /* Rolls back what is not committed and frees all but the op itself. */
    void (*reset)(diskann_op *op);
} op_calls;

struct diskann_op {
    const op_calls *calls;
    memory_account account;      /* scratch of this operation, and the op itself */
    size_t bytes;                /* of the whole struct */
    uint32_t workers;
    int status;                  /* of the last step; an error or OK stays */
    atomic_uint cancelled;
    diskann_failure failure;
};

/* Allocates a zeroed operation of `bytes` bytes through `allocator`. ERR_INVALID_ARGUMENT (workers), ERR_NO_MEMORY. */
int op_create(const op_calls *calls, size_t bytes, uint32_t workers, const diskann_allocator *allocator, diskann_op **out);

static inline int op_is_cancelled(const diskann_op *op)
{
    return atomic_load_explicit(&((diskann_op *)op)->cancelled, memory_order_relaxed) != 0;
}

/* Notes where an error is and returns `status`. */
int op_fail(diskann_op *op, int status, uint32_t detail, int64_t row, int64_t page, uint64_t value);

#endif
