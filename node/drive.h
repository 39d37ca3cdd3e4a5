/*
 * Drives one long operation through its stages on the pool (the loop at the top of diskann.h). Knows nothing of Node.
 *
 * The operation has as many slots as workers; a slot is a task of the pool and lends its number to the thread that runs
 * it. One slot steps; when a stage has items, the others are woken, and each takes ranges until none is left. Whoever
 * finishes the last item steps next. A range lasts about half a millisecond, so that searches get in between.
 *
 *   step --RUN--> items --last item--> step          step --IO--> requests --last--> step
 *   step --IO, served by the host--> host --resume--> step          step --OK or error--> ended, once all slots rest
 */
#ifndef DISKANN_NODE_DRIVE_H
#define DISKANN_NODE_DRIVE_H

#include "../csrc/include/diskann.h"
#include "pool.h"

#include <chrono>
#include <memory>

namespace diskann_node {

/* What is driven. All but `cancel` are called by one thread at a time, except `run` and `serve` within a stage. */
class Work {
public:
    virtual ~Work() = default;
    /* As diskann_op_step. */
    virtual int step(diskann_stage *stage) = 0;
    /* Items [begin, end) as `worker`, on thread `thread` of the pool. */
    virtual void run(unsigned thread, uint32_t worker, uint64_t begin, uint64_t end) = 0;
    /* One request; DISKANN_OK or DISKANN_ERR_IO. Not used where host_serves() is true. */
    virtual int serve(const diskann_request &request);
    virtual void complete(uint32_t ticket, int status);
    /* True: requests wait for Drive::resume. */
    virtual bool host_serves() const { return false; }
    /* From any thread, before `end`. */
    virtual void cancel() = 0;
    /*
     * Called once, after the last step or instead of it (DISKANN_ERR_CANCELLED): keeps results, frees the rest.
     * Returns the status to report.
     */
    virtual int end(int status) = 0;
};

struct Progress {
    uint32_t phase = 0;
    uint64_t done = 0;
    uint64_t total = 0;
};

class Drive {
public:
    /* Calls come from pool threads, one at a time; `on_progress` with the drive's lock held. */
    class Host {
    public:
        virtual void on_progress() = 0;
        /* Requests of `stage()` wait; go on with resume(). */
        virtual void on_requests() = 0;
        /* The drive rests and may be destroyed. Always the last call. */
        virtual void on_end() = 0;

    protected:
        ~Host() = default;
    };

    /* Throws std::bad_alloc. `host` and `pool` live longer than the drive. */
    Drive(Pool &pool, Host &host, std::unique_ptr<Work> work, uint32_t workers);
    ~Drive();
    Drive(const Drive &) = delete;
    Drive &operator=(const Drive &) = delete;

    Work &work() { return *work_; }
    /* False: no thread; nothing has happened. */
    bool start(bool wants_progress);
    bool started() const { return state_ != State::fresh; }
    /* From any thread; nothing after the end. */
    void cancel();
    /* After on_requests: all requests of the stage have ended with `status`. */
    void resume(int status);
    const diskann_stage &stage() const { return stage_; }
    /* After on_end. */
    int status() const { return status_; }
    Progress progress();
    /* With the pool stopped, or before start: ends the work where it is. Idempotent. */
    void abandon();

private:
    enum class State { fresh, step, items, requests, host, ended };
    using Clock = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;

    class Slot : public Task {
    public:
        bool run(unsigned thread) override { return drive->turn(*this, thread); }
        Drive *drive = nullptr;
        uint32_t worker = 0;
        bool active = false; /* queued or running */
    };

    bool turn(Slot &slot, unsigned thread);
    bool proceed(Slot &slot, unsigned thread, Lock &lock);
    void step(Lock &lock);
    void enter_stage(int status);
    void wake_workers();
    bool take_items(Slot &slot, unsigned thread, Lock &lock);
    bool take_request(Slot &slot, Lock &lock);
    void complete_requests(Lock &lock);
    uint64_t range_length() const;
    void measure(uint64_t items, Clock::duration elapsed);
    void note_progress();

    Pool &pool_;
    Host &host_;
    std::unique_ptr<Work> work_;
    const uint32_t workers_;
    std::unique_ptr<Slot[]> slots_;

    std::mutex mutex_; /* guards all below */
    State state_ = State::fresh;
    uint32_t active_ = 0;
    uint32_t driver_ = 0; /* the slot that steps */
    bool finished_ = false; /* Work::end was called */
    int status_ = 0;
    diskann_stage stage_ = {};
    uint64_t next_ = 0; /* items handed out */
    uint64_t done_ = 0;
    uint64_t last_range_ = 0;
    double item_seconds_ = 0;
    int request_status_ = 0;
    bool wants_progress_ = false;
    Progress progress_;
    Clock::time_point told_;
    bool told_once_ = false;
};

} // namespace diskann_node

#endif
