/*
 * diskann.h - a Vamana graph index for nearest-neighbour search. This header is the manual.
 *
 * The core does no I/O, reads no clock, draws no entropy and starts no thread. Work that is long or needs bytes
 * is an *operation* (diskann_op). The host drives it:
 *
 *     diskann_stage stage;
 *     int status;
 *     while ((status = diskann_op_step(op, &stage)) > 0) {
 *         if (status == DISKANN_RUN) diskann_op_run(op, 0, 0, stage.items);       // or ranges, on many threads
 *         else for each stage.requests[i]: do it, then diskann_op_complete(op, requests[i].ticket, DISKANN_OK);
 *     }
 *     diskann_op_end(op);
 *
 * A stage is a range of items. The host may run it in pieces of any size, in any order and - if stage.parallel -
 * on as many threads as the operation has workers; the result has the same bytes whatever it chooses. Every item
 * is run exactly once before the next step.
 *
 * Threads: different indexes are independent. On one index any number of searches may run side by side (one
 * searcher per thread); an operation that changes the index (insert, build, save) excludes everything else on it.
 * The host orders the calls; the core does not lock.
 *
 * Ownership is said in three phrases: "owned by caller", "borrowed until X", "copied".
 * Every fallible function returns a status: 0 done, > 0 more to do, < 0 an error of DISKANN_ERR_*.
 */
#ifndef DISKANN_H
#define DISKANN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status -------------------------------------------------------------------------------------------- */

/* Frozen values: they cross into JavaScript and into stored logs. X(name, value, text) */
#define DISKANN_STATUS_TABLE(X)                                                                                   \
    X(OK, 0, "done")                                                                                              \
    X(RUN, 1, "a stage has items to run")                                                                         \
    X(IO, 2, "a stage has requests to serve")                                                                     \
    X(WAIT, 3, "another operation has to go on first")                                                            \
    X(ERR_INVALID_ARGUMENT, -1, "an argument is out of range")                                                    \
    X(ERR_DIMENSION_MISMATCH, -2, "a vector has another length than the index")                                   \
    X(ERR_NOT_FINITE, -3, "a vector holds NaN or Infinity, or is too long for its type")                          \
    X(ERR_DUPLICATE_ID, -4, "an id is given twice or is in the index already")                                    \
    X(ERR_NOT_FOUND, -5, "no such id")                                                                            \
    X(ERR_CLOSED, -6, "the index is closed")                                                                      \
    X(ERR_BUSY, -7, "another operation changes the index")                                                        \
    X(ERR_LOCKED, -8, "another writer holds the file")                                                            \
    X(ERR_CORRUPT, -9, "the bytes are not an undamaged index")                                                    \
    X(ERR_VERSION, -10, "the file has a layout version or a feature that this build does not know")               \
    X(ERR_IO, -11, "reading or writing failed")                                                                   \
    X(ERR_NO_MEMORY, -12, "not enough memory")                                                                    \
    X(ERR_UNSUPPORTED, -13, "this build or index cannot do that")                                                 \
    X(ERR_FULL, -14, "the index holds as many vectors as it can")                                                 \
    X(ERR_CANCELLED, -15, "the operation was cancelled")

#define DISKANN_STATUS_ENTRY(name, value, text) DISKANN_##name = value,
enum diskann_status { DISKANN_STATUS_TABLE(DISKANN_STATUS_ENTRY) };
#undef DISKANN_STATUS_ENTRY

/* The text of a status; static storage, never NULL. */
const char *diskann_status_text(int status);

/* ---- configuration ------------------------------------------------------------------------------------- */

enum diskann_metric {      /* distances: smaller is nearer */
    DISKANN_L2 = 0,        /* squared Euclidean */
    DISKANN_COSINE = 1,    /* 1 - cosine; a zero vector has distance 1 to everything */
    DISKANN_IP = 2,        /* -<q, x> */
    DISKANN_L1 = 3,        /* Manhattan */
    DISKANN_METRIC_COUNT = 4
};

/*
 * Elements as an index stores them. Distances are those of what is stored, with sums of f32 and f16 in one order of
 * additions (csrc/simd/simd.h) and sums of i8 and u8 exact, rounded to float once.
 */
