#include "graph.h"

static void sift_down(graph_candidate *heap, uint32_t root, uint32_t count)
{
    const graph_candidate moving = heap[root];
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count) {
            break;
        }
        child += child + 1 < count && heap[child + 1] > heap[child];
        if (heap[child] <= moving) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = moving;
}

static void heap_sort(graph_candidate *candidates, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;) {
        sift_down(candidates, i, count);
    }
    for (uint32_t last = count; last-- > 1;) {
        const graph_candidate largest = candidates[0];
        candidates[0] = candidates[last];
        candidates[last] = largest;
        sift_down(candidates, 0, last);
    }
}

/* What comes is in order but for a few, most of the time: insertion, until that turns out to be wrong. */
void candidates_sort(graph_candidate *candidates, uint32_t count)
{
    enum { MOVES_EACH = 16 };
    uint64_t moves = (uint64_t)MOVES_EACH * count;
    for (uint32_t i = 1; i < count; i++) {
        const graph_candidate moving = candidates[i];
        uint32_t place = i;
        for (; place > 0 && candidates[place - 1] > moving; place--) {
            candidates[place] = candidates[place - 1];
        }
        candidates[place] = moving;
        if (i - place > moves) {
            heap_sort(candidates, count);
            return;
        }
        moves -= i - place;
    }
}

void candidates_keep(graph_candidate *heap, uint32_t *count, uint32_t most, graph_candidate candidate)
{
    if (*count == most) {
        if (candidate < heap[0]) {
            heap[0] = candidate;
            sift_down(heap, 0, most);
        }
        return;
    }
    uint32_t place = (*count)++;
    for (; place > 0 && candidate > heap[(place - 1) / 2]; place = (place - 1) / 2) {
        heap[place] = heap[(place - 1) / 2];
    }
    heap[place] = candidate;
}
