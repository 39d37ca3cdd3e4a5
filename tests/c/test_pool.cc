/* The addon's threads and the drive of operations, by themselves: run under race and memory detectors. */
#include "check.h"

#include "../../node/drive.h"

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace diskann_node;

namespace {

/* Opens once; whoever waits goes on. */
class Gate {
public:
    void open()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

class Call final : public Task {
public:
    explicit Call(std::function<bool()> work) : work_(std::move(work)) {}
    bool run(unsigned thread) override
    {
        thread_ = thread;
        return work_();
    }
    void drop() override { dropped = true; }
    unsigned thread_ = 0;
    bool dropped = false;

private:
    std::function<bool()> work_;
};

void short_tasks_go_first()
{
    std::string order;
    Gate entered, leave, done;
    Pool pool(1);
    Call blocker([&] {
        entered.open();
        leave.wait();
        return false;
    });
    Call slow([&] {
        order += 'l';
        done.open();
        return false;
    });
    Call quick([&] {
        order += 's';
        return false;
    });
    CHECK(pool.submit_short(&blocker));
    entered.wait();
    CHECK(pool.submit_long(&slow));
    CHECK(pool.submit_short(&quick));
    leave.open();
    done.wait();
    pool.stop();
    CHECK_TEXT(order.c_str(), "sl");
}

void long_tasks_take_turns()
{
    std::string order;
    Gate entered, leave, done;
    Pool pool(1);
    Call blocker([&] {
        entered.open();
        leave.wait();
        return false;
    });
    const auto piece = [&](char name, unsigned count) {
        return [&, name, left = count]() mutable {
            order += name;
            if (order.size() == 6) {
                done.open();
            }
            return --left > 0;
        };
    };
    Call a(piece('a', 3)), b(piece('b', 3));
    pool.submit_short(&blocker);
    entered.wait();
    pool.submit_long(&a);
    pool.submit_long(&b);
    leave.open();
    done.wait();
    pool.stop();
    CHECK_TEXT(order.c_str(), "ababab");
}

/* The only thread is inside a long piece: the search does not wait for it. */
void reserve_steps_in()
{
    Gate entered, leave, answered;
    Pool pool(1);
    Call slow([&] {
        entered.open();
        leave.wait();
        return false;
    });
    Call quick([&] {
        answered.open();
        return false;
    });
    pool.submit_long(&slow);
    entered.wait();
    std::deque<Gate> gates(3);
    std::deque<Call> others;
    for (Gate &gate : gates) {
        others.emplace_back([&] {
            gate.open();
            return false;
        });
        CHECK(pool.submit_short(&others.back()));
        gate.wait();
    }
    CHECK(pool.submit_short(&quick));
    answered.wait();
    leave.open();
    pool.stop();
    CHECK_UINT(quick.thread_, 1);
    CHECK(!slow.dropped);
}

void stopping_drops_what_waits()
{
    Gate entered, leave;
    Pool pool(1);
    bool ran = false;
    Call running([&] {
        entered.open();
        leave.wait();
        return true;
    });
    Call waiting([&] { return ran = true; });
    Call late([] { return false; });
    std::deque<Call> probes;
    pool.submit_long(&running);
    entered.wait();
    pool.submit_long(&waiting);
    std::thread stopper([&] { pool.stop(); });
    do { /* until it takes no more */
        probes.emplace_back([&] { return ran = true; });
        std::this_thread::yield();
    } while (pool.submit_long(&probes.back()));
    leave.open();
    stopper.join();
    CHECK(running.dropped); /* it wanted to go on */
    CHECK(waiting.dropped);
    CHECK(!ran);
    CHECK(!pool.submit_short(&late));
    CHECK(!pool.submit_long(&late));
    CHECK(!late.dropped);
}

void removed_tasks_do_not_run()
{
    Gate entered, leave, done;
    bool ran = false;
    Pool pool(1);
    Call blocker([&] {
        entered.open();
        leave.wait();
        return false;
    });
    Call first([&] { return ran = true; });
    Call last([&] {
        done.open();
        return false;
    });
    pool.submit_short(&blocker);
    entered.wait();
    pool.submit_short(&first);
    pool.submit_short(&last);
    CHECK(pool.remove_short(&first));
    CHECK(!pool.remove_short(&first));
    CHECK(!pool.remove_short(&blocker));
    leave.open();
    done.wait();
    pool.stop();
    CHECK(!ran);
}

void many_submit_at_once()
{
    enum { SUBMITTERS = 4, TASKS = 500 };
    std::atomic<unsigned> runs{0};
    Gate all;
    Pool pool(4);
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < SUBMITTERS * TASKS; i++) {
        calls.push_back(std::make_unique<Call>([&, pieces = i % 3]() mutable {
            if (pieces-- > 0) {
                return true;
            }
            if (++runs == SUBMITTERS * TASKS) {
                all.open();
            }
            return false;
        }));
    }
    std::vector<std::thread> submitters;
    for (int s = 0; s < SUBMITTERS; s++) {
        submitters.emplace_back([&, s] {
            for (int i = 0; i < TASKS; i++) {
                pool.submit_long(calls[static_cast<size_t>(s * TASKS + i)].get());
            }
        });
    }
    for (std::thread &submitter : submitters) {
        submitter.join();
    }
    all.wait();
    pool.stop();
    CHECK_UINT(runs.load(), SUBMITTERS * TASKS);
}

/* ---- drive ---- */

class WaitingHost : public Drive::Host {
public:
    void on_progress() override { told++; }
    void on_requests() override { requests.open(); }
    void on_end() override { ended.open(); }
    unsigned told = 0; /* under the drive's lock */
    Gate requests;
    Gate ended;
};

/* Serial items, then parallel ones, `rounds` times, then requests. */
class Script : public Work {
public:
    Script(uint32_t workers, uint64_t items, unsigned rounds) : items_(items), rounds_(rounds)
    {
        counts = std::vector<std::atomic<unsigned>>(items);
        busy = std::vector<std::atomic<unsigned>>(workers);
    }

