/* The long operations of an index that stays in its file. */
#ifndef DISKANN_NODE_PAGED_WORK_H
#define DISKANN_NODE_PAGED_WORK_H

#include "paged.h"
#include "pq.h"
#include "work.h"

namespace diskann_node {

class PagedOpenErrand : public OpenErrand {
public:
    PagedOpenErrand(std::shared_ptr<Shared> shared, uint32_t simd, uint64_t cache_bytes)
        : OpenErrand(std::move(shared), simd, 1), cache_bytes_(cache_bytes)
    {
    }

protected:
    int begin_op(uint64_t bytes) override;
    int take() override;

    const uint64_t cache_bytes_;
};

/* Of a disk index of Microsoft's, whose codes are in a file of their own: read in the first step, as the other is opened. */
class MicrosoftOpenErrand : public PagedOpenErrand {
public:
    MicrosoftOpenErrand(std::shared_ptr<Shared> shared, std::shared_ptr<Quantizer> quantizer, std::string codes,
                        const diskann_microsoft &how, uint64_t cache_bytes)
        : PagedOpenErrand(std::move(shared), how.simd, cache_bytes), quantizer_(std::move(quantizer)),
          codes_(std::move(codes)), how_(how)
    {
    }

protected:
    int begin_op(uint64_t bytes) override;

private:
    int give_codes(File &file);

    const std::shared_ptr<Quantizer> quantizer_;
    const std::string codes_;
    const diskann_microsoft how_;
};

class PagedCrew;

/*
 * Many searches. An item is some rows, of which a worker has several under way: while one waits for its pages it goes on
 * with another. Only there does a thread wait, and never for another of its pool: what it waits for comes from the readers.
 */
class PagedBatchErrand : public Errand {
public:
    PagedBatchErrand(std::shared_ptr<PagedIndex> index, const float *queries, uint64_t count,
                     const diskann_search_params &params, HitsOut hits);
    ~PagedBatchErrand() override;
    int begin(uint32_t workers);
    int step(diskann_stage *stage) override;
    void run(unsigned thread, uint32_t worker, uint64_t begin, uint64_t end) override;
    void cancel() override;
    int end(int status) override;

private:
    const std::shared_ptr<PagedIndex> paged_;
    const float *queries_;
    const uint64_t count_;
    const diskann_search_params params_;
    const HitsOut hits_;
    uint64_t rows_per_item_ = 1;
    std::vector<std::unique_ptr<PagedCrew>> crews_; /* by worker */
    bool stepped_ = false;
    std::atomic<bool> cancelled_{false};
};

class PagedCloseErrand : public Errand {
public:
    explicit PagedCloseErrand(std::shared_ptr<PagedIndex> index) : Errand(nullptr), paged_(std::move(index)) {}
    int step(diskann_stage *stage) override;
    void run(unsigned, uint32_t, uint64_t, uint64_t) override {}
    int end(int status) override { return status; }

private:
    const std::shared_ptr<PagedIndex> paged_;
};

} // namespace diskann_node

#endif
