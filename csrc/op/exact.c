/* Exact search: a scan of all vectors; every worker keeps its k nearest, the last step merges them. */
#include "exact.h"
#include "index.h"

#include <string.h>

enum { SCAN_BLOCK = 64 };

typedef struct exact_op {
    exact_scan scan;
    const diskann_index *index;
    uint32_t is_scanned;
} exact_op;

static int is_farther(const hit *a, const hit *b)
{
    return a->distance > b->distance || (a->distance == b->distance && a->id > b->id);
}

static void sift_down(hit *heap, uint32_t root, uint32_t count)
{
    const hit moving = heap[root];
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count) {
            break;
        }
        child += child + 1 < count && is_farther(&heap[child + 1], &heap[child]);
        if (!is_farther(&heap[child], &moving)) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = moving;
}

void exact_offer(exact_scan *scan, uint32_t number, hit candidate)
{
    exact_worker *worker = &scan->workers[number];
    const uint32_t k = scan->k;
    hit *heap = worker->heap;
    if (worker->count == k) {
        if (is_farther(&heap[0], &candidate)) {
            heap[0] = candidate;
            sift_down(heap, 0, k);
        }
        return;
    }
    uint32_t place = worker->count++;
    while (place > 0 && is_farther(&candidate, &heap[(place - 1) / 2])) {
        heap[place] = heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap[place] = candidate;
}

static void run(diskann_op *base, uint32_t worker, uint64_t begin, uint64_t end)
{
    exact_op *op = (exact_op *)base;
    const graph_space *space = op->scan.space;
    uint32_t slots[SCAN_BLOCK];
    const void *rows[SCAN_BLOCK];
    float distances[SCAN_BLOCK];
    for (uint64_t first = begin; first < end && !op_is_cancelled(base); first += SCAN_BLOCK) {
        const uint32_t count = end - first < SCAN_BLOCK ? (uint32_t)(end - first) : SCAN_BLOCK;
        for (uint32_t i = 0; i < count; i++) {
            slots[i] = (uint32_t)first + i;
        }
        graph_distances(space, op->scan.point, slots, count, rows, distances);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t *record = record_at(space->records, slots[i]);
            exact_offer(&op->scan, worker, (hit){*record_id(&space->records->layout, record), distances[i]});
        }
    }
}

void exact_finish(exact_scan *scan)
{
    exact_worker *all = &scan->workers[0];
    for (uint32_t w = 1; w < scan->base.workers; w++) {
        for (uint32_t i = 0; i < scan->workers[w].count; i++) {
            exact_offer(scan, 0, scan->workers[w].heap[i]);
        }
    }
    for (uint32_t last = all->count; last-- > 1;) { /* heap sort: nearest first */
        const hit farthest = all->heap[0];
        all->heap[0] = all->heap[last];
        all->heap[last] = farthest;
        sift_down(all->heap, 0, last);
    }
}

static int step(diskann_op *base, diskann_stage *stage)
{
    exact_op *op = (exact_op *)base;
    if (op_is_cancelled(base)) {
        return DISKANN_ERR_CANCELLED;
    }
    if (!op->is_scanned) {
        op->is_scanned = 1;
        stage->phase = DISKANN_PHASE_SCAN;
        stage->parallel = 1;
        stage->items = op->index->size;
        stage->total = op->index->size;
        return DISKANN_RUN;
    }
    exact_finish(&op->scan);
    return DISKANN_OK;
}

static uint64_t heap_bytes(const exact_scan *scan)
{
    return (uint64_t)scan->k * sizeof(hit);
}

void exact_reset(exact_scan *scan)
{
    memory_account *account = &scan->base.account;
    for (uint32_t i = 0; scan->workers != NULL && i < scan->base.workers; i++) {
        memory_put(account, scan->workers[i].heap, heap_bytes(scan));
    }
    memory_put(account, scan->workers, scan->base.workers * sizeof *scan->workers);
    memory_put(account, scan->query, scan->space->dimensions * sizeof(float));
}

static int prepare(exact_scan *scan, const float *query)
{
    memory_account *account = &scan->base.account;
    const uint32_t dimensions = scan->space->dimensions;
    scan->query = memory_get(account, dimensions * sizeof(float));
    scan->workers = memory_get_zeroed(account, scan->base.workers * sizeof *scan->workers);
    if (scan->query == NULL || scan->workers == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < scan->base.workers; i++) {
        scan->workers[i].heap = memory_get(account, heap_bytes(scan));
        if (scan->workers[i].heap == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    TRY(graph_query(scan->space, query, scan->query, &scan->point));
    if (scan->point.vector == query) { /* used as it is: a copy of our own */
        memcpy(scan->query, query, dimensions * sizeof(float));
        scan->point.vector = scan->query;
    }
    return DISKANN_OK;
}

int exact_create(const op_calls *calls, size_t bytes, const graph_space *space, uint32_t size, const float *query, uint32_t k,
                 uint32_t workers, const diskann_allocator *allocator, diskann_op **out)
{
    if (query == NULL || k < 1 || k > DISKANN_K_MAX) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(calls, bytes, workers, allocator, out));
    exact_scan *scan = (exact_scan *)*out;
    scan->space = space;
    scan->k = k < size ? k : size;
    scan->k += scan->k == 0; /* an empty index: a heap of one that stays empty */
    const int status = prepare(scan, query);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

static void reset(diskann_op *base)
{
    exact_reset((exact_scan *)base);
}

static const op_calls exact_calls = {step, run, NULL, reset};

int diskann_exact_begin(const diskann_index *index, const float *query, uint32_t k, uint32_t workers, diskann_op **out)
{
    if (index == NULL || out == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(exact_create(&exact_calls, sizeof(exact_op), &index->space, index->size, query, k, workers, &index->account.allocator,
                     out));
    ((exact_op *)*out)->index = index;
    return DISKANN_OK;
}

void diskann_exact_take(diskann_op *base, uint64_t *ids, float *distances, uint32_t *count)
{
    const exact_worker *all = &((const exact_scan *)base)->workers[0];
    const uint32_t found = base->status == DISKANN_OK ? all->count : 0;
    for (uint32_t i = 0; i < found; i++) {
        ids[i] = all->heap[i].id;
        distances[i] = all->heap[i].distance;
    }
    *count = found;
}
