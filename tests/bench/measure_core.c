/*
 * Measures the C core alone, on one thread: where the time of a build goes (what stages allow several threads and what
 * they do not), distance computations and time of searches, allocations of searches.
 *
 *     measure_core <base> <queries> <truth> <metric> <R> <L> <alpha> <codes> <list,list,...>
 *     base, queries: f32, u32 rows, u32 dimensions first; truth: u32 queries, u32 k, ids, distances. Prints JSON.
 */
#define _POSIX_C_SOURCE 200809L

#include "../../csrc/include/diskann.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { K = 10 };

typedef struct table {
    uint32_t rows;
    uint32_t columns;
    uint32_t *cells;
    size_t cell_count;
} table;

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "measure_core: %s: %s\n", what, detail);
    exit(1);
}

static void check(int status, const char *what)
{
    if (status != DISKANN_OK) {
        fail(what, diskann_status_text(status));
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Two u32, then `planes` x rows x columns cells of four bytes. */
static table read_table(const char *path, uint32_t planes)
{
    uint32_t head[2];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(head, sizeof head, 1, file) != 1) {
        fail(path, "cannot be read");
    }
    table out = {head[0], head[1], NULL, (size_t)head[0] * head[1] * planes};
    out.cells = malloc(out.cell_count * 4 + 4);
    if (out.cells == NULL || fread(out.cells, 4, out.cell_count, file) != out.cell_count) {
        fail(path, "is cut off");
    }
    fclose(file);
    return out;
}

/* ---- an allocator that counts ---- */

static uint64_t allocations;

static void *count_allocate(void *context, size_t bytes)
{
    (void)context;
    allocations++;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void count_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static const diskann_allocator counting = {count_allocate, count_release, NULL};

/* ---- build ---- */

typedef struct phase_time {
    double parallel; /* seconds in stages that several threads may share */
    double serial;   /* in stages they may not, and in steps */
} phase_time;

static void drive_build(diskann_index *index, table base)
{
    phase_time phases[DISKANN_PHASE_COUNT] = {{0, 0}};
    phase_time all = {0, 0};
    diskann_op *op;
    diskann_stage stage;
    int status;
    check(diskann_build_begin(index, 1, &op), "build");
    double last = now();
    check(diskann_op_rows(op, base.cells, DISKANN_F32, NULL, base.rows), "rows");
    phases[DISKANN_PHASE_NONE].serial = now() - last;
    last = now();
    memset(&stage, 0, sizeof stage);
    while ((status = diskann_op_step(op, &stage)) == DISKANN_RUN) {
        double time = now();
        phases[stage.phase].serial += time - last;
        diskann_op_run(op, 0, 0, stage.items);
        last = now();
        if (stage.parallel) {
            phases[stage.phase].parallel += last - time;
        } else {
            phases[stage.phase].serial += last - time;
        }
    }
    check(status, "build");
    phases[stage.phase].serial += now() - last;
    printf("{\"buildDistances\":%llu,\"phases\":{", (unsigned long long)diskann_op_distances(op));
    diskann_op_end(op);
    for (uint32_t phase = 0; phase < DISKANN_PHASE_COUNT; phase++) {
        all.parallel += phases[phase].parallel;
        all.serial += phases[phase].serial;
        if (phases[phase].parallel + phases[phase].serial > 0) {
            printf("\"%s\":[%.6f,%.6f],", phase == 0 ? "copy" : diskann_phase_text(phase), phases[phase].parallel,
                   phases[phase].serial);
        }
    }
    printf("\"all\":[%.6f,%.6f]},", all.parallel, all.serial);
}

/* ---- search ---- */

/* Hits of one query that are in its truth or tie with the last of it. */
static uint32_t count_right(table truth, uint32_t query, const uint64_t *ids, uint32_t count)
{
    const uint32_t *right = truth.cells + (size_t)query * truth.columns;
    const float *distances = (const float *)(truth.cells + (size_t)truth.rows * truth.columns) +
                             (size_t)query * truth.columns;
    uint32_t end = K;
    uint32_t found = 0;
    while (end < truth.columns && distances[end] == distances[K - 1]) {
        end++;
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < end; j++) {
            found += right[j] == ids[i];
        }
    }
    return found;
}

typedef struct search_sums {
    uint64_t right;
    diskann_search_counters counters;
    double seconds;
    uint64_t allocations;
} search_sums;

static search_sums search_all(diskann_searcher *searcher, table queries, table truth, uint32_t list_size)
{
    const diskann_search_params params = {K, list_size, 1, 0, 0};
    search_sums sums = {0};
    uint64_t ids[K];
    float distances[K];
    uint32_t count;
    diskann_search_counters counters;
    for (int pass = 0; pass < 2; pass++) { /* the first one warms up */
        memset(&sums, 0, sizeof sums);
        const uint64_t allocations_before = allocations;
        const double start = now();
        for (uint32_t query = 0; query < queries.rows; query++) {
            const float *vector = (const float *)queries.cells + (size_t)query * queries.columns;
            memset(&counters, 0, sizeof counters);
            check(diskann_search(searcher, vector, &params, ids, distances, &count, &counters), "search");
            sums.counters.distances += counters.distances;
            sums.counters.hops += counters.hops;
            sums.right += count_right(truth, query, ids, count);
        }
        sums.seconds = now() - start;
        sums.allocations = allocations - allocations_before;
    }
    return sums;
}

static void search_lists(const diskann_index *index, table queries, table truth, const char *lists)
{
    diskann_searcher *searcher;
    check(diskann_searcher_create(index, &searcher), "searcher");
    printf("\"points\":[");
    for (const char *at = lists; *at != '\0';) {
        char *end;
        const uint32_t list_size = (uint32_t)strtoul(at, &end, 10);
        const search_sums sums = search_all(searcher, queries, truth, list_size);
        const double rows = queries.rows;
        printf("%s{\"list\":%u,\"recall\":%.6f,\"distances\":%.2f,\"hops\":%.2f,\"microseconds\":%.3f,"
               "\"allocations\":%llu}",
               at == lists ? "" : ",", list_size, (double)sums.right / (rows * K), (double)sums.counters.distances / rows,
               (double)sums.counters.hops / rows, sums.seconds * 1e6 / rows, (unsigned long long)sums.allocations);
        at = *end == ',' ? end + 1 : end;
        if (end == at && *end != '\0') {
            fail("lists", lists);
        }
    }
    printf("]}\n");
    diskann_searcher_destroy(searcher);
}

static uint32_t metric_of(const char *name)
{
    static const char *const names[] = {"l2", "cosine", "ip", "l1"};
    for (uint32_t metric = 0; metric < DISKANN_METRIC_COUNT; metric++) {
        if (strcmp(names[metric], name) == 0) {
            return metric;
        }
    }
    fail("metric", name);
}

static uint32_t codes_of(const char *name)
{
    static const char *const names[] = {"none", "8bit", "auto", "1bit", "pq"};
    for (uint32_t codes = 0; codes < DISKANN_CODES_COUNT; codes++) {
        if (strcmp(names[codes], name) == 0) {
            return codes;
        }
    }
    fail("codes", name);
}

int main(int argc, char **argv)
{
    if (argc != 10) {
        fail("usage", "measure_core <base> <queries> <truth> <metric> <R> <L> <alpha> <codes> <lists>");
    }
    const table base = read_table(argv[1], 1);
    const table queries = read_table(argv[2], 1);
    const table truth = read_table(argv[3], 2);
    if (base.columns != queries.columns || queries.rows != truth.rows || truth.columns < K) {
        fail("files", "do not belong together");
    }
    diskann_config config;
    diskann_config_init(&config, base.columns);
    config.metric = metric_of(argv[4]);
    config.max_degree = (uint32_t)strtoul(argv[5], NULL, 10);
    config.build_list_size = (uint32_t)strtoul(argv[6], NULL, 10);
    config.alpha = strtof(argv[7], NULL);
    config.codes = codes_of(argv[8]);
    diskann_index *index;
    check(diskann_index_create(&config, &counting, &index), "create");
    drive_build(index, base);
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    printf("\"simd\":\"%s\",\"averageDegree\":%.3f,"
           "\"memoryTotal\":%llu,\"memoryVectors\":%llu,\"memoryGraph\":%llu,\"memoryCodes\":%llu,",
           diskann_simd_text(stats.config.simd), (double)stats.edges / (double)(stats.size > 0 ? stats.size : 1),
           (unsigned long long)stats.memory_total, (unsigned long long)stats.memory_vectors,
           (unsigned long long)stats.memory_graph, (unsigned long long)stats.memory_codes);
    search_lists(index, queries, truth, argv[9]);
    diskann_index_destroy(index);
    free(base.cells);
    free(queries.cells);
    free(truth.cells);
    return 0;
}
