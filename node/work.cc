#include "work.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

namespace diskann_node {

Errand::~Errand()
{
    if (index_ != nullptr) {
        index_->release_later();
    }
    if (outcome_.index != nullptr) {
        outcome_.index->release_later();
    }
}

int Errand::fail(int status, uint64_t value)
{
    outcome_.failure = {status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, value};
    return status;
}

void Errand::leave_index()
{
    Index *index = index_;
    index_ = nullptr;
    if (index != nullptr) {
        index->release();
    }
}

void OpErrand::run(unsigned thread, uint32_t worker, uint64_t begin, uint64_t end)
{
    (void)thread;
    diskann_op_run(op_, worker, begin, end);
}

int OpErrand::end(int status)
{
    if (status < 0 && outcome_.failure.status == DISKANN_OK) {
        if (op_ != nullptr) {
            diskann_op_failure(op_, &outcome_.failure);
        }
        outcome_.failure.status = status;
    }
    const int reported = conclude(status);
    end_op();
    leave_index();
    return reported;
}

int InsertErrand::begin(bool build, uint32_t workers)
{
    return build ? diskann_build_begin(index()->core(), workers, &op_)
                 : diskann_insert_begin(index()->core(), workers, &op_);
}

int InsertErrand::conclude(int status)
{
    if (op_ != nullptr) {
        outcome_.added = diskann_op_added(op_);
        outcome_.distances = diskann_op_distances(op_);
    }
    return status;
}

void HitsOut::pad(uint64_t row, uint32_t count) const
{
    std::fill(ids + row * k + count, ids + (row + 1) * k, std::numeric_limits<double>::quiet_NaN());
    std::fill(distances + row * k + count, distances + (row + 1) * k, std::numeric_limits<float>::infinity());
}

void HitsOut::take_exact(diskann_op *op, std::vector<uint64_t> &scratch) const
{
    uint32_t count = 0;
    diskann_exact_take(op, scratch.data(), distances, &count);
    std::copy(scratch.begin(), scratch.begin() + count, ids);
    pad(0, count);
}

int ExactErrand::begin(const float *query, uint32_t workers)
{
    ids_.resize(hits_.k);
    return diskann_exact_begin(index()->core(), query, hits_.k, workers, &op_);
}

int ExactErrand::conclude(int status)
{
    if (status == DISKANN_OK) {
        hits_.take_exact(op_, ids_);
        outcome_.distances = diskann_index_size(index()->core());
    }
    return status;
}

int VerifyErrand::begin(uint32_t workers)
{
    return diskann_verify_begin(index()->core(), workers, &op_);
}

int take_findings(const diskann_op *op, Outcome *outcome)
{
    uint32_t count = 0;
    outcome->verified = true;
    const diskann_finding *findings = diskann_verify_findings(op, &count, &outcome->finding_total);
    try {
        outcome->findings.assign(findings, findings + count);
    } catch (const std::bad_alloc &) {
        return DISKANN_ERR_NO_MEMORY;
    }
    return DISKANN_OK;
}

int VerifyErrand::conclude(int status)
{
    if (status == DISKANN_OK) {
        status = take_findings(op_, &outcome_);
    }
    return status == DISKANN_ERR_NO_MEMORY ? fail(status) : status;
}

int OpenErrand::begin_op(uint64_t bytes)
{
    return diskann_open_begin(bytes, simd_, workers_, shared_->memory.allocator(), &op_);
}

int OpenErrand::begin_bytes(uint64_t bytes)
{
    return begin_op(bytes);
}

int OpenErrand::open_file()
{
    uint64_t bytes = 0;
    if (!file_->open(path_, access_) || !file_->size(&bytes)) {
        return fail(file_->error().refused ? DISKANN_ERR_UNSUPPORTED : DISKANN_ERR_IO);
    }
    const int status = begin_op(bytes);
    return status < 0 ? fail(status) : DISKANN_OK;
}

void OpenErrand::cancel()
{
    cancelled_.store(true);
}

int OpenErrand::step(diskann_stage *stage)
{
    if (op_ == nullptr) {
        const int status = open_file();
        if (status < 0) {
            return status;
        }
    }
    if (cancelled_.load()) {
        diskann_op_cancel(op_);
    }
    return diskann_op_step(op_, stage);
}

int OpenErrand::serve(const diskann_request &request)
{
    return request.kind == DISKANN_READ && file_->read_at(request.offset, request.buffer, request.length)
               ? DISKANN_OK
               : DISKANN_ERR_IO;
}

int OpenErrand::conclude(int status)
{
    outcome_.file = file_->error();
    if (status == DISKANN_OK) {
        return take();
    }
    file_->close();
    return status;
}

int OpenErrand::take()
{
    diskann_stats stats;
    diskann_index *core = diskann_open_take(op_);
    file_->close();
    diskann_index_stats(core, &stats);
    try {
        outcome_.index = new Index(shared_, core, stats.config.dimensions);
    } catch (const std::bad_alloc &) {
        diskann_index_destroy(core);
        return fail(DISKANN_ERR_NO_MEMORY);
    }
    return DISKANN_OK;
}

int ConvertErrand::begin(uint32_t workers)
{
    return diskann_convert_begin(index()->core(), &config_, workers, &op_);
}

int ConvertErrand::conclude(int status)
{
    if (status != DISKANN_OK) {
        return status;
    }
    diskann_index *core = diskann_convert_take(op_);
    try {
        outcome_.index = new Index(index()->owner(), core, index()->dimensions());
    } catch (const std::bad_alloc &) {
        diskann_index_destroy(core);
        return fail(DISKANN_ERR_NO_MEMORY);
    }
    return DISKANN_OK;
}

int SaveErrand::begin(uint32_t workers)
{
    return diskann_save_begin(index()->core(), workers, &op_);
}

int SaveErrand::step(diskann_stage *stage)
{
    if (!created_) {
        created_ = true;
        if (!file_.create_beside(path_)) {
            return fail(DISKANN_ERR_IO);
        }
    }
    return diskann_op_step(op_, stage);
}

int SaveErrand::serve(const diskann_request &request)
{
    bool done = false;
    if (request.kind == DISKANN_WRITE) {
        done = file_.write_at(request.offset, request.buffer, request.length);
    } else if (request.kind == DISKANN_SYNC) {
        done = file_.sync();
    }
    return done ? DISKANN_OK : DISKANN_ERR_IO;
}

int SaveErrand::conclude(int status)
{
    if (status == DISKANN_OK && !file_.replace()) {
        status = fail(DISKANN_ERR_IO);
    }
    outcome_.file = file_.error();
    file_.close();
    return status;
}

int SaveBytesErrand::begin(uint32_t workers)
{
    return diskann_save_begin(index()->core(), workers, &op_);
}

int SaveBytesErrand::serve(const diskann_request &request)
{
    if (request.kind == DISKANN_SYNC) {
        return DISKANN_OK;
    }
    if (request.kind != DISKANN_WRITE || request.offset > length_ || request.length > length_ - request.offset) {
        return DISKANN_ERR_IO;
    }
    std::memcpy(bytes_ + request.offset, request.buffer, request.length);
    return DISKANN_OK;
}

int BatchErrand::begin(uint32_t workers)
{
    lanes_.resize(workers);
    for (Lane &lane : lanes_) {
        lane.ids.resize(params_.k);
    }
    return DISKANN_OK;
}

int BatchErrand::step(diskann_stage *stage)
{
    if (stepped_) {
        return cancelled_.load(std::memory_order_relaxed) ? DISKANN_ERR_CANCELLED : DISKANN_OK;
    }
    stepped_ = true;
    stage->phase = DISKANN_PHASE_NONE;
    stage->parallel = 1;
    stage->items = count_;
    return DISKANN_RUN;
}

bool BatchErrand::search_row(diskann_searcher *searcher, Lane &lane, uint64_t row)
{
    uint32_t count = 0;
    diskann_search_counters counters = {};
    float *distances = hits_.distances + row * hits_.k;
    const float *query = queries_ + row * index()->dimensions();
    lane.status = diskann_search(searcher, query, &params_, lane.ids.data(), distances, &count, &counters);
    if (lane.status < 0) {
        lane.row = row;
        return false;
    }
    std::copy(lane.ids.begin(), lane.ids.begin() + count, hits_.ids + row * hits_.k);
    hits_.pad(row, count);
    lane.distances += counters.distances;
    lane.hops += counters.hops;
    lane.rounds += counters.rounds;
    return true;
}

void BatchErrand::run(unsigned thread, uint32_t worker, uint64_t begin, uint64_t end)
{
    Lane &lane = lanes_[worker];
    if (lane.status < 0 || cancelled_.load(std::memory_order_relaxed)) {
        return;
    }
    diskann_searcher *searcher = nullptr;
    lane.status = index()->searcher(thread, &searcher);
    for (uint64_t row = begin; row < end && lane.status == DISKANN_OK; row++) {
        search_row(searcher, lane, row);
    }
}

int BatchErrand::end(int status)
{
    for (const Lane &lane : lanes_) {
        outcome_.distances += lane.distances;
        outcome_.hops += lane.hops;
        outcome_.rounds += lane.rounds;
        const bool earlier = status == DISKANN_OK || static_cast<int64_t>(lane.row) < outcome_.failure.row;
        if (lane.status < 0 && status != DISKANN_ERR_CANCELLED && earlier) {
            status = fail(lane.status);
            outcome_.failure.row = static_cast<int64_t>(lane.row);
        }
    }
    lanes_.clear();
    leave_index();
    return status;
}

int StatsErrand::step(diskann_stage *stage)
{
    (void)stage;
    diskann_stats stats;
    diskann_index_stats(index()->core(), &stats);
    outcome_.file_bytes = stats.file_bytes;
    return DISKANN_OK;
}

int StatsErrand::end(int status)
{
    leave_index();
    return status;
}

int CloseErrand::step(diskann_stage *stage)
{
    (void)stage;
    index()->close();
    return DISKANN_OK;
}

int CloseErrand::end(int status)
{
    leave_index();
    return status;
}

} // namespace diskann_node
