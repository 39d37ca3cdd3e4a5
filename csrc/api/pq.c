/* Public face of the product quantiser: what needs no operation. */
#include "../base/float_mode.h"
#include "../base/status.h"
#include "../quant/pq.h"

#include <string.h>

void diskann_pq_config_init(diskann_pq_config *config, uint32_t dimensions, uint32_t chunks)
{
    *config = (diskann_pq_config){
        .dimensions = dimensions,
        .chunks = chunks,
        .centroids = DISKANN_PQ_CENTROIDS_MAX,
        .iterations = DISKANN_PQ_ITERATIONS_DEFAULT,
        .sample_rows = DISKANN_PQ_SAMPLE_DEFAULT,
        .is_centred = 1,
        .simd = DISKANN_SIMD_AUTO,
        .reserved = 0,
        .seed = 0,
    };
}

static int copy_pivots(diskann_pq *pq, const float *pivots)
{
    for (uint32_t k = 0; k < pq->centroids; k++) {
        const float *row = pivots + (size_t)k * pq->dimensions;
        if (!pq_is_finite(pq, row)) {
            return DISKANN_ERR_NOT_FINITE;
        }
        for (uint32_t c = 0; c < pq->chunks; c++) {
            const uint32_t width = pq_width(pq, c);
            memcpy(pq_codebook(pq, c) + (size_t)k * width, row + pq->offsets[c], width * sizeof *row);
        }
    }
    return DISKANN_OK;
}

static int copy_centre(diskann_pq *pq, const float *centre)
{
    if (centre == NULL) {
        memset(pq->centre, 0, pq->dimensions * sizeof *pq->centre);
        return DISKANN_OK;
    }
    memcpy(pq->centre, centre, pq->dimensions * sizeof *pq->centre);
    return pq_is_finite(pq, pq->centre) ? DISKANN_OK : DISKANN_ERR_NOT_FINITE;
}

int diskann_pq_create(const diskann_pq_config *config, const uint32_t *offsets, const float *pivots, const float *centre,
                      const diskann_allocator *allocator, diskann_pq **out)
{
    if (config == NULL || pivots == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(pq_create(config, offsets, allocator, out));
    const uint64_t mode = float_mode_enter();
    int status = copy_centre(*out, centre);
    if (status == DISKANN_OK) {
        status = copy_pivots(*out, pivots);
    }
    float_mode_leave(mode);
    if (status < 0) {
        pq_destroy(*out);
        *out = NULL;
    }
    return status;
}

void diskann_pq_destroy(diskann_pq *pq)
{
    if (pq != NULL) {
        pq_destroy(pq);
    }
}

void diskann_pq_shape(const diskann_pq *pq, diskann_pq_config *out)
{
    memset(out, 0, sizeof *out);
    out->dimensions = pq->dimensions;
    out->chunks = pq->chunks;
    out->centroids = pq->centroids;
    out->simd = pq->kernels->simd;
}

void diskann_pq_export(const diskann_pq *pq, uint32_t *offsets, float *pivots, float *centre)
{
    if (offsets != NULL) {
        memcpy(offsets, pq->offsets, (pq->chunks + (size_t)1) * sizeof *offsets);
    }
    for (uint32_t c = 0; c < pq->chunks && pivots != NULL; c++) {
        const uint32_t width = pq_width(pq, c);
        for (uint32_t k = 0; k < pq->centroids; k++) {
            memcpy(pivots + (size_t)k * pq->dimensions + pq->offsets[c], pq_codebook(pq, c) + (size_t)k * width,
                   width * sizeof *pivots);
        }
    }
    if (centre != NULL) {
        memcpy(centre, pq->centre, pq->dimensions * sizeof *centre);
    }
}

int diskann_pq_decode(const diskann_pq *pq, const uint8_t *codes, uint64_t rows, float *out)
{
    if (pq == NULL || (rows > 0 && (codes == NULL || out == NULL)) ||
        !pq_codes_are_valid(pq, codes, (size_t)rows * pq->chunks)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    const uint64_t mode = float_mode_enter();
    for (uint64_t row = 0; row < rows; row++) {
        pq_decode_row(pq, codes + row * pq->chunks, out + row * pq->dimensions);
    }
    float_mode_leave(mode);
    return DISKANN_OK;
}