enum diskann_data_type {
    DISKANN_F32 = 0, /* float; the squared norm of a vector is at most FLT_MAX / 4 */
    DISKANN_F16 = 1, /* IEEE 754 binary16, finite; a query is not rounded, and has the limit of f32 */
    DISKANN_I8 = 2,  /* int8_t; queries are integers from -128 to 127 */
    DISKANN_U8 = 3,  /* uint8_t; queries are integers from 0 to 255 */
    DISKANN_SQ8 = 4, /* floats as bytes, see below; a query is not rounded, and has the limit of f32 */
    DISKANN_DATA_TYPE_COUNT = 5
};

/*
 * SQ8 quantises: rows come as floats, and of each the index keeps the least element, a step of 1/255 of the range and one
 * byte an element: x[i] = least + step * code[i], rounded after each operation. From then on that is the vector: distances,
 * diskann_index_get, and norm with its limit (that of f32) are of it. An element is off by half a step at most, and by the
 * rounding of floats as large. A vector whose elements are all equal, or all within 2^-118, is kept as its least element. To
 * insert what diskann_index_get gives makes nearly the same vector again, but not always to the bit.
 */

/*
 * What searches read instead of the vectors, to find the way. Distances of hits are always of the vectors.
 *
 * 8BIT: a code of each vector, a byte an element, made when the index is built or opened and held in memory beside the records;
 * a search that codes would mislead is made again without. For f32, f16 and sq8 under l2, cosine and ip.
 * 1BIT: codes of a record's neighbours, a bit an element, in the record itself and in the file: to have read a record
 * is to know its distance and about those of its neighbours, which is what a search wants that reads records from a slow
 * place. In memory it is slower than 8BIT, and records are 2 to 5 times as large (at a degree of 32). For all types under l2,
 * cosine and ip.
 * PQ: a code of each vector by product quantisation, `code_bytes` long, in memory and, with the centroids that a build trains,
 * in the file: for an index that is read from a slow place while its codes are in memory. Records are smaller than with 1BIT
 * and fewer are read. For all types and metrics; such an index begins with a build: an insert into one that never had any is
 * ERR_UNSUPPORTED. Inserted rows are coded by the quantiser there is. A searcher holds 1 KB for each byte of a code.
 * A build finds its way by 8-bit codes whatever it makes, where there are such.
 * AUTO: 8BIT for f32 and f16 from 64 dimensions on; a build drops them when they mislead more than a quarter of its rows.
 */
enum diskann_codes {
    DISKANN_CODES_NONE = 0,
    DISKANN_CODES_8BIT = 1,
    DISKANN_CODES_AUTO = 2,
    DISKANN_CODES_1BIT = 3,
    DISKANN_CODES_PQ = 4,
    DISKANN_CODES_COUNT = 5
};

/* Kernel families. All give the same bits; forcing one is for tests and measurements. */
enum diskann_simd {
    DISKANN_SIMD_AUTO = 0,
    DISKANN_SIMD_PORTABLE = 1, /* SSE2 on x86-64 */
    DISKANN_SIMD_AVX2 = 2,
    DISKANN_SIMD_AVX512 = 3,
    DISKANN_SIMD_NEON = 4,
    DISKANN_SIMD_WASM128 = 5,
    DISKANN_SIMD_COUNT = 6
};

enum {
    DISKANN_DIMENSIONS_MIN = 1,
    DISKANN_DIMENSIONS_MAX = 65535,
    DISKANN_MAX_DEGREE_MIN = 4,
    DISKANN_MAX_DEGREE_DEFAULT = 32,
    DISKANN_MAX_DEGREE_MAX = 512,
    DISKANN_LIST_SIZE_MIN = 1,
    DISKANN_BUILD_LIST_SIZE_DEFAULT = 100,
    DISKANN_LIST_SIZE_MAX = 65535,
    DISKANN_K_MAX = 65535,
    DISKANN_BEAM_WIDTH_MAX = 64,
    DISKANN_WORKERS_MAX = 256,
    DISKANN_SCAN_SHARE = 16,
    DISKANN_SUPERBLOCK_BYTES = 4096
};
#define DISKANN_ALPHA_DEFAULT 1.2f
#define DISKANN_ID_MAX ((UINT64_C(1) << 53) - 1)
#define DISKANN_SIZE_MAX UINT32_C(0x7ffffffe)

