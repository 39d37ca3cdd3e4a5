/*
 * An index in its file, over the real core and a real file: many searches and batches at once on few threads, aborted at any
 * moment, with reads on the spot and reads that take their time.
 */
#include "errands.h"

#include "../../node/paged_work.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace diskann_node;

namespace {

enum { DIMENSIONS = 24, ROWS = 2000, K = 6, QUERIES = 120 };

std::vector<float> make_rows(size_t rows)
{
    std::vector<float> values(rows * DIMENSIONS);
    uint64_t state = 99;
    for (float &value : values) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        value = static_cast<float>(state >> 56);
    }
    return values;
}

/* A file, and the answers that it should give. */
class Saved {
public:
    Saved() : rows(make_rows(ROWS))
    {
        diskann_config config;
        diskann_op *op = nullptr;
        diskann_config_init(&config, DIMENSIONS);
        config.max_degree = 16;
        config.build_list_size = 40;
        config.codes = DISKANN_CODES_1BIT;
        CHECK_INT(diskann_index_create(&config, nullptr, &core), DISKANN_OK);
        CHECK_INT(diskann_build_begin(core, 1, &op), DISKANN_OK);
        CHECK_INT(diskann_op_rows(op, rows.data(), DISKANN_F32, nullptr, ROWS), DISKANN_OK);
        CHECK_INT(diskann_op_finish(op), DISKANN_OK);
        diskann_op_end(op);
        diskann_index_stats(core, &stats);
        bytes.resize(stats.file_bytes);
        write_core();
        char name[] = "/tmp/diskann-paged-XXXXXX";
        const int descriptor = mkstemp(name);
        path = name;
        CHECK(descriptor >= 0 && pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
        ::close(descriptor);
        answer_all();
    }
    ~Saved()
    {
        diskann_index_destroy(core);
        unlink(path.c_str());
    }
    const float *row(size_t i) const { return rows.data() + i * DIMENSIONS; }
    static diskann_search_params params(size_t i)
    {
        static const uint32_t widths[] = {1, 4, 2, 8};
        return {K, 20 + static_cast<uint32_t>(i) % 30, widths[i % 4], static_cast<uint32_t>(i / 4 % 2), 0};
    }

    const std::vector<float> rows;
    diskann_index *core = nullptr;
    diskann_stats stats = {};
    std::vector<uint8_t> bytes;
    std::string path;
    std::vector<uint64_t> ids;
    std::vector<float> distances;

private:
    void write_core()
    {
        diskann_op *op = nullptr;
        diskann_stage stage;
        CHECK_INT(diskann_save_begin(core, 1, &op), DISKANN_OK);
        for (int status; (status = diskann_op_step(op, &stage)) > 0;) {
            if (status == DISKANN_RUN) {
                diskann_op_run(op, 0, 0, stage.items);
            }
            for (uint32_t i = 0; status == DISKANN_IO && i < stage.request_count; i++) {
                const diskann_request request = stage.requests[i];
                if (request.kind == DISKANN_WRITE) {
                    std::memcpy(bytes.data() + request.offset, request.buffer, request.length);
                }
                diskann_op_complete(op, request.ticket, DISKANN_OK);
            }
        }
        diskann_op_end(op);
    }
    void answer_all()
    {
        diskann_searcher *searcher = nullptr;
        ids.resize(QUERIES * K);
        distances.resize(QUERIES * K);
        CHECK_INT(diskann_searcher_create(core, &searcher), DISKANN_OK);
        for (size_t i = 0; i < QUERIES; i++) {
            const diskann_search_params wanted = params(i);
            uint32_t count = 0;
            diskann_search(searcher, row(i), &wanted, &ids[i * K], &distances[i * K], &count, nullptr);
            CHECK_UINT(count, K);
        }
        diskann_searcher_destroy(searcher);
    }
};

/* The system keeps nothing of the file in memory, where it can: reads take their time. */
void forget(const std::string &path)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY);
    fsync(descriptor);
#if defined(POSIX_FADV_DONTNEED)
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
#endif
    ::close(descriptor);
}

std::shared_ptr<PagedIndex> open(const std::shared_ptr<Shared> &shared, const std::string &path, uint64_t cache_bytes)
{
    std::shared_ptr<PagedIndex> index;
    auto errand = std::make_unique<PagedOpenErrand>(shared, DISKANN_SIMD_AUTO, cache_bytes);
    errand->begin_file(path);
    const int status = drive<PagedOpenErrand>(shared->pool, std::move(errand), 1, [&](PagedOpenErrand &ended) {
        index = std::move(ended.outcome().paged);
    });
    CHECK_INT(status, DISKANN_OK);
    forget(path);
    return index;
}

