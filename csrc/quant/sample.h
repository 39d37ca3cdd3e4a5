/*
 * A sample of rows of which nobody knows how many will come (Vitter 1985, algorithm R): the first `limit` rows are
 * kept, and row i >= limit replaces a random one with probability limit / (i + 1). It depends on seed, rows and
 * their order only.
 */
#ifndef DISKANN_QUANT_SAMPLE_H
#define DISKANN_QUANT_SAMPLE_H

#include "../base/memory.h"
#include "../base/random.h"

typedef struct row_sample {
    memory_account *account;
    random_state random;
    uint32_t dimensions;
    uint32_t limit;
    uint32_t rows_per_segment;
    uint64_t seen;    /* rows offered so far */
    float **segments; /* rows never move; those that are not there yet are NULL */
} row_sample;

void sample_init(row_sample *sample, uint32_t dimensions, uint32_t limit, uint64_t seed, memory_account *account);
void sample_reset(row_sample *sample);

/* Rows that are kept. */
static inline uint64_t sample_rows(const row_sample *sample)
{
    return sample->seen < sample->limit ? sample->seen : sample->limit;
}

static inline float *sample_row(const row_sample *sample, uint64_t row)
{
    return sample->segments[row / sample->rows_per_segment] + row % sample->rows_per_segment * sample->dimensions;
}

/* Copies the row, or passes it over. ERR_NO_MEMORY: nothing has changed. */
int sample_offer(row_sample *sample, const float *row);

#endif
