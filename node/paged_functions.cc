/* Functions of an index that stays in its file. Its searches are those of search.cc. */
#include "arguments.h"
#include "page_asks.h"
#include "paged_work.h"

#include <algorithm>

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

/* False: there is no such way. */
bool access_argument(const Napi::CallbackInfo &info, size_t at, FileAccess *access)
{
    const uint32_t number = uint32_argument(info, at);
    *access = static_cast<FileAccess>(number);
    return number <= static_cast<uint32_t>(FileAccess::DIRECT);
}

/* openPaged(path, simd, cacheBytes, access) */
Napi::Value open_paged(const Napi::CallbackInfo &info)
{
    const double cache_bytes = number_argument(info, 2);
    FileAccess access;
    std::string path = info[0].ToString().Utf8Value();
    if (path.empty() || path.find('\0') != std::string::npos || !(cache_bytes >= 0 && cache_bytes <= DISKANN_ID_MAX) ||
        !access_argument(info, 3, &access)) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    auto errand = std::make_unique<PagedOpenErrand>(addon_of(info).shared(), uint32_argument(info, 1),
                                                    static_cast<uint64_t>(cache_bytes));
    errand->begin_file(std::move(path), access);
    return make_job(info, std::move(errand), 1, [](PagedOpenErrand &, uint32_t) { return DISKANN_OK; });
}

/*
 * openPagedHost(length, ticket, simd, cacheBytes): as openPaged, but JavaScript reads: the requests of the job, and after
 * that, with records of the ticket, those of searches.
 */
Napi::Value open_paged_host(const Napi::CallbackInfo &info)
{
    const double cache_bytes = number_argument(info, 3);
    const uint64_t length = static_cast<uint64_t>(number_argument(info, 0));
    if (!(cache_bytes >= 0 && cache_bytes <= DISKANN_ID_MAX)) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    PageAsks &asks = addon_of(info).page_asks_begin(number_argument(info, 1));
    auto errand = std::make_unique<PagedOpenErrand>(addon_of(info).shared(), uint32_argument(info, 2),
                                                    static_cast<uint64_t>(cache_bytes), &asks);
    return make_job(info, std::move(errand), 1,
                    [length](PagedOpenErrand &opened, uint32_t) { return opened.begin_bytes(length); });
}

/* pagesWanted(index): ticket, offset and length of each request that waits */
Napi::Value pages_wanted(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    const std::vector<diskann_request> wanted =
        index != nullptr ? index->take_wanted() : std::vector<diskann_request>();
    Napi::Float64Array list = Napi::Float64Array::New(info.Env(), wanted.size() * 3);
    for (size_t i = 0; i < wanted.size(); i++) {
        list[i * 3] = wanted[i].ticket;
        list[i * 3 + 1] = static_cast<double>(wanted[i].offset);
        list[i * 3 + 2] = static_cast<double>(wanted[i].length);
    }
    return list;
}

/* pageRead(index, ticket, bytes or undefined) */
Napi::Value page_read(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    size_t length = 0;
    const uint8_t *from = info[2].IsUndefined() ? nullptr : bytes(info[2], &length);
    const bool taken = index != nullptr && index->answer(uint32_argument(info, 1), from, length);
    return number(info, taken ? DISKANN_OK : DISKANN_ERR_INVALID_ARGUMENT);
}

/* pagesEnd(ticket): the index of the ticket is closed, or was never opened */
Napi::Value pages_end(const Napi::CallbackInfo &info)
{
    addon_of(info).page_asks_end(number_argument(info, 0));
    return info.Env().Undefined();
}

/* pagesServe(index, ticket): records of the ticket are for this index */
Napi::Value pages_serve(const Napi::CallbackInfo &info)
{
    addon_of(info).page_asks_serve(number_argument(info, 1), open_index(info));
    return info.Env().Undefined();
}

Napi::Value closed(const Napi::CallbackInfo &info)
{
    return number(info, DISKANN_ERR_CLOSED);
}

template <class E> Napi::Value make_scan(const Napi::CallbackInfo &info, std::unique_ptr<E> errand, double threads)
{
    return make_job(info, std::move(errand), threads, [](E &scan, uint32_t workers) { return scan.begin(workers); });
}

