/*
 * The WebAssembly face of the core: diskann.h with nothing but i32 and f64 in its signatures.
 *
 * JavaScript reads 64-bit integers dearly and structs not at all, so numbers that may pass 2^32 cross as doubles (all
 * of them are below 2^53), and what is more than one number goes through the *exchange*: a row of doubles at a fixed
 * address. Its slots are named in ts/backend/wasm/exchange.ts in the order they are written here; a test compares
 * both lists. One thread of the host asks (others only run items) and no call comes back in, so one exchange is enough.
 *
 * Every function takes its worth from diskann.h; only what differs is said here. A host makes one instance per index. What
 * threads do without is in exports_more.c, and not in their module; what is for them alone is in exports_threads.c.
 */
#include "exports.h"

double exchange_slots[EXCHANGE_SLOTS];

double *EXPORT(exchange)(void)
{
    return exchange_slots;
}

/* ---- index --------------------------------------------------------------------------------------------- */

int EXPORT(index_create)(uint32_t dimensions, uint32_t metric, uint32_t data_type, uint32_t max_degree,
                         uint32_t build_list_size, double alpha, double seed, uint32_t codes,
                         uint32_t code_bytes, uint32_t page_bytes, uint32_t simd)
{
    diskann_index *index = NULL;
    diskann_config config;
    diskann_config_init(&config, dimensions);
    config.metric = metric;
    config.data_type = data_type;
    config.max_degree = max_degree;
    config.build_list_size = build_list_size;
    config.alpha = (float)alpha;
    config.seed = (uint64_t)seed;
    config.codes = codes;
    config.code_bytes = code_bytes;
    config.page_bytes = page_bytes;
    config.simd = simd;
    const int status = diskann_index_create(&config, NULL, &index);
    return give(status, index);
}

void EXPORT(index_destroy)(diskann_index *index)
{
    diskann_index_destroy(index);
}

/* exchange: stats */
void put_stats(const diskann_stats *stats)
{
    double *slot = exchange_slots;
    *slot++ = stats->config.dimensions;
    *slot++ = stats->config.metric;
    *slot++ = stats->config.data_type;
    *slot++ = stats->config.max_degree;
    *slot++ = stats->config.build_list_size;
    *slot++ = stats->config.alpha;
    *slot++ = (double)stats->config.seed;
    *slot++ = stats->config.codes;
    *slot++ = stats->config.code_bytes;
    *slot++ = stats->config.page_bytes;
    *slot++ = stats->config.simd;
    *slot++ = (double)stats->size;
    *slot++ = (double)stats->next_id;
    *slot++ = (double)stats->edges;
    *slot++ = stats->degree_max;
    *slot++ = stats->record_bytes;
    *slot++ = stats->records_per_page;
    *slot++ = (double)stats->pages;
    *slot++ = (double)stats->file_bytes;
    *slot++ = (double)stats->memory_vectors;
    *slot++ = (double)stats->memory_graph;
    *slot++ = (double)stats->memory_records;
    *slot++ = (double)stats->memory_codes;
    *slot++ = (double)stats->memory_ids;
    *slot++ = (double)stats->memory_total;
    *slot++ = (double)stats->cache_bytes;
    *slot++ = (double)stats->cache_limit;
    *slot++ = (double)stats->cache_hits;
    *slot++ = (double)stats->cache_misses;
    *slot++ = (double)stats->cache_reads;
    *slot++ = (double)stats->cache_bytes_read;
    *slot++ = stats->relative_error;
}

void EXPORT(index_stats)(const diskann_index *index)
{
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    put_stats(&stats);
}

double EXPORT(index_size)(const diskann_index *index)
{
    return (double)diskann_index_size(index);
}

int EXPORT(index_has)(const diskann_index *index, double id)
{
    return diskann_index_has(index, (uint64_t)id);
}

int EXPORT(index_get)(const diskann_index *index, double id, float *out)
{
    return diskann_index_get(index, (uint64_t)id, out);
}

/* ---- search -------------------------------------------------------------------------------------------- */

int EXPORT(searcher_create)(const diskann_index *index)
{
    diskann_searcher *searcher = NULL;
    const int status = diskann_searcher_create(index, &searcher);
    return give(status, searcher);
}

void EXPORT(searcher_destroy)(diskann_searcher *searcher)
{
    diskann_searcher_destroy(searcher);
}

/*
 * Answers `queries` queries that lie one after another, `dimensions` floats each: row r of the answer is at ids + r k
 * and distances + r k, padded with NaN and Infinity. flags: 1 page_search, 2 may_scan. exchange: searched
 */
