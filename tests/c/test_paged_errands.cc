/*
 * An index in its file, over the real core and a real file: many searches and batches at once on few threads, aborted at any
 * moment, with reads on the spot and reads that take their time.
 */
#include "paged_errands_world.h"

namespace {

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

/* Batches and single searches on one index with any number of threads, each read in its own way: one is enough to end all. */
void batches_and_searches_side_by_side()
{
    const Saved saved;
    const diskann_search_params params = {K, 40, 2, 1, 0};
    Batch first;
    for (unsigned threads = 1; threads <= 3; threads++) {
        for (const uint64_t pages : caches) {
            const Threads pool(threads);
            const std::shared_ptr<PagedIndex> index = open(pool.shared, saved.path, cache_for(saved, pages),
                                                                 static_cast<FileAccess>(threads - 1));
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

} // namespace

CHECK_MAIN(CHECK_TEST(many_searches_at_once), CHECK_TEST(searches_are_cancelled_at_any_moment),
           CHECK_TEST(batches_and_searches_side_by_side), CHECK_TEST(a_batch_ends_with_its_lowest_bad_row_or_when_it_is_told),
           CHECK_TEST(everything_can_be_abandoned), CHECK_TEST(a_file_that_was_cut_is_an_error_of_its_readers))
