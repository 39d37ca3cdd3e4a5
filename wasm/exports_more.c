/* Exports that the module for threads has not: see exports.c. */
#include "exports.h"

/* -- build into a file -- */

/* The host has put the fields of a configuration but simd, as in stats, into the exchange, and then what is beside it. */
static diskann_budget given_budget(void)
{
    const double *slot = exchange_slots;
    diskann_budget budget;
    diskann_config_init(&budget.config, (uint32_t)*slot++);
    budget.config.metric = (uint32_t)*slot++;
    budget.config.data_type = (uint32_t)*slot++;
    budget.config.max_degree = (uint32_t)*slot++;
    budget.config.build_list_size = (uint32_t)*slot++;
    budget.config.alpha = (float)*slot++;
    budget.config.seed = (uint64_t)*slot++;
    budget.config.codes = (uint32_t)*slot++;
    budget.config.code_bytes = (uint32_t)*slot++;
    budget.config.page_bytes = (uint32_t)*slot++;
    budget.rows = (uint64_t)*slot++;
    budget.data_type = (uint32_t)*slot++;
    budget.has_ids = (uint32_t)*slot++;
    budget.memory_bytes = (uint64_t)*slot;
    return budget;
}

/* exchange: needs */
int EXPORT(budget_need)(void)
{
    const diskann_budget budget = given_budget();
    diskann_budget_needs needs = {0, 0, 0};
    const int status = diskann_budget_need(&budget, &needs);
    exchange_slots[0] = (double)needs.memory_bytes;
    exchange_slots[1] = needs.shards;
    exchange_slots[2] = needs.workers;
    return status;
}

int EXPORT(budget_begin)(void)
{
    const diskann_budget budget = given_budget();
    diskann_op *op = NULL;
    const int status = diskann_budget_begin(&budget, 1, NULL, &op);
    return give(status, op);
}

/* `ids`: doubles, overwritten with integers. */
int EXPORT(budget_ids)(diskann_op *op, double *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        double_to_id(&ids[i]);
    }
    return diskann_budget_ids(op, (const uint64_t *)(const void *)ids, count);
}

/* -- convert -- */

int EXPORT(convert_begin)(const diskann_index *index, uint32_t codes, uint32_t code_bytes, uint32_t page_bytes)
{
    diskann_op *op = NULL;
    const diskann_config config = {.codes = codes, .code_bytes = code_bytes, .page_bytes = page_bytes};
    const int status = diskann_convert_begin(index, &config, 1, &op);
    return give(status, op);
}

diskann_index *EXPORT(convert_take)(diskann_op *op)
{
    return diskann_convert_take(op);
}

/* -- exact search -- */

int EXPORT(exact_begin)(const diskann_index *index, const float *query, uint32_t k)
{
    diskann_op *op = NULL;
    const int status = diskann_exact_begin(index, query, k, 1, &op);
    return give(status, op);
}

/* Pads as `search` does. */
void EXPORT(exact_take)(diskann_op *op, uint32_t k, double *ids, float *distances)
{
    uint32_t count = 0;
    diskann_exact_take(op, (uint64_t *)(void *)ids, distances, &count);
    finish_row(ids, distances, count, k);
}

/* -- verify -- */

int EXPORT(verify_begin)(const diskann_index *index)
{
    diskann_op *op = NULL;
    const int status = diskann_verify_begin(index, 1, &op);
    return give(status, op);
}

/* exchange: findings; `first` is the address that verify_finding takes. */
void EXPORT(verify_findings)(const diskann_op *op)
{
    uint32_t count = 0;
    uint64_t total = 0;
    const diskann_finding *first = diskann_verify_findings(op, &count, &total);
    exchange_slots[0] = count;
    exchange_slots[1] = (double)total;
    exchange_slots[2] = (double)(uintptr_t)first;
}

/* exchange: finding */
void EXPORT(verify_finding)(const diskann_finding *first, uint32_t i)
{
    exchange_slots[0] = first[i].kind;
    exchange_slots[1] = first[i].slot;
    exchange_slots[2] = (double)first[i].page;
}

