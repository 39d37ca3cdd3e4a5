/* A small index is compared whole: rows come one after the other, and no list is kept in order. */
#include "graph.h"

void graph_scan_run(graph_search *search, const graph_space *space, graph_point query, const graph_search_options *options)
{
    const int is_coded = options->is_coded && space->codes != NULL;
    search->list_count = 0;
    search->hops = 0;
    search->rounds = 0;
    search->distance_count = options->size;
    if (is_coded) {
        graph_search_set_coded(search, space, query);
    }
    for (uint64_t first = 0; first < options->size; first += search->round_capacity) {
        const uint64_t rest = options->size - first;
        const uint32_t count = rest < search->round_capacity ? (uint32_t)rest : search->round_capacity;
        for (uint32_t i = 0; i < count; i++) {
            search->slots[i] = (uint32_t)first + i;
        }
        if (is_coded) {
            code_estimates(space->codes, &search->coded, search->slots, count, search->rows, search->dots, search->distances);
        } else {
            graph_distances(space, query, search->slots, count, search->rows, search->distances);
        }
        for (uint32_t i = 0; i < count; i++) {
            candidates_keep(search->list, &search->list_count, options->list_size,
                            candidate_make(search->distances[i], search->slots[i]));
        }
    }
    candidates_sort(search->list, search->list_count);
}
