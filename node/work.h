/*
 * The long operations of the addon, each a Work for the drive, with the files and buffers it reads and writes. What
 * comes out of it is plain data; nothing here knows of Node.
 */
#ifndef DISKANN_NODE_WORK_H
#define DISKANN_NODE_WORK_H

#include "drive.h"
#include "file.h"
#include "index.h"

#include <string>
#include <vector>

namespace diskann_node {

class PagedIndex;
class Quantizer;

struct Outcome {
    diskann_failure failure = {DISKANN_OK, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, 0};
    uint64_t added = 0;
    uint64_t distances = 0;
    uint64_t hops = 0;
    uint64_t rounds = 0;
    uint64_t reads = 0;
    uint64_t bytes_read = 0;
    FileError file;
    Index *index = nullptr; /* opened; one reference */
    std::shared_ptr<PagedIndex> paged; /* opened */
    std::shared_ptr<Quantizer> quantizer; /* trained */
    bool found = false; /* the id that was looked for */
    bool verified = false;
    std::vector<diskann_finding> findings;
    uint64_t finding_total = 0;
    uint64_t file_bytes = 0;
};

class InsertErrand;
class PqTrainErrand;
class BudgetErrand;

/* Any work with an outcome. Holds a reference to its index until the end. */
class Errand : public Work {
public:
    explicit Errand(Index *index) : index_(index)
    {
        if (index != nullptr) {
            index->retain();
        }
    }
    ~Errand() override;
    void cancel() override {}
    Outcome &outcome() { return outcome_; }
    Index *index() const { return index_; }
    virtual InsertErrand *as_insert() { return nullptr; }
    virtual PqTrainErrand *as_pq_train() { return nullptr; }
    virtual BudgetErrand *as_budget() { return nullptr; }

protected:
    int fail(int status, uint64_t value = 0);
    /* On a pool thread; in the destructor the last reference goes elsewhere. */
    void leave_index();

    Outcome outcome_;

private:
    Index *index_;
};

/* An operation of the core. */
class OpErrand : public Errand {
public:
    explicit OpErrand(Index *index) : Errand(index) {}
    ~OpErrand() override { end_op(); }
    int step(diskann_stage *stage) override { return diskann_op_step(op_, stage); }
    void run(unsigned thread, uint32_t worker, uint64_t begin, uint64_t end) override;
    void complete(uint32_t ticket, int status) override { diskann_op_complete(op_, ticket, status); }
    void cancel() override { diskann_op_cancel(op_); }
    int end(int status) override;
    diskann_op *op() const { return op_; }

protected:
    /* Before the operation is freed: takes what it has made; returns the status to report. */
    virtual int conclude(int status) { return status; }
    /* Frees the operation: to be called by the destructor of a class that holds what the operation uses. */
    void end_op()
    {
        diskann_op_end(op_);
        op_ = nullptr;
    }

    diskann_op *op_ = nullptr;
};

class InsertErrand : public OpErrand {
public:
    using OpErrand::OpErrand;
    int begin(bool build, uint32_t workers);
    InsertErrand *as_insert() override { return this; }

protected:
    int conclude(int status) override;
};

/* Where hits go: rows of k ids (as numbers) and distances; owned by caller, borrowed until the end. */
struct HitsOut {
    double *ids;
    float *distances;
    uint32_t k;
    void pad(uint64_t row, uint32_t count) const;
    /* What an exact search has found; `scratch` has k places. */
    void take_exact(diskann_op *op, std::vector<uint64_t> &scratch) const;
};

class ExactErrand : public OpErrand {
public:
    ExactErrand(Index *index, HitsOut hits) : OpErrand(index), hits_(hits) {}
    int begin(const float *query, uint32_t workers);

protected:
    int conclude(int status) override;

private:
    HitsOut hits_;
    std::vector<uint64_t> ids_;
};

/* The findings of an audit into the outcome: DISKANN_OK, or DISKANN_ERR_NO_MEMORY. */
int take_findings(const diskann_op *op, Outcome *outcome);

class VerifyErrand : public OpErrand {
public:
    using OpErrand::OpErrand;
    int begin(uint32_t workers);

protected:
    int conclude(int status) override;
};

/* From a file, or from what the host reads (`path` empty). The file is opened in the first step, on the pool. */
class OpenErrand : public OpErrand {
public:
    OpenErrand(std::shared_ptr<Shared> shared, uint32_t simd, uint32_t workers)
        : OpErrand(nullptr), shared_(std::move(shared)), simd_(simd), workers_(workers)
    {
    }
    void begin_file(std::string path, FileAccess access = FileAccess::READ)
    {
        path_ = std::move(path);
        access_ = access;
    }
    int begin_bytes(uint64_t bytes);
    int step(diskann_stage *stage) override;
    int serve(const diskann_request &request) override;
    bool host_serves() const override { return path_.empty(); }
    void cancel() override;

protected:
    int conclude(int status) override;
    virtual int begin_op(uint64_t bytes);
    bool has_path() const { return !path_.empty(); }
    /* The opened index into the outcome. */
    virtual int take();
    bool is_cancelled() const { return cancelled_.load(); }

