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

void candidates_sort(graph_candidate *candidates, uint32_t count)
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
