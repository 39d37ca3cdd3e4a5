/*
 * A part of diskann.h, which includes it: an index that is searched where it lies, in a file of ours or of Microsoft's.
 */
#ifndef DISKANN_PAGED_H
#define DISKANN_PAGED_H

#include "diskann.h"

/* ---- paged index --------------------------------------------------------------------------------------- */

/*
 * An index that stays in its file: memory holds a cache of pages, and a search asks for the pages it wants. For files whose
 * codes are in the file (DISKANN_CODES_1BIT; DISKANN_CODES_PQ, which come to memory). With equal parameters a search has the
 * answer, to the bit, that the same file gives when it is opened in memory, whatever is in the cache and whoever else searches.
 *
 * Any number of searches may be under way at once and share reads. Their requests belong to the index, not to the search
 * that asked: buffers are borrowed until diskann_paged_complete, also when the search has ended, and tickets go there. The
 * host allows one call at a time on an index and on the operations of it, but for diskann_op_run, which may run beside all
 * others.
 *
 *     status = diskann_op_step(search, &stage);
 *     RUN:  diskann_op_run(search, 0, 0, stage.items), then step again
 *     IO:   serve the requests; each goes to diskann_paged_complete; then step again
 *     WAIT: if stage.phase is DISKANN_PHASE_READ, pages are on their way: step again once one has been completed;
 *           else there is no room: step again once anything of the index has been completed, stepped or ended
 *
 * A search that waits for room holds none, so some search can always go on.
 */
typedef struct diskann_paged diskann_paged;
typedef struct diskann_pq diskann_pq;

/*
 * Reads the superblock and one page, or the pages of codes. `cache_bytes`: what the cache may take; one that is too small for
 * one round of a search grows to it, and with 0 nothing is kept between searches. After the last step take the index with
 * diskann_paged_take. Errors as diskann_open_begin; ERR_UNSUPPORTED: a file without codes.
 */
int diskann_paged_open_begin(uint64_t file_bytes, uint32_t simd, uint64_t cache_bytes, const diskann_allocator *allocator,
                             diskann_op **out);
/* Of either kind of file. Owned by caller; NULL before the end or when taken already. */
diskann_paged *diskann_paged_take(diskann_op *op);

/*
 * A disk index of Microsoft's DiskANN (prefix_disk.index) where it is, searched in the same way: its blocks of nodes become
 * pages of records when they come, and every number in them is checked; there is no checksum. Ids are numbers of nodes. Codes
 * and quantiser are in files of their own (prefix_pq_compressed.bin, prefix_pq_pivots.bin), which the host reads: before the
 * first step it gives all codes, by node, in calls of any size. Then the first block is asked for. A file does not tell data
 * type and metric. COSINE: of vectors of any length. IP: of the vectors that are in the file, which that program has scaled.
 * Files of its C++ and, from their description only, of its Rust implementation.
 *
 * Not for files that keep vectors elsewhere for reordering, have frozen points, data beside nodes or a degree above 512
 * (ERR_UNSUPPORTED). ERR_CORRUPT: FINDING_SUPERBLOCK, or FINDING_CODES where codes are more or fewer than nodes or the
 * quantiser is of other dimensions. ERR_VERSION: of Rust's layout, not 1.
 */
typedef struct diskann_microsoft {
    uint32_t data_type;   /* F32, F16, I8, U8 */
    uint32_t metric;      /* L2, COSINE, IP */
    uint32_t simd;        /* enum diskann_simd */
    uint32_t reserved;    /* 0 */
    uint64_t rows;        /* codes that will be given, one for each node */
    const diskann_pq *pq; /* copied */
} diskann_microsoft;
/* As diskann_paged_open_begin. ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED (simd), ERR_NO_MEMORY. */
int diskann_paged_microsoft_begin(uint64_t file_bytes, const diskann_microsoft *how, uint64_t cache_bytes,
                                  const diskann_allocator *allocator, diskann_op **out);
/* Copies. ERR_INVALID_ARGUMENT: more than were announced, a number of no centroid, or after the first step. */
int diskann_paged_microsoft_codes(diskann_op *op, const uint8_t *codes, uint64_t rows);

/* All searches have ended, all requests are completed. NULL is fine. */
void diskann_paged_destroy(diskann_paged *paged);
/* `edges`, `degree_max` and the memory of parts are 0. */
void diskann_paged_stats(const diskann_paged *paged, diskann_stats *out);
/*
 * A request of a search is served: `status` is DISKANN_OK or DISKANN_ERR_IO. The page is checked now; returns what is wrong
 * with it (enum diskann_finding_kind). Searches that want it fail with ERR_IO or ERR_CORRUPT, with the page; a later
 * search asks for it again.
 */
uint32_t diskann_paged_complete(diskann_paged *paged, uint32_t ticket, int status);
/* As diskann_search. `query` is copied. Ending the operation before its last step cancels it. */
int diskann_paged_search_begin(diskann_paged *paged, const float *query, const diskann_search_params *params,
                               diskann_op **out);
/* After the last step; once. */
int diskann_paged_search_take(diskann_op *op, uint64_t *ids, float *distances, uint32_t *count,
                              diskann_search_counters *counters);

/*
 * The rest of what can be asked of such an index reads its file in order, in rounds of a few megabytes, past the cache: nothing
 * of the index changes, so these operations may be driven beside searches, on other threads, with requests of their own that go
 * to diskann_op_complete. Each page is checked as it comes: ERR_CORRUPT and ERR_IO, with the page.
 */

/* As diskann_exact_begin; diskann_exact_take. Reads all. */
int diskann_paged_exact_begin(const diskann_paged *paged, const float *query, uint32_t k, uint32_t workers, diskann_op **out);
/*
 * Looks for an id. What is in the cache is looked at in this call, which the host therefore orders as it does those of
 * searches; then pages are read up to the one that has it: half of the file in the mean, all of it for an id that is not
 * there, unless it is at or above next_id. ERR_UNSUPPORTED, as for all of these: a file of Microsoft's.
 */
int diskann_paged_find_begin(const diskann_paged *paged, uint64_t id, diskann_op **out);
/* After the last step: as diskann_index_get; `out` may be NULL. ERR_NOT_FOUND. */
int diskann_paged_find_take(const diskann_op *op, float *out);
/*
 * As diskann_verify_begin; diskann_verify_findings. Reads all, with about 12 bytes of memory for each record, up to 32 where
 * ids are sparse. Two things it does not do, since they want records in any order: make 1-bit codes anew (their form is
 * checked), and tell UNREACHABLE of TREE. ERR_IO ends it.
 */
int diskann_paged_verify_begin(const diskann_paged *paged, uint32_t workers, diskann_op **out);
/* Writes the file once more, as diskann_save_begin does: READ and WRITE requests by turns, then one SYNC. */
int diskann_paged_copy_begin(const diskann_paged *paged, uint32_t workers, diskann_op **out);

#endif
