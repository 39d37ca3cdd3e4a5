/* Product quantisers of the addon: the core's object, shared with the calls that use it, and its long operations. */
#ifndef DISKANN_NODE_PQ_H
#define DISKANN_NODE_PQ_H

#include "work.h"

namespace diskann_node {

class Quantizer {
public:
    /* Takes over `core`. */
    Quantizer(std::shared_ptr<Shared> shared, diskann_pq *core);
    ~Quantizer() { diskann_pq_destroy(core_); }
    Quantizer(const Quantizer &) = delete;
    Quantizer &operator=(const Quantizer &) = delete;

    const diskann_pq *core() const { return core_; }
    const diskann_pq_config &shape() const { return shape_; }

private:
    const std::shared_ptr<Shared> shared_; /* holds the memory */
    diskann_pq *const core_;
    diskann_pq_config shape_;
};

class PqTrainErrand : public OpErrand {
public:
    explicit PqTrainErrand(std::shared_ptr<Shared> shared) : OpErrand(nullptr), shared_(std::move(shared)) {}
    int begin(const diskann_pq_config &config, uint32_t workers);
    PqTrainErrand *as_pq_train() override { return this; }
    uint32_t dimensions() const { return dimensions_; }

protected:
    int conclude(int status) override;

private:
    const std::shared_ptr<Shared> shared_;
    uint32_t dimensions_ = 0;
};

class PqEncodeErrand : public OpErrand {
public:
    explicit PqEncodeErrand(std::shared_ptr<Quantizer> quantizer) : OpErrand(nullptr), quantizer_(std::move(quantizer)) {}
    ~PqEncodeErrand() override { end_op(); }
    int begin(const float *vectors, uint64_t rows, uint8_t *codes, uint32_t workers);

private:
    const std::shared_ptr<Quantizer> quantizer_;
};

class PqSearchErrand : public OpErrand {
public:
    PqSearchErrand(std::shared_ptr<Quantizer> quantizer, HitsOut hits)
        : OpErrand(nullptr), quantizer_(std::move(quantizer)), hits_(hits)
    {
    }
    ~PqSearchErrand() override { end_op(); }
    int begin(const float *query, uint32_t metric, const uint8_t *codes, uint64_t rows, uint32_t workers);

protected:
    int conclude(int status) override;

private:
    const std::shared_ptr<Quantizer> quantizer_;
    const HitsOut hits_;
    std::vector<uint64_t> rows_;
};

} // namespace diskann_node

#endif
