/*
 * The addon's threads. A plain class that knows nothing of Node, so that it is tested under a race detector by itself.
 *
 * Two queues. Short tasks (one search) go before long ones (a piece of a build, of a save, of an exact scan); a long task
 * hands itself back after each piece, so a search waits for a piece at most. Where a piece is long all the same (an fsync,
 * a slow disk), one reserve thread, which takes short tasks only, steps in.
 *
 * A thread that has just done a short task looks around for some microseconds before it sleeps: whoever awaits one search
 * after another asks again about then, and waking a thread takes as long as a quick search.
 */
#ifndef DISKANN_NODE_POOL_H
#define DISKANN_NODE_POOL_H

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace diskann_node {

class Task {
public:
    /*
     * Does a piece of work on thread `thread` (0 .. Pool::slots() - 1; a thread keeps its number). A long task that
     * returns true is queued again, behind the others; after false the pool does not touch it any more.
     */
    virtual bool run(unsigned thread) = 0;
    /* The pool stops and the task is still queued: it will never run. */
    virtual void drop() {}

protected:
    Task() = default;
    ~Task() = default;
    Task(const Task &) = delete;
    Task &operator=(const Task &) = delete;

private:
    friend class TaskQueue;
    Task *next_ = nullptr;
};

/* First in, first out; the links are in the tasks, so queueing allocates nothing. */
class TaskQueue {
public:
    bool empty() const { return head_ == nullptr; }
    unsigned count() const { return count_; }
    void push(Task *task);
    Task *pop();
    bool remove(Task *task);

private:
    Task *head_ = nullptr;
    Task *tail_ = nullptr;
    unsigned count_ = 0;
};

class Pool {
public:
    /* Starts no thread yet: they come with the work, `threads` at most, and the reserve. */
    explicit Pool(unsigned threads);
    ~Pool();
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    unsigned threads() const { return limit_; }
    /* Numbers that `Task::run` may see: the threads and the reserve. */
    unsigned slots() const { return limit_ + 1; }

    /* False: not one thread could be started, or the pool has stopped; the task stays the caller's. */
    bool submit_short(Task *task);
    bool submit_long(Task *task);
    /* True: the short task was still queued and now is not. Cost: the length of the queue. */
    bool remove_short(Task *task);
    /* Waits for the pieces under way, joins the threads and drops what is queued. Idempotent. */
    void stop();

private:
    void loop(unsigned thread);
    void reserve_loop(unsigned thread);
    void look_around(std::unique_lock<std::mutex> &lock);
    unsigned queued() const { return short_.count() + long_.count(); }
    bool must_wake() const { return idle_ > 0 && queued() > looking_; }
    void run_long(Task *task, unsigned thread, std::unique_lock<std::mutex> &lock);
    bool start_thread();
    bool ensure_threads();
    bool reserve_needed() const { return long_running_ > 0 && idle_ + looking_ == 0; }
    void ensure_reserve();

    const unsigned limit_;
    std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable reserve_work_;
    TaskQueue short_;
    TaskQueue long_;
    std::vector<std::thread> threads_;
    std::thread reserve_;
    unsigned idle_ = 0;
    unsigned looking_ = 0;              /* threads in look_around: 0 or 1 */
    std::atomic<bool> something_{false}; /* what they look at: something was queued */
    unsigned long_running_ = 0;
    bool reserve_idle_ = false;
    bool stopping_ = false;
};

} // namespace diskann_node

#endif
