#include "paged.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace diskann_node {

void QueryQueue::push(PagedQuery &query)
{
    query.queue_ = this;
    query.next_ = nullptr;
    (tail_ != nullptr ? tail_->next_ : head_) = &query;
    tail_ = &query;
}

void QueryQueue::push_front(PagedQuery &query)
{
    query.queue_ = this;
    query.next_ = head_;
    head_ = &query;
    tail_ = tail_ != nullptr ? tail_ : &query;
}

PagedQuery *QueryQueue::pop()
{
    PagedQuery *query = head_;
    if (query != nullptr) {
        remove(*query);
    }
    return query;
}

void QueryQueue::remove(PagedQuery &query)
{
    PagedQuery *before = nullptr;
    for (PagedQuery *at = head_; at != &query; at = at->next_) {
        before = at;
    }
    (before != nullptr ? before->next_ : head_) = query.next_;
    tail_ = tail_ == &query ? before : tail_;
    query.queue_ = nullptr;
}

/* A read that takes its time, on a thread for such. */
class PagedRead final : public Task {
public:
    PagedRead(std::shared_ptr<PagedIndex> index, const diskann_request &request)
        : index_(std::move(index)), request_(request)
    {
    }
    bool run(unsigned) override
    {
        const int status = index_->read(request_);
        {
            PagedIndex::Lock lock(index_->mutex_);
            index_->complete(request_.ticket, status);
        }
        delete this;
        return false;
    }
    /* Nobody will search any more. */
    void drop() override
    {
        {
            PagedIndex::Lock lock(index_->mutex_);
            index_->end_read();
        }
        delete this;
    }

private:
    const std::shared_ptr<PagedIndex> index_;
    const diskann_request request_;
};

/* ---- waiting and waking: all with the lock held ---- */

void PagedIndex::put_aside(PagedQuery &query, bool for_pages)
{
    if (for_pages) {
        for_pages_.push(query);
    } else if (query.was_first_) {
        for_room_.push_front(query);
    } else {
        for_room_.push(query);
    }
}

/* Only the first: should it find no room, there is none for those behind it; if it does, its step wakes the next. */
void PagedIndex::wake_for_room()
{
    if (PagedQuery *query = for_room_.pop()) {
        query->was_first_ = true;
        query->wake();
    }
}

void PagedIndex::wake_for_pages()
{
    while (PagedQuery *query = for_pages_.pop()) {
        query->wake();
    }
}

void PagedIndex::pass_turn(PagedQuery &query)
{
    if (!query.has_turn_) {
        return;
    }
    query.has_turn_ = false;
    if (PagedQuery *next = for_turn_.pop()) {
        next->has_turn_ = true;
        next->wake();
    } else {
        turns_--;
    }
}

void PagedIndex::end_read()
{
    if (--reads_ == 0) {
        reads_ended_.notify_all();
    }
}

void PagedIndex::complete(uint32_t ticket, int status)
{
    diskann_paged_complete(core_, ticket, status);
    end_read();
    wake_for_pages();
    wake_for_room();
}

/* ---- reads ---- */

int PagedIndex::read(const diskann_request &request)
{
    if (file_->read_at(request.offset, request.buffer, request.length)) {
        return DISKANN_OK;
    }
    FileError error = file_->take_error();
    Lock lock(mutex_);
    error_ = error ? std::move(error) : error_;
    return DISKANN_ERR_IO;
}

bool PagedIndex::hand_over(const diskann_request &request)
{
    PagedRead *task = new (std::nothrow) PagedRead(shared_from_this(), request);
    if (task == nullptr) {
        return false;
    }
    const bool taken = shared_->readers.submit_long(task);
    if (!taken) {
        delete task;
    }
    return taken;
}

/* Of a round all or none. False: no memory, or no host any more. */
bool PagedIndex::ask_host(const diskann_stage &stage)
{
    if (host_ == nullptr) {
        return false;
    }
    try {
        wanted_.reserve(wanted_.size() + stage.request_count);
        asked_.reserve(asked_.size() + wanted_.size() + stage.request_count);
    } catch (const std::bad_alloc &) {
        return false;
    }
    wanted_.insert(wanted_.end(), stage.requests, stage.requests + stage.request_count);
    host_->wants_pages();
    return true;
}

std::vector<diskann_request> PagedIndex::take_wanted()
{
    Lock lock(mutex_);
    asked_.insert(asked_.end(), wanted_.begin(), wanted_.end()); /* reserved */
    return std::exchange(wanted_, {});
}

bool PagedIndex::answer(uint32_t ticket, const uint8_t *bytes, size_t length)
{
    Lock lock(mutex_);
    const auto is_it = [ticket](const diskann_request &request) { return request.ticket == ticket; };
    const auto found = std::find_if(asked_.begin(), asked_.end(), is_it);
    if (found == asked_.end() || (bytes != nullptr && length != found->length)) {
        return false;
    }
    if (bytes != nullptr) {
        std::memcpy(found->buffer, bytes, length);
    }
    *found = asked_.back();
    asked_.pop_back();
    complete(ticket, bytes != nullptr ? DISKANN_OK : DISKANN_ERR_IO);
    return true;
}