typedef struct diskann_config {
    uint32_t dimensions;      /* 1 .. 65535 */
    uint32_t metric;          /* enum diskann_metric */
    uint32_t data_type;       /* enum diskann_data_type */
    uint32_t max_degree;      /* R, 4 .. 512 */
    uint32_t build_list_size; /* L at build, 1 .. 65535 */
    float alpha;              /* 1 .. 2 */
    uint32_t simd;            /* enum diskann_simd; not stored in a file */
    uint32_t codes;           /* enum diskann_codes */
    uint64_t seed;            /* order of insertion of a build; sample and first centroids of PQ */
    uint32_t code_bytes;      /* PQ: bytes of a code, 1 .. dimensions; 0: a byte for four dimensions. Other codes: 0 */
    uint32_t page_bytes;      /* 4096, 8192, 16384, 32768 or 65536, with room for a record; 0: as suits (csrc/FORMAT.md) */
} diskann_config;

/* Fills in the defaults: l2, f32, R 32, L 100, alpha 1.2, codes as they suit, seed 0. */
void diskann_config_init(diskann_config *config, uint32_t dimensions);

/*
 * Where memory comes from. `allocate` returns zeroed or dirty memory aligned to 64 bytes, or NULL; `release` gets
 * the size back. Both may be called from any thread that drives an operation. Borrowed until the last object made
 * with it is destroyed; NULL where a parameter of this type is taken means malloc.
 */
typedef struct diskann_allocator {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory, size_t bytes);
    void *context;
} diskann_allocator;

/* ---- index --------------------------------------------------------------------------------------------- */

typedef struct diskann_index diskann_index;

/* An empty index; owned by caller. ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED (simd, codes), ERR_NO_MEMORY. */
int diskann_index_create(const diskann_config *config, const diskann_allocator *allocator, diskann_index **out);
/* Frees it and all it holds; no operation or searcher on it may be alive. NULL is fine. */
void diskann_index_destroy(diskann_index *index);

typedef struct diskann_stats {
    diskann_config config;     /* simd, codes and page_bytes say what is, never AUTO or 0 */
    uint64_t size;             /* vectors */
    uint64_t next_id;          /* what an insert without ids assigns first */
    uint64_t edges;            /* sum of the degrees */
    uint32_t degree_max;       /* largest degree in use */
    uint32_t record_bytes;
    uint32_t page_bytes;
    uint32_t records_per_page;
    uint64_t pages;            /* node pages */
    uint64_t file_bytes;       /* what a save writes */
    uint64_t memory_vectors;   /* size * dimensions * element size; SQ8: size * (16 + dimensions) */
    uint64_t memory_graph;     /* size * max_degree * 4 */
    uint64_t memory_records;   /* bytes allocated for records: holds vectors, graph, ids, 1-bit codes, page headers, slack */
    uint64_t memory_codes;     /* 8-bit codes, or those of PQ and its quantiser; 1BIT: the navigator */
    uint64_t memory_ids;       /* map from id to slot */
    uint64_t memory_total;     /* all that the index holds now, without searchers and operations */
    /* Of a paged index; 0 elsewhere. */
    uint64_t cache_bytes;      /* pages in memory, and what keeps track of them */
    uint64_t cache_limit;      /* what cache_bytes may come to */
    uint64_t cache_hits;       /* pages that were there, or on their way */
    uint64_t cache_misses;
    uint64_t cache_reads;      /* that were completed */
    uint64_t cache_bytes_read;
    double relative_error;     /* SQ8: the mean over all vectors of |given - stored| / |stored|, each at most 1; else 0 */
} diskann_stats;

void diskann_index_stats(const diskann_index *index, diskann_stats *out);
uint64_t diskann_index_size(const diskann_index *index);