/* ---- paged index --------------------------------------------------------------------------------------- */

int EXPORT(paged_open_begin)(double file_bytes, uint32_t simd, double cache_bytes)
{
    diskann_op *op = NULL;
    const int status = diskann_paged_open_begin((uint64_t)file_bytes, simd, (uint64_t)cache_bytes, NULL, &op);
    return give(status, op);
}

/* Of a disk index of Microsoft's. */
int EXPORT(paged_microsoft_begin)(double file_bytes, uint32_t data_type, uint32_t metric, double rows, const diskann_pq *pq,
                                  double cache_bytes)
{
    const diskann_microsoft how = {data_type, metric, DISKANN_SIMD_AUTO, 0, (uint64_t)rows, pq};
    diskann_op *op = NULL;
    const int status = diskann_paged_microsoft_begin((uint64_t)file_bytes, &how, (uint64_t)cache_bytes, NULL, &op);
    return give(status, op);
}

int EXPORT(paged_microsoft_codes)(diskann_op *op, const uint8_t *codes, uint32_t rows)
{
    return diskann_paged_microsoft_codes(op, codes, rows);
}

diskann_paged *EXPORT(paged_take)(diskann_op *op)
{
    return diskann_paged_take(op);
}

void EXPORT(paged_destroy)(diskann_paged *paged)
{
    diskann_paged_destroy(paged);
}

void EXPORT(paged_stats)(const diskann_paged *paged)
{
    diskann_stats stats;
    diskann_paged_stats(paged, &stats);
    put_stats(&stats);
}

int EXPORT(paged_search_begin)(diskann_paged *paged, const float *query, uint32_t k, uint32_t list_size, uint32_t beam_width,
                               uint32_t page_search)
{
    const diskann_search_params params = {k, list_size, beam_width, page_search, 0};
    diskann_op *op = NULL;
    const int status = diskann_paged_search_begin(paged, query, &params, &op);
    return give(status, op);
}

_Static_assert(3 + 3 * DISKANN_BEAM_WIDTH_MAX <= EXCHANGE_SLOTS, "a round fits");

/*
 * Steps and computes until the search wants pages, has to wait or has ended. `moved`: it did something. All requests are of one
 * length; the slots of one are followed by those of the next. exchange: advance
 */
int EXPORT(paged_search_advance)(diskann_op *op)
{
    diskann_stage stage = {0, 0, 0, 0, 0, 0, 0, NULL};
    uint32_t moved = 0;
    int status;
    while ((status = diskann_op_step(op, &stage)) == DISKANN_RUN) {
        diskann_op_run(op, 0, 0, stage.items);
        moved = 1;
    }
    const uint32_t count = status == DISKANN_IO ? stage.request_count : 0;
    const uint64_t length = count > 0 ? stage.requests->length : 0;
    double *slot = exchange_slots;
    *slot++ = moved;
    *slot++ = (double)length;
    *slot++ = count;
    for (uint32_t i = 0; i < count; i++) {
        *slot++ = stage.requests[i].ticket;
        *slot++ = (double)stage.requests[i].offset;
        *slot++ = (double)(uintptr_t)stage.requests[i].buffer;
    }
    return status;
}

/* The host has put `count` tickets into the exchange. */
void EXPORT(paged_complete)(diskann_paged *paged, uint32_t count, int status)
{
    for (uint32_t i = 0; i < count; i++) {
        diskann_paged_complete(paged, (uint32_t)exchange_slots[i], status);
    }
}

/* Pads as `search` does. exchange: answered */
int EXPORT(paged_search_take)(diskann_op *op, uint32_t k, double *ids, float *distances)
{
    diskann_search_counters counters = {0};
    uint32_t count = 0;
    const int status = diskann_paged_search_take(op, (uint64_t *)(void *)ids, distances, &count, &counters);
    finish_row(ids, distances, count, k);
    exchange_slots[0] = (double)counters.distances;
    exchange_slots[1] = (double)counters.hops;
    exchange_slots[2] = (double)counters.rounds;
    exchange_slots[3] = (double)counters.reads;
    exchange_slots[4] = (double)counters.bytes_read;
    return status;
}

