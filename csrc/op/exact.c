/* Exact search: a scan of all vectors; every worker keeps its k nearest, the last step merges them. */
#include "index.h"
#include "op.h"

#include <string.h>

enum { SCAN_BLOCK = 64 };

typedef struct hit {
    uint64_t id;
    float distance;
} hit;

typedef struct exact_worker {
    hit *heap; /* the farthest first */
    uint32_t count;
} exact_worker;

typedef struct exact_op {
    diskann_op base;
    const diskann_index *index;
    void *query; /* room for floats, whatever the query form is */
    graph_point point;
    exact_worker *workers;
    uint32_t k;
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

static void offer(exact_worker *worker, uint32_t k, hit candidate)
{
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
    const graph_space *space = &op->index->space;
    uint32_t slots[SCAN_BLOCK];
    const void *rows[SCAN_BLOCK];
    float distances[SCAN_BLOCK];
    for (uint64_t first = begin; first < end && !op_is_cancelled(base); first += SCAN_BLOCK) {
        const uint32_t count = end - first < SCAN_BLOCK ? (uint32_t)(end - first) : SCAN_BLOCK;
        for (uint32_t i = 0; i < count; i++) {
            slots[i] = (uint32_t)first + i;
        }
        graph_distances(space, op->point, slots, count, rows, distances);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t *record = record_at(space->records, slots[i]);
            offer(&op->workers[worker], op->k, (hit){*record_id(&space->records->layout, record), distances[i]});
        }
    }
}

static void merge(exact_op *op)
{
    exact_worker *all = &op->workers[0];
    for (uint32_t w = 1; w < op->base.workers; w++) {
        for (uint32_t i = 0; i < op->workers[w].count; i++) {
            offer(all, op->k, op->workers[w].heap[i]);
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
    merge(op);
    return DISKANN_OK;
}

static uint64_t heap_bytes(const exact_op *op)
{
    return (uint64_t)op->k * sizeof(hit);
}

static void reset(diskann_op *base)
{
    exact_op *op = (exact_op *)base;
    for (uint32_t i = 0; op->workers != NULL && i < base->workers; i++) {
        memory_put(&base->account, op->workers[i].heap, heap_bytes(op));
    }
    memory_put(&base->account, op->workers, base->workers * sizeof *op->workers);
    memory_put(&base->account, op->query, op->index->config.dimensions * sizeof(float));
}

static const op_calls exact_calls = {step, run, NULL, reset};

static int prepare(exact_op *op, const float *query)
{
    memory_account *account = &op->base.account;
    const uint32_t dimensions = op->index->config.dimensions;
    op->query = memory_get(account, dimensions * sizeof(float));
    op->workers = memory_get_zeroed(account, op->base.workers * sizeof *op->workers);
    if (op->query == NULL || op->workers == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < op->base.workers; i++) {
        op->workers[i].heap = memory_get(account, heap_bytes(op));
        if (op->workers[i].heap == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    TRY(graph_query(&op->index->space, query, op->query, &op->point));
    if (op->point.vector == query) { /* used as it is: a copy of our own */
        memcpy(op->query, query, dimensions * sizeof(float));
        op->point.vector = op->query;
    }
    return DISKANN_OK;
}

int diskann_exact_begin(const diskann_index *index, const float *query, uint32_t k, uint32_t workers, diskann_op **out)
{
    if (index == NULL || query == NULL || out == NULL || k < 1 || k > DISKANN_K_MAX) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    TRY(op_create(&exact_calls, sizeof(exact_op), workers, &index->account.allocator, out));
    exact_op *op = (exact_op *)*out;
    op->index = index;
    op->k = k < index->size ? k : index->size;
    op->k += op->k == 0; /* an empty index: a heap of one that stays empty */
    const int status = prepare(op, query);
    if (status < 0) {
        diskann_op_end(*out);
        *out = NULL;
    }
    return status;
}

void diskann_exact_take(diskann_op *base, uint64_t *ids, float *distances, uint32_t *count)
{
    const exact_op *op = (const exact_op *)base;
    const exact_worker *all = &op->workers[0];
    const uint32_t found = base->status == DISKANN_OK ? all->count : 0;
    for (uint32_t i = 0; i < found; i++) {
        ids[i] = all->heap[i].id;
        distances[i] = all->heap[i].distance;
    }
    *count = found;
}