/* 1 if the id is in the index, else 0. */
int diskann_index_has(const diskann_index *index, uint64_t id);
/* Writes the vector as it is stored, `dimensions` floats, into `out`: every element is a float. ERR_NOT_FOUND. */
int diskann_index_get(const diskann_index *index, uint64_t id, float *out);

/* ---- search -------------------------------------------------------------------------------------------- */

typedef struct diskann_searcher diskann_searcher;

typedef struct diskann_search_params {
    uint32_t k;          /* 1 .. 65535 */
    uint32_t list_size;  /* L, 1 .. 65535; raised to k */
    uint32_t beam_width; /* W, 1 .. 64: candidates expanded per round */
    uint32_t page_search;/* 0 | 1: score every record of a page when the page is first used */
    /*
     * 0 | 1: an index of at most DISKANN_SCAN_SHARE * L vectors is compared whole, which is faster there and finds all. Not
     * where a search goes along codes in the file (1BIT, PQ).
     */
    uint32_t may_scan;
} diskann_search_params;

typedef struct diskann_search_counters {
    uint64_t distances; /* distance computations; with codes 1BIT and PQ of records that came, without what codes estimate */
    uint64_t hops;      /* records expanded */
    uint64_t rounds;
    uint64_t reads;      /* pages asked for; 0 in memory */
    uint64_t bytes_read; /* of them */
} diskann_search_counters;

/* The scratch memory of one searching thread; owned by caller. It grows when the index or L grow, and is reused. */
int diskann_searcher_create(const diskann_index *index, diskann_searcher **out);
void diskann_searcher_destroy(diskann_searcher *searcher);

/*
 * Greedy search (DiskANN, NeurIPS 2019, algorithm 1). `query`: `dimensions` floats, borrowed for the call.
 * Writes min(k, size) hits, nearest first, equal distances by id, into ids[k] and distances[k], and their number into
 * *count; `counters` may be NULL. Allocates only when the index or L grew since the last search of this searcher.
 * The answer depends on (index bytes, query, params) only. ERR_INVALID_ARGUMENT (also: an index of i8 or u8 and a query
 * that is not of such integers), ERR_NOT_FINITE, ERR_NO_MEMORY.
 */
int diskann_search(diskann_searcher *searcher, const float *query, const diskann_search_params *params, uint64_t *ids,
                   float *distances, uint32_t *count, diskann_search_counters *counters);

/* ---- operations ---------------------------------------------------------------------------------------- */

typedef struct diskann_op diskann_op;

enum diskann_phase {
    DISKANN_PHASE_NONE = 0,
    DISKANN_PHASE_VALIDATE = 1, /* rows, ids */
    DISKANN_PHASE_LINK = 2,     /* graph: search, prune, back-edges */
    DISKANN_PHASE_ORDER = 3,    /* final prune, locality order */
    DISKANN_PHASE_READ = 4,
    DISKANN_PHASE_CHECK = 5,    /* checksums, records */
    DISKANN_PHASE_AUDIT = 6,    /* graph */
    DISKANN_PHASE_SEAL = 7,     /* checksums of changed pages */
    DISKANN_PHASE_WRITE = 8,
    DISKANN_PHASE_SCAN = 9,     /* exact search */
    DISKANN_PHASE_TRAIN = 10,   /* centroids of codes; in a build the codes too */
    DISKANN_PHASE_COUNT = 11
};
/* "validate", "link", ...; static storage. */
const char *diskann_phase_text(uint32_t phase);

enum diskann_request_kind { DISKANN_READ = 1, DISKANN_WRITE = 2, DISKANN_SYNC = 3 };

typedef struct diskann_request {
    uint32_t kind;   /* enum diskann_request_kind */
    uint32_t ticket; /* handed back to diskann_op_complete */
    uint64_t offset; /* in the file */
    uint64_t length; /* bytes; 0 for SYNC */
    void *buffer;    /* READ: to be filled; WRITE: to be written; borrowed until the ticket is completed */
} diskann_request;

