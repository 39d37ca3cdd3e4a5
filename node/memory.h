/*
 * Where the core's memory comes from: aligned to 64 bytes; blocks of 2 MiB and more are mapped by themselves, aligned to
 * 2 MiB, and ask for huge pages (a search jumps through all of it, and misses in the address tables cost more than misses
 * in the cache). Counts the bytes, so that the garbage collector can be told what an index weighs.
 */
#ifndef DISKANN_NODE_MEMORY_H
#define DISKANN_NODE_MEMORY_H

#include "../csrc/include/diskann.h"

#include <atomic>

namespace diskann_node {

class Memory {
public:
    Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    /* Lives as long as this. */
    const diskann_allocator *allocator() const { return &allocator_; }
    int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

private:
    static void *allocate(void *context, size_t bytes);
    static void release(void *context, void *memory, size_t bytes);

    diskann_allocator allocator_;
    std::atomic<int64_t> bytes_{0};
};

} // namespace diskann_node

#endif
