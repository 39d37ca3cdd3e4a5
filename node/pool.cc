#include "pool.h"

#include <chrono>
#include <system_error>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace diskann_node {

namespace {

constexpr std::chrono::microseconds look_time(30);
constexpr int looks_per_clock = 16;

inline void relax()
{
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
    __asm__ volatile("yield");
#endif
}

} // namespace

void TaskQueue::push(Task *task)
{
    task->next_ = nullptr;
    if (tail_ != nullptr) {
        tail_->next_ = task;
    } else {
        head_ = task;
    }
    tail_ = task;
    count_++;
}

Task *TaskQueue::pop()
{
    Task *task = head_;
    if (task != nullptr) {
        head_ = task->next_;
        if (head_ == nullptr) {
            tail_ = nullptr;
        }
        count_--;
    }
    return task;
}

bool TaskQueue::remove(Task *task)
{
    Task *before = nullptr;
    for (Task *at = head_; at != nullptr; before = at, at = at->next_) {
        if (at != task) {
            continue;
        }
        (before != nullptr ? before->next_ : head_) = at->next_;
        if (tail_ == at) {
            tail_ = before;
        }
        count_--;
        return true;
    }
    return false;
}

Pool::Pool(unsigned threads) : limit_(threads > 0 ? threads : 1)
{
    threads_.reserve(limit_);
}

Pool::~Pool()
{
    stop();
}

bool Pool::start_thread()
{
    const unsigned number = static_cast<unsigned>(threads_.size());
    try {
        threads_.emplace_back([this, number] { loop(number); });
    } catch (const std::system_error &) {
        return false; /* the system gives no more threads: those there are do the work */
    }
    return true;
}

/* Enough threads for what is queued. Called with the lock held. */
bool Pool::ensure_threads()
{
    if (queued() > idle_ + looking_ && threads_.size() < limit_) {
        start_thread();
    }
    return !threads_.empty();
}

void Pool::ensure_reserve()
{
    if (reserve_.joinable()) {
        return;
    }
    try {
        reserve_ = std::thread([this] { reserve_loop(limit_); });
    } catch (const std::system_error &) {
        /* without it searches wait for the pieces of long tasks */
    }
}

bool Pool::submit_short(Task *task)
{
    bool wake = false;
    bool wake_reserve = false;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (stopping_) {
            return false;
        }
        short_.push(task);
        if (!ensure_threads()) {
            short_.remove(task);
            return false;
        }
        something_.store(true, std::memory_order_relaxed);
        wake = must_wake();
        if (!wake && reserve_needed()) {
            ensure_reserve();
            wake_reserve = reserve_idle_;
        }
    }
    if (wake) {
        work_.notify_one();
    } else if (wake_reserve) {
        reserve_work_.notify_one();
    }
    return true;
}

bool Pool::submit_long(Task *task)
{
    bool wake = false;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (stopping_) {
            return false;
        }
        long_.push(task);
        if (!ensure_threads()) {
            /* No thread has ever run, so nobody else took it. */
            long_.remove(task);
            return false;
        }
        something_.store(true, std::memory_order_relaxed);
        wake = must_wake();
    }
    if (wake) {
        work_.notify_one();
    }
    return true;
}

bool Pool::remove_short(Task *task)
{
    std::lock_guard<std::mutex> lock(mutex_);
    return short_.remove(task);
}

/* Only one thread at a time: more would take the cores from those who have work. */
void Pool::look_around(std::unique_lock<std::mutex> &lock)
{
    looking_++;
    something_.store(false, std::memory_order_relaxed);
    lock.unlock();
    const auto deadline = std::chrono::steady_clock::now() + look_time;
    int looks = 0;
    while (!something_.load(std::memory_order_relaxed)) {
        relax();
        if (++looks % looks_per_clock == 0 && std::chrono::steady_clock::now() >= deadline) {
            break;
        }
    }
    lock.lock();
    looking_--;
}

void Pool::run_long(Task *task, unsigned thread, std::unique_lock<std::mutex> &lock)
{
    long_running_++;
    lock.unlock();
    const bool again = task->run(thread);
    lock.lock();
    long_running_--;
    if (again) {
        long_.push(task);
    }
}

void Pool::loop(unsigned thread)
{
    std::unique_lock<std::mutex> lock(mutex_);
    bool looks = false;
    while (!stopping_) {
        if (Task *task = short_.pop()) {
            lock.unlock();
            task->run(thread);
            lock.lock();
            looks = limit_ > 1;
        } else if (Task *piece = long_.pop()) {
            run_long(piece, thread, lock);
            looks = false;
        } else if (looks && looking_ == 0) {
            look_around(lock);
            looks = false;
        } else {
            idle_++;
            work_.wait(lock);
            idle_--;
        }
    }
}

void Pool::reserve_loop(unsigned thread)
{
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_) {
        Task *task = reserve_needed() ? short_.pop() : nullptr;
        if (task != nullptr) {
            lock.unlock();
            task->run(thread);
            lock.lock();
        } else {
            reserve_idle_ = true;
            reserve_work_.wait(lock);
            reserve_idle_ = false;
        }
    }
}

void Pool::stop()
{
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (stopping_) {
            return;
        }
        stopping_ = true;
    }
    work_.notify_all();
    reserve_work_.notify_all();
    for (std::thread &thread : threads_) {
        thread.join();
    }
    if (reserve_.joinable()) {
        reserve_.join();
    }
    while (Task *task = short_.pop()) {
        task->drop();
    }
    while (Task *task = long_.pop()) {
        task->drop();
    }
}

} // namespace diskann_node
