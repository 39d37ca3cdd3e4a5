/*
 * How long 1-bit codes take on one thread: every family of kernels, 128 and 384 dimensions.
 *
 *     node tests/tools/c-bench.mjs bits
 *
 * Prints a Markdown table: summing the codes of 32 neighbours that lie in the cache, and how many bytes of codes that is a
 * second; estimates of 32 neighbours; rotating a vector; encoding a neighbour; setting a query.
 */
#include "../../csrc/quant/bits.h"
#include "golden.h"

#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 9, TIMES = 20000, DEGREE = 32 };

typedef struct bench {
    bits_coder coder;
    bits_query query;
    uint8_t *block;
    float *scratch;
    float *vectors; /* [DEGREE][length] */
    uint32_t stride;
    float out[DEGREE];
    uint32_t sums[DEGREE];
} bench;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void scan_group(bench *b, uint32_t i)
{
    (void)i;
    b->coder.kernels->scan(b->query.tables, b->coder.layout.length / BITS_ROW_DIMENSIONS, b->block, b->sums);
}

static void estimate_group(bench *b, uint32_t i)
{
    bits_estimates(&b->coder, &b->query, b->block, DEGREE, (float)i, b->out);
}

static void rotate_vector(bench *b, uint32_t i)
{
    (void)i;
    rotation_apply(&b->coder.rotation, b->scratch, b->scratch + b->coder.layout.length);
}

static void encode_neighbour(bench *b, uint32_t i)
{
    bits_encode(&b->coder, b->scratch, b->block, i % DEGREE, b->vectors + (size_t)(i % DEGREE) * b->stride);
}

static void set_query(bench *b, uint32_t i)
{
    bits_query_set(&b->query, &b->coder, b->vectors + (size_t)(i % DEGREE) * b->stride);
}

/* Nanoseconds each, of the quickest round. */
static double time_of(bench *b, void (*work)(bench *b, uint32_t i), uint32_t times)
{
    double best = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const double began = now();
        for (uint32_t i = 0; i < times; i++) {
            work(b, i);
        }
        const double took = (now() - began) / times;
        best = round == 0 || took < best ? took : best;
    }
    return best;
}

static int measure(uint32_t family, uint32_t dimensions)
{
    bench b = {.stride = dimensions};
    memory_account account;
    diskann_config config;
    random_state random = {dimensions};
    diskann_config_init(&config, dimensions);
    config.max_degree = DEGREE;
    memory_account_init(&account, NULL);
    if (bits_coder_init(&b.coder, &config, simd_kernels_get(family), &account) < 0 ||
        bits_query_init(&b.query, &b.coder, &account) < 0) {
        return 1;
    }
    b.block = calloc(1, b.coder.layout.block_bytes);
    b.scratch = malloc(bits_scratch_floats(&b.coder.layout) * sizeof(float));
    b.vectors = malloc((size_t)DEGREE * dimensions * sizeof(float));
    for (uint32_t i = 0; i < DEGREE * dimensions; i++) {
        b.vectors[i] = golden_uniform(random_next(&random));
    }
    bits_owner_set(&b.coder, b.scratch, b.vectors);
    const double query = time_of(&b, set_query, TIMES / 10), encode = time_of(&b, encode_neighbour, TIMES / 10);
    const double scan = time_of(&b, scan_group, TIMES), estimates = time_of(&b, estimate_group, TIMES);
    const double rotation = time_of(&b, rotate_vector, TIMES / 10);
    printf("| %s | %u | %.1f ns | %.1f GB/s | %.1f ns | %.2f us | %.2f us | %.2f us |\n", diskann_simd_text(family), dimensions,
           scan, b.coder.layout.rows_bytes / scan, estimates, rotation / 1e3, encode / 1e3, query / 1e3);
    bits_query_reset(&b.query, &b.coder, &account);
    bits_coder_reset(&b.coder);
    free(b.block);
    free(b.scratch);
    free(b.vectors);
    return 0;
}

int main(void)
{
    static const uint32_t shapes[] = {128, 384};
    int failed = 0;
    printf("| family | dimensions | sums of 32 | codes | estimates of 32 | rotation | encoding one | query |\n"
           "|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (uint32_t shape = 0; shape < 2 && !failed; shape++) {
        for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT && !failed; family++) {
            failed = diskann_simd_available(family) && measure(family, shapes[shape]);
        }
    }
    return failed;
}
