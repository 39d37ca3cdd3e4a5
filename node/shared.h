/*
 * What an environment (the main thread, a worker_thread) has of its own and what may outlive it: threads and memory.
 * Indexes hold it, and the garbage collector may free an index after the environment's other things are gone. Whoever
 * made it stops the pools before letting go: a thread of theirs must never be the one that drops it last.
 */
#ifndef DISKANN_NODE_SHARED_H
#define DISKANN_NODE_SHARED_H

#include "memory.h"
#include "pool.h"

#include <memory>

namespace diskann_node {

struct Shared {
    enum { READERS = 8 };
    explicit Shared(unsigned threads) : pool(threads), readers(READERS) {}
    /* What computes first: it hands reads over. */
    void stop()
    {
        pool.stop();
        readers.stop();
    }
    Memory memory; /* before the pools: whatever threads hold is freed first */
    Pool pool;
    Pool readers; /* threads that wait for disks, so that the others do not; none before the first page is read */
};

} // namespace diskann_node

#endif
