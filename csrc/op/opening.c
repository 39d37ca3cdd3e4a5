#include "opening.h"

#include "index.h"

int opening_create(const op_calls *calls, size_t bytes, uint64_t file_bytes, uint32_t simd, uint32_t workers,
                   const diskann_allocator *allocator, diskann_op **out)
{
    if (simd >= DISKANN_SIMD_COUNT) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const simd_kernels *kernels = simd_kernels_get(simd);
    if (kernels == NULL) {
        return DISKANN_ERR_UNSUPPORTED;
    }
    TRY(op_create(calls, bytes, workers, allocator, out));
    opening *op = (opening *)*out;
    op->kernels = kernels;
    op->file_bytes = file_bytes;
    return DISKANN_OK;
}

int opening_fail_corrupt(opening *op, uint32_t kind, int64_t page)
{
    return op_fail(&op->base, DISKANN_ERR_CORRUPT, kind, DISKANN_NOWHERE, page, 0);
}

int opening_read(opening *op, diskann_stage *stage, uint64_t total)
{
    if (op->file_bytes < DISKANN_SUPERBLOCK_BYTES) {
        return opening_fail_corrupt(op, DISKANN_FINDING_FILE_BYTES, DISKANN_NOWHERE);
    }
    transfer_begin(&op->transfer);
    transfer_add(&op->transfer, DISKANN_READ, 0, DISKANN_SUPERBLOCK_BYTES, op->head);
    return transfer_hand_out(&op->transfer, stage, DISKANN_PHASE_READ, total);
}

int opening_decode(opening *op)
{
    uint64_t value = 0;
    const int status = superblock_decode(&op->block, op->kernels->crc32c, op->head, &value);
    if (status == DISKANN_ERR_CORRUPT) {
        return opening_fail_corrupt(op, DISKANN_FINDING_SUPERBLOCK, DISKANN_NOWHERE);
    }
    if (status < 0) {
        return op_fail(&op->base, status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, value);
    }
    if (!index_codes_are_possible(&op->block.config)) {
        return opening_fail_corrupt(op, DISKANN_FINDING_SUPERBLOCK, DISKANN_NOWHERE);
    }
    if (op->block.file_bytes != op->file_bytes) {
        return opening_fail_corrupt(op, DISKANN_FINDING_FILE_BYTES, DISKANN_NOWHERE);
    }
    return DISKANN_OK;
}

int opening_reserve_codes(opening *op, const graph_space *space, pq_codes *pq, navigator *navigator, code_pages *pages)
{
    const superblock *block = &op->block;
    if (space->pq != NULL) {
        TRY(pq_codes_create_quantizer(pq));
        TRY(pq_codes_reserve(pq, block->size));
    } else {
        TRY(navigator_reserve(navigator, block->config.dimensions, block->navigator_size));
    }
    return code_pages_init(pages, block, space, &op->base.account);
}

int opening_complete_codes(const graph_space *space, pq_codes *pq)
{
    return space->pq != NULL ? pq_codes_complete(pq) : navigator_is_sound(space->navigator);
}
