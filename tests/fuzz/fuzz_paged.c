/*
 * Bytes from outside, left where they are: any input is opened as a paged index; what opens is searched, read from end to
 * end, audited and copied. Nothing may crash, hang, leak or take memory beyond reason; an answer is the one of the same file
 * in memory; and a file that opens in memory has no fault for those who read it here.
 */
#include "fuzz_file.h"

enum { K = 5, CACHE_BYTES = 20000 };

typedef struct hits {
    uint64_t ids[K];
    float distances[K];
    uint32_t count;
} hits;

static int is_typed(int status)
{
    return status == DISKANN_OK || status == DISKANN_ERR_CORRUPT;
}

static int search_here(host *h, diskann_paged *paged, const float *query, diskann_search_params params, hits *out)
{
    diskann_op *op;
    diskann_stage stage;
    int status;
    memset(out, 0, sizeof *out);
    MUST(diskann_paged_search_begin(paged, query, &params, &op) == DISKANN_OK);
    while ((status = diskann_op_step(op, &stage)) > 0) {
        MUST(status != DISKANN_WAIT);
        if (status == DISKANN_RUN) {
            diskann_op_run(op, 0, 0, stage.items);
        }
        for (uint32_t i = 0; status == DISKANN_IO && i < stage.request_count; i++) {
            const diskann_request request = stage.requests[i];
            diskann_paged_complete(paged, request.ticket, host_serve(h, &request));
        }
    }
    if (status == DISKANN_OK) {
        status = diskann_paged_search_take(op, out->ids, out->distances, &out->count, NULL);
    }
    diskann_op_end(op);
    return status;
}

static void search_there(const diskann_index *index, const float *query, diskann_search_params params, hits *out)
{
    diskann_searcher *searcher;
    memset(out, 0, sizeof *out);
    MUST(diskann_searcher_create(index, &searcher) == DISKANN_OK);
    MUST(diskann_search(searcher, query, &params, out->ids, out->distances, &out->count, NULL) == DISKANN_OK);
    diskann_searcher_destroy(searcher);
}

static int exact_here(host *h, diskann_paged *paged, const float *query, hits *out)
{
    diskann_op *op;
    memset(out, 0, sizeof *out);
    MUST(diskann_paged_exact_begin(paged, query, K, 1, &op) == DISKANN_OK);
    const int status = host_drive(h, op);
    diskann_exact_take(op, out->ids, out->distances, &out->count);
    diskann_op_end(op);
    return status;
}

/* What is found is in the file, to the last bit of its vector. */
static void find_here(host *h, diskann_paged *paged, const diskann_index *index, uint64_t id, float *vector, float *other)
{
    diskann_op *op;
    diskann_stats stats;
    diskann_paged_stats(paged, &stats);
    MUST(diskann_paged_find_begin(paged, id, &op) == DISKANN_OK);
    int status = host_drive(h, op);
    MUST(is_typed(status));
    status = status == DISKANN_OK ? diskann_paged_find_take(op, vector) : status;
    if (index != NULL) {
        MUST(status == diskann_index_get(index, id, other));
        MUST(status != DISKANN_OK || memcmp(vector, other, stats.config.dimensions * sizeof *vector) == 0);
    }
    diskann_op_end(op);
}

static uint64_t audit_here(host *h, diskann_paged *paged)
{
    diskann_op *op;
    uint32_t count;
    uint64_t total;
    MUST(diskann_paged_verify_begin(paged, 1, &op) == DISKANN_OK);
    MUST(host_drive(h, op) == DISKANN_OK);
    diskann_verify_findings(op, &count, &total);
    diskann_op_end(op);
    return total;
}

/* Onto itself: what is written is what is there. */
static void copy_here(host *h, diskann_paged *paged, int is_sound)
{
    diskann_op *op;
    uint8_t *before = malloc(h->file_bytes);
    memcpy(before, h->file, h->file_bytes);
    MUST(diskann_paged_copy_begin(paged, 1, &op) == DISKANN_OK);
    const int status = host_drive(h, op);
    MUST(is_typed(status) && (status == DISKANN_OK || !is_sound));
    MUST(memcmp(before, h->file, h->file_bytes) == 0);
    diskann_op_end(op);
    free(before);
}

/* `index`: the same in memory; NULL: it does not open there. */
static void use(host *h, diskann_paged *paged, const diskann_index *index)
{
    diskann_stats stats;
    random_state random = {1};
    diskann_paged_stats(paged, &stats);
    float *query = malloc(3 * (uint64_t)stats.config.dimensions * sizeof *query);
    for (uint32_t i = 0; i < stats.config.dimensions; i++) {
        const uint64_t draw = random_next(&random);
        query[i] = stats.config.data_type >= DISKANN_I8 ? (float)(draw >> 57) : (float)(draw >> 40) / 8388608.0f - 1.0f;
    }
    hits here, there;
    for (uint32_t page_search = 0; page_search < 2; page_search++) {
        const diskann_search_params params = {K, 20, 2, page_search, 0};
        const int status = search_here(h, paged, query, params, &here);
        MUST(is_typed(status));
        if (index != NULL) {
            search_there(index, query, params, &there);
            MUST(status == DISKANN_OK && memcmp(&here, &there, sizeof here) == 0);
        }
    }
    const int exact = exact_here(h, paged, query, &there);
    MUST(is_typed(exact) && (exact == DISKANN_OK || index == NULL));
    const uint64_t ids[] = {0, here.count > 0 ? here.ids[0] : 1, 1000, stats.next_id > 0 ? stats.next_id - 1 : 0};
    for (uint32_t i = 0; i < 4; i++) {
        find_here(h, paged, index, ids[i], query + stats.config.dimensions, query + 2 * (uint64_t)stats.config.dimensions);
    }
    const uint64_t found = audit_here(h, paged);
    MUST(index == NULL ? found > 0 : found == 0 || audit(index) > 0);
    copy_here(h, paged, index != NULL);
    free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > FILE_BYTES_MAX) {
        return 0;
    }
    meter m = {0}, other = {0};
    host h = {.workers = 1};
    diskann_index *index;
    diskann_op *op;
    const diskann_allocator allocator = meter_allocator(&m);
    h.file = make_file(data, size, &h.file_bytes);
    const int there = host_open(&h, &other, &index, NULL);
    MUST(diskann_paged_open_begin(h.file_bytes, 0, CACHE_BYTES, &allocator, &op) == DISKANN_OK);
    const int here = host_drive(&h, op);
    diskann_paged *paged = diskann_paged_take(op);
    diskann_op_end(op);
    MUST(there != DISKANN_OK || here == DISKANN_OK || here == DISKANN_ERR_UNSUPPORTED);
    if (here == DISKANN_OK) {
        use(&h, paged, index);
    } else {
        MUST(here == DISKANN_ERR_CORRUPT || here == DISKANN_ERR_VERSION || here == DISKANN_ERR_UNSUPPORTED);
    }
    MUST(m.peak <= MEMORY_SLACK + 4 * h.file_bytes);
    diskann_paged_destroy(paged);
    diskann_index_destroy(index);
    MUST(m.live == 0 && other.live == 0);
    free(h.file);
    return 0;
}
