/* An index whose pages the host reads, and what reads an index from end to end, beside searches on few threads. */
#include "paged_errands_world.h"

namespace {

/* ---- pages that the host reads ---- */

/* A thread that answers in any order, late, and fails what it is told to fail. */
class Reader final : public PageHost {
public:
    explicit Reader(const Saved &saved) : saved_(saved), thread_([this] { serve(); }) {}
    ~Reader() { stop(); }
    void begin(std::shared_ptr<PagedIndex> index) { index_ = std::move(index); }
    void wants_pages() override
    {
        std::lock_guard<std::mutex> lock(mutex_);
        wanted_ = true;
        changed_.notify_one();
    }
    void stop()
    {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stopped_ = true;
            changed_.notify_one();
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    std::atomic<bool> fails{false};
    std::atomic<unsigned> wrong{0};

private:
    void serve()
    {
        std::mt19937 random(3);
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return wanted_ || stopped_; });
            if (stopped_) {
                return;
            }
            wanted_ = false;
            lock.unlock();
            std::vector<diskann_request> taken = index_->take_wanted();
            std::shuffle(taken.begin(), taken.end(), random);
            for (const diskann_request &request : taken) {
                const uint8_t *bytes = fails ? nullptr : saved_.bytes.data() + request.offset;
                wrong += index_->answer(request.ticket, saved_.bytes.data(), 7);
                wrong += !index_->answer(request.ticket, bytes, request.length);
            }
            lock.lock();
        }
    }

    const Saved &saved_;
    std::shared_ptr<PagedIndex> index_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool wanted_ = false;
    bool stopped_ = false;
    std::thread thread_;
};

/* The requests of the opening are the host's too: here it is driven by hand. */
std::shared_ptr<PagedIndex> open_hosted(const std::shared_ptr<Shared> &shared, const Saved &saved, uint64_t cache_bytes,
                                        Reader &reader)
{
    diskann_op *op = nullptr;
    diskann_stage stage;
    CHECK_INT(diskann_paged_open_begin(saved.bytes.size(), 0, cache_bytes, shared->memory.allocator(), &op), DISKANN_OK);
    while (diskann_op_step(op, &stage) > 0) {
        for (uint32_t i = 0; i < stage.request_count; i++) {
            std::memcpy(stage.requests[i].buffer, saved.bytes.data() + stage.requests[i].offset, stage.requests[i].length);
            diskann_op_complete(op, stage.requests[i].ticket, DISKANN_OK);
        }
    }
    auto index = std::make_shared<PagedIndex>(shared, diskann_paged_take(op), nullptr, &reader, DIMENSIONS);
    diskann_op_end(op);
    reader.begin(index);
    return index;
}

void pages_of_the_host()
{
    const Saved saved;
    for (unsigned threads = 1; threads <= 3; threads++) {
        for (const uint64_t pages : caches) {
            const Threads pool(threads);
            Reader reader(saved);
            const std::shared_ptr<PagedIndex> index = open_hosted(pool.shared, saved, cache_for(saved, pages), reader);
            std::vector<OneSearch> searches(QUERIES);
            Batch batch;
            auto errand = std::make_unique<PagedBatchErrand>(index, saved.row(0), QUERIES, Saved::params(1), batch.out());
            CHECK_INT(errand->begin(threads), DISKANN_OK);
            Ending ending;
            Drive driven(pool.shared->pool, ending, std::move(errand), threads);
            CHECK(driven.start(false));
            for (size_t i = 0; i < QUERIES; i++) {
                searches[i].begin(index, saved.row(i), Saved::params(i));
                if (i % 7 == 0) {
                    searches[i].cancel();
                }
            }
            for (size_t i = 0; i < QUERIES; i++) {
                searches[i].wait();
                const bool cancelled = i % 7 == 0 && searches[i].status == DISKANN_ERR_CANCELLED;
                CHECK(cancelled || (searches[i].status == DISKANN_OK && is_right(saved, i, searches[i])));
            }
            ending.wait();
            CHECK_INT(driven.status(), DISKANN_OK);
            reader.fails = true;
            OneSearch last;
            last.begin(index, saved.row(0), Saved::params(0));
            last.wait();
            CHECK(last.status == DISKANN_ERR_IO || is_right(saved, 0, last)); /* all of it may be in the cache */
            last.abandon();
            index->close();
            pool.shared->stop();
            reader.stop();
            CHECK_UINT(reader.wrong, 0);
            for (OneSearch &search : searches) {
                search.abandon();
            }
        }
    }
}