typedef struct diskann_stage {
    uint32_t phase;        /* enum diskann_phase */
    uint32_t parallel;     /* 1: ranges may run on several workers at once; 0: one at a time, in ascending order */
    uint64_t items;        /* RUN: items of this stage */
    uint64_t done;         /* progress of the phase, in units of its own */
    uint64_t total;
    uint32_t request_count;/* IO: requests to serve, in any order */
    uint32_t reserved;
    const diskann_request *requests; /* borrowed until the next step */
} diskann_stage;

/*
 * Goes to the next stage. DISKANN_RUN, DISKANN_IO, DISKANN_OK (finished), or an error (failed; only
 * diskann_op_failure, diskann_op_added and diskann_op_end may follow). Cheap.
 */
int diskann_op_step(diskann_op *op, diskann_stage *stage);
/* Runs items [begin, end) of the stage as worker `worker` (0 .. workers - 1; one thread per worker at a time). */
void diskann_op_run(diskann_op *op, uint32_t worker, uint64_t begin, uint64_t end);
/* One request is served: `status` is DISKANN_OK or DISKANN_ERR_IO. */
void diskann_op_complete(diskann_op *op, uint32_t ticket, int status);
/*
 * Asks the operation to stop; may be called from any thread at any time. Go on driving: the items of the stage become
 * cheap, and a later step returns ERR_CANCELLED once the index is whole again (an insert ends between two batches:
 * its committed rows stay; a build leaves the index empty; everything else changes nothing).
 */
void diskann_op_cancel(diskann_op *op);
/* Ends it, at any time, and frees it. Ending an insert or build before its last step is the same as cancelling it. */
void diskann_op_end(diskann_op *op);
/* Drives to the end on the calling thread, for an operation that has no requests. */
int diskann_op_finish(diskann_op *op);

enum { DISKANN_NOWHERE = -1 };
typedef struct diskann_failure {
    int32_t status;   /* what step returned */
    uint32_t detail;  /* enum diskann_finding_kind for ERR_CORRUPT and for lists of a graph that was given, else 0 */
    int64_t row;      /* row of the input, or DISKANN_NOWHERE */
    int64_t page;     /* node page, or DISKANN_NOWHERE */
    uint64_t value;   /* the id (DUPLICATE_ID), the bytes wanted (NO_MEMORY), the version or features found (VERSION) */
} diskann_failure;
/* Says more about the error that step returned. */
void diskann_op_failure(const diskann_op *op, diskann_failure *out);

/* -- insert and build -- */

/*
 * Insert adds rows to an index; build fills an empty index (better graph, locality order). `workers` >= 1 is
 * the number of threads that may run items. Give the rows with diskann_op_rows, any number of times, before the first step.
 * All rows are validated before anything changes.
 */
int diskann_insert_begin(diskann_index *index, uint32_t workers, diskann_op **out);
int diskann_build_begin(diskann_index *index, uint32_t workers, diskann_op **out);
/*
 * Appends `rows` vectors, row-major, `dimensions` elements of `data_type` each, copied straight into records. `data_type`
 * is the index's own (but for sq8, which is made of floats only) or DISKANN_F32. Floats are converted: for f16 to the nearest
 * half, ties to even; for sq8 as said above; for i8 and u8 they must be integers in range. Like every fault of a row, one that
 * does not fit fails the operation once it runs, with the lowest such row: ERR_INVALID_ARGUMENT, or ERR_NOT_FINITE for NaN,
 * Infinity and what rounds beyond 65504 in an f16.
 * `ids`: one per row, copied; NULL assigns next_id, next_id + 1, ...; all calls of one operation give ids
 * or none does. ERR_INVALID_ARGUMENT, ERR_NO_MEMORY, ERR_FULL; a failed call appends nothing.
 */
int diskann_op_rows(diskann_op *op, const void *vectors, uint32_t data_type, const uint64_t *ids, uint64_t rows);
/*
 * Build, of a graph that is there already: lists of rows in the order in which rows were given, of all of them or of none, in
 * any number of calls before the first step. Row i has degrees[i] neighbours, at most max_degree, which are numbers of rows of
 * this build; the lists lie one behind the other. The first children[i] of a list, at most half of max_degree, are tree edges:
 * together they must form one tree over all rows, whose root becomes the entry. Copied. Nothing is searched or pruned, records
 * get their order and codes are made as ever. ERR_INVALID_ARGUMENT; also once it runs, with the lowest row where one can be
 * named: a neighbour that is no row, the row itself or there twice, a second parent, a second root, a ring.
 */
