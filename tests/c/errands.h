/* What drives an errand of the addon in a test: threads, and somebody who waits for the end. */
#ifndef DISKANN_TESTS_ERRANDS_H
#define DISKANN_TESTS_ERRANDS_H

#include "check.h"

#include "../../node/work.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace diskann_node {

class Ending final : public Drive::Host {
public:
    void on_progress() override {}
    void on_requests() override { tell(requested_); }
    void on_end() override { tell(ended_); }
    void wait() { await(ended_); }
    void wait_requests()
    {
        await(requested_);
        requested_ = false;
    }

private:
    void tell(bool &flag)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        flag = true;
        changed_.notify_all();
    }
    void await(const bool &flag)
    {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return flag; });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
    bool requested_ = false;
};

/* As the addon does: the pool is stopped before the last reference can go, for one of its threads may hold that. */
class Threads {
public:
    explicit Threads(unsigned threads) : shared(std::make_shared<Shared>(threads)) {}
    ~Threads()
    {
        shared->stop();
        CHECK_INT(shared->memory.bytes(), 0);
    }
    const std::shared_ptr<Shared> shared;
};

/* Drives an errand to its end; the outcome stays in it. */
template <class E> int drive(Pool &pool, std::unique_ptr<E> errand, uint32_t workers, std::function<void(E &)> look)
{
    Ending ending;
    E &looked_at = *errand;
    Drive driven(pool, ending, std::move(errand), workers);
    CHECK(driven.start(false));
    ending.wait();
    look(looked_at);
    return driven.status();
}

} // namespace diskann_node

#endif
