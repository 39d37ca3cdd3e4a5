/*
 * What an environment (the main thread, a worker_thread) has of its own and what may outlive it: threads and memory.
 * Indexes hold it, and the garbage collector may free an index after the environment's other things are gone. Whoever
 * made it stops the pool before letting go: a thread of the pool must never be the one that drops it last.
 */
#ifndef DISKANN_NODE_SHARED_H
#define DISKANN_NODE_SHARED_H

#include "memory.h"
#include "pool.h"

#include <memory>

namespace diskann_node {

struct Shared {
    explicit Shared(unsigned threads) : pool(threads) {}
    Memory memory; /* before the pool: whatever threads hold is freed first */
    Pool pool;
};

} // namespace diskann_node

#endif
