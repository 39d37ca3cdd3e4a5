/*
 * Training, encoding and searching of the addon over the real core, on several threads: the same answers with any
 * number of them, and nothing left behind. Under a race detector this also watches the core's own stages.
 */
#include "errands.h"

#include "../../node/pq.h"

#include <cmath>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace diskann_node;

namespace {

enum { DIMENSIONS = 12, CHUNKS = 4, ROWS = 3000, K = 20 };

std::vector<float> make_rows(size_t rows)
{
    std::vector<float> values(rows * DIMENSIONS);
    uint64_t state = 54321;
    for (float &value : values) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        value = static_cast<float>(state >> 40) / 16777216.0f;
    }
    return values;
}

std::unique_ptr<PqTrainErrand> begin_training(const std::shared_ptr<Shared> &shared, uint32_t workers)
{
    diskann_pq_config config;
    diskann_pq_config_init(&config, DIMENSIONS, CHUNKS);
    config.centroids = 32;
    config.sample_rows = 2000;
    auto errand = std::make_unique<PqTrainErrand>(shared);
    CHECK_INT(errand->begin(config, workers), DISKANN_OK);
    CHECK(errand->as_pq_train() == errand.get() && errand->as_insert() == nullptr);
    const std::vector<float> rows = make_rows(ROWS);
    CHECK_INT(diskann_pq_rows(errand->op(), rows.data(), ROWS), DISKANN_OK);
    return errand;
}

std::shared_ptr<Quantizer> train(const std::shared_ptr<Shared> &shared, uint32_t workers)
{
    std::shared_ptr<Quantizer> quantizer;
    const int status = drive<PqTrainErrand>(shared->pool, begin_training(shared, workers), workers, [&](PqTrainErrand &ended) {
        quantizer = std::move(ended.outcome().quantizer);
    });
    CHECK_INT(status, DISKANN_OK);
    return quantizer;
}

std::vector<uint8_t> encode(const std::shared_ptr<Shared> &shared, const std::shared_ptr<Quantizer> &quantizer,
                            const std::vector<float> &rows, uint32_t workers, int expected)
{
    std::vector<uint8_t> codes(rows.size() / DIMENSIONS * CHUNKS);
    auto errand = std::make_unique<PqEncodeErrand>(quantizer);
    CHECK_INT(errand->begin(rows.data(), rows.size() / DIMENSIONS, codes.data(), workers), DISKANN_OK);
    const int status = drive<PqEncodeErrand>(shared->pool, std::move(errand), workers, [&](PqEncodeErrand &ended) {
        CHECK_INT(ended.outcome().failure.row, expected < 0 ? 700 : DISKANN_NOWHERE);
    });
    CHECK_INT(status, expected);
    return codes;
}

struct Hits {
    std::vector<double> ids = std::vector<double>(K);
    std::vector<float> distances = std::vector<float>(K);
};

Hits search(const std::shared_ptr<Shared> &shared, const std::shared_ptr<Quantizer> &quantizer,
            const std::vector<uint8_t> &codes, const float *query, uint32_t workers)
{
    Hits hits;
    auto errand = std::make_unique<PqSearchErrand>(quantizer, HitsOut{hits.ids.data(), hits.distances.data(), K});
    CHECK_INT(errand->begin(query, DISKANN_COSINE, codes.data(), codes.size() / CHUNKS, workers), DISKANN_OK);
    const int status = drive<PqSearchErrand>(shared->pool, std::move(errand), workers, [](PqSearchErrand &) {});
    CHECK_INT(status, DISKANN_OK);
    return hits;
}

void the_same_answers_with_any_number_of_threads()
{
    Threads threads(4);
    const std::vector<float> rows = make_rows(ROWS);
    const std::shared_ptr<Quantizer> one = train(threads.shared, 1), four = train(threads.shared, 4);
    const std::vector<uint8_t> codes = encode(threads.shared, one, rows, 1, DISKANN_OK);
    CHECK(encode(threads.shared, four, rows, 4, DISKANN_OK) == codes);
    const Hits few = search(threads.shared, one, codes, rows.data(), 1);
    const Hits many = search(threads.shared, four, codes, rows.data(), 4);
    CHECK(few.ids == many.ids && few.distances == many.distances);
    const std::vector<uint8_t> ten(codes.begin(), codes.begin() + 10 * CHUNKS);
    const Hits padded = search(threads.shared, one, ten, rows.data(), 2);
    CHECK(!std::isnan(padded.ids[9]) && std::isnan(padded.ids[10]) && std::isinf(padded.distances[K - 1]));
}

void a_bad_row_is_named()
{
    Threads threads(3);
    std::vector<float> rows = make_rows(ROWS);
    rows[700 * DIMENSIONS] = NAN;
    rows[2900 * DIMENSIONS] = INFINITY;
    encode(threads.shared, train(threads.shared, 3), rows, 3, DISKANN_ERR_NOT_FINITE);
}

/* Whoever uses a quantiser keeps it alive; dropping what never ran, or was cancelled, frees all. */
void everything_can_be_dropped()
{
    Threads threads(2);
    const std::vector<float> rows = make_rows(ROWS);
    std::shared_ptr<Quantizer> quantizer = train(threads.shared, 2);
    std::vector<uint8_t> codes(ROWS * CHUNKS);
    auto waiting = std::make_unique<PqEncodeErrand>(quantizer);
    CHECK_INT(waiting->begin(rows.data(), ROWS, codes.data(), 2), DISKANN_OK);
    quantizer.reset();
    waiting.reset();
    begin_training(threads.shared, 2).reset();
    for (useconds_t pause = 0; pause < 6000; pause += 1500) {
        Ending ending;
        Drive driven(threads.shared->pool, ending, begin_training(threads.shared, 2), 2);
        CHECK(driven.start(true));
        usleep(pause);
        driven.cancel();
        ending.wait();
        CHECK(driven.status() == DISKANN_OK || driven.status() == DISKANN_ERR_CANCELLED);
    }
}

} // namespace

CHECK_MAIN(CHECK_TEST(the_same_answers_with_any_number_of_threads), CHECK_TEST(a_bad_row_is_named),
           CHECK_TEST(everything_can_be_dropped))
