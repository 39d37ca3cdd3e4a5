/* What it takes to open a file in either way, in memory or where it is: the superblock, read and checked. */
#ifndef DISKANN_OP_OPENING_H
#define DISKANN_OP_OPENING_H

#include "../simd/simd.h"
#include "../store/superblock.h"
#include "code_pages.h"
#include "op.h"
#include "transfer.h"

/* Embedded as the first member of an operation. */
typedef struct opening {
    diskann_op base;
    _Alignas(64) uint8_t head[DISKANN_SUPERBLOCK_BYTES];
    op_transfer transfer;
    superblock block; /* once it is decoded */
    const simd_kernels *kernels;
    uint64_t file_bytes;
} opening;

/* As op_create. ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED (simd), ERR_NO_MEMORY. */
int opening_create(const op_calls *calls, size_t bytes, uint64_t file_bytes, uint32_t simd, uint32_t workers,
                   const diskann_allocator *allocator, diskann_op **out);
/* Asks for the superblock: IO. `total`: bytes that will be read in all. */
int opening_read(opening *op, diskann_stage *stage, uint64_t total);
/* Checks what came, and the size of the file by it. */
int opening_decode(opening *op);
int opening_fail_corrupt(opening *op, uint32_t kind, int64_t page);
/*
 * Memory for what is in no record, which comes by `pages`: codes and their quantiser, or the navigator; both are those of
 * `space`. ERR_NO_MEMORY.
 */
int opening_reserve_codes(opening *op, const graph_space *space, pq_codes *pq, navigator *navigator, code_pages *pages);
/* After all of it has come: makes it ready. 1: it is sound. */
int opening_complete_codes(const graph_space *space, pq_codes *pq);

#endif
