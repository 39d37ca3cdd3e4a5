/* What only threads are asked for: in their module, and in no other. */
#include "exports.h"

/*
 * As `search`, of `queries` queries, by up to `workers` threads: the rows of the answer are at `ids` and `distances`, their
 * lengths at `counts`, once the operation is done and batch_take was called.
 */
int EXPORT(batch_begin)(const diskann_index *index, const float *vectors, uint32_t queries, uint32_t k, uint32_t list_size,
                        uint32_t beam_width, uint32_t flags, uint32_t workers, double *ids, float *distances,
                        uint32_t *counts)
{
    const diskann_search_params params = {k, list_size, beam_width, flags & 1, flags >> 1};
    diskann_op *op = NULL;
    const int status = diskann_batch_begin(index, vectors, queries, &params, workers, (uint64_t *)(void *)ids, distances,
                                           counts, &op);
    return give(status, op);
}

/* exchange: batched */
void EXPORT(batch_take)(const diskann_op *op, uint32_t queries, uint32_t k, double *ids, float *distances,
                        const uint32_t *counts)
{
    diskann_search_counters counters;
    diskann_batch_take(op, &counters);
    for (uint32_t row = 0; row < queries; row++) {
        finish_row(ids + (size_t)row * k, distances + (size_t)row * k, counts[row], k);
    }
    exchange_slots[0] = (double)counters.distances;
    exchange_slots[1] = (double)counters.hops;
    exchange_slots[2] = (double)counters.rounds;
}
