/*
 * An index as the addon holds it: the core's index and one searcher for each thread that has searched it. Counted
 * references, because calls under way outlive the JavaScript object.
 */
#ifndef DISKANN_NODE_INDEX_H
#define DISKANN_NODE_INDEX_H

#include "../csrc/include/diskann.h"
#include "shared.h"

#include <atomic>
#include <memory>
#include <vector>

namespace diskann_node {

class Index {
public:
    /* Takes over `core`. Throws std::bad_alloc and then has not. The first reference is the caller's. */
    Index(std::shared_ptr<Shared> shared, diskann_index *core, uint32_t dimensions);
    Index(const Index &) = delete;
    Index &operator=(const Index &) = delete;

    void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
    /* On a pool thread: frees at once what nobody holds any more. */
    void release();
    /* On a JavaScript thread: has the pool free it, so that unmapping gigabytes holds nobody up. */
    void release_later();

    /* NULL once closed. */
    diskann_index *core() const { return core_; }
    Shared &shared() const { return *shared_; }
    /* For another index beside it. */
    const std::shared_ptr<Shared> &owner() const { return shared_; }
    uint32_t dimensions() const { return dimensions_; }
    /* The searcher of a thread of the pool, or of the JavaScript thread (`slot` = pool.slots()); made when first wanted. */
    int searcher(unsigned slot, diskann_searcher **out);
    /* Frees the core's part; no call is under way. Idempotent. */
    void close();

private:
    ~Index() { close(); }
    bool drop_reference() { return references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

    const std::shared_ptr<Shared> shared_;
    diskann_index *core_;
    const uint32_t dimensions_;
    std::vector<diskann_searcher *> searchers_;
    std::atomic<int> references_{1};

    friend class Reaper;
};

} // namespace diskann_node

#endif
