#include "pq_codes.h"

#include "../base/status.h"

#include <float.h>
#include <string.h>

enum { DIMENSIONS_PER_BYTE = 4, TRAINING_ROWS = 65536 }; /* 256 for each centroid */

void pq_codes_init(pq_codes *codes, const diskann_config *config, uint32_t simd, memory_account *account)
{
    memset(codes, 0, sizeof *codes);
    codes->account = account;
    codes->metric = config->metric;
    codes->dimensions = config->dimensions;
    codes->code_bytes = config->code_bytes;
    codes->simd = simd;
}

void pq_codes_reset(pq_codes *codes)
{
    pq_codes_adopt(codes, NULL);
    memory_put(codes->account, codes->codes, codes->capacity * codes->code_bytes);
    codes->codes = NULL;
    codes->capacity = 0;
}

uint32_t pq_code_bytes_default(uint32_t dimensions)
{
    return (dimensions + DIMENSIONS_PER_BYTE - 1) / DIMENSIONS_PER_BYTE;
}

/* Inner products are not of differences, so that a centre would only be added again. */
diskann_pq_config pq_codes_training(const pq_codes *codes, uint64_t seed)
{
    diskann_pq_config config;
    diskann_pq_config_init(&config, codes->dimensions, codes->code_bytes);
    config.sample_rows = TRAINING_ROWS;
    config.is_centred = codes->metric != DISKANN_IP;
    config.simd = codes->simd;
    config.seed = seed;
    return config;
}

void pq_codes_adopt(pq_codes *codes, diskann_pq *pq)
{
    if (codes->pq != NULL) {
        pq_destroy(codes->pq);
    }
    codes->pq = pq;
}

int pq_codes_create_quantizer(pq_codes *codes)
{
    const diskann_pq_config config = pq_codes_training(codes, 0);
    diskann_pq *pq;
    TRY(pq_create(&config, NULL, &codes->account->allocator, &pq));
    pq_codes_adopt(codes, pq);
    return DISKANN_OK;
}

static int are_finite(const float *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!(values[i] >= -FLT_MAX && values[i] <= FLT_MAX)) { /* NaN is in no range */
            return 0;
        }
    }
    return 1;
}

int pq_codes_are_sound(const pq_codes *codes)
{
    const diskann_pq *pq = codes->pq;
    return are_finite(pq->codebook, (uint64_t)pq->centroids * pq->dimensions) && are_finite(pq->centre, pq->dimensions);
}

int pq_codes_reserve(pq_codes *codes, uint64_t slots)
{
    if (slots <= codes->capacity) {
        return DISKANN_OK;
    }
    const uint64_t roomy = codes->capacity + codes->capacity / 2, capacity = slots > roomy ? slots : roomy;
    uint8_t *memory = memory_get_zeroed(codes->account, capacity * codes->code_bytes);
    if (memory == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    if (codes->codes != NULL) {
        memcpy(memory, codes->codes, (size_t)(codes->capacity * codes->code_bytes));
        memory_put(codes->account, codes->codes, codes->capacity * codes->code_bytes);
    }
    codes->codes = memory;
    codes->capacity = capacity;
    return DISKANN_OK;
}

uint64_t pq_codes_bytes(const pq_codes *codes)
{
    const uint64_t quantizer = codes->pq != NULL ? codes->pq->account.live_bytes : 0;
    return codes->capacity * codes->code_bytes + quantizer;
}

uint64_t pq_codes_panel(const pq_codes *codes)
{
    return (uint64_t)codes->pq->widest * NEAREST_POINTS;
}

void pq_codes_encode(const pq_codes *codes, const float *rows, uint32_t count, float *panel, uint8_t *out)
{
    for (uint32_t chunk = 0; chunk < codes->code_bytes; chunk++) {
        pq_encode_chunk(codes->pq, chunk, rows, count, panel, out + chunk);
    }
}

/* ---- queries ---- */

static uint64_t table_bytes(const pq_codes *codes)
{
    return (uint64_t)codes->code_bytes * PQ_TABLE_WIDTH * sizeof(float);
}

int pq_query_init(pq_query *query, const pq_codes *codes, memory_account *account)
{
    memset(query, 0, sizeof *query);
    /*
     * Under cosine 1 - <q, x>, vectors being of unit length. Centroids are means, so that products with them are off less than
     * squared distances are, and zero vectors are as far as they should be.
     */
    query->tables.metric = codes->metric == DISKANN_COSINE ? DISKANN_IP : codes->metric;
    query->tables.sums = memory_get(account, table_bytes(codes));
    return query->tables.sums != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

void pq_query_reset(pq_query *query, const pq_codes *codes, memory_account *account)
{
    memory_put(account, query->tables.sums, table_bytes(codes));
    query->tables.sums = NULL;
}

void pq_query_set(pq_query *query, const pq_codes *codes, const float *vector)
{
    pq_tables_fill(codes->pq, vector, &query->tables);
}

void pq_estimates(const pq_codes *codes, const pq_query *query, const uint32_t *slots, uint32_t count, float *out)
{
    const float sign = query->tables.metric == DISKANN_IP ? -1.0f : 1.0f;
    const float base = codes->metric == DISKANN_COSINE ? 1.0f : 0.0f;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *code = codes->codes + (size_t)slots[i] * codes->code_bytes;
        const float estimate = base + sign * pq_sum(&query->tables, code, codes->code_bytes);
        out[i] = estimate < FLT_MAX ? estimate : FLT_MAX; /* far out of range, also where it is not a number */
    }
}