void PagedIndex::forsake()
{
    Lock lock(mutex_);
    host_ = nullptr;
    reads_ -= static_cast<uint32_t>(wanted_.size() + asked_.size());
    wanted_.clear();
    asked_.clear();
}

/* The requests are copied: they are good until the next step only, and that may be another thread's. */
void PagedIndex::serve(const diskann_stage &stage, Lock &lock)
{
    diskann_request requests[DISKANN_BEAM_WIDTH_MAX];
    int statuses[DISKANN_BEAM_WIDTH_MAX];
    const uint32_t count = stage.request_count;
    std::copy(stage.requests, stage.requests + count, requests);
    reads_ += count;
    if (file_ == nullptr) {
        const bool asked = ask_host(stage);
        for (uint32_t i = 0; !asked && i < count; i++) {
            complete(stage.requests[i].ticket, DISKANN_ERR_IO);
        }
        return;
    }
    lock.unlock();
    for (uint32_t i = 0; i < count; i++) {
        const diskann_request &request = requests[i];
        statuses[i] = file_->try_read_at(request.offset, request.buffer, request.length) ? DISKANN_OK
                      : hand_over(request)                                               ? DISKANN_WAIT
                                                                                         : read(request);
    }
    lock.lock();
    for (uint32_t i = 0; i < count; i++) {
        if (statuses[i] != DISKANN_WAIT) {
            complete(requests[i].ticket, statuses[i]);
        }
    }
}

/* ---- searches ---- */

int PagedIndex::begin(PagedQuery &query, const float *vector, const diskann_search_params &params)
{
    if (query.cancelled_) {
        return DISKANN_ERR_CANCELLED;
    }
    if (!query.has_turn_ && turns_ == TURNS) {
        for_turn_.push(query);
        return DISKANN_WAIT;
    }
    turns_ += query.has_turn_ ? 0 : 1;
    query.has_turn_ = true;
    return core_ != nullptr ? diskann_paged_search_begin(core_, vector, &params, &query.op_)
                            : static_cast<int>(DISKANN_ERR_CLOSED);
}

int PagedIndex::go(PagedQuery &query, const float *vector, const diskann_search_params &params)
{
    Lock lock(mutex_);
    int status = query.op_ == nullptr ? begin(query, vector, params) : static_cast<int>(DISKANN_OK);
    if (status != DISKANN_OK) {
        return status;
    }
    for (;;) {
        diskann_stage stage;
        status = diskann_op_step(query.op_, &stage);
        if (status == DISKANN_WAIT) {
            put_aside(query, stage.phase == DISKANN_PHASE_READ);
            return status;
        }
        query.was_first_ = false;
        wake_for_room();
        if (status <= 0) {
            return status;
        }
        if (status == DISKANN_IO) {
            serve(stage, lock);
            continue;
        }
        diskann_op *op = query.op_;
        lock.unlock();
        diskann_op_run(op, 0, 0, stage.items);
        lock.lock();
    }
}

void PagedIndex::finish(PagedQuery &query, int status, PagedAnswer *answer)
{
    Lock lock(mutex_);
    if (query.queue_ != nullptr) {
        query.queue_->remove(query);
    }
    if (answer != nullptr) {
        answer->count = 0;
        answer->counters = {};
        answer->failure = {status, 0, DISKANN_NOWHERE, DISKANN_NOWHERE, 0};
    }
    if (answer != nullptr && query.op_ != nullptr) {
        if (status == DISKANN_OK) {
            diskann_paged_search_take(query.op_, answer->ids, answer->distances, &answer->count, &answer->counters);
        } else {
            diskann_op_failure(query.op_, &answer->failure);
        }
    }
    diskann_op_end(query.op_);
    query.op_ = nullptr;
    query.was_first_ = false;
    pass_turn(query);
    wake_for_room();
}

void PagedIndex::cancel(PagedQuery &query)
{
    Lock lock(mutex_);
    query.cancelled_ = true;
    if (query.op_ != nullptr) {
        diskann_op_cancel(query.op_);
    }
    if (query.queue_ != nullptr) {
        query.queue_->remove(query);
        query.wake();
    }
}

/* ---- the rest ---- */

int PagedIndex::stats(diskann_stats *out)
{
    Lock lock(mutex_);
    if (core_ == nullptr) {
        return DISKANN_ERR_CLOSED;
    }
    diskann_paged_stats(core_, out);
    return DISKANN_OK;
}

bool PagedIndex::is_closed()
{
    Lock lock(mutex_);
    return core_ == nullptr;
}

FileError PagedIndex::error()
{
    Lock lock(mutex_);
    return error_;
}

void PagedIndex::close()
{
    Lock lock(mutex_);
    reads_ended_.wait(lock, [this] { return reads_ == 0; });
    diskann_paged_destroy(core_);
    core_ = nullptr;
    host_ = nullptr;
    if (file_ != nullptr) {
        file_->close();
    }
}

} // namespace diskann_node
