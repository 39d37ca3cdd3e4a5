/*
 * Opening a disk index of Microsoft's DiskANN to be searched where it is. Its codes and their quantiser come from the
 * host, which has them in files of their own; what is read here is the first block.
 *
 *     codes, from the host -> first block: IO
 */
#include "opening.h"
#include "paged.h"

enum microsoft_state { MICROSOFT_BEGIN, MICROSOFT_DECODE, MICROSOFT_END };

typedef struct microsoft_op {
    opening opening;
    pq_codes codes; /* until the index has them */
    diskann_paged *paged;
    uint64_t cache_bytes;
    uint64_t rows; /* codes that were given */
    uint64_t rows_wanted;
    uint32_t centroids;
    uint32_t data_type, metric;
    uint32_t state;
} microsoft_op;

static void fill_block(superblock *block, const microsoft_op *op, const microsoft_disk *disk)
{
    *block = (superblock){.size = disk->size, .next_id = disk->size, .pages = disk->pages, .entry = disk->entry};
    diskann_config_init(&block->config, disk->dimensions);
    block->config.data_type = op->data_type;
    block->config.metric = op->metric;
    block->config.max_degree = disk->max_degree;
    block->config.codes = DISKANN_CODES_PQ;
    block->config.code_bytes = op->codes.code_bytes;
    block->file_bytes = op->opening.file_bytes;
    record_layout_init(&block->layout, &block->config);
    microsoft_layout(disk, &block->layout);
}

static int decode(microsoft_op *op)
{
    opening *opening = &op->opening;
    microsoft_disk disk;
    uint64_t value = 0;
    const uint32_t element_bytes = simd_element_bytes(op->data_type);
    const int status = microsoft_decode(&disk, opening->head, opening->file_bytes, element_bytes, &value);
    if (status == DISKANN_ERR_CORRUPT) {
        return opening_fail_corrupt(opening, DISKANN_FINDING_SUPERBLOCK, DISKANN_NOWHERE);
    }
    if (status < 0) {
        return op_fail(&opening->base, status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, value);
    }
    if (disk.dimensions != op->codes.dimensions || op->rows != op->rows_wanted || op->rows != disk.size) {
        return opening_fail_corrupt(opening, DISKANN_FINDING_CODES, DISKANN_NOWHERE);
    }
    fill_block(&opening->block, op, &disk);
    TRY(paged_create(&opening->block, opening->kernels, op->cache_bytes, &opening->base.account.allocator, &op->paged));
    paged_set_microsoft(op->paged, &disk);
    pq_codes_move(&op->paged->pq, &op->codes);
    return DISKANN_OK;
}

static int step(diskann_op *base, diskann_stage *stage)
{
    microsoft_op *op = (microsoft_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    TRY(transfer_finish(&op->opening.transfer));
    if (op->state == MICROSOFT_BEGIN) {
        op->state = MICROSOFT_DECODE;
        return opening_read(&op->opening, stage, DISKANN_SUPERBLOCK_BYTES);
    }
    if (op->state == MICROSOFT_DECODE) {
        TRY(decode(op));
    }
    op->state = MICROSOFT_END;
    return DISKANN_OK;
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    (void)base, (void)worker, (void)begin, (void)end; /* there are no items */
}

static void complete(diskann_op *base, uint32_t ticket, int status)
{
    transfer_complete(&((microsoft_op *)base)->opening.transfer, ticket, status);
}

static void reset(diskann_op *base)
{
    microsoft_op *op = (microsoft_op *)base;
    pq_codes_reset(&op->codes);
    diskann_paged_destroy(op->paged);
}

static const op_calls calls = {step, run, complete, reset};

/* The codes that will come have room; what they mean is copied. */
static int prepare(microsoft_op *op, const diskann_microsoft *how)
{
    diskann_config config;
    diskann_pq_config shape;
    diskann_pq_shape(how->pq, &shape);
    diskann_config_init(&config, shape.dimensions);
    config.metric = how->metric;
    config.code_bytes = shape.chunks;
    op->data_type = how->data_type;
    op->metric = how->metric;
    op->rows_wanted = how->rows;
    op->centroids = shape.centroids;
    pq_codes_init(&op->codes, &config, op->opening.kernels->simd, &op->opening.base.account);
    TRY(pq_codes_copy(&op->codes, how->pq));
    return pq_codes_reserve(&op->codes, how->rows);
}

static int check(const diskann_microsoft *how)
{
    const int is_type = how->data_type < DISKANN_SQ8;
    const int is_metric = how->metric == DISKANN_L2 || how->metric == DISKANN_COSINE || how->metric == DISKANN_IP;
    const int is_size = how->rows >= 1 && how->rows <= DISKANN_SIZE_MAX;
    return how->pq != NULL && is_type && is_metric && is_size && how->reserved == 0 ? DISKANN_OK : DISKANN_ERR_INVALID_ARGUMENT;
}

int diskann_paged_microsoft_begin(uint64_t file_bytes, const diskann_microsoft *how, uint64_t cache_bytes,
                                  const diskann_allocator *allocator, diskann_op **out)
{
    diskann_op *base;
    if (out == NULL || how == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(check(how));
    TRY(opening_create(&calls, sizeof(microsoft_op), file_bytes, how->simd, 1, allocator, &base));
    microsoft_op *op = (microsoft_op *)base;
    op->cache_bytes = cache_bytes;
    const int status = prepare(op, how);
    if (status < 0) {
        diskann_op_end(base);
        return status;
    }
    *out = base;
    return DISKANN_OK;
}

int diskann_paged_microsoft_codes(diskann_op *base, const uint8_t *codes, uint64_t rows)
{
    microsoft_op *op = (microsoft_op *)base;
    if (base == NULL || base->calls != &calls || op->state != MICROSOFT_BEGIN || codes == NULL ||
        rows > op->rows_wanted - op->rows) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(pq_codes_put(&op->codes, op->rows, codes, rows, op->centroids));
    op->rows += rows;
    return DISKANN_OK;
}

diskann_paged *paged_microsoft_take(diskann_op *base)
{
    microsoft_op *op = (microsoft_op *)base;
    if (base->calls != &calls || op->state != MICROSOFT_END) {
        return NULL;
    }
    diskann_paged *paged = op->paged;
    op->paged = NULL;
    return paged;
}