    int step(diskann_stage *stage) override
    {
        steps++;
        if (cancelled.load()) {
            return DISKANN_ERR_CANCELLED;
        }
        if (round_ == rounds_) {
            return finish(stage);
        }
        serial = !serial;
        round_ += serial ? 0 : 1;
        next_serial = 0;
        stage->phase = DISKANN_PHASE_LINK;
        stage->parallel = serial ? 0 : 1;
        stage->items = serial ? 17 : items_;
        stage->done = steps;
        stage->total = 100;
        return DISKANN_RUN;
    }

    void run(unsigned, uint32_t worker, uint64_t begin, uint64_t end) override
    {
        if (busy[worker].fetch_add(1) != 0) {
            overlap = true;
        }
        if (serial) {
            disorder |= begin != next_serial;
            next_serial = end;
        } else {
            for (uint64_t i = begin; i < end; i++) {
                counts[i]++;
            }
        }
        busy[worker].fetch_sub(1);
    }

    int serve(const diskann_request &request) override
    {
        if (request.kind == DISKANN_SYNC && served.load() != 3) {
            early_sync = true;
        }
        served++;
        return request.offset == fail_at ? DISKANN_ERR_IO : DISKANN_OK;
    }

    void complete(uint32_t ticket, int status) override
    {
        disorder |= ticket != completed++;
        worst = status < 0 ? status : worst;
    }

    bool host_serves() const override { return by_host; }
    void cancel() override { cancelled = true; }

    int end(int status) override
    {
        ends++;
        return status;
    }

    std::vector<std::atomic<unsigned>> counts;
    std::vector<std::atomic<unsigned>> busy;
    std::atomic<bool> cancelled{false};
    std::atomic<bool> overlap{false};
    std::atomic<unsigned> served{0};
    std::atomic<bool> early_sync{false};
    bool serial = false;
    bool disorder = false;
    bool by_host = false;
    uint64_t next_serial = 0;
    uint64_t fail_at = UINT64_MAX;
    unsigned steps = 0;
    unsigned ends = 0;
    unsigned completed = 0;
    int worst = 0;

private:
    int finish(diskann_stage *stage)
    {
        if (asked_) {
            return worst;
        }
        asked_ = true;
        requests_[0] = {DISKANN_SYNC, 0, 99, 0, nullptr};
        for (uint32_t i = 1; i < 4; i++) {
            requests_[i] = {DISKANN_WRITE, i, i, 1, nullptr};
        }
        stage->requests = requests_;
        stage->request_count = 4;
        stage->phase = DISKANN_PHASE_WRITE;
        return DISKANN_IO;
    }

