#include "sample.h"

#include <string.h>

enum { SEGMENT_BYTES = 1 << 20 };

static uint64_t segment_count(const row_sample *sample)
{
    return (sample->limit + (uint64_t)sample->rows_per_segment - 1) / sample->rows_per_segment;
}

static uint64_t row_bytes(const row_sample *sample)
{
    return (uint64_t)sample->dimensions * sizeof(float);
}

void sample_init(row_sample *sample, uint32_t dimensions, uint32_t limit, uint64_t seed, memory_account *account)
{
    memset(sample, 0, sizeof *sample);
    sample->account = account;
    sample->random.state = seed;
    sample->dimensions = dimensions;
    sample->limit = limit;
    const uint64_t rows = SEGMENT_BYTES / row_bytes(sample);
    sample->rows_per_segment = rows < 1 ? 1 : rows < limit ? (uint32_t)rows : limit;
}

void sample_reset(row_sample *sample)
{
    for (uint64_t i = 0; sample->segments != NULL && i < segment_count(sample); i++) {
        memory_put(sample->account, sample->segments[i], row_bytes(sample) * sample->rows_per_segment);
    }
    memory_put(sample->account, sample->segments, segment_count(sample) * sizeof *sample->segments);
    sample->segments = NULL;
}

/* Makes room for the row after those that are kept. */
static int reserve(row_sample *sample)
{
    if (sample->segments == NULL) {
        sample->segments = memory_get_zeroed(sample->account, segment_count(sample) * sizeof *sample->segments);
        if (sample->segments == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    float **segment = &sample->segments[sample->seen / sample->rows_per_segment];
    if (*segment == NULL) {
        *segment = memory_get(sample->account, row_bytes(sample) * sample->rows_per_segment);
    }
    return *segment != NULL ? DISKANN_OK : DISKANN_ERR_NO_MEMORY;
}

int sample_offer(row_sample *sample, const float *row)
{
    uint64_t place = sample->seen;
    if (place < sample->limit) {
        const int status = reserve(sample);
        if (status < 0) {
            return status;
        }
    } else {
        place = random_below(&sample->random, sample->seen + 1);
    }
    sample->seen++;
    if (place < sample->limit) {
        memcpy(sample_row(sample, place), row, row_bytes(sample));
    }
    return DISKANN_OK;
}
