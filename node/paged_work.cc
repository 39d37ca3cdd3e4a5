#include "paged_work.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace diskann_node {

namespace {

constexpr uint64_t under_way = Shared::READERS; /* rows, of all workers together: as many as there are reads at once */
constexpr uint64_t rows_per_query = 4;          /* of an item: fewer, and its end is spent on one row */

} // namespace

int PagedOpenErrand::begin_op(uint64_t bytes)
{
    return diskann_paged_open_begin(bytes, simd_, cache_bytes_, shared_->memory.allocator(), &op_);
}

int PagedOpenErrand::take()
{
    diskann_stats stats;
    diskann_paged *core = diskann_paged_take(op_);
    diskann_paged_stats(core, &stats);
    try {
        outcome_.paged = std::make_shared<PagedIndex>(shared_, core, has_path() ? std::move(file_) : nullptr, host_,
                                                      stats.config.dimensions);
    } catch (const std::bad_alloc &) {
        diskann_paged_destroy(core);
        return fail(DISKANN_ERR_NO_MEMORY);
    }
    return DISKANN_OK;
}

int MicrosoftOpenErrand::give_codes(File &file)
{
    enum { HEAD_BYTES = 8, SLICE_BYTES = 1 << 20 };
    const uint64_t chunks = quantizer_->shape().chunks;
    const uint64_t slice = SLICE_BYTES / chunks + 1;
    const std::unique_ptr<uint8_t[]> codes(new (std::nothrow) uint8_t[slice * chunks]);
    if (codes == nullptr) {
        return DISKANN_ERR_NO_MEMORY;
    }
    for (uint64_t row = 0; row < how_.rows && !is_cancelled(); row += slice) {
        const uint64_t rows = std::min(slice, how_.rows - row);
        if (!file.read_at(HEAD_BYTES + row * chunks, codes.get(), rows * chunks)) {
            return DISKANN_ERR_IO;
        }
        const int status = diskann_paged_microsoft_codes(op_, codes.get(), rows);
        if (status < 0) {
            return status;
        }
    }
    return DISKANN_OK;
}

int MicrosoftOpenErrand::begin_op(uint64_t bytes)
{
    auto codes = std::make_unique<File>();
    diskann_microsoft how = how_;
    how.pq = quantizer_->core();
    int status = diskann_paged_microsoft_begin(bytes, &how, cache_bytes_, shared_->memory.allocator(), &op_);
    if (status == DISKANN_OK) {
        status = codes->open(codes_) ? give_codes(*codes) : int{DISKANN_ERR_IO};
    }
    if (status == DISKANN_ERR_IO) {
        file_ = std::move(codes); /* the one to tell of */
    }
    return status;
}

/* The rows that one worker has under way. */
class PagedCrew {
public:
    PagedCrew(PagedIndex &index, const diskann_search_params &params, HitsOut hits, uint64_t queries)
        : index_(index), params_(params), hits_(hits), queries_(queries)
    {
        for (Query &query : queries_) {
            query.crew = this;
            query.ids.resize(params.k);
        }
    }

    /* Rows [next, end); stops after one that fails. */
    void run(const float *vectors, uint64_t next, uint64_t end)
    {
        vectors_ = vectors;
        for (;;) {
            for (Query &query : queries_) {
                if (!query.busy && next < end && failure.status == DISKANN_OK && !is_cancelled()) {
                    begin(query, next++);
                }
            }
            if (busy_ == 0) {
                return;
            }
            go(wait());
        }
    }
    void cancel()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        cancelled_ = true;
        changed_.notify_one();
    }

    diskann_failure failure = {DISKANN_OK, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, 0}; /* of the lowest row */
    diskann_search_counters counters = {};