/* As node/search.cc has it, without Node. */
class OneSearch final : public Task, public PagedQuery {
public:
    void begin(std::shared_ptr<PagedIndex> index, const float *vector, const diskann_search_params &params)
    {
        index_ = std::move(index);
        vector_ = vector;
        params_ = params;
        CHECK(index_->shared().pool.submit_short(this));
    }
    void cancel()
    {
        index_->cancel(*this);
        if (index_->shared().pool.remove_short(this)) {
            conclude(*index_, DISKANN_ERR_CANCELLED);
        }
    }
    bool run(unsigned) override
    {
        const std::shared_ptr<PagedIndex> index = index_;
        const int status = index->go(*this, vector_, params_);
        if (status != DISKANN_WAIT) {
            conclude(*index, status);
        }
        return false;
    }
    void wake() override { index_->shared().pool.submit_short(this); }
    void wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return ended_; });
    }
    /* With the threads gone: it may not have ended. */
    void abandon()
    {
        if (!ended_) {
            index_->finish(*this, DISKANN_ERR_CANCELLED, nullptr);
        }
        index_.reset();
    }

    int status = 0;
    uint64_t ids[K] = {};
    float distances[K] = {};
    PagedAnswer answer = {ids, distances, 0, {}, {}};

private:
    void conclude(PagedIndex &index, int found)
    {
        index.finish(*this, found, &answer);
        status = found;
        std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }

    std::shared_ptr<PagedIndex> index_;
    const float *vector_ = nullptr;
    diskann_search_params params_ = {};
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
};

bool is_right(const Saved &saved, size_t i, const OneSearch &search)
{
    return search.answer.count == K && std::memcmp(search.ids, &saved.ids[i * K], sizeof search.ids) == 0 &&
           std::memcmp(search.distances, &saved.distances[i * K], sizeof search.distances) == 0;
}

/* What a cache of so many pages may take. */
uint64_t cache_for(const Saved &saved, uint64_t pages)
{
    return pages * (saved.stats.page_bytes + 100);
}

const uint64_t caches[] = {0, 2, 12, 1000};

void many_searches_at_once()
{
    const Saved saved;
    for (unsigned threads = 1; threads <= 4; threads++) {
        for (const uint64_t pages : caches) {
            const Threads pool(threads);
            const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, cache_for(saved, pages));
            std::vector<OneSearch> searches(QUERIES);
            for (size_t i = 0; i < QUERIES; i++) {
                searches[i].begin(index, saved.row(i), Saved::params(i));
            }
            for (size_t i = 0; i < QUERIES; i++) {
                searches[i].wait();
                CHECK_INT(searches[i].status, DISKANN_OK);
                CHECK(is_right(saved, i, searches[i]));
            }
            pool.shared->pool.stop();
            diskann_stats stats;
            CHECK_INT(index->stats(&stats), DISKANN_OK);
            CHECK(stats.cache_reads == stats.cache_misses && stats.cache_reads > 0 && stats.cache_hits > 0);
            for (OneSearch &search : searches) {
                search.abandon();
            }
            index->close();
        }
    }
}

/* Half of them are aborted at some moment; the others, which wait for the same pages, do not notice. */
void searches_are_cancelled_at_any_moment()
{
    const Saved saved;
    std::mt19937 random(5);
    for (int round = 0; round < 30; round++) {
        const Threads pool(1 + round % 3);
        const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, cache_for(saved, caches[round % 4]));
        std::vector<OneSearch> searches(QUERIES);
        for (size_t i = 0; i < QUERIES; i++) {
            searches[i].begin(index, saved.row(i), Saved::params(i));
            if (i % 2 == 1 && random() % 2 == 0) {
                searches[random() % (i + 1) / 2 * 2].cancel(); /* maybe one that has ended */
            }
        }
        for (size_t i = 0; i < QUERIES; i++) {
            searches[i].wait();
            const bool cancelled = i % 2 == 0 && searches[i].status == DISKANN_ERR_CANCELLED;
            CHECK(cancelled || (searches[i].status == DISKANN_OK && is_right(saved, i, searches[i])));
        }
        index->close(); /* with reads that nobody waits for any more */
        CHECK(index->is_closed());
        pool.shared->stop();
        for (OneSearch &search : searches) {
            search.abandon();
        }
    }
}

struct Batch {
    std::vector<double> ids = std::vector<double>(QUERIES * K);
    std::vector<float> distances = std::vector<float>(QUERIES * K);
    HitsOut out() { return {ids.data(), distances.data(), K}; }
};

/* Batches and single searches on one index with any number of threads: one is enough for all of them to end. */
void batches_and_searches_side_by_side()
{
    const Saved saved;
    const diskann_search_params params = {K, 40, 2, 1, 0};
    Batch first;
    for (unsigned threads = 1; threads <= 3; threads++) {
        for (const uint64_t pages : caches) {
            const Threads pool(threads);
            const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, cache_for(saved, pages));
            std::vector<OneSearch> searches(QUERIES);
            std::vector<std::unique_ptr<Batch>> batches;
            std::vector<std::unique_ptr<Ending>> endings;
            std::vector<std::unique_ptr<Drive>> drives;
            for (int i = 0; i < 3; i++) {
                batches.push_back(std::make_unique<Batch>());
                auto errand = std::make_unique<PagedBatchErrand>(index, saved.row(0), QUERIES, params, batches[i]->out());
                CHECK_INT(errand->begin(threads), DISKANN_OK);
                endings.push_back(std::make_unique<Ending>());
                drives.push_back(std::make_unique<Drive>(pool.shared->pool, *endings[i], std::move(errand), threads));
                CHECK(drives[i]->start(false));
            }
            for (size_t i = 0; i < QUERIES; i++) {
                searches[i].begin(index, saved.row(i), Saved::params(i));
            }
            for (size_t i = 0; i < QUERIES; i++) {
                searches[i].wait();
                CHECK(searches[i].status == DISKANN_OK && is_right(saved, i, searches[i]));
            }
            for (int i = 0; i < 3; i++) {
                endings[i]->wait();
                CHECK_INT(drives[i]->status(), DISKANN_OK);
                first = threads == 1 && pages == 0 && i == 0 ? *batches[0] : first;
                CHECK(batches[i]->ids == first.ids && batches[i]->distances == first.distances);
            }
            CHECK(first.ids[5 * K] == 5 && first.distances[5 * K] == 0);
            pool.shared->pool.stop();
            for (OneSearch &search : searches) {
                search.abandon();
            }
        }
    }
}

