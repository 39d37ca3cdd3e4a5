#include "pq.h"

#include <algorithm>
#include <new>

namespace diskann_node {

Quantizer::Quantizer(std::shared_ptr<Shared> shared, diskann_pq *core) : shared_(std::move(shared)), core_(core)
{
    diskann_pq_shape(core_, &shape_);
}

int PqTrainErrand::begin(const diskann_pq_config &config, uint32_t workers)
{
    dimensions_ = config.dimensions;
    return diskann_pq_train_begin(&config, workers, shared_->memory.allocator(), &op_);
}

int PqTrainErrand::conclude(int status)
{
    diskann_pq *core = status == DISKANN_OK ? diskann_pq_train_take(op_) : nullptr;
    if (core == nullptr) {
        return status;
    }
    try {
        outcome_.quantizer = std::make_shared<Quantizer>(shared_, core);
    } catch (const std::bad_alloc &) {
        diskann_pq_destroy(core);
        return fail(DISKANN_ERR_NO_MEMORY);
    }
    return status;
}

int PqEncodeErrand::begin(const float *vectors, uint64_t rows, uint8_t *codes, uint32_t workers)
{
    return diskann_pq_encode_begin(quantizer_->core(), vectors, rows, codes, workers, &op_);
}

int PqSearchErrand::begin(const float *query, uint32_t metric, const uint8_t *codes, uint64_t rows, uint32_t workers)
{
    rows_.resize(hits_.k);
    return diskann_pq_search_begin(quantizer_->core(), query, metric, codes, rows, hits_.k, workers, &op_);
}

int PqSearchErrand::conclude(int status)
{
    if (status == DISKANN_OK) {
        uint32_t count = 0;
        diskann_pq_search_take(op_, rows_.data(), hits_.distances, &count);
        std::copy(rows_.begin(), rows_.begin() + count, hits_.ids);
        hits_.pad(0, count);
    }
    return status;
}

} // namespace diskann_node