private:
    struct Query final : public PagedQuery {
        void wake() override { crew->wake(*this); }
        PagedCrew *crew = nullptr;
        uint64_t row = 0;
        bool busy = false;
        bool ready = false; /* guarded by the crew's lock */
        std::vector<uint64_t> ids;
    };

    bool is_cancelled()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        return cancelled_;
    }
    void wake(Query &query)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        query.ready = true;
        changed_.notify_one();
    }
    void begin(Query &query, uint64_t row)
    {
        query.row = row;
        query.busy = true;
        query.ready = true; /* nobody else knows it yet */
        busy_++;
    }

    /* One that can go on. A cancel makes all of them such. */
    Query &wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            for (Query &query : queries_) {
                if (query.busy && query.ready) {
                    query.ready = false;
                    return query;
                }
            }
            if (cancelled_ && !told_) {
                told_ = true;
                lock.unlock();
                for (Query &query : queries_) {
                    if (query.busy) {
                        index_.cancel(query);
                    }
                }
                lock.lock();
                continue;
            }
            changed_.wait(lock);
        }
    }
    void go(Query &query)
    {
        const int status = index_.go(query, vectors_ + query.row * index_.dimensions(), params_);
        if (status == DISKANN_WAIT) {
            return;
        }
        PagedAnswer answer;
        answer.ids = query.ids.data();
        answer.distances = hits_.distances + query.row * hits_.k;
        index_.finish(query, status, &answer);
        query.busy = false;
        busy_--;
        if (status == DISKANN_OK) {
            std::copy(query.ids.begin(), query.ids.begin() + answer.count, hits_.ids + query.row * hits_.k);
            hits_.pad(query.row, answer.count);
            counters.distances += answer.counters.distances;
            counters.hops += answer.counters.hops;
            counters.rounds += answer.counters.rounds;
            counters.reads += answer.counters.reads;
            counters.bytes_read += answer.counters.bytes_read;
        } else if (status != DISKANN_ERR_CANCELLED) {
            note(answer.failure, static_cast<int64_t>(query.row));
        }
    }
    void note(const diskann_failure &found, int64_t row)
    {
        if (failure.status == DISKANN_OK || row < failure.row) {
            failure = found;
            failure.row = row;
        }
    }

    PagedIndex &index_;
    const diskann_search_params params_;
    const HitsOut hits_;
    std::vector<Query> queries_;
    const float *vectors_ = nullptr;
    uint64_t busy_ = 0;
    std::mutex mutex_; /* guards all below, and `ready` of queries */
    std::condition_variable changed_;
    bool cancelled_ = false;
    bool told_ = false;
};

PagedBatchErrand::PagedBatchErrand(std::shared_ptr<PagedIndex> index, const float *queries, uint64_t count,
                                   const diskann_search_params &params, HitsOut hits)
    : Errand(nullptr), paged_(std::move(index)), queries_(queries), count_(count), params_(params), hits_(hits)
{
}

PagedBatchErrand::~PagedBatchErrand() = default;

int PagedBatchErrand::begin(uint32_t workers)
{
    const uint64_t each = (under_way + workers - 1) / workers;
    rows_per_item_ = each * rows_per_query;
    for (uint32_t i = 0; i < workers; i++) {
        crews_.push_back(std::make_unique<PagedCrew>(*paged_, params_, hits_, each));
    }
    return DISKANN_OK;
}

int PagedBatchErrand::step(diskann_stage *stage)
{
    if (stepped_) {
        return cancelled_.load(std::memory_order_relaxed) ? DISKANN_ERR_CANCELLED : DISKANN_OK;
    }
    stepped_ = true;
    stage->phase = DISKANN_PHASE_NONE;
    stage->parallel = 1;
    stage->items = (count_ + rows_per_item_ - 1) / rows_per_item_;
    return DISKANN_RUN;
}

void PagedBatchErrand::run(unsigned, uint32_t worker, uint64_t begin, uint64_t end)
{
    crews_[worker]->run(queries_, begin * rows_per_item_, std::min(end * rows_per_item_, count_));
}

void PagedBatchErrand::cancel()
{
    cancelled_.store(true, std::memory_order_relaxed);
    for (const std::unique_ptr<PagedCrew> &crew : crews_) {
        crew->cancel();
    }
}