void a_batch_ends_with_its_lowest_bad_row_or_when_it_is_told()
{
    const Saved saved;
    const diskann_search_params params = {K, 40, 2, 0, 0};
    std::vector<float> queries(saved.row(0), saved.row(QUERIES));
    queries[70 * DIMENSIONS + 3] = queries[31 * DIMENSIONS] = NAN;
    for (int round = 0; round < 12; round++) {
        const Threads pool(1 + round % 3);
        const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, 0);
        Batch batch;
        auto errand = std::make_unique<PagedBatchErrand>(index, round < 6 ? queries.data() : saved.row(0), QUERIES, params,
                                                         batch.out());
        PagedBatchErrand &running = *errand;
        CHECK_INT(errand->begin(2), DISKANN_OK);
        Ending ending;
        Drive driven(pool.shared->pool, ending, std::move(errand), 2);
        CHECK(driven.start(false));
        if (round >= 6) {
            usleep(static_cast<useconds_t>(round - 6) * 300);
            driven.cancel();
        }
        ending.wait();
        if (round < 6) {
            CHECK_INT(driven.status(), DISKANN_ERR_NOT_FINITE);
            CHECK_INT(running.outcome().failure.row, 31);
        } else {
            CHECK(driven.status() == DISKANN_ERR_CANCELLED || driven.status() == DISKANN_OK);
        }
    }
}

/* The environment ends in the middle: what is under way is dropped, and everything is freed. */
void everything_can_be_abandoned()
{
    const Saved saved;
    for (int moment = 0; moment < 10; moment++) {
        const Threads pool(2);
        std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, cache_for(saved, moment));
        std::vector<OneSearch> searches(QUERIES);
        Batch batch;
        auto errand = std::make_unique<PagedBatchErrand>(index, saved.row(0), QUERIES, Saved::params(1), batch.out());
        CHECK_INT(errand->begin(2), DISKANN_OK);
        Ending ending;
        Drive driven(pool.shared->pool, ending, std::move(errand), 2);
        CHECK(driven.start(false));
        for (size_t i = 0; i < QUERIES; i++) {
            searches[i].begin(index, saved.row(i), Saved::params(i));
        }
        usleep(static_cast<useconds_t>(moment) * 200);
        driven.cancel();
        pool.shared->stop();
        for (OneSearch &search : searches) {
            search.abandon();
        }
    }
}

void a_file_that_was_cut_is_an_error_of_its_readers()
{
    const Saved saved;
    const Threads pool(2);
    const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, 0);
    CHECK_INT(truncate(saved.path.c_str(), DISKANN_SUPERBLOCK_BYTES), 0);
    for (int i = 0; i < 3; i++) {
        OneSearch search;
        search.begin(index, saved.row(0), Saved::params(0));
        search.wait();
        CHECK_INT(search.status, DISKANN_ERR_IO);
        CHECK(search.answer.failure.page >= 0);
        CHECK(index->error().message.find("it was cut while it was read") != std::string::npos);
        search.abandon();
    }
    FILE *file = std::fopen(saved.path.c_str(), "wb");
    CHECK_UINT(std::fwrite(saved.bytes.data(), 1, saved.bytes.size(), file), saved.bytes.size());
    std::fclose(file);
    OneSearch search;
    search.begin(index, saved.row(0), Saved::params(0));
    search.wait();
    CHECK(search.status == DISKANN_OK && is_right(saved, 0, search));
    search.abandon();
}

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
        CHECK_INT((drive<PagedExactErrand>(pool.shared->pool, std::move(exact), threads, [](PagedExactErrand &) {})), DISKANN_OK);
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

CHECK_MAIN(CHECK_TEST(pages_of_the_host), CHECK_TEST(a_host_can_be_gone), CHECK_TEST(scans_beside_searches),
           CHECK_TEST(many_searches_at_once), CHECK_TEST(searches_are_cancelled_at_any_moment),
           CHECK_TEST(batches_and_searches_side_by_side), CHECK_TEST(a_batch_ends_with_its_lowest_bad_row_or_when_it_is_told),
           CHECK_TEST(everything_can_be_abandoned), CHECK_TEST(a_file_that_was_cut_is_an_error_of_its_readers))
