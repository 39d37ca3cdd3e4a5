#include "index.h"

#include <new>

namespace diskann_node {

/* Frees an index on the pool and then itself. */
class Reaper final : public Task {
public:
    explicit Reaper(Index *index) : index_(index) {}
    bool run(unsigned) override
    {
        drop();
        return false;
    }
    void drop() override
    {
        delete index_;
        delete this;
    }

private:
    Index *index_;
};

Index::Index(std::shared_ptr<Shared> shared, diskann_index *core, uint32_t dimensions)
    : shared_(std::move(shared)), core_(core), dimensions_(dimensions),
      searchers_(shared_->pool.slots() + 1, nullptr)
{
}

void Index::release()
{
    if (drop_reference()) {
        delete this;
    }
}

void Index::release_later()
{
    if (!drop_reference()) {
        return;
    }
    Reaper *reaper = core_ != nullptr ? new (std::nothrow) Reaper(this) : nullptr;
    if (reaper == nullptr) {
        delete this;
    } else if (!shared_->pool.submit_long(reaper)) {
        reaper->drop();
    }
}

int Index::searcher(unsigned slot, diskann_searcher **out)
{
    int status = DISKANN_OK;
    if (searchers_[slot] == nullptr) {
        status = diskann_searcher_create(core_, &searchers_[slot]);
    }
    *out = searchers_[slot];
    return status;
}

void Index::close()
{
    for (diskann_searcher *&searcher : searchers_) {
        diskann_searcher_destroy(searcher);
        searcher = nullptr;
    }
    diskann_index_destroy(core_);
    core_ = nullptr;
}

} // namespace diskann_node
