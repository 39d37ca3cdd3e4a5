/* Functions of an index that stays in its file. Its searches are those of search.cc. */
#include "arguments.h"
#include "paged_work.h"

namespace diskann_node {

/* Frees an index that nobody closed: on the pool, since it may hold gigabytes. */
class PagedReaper final : public Task {
public:
    explicit PagedReaper(std::shared_ptr<PagedIndex> index) : index_(std::move(index)) {}
    bool run(unsigned) override
    {
        drop();
        return false;
    }
    void drop() override { delete this; }

private:
    const std::shared_ptr<PagedIndex> index_;
};

PagedHandle::~PagedHandle()
{
    if (index_ == nullptr) {
        return;
    }
    Pool &pool = index_->shared().pool;
    PagedReaper *reaper = new (std::nothrow) PagedReaper(std::move(index_));
    if (reaper != nullptr && !pool.submit_long(reaper)) {
        reaper->drop();
    }
}

namespace {

const std::shared_ptr<PagedIndex> &open_index(const Napi::CallbackInfo &info)
{
    return unwrap<PagedHandle>(info[0])->index();
}

/* openPaged(path, simd, cacheBytes) */
Napi::Value open_paged(const Napi::CallbackInfo &info)
{
    const double cache_bytes = number_argument(info, 2);
    std::string path = info[0].ToString().Utf8Value();
    if (path.empty() || path.find('\0') != std::string::npos || !(cache_bytes >= 0 && cache_bytes <= DISKANN_ID_MAX)) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    auto errand = std::make_unique<PagedOpenErrand>(addon_of(info).shared(), uint32_argument(info, 1),
                                                    static_cast<uint64_t>(cache_bytes));
    errand->begin_file(std::move(path));
    return make_job(info, std::move(errand), 1, [](PagedOpenErrand &, uint32_t) { return DISKANN_OK; });
}

/* openMicrosoft(path, codes, pq, dataType, metric, rows, simd, cacheBytes) */
Napi::Value open_microsoft(const Napi::CallbackInfo &info)
{
    std::string path = info[0].ToString().Utf8Value();
    std::string codes = info[1].ToString().Utf8Value();
    const std::shared_ptr<Quantizer> &quantizer = unwrap<PqHandle>(info[2])->quantizer();
    const double rows = number_argument(info, 5);
    const double cache_bytes = number_argument(info, 7);
    const std::string zero(1, '\0');
    if (path.empty() || codes.empty() || (path + codes).find(zero) != std::string::npos || quantizer == nullptr ||
        !(cache_bytes >= 0 && cache_bytes <= DISKANN_ID_MAX) || !(rows >= 1 && rows <= DISKANN_SIZE_MAX)) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const diskann_microsoft how = {uint32_argument(info, 3), uint32_argument(info, 4), uint32_argument(info, 6), 0,
                                   static_cast<uint64_t>(rows), nullptr};
    auto errand = std::make_unique<MicrosoftOpenErrand>(addon_of(info).shared(), quantizer, std::move(codes), how,
                                                        static_cast<uint64_t>(cache_bytes));
    errand->begin_file(std::move(path));
    return make_job(info, std::move(errand), 1, [](MicrosoftOpenErrand &, uint32_t) { return DISKANN_OK; });
}

/* batchPaged(index, queries, k, listSize, beamWidth, pageSearch, ids, distances, threads) */
Napi::Value batch_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    if (index == nullptr) {
        return number(info, DISKANN_ERR_CLOSED);
    }
    size_t length = 0;
    const float *queries = floats(info[1], &length);
    const diskann_search_params params = {uint32_argument(info, 2), uint32_argument(info, 3), uint32_argument(info, 4),
                                          uint32_argument(info, 5), 0};
    const uint64_t count = length / index->dimensions();
    if (count * index->dimensions() != length || params.k == 0 || params.k > DISKANN_K_MAX) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const HitsOut hits = hits_argument(info, 6, params.k, count);
    return make_job(info, std::make_unique<PagedBatchErrand>(index, queries, count, params, hits),
                    number_argument(info, 8),
                    [](PagedBatchErrand &errand, uint32_t workers) { return errand.begin(workers); });
}

/* statsPaged(index, out): a status */
Napi::Value stats_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    size_t length = 0;
    double *out = doubles(info[1], &length);
    if (index == nullptr || length != STATS_FIELDS) {
        return number(info, index == nullptr ? DISKANN_ERR_CLOSED : DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_stats values;
    const int status = index->stats(&values);
    if (status == DISKANN_OK) {
        write_stats(values, out);
    }
    return number(info, status);
}

/* errorPaged(index): why a read failed last */
Napi::Value error_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    Napi::Object result = Napi::Object::New(info.Env());
    const FileError error = index != nullptr ? index->error() : FileError();
    if (error) {
        result.Set("message", error.message);
        result.Set("errno", error.number);
    }
    return result;
}

/* closePaged(index): from here on it is closed; the job frees it */
Napi::Value close_paged(const Napi::CallbackInfo &info)
{
    std::shared_ptr<PagedIndex> index = unwrap<PagedHandle>(info[0])->take();
    if (index == nullptr) {
        return number(info, DISKANN_ERR_CLOSED);
    }
    return make_job(info, std::make_unique<PagedCloseErrand>(std::move(index)), 1,
                    [](PagedCloseErrand &, uint32_t) { return DISKANN_OK; });
}

} // namespace

void add_paged_functions(Addon &addon, Napi::Object target)
{
    const Napi::Env env = target.Env();
    const auto add = [&](const char *name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
        target.Set(name, Napi::Function::New(env, function, name, &addon));
    };
    add("openPaged", guarded<open_paged>);
    add("openMicrosoft", guarded<open_microsoft>);
    add("batchPaged", guarded<batch_paged>);
    add("statsPaged", guarded<stats_paged>);
    add("errorPaged", guarded<error_paged>);
    add("closePaged", guarded<close_paged>);
}

} // namespace diskann_node
