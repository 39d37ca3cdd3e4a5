/* The long operations of an index that stays in its file. */
#ifndef DISKANN_NODE_PAGED_WORK_H
#define DISKANN_NODE_PAGED_WORK_H

#include "paged.h"
#include "pq.h"
#include "work.h"

namespace diskann_node {

class PagedOpenErrand : public OpenErrand {
public:
    /* `host` reads the pages where there is no file; else NULL. */
    PagedOpenErrand(std::shared_ptr<Shared> shared, uint32_t simd, uint64_t cache_bytes, PageHost *host = nullptr)
        : OpenErrand(std::move(shared), simd, 1), cache_bytes_(cache_bytes), host_(host)
    {
    }

protected:
    int begin_op(uint64_t bytes) override;
    int take() override;

    const uint64_t cache_bytes_;
    PageHost *const host_;
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

/*
 * An operation that reads all pages in order. It is begun in the first step, on the pool. Its own reads are from the file on
 * the spot, or the host's to serve.
 */
class PagedScanErrand : public OpErrand {
public:
    explicit PagedScanErrand(std::shared_ptr<PagedIndex> index) : OpErrand(nullptr), paged_(std::move(index)) {}
    /* From here on it may be started. */
    int begin(uint32_t workers);
    int step(diskann_stage *stage) override;
    int serve(const diskann_request &request) override;
    bool host_serves() const override { return host_serves_; }
    void cancel() override { cancelled_.store(true); }

protected:
    virtual int begin_op(diskann_paged *core) = 0;
    virtual int take() = 0;
    int conclude(int status) override;

    const std::shared_ptr<PagedIndex> paged_;
    uint32_t workers_ = 1;

private:
    std::atomic<bool> cancelled_{false};
    bool host_serves_ = false; /* the stage under way */
};

class PagedExactErrand : public PagedScanErrand {
public:
    PagedExactErrand(std::shared_ptr<PagedIndex> index, const float *query, HitsOut hits)
        : PagedScanErrand(std::move(index)), query_(query, query + paged_->dimensions()), hits_(hits), ids_(hits.k)
    {
    }

protected:
    int begin_op(diskann_paged *core) override;
    int take() override;

private:
    const std::vector<float> query_;
    const HitsOut hits_;
    std::vector<uint64_t> ids_;
};

/* `out`: the vector, if the id is found; borrowed until the end. */
class PagedFindErrand : public PagedScanErrand {
public:
    PagedFindErrand(std::shared_ptr<PagedIndex> index, uint64_t id, float *out)
        : PagedScanErrand(std::move(index)), id_(id), out_(out)
    {
    }

protected:
    int begin_op(diskann_paged *core) override;
    int take() override;

private:
    const uint64_t id_;
    float *const out_;
};

class PagedVerifyErrand : public PagedScanErrand {
public:
    using PagedScanErrand::PagedScanErrand;

protected:
    int begin_op(diskann_paged *core) override;
    int take() override;
};

/* To a file, by way of a temporary one beside it, or into memory, which is borrowed until the end. */
class PagedCopyErrand : public PagedScanErrand {
public:
    PagedCopyErrand(std::shared_ptr<PagedIndex> index, std::string path)
        : PagedScanErrand(std::move(index)), path_(std::move(path))
    {
    }
    PagedCopyErrand(std::shared_ptr<PagedIndex> index, uint8_t *bytes, uint64_t length)
        : PagedScanErrand(std::move(index)), bytes_(bytes), length_(length)
    {
    }
    int serve(const diskann_request &request) override;

protected:
    int begin_op(diskann_paged *core) override;
    int take() override;
    int conclude(int status) override;

private:
    int write(const diskann_request &request);

    const std::string path_;
    File file_;
    uint8_t *const bytes_ = nullptr;
    const uint64_t length_ = 0;
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
