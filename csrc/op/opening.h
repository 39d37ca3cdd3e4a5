/* What it takes to open a file in either way, in memory or where it is: the superblock, read and checked. */
#ifndef DISKANN_OP_OPENING_H
#define DISKANN_OP_OPENING_H

#include "../simd/simd.h"
#include "../store/superblock.h"
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

#endif
