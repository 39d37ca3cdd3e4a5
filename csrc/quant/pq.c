#include "pq.h"

#include "../base/status.h"

#include <math.h>
#include <string.h>

static const float NORM_LIMIT = 0x1.fffffep+125f; /* FLT_MAX / 4, as for every vector */

/* ---- the object ---- */

int pq_shape_is_valid(uint32_t dimensions, uint32_t chunks, uint32_t centroids)
{
    return dimensions >= DISKANN_DIMENSIONS_MIN && dimensions <= DISKANN_DIMENSIONS_MAX && chunks >= 1 &&
           chunks <= dimensions && centroids >= 1 && centroids <= DISKANN_PQ_CENTROIDS_MAX;
}

static void cut_evenly(diskann_pq *pq)
{
    const uint32_t width = pq->dimensions / pq->chunks, wider = pq->dimensions % pq->chunks;
    for (uint32_t c = 0; c <= pq->chunks; c++) {
        pq->offsets[c] = c * width + (c < wider ? c : wider);
    }
}

static int cut_at(diskann_pq *pq, const uint32_t *offsets)
{
    if (offsets == NULL) {
        cut_evenly(pq);
    } else {
        memcpy(pq->offsets, offsets, (pq->chunks + 1) * sizeof *offsets);
    }
    if (pq->offsets[0] != 0 || pq->offsets[pq->chunks] != pq->dimensions) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    for (uint32_t c = 0; c < pq->chunks; c++) {
        if (pq->offsets[c] >= pq->offsets[c + 1]) {
            return DISKANN_ERR_INVALID_ARGUMENT;
        }
        pq->widest = pq_width(pq, c) > pq->widest ? pq_width(pq, c) : pq->widest;
    }
    return DISKANN_OK;
}

static uint64_t codebook_bytes(const diskann_pq *pq)
{
    return (uint64_t)pq->centroids * pq->dimensions * sizeof(float);
}

static int allocate(diskann_pq *pq)
{
    pq->offsets = memory_get(&pq->account, (pq->chunks + UINT64_C(1)) * sizeof *pq->offsets);
    pq->codebook = memory_get(&pq->account, codebook_bytes(pq));
    pq->centre = memory_get(&pq->account, pq->dimensions * sizeof *pq->centre);
    return pq->offsets == NULL || pq->codebook == NULL || pq->centre == NULL ? DISKANN_ERR_NO_MEMORY : DISKANN_OK;
}

