/* Functions of product quantisers: making, writing out and decoding at once, the rest as jobs. */
#include "arguments.h"
#include "pq.h"

#include <algorithm>
#include <vector>

namespace diskann_node {

namespace {

enum { SHAPE_FIELDS = 4, TRAINING_FIELDS = 8 };

/* Throws for one that is closed: its JavaScript object lets no call through. */
const std::shared_ptr<Quantizer> &quantizer_argument(const Napi::CallbackInfo &info, size_t i)
{
    const std::shared_ptr<Quantizer> &quantizer = unwrap<PqHandle>(info[i])->quantizer();
    if (quantizer == nullptr) {
        throw Napi::TypeError::New(info.Env(), "an open quantizer was expected");
    }
    return quantizer;
}

bool read_offsets(const Napi::Value &value, const diskann_pq_config &config, std::vector<uint32_t> *offsets)
{
    size_t length = 0;
    const double *numbers = doubles(value, &length);
    offsets->resize(length);
    for (size_t i = 0; i < length; i++) {
        if (!(numbers[i] >= 0 && numbers[i] <= DISKANN_DIMENSIONS_MAX)) {
            return false;
        }
        (*offsets)[i] = static_cast<uint32_t>(numbers[i]);
    }
    return length == size_t(config.chunks) + 1;
}

/* pqCreate(shape, offsets, pivots, centre): a quantiser, or a status */
Napi::Value pq_create(const Napi::CallbackInfo &info)
{
    Addon &addon = addon_of(info);
    size_t fields = 0;
    size_t pivot_count = 0;
    size_t centre_count = 0;
    const double *shape = doubles(info[0], &fields);
    const float *pivots = floats(info[2], &pivot_count);
    const float *centre = floats(info[3], &centre_count);
    if (fields != SHAPE_FIELDS) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_pq_config config;
    diskann_pq_config_init(&config, static_cast<uint32_t>(shape[0]), static_cast<uint32_t>(shape[1]));
    config.centroids = static_cast<uint32_t>(shape[2]);
    config.simd = static_cast<uint32_t>(shape[3]);
    std::vector<uint32_t> offsets;
    if (!read_offsets(info[1], config, &offsets) || pivot_count != size_t(config.centroids) * config.dimensions ||
        centre_count != config.dimensions) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_pq *core = nullptr;
    const int status =
        diskann_pq_create(&config, offsets.data(), pivots, centre, addon.shared()->memory.allocator(), &core);
    if (status < 0) {
        return number(info, status);
    }
    std::shared_ptr<Quantizer> quantizer;
    try {
        quantizer = std::make_shared<Quantizer>(addon.shared(), core);
    } catch (const std::bad_alloc &) {
        diskann_pq_destroy(core);
        return number(info, DISKANN_ERR_NO_MEMORY);
    }
    addon.weigh();
    return wrap(info.Env(), new PqHandle(std::move(quantizer)));
}

/* pqExport(pq, offsets, pivots, centre): a status */
Napi::Value pq_export(const Napi::CallbackInfo &info)
{
    const Quantizer &quantizer = *quantizer_argument(info, 0);
    const diskann_pq_config &shape = quantizer.shape();
    size_t offset_count = 0;
    size_t pivot_count = 0;
    size_t centre_count = 0;
    double *numbers = doubles(info[1], &offset_count);
    float *pivots = floats(info[2], &pivot_count);
    float *centre = floats(info[3], &centre_count);
    if (offset_count != size_t(shape.chunks) + 1 || pivot_count != size_t(shape.centroids) * shape.dimensions ||
        centre_count != shape.dimensions) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    std::vector<uint32_t> offsets(offset_count);
    diskann_pq_export(quantizer.core(), offsets.data(), pivots, centre);
    std::copy(offsets.begin(), offsets.end(), numbers);
    return number(info, DISKANN_OK);
}

/* pqDecode(pq, codes, out): a status; for a slab of a few megabytes */
Napi::Value pq_decode(const Napi::CallbackInfo &info)
{
    const Quantizer &quantizer = *quantizer_argument(info, 0);
    size_t length = 0;
    size_t out_length = 0;
    const uint8_t *codes = bytes(info[1], &length);
    float *out = floats(info[2], &out_length);
    const uint64_t rows = length / quantizer.shape().chunks;
    if (rows * quantizer.shape().chunks != length || rows * quantizer.shape().dimensions != out_length) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return number(info, diskann_pq_decode(quantizer.core(), codes, rows, out));
}

/* pqClose(pq) */
Napi::Value pq_close(const Napi::CallbackInfo &info)
{
    unwrap<PqHandle>(info[0])->close();
    addon_of(info).weigh();
    return info.Env().Undefined();
}

/* pqTrain(training, threads) */
Napi::Value pq_train(const Napi::CallbackInfo &info)
{
    size_t length = 0;
    const double *fields = doubles(info[0], &length);
    if (length != TRAINING_FIELDS) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_pq_config config;
    diskann_pq_config_init(&config, static_cast<uint32_t>(fields[0]), static_cast<uint32_t>(fields[1]));
    config.centroids = static_cast<uint32_t>(fields[2]);
    config.iterations = static_cast<uint32_t>(fields[3]);
    config.sample_rows = static_cast<uint32_t>(fields[4]);
    config.is_centred = static_cast<uint32_t>(fields[5]);
    config.seed = static_cast<uint64_t>(fields[6]);
    config.simd = static_cast<uint32_t>(fields[7]);
    return make_job(info, std::make_unique<PqTrainErrand>(addon_of(info).shared()), number_argument(info, 1),
                    [config](PqTrainErrand &errand, uint32_t workers) { return errand.begin(config, workers); });
}

/* NULL: not a training that waits for rows. */
PqTrainErrand *training_argument(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    PqTrainErrand *errand = job->errand() != nullptr ? job->errand()->as_pq_train() : nullptr;
    return errand != nullptr && !job->drive()->started() ? errand : nullptr;
}

/* pqRows(job, rows): a status. Copies; so it is for slabs of a few megabytes. */
Napi::Value pq_rows(const Napi::CallbackInfo &info)
{
    PqTrainErrand *errand = training_argument(info);
    size_t length = 0;
    const float *rows = floats(info[1], &length);
    if (errand == nullptr || length % errand->dimensions() != 0) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const int status = diskann_pq_rows(errand->op(), rows, length / errand->dimensions());
    addon_of(info).weigh();
    return number(info, status);
}

/* pqBadRow(job): the row that pqRows refused, or -1 */
Napi::Value pq_bad_row(const Napi::CallbackInfo &info)
{
    const PqTrainErrand *errand = training_argument(info);
    diskann_failure failure = {};
    if (errand != nullptr) {
        diskann_op_failure(errand->op(), &failure);
    }
    return number(info, static_cast<double>(failure.status < 0 ? failure.row : int64_t{DISKANN_NOWHERE}));
}

/* pqEncode(pq, rows, codes, threads) */
Napi::Value pq_encode(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<Quantizer> &quantizer = quantizer_argument(info, 0);
    size_t length = 0;
    size_t code_length = 0;
    const float *vectors = floats(info[1], &length);
    uint8_t *codes = bytes(info[2], &code_length);
    const uint64_t rows = length / quantizer->shape().dimensions;
    if (rows * quantizer->shape().dimensions != length || rows * quantizer->shape().chunks != code_length) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return make_job(info, std::make_unique<PqEncodeErrand>(quantizer), number_argument(info, 3),
                    [=](PqEncodeErrand &errand, uint32_t workers) { return errand.begin(vectors, rows, codes, workers); });
}

/* pqSearch(pq, codes, query, metric, k, ids, distances, threads) */
Napi::Value pq_search(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<Quantizer> &quantizer = quantizer_argument(info, 0);
    size_t length = 0;
    size_t dimensions = 0;
    const uint8_t *codes = bytes(info[1], &length);
    const float *query = floats(info[2], &dimensions);
    const uint32_t metric = uint32_argument(info, 3);
    const uint32_t k = uint32_argument(info, 4);
    const uint64_t rows = length / quantizer->shape().chunks;
    if (rows * quantizer->shape().chunks != length || k == 0 || k > DISKANN_K_MAX) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    if (dimensions != quantizer->shape().dimensions) {
        return number(info, DISKANN_ERR_DIMENSION_MISMATCH);
    }
    const HitsOut hits = hits_argument(info, 5, k, 1);
    return make_job(info, std::make_unique<PqSearchErrand>(quantizer, hits), number_argument(info, 7),
                    [=](PqSearchErrand &errand, uint32_t workers) {
                        return errand.begin(query, metric, codes, rows, workers);
                    });
}

} // namespace

void add_pq_functions(Addon &addon, Napi::Object target)
{
    const Napi::Env env = target.Env();
    const auto add = [&](const char *name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
        target.Set(name, Napi::Function::New(env, function, name, &addon));
    };
    add("pqCreate", guarded<pq_create>);
    add("pqExport", guarded<pq_export>);
    add("pqDecode", guarded<pq_decode>);
    add("pqClose", pq_close);
    add("pqTrain", guarded<pq_train>);
    add("pqRows", guarded<pq_rows>);
    add("pqBadRow", guarded<pq_bad_row>);
    add("pqEncode", guarded<pq_encode>);
    add("pqSearch", guarded<pq_search>);
}

} // namespace diskann_node
