#include "drive.h"

#include <algorithm>

namespace diskann_node {

namespace {

constexpr std::chrono::microseconds range_time(500);
constexpr std::chrono::milliseconds progress_pause(33);
constexpr uint64_t range_growth = 8; /* the time of an item is a guess until a range has been timed */

} // namespace

int Work::serve(const diskann_request &request)
{
    (void)request;
    return DISKANN_ERR_IO;
}

void Work::complete(uint32_t ticket, int status)
{
    (void)ticket;
    (void)status;
}

Drive::Drive(Pool &pool, Host &host, std::unique_ptr<Work> work, uint32_t workers)
    : pool_(pool), host_(host), work_(std::move(work)), workers_(workers), slots_(new Slot[workers])
{
    for (uint32_t i = 0; i < workers; i++) {
        slots_[i].drive = this;
        slots_[i].worker = i;
    }
}

Drive::~Drive()
{
    abandon();
}

bool Drive::start(bool wants_progress)
{
    Lock lock(mutex_);
    wants_progress_ = wants_progress;
    state_ = State::step;
    slots_[0].active = true;
    active_ = 1;
    if (pool_.submit_long(&slots_[0])) {
        return true;
    }
    slots_[0].active = false;
    active_ = 0;
    state_ = State::fresh;
    return false;
}

void Drive::cancel()
{
    Lock lock(mutex_);
    if (!finished_) {
        work_->cancel();
    }
}

void Drive::abandon()
{
    if (!finished_) {
        finished_ = true;
        state_ = State::ended;
        status_ = work_->end(DISKANN_ERR_CANCELLED);
    }
}

Progress Drive::progress()
{
    Lock lock(mutex_);
    return progress_;
}

/* One turn of a slot on a thread. The last slot to come to rest after the end tells the host, holding nothing. */
bool Drive::turn(Slot &slot, unsigned thread)
{
    const Clock::time_point deadline = Clock::now() + range_time;
    Lock lock(mutex_);
    while (proceed(slot, thread, lock)) {
        if (Clock::now() >= deadline) {
            return true;
        }
    }
    slot.active = false;
    active_--;
    const bool ended = state_ == State::ended && active_ == 0;
    const bool waits = state_ == State::host && slot.worker == driver_;
    lock.unlock();
    if (ended) {
        host_.on_end();
    } else if (waits) {
        host_.on_requests();
    }
    return false;
}

/* False: there is nothing for this slot. */
bool Drive::proceed(Slot &slot, unsigned thread, Lock &lock)
{
    const bool drives = slot.worker == driver_;
    switch (state_) {
    case State::step:
        if (drives) {
            step(lock);
        }
        return drives;
    case State::items:
        return (drives || stage_.parallel != 0) && take_items(slot, thread, lock);
    case State::requests:
        return take_request(slot, lock);
    default:
        return false;
    }
}

void Drive::step(Lock &lock)
{
    diskann_stage stage = {};
    lock.unlock();
    const int status = work_->step(&stage);
    lock.lock();
    stage_ = stage;
    enter_stage(status);
    if (state_ != State::ended) {
        return;
    }
    finished_ = true; /* from here on cancel() leaves the work alone */
    lock.unlock();
    const int reported = work_->end(status);
    lock.lock();
    status_ = reported;
}

void Drive::enter_stage(int status)
{
    next_ = 0;
    done_ = 0;
    last_range_ = 0;
    item_seconds_ = 0;
    request_status_ = DISKANN_OK;
    if (status <= 0) {
        state_ = State::ended;
        status_ = status;
        return;
    }
    if (status == DISKANN_IO) {
        stage_.items = stage_.request_count;
        stage_.parallel = 1;
        state_ = work_->host_serves() ? State::host : State::requests;
    } else {
        state_ = State::items;
    }
    if (stage_.items == 0) {
        state_ = State::step;
    }
    note_progress();
    wake_workers();
}

void Drive::wake_workers()
{
    if (state_ != State::requests && (state_ != State::items || stage_.parallel == 0)) {
        return;
    }
    const uint64_t helpers = std::min<uint64_t>(stage_.items, workers_) - 1;
    uint64_t woken = 0;
    for (uint32_t i = 0; i < workers_ && woken < helpers; i++) {
        if (slots_[i].active) {
            woken += i != driver_ ? 1 : 0;
        } else if (pool_.submit_long(&slots_[i])) {
            slots_[i].active = true;
            active_++;
            woken++;
        }
    }
}

/* As many items as fit half a millisecond, but leave some for the others near the end. */
uint64_t Drive::range_length() const
{
    if (item_seconds_ <= 0) {
        return 1;
    }
    const double fitting = std::chrono::duration<double>(range_time).count() / item_seconds_;
    uint64_t length = last_range_ * range_growth;
    if (fitting < static_cast<double>(length)) {
        length = static_cast<uint64_t>(fitting);
    }
    if (stage_.parallel != 0 && workers_ > 1) {
        length = std::min(length, (stage_.items - next_) / (2 * static_cast<uint64_t>(workers_)));
    }
    return std::max<uint64_t>(length, 1);
}

void Drive::measure(uint64_t items, Clock::duration elapsed)
{
    const double seconds = std::chrono::duration<double>(elapsed).count() / static_cast<double>(items);
    item_seconds_ = std::max(item_seconds_ > 0 ? (item_seconds_ + seconds) / 2 : seconds, 1e-9);
    last_range_ = items;
}

bool Drive::take_items(Slot &slot, unsigned thread, Lock &lock)
{
    if (next_ == stage_.items) {
        return false;
    }
    const uint64_t begin = next_;
    const uint64_t end = begin + std::min(range_length(), stage_.items - begin);
    next_ = end;
    lock.unlock();
    const Clock::time_point before = Clock::now();
    work_->run(thread, slot.worker, begin, end);
    const Clock::duration elapsed = Clock::now() - before;
    lock.lock();
    measure(end - begin, elapsed);
    done_ += end - begin;
    if (done_ == stage_.items) {
        driver_ = slot.worker;
        state_ = State::step;
    }
    return true;
}

/* A SYNC waits until all else is served: it is the last one's to do. */
bool Drive::take_request(Slot &slot, Lock &lock)
{
    if (next_ == stage_.items) {
        return false;
    }
    const diskann_request &request = stage_.requests[next_++];
    if (request.kind != DISKANN_SYNC) {
        lock.unlock();
        const int status = work_->serve(request);
        lock.lock();
        request_status_ = status != DISKANN_OK ? status : request_status_;
    }
    done_++;
    if (done_ == stage_.items) {
        driver_ = slot.worker;
        state_ = State::step;
        complete_requests(lock);
    }
    return true;
}

void Drive::complete_requests(Lock &lock)
{
    int status = request_status_;
    lock.unlock();
    for (uint32_t i = 0; i < stage_.request_count; i++) {
        const diskann_request &request = stage_.requests[i];
        if (status == DISKANN_OK && request.kind == DISKANN_SYNC) {
            status = work_->serve(request);
        }
    }
    for (uint32_t i = 0; i < stage_.request_count; i++) {
        work_->complete(stage_.requests[i].ticket, status);
    }
    lock.lock();
}

void Drive::resume(int status)
{
    Lock lock(mutex_);
    request_status_ = status;
    complete_requests(lock);
    state_ = State::step;
    Slot &slot = slots_[driver_];
    slot.active = true;
    active_++;
    pool_.submit_long(&slot); /* a stopped pool needs no further step */
}

void Drive::note_progress()
{
    const bool same_phase = stage_.phase == progress_.phase;
    progress_ = {stage_.phase, stage_.done, stage_.total};
    if (!wants_progress_ || stage_.phase == DISKANN_PHASE_NONE) {
        return;
    }
    const Clock::time_point now = Clock::now();
    if (told_once_ && same_phase && now - told_ < progress_pause) {
        return;
    }
    told_ = now;
    told_once_ = true;
    host_.on_progress();
}

} // namespace diskann_node
