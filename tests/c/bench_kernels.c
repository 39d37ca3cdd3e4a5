/*
 * How long one distance takes: every type and family beside a plain loop, with rows in the first cache (hot) and with rows at
 * random places of a set that no near cache holds (cold), in calls of 32 rows as a search makes them.
 *
 *     node tests/tools/c-bench.mjs kernels [scale]
 *
 * Prints what this machine can do - how fast it reads, how many float additions and multiplications it makes - and a
 * Markdown table of nanoseconds a distance and gigabytes of rows a second; for checksums of what is summed.
 */
#include "../../csrc/simd/half.h"
#include "../../csrc/simd/simd.h"
#include "../../csrc/simd/sq8.h"
#include "golden.h"

#include <stdlib.h>
#include <time.h>

enum { ROWS_PER_CALL = 32, CALLS_PER_SPELL = 50, ROUNDS = 5, RECORD_EXTRA = 144, PAGE = 4096 };
static const char *const TYPES[DISKANN_DATA_TYPE_COUNT] = {"f32", "f16", "i8", "u8", "sq8"};
static const char *const FAMILIES[DISKANN_SIMD_COUNT] = {"auto", "portable", "avx2", "avx512", "neon", "wasm128"};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Rows at record-like distances (16-byte aligned), and the random order in which they are asked for. */
typedef struct rows {
    uint32_t type;
    uint32_t dims;
    uint32_t count;
    uint32_t calls;
    uint8_t *memory;
    const void **order;
    float *query;
} rows;

static void fill_row(const rows *set, uint8_t *row, random_state *random)
{
    if (set->type == DISKANN_SQ8) {
        *(sq8_head *)(void *)row = (sq8_head){.least = -1, .step = 1 / 127.5f};
        row += SIMD_SQ8_HEAD_BYTES;
    }
    for (uint32_t i = 0; i < set->dims; i++) {
        const uint64_t draw = random_next(random);
        if (set->type == DISKANN_F32) {
            ((float *)(void *)row)[i] = golden_uniform(draw);
        } else if (set->type == DISKANN_F16) {
            ((uint16_t *)(void *)row)[i] = half_of_float(golden_uniform(draw));
        } else {
            row[i] = (uint8_t)draw;
        }
    }
}

static int rows_init(rows *set, uint32_t type, uint32_t dims, uint32_t count, uint32_t calls)
{
    const size_t stride = ((size_t)simd_row_bytes(type, dims) + RECORD_EXTRA + 15) / 16 * 16;
    random_state random = {dims};
    *set = (rows){.type = type, .dims = dims, .count = count, .calls = calls};
    set->memory = aligned_alloc(PAGE, (stride * count + PAGE) / PAGE * PAGE);
    set->order = malloc((size_t)calls * ROWS_PER_CALL * sizeof *set->order);
    set->query = malloc(dims * sizeof(float));
    if (set->memory == NULL || set->order == NULL || set->query == NULL) {
        return -1;
    }
    for (uint32_t row = 0; row < count; row++) {
        fill_row(set, set->memory + stride * row, &random);
    }
    for (uint32_t i = 0; i < dims; i++) {
        set->query[i] = golden_uniform(random_next(&random));
    }
    for (uint32_t i = 0; i < calls * ROWS_PER_CALL; i++) {
        set->order[i] = set->memory + stride * random_below(&random, count);
    }
    return 0;
}

static void rows_reset(rows *set)
{
    free(set->memory);
    free(set->order);
    free(set->query);
}

/* What a compiler makes of the obvious loop, for a type of elements. */
#define PLAIN_L2(name, element, result)                                                        \
    static void name(const void *query, const void *const *rows, uint32_t count, uint32_t dims, float *out) \
    {                                                                                          \
        const element *a = query;                                                              \
        for (uint32_t i = 0; i < count; i++) {                                                 \
            const element *b = rows[i];                                                        \
            result sum = 0;                                                                    \
            for (uint32_t d = 0; d < dims; d++) {                                              \
                const result apart = (result)a[d] - (result)b[d];                              \
                sum += apart * apart;                                                          \
            }                                                                                  \
            out[i] = (float)sum;                                                               \
        }                                                                                      \
    }
PLAIN_L2(plain_f32, float, float)
PLAIN_L2(plain_i8, int8_t, int32_t)
PLAIN_L2(plain_u8, uint8_t, int32_t)
static simd_many *const PLAIN[DISKANN_DATA_TYPE_COUNT] = {
    [DISKANN_F32] = plain_f32, [DISKANN_I8] = plain_i8, [DISKANN_U8] = plain_u8};

static float sink;

static int compare_times(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/*
 * The first decile of many short spells, each on other rows: what else the machine does falls into the later ones,
 * and no spell finds its rows in a near cache.
 */
static double measure(simd_many *many, const rows *set)
{
    static double times[ROUNDS * 1000];
    float out[ROWS_PER_CALL];
    uint32_t spells = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t call = 0; call + CALLS_PER_SPELL <= set->calls; call += CALLS_PER_SPELL) {
            const double start = now();
            for (uint32_t i = call; i < call + CALLS_PER_SPELL; i++) {
                many(set->query, set->order + (size_t)i * ROWS_PER_CALL, ROWS_PER_CALL, set->dims, out);
                sink += out[i % ROWS_PER_CALL];
            }
            times[spells++] = (now() - start) / (CALLS_PER_SPELL * ROWS_PER_CALL);
        }
    }
    qsort(times, spells, sizeof *times, compare_times);
    return times[spells / 10];
}