int diskann_op_links(diskann_op *op, const uint32_t *degrees, const uint32_t *children, const uint32_t *neighbours,
                     uint64_t rows);
/* Rows that are in the index for good so far. */
uint64_t diskann_op_added(const diskann_op *op);
/* Distance computations so far (search and prune), for measurements. */
uint64_t diskann_op_distances(const diskann_op *op);

/* -- build into a file -- */

/*
 * An index of more rows than memory holds, made as a file. The rows are in a place that the host reads, row after row, of one
 * type; they are read several times, always in order. In memory are the graph, codes and what is being worked at:
 * all that is ever taken of the allocator at one time is at most `memory_bytes`.
 *
 * Where that holds them all, rows are built as they are, or quantised as sq8: the edges are then those of their
 * 8-bit form. Else they are divided among shards, each row to the two nearest, whose graphs are merged by codes of product
 * quantisation. The bytes of the file depend on rows, ids, config and memory_bytes alone.
 */
typedef struct diskann_budget {
    diskann_config config; /* as for diskann_index_create */
    uint64_t rows;
    uint64_t memory_bytes;
    uint32_t data_type;    /* of the rows that are read: that of the config, but for sq8, or DISKANN_F32 */
    uint32_t has_ids;      /* 1: they come by diskann_budget_ids; 0: 0, 1, 2, ... */
} diskann_budget;

typedef struct diskann_budget_needs {
    uint64_t memory_bytes; /* with less it cannot be done */
    uint32_t shards;       /* with memory_bytes as given; 1: all rows at once; 0: it is too little */
    uint32_t workers;      /* as many have room, with memory_bytes as given */
} diskann_budget_needs;

/* What it would take, before anything is done. ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED. */
int diskann_budget_need(const diskann_budget *budget, diskann_budget_needs *out);
/*
 * READ requests are of the rows: of `rows` rows of `dimensions` elements each, one after the other. WRITE and SYNC are of the
 * file, whose bytes are each written once. After the last step the file is an index, to be opened. It ends with the
 * errors of a build; ERR_NO_MEMORY: `memory_bytes` is too little, or `workers` are more than diskann_budget_need has said.
 */
int diskann_budget_begin(const diskann_budget *budget, uint32_t workers, const diskann_allocator *allocator, diskann_op **out);
/* Appends ids of rows, before the first step; copied. ERR_INVALID_ARGUMENT. */
int diskann_budget_ids(diskann_op *op, const uint64_t *ids, uint64_t count);

/* -- open, save -- */

/*
 * Opens a file of `file_bytes` bytes fully in memory. After the last step take the index with diskann_open_take.
 * ERR_CORRUPT (with page), ERR_VERSION, ERR_IO, ERR_NO_MEMORY, ERR_UNSUPPORTED.
 */
int diskann_open_begin(uint64_t file_bytes, uint32_t simd, uint32_t workers, const diskann_allocator *allocator,
                       diskann_op **out);
/* The opened index, owned by caller; NULL before the end or when taken already. */
diskann_index *diskann_open_take(diskann_op *op);
/*
 * Writes the index: WRITE requests that cover the file [0, file_bytes) once, then one SYNC. The host writes to a
 * temporary name and renames after the end. Equal indexes write equal bytes.
 */
int diskann_save_begin(diskann_index *index, uint32_t workers, diskann_op **out);

/* -- convert -- */

/*
 * The same index with other codes or pages of another size: of `config` count `codes`, `code_bytes` and `page_bytes`. Vectors,
 * ids and graph are copied; codes are copied where they are of the same kind, else made anew as a build makes them. So the
 * index has the bytes that a build with these codes and pages has, if nothing was inserted after the build and the graph does
 * not depend on the codes (it does where 8BIT is misled). The index is only read. ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED
 * (codes), ERR_NO_MEMORY.
 */