int pq_create(const diskann_pq_config *config, const uint32_t *offsets, const diskann_allocator *allocator, diskann_pq **out)
{
    if (!pq_shape_is_valid(config->dimensions, config->chunks, config->centroids)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const simd_kernels *kernels = simd_kernels_get(config->simd);
    if (kernels == NULL) {
        return DISKANN_ERR_UNSUPPORTED;
    }
    memory_account account;
    memory_account_init(&account, allocator);
    diskann_pq *pq = memory_get_zeroed(&account, sizeof *pq);
    if (pq == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    pq->account = account;
    pq->kernels = kernels;
    pq->nearest = simd_nearest_get(kernels->simd);
    pq->dimensions = config->dimensions;
    pq->chunks = config->chunks;
    pq->centroids = config->centroids;
    int status = allocate(pq);
    if (status == DISKANN_OK) {
        status = cut_at(pq, offsets);
    }
    if (status < 0) {
        pq_destroy(pq);
        return status;
    }
    *out = pq;
    return DISKANN_OK;
}

void pq_destroy(diskann_pq *pq)
{
    memory_account account = pq->account;
    memory_put(&account, pq->offsets, (pq->chunks + UINT64_C(1)) * sizeof *pq->offsets);
    memory_put(&account, pq->codebook, codebook_bytes(pq));
    memory_put(&account, pq->centre, pq->dimensions * sizeof *pq->centre);
    memory_put(&account, pq, sizeof *pq);
}

int pq_is_finite(const diskann_pq *pq, const float *vector)
{
    return pq->kernels->one[DISKANN_F32][SIMD_SUM_DOT](vector, vector, pq->dimensions) <= NORM_LIMIT;
}

/* ---- codes ---- */

/* One chunk of some rows, centred, as the kernel wants it: [width][64], zeros behind the last row. */
static void fill_panel(const diskann_pq *pq, uint32_t chunk, const float *rows, uint32_t count, float *panel)
{
    const uint32_t width = pq_width(pq, chunk), offset = pq->offsets[chunk];
    const float *centre = pq->centre + offset;
    if (count < NEAREST_POINTS) {
        memset(panel, 0, (size_t)width * NEAREST_POINTS * sizeof *panel);
    }
    for (uint32_t i = 0; i < count; i++) {
        const float *row = rows + (size_t)i * pq->dimensions + offset;
        for (uint32_t j = 0; j < width; j++) {
            panel[(size_t)j * NEAREST_POINTS + i] = row[j] - centre[j];
        }
    }
}

void pq_encode_chunk(const diskann_pq *pq, uint32_t chunk, const float *rows, uint32_t count, float *panel, uint8_t *codes)
{
    float distances[NEAREST_POINTS];
    uint32_t numbers[NEAREST_POINTS] = {0};
    const nearest_centroids all = {pq_codebook(pq, chunk), 0, pq->centroids};
    for (uint32_t i = 0; i < NEAREST_POINTS; i++) {
        distances[i] = INFINITY;
    }
    fill_panel(pq, chunk, rows, count, panel);
    pq->nearest(panel, pq_width(pq, chunk), &all, distances, numbers);
    for (uint32_t i = 0; i < count; i++) {
        codes[(size_t)i * pq->chunks] = (uint8_t)numbers[i];
    }
}

void pq_decode_row(const diskann_pq *pq, const uint8_t *code, float *out)
{
    for (uint32_t c = 0; c < pq->chunks; c++) {
        const uint32_t width = pq_width(pq, c), offset = pq->offsets[c];
        const float *centroid = pq_codebook(pq, c) + (size_t)code[c] * width;
        for (uint32_t j = 0; j < width; j++) {
            out[offset + j] = centroid[j] + pq->centre[offset + j];
        }
    }
}

int pq_codes_are_valid(const diskann_pq *pq, const uint8_t *codes, size_t count)
{
    uint8_t largest = 0;
    for (size_t i = 0; i < count && pq->centroids < DISKANN_PQ_CENTROIDS_MAX; i++) {
        largest = codes[i] > largest ? codes[i] : largest;
    }
    return largest < pq->centroids;
}

/* ---- asymmetric distances ---- */

/* The term of one dimension: l2 is measured as vectors are encoded, from the centred query. */
static float term_of(uint32_t metric, float query, float centre, float centroid)
{
    if (metric == DISKANN_L2) {
        const float difference = query - centre - centroid;
        return difference * difference;
    }
    const float value = centroid + centre;
    return metric == DISKANN_L1 ? fabsf(query - value) : query * value;
}

static void fill_sums(const diskann_pq *pq, uint32_t chunk, const float *query, uint32_t metric, float *sums)
{
    const uint32_t width = pq_width(pq, chunk);
    const float *centroid = pq_codebook(pq, chunk), *centre = pq->centre + pq->offsets[chunk];
    memset(sums, 0, PQ_TABLE_WIDTH * sizeof *sums);
    for (uint32_t k = 0; k < pq->centroids; k++, centroid += width) {
        for (uint32_t j = 0; j < width; j++) {
            sums[k] += term_of(metric, query[j], centre[j], centroid[j]);
        }
    }
}

static void fill_norms(const diskann_pq *pq, uint32_t chunk, float *norms)
{
    const uint32_t width = pq_width(pq, chunk);
    const float *centroid = pq_codebook(pq, chunk), *centre = pq->centre + pq->offsets[chunk];
    memset(norms, 0, PQ_TABLE_WIDTH * sizeof *norms);
    for (uint32_t k = 0; k < pq->centroids; k++, centroid += width) {
        for (uint32_t j = 0; j < width; j++) {
            const float value = centroid[j] + centre[j];
            norms[k] += value * value;
        }
    }
}

static float inverse_norm(float squared)
{
    return squared > 0 ? 1.0f / sqrtf(squared) : 0.0f;
}

void pq_tables_fill(const diskann_pq *pq, const float *query, pq_tables *tables)
{
    for (uint32_t c = 0; c < pq->chunks; c++) {
        const size_t first = (size_t)c * PQ_TABLE_WIDTH;
        fill_sums(pq, c, query + pq->offsets[c], tables->metric, tables->sums + first);
        if (tables->metric == DISKANN_COSINE) {
            fill_norms(pq, c, tables->norms + first);
        }
    }
    tables->aux = inverse_norm(pq->kernels->one[DISKANN_F32][SIMD_SUM_DOT](query, query, pq->dimensions));
}

static float sum_row(const float *table, const uint8_t *code, uint32_t chunks)
{
    float sum = 0.0f;
    for (uint32_t c = 0; c < chunks; c++, table += PQ_TABLE_WIDTH) {
        sum += table[code[c]];
    }
    return sum;
}

/* Four rows side by side: no sum waits for its own last addition. */
static void sum_rows(const float *table, const uint8_t *codes, uint32_t chunks, uint32_t count, float *out)
{
    uint32_t row = 0;
    for (; row + 4 <= count; row += 4) {
        const uint8_t *code = codes + (size_t)row * chunks;
        const float *terms = table;
        float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
        for (uint32_t i = 0; i < chunks; i++, terms += PQ_TABLE_WIDTH) {
            a += terms[code[i]];
            b += terms[code[i + (size_t)chunks]];
            c += terms[code[i + 2 * (size_t)chunks]];
            d += terms[code[i + 3 * (size_t)chunks]];
        }
        out[row] = a;
        out[row + 1] = b;
        out[row + 2] = c;
        out[row + 3] = d;
    }
    for (; row < count; row++) {
        out[row] = sum_row(table, codes + (size_t)row * chunks, chunks);
    }
}

void pq_distances(const diskann_pq *pq, const pq_tables *tables, const uint8_t *codes, uint32_t count, float *out)
{
    sum_rows(tables->sums, codes, pq->chunks, count, out);
    for (uint32_t row = 0; row < count; row++) {
        if (tables->metric == DISKANN_IP) {
            out[row] = 0.0f - out[row];
        } else if (tables->metric == DISKANN_COSINE) {
            const float norm = sum_row(tables->norms, codes + (size_t)row * pq->chunks, pq->chunks);
            const float distance = 1.0f - out[row] * tables->aux * inverse_norm(norm);
            out[row] = distance > 0 ? distance : 0.0f;
        }
    }
}