int PagedBatchErrand::end(int status)
{
    for (const std::unique_ptr<PagedCrew> &crew : crews_) {
        outcome_.distances += crew->counters.distances;
        outcome_.hops += crew->counters.hops;
        outcome_.rounds += crew->counters.rounds;
        outcome_.reads += crew->counters.reads;
        outcome_.bytes_read += crew->counters.bytes_read;
        const bool earlier = status == DISKANN_OK || crew->failure.row < outcome_.failure.row;
        if (crew->failure.status < 0 && status != DISKANN_ERR_CANCELLED && earlier) {
            outcome_.failure = crew->failure;
            status = crew->failure.status;
        }
    }
    if (status == DISKANN_ERR_IO) {
        outcome_.file = paged_->error();
    }
    crews_.clear();
    return status;
}

/* ---- what reads all ---- */

int PagedScanErrand::begin(uint32_t workers)
{
    workers_ = workers;
    return DISKANN_OK;
}

int PagedScanErrand::step(diskann_stage *stage)
{
    if (op_ == nullptr) {
        const int begun = paged_->with_core([this](diskann_paged *core) { return begin_op(core); });
        if (begun < 0) {
            return outcome_.failure.status < 0 ? begun : fail(begun);
        }
    }
    if (cancelled_.load()) {
        diskann_op_cancel(op_);
    }
    const int status = diskann_op_step(op_, stage);
    host_serves_ = status == DISKANN_IO && !paged_->has_file() && stage->requests[0].kind == DISKANN_READ;
    return status;
}

int PagedScanErrand::serve(const diskann_request &request)
{
    return request.kind == DISKANN_READ ? paged_->read(request) : static_cast<int>(DISKANN_ERR_IO);
}

int PagedScanErrand::conclude(int status)
{
    if (status == DISKANN_ERR_IO) {
        outcome_.file = paged_->error();
    }
    const int taken = status == DISKANN_OK ? take() : status;
    return taken < 0 && status == DISKANN_OK ? fail(taken) : taken;
}

int PagedExactErrand::begin_op(diskann_paged *core)
{
    return diskann_paged_exact_begin(core, query_.data(), hits_.k, workers_, &op_);
}

int PagedExactErrand::take()
{
    diskann_stats stats;
    hits_.take_exact(op_, ids_);
    const int status = paged_->stats(&stats);
    outcome_.distances = stats.size;
    return status;
}

int PagedFindErrand::begin_op(diskann_paged *core)
{
    return diskann_paged_find_begin(core, id_, &op_);
}

int PagedFindErrand::take()
{
    outcome_.found = diskann_paged_find_take(op_, out_) == DISKANN_OK;
    return DISKANN_OK;
}

int PagedVerifyErrand::begin_op(diskann_paged *core)
{
    return diskann_paged_verify_begin(core, workers_, &op_);
}

int PagedVerifyErrand::take()
{
    return take_findings(op_, &outcome_);
}

int PagedCopyErrand::begin_op(diskann_paged *core)
{
    if (bytes_ == nullptr && !file_.create_beside(path_)) {
        return DISKANN_ERR_IO;
    }
    return diskann_paged_copy_begin(core, workers_, &op_);
}

int PagedCopyErrand::write(const diskann_request &request)
{
    if (bytes_ == nullptr) {
        return file_.write_at(request.offset, request.buffer, request.length) ? DISKANN_OK : DISKANN_ERR_IO;
    }
    if (request.offset > length_ || request.length > length_ - request.offset) {
        return DISKANN_ERR_IO;
    }
    std::memcpy(bytes_ + request.offset, request.buffer, request.length);
    return DISKANN_OK;
}

int PagedCopyErrand::serve(const diskann_request &request)
{
    if (request.kind == DISKANN_SYNC) {
        return bytes_ != nullptr || file_.sync() ? DISKANN_OK : DISKANN_ERR_IO;
    }
    return request.kind == DISKANN_WRITE ? write(request) : PagedScanErrand::serve(request);
}

int PagedCopyErrand::take()
{
    return bytes_ != nullptr || file_.replace() ? DISKANN_OK : DISKANN_ERR_IO;
}

int PagedCopyErrand::conclude(int status)
{
    const int concluded = PagedScanErrand::conclude(status);
    if (file_.error()) {
        outcome_.file = file_.error();
    }
    file_.close();
    return concluded;
}

int PagedCloseErrand::step(diskann_stage *stage)
{
    (void)stage;
    paged_->close();
    return DISKANN_OK;
}

} // namespace diskann_node