/* exactPaged(index, query, k, ids, distances, threads) */
Napi::Value exact_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    size_t length = 0;
    const float *query = floats(info[1], &length);
    const uint32_t k = uint32_argument(info, 2);
    if (length != index->dimensions() || k == 0 || k > DISKANN_K_MAX) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const HitsOut hits = hits_argument(info, 3, k, 1);
    return make_scan(info, std::make_unique<PagedExactErrand>(index, query, hits), number_argument(info, 5));
}

/* findPaged(index, id, out) */
Napi::Value find_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    const double id = number_argument(info, 1);
    size_t length = 0;
    float *out = floats(info[2], &length);
    if (index == nullptr) {
        return closed(info);
    }
    if (length != index->dimensions() || !(id >= 0 && id <= static_cast<double>(DISKANN_ID_MAX))) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return make_scan(info, std::make_unique<PagedFindErrand>(index, static_cast<uint64_t>(id), out), 1);
}

/* verifyPaged(index, threads) */
Napi::Value verify_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    return index == nullptr ? closed(info)
                            : make_scan(info, std::make_unique<PagedVerifyErrand>(index), number_argument(info, 1));
}

/* copyPaged(index, path, threads) */
Napi::Value copy_paged(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    std::string path = info[1].ToString().Utf8Value();
    if (index == nullptr) {
        return closed(info);
    }
    if (path.empty() || path.find('\0') != std::string::npos) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return make_scan(info, std::make_unique<PagedCopyErrand>(index, std::move(path)), number_argument(info, 2));
}

/* copyPagedBytes(index, out, threads) */
Napi::Value copy_paged_bytes(const Napi::CallbackInfo &info)
{
    const std::shared_ptr<PagedIndex> &index = open_index(info);
    size_t length = 0;
    uint8_t *out = bytes(info[1], &length);
    return index == nullptr ? closed(info)
                            : make_scan(info, std::make_unique<PagedCopyErrand>(index, out, length),
                                        number_argument(info, 2));
}

/* openMicrosoft(path, codes, pq, dataType, metric, rows, simd, cacheBytes, access) */
Napi::Value open_microsoft(const Napi::CallbackInfo &info)
{
    std::string path = info[0].ToString().Utf8Value();
    std::string codes = info[1].ToString().Utf8Value();
    const std::shared_ptr<Quantizer> &quantizer = unwrap<PqHandle>(info[2])->quantizer();
    const double rows = number_argument(info, 5);
    const double cache_bytes = number_argument(info, 7);
    const std::string zero(1, '\0');
    FileAccess access;
    if (path.empty() || codes.empty() || (path + codes).find(zero) != std::string::npos || quantizer == nullptr ||
        !(cache_bytes >= 0 && cache_bytes <= DISKANN_ID_MAX) || !(rows >= 1 && rows <= DISKANN_SIZE_MAX) ||
        !access_argument(info, 8, &access)) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const diskann_microsoft how = {uint32_argument(info, 3), uint32_argument(info, 4), uint32_argument(info, 6), 0,
                                   static_cast<uint64_t>(rows), nullptr};
    auto errand = std::make_unique<MicrosoftOpenErrand>(addon_of(info).shared(), quantizer, std::move(codes), how,
                                                        static_cast<uint64_t>(cache_bytes));
    errand->begin_file(std::move(path), access);
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
    add("openPagedHost", guarded<open_paged_host>);
    add("pagesServe", pages_serve);
    add("pagesWanted", pages_wanted);
    add("pageRead", page_read);
    add("pagesEnd", pages_end);
    add("exactPaged", guarded<exact_paged>);
    add("findPaged", guarded<find_paged>);
    add("verifyPaged", guarded<verify_paged>);
    add("copyPaged", guarded<copy_paged>);
    add("copyPagedBytes", guarded<copy_paged_bytes>);
    add("openMicrosoft", guarded<open_microsoft>);
    add("batchPaged", guarded<batch_paged>);
    add("statsPaged", guarded<stats_paged>);
    add("errorPaged", guarded<error_paged>);
    add("closePaged", guarded<close_paged>);
}

} // namespace diskann_node
