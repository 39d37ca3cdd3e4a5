/*
 * Bytes from outside: any input is opened as a file; what opens is audited, searched, grown and saved. Nothing may
 * crash, hang, leak or cost more memory than the size of the input allows; and what was grown must open again.
 *
 *     node tests/fuzz/run.mjs 120        (seconds)
 */
#include "fuzz_file.h"

/* -- what is done with an index -- */

static void search(const diskann_index *index, const float *query, uint32_t page_search)
{
    enum { K = 5 };
    const diskann_search_params params = {.k = K, .list_size = 20, .beam_width = 2, .page_search = page_search};
    diskann_searcher *searcher;
    uint64_t ids[K];
    float distances[K];
    uint32_t count = 0;
    MUST(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    MUST(diskann_search(searcher, query, &params, ids, distances, &count, NULL) == DISKANN_OK);
    for (uint32_t i = 0; i < count; i++) {
        MUST(diskann_index_has(index, ids[i]));
        MUST(i == 0 || distances[i - 1] <= distances[i]);
    }
    diskann_searcher_destroy(searcher);
}

static void insert(diskann_index *index, const float *rows, uint64_t count)
{
    const uint64_t before = diskann_index_size(index);
    diskann_op *op;
    diskann_stats stats;
    diskann_index_stats(index, &stats);
    const int begun = diskann_insert_begin(index, 1, &op);
    if (begun == DISKANN_ERR_UNSUPPORTED) {
        MUST(before == 0 && stats.config.codes == DISKANN_CODES_PQ);
        return;
    }
    MUST(begun == DISKANN_OK);
    const int status = diskann_op_rows(op, rows, DISKANN_F32, NULL, count);
    if (status == DISKANN_OK) {
        MUST(diskann_op_finish(op) == DISKANN_OK);
        MUST(diskann_index_size(index) == before + count);
    } else {
        MUST(status == DISKANN_ERR_FULL); /* ids up to 2^53 - 1 are used up */
    }
    diskann_op_end(op);
}

/* Rows and queries from the input's own vectors would all be near; these are anywhere. */
static void use(diskann_index *index, meter *m)
{
    enum { ROWS = 12 };
    diskann_stats stats;
    random_state random = {1};
    const uint64_t found = audit(index);
    diskann_index_stats(index, &stats);
    const uint64_t values = (uint64_t)stats.config.dimensions * ROWS;
    float *rows = malloc(values * sizeof *rows);
    for (uint64_t i = 0; i < values; i++) {
        const uint64_t draw = random_next(&random);
        rows[i] = stats.config.data_type >= DISKANN_I8 ? (float)(draw >> 57) : (float)(draw >> 40) / 8388608.0f - 1.0f;
    }
    search(index, rows, 0);
    search(index, rows + stats.config.dimensions, 1);
    insert(index, rows, ROWS);
    search(index, rows, 1);
    MUST(found > 0 || audit(index) == 0);
    diskann_index_stats(index, &stats);
    host h = {.file = malloc(stats.file_bytes), .file_bytes = stats.file_bytes, .workers = 1};
    diskann_index *again;
    MUST(host_save(&h, index) == DISKANN_OK);
    MUST(host_open(&h, m, &again, NULL) == DISKANN_OK);
    MUST(found > 0 || audit(again) == 0);
    diskann_index_destroy(again);
    free(h.file);
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > FILE_BYTES_MAX) {
        return 0;
    }
    meter m = {0};
    host h = {.workers = 1};
    diskann_index *index;
    diskann_failure failure;
    h.file = make_file(data, size, &h.file_bytes);
    const int status = host_open(&h, &m, &index, &failure);
    MUST(m.peak <= MEMORY_SLACK + 4 * h.file_bytes);
    if (status == DISKANN_OK) {
        use(index, &m);
    } else {
        MUST(status == DISKANN_ERR_CORRUPT || status == DISKANN_ERR_VERSION || status == DISKANN_ERR_UNSUPPORTED);
        MUST(failure.status == status && (status != DISKANN_ERR_CORRUPT || failure.detail != DISKANN_FINDING_NONE));
    }
    diskann_index_destroy(index);
    MUST(m.live == 0);
    free(h.file);
    return 0;
}
