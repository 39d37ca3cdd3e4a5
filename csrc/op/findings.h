/* What the two audits share, of an index in memory and of one in its file: what they have found. */
#ifndef DISKANN_OP_FINDINGS_H
#define DISKANN_OP_FINDINGS_H

#include "op.h"

/* Embedded as the first member of an operation. */
typedef struct findings {
    diskann_op base;
    diskann_finding *list; /* [DISKANN_FINDINGS_MAX] */
    uint64_t total;
    uint32_t count;
} findings;

/* As op_create. */
int findings_create(const op_calls *calls, size_t bytes, uint32_t workers, const diskann_allocator *allocator,
                    diskann_op **out);
void findings_reset(findings *found);
void findings_add(findings *found, uint32_t kind, uint32_t slot, int64_t page);

extern const op_calls verify_calls;
extern const op_calls paged_verify_calls;

#endif