static void report_line(const rows *set, const char *name, const char *family, const char *sum, double each)
{
    const double bytes = simd_row_bytes(set->type, set->dims);
    printf("| %-18s | %-3s | %-8s | %-3s | %8.1f | %8.1f |\n", name, TYPES[set->type], family, sum, each, bytes / each);
}

static void report_type(uint32_t type, uint32_t dims, uint32_t count, uint32_t calls, const char *name)
{
    rows set;
    if (rows_init(&set, type, dims, count, calls) != 0) {
        printf("no memory for %s\n", name);
        return;
    }
    if (PLAIN[type] != NULL) {
        report_line(&set, name, "plain", "l2", measure(PLAIN[type], &set));
    }
    for (uint32_t family = DISKANN_SIMD_PORTABLE; family < DISKANN_SIMD_COUNT; family++) {
        const simd_kernels *kernels = simd_kernels_get(family);
        for (uint32_t sum = 0; kernels != NULL && sum < SIMD_SUM_COUNT; sum++) {
            report_line(&set, name, FAMILIES[family], GOLDEN_SUMS[sum], measure(kernels->many[type][sum], &set));
        }
    }
    rows_reset(&set);
}

static void report_set(uint32_t dims, uint32_t count, uint32_t calls, const char *name)
{
    for (uint32_t type = 0; type < DISKANN_DATA_TYPE_COUNT; type++) {
        report_type(type, dims, count, calls, name);
    }
}

static void report_checksum(size_t bytes)
{
    uint8_t *data = malloc(bytes);
    if (data == NULL) {
        return;
    }
    memset(data, 0x5a, bytes);
    for (uint32_t family = 0; family < DISKANN_SIMD_COUNT; family++) {
        const simd_kernels *kernels = simd_kernels_get(family);
        double best = 1e30;
        uint32_t crc = 0;
        for (uint32_t round = 0; kernels != NULL && round < ROUNDS; round++) {
            const double start = now();
            for (uint32_t i = 0; i < 2000; i++) {
                crc ^= kernels->crc32c(crc, data, bytes);
            }
            const double each = (now() - start) / 2000;
            best = each < best ? each : best;
        }
        if (kernels != NULL) {
            printf("| crc32c of %-8zu |     | %-8s |     | %8.1f | %8.1f |\n", bytes, FAMILIES[family], best,
                   (double)bytes / best);
            sink += (float)crc;
        }
    }
    free(data);
}

/* ---- what the machine can do ---- */

#if defined(__x86_64__)
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST
#endif
enum { WIDE = 32, STRANDS = 8 };
typedef uint64_t wide_words __attribute__((vector_size(WIDE)));
typedef float wide_floats __attribute__((vector_size(WIDE)));

/* Reads all of it, in the widest pieces there are. */
WIDEST static uint64_t read_all(const wide_words *words, size_t count)
{
    wide_words sums[STRANDS] = {0};
    for (size_t i = 0; i + STRANDS <= count; i += STRANDS) {
        for (uint32_t strand = 0; strand < STRANDS; strand++) {
            sums[strand] ^= words[i + strand];
        }
    }
    uint64_t sum = 0;
    for (uint32_t strand = 0; strand < STRANDS; strand++) {
        sum ^= sums[strand][0] ^ sums[strand][WIDE / 8 - 1];
    }
    return sum;
}

/* Multiplications and additions that do not wait for each other, as many of the one as of the other. */
WIDEST static float compute(uint32_t rounds)
{
    wide_floats values[STRANDS];
    for (uint32_t strand = 0; strand < STRANDS; strand++) {
        values[strand] = (wide_floats){(float)strand} + 1.0f;
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t strand = 0; strand < STRANDS; strand++) {
            values[strand] = values[strand] * 0.999f + 0.001f;
        }
    }
    float sum = 0;
    for (uint32_t strand = 0; strand < STRANDS; strand++) {
        sum += values[strand][strand];
    }
    return sum;
}

static double read_speed(size_t bytes, uint32_t times)
{
    wide_words *words = aligned_alloc(PAGE, bytes);
    double best = 0;
    if (words != NULL) {
        memset(words, 0x5a, bytes);
        for (uint32_t round = 0; round < ROUNDS; round++) {
            const double start = now();
            for (uint32_t i = 0; i < times; i++) {
                sink += (float)(read_all(words, bytes / WIDE) & 1);
            }
            const double speed = (double)bytes * times / (now() - start);
            best = speed > best ? speed : best;
        }
    }
    free(words);
    return best;
}

static void report_machine(void)
{
    enum { TURNS = 1000000 };
    double best = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const double start = now();
        sink += compute(TURNS);
        const double speed = 2.0 * STRANDS * (WIDE / 4) * TURNS / (now() - start);
        best = speed > best ? speed : best;
    }
    printf("One thread reads %.0f GB/s of 16 KiB, %.0f of 256 KiB, %.1f of 256 MiB, one piece after the other, ",
           read_speed(16 << 10, 20000), read_speed(256 << 10, 2000), read_speed(256 << 20, 1));
    printf("and makes %.0f thousand million float additions and multiplications a second, which are not fused.\n\n", best);
}

int main(int argc, char **argv)
{
    const uint32_t scale = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
    report_machine();
    printf("| rows               | type | family   | sum |       ns |     GB/s |\n|---|---|---|---|---:|---:|\n");
    report_set(128, 32, 20000, "hot 32 x 128");
    report_set(384, 16, 8000, "hot 16 x 384");
    report_set(100, 32, 20000, "hot 32 x 100");
    report_set(128, 100000 * scale, 6000, "cold 100K x 128");
    report_set(384, 25000 * scale, 3000, "cold 25K x 384");
    report_checksum(4092);
    report_checksum(65532);
    return sink == 0.5f;
}
