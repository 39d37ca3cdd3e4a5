/*
 * An index that stays in its file: superblock and page cache in memory, records read when a search wants them. Only
 * indexes can be searched like this whose file has codes: in the records, or those of product quantisation, which come to
 * memory.
 */
#ifndef DISKANN_OP_PAGED_H
#define DISKANN_OP_PAGED_H

#include "../store/cache.h"
#include "../store/microsoft.h"
#include "../store/superblock.h"
#include "check.h"
#include "index.h"
#include "op.h"

/* Where pages lie in the file, and how long they are there: page i at begin + i * bytes. */
typedef struct paged_place {
    uint64_t begin;
    uint32_t bytes; /* at most those of a page in memory */
} paged_place;

struct diskann_paged {
    memory_account account;
    superblock block;     /* what the file says; simd resolved */
    record_store records; /* its layout; there are no segments */
    bits_coder bits; /* where records hold codes of their neighbours */
    navigator navigator; /* beside them; it may be empty */
    pq_codes pq;     /* where all codes are in memory */
    graph_space space;
    check_limits limits;
    paged_place place;
    microsoft_disk disk; /* of a file of Microsoft's; else zero */
    page_cache cache;
    uint64_t cache_limit; /* as asked for */
    uint32_t searches;    /* under way */
};

/* `block` is checked. ERR_UNSUPPORTED: records without codes. ERR_NO_MEMORY. */
int paged_create(const superblock *block, const simd_kernels *kernels, uint64_t cache_limit,
                 const diskann_allocator *allocator, diskann_paged **out);
/* Its pages are blocks of nodes; `block` was made of the same. */
void paged_set_microsoft(diskann_paged *paged, const microsoft_disk *disk);
/* As diskann_paged_take, of an operation of diskann_paged_microsoft_begin; NULL for others. */
diskann_paged *paged_microsoft_take(diskann_op *op);
/* A search of this width finds room for its rounds. ERR_NO_MEMORY. */
int paged_reserve(diskann_paged *paged, uint32_t beam_width);
/* What is asked of the host for the page of a frame that is to be read. */
diskann_request paged_request(const diskann_paged *paged, uint32_t frame);
/* Something has ended: nothing is kept between searches where that was asked for. */
void paged_rest(diskann_paged *paged);

#endif
