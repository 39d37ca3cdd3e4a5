#include "pq_codes.h"

#include "../base/status.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    DIMENSIONS_PER_BYTE = 4,
    TRAINING_ROWS = 65536,  /* 256 for each centroid */
    RANGE_DIMENSIONS = 512, /* of a piece of codes that is made at a time */
    CACHE_LINE = 64
};

void pq_codes_init(pq_codes *codes, const diskann_config *config, uint32_t simd, memory_account *account)
{
    memset(codes, 0, sizeof *codes);
    codes->account = account;
    codes->metric = config->metric;
    codes->dimensions = config->dimensions;
    codes->code_bytes = config->code_bytes;
    codes->simd = simd;
}

static uint64_t panels_bytes(const pq_codes *codes)
{
    return (uint64_t)codes->dimensions * PQ_TABLE_WIDTH * sizeof *codes->panels;
}

void pq_codes_reset(pq_codes *codes)
{
    if (codes->pq != NULL) {
        pq_destroy(codes->pq);
        codes->pq = NULL;
    }
    memory_put(codes->account, codes->panels, panels_bytes(codes));
    memory_put(codes->account, codes->codes, codes->capacity * codes->code_bytes);
    codes->panels = NULL;
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

static int take_over(pq_codes *codes, diskann_pq *pq)
{
    codes->panels = memory_get(codes->account, panels_bytes(codes));
    if (codes->panels == NULL) {
        pq_destroy(pq);
        return DISKANN_ERR_NO_MEMORY;
    }
    codes->pq = pq;
    return DISKANN_OK;
}

/* What the terms of an estimate are: vectors of unit length are half their squared distance from each other under cosine. */
static uint32_t sums_metric(const pq_codes *codes)
{
    return codes->metric == DISKANN_COSINE ? DISKANN_L2 : codes->metric;
}

/*
 * The centroids of a chunk, one dimension after the other, so that a query meets all of them at once. Where the centre is not
 * taken from the query it is in them.
 */
static void fill_panels(pq_codes *codes)
{
    const diskann_pq *pq = codes->pq;
    const int is_centred = sums_metric(codes) == DISKANN_L2;
    for (uint32_t c = 0; c < pq->chunks; c++) {
        const uint32_t width = pq_width(pq, c), offset = pq->offsets[c];
        const float *centroids = pq_codebook(pq, c);
        float *panel = codes->panels + (size_t)offset * PQ_TABLE_WIDTH;
        for (uint32_t k = 0; k < PQ_TABLE_WIDTH; k++) {
            for (uint32_t j = 0; j < width; j++) {
                const float value = centroids[(size_t)k * width + j];
                panel[(size_t)j * PQ_TABLE_WIDTH + k] = is_centred ? value : value + pq->centre[offset + j];
            }
        }
    }
}

int pq_codes_adopt(pq_codes *codes, diskann_pq *pq)
{
    TRY(take_over(codes, pq));
    fill_panels(codes);
    return DISKANN_OK;
}

int pq_codes_create_quantizer(pq_codes *codes)
{
    const diskann_pq_config config = pq_codes_training(codes, 0);
    diskann_pq *pq;
    TRY(pq_create(&config, NULL, &codes->account->allocator, &pq));
    return take_over(codes, pq);
}

int pq_codes_complete(pq_codes *codes)
{
    fill_panels(codes);
    return pq_codes_are_sound(codes);
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

/* Centroids that are not there are zero; no code names one. */
int pq_codes_copy(pq_codes *codes, const diskann_pq *from)
{
    const diskann_pq_config config = pq_codes_training(codes, 0);
    diskann_pq *pq;
    TRY(pq_create(&config, from->offsets, &codes->account->allocator, &pq));
    memset(pq->codebook, 0, (size_t)pq->centroids * pq->dimensions * sizeof *pq->codebook);
    memcpy(pq->centre, from->centre, pq->dimensions * sizeof *pq->centre);
    for (uint32_t c = 0; c < pq->chunks; c++) {
        memcpy(pq_codebook(pq, c), pq_codebook(from, c), (size_t)from->centroids * pq_width(from, c) * sizeof *pq->codebook);
    }
    return pq_codes_adopt(codes, pq);
}

int pq_codes_put(pq_codes *codes, uint64_t first, const uint8_t *from, uint64_t rows, uint32_t centroids)
{
    const uint64_t bytes = rows * codes->code_bytes;
    uint8_t largest = 0;
    for (uint64_t i = 0; i < bytes; i++) {
        largest = from[i] > largest ? from[i] : largest;
    }
    if (bytes > 0 && largest >= centroids) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    memcpy(codes->codes + first * codes->code_bytes, from, (size_t)bytes);
    return DISKANN_OK;
}

void pq_codes_move(pq_codes *to, pq_codes *from)
{
    const uint64_t bytes = panels_bytes(from) + from->capacity * from->code_bytes;
    from->account->live_bytes -= bytes;
    to->account->live_bytes += bytes;
    to->pq = from->pq;
    to->panels = from->panels;
    to->codes = from->codes;
    to->capacity = from->capacity;
    from->pq = NULL;
    from->panels = NULL;
    from->codes = NULL;
    from->capacity = 0;
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

void pq_codes_truncate(pq_codes *codes, uint64_t slots)
{
    if (slots == 0) {
        pq_codes_reset(codes);
    } else if (slots < codes->capacity) {
        memset(codes->codes + slots * codes->code_bytes, 0, (size_t)((codes->capacity - slots) * codes->code_bytes));
    }
}

uint64_t pq_codes_bytes(const pq_codes *codes)
{
    const uint64_t panels = codes->panels != NULL ? panels_bytes(codes) : 0;
    return codes->capacity * codes->code_bytes + panels + pq_codes_apart(codes);
}

/* ---- encoding ---- */

uint64_t pq_codes_panel(const pq_codes *codes)
{
    return (uint64_t)codes->pq->widest * NEAREST_POINTS;
}

uint32_t pq_codes_ranges(const pq_codes *codes)
{
    const uint32_t ranges = codes->dimensions / RANGE_DIMENSIONS + 1;
    return ranges < codes->code_bytes ? ranges : codes->code_bytes;
}

pq_range pq_codes_range(const pq_codes *codes, uint32_t index)
{
    const uint64_t bytes = codes->code_bytes, ranges = pq_codes_ranges(codes);
    return (pq_range){(uint32_t)(bytes * index / ranges), (uint32_t)(bytes * (index + 1) / ranges)};
}

void pq_codes_encode(const pq_codes *codes, pq_range range, const float *rows, uint32_t count, float *panel, uint8_t *out)
{
    for (uint32_t chunk = range.first; chunk < range.last; chunk++) {
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
    query->metric = sums_metric(codes);
    query->sums = memory_get(account, table_bytes(codes));
    return query->sums != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

void pq_query_reset(pq_query *query, const pq_codes *codes, memory_account *account)
{
    memory_put(account, query->sums, table_bytes(codes));
    query->sums = NULL;
}

/* The table of one chunk: sums in order of dimensions, for all centroids side by side. */
static void fill_table(const float *panel, const float *query, const float *centre, uint32_t width, uint32_t metric,
                       float *table)
{
    memset(table, 0, PQ_TABLE_WIDTH * sizeof *table);
    for (uint32_t j = 0; j < width; j++, panel += PQ_TABLE_WIDTH) {
        const float value = metric == DISKANN_L2 ? query[j] - centre[j] : query[j];
        if (metric == DISKANN_L2) {
            for (uint32_t k = 0; k < PQ_TABLE_WIDTH; k++) {
                const float difference = value - panel[k];
                table[k] += difference * difference;
            }
        } else if (metric == DISKANN_L1) {
            for (uint32_t k = 0; k < PQ_TABLE_WIDTH; k++) {
                table[k] += fabsf(value - panel[k]);
            }
        } else {
            for (uint32_t k = 0; k < PQ_TABLE_WIDTH; k++) {
                table[k] += value * panel[k];
            }
        }
    }
}

void pq_query_set(pq_query *query, const pq_codes *codes, const float *vector)
{
    const diskann_pq *pq = codes->pq;
    for (uint32_t c = 0; c < pq->chunks; c++) {
        const uint32_t offset = pq->offsets[c];
        fill_table(codes->panels + (size_t)offset * PQ_TABLE_WIDTH, vector + offset, pq->centre + offset, pq_width(pq, c),
                   query->metric, query->sums + (size_t)c * PQ_TABLE_WIDTH);
    }
}

static const uint8_t *code_at(const pq_codes *codes, uint32_t slot)
{
    return codes->codes + (size_t)slot * codes->code_bytes;
}

/* Lines that the codes of some slots lie in; they are anywhere. */
static void prefetch(const pq_codes *codes, const uint32_t *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *code = code_at(codes, slots[i]);
        for (uint32_t at = 0; at < codes->code_bytes; at += CACHE_LINE) {
            __builtin_prefetch(code + at);
        }
        __builtin_prefetch(code + codes->code_bytes - 1);
    }
}

/* Four codes side by side: no sum waits for its own last addition. */
static void sum_four(const pq_codes *codes, const float *table, const uint32_t *slots, float *out)
{
    const uint8_t *a = code_at(codes, slots[0]), *b = code_at(codes, slots[1]);
    const uint8_t *c = code_at(codes, slots[2]), *d = code_at(codes, slots[3]);
    float of_a = 0.0f, of_b = 0.0f, of_c = 0.0f, of_d = 0.0f;
    for (uint32_t i = 0; i < codes->code_bytes; i++, table += PQ_TABLE_WIDTH) {
        of_a += table[a[i]];
        of_b += table[b[i]];
        of_c += table[c[i]];
        of_d += table[d[i]];
    }
    out[0] = of_a;
    out[1] = of_b;
    out[2] = of_c;
    out[3] = of_d;
}

static float sum_one(const pq_codes *codes, const float *table, uint32_t slot)
{
    const uint8_t *code = code_at(codes, slot);
    float sum = 0.0f;
    for (uint32_t i = 0; i < codes->code_bytes; i++, table += PQ_TABLE_WIDTH) {
        sum += table[code[i]];
    }
    return sum;
}

void pq_estimates(const pq_codes *codes, const pq_query *query, const uint32_t *slots, uint32_t count, float *out)
{
    const float scale = codes->metric == DISKANN_IP ? -1.0f : codes->metric == DISKANN_COSINE ? 0.5f : 1.0f;
    uint32_t i = 0;
    prefetch(codes, slots, count);
    for (; i + 4 <= count; i += 4) {
        sum_four(codes, query->sums, slots + i, out + i);
    }
    for (; i < count; i++) {
        out[i] = sum_one(codes, query->sums, slots[i]);
    }
    for (i = 0; i < count; i++) {
        const float estimate = scale * out[i] + 0.0f; /* never -0 */
        out[i] = !(estimate < FLT_MAX) ? FLT_MAX : estimate > -FLT_MAX ? estimate : -FLT_MAX; /* NaN is far */
    }
}

int pq_codes_are_equal(const pq_codes *codes, uint32_t a, uint32_t b)
{
    return memcmp(code_at(codes, a), code_at(codes, b), codes->code_bytes) == 0;
}