/* It takes requests and goes; what they were for is dropped, and the index is freed all the same. */
void a_host_can_be_gone()
{
    const Saved saved;
    for (int moment = 0; moment < 6; moment++) {
        const Threads pool(2);
        Reader reader(saved);
        std::shared_ptr<PagedIndex> index = open_hosted(pool.shared, saved, cache_for(saved, moment), reader);
        std::vector<OneSearch> searches(QUERIES);
        if (moment == 0) {
            reader.stop();
        }
        for (size_t i = 0; i < QUERIES; i++) {
            searches[i].begin(index, saved.row(i), Saved::params(i));
        }
        usleep(static_cast<useconds_t>(moment) * 200);
        pool.shared->stop();
        reader.stop();
        index->forsake();
        for (OneSearch &search : searches) {
            search.abandon();
        }
        reader.begin(nullptr);
    }
}

/* ---- what reads all ---- */

void scans_beside_searches()
{
    const Saved saved;
    for (unsigned threads = 1; threads <= 3; threads++) {
        const Threads pool(threads);
        const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, cache_for(saved, 2));
        std::vector<OneSearch> searches(QUERIES);
        for (size_t i = 0; i < QUERIES; i++) {
            searches[i].begin(index, saved.row(i), Saved::params(i));
        }
        Batch batch;
        auto exact = std::make_unique<PagedExactErrand>(index, saved.row(9), batch.out());
        CHECK_INT(exact->begin(threads), DISKANN_OK);
        CHECK_INT((drive<PagedExactErrand>(pool.shared->pool, std::move(exact), threads, [](PagedExactErrand &) {})),
                  DISKANN_OK);
        CHECK(batch.ids[0] == 9 && batch.distances[0] == 0);
        std::vector<float> vector(DIMENSIONS);
        bool found = false;
        auto find = std::make_unique<PagedFindErrand>(index, 1234, vector.data());
        CHECK_INT((drive<PagedFindErrand>(pool.shared->pool, std::move(find), 1,
                                          [&](PagedFindErrand &ended) { found = ended.outcome().found; })),
                  DISKANN_OK);
        CHECK(found && std::equal(vector.begin(), vector.end(), saved.row(1234)));
        uint64_t total = 1;
        auto verify = std::make_unique<PagedVerifyErrand>(index);
        CHECK_INT(verify->begin(threads), DISKANN_OK);
        CHECK_INT((drive<PagedVerifyErrand>(pool.shared->pool, std::move(verify), threads,
                                            [&](PagedVerifyErrand &ended) { total = ended.outcome().finding_total; })),
                  DISKANN_OK);
        CHECK_UINT(total, 0);
        std::vector<uint8_t> copied(saved.bytes.size());
        auto copy = std::make_unique<PagedCopyErrand>(index, copied.data(), copied.size());
        CHECK_INT(copy->begin(threads), DISKANN_OK);
        CHECK_INT((drive<PagedCopyErrand>(pool.shared->pool, std::move(copy), threads, [](PagedCopyErrand &) {})), DISKANN_OK);
        CHECK(copied == saved.bytes);
        for (size_t i = 0; i < QUERIES; i++) {
            searches[i].wait();
            CHECK(searches[i].status == DISKANN_OK && is_right(saved, i, searches[i]));
        }
        pool.shared->pool.stop();
        for (OneSearch &search : searches) {
            search.abandon();
        }
    }
}

} // namespace

CHECK_MAIN(CHECK_TEST(pages_of_the_host), CHECK_TEST(a_host_can_be_gone), CHECK_TEST(scans_beside_searches))
