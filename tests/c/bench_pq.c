/*
 * How long a product quantiser takes on one thread: every family of kernels, 16 and 48 chunks.
 *
 *     node tests/tools/c-bench.mjs pq
 *
 * Prints a Markdown table: training on 10,000 rows (4 passes), encoding a row, comparing a code.
 */
#include "../../csrc/base/random.h"
#include "../../csrc/include/diskann.h"
#include "golden.h"

#include <stdlib.h>
#include <time.h>

enum { ROWS = 100000, SAMPLE = 10000, PASSES = 4, QUERIES = 20, K = 10 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds of an operation from its beginning; it ends. */
static double finish(diskann_op *op, double began)
{
    const int status = diskann_op_finish(op);
    const double took = now() - began;
    diskann_op_end(op);
    return status == DISKANN_OK ? took : -1;
}

static diskann_pq *train(const diskann_pq_config *config, const float *rows, double *took)
{
    diskann_op *op;
    if (diskann_pq_train_begin(config, 1, NULL, &op) < 0 || diskann_pq_rows(op, rows, ROWS) < 0) {
        return NULL;
    }
    const double began = now();
    diskann_op_finish(op);
    *took = now() - began;
    diskann_pq *pq = diskann_pq_train_take(op);
    diskann_op_end(op);
    return pq;
}

/* The quickest of some searches. */
static double search(const diskann_pq *pq, const float *rows, uint32_t dimensions, const uint8_t *codes)
{
    double best = -1;
    for (uint32_t i = 0; i < QUERIES; i++) {
        diskann_op *op;
        const double began = now();
        if (diskann_pq_search_begin(pq, rows + (size_t)i * dimensions, DISKANN_L2, codes, ROWS, K, 1, &op) < 0) {
            return -1;
        }
        const double took = finish(op, began);
        best = best < 0 || took < best ? took : best;
    }
    return best;
}

static int measure(uint32_t family, uint32_t dimensions, uint32_t chunks, const float *rows, uint8_t *codes)
{
    diskann_pq_config config;
    double trained = 0;
    diskann_op *op;
    diskann_pq_config_init(&config, dimensions, chunks);
    config.simd = family;
    config.sample_rows = SAMPLE;
    config.iterations = PASSES - 1;
    diskann_pq *pq = train(&config, rows, &trained);
    const double began = now();
    if (pq == NULL || diskann_pq_encode_begin(pq, rows, ROWS, codes, 1, &op) < 0) {
        return 1;
    }
    const double encoded = finish(op, began);
    const double searched = search(pq, rows, dimensions, codes);
    printf("| %s | %u x %u | %.0f ms | %.2f us | %.1f ns |\n", diskann_simd_text(family), dimensions, chunks, trained / 1e6,
           encoded / 1e3 / ROWS, searched / ROWS);
    diskann_pq_destroy(pq);
    return 0;
}

int main(void)
{
    static const uint32_t shapes[][2] = {{128, 16}, {384, 48}};
    float *rows = malloc((size_t)ROWS * 384 * sizeof *rows);
    uint8_t *codes = malloc((size_t)ROWS * 48);
    random_state random = {1};
    int failed = rows == NULL || codes == NULL;
    for (size_t i = 0; i < (size_t)ROWS * 384 && !failed; i++) {
        rows[i] = golden_uniform(random_next(&random));
    }
    printf("| family | dimensions x chunks | training | encoding a row | comparing a code |\n|---|---|--:|--:|--:|\n");
    for (uint32_t shape = 0; shape < 2 && !failed; shape++) {
        for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT && !failed; family++) {
            failed = diskann_simd_available(family) && measure(family, shapes[shape][0], shapes[shape][1], rows, codes);
        }
    }
    free(rows);
    free(codes);
    return failed;
}