int EXPORT(paged_exact_begin)(const diskann_paged *paged, const float *query, uint32_t k)
{
    diskann_op *op = NULL;
    const int status = diskann_paged_exact_begin(paged, query, k, 1, &op);
    return give(status, op);
}

int EXPORT(paged_find_begin)(const diskann_paged *paged, double id)
{
    diskann_op *op = NULL;
    const int status = diskann_paged_find_begin(paged, (uint64_t)id, &op);
    return give(status, op);
}

int EXPORT(paged_find_take)(const diskann_op *op, float *out)
{
    return diskann_paged_find_take(op, out);
}

int EXPORT(paged_verify_begin)(const diskann_paged *paged)
{
    diskann_op *op = NULL;
    const int status = diskann_paged_verify_begin(paged, 1, &op);
    return give(status, op);
}

int EXPORT(paged_copy_begin)(const diskann_paged *paged)
{
    diskann_op *op = NULL;
    const int status = diskann_paged_copy_begin(paged, 1, &op);
    return give(status, op);
}

/* ---- product quantisation ------------------------------------------------------------------------------ */

/* `offsets`, `centre`: may be NULL. */
int EXPORT(pq_create)(uint32_t dimensions, uint32_t chunks, uint32_t centroids, const uint32_t *offsets, const float *pivots,
                      const float *centre)
{
    diskann_pq *pq = NULL;
    diskann_pq_config config;
    diskann_pq_config_init(&config, dimensions, chunks);
    config.centroids = centroids;
    const int status = diskann_pq_create(&config, offsets, pivots, centre, NULL, &pq);
    return give(status, pq);
}

void EXPORT(pq_destroy)(diskann_pq *pq)
{
    diskann_pq_destroy(pq);
}

void EXPORT(pq_export)(const diskann_pq *pq, uint32_t *offsets, float *pivots, float *centre)
{
    diskann_pq_export(pq, offsets, pivots, centre);
}

int EXPORT(pq_train_begin)(uint32_t dimensions, uint32_t chunks, uint32_t centroids, uint32_t iterations,
                           uint32_t sample_rows, uint32_t is_centred, double seed)
{
    diskann_op *op = NULL;
    diskann_pq_config config;
    diskann_pq_config_init(&config, dimensions, chunks);
    config.centroids = centroids;
    config.iterations = iterations;
    config.sample_rows = sample_rows;
    config.is_centred = is_centred;
    config.seed = (uint64_t)seed;
    const int status = diskann_pq_train_begin(&config, 1, NULL, &op);
    return give(status, op);
}

int EXPORT(pq_rows)(diskann_op *op, const float *vectors, uint32_t rows)
{
    return diskann_pq_rows(op, vectors, rows);
}

diskann_pq *EXPORT(pq_train_take)(diskann_op *op)
{
    return diskann_pq_train_take(op);
}

int EXPORT(pq_encode_begin)(const diskann_pq *pq, const float *vectors, uint32_t rows, uint8_t *codes)
{
    diskann_op *op = NULL;
    const int status = diskann_pq_encode_begin(pq, vectors, rows, codes, 1, &op);
    return give(status, op);
}

int EXPORT(pq_decode)(const diskann_pq *pq, const uint8_t *codes, uint32_t rows, float *out)
{
    return diskann_pq_decode(pq, codes, rows, out);
}

int EXPORT(pq_search_begin)(const diskann_pq *pq, const float *query, uint32_t metric, const uint8_t *codes, uint32_t rows,
                            uint32_t k)
{
    diskann_op *op = NULL;
    const int status = diskann_pq_search_begin(pq, query, metric, codes, rows, k, 1, &op);
    return give(status, op);
}

/* Pads as `search` does. */
void EXPORT(pq_search_take)(diskann_op *op, uint32_t k, double *rows, float *distances)
{
    uint32_t count = 0;
    diskann_pq_search_take(op, (uint64_t *)(void *)rows, distances, &count);
    finish_row(rows, distances, count, k);
}