    const uint64_t items_;
    const unsigned rounds_;
    unsigned round_ = 0;
    bool asked_ = false;
    diskann_request requests_[4];
};

void drives_every_item_once(uint32_t threads, uint32_t workers)
{
    enum { ITEMS = 20000, ROUNDS = 5 };
    Pool pool(threads);
    WaitingHost host;
    auto owned = std::make_unique<Script>(workers, ITEMS, ROUNDS);
    Script &script = *owned;
    Drive drive(pool, host, std::move(owned), workers);
    CHECK(drive.start(true));
    host.ended.wait();
    CHECK_INT(drive.status(), DISKANN_OK);
    unsigned wrong = 0;
    for (const std::atomic<unsigned> &count : script.counts) {
        wrong += count.load() != ROUNDS;
    }
    CHECK_UINT(wrong, 0);
    CHECK(!script.overlap);
    CHECK(!script.disorder);
    CHECK(!script.early_sync);
    CHECK_UINT(script.ends, 1);
    CHECK_UINT(script.completed, 4);
    CHECK_UINT(script.steps, 2 * ROUNDS + 2);
    CHECK(host.told >= 2);
    CHECK_UINT(drive.progress().phase, DISKANN_PHASE_WRITE);
}

void drives_with_one_thread()
{
    drives_every_item_once(1, 1);
    drives_every_item_once(1, 4);
}

void drives_with_many_threads()
{
    for (int i = 0; i < 5; i++) {
        drives_every_item_once(4, 4);
    }
    drives_every_item_once(4, 2);
}

void failed_request_ends_it()
{
    Pool pool(2);
    WaitingHost host;
    auto owned = std::make_unique<Script>(2, 10, 1);
    Script &script = *owned;
    script.fail_at = 2;
    Drive drive(pool, host, std::move(owned), 2);
    drive.start(false);
    host.ended.wait();
    CHECK_INT(drive.status(), DISKANN_ERR_IO);
    CHECK_UINT(script.completed, 4);
    CHECK_UINT(script.ends, 1);
    CHECK_UINT(host.told, 0);
}

void host_serves_requests()
{
    Pool pool(2);
    WaitingHost host;
    auto owned = std::make_unique<Script>(2, 10, 1);
    Script &script = *owned;
    script.by_host = true;
    Drive drive(pool, host, std::move(owned), 2);
    drive.start(false);
    host.requests.wait();
    CHECK_UINT(drive.stage().request_count, 4);
    CHECK_UINT(script.served.load(), 0);
    drive.resume(DISKANN_OK);
    host.ended.wait();
    CHECK_INT(drive.status(), DISKANN_OK);
    CHECK_UINT(script.completed, 4);
}

void cancel_at_any_moment()
{
    for (int i = 0; i < 10; i++) {
        Pool pool(3);
        WaitingHost host;
        auto owned = std::make_unique<Script>(3, 100000, 1000000);
        Script &script = *owned;
        Drive drive(pool, host, std::move(owned), 3);
        drive.start(true);
        std::thread other([&] {
            for (int spin = 0; spin < i * 300; spin++) {
                std::this_thread::yield();
            }
            drive.cancel();
        });
        host.ended.wait();
        other.join();
        drive.cancel(); /* nothing after the end */
        CHECK_INT(drive.status(), DISKANN_ERR_CANCELLED);
        CHECK_UINT(script.ends, 1);
    }
}

/* What an exit does: the pool stops wherever things are, then the work is ended on this thread. */
void stop_at_any_moment()
{
    for (int i = 0; i < 10; i++) {
        Pool pool(3);
        WaitingHost host;
        auto owned = std::make_unique<Script>(3, 100000, 1000000);
        Script &script = *owned;
        Drive drive(pool, host, std::move(owned), 3);
        drive.start(true);
        for (int spin = 0; spin < i * 300; spin++) {
            std::this_thread::yield();
        }
        pool.stop();
        CHECK_UINT(script.ends, 0);
        drive.abandon();
        drive.abandon();
        CHECK_UINT(script.ends, 1);
        CHECK_INT(drive.status(), DISKANN_ERR_CANCELLED);
    }
}

} // namespace

CHECK_MAIN(CHECK_TEST(short_tasks_go_first), CHECK_TEST(long_tasks_take_turns), CHECK_TEST(reserve_steps_in),
           CHECK_TEST(stopping_drops_what_waits), CHECK_TEST(removed_tasks_do_not_run), CHECK_TEST(many_submit_at_once),
           CHECK_TEST(drives_with_one_thread), CHECK_TEST(drives_with_many_threads), CHECK_TEST(failed_request_ends_it),
           CHECK_TEST(host_serves_requests), CHECK_TEST(cancel_at_any_moment), CHECK_TEST(stop_at_any_moment))