int diskann_convert_begin(const diskann_index *index, const diskann_config *config, uint32_t workers, diskann_op **out);
/* After the last step: owned by caller; NULL before the end or when taken already. */
diskann_index *diskann_convert_take(diskann_op *op);

/* -- many searches -- */

/*
 * An item is a query, of `count` that lie one after the other. Hits of row r are those of diskann_search, at ids + r k and
 * distances + r k, counts[r] of them. All arrays are borrowed until the end; the index is only read. Where searches fail, it
 * ends with the error of the lowest such row. ERR_INVALID_ARGUMENT, ERR_NOT_FINITE, ERR_NO_MEMORY.
 */
int diskann_batch_begin(const diskann_index *index, const float *queries, uint64_t count, const diskann_search_params *params,
                        uint32_t workers, uint64_t *ids, float *distances, uint32_t *counts, diskann_op **out);
/* After the last step: the work of all of them together. */
void diskann_batch_take(const diskann_op *op, diskann_search_counters *counters);

/* -- exact search -- */

/* Scans all vectors; k and the order of hits as in diskann_search. `query` is copied. */
int diskann_exact_begin(const diskann_index *index, const float *query, uint32_t k, uint32_t workers, diskann_op **out);
/* After the last step: as diskann_search writes them. */
void diskann_exact_take(diskann_op *op, uint64_t *ids, float *distances, uint32_t *count);

/* -- verify -- */

enum diskann_finding_kind {
    DISKANN_FINDING_NONE = 0,
    DISKANN_FINDING_SUPERBLOCK = 1,     /* magic, checksum or a field of the superblock */
    DISKANN_FINDING_FILE_BYTES = 2,     /* the file is shorter or longer than the superblock says */
    DISKANN_FINDING_CHECKSUM = 3,       /* page */
    DISKANN_FINDING_PAGE_HEADER = 4,    /* page number or padding */
    DISKANN_FINDING_DEGREE = 5,         /* degree above R, or tree edges above degree or R / 2 */
    DISKANN_FINDING_EDGE_RANGE = 6,     /* an edge to a slot that does not exist */
    DISKANN_FINDING_SELF_EDGE = 7,
    DISKANN_FINDING_DUPLICATE_EDGE = 8,
    DISKANN_FINDING_NOT_FINITE = 9,     /* vector or norm */
    DISKANN_FINDING_NORM = 10,          /* the stored norm is not the vector's */
    DISKANN_FINDING_ID = 11,            /* id above 2^53 - 1, or twice */
    DISKANN_FINDING_TREE = 12,          /* tree edges do not form a tree over all records */
    DISKANN_FINDING_UNREACHABLE = 13,   /* a record that no search can reach */
    DISKANN_FINDING_CODES = 14,         /* codes are not those of the vectors, or their quantiser is none */
    DISKANN_FINDING_COUNT = 15
};
/* A short English sentence; static storage. */
const char *diskann_finding_text(uint32_t kind);

typedef struct diskann_finding {
    uint32_t kind; /* enum diskann_finding_kind */
    uint32_t slot; /* record, or UINT32_MAX */
    int64_t page;  /* node page, or DISKANN_NOWHERE */
} diskann_finding;

enum { DISKANN_FINDINGS_MAX = 100 };

/* Audits checksums, records and graph. The status of the last step is OK whatever it finds. */
int diskann_verify_begin(const diskann_index *index, uint32_t workers, diskann_op **out);
/* What it found, in order of slot: borrowed until the op ends; at most DISKANN_FINDINGS_MAX, *total counts all. */
const diskann_finding *diskann_verify_findings(const diskann_op *op, uint32_t *count, uint64_t *total);

#include "diskann_paged.h" /* an index that stays in its file */
#include "diskann_pq.h" /* product quantisation */

/* ---- machine ------------------------------------------------------------------------------------------- */

/* 1 if this build has the family and this CPU runs it. AUTO is always available. */
int diskann_simd_available(uint32_t simd);
/* "portable", "avx2", ...; static storage. */
const char *diskann_simd_text(uint32_t simd);
/* What AUTO picks on this CPU. */
uint32_t diskann_simd_best(void);

#ifdef __cplusplus
}
#endif
#endif
