/* A saved index, and searches of it where it is, over the real core and a real file. */
#ifndef DISKANN_TESTS_PAGED_ERRANDS_WORLD_H
#define DISKANN_TESTS_PAGED_ERRANDS_WORLD_H

#include "errands.h"

#include "../../node/paged_work.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace diskann_node;

namespace {

enum { DIMENSIONS = 24, ROWS = 2000, K = 6, QUERIES = 120 };

std::vector<float> make_rows(size_t rows)
{
    std::vector<float> values(rows * DIMENSIONS);
    uint64_t state = 99;
    for (float &value : values) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        value = static_cast<float>(state >> 56);
    }
    return values;
}

/* A file, and the answers that it should give. */
class Saved {
public:
    Saved() : rows(make_rows(ROWS))
    {
        diskann_config config;
        diskann_op *op = nullptr;
        diskann_config_init(&config, DIMENSIONS);
        config.max_degree = 16;
        config.build_list_size = 40;
        config.codes = DISKANN_CODES_1BIT;
        CHECK_INT(diskann_index_create(&config, nullptr, &core), DISKANN_OK);
        CHECK_INT(diskann_build_begin(core, 1, &op), DISKANN_OK);
        CHECK_INT(diskann_op_rows(op, rows.data(), DISKANN_F32, nullptr, ROWS), DISKANN_OK);
        CHECK_INT(diskann_op_finish(op), DISKANN_OK);
        diskann_op_end(op);
        diskann_index_stats(core, &stats);
        bytes.resize(stats.file_bytes);
        write_core();
        char name[] = "/tmp/diskann-paged-XXXXXX";
        const int descriptor = mkstemp(name);
        path = name;
        CHECK(descriptor >= 0 && pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
        ::close(descriptor);
        answer_all();
    }
    ~Saved()
    {
        diskann_index_destroy(core);
        unlink(path.c_str());
    }
    const float *row(size_t i) const { return rows.data() + i * DIMENSIONS; }
    static diskann_search_params params(size_t i)
    {
        static const uint32_t widths[] = {1, 4, 2, 8};
        return {K, 20 + static_cast<uint32_t>(i) % 30, widths[i % 4], static_cast<uint32_t>(i / 4 % 2), 0};
    }

    const std::vector<float> rows;
    diskann_index *core = nullptr;
    diskann_stats stats = {};
    std::vector<uint8_t> bytes;
    std::string path;
    std::vector<uint64_t> ids;
    std::vector<float> distances;

private:
    void write_core()
    {
        diskann_op *op = nullptr;
        diskann_stage stage;
        CHECK_INT(diskann_save_begin(core, 1, &op), DISKANN_OK);
        for (int status; (status = diskann_op_step(op, &stage)) > 0;) {
            if (status == DISKANN_RUN) {
                diskann_op_run(op, 0, 0, stage.items);
            }
            for (uint32_t i = 0; status == DISKANN_IO && i < stage.request_count; i++) {
                const diskann_request request = stage.requests[i];
                if (request.kind == DISKANN_WRITE) {
                    std::memcpy(bytes.data() + request.offset, request.buffer, request.length);
                }
                diskann_op_complete(op, request.ticket, DISKANN_OK);
            }
        }
        diskann_op_end(op);
    }
    void answer_all()
    {
        diskann_searcher *searcher = nullptr;
        ids.resize(QUERIES * K);
        distances.resize(QUERIES * K);
        CHECK_INT(diskann_searcher_create(core, &searcher), DISKANN_OK);
        for (size_t i = 0; i < QUERIES; i++) {
            const diskann_search_params wanted = params(i);
            uint32_t count = 0;
            diskann_search(searcher, row(i), &wanted, &ids[i * K], &distances[i * K], &count, nullptr);
            CHECK_UINT(count, K);
        }
        diskann_searcher_destroy(searcher);
    }
};

/* The system keeps nothing of the file in memory, where it can: reads take their time. */
void forget(const std::string &path)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY);
    fsync(descriptor);
#if defined(POSIX_FADV_DONTNEED)
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
#endif
    ::close(descriptor);
}

std::shared_ptr<PagedIndex> open(const std::shared_ptr<Shared> &shared, const std::string &path, uint64_t cache_bytes,
                                 FileAccess access = FileAccess::READ)
{
    std::shared_ptr<PagedIndex> index;
    auto errand = std::make_unique<PagedOpenErrand>(shared, DISKANN_SIMD_AUTO, cache_bytes);
    errand->begin_file(path, access);
    const int status = drive<PagedOpenErrand>(shared->pool, std::move(errand), 1, [&](PagedOpenErrand &ended) {
        index = std::move(ended.outcome().paged);
    });
    CHECK_INT(status, DISKANN_OK);
    forget(path);
    return index;
}

/* As node/search.cc has it, without Node. */
class OneSearch final : public Task, public PagedQuery {
public:
    void begin(std::shared_ptr<PagedIndex> index, const float *vector, const diskann_search_params &params)
    {
        index_ = std::move(index);
        vector_ = vector;
        params_ = params;
        CHECK(index_->shared().pool.submit_short(this));
    }
    void cancel()
    {
        index_->cancel(*this);
        if (index_->shared().pool.remove_short(this)) {
            conclude(*index_, DISKANN_ERR_CANCELLED);
        }
    }
    bool run(unsigned) override
    {
        const std::shared_ptr<PagedIndex> index = index_;
        const int status = index->go(*this, vector_, params_);
        if (status != DISKANN_WAIT) {
            conclude(*index, status);
        }
        return false;
    }
    void wake() override { index_->shared().pool.submit_short(this); }
    void wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return ended_; });
    }
    /* With the threads gone: it may not have ended. */
    void abandon()
    {
        if (!ended_) {
            index_->finish(*this, DISKANN_ERR_CANCELLED, nullptr);
        }
        index_.reset();
    }

    int status = 0;
    uint64_t ids[K] = {};
    float distances[K] = {};
    PagedAnswer answer = {ids, distances, 0, {}, {}};

private:
    void conclude(PagedIndex &index, int found)
    {
        index.finish(*this, found, &answer);
        status = found;
        std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }

    std::shared_ptr<PagedIndex> index_;
    const float *vector_ = nullptr;
    diskann_search_params params_ = {};
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
};

bool is_right(const Saved &saved, size_t i, const OneSearch &search)
{
    return search.answer.count == K && std::memcmp(search.ids, &saved.ids[i * K], sizeof search.ids) == 0 &&
           std::memcmp(search.distances, &saved.distances[i * K], sizeof search.distances) == 0;
}

/* What a cache of so many pages may take. */
uint64_t cache_for(const Saved &saved, uint64_t pages)
{
    return pages * (saved.stats.page_bytes + 100);
}

const uint64_t caches[] = {0, 2, 12, 1000};

struct Batch {
    std::vector<double> ids = std::vector<double>(QUERIES * K);
    std::vector<float> distances = std::vector<float>(QUERIES * K);
    HitsOut out() { return {ids.data(), distances.data(), K}; }
};

} // namespace

#endif