int EXPORT(search)(diskann_searcher *searcher, const float *vectors, uint32_t dimensions, uint32_t queries, uint32_t k,
                   uint32_t list_size, uint32_t beam_width, uint32_t flags, double *ids, float *distances)
{
    const diskann_search_params params = {k, list_size, beam_width, flags & 1, flags >> 1};
    uint64_t distance_count = 0;
    uint64_t hop_count = 0;
    uint64_t round_count = 0;
    uint32_t row = 0;
    int status = DISKANN_OK;
    for (; row < queries; row++) {
        diskann_search_counters counters = {0};
        uint32_t count = 0;
        double *row_ids = ids + (size_t)row * k;
        float *row_distances = distances + (size_t)row * k;
        status = diskann_search(searcher, vectors + (size_t)row * dimensions, &params, (uint64_t *)(void *)row_ids,
                                row_distances, &count, &counters);
        if (status < 0) {
            break;
        }
        finish_row(row_ids, row_distances, count, k);
        distance_count += counters.distances;
        hop_count += counters.hops;
        round_count += counters.rounds;
    }
    exchange_slots[0] = (double)distance_count;
    exchange_slots[1] = (double)hop_count;
    exchange_slots[2] = (double)round_count;
    exchange_slots[3] = row;
    return status;
}

/* ---- operations ---------------------------------------------------------------------------------------- */

/* exchange: stage; `requests` is the address that op_request takes. */
int EXPORT(op_step)(diskann_op *op)
{
    diskann_stage stage = {0, 0, 0, 0, 0, 0, 0, NULL};
    const int status = diskann_op_step(op, &stage);
    exchange_slots[0] = stage.phase;
    exchange_slots[1] = (double)stage.items;
    exchange_slots[2] = (double)stage.done;
    exchange_slots[3] = (double)stage.total;
    exchange_slots[4] = stage.request_count;
    exchange_slots[5] = (double)(uintptr_t)stage.requests;
    exchange_slots[6] = stage.parallel;
    return status;
}

/* exchange: request */
void EXPORT(op_request)(const diskann_request *requests, uint32_t i)
{
    exchange_slots[0] = requests[i].kind;
    exchange_slots[1] = requests[i].ticket;
    exchange_slots[2] = (double)requests[i].offset;
    exchange_slots[3] = (double)requests[i].length;
    exchange_slots[4] = (double)(uintptr_t)requests[i].buffer;
}

void EXPORT(op_run)(diskann_op *op, uint32_t worker, double begin, double end)
{
    diskann_op_run(op, worker, (uint64_t)begin, (uint64_t)end);
}

void EXPORT(op_complete)(diskann_op *op, uint32_t ticket, int status)
{
    diskann_op_complete(op, ticket, status);
}

void EXPORT(op_cancel)(diskann_op *op)
{
    diskann_op_cancel(op);
}

void EXPORT(op_end)(diskann_op *op)
{
    diskann_op_end(op);
}

/* exchange: failure */
void EXPORT(op_failure)(const diskann_op *op)
{
    diskann_failure failure;
    diskann_op_failure(op, &failure);
    exchange_slots[0] = failure.status;
    exchange_slots[1] = failure.detail;
    exchange_slots[2] = (double)failure.row;
    exchange_slots[3] = (double)failure.page;
    exchange_slots[4] = (double)failure.value;
}

double EXPORT(op_distances)(const diskann_op *op)
{
    return (double)diskann_op_distances(op);
}

/* -- insert and build -- */

int EXPORT(insert_begin)(diskann_index *index)
{
    diskann_op *op = NULL;
    const int status = diskann_insert_begin(index, 1, &op);
    return give(status, op);
}

int EXPORT(build_begin)(diskann_index *index, uint32_t workers)
{
    diskann_op *op = NULL;
    const int status = diskann_build_begin(index, workers, &op);
    return give(status, op);
}

/* `ids`: one double per row, overwritten with integers; or NULL. */
int EXPORT(op_rows)(diskann_op *op, const void *vectors, uint32_t data_type, double *ids, uint32_t rows)
{
    for (uint32_t i = 0; ids != NULL && i < rows; i++) {
        double_to_id(&ids[i]);
    }
    return diskann_op_rows(op, vectors, data_type, (const uint64_t *)(const void *)ids, rows);
}

/* Lists of `rows` rows: their degrees, then their children, then all neighbours. */
int EXPORT(op_links)(diskann_op *op, const uint32_t *lists, uint32_t rows)
{
    return diskann_op_links(op, lists, lists + rows, lists + (size_t)2 * rows, rows);
}

/* -- open, save -- */

int EXPORT(open_begin)(double file_bytes, uint32_t simd)
{
    diskann_op *op = NULL;
    const int status = diskann_open_begin((uint64_t)file_bytes, simd, 1, NULL, &op);
    return give(status, op);
}

diskann_index *EXPORT(open_take)(diskann_op *op)
{
    return diskann_open_take(op);
}

int EXPORT(save_begin)(diskann_index *index)
{
    diskann_op *op = NULL;
    const int status = diskann_save_begin(index, 1, &op);
    return give(status, op);
}