    const std::shared_ptr<Shared> shared_;
    const uint32_t simd_;
    std::unique_ptr<File> file_ = std::make_unique<File>();

private:
    int open_file();

    const uint32_t workers_;
    std::string path_;
    FileAccess access_ = FileAccess::READ;
    std::atomic<bool> cancelled_{false};
};

/* The index with other codes or pages: into the outcome. */
class ConvertErrand : public OpErrand {
public:
    ConvertErrand(Index *index, const diskann_config &config) : OpErrand(index), config_(config) {}
    int begin(uint32_t workers);

protected:
    int conclude(int status) override;

private:
    const diskann_config config_;
};

/* To a file, by way of a temporary one beside it. */
class SaveErrand : public OpErrand {
public:
    SaveErrand(Index *index, std::string path) : OpErrand(index), path_(std::move(path)) {}
    int begin(uint32_t workers);
    int step(diskann_stage *stage) override;
    int serve(const diskann_request &request) override;

protected:
    int conclude(int status) override;

private:
    std::string path_;
    File file_;
    bool created_ = false;
};

/* Into memory: owned by caller, borrowed until the end. */
class SaveBytesErrand : public OpErrand {
public:
    SaveBytesErrand(Index *index, uint8_t *bytes, uint64_t length) : OpErrand(index), bytes_(bytes), length_(length) {}
    int begin(uint32_t workers);
    int serve(const diskann_request &request) override;

private:
    uint8_t *bytes_;
    uint64_t length_;
};

/* Many searches; one item each. */
class BatchErrand : public Errand {
public:
    BatchErrand(Index *index, const float *queries, uint64_t count, const diskann_search_params &params, HitsOut hits)
        : Errand(index), queries_(queries), count_(count), params_(params), hits_(hits)
    {
    }
    int begin(uint32_t workers);
    int step(diskann_stage *stage) override;
    void run(unsigned thread, uint32_t worker, uint64_t begin, uint64_t end) override;
    void cancel() override { cancelled_.store(true, std::memory_order_relaxed); }
    int end(int status) override;

private:
    struct alignas(64) Lane {
        uint64_t distances = 0;
        uint64_t hops = 0;
        uint64_t rounds = 0;
        int status = DISKANN_OK;
        uint64_t row = 0;
        std::vector<uint64_t> ids;
    };
    bool search_row(diskann_searcher *searcher, Lane &lane, uint64_t row);

    const float *queries_;
    const uint64_t count_;
    const diskann_search_params params_;
    const HitsOut hits_;
    std::vector<Lane> lanes_;
    bool stepped_ = false;
    std::atomic<bool> cancelled_{false};
};

/* What a save would write; statistics cost a pass over the records. */
class StatsErrand : public Errand {
public:
    using Errand::Errand;
    int step(diskann_stage *stage) override;
    void run(unsigned, uint32_t, uint64_t, uint64_t) override {}
    int end(int status) override;
};

/* Frees the index's memory. */
class CloseErrand : public Errand {
public:
    using Errand::Errand;
    int step(diskann_stage *stage) override;
    void run(unsigned, uint32_t, uint64_t, uint64_t) override {}
    int end(int status) override;
};

} // namespace diskann_node

#endif
