/*
 * Long calls. Each is made here, not yet running (or a status says why not), and then started with a ticket. JavaScript
 * keeps the handle and every buffer that was lent until the record of its end.
 */
#include "arguments.h"
#include "paged.h"

#include <cstring>

namespace diskann_node {

namespace {

/* NULL: closed. */
Index *open_index(const Napi::CallbackInfo &info)
{
    Index *index = unwrap<IndexHandle>(info[0])->index();
    return index->core() != nullptr ? index : nullptr;
}

Napi::Value closed(const Napi::CallbackInfo &info)
{
    return number(info, DISKANN_ERR_CLOSED);
}

/* insert(index, build, threads) */
Napi::Value insert(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    const bool build = info[1].ToBoolean();
    return make_job(info, std::make_unique<InsertErrand>(index), number_argument(info, 2),
                    [build](InsertErrand &errand, uint32_t workers) { return errand.begin(build, workers); });
}

bool read_ids(const double *numbers, size_t count, std::vector<uint64_t> *ids)
{
    ids->resize(count);
    for (size_t i = 0; i < count; i++) {
        if (!(numbers[i] >= 0 && numbers[i] <= static_cast<double>(DISKANN_ID_MAX))) {
            return false;
        }
        (*ids)[i] = static_cast<uint64_t>(numbers[i]);
    }
    return true;
}

/* insertRows(job, rows, ids or undefined): a status. Copies; so it is for slabs of a few megabytes. */
Napi::Value insert_rows(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    InsertErrand *errand = job->errand() != nullptr ? job->errand()->as_insert() : nullptr;
    if (errand == nullptr || errand->index() == nullptr || job->drive()->started()) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    size_t length = 0;
    size_t id_count = 0;
    uint32_t data_type = DISKANN_F32;
    const void *rows = elements(info[1], &length, &data_type);
    const double *numbers = info[2].IsUndefined() ? nullptr : doubles(info[2], &id_count);
    const size_t count = length / errand->index()->dimensions();
    std::vector<uint64_t> ids;
    if (count * errand->index()->dimensions() != length || (numbers != nullptr && id_count != count) ||
        (numbers != nullptr && !read_ids(numbers, count, &ids))) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const int status =
        count == 0 ? static_cast<int>(DISKANN_OK)
                   : diskann_op_rows(errand->op(), rows, data_type, numbers != nullptr ? ids.data() : nullptr, count);
    addon_of(info).weigh();
    return number(info, status);
}

/* insertLinks(job, lists, rows): a status. Copies; so it is for slabs of a few megabytes. */
Napi::Value insert_links(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    InsertErrand *errand = job->errand() != nullptr ? job->errand()->as_insert() : nullptr;
    size_t length = 0;
    const uint8_t *lists = bytes(info[1], &length);
    const uint64_t rows = uint32_argument(info, 2), numbers = length / sizeof(uint32_t);
    if (errand == nullptr || errand->index() == nullptr || job->drive()->started() || numbers < 2 * rows ||
        reinterpret_cast<uintptr_t>(lists) % sizeof(uint32_t) != 0) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const uint32_t *degrees = reinterpret_cast<const uint32_t *>(lists);
    uint64_t edges = 0;
    for (uint64_t i = 0; i < rows; i++) {
        edges += degrees[i];
    }
    if (numbers - 2 * rows != edges) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return number(info, diskann_op_links(errand->op(), degrees, degrees + rows, degrees + 2 * rows, rows));
}

/* exact(index, query, k, ids, distances, threads) */
Napi::Value exact(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    size_t length = 0;
    const float *query = floats(info[1], &length);
    if (length != index->dimensions()) {
        return number(info, DISKANN_ERR_DIMENSION_MISMATCH);
    }
    const HitsOut hits = hits_argument(info, 3, uint32_argument(info, 2), 1);
    return make_job(info, std::make_unique<ExactErrand>(index, hits), number_argument(info, 5),
                    [query](ExactErrand &errand, uint32_t workers) { return errand.begin(query, workers); });
}

/* batch(index, queries, k, listSize, beamWidth, flags, ids, distances, threads) */
Napi::Value batch(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    size_t length = 0;
    const float *queries = floats(info[1], &length);
    const uint32_t flags = uint32_argument(info, 5);
    const diskann_search_params params = {uint32_argument(info, 2), uint32_argument(info, 3), uint32_argument(info, 4),
                                          flags & 1, flags >> 1};
    const uint64_t count = length / index->dimensions();
    if (count * index->dimensions() != length || params.k == 0 || params.k > DISKANN_K_MAX) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const HitsOut hits = hits_argument(info, 6, params.k, count);
    return make_job(info, std::make_unique<BatchErrand>(index, queries, count, params, hits),
                    number_argument(info, 8),
                    [](BatchErrand &errand, uint32_t workers) { return errand.begin(workers); });
}

/* open(path, simd, threads) */
Napi::Value open(const Napi::CallbackInfo &info)
{
    Addon &addon = addon_of(info);
    const double threads = number_argument(info, 2);
    std::string path = info[0].ToString().Utf8Value();
    if (path.empty() || path.find('\0') != std::string::npos) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    auto errand = std::make_unique<OpenErrand>(addon.shared(), uint32_argument(info, 1), addon.workers(threads));
    errand->begin_file(std::move(path));
    return make_job(info, std::move(errand), threads, [](OpenErrand &, uint32_t) { return DISKANN_OK; });
}

/* openBytes(length, simd, threads): the requests are JavaScript's to serve */
Napi::Value open_bytes(const Napi::CallbackInfo &info)
{
    Addon &addon = addon_of(info);
    const double threads = number_argument(info, 2);
    const uint64_t length = static_cast<uint64_t>(number_argument(info, 0));
    auto errand = std::make_unique<OpenErrand>(addon.shared(), uint32_argument(info, 1), addon.workers(threads));
    return make_job(info, std::move(errand), threads,
                    [length](OpenErrand &opened, uint32_t) { return opened.begin_bytes(length); });
}

/* convert(index, codes, codeBytes, pageBytes, threads) */
Napi::Value convert(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    diskann_config config = {};
    config.codes = uint32_argument(info, 1);
    config.code_bytes = uint32_argument(info, 2);
    config.page_bytes = uint32_argument(info, 3);
    return make_job(info, std::make_unique<ConvertErrand>(index, config), number_argument(info, 4),
                    [](ConvertErrand &errand, uint32_t workers) { return errand.begin(workers); });
}

/* save(index, path, threads) */
Napi::Value save(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    std::string path = info[1].ToString().Utf8Value();
    if (path.empty() || path.find('\0') != std::string::npos) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return make_job(info, std::make_unique<SaveErrand>(index, std::move(path)), number_argument(info, 2),
                    [](SaveErrand &errand, uint32_t workers) { return errand.begin(workers); });
}

/* saveBytes(index, out, threads) */
Napi::Value save_bytes(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    if (index == nullptr) {
        return closed(info);
    }
    size_t length = 0;
    uint8_t *out = bytes(info[1], &length);
    return make_job(info, std::make_unique<SaveBytesErrand>(index, out, length), number_argument(info, 2),
                    [](SaveBytesErrand &errand, uint32_t workers) { return errand.begin(workers); });
}

/* verify(index, threads) */
Napi::Value verify(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    return index == nullptr ? closed(info)
                            : make_job(info, std::make_unique<VerifyErrand>(index), number_argument(info, 1),
                                       [](VerifyErrand &errand, uint32_t workers) { return errand.begin(workers); });
}

/* measure(index): stats, on a thread of the pool */
Napi::Value measure(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    return index == nullptr ? closed(info)
                            : make_job(info, std::make_unique<StatsErrand>(index), 1,
                                       [](StatsErrand &, uint32_t) { return DISKANN_OK; });
}

/* close(index) */
Napi::Value close(const Napi::CallbackInfo &info)
{
    Index *index = open_index(info);
    return index == nullptr ? closed(info)
                            : make_job(info, std::make_unique<CloseErrand>(index), 1,
                                       [](CloseErrand &, uint32_t) { return DISKANN_OK; });
}

/* start(job, ticket, wantsProgress): a status */
Napi::Value start(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    if (job->errand() == nullptr || job->drive()->started()) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const bool started = job->start(number_argument(info, 1), info[2].ToBoolean());
    return number(info, started ? DISKANN_OK : DISKANN_ERR_NO_MEMORY);
}

/* cancel(job) */
Napi::Value cancel(const Napi::CallbackInfo &info)
{
    if (Drive *drive = unwrap<Job>(info[0])->drive()) {
        drive->cancel();
    }
    return info.Env().Undefined();
}

/* requests(job): kind, offset and length of each */
Napi::Value requests(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    const uint32_t count = job->drive() != nullptr ? job->drive()->stage().request_count : 0;
    Napi::Float64Array list = Napi::Float64Array::New(info.Env(), size_t(count) * 3);
    for (uint32_t i = 0; i < count; i++) {
        const diskann_request &request = job->drive()->stage().requests[i];
        list[size_t(i) * 3] = request.kind;
        list[size_t(i) * 3 + 1] = static_cast<double>(request.offset);
        list[size_t(i) * 3 + 2] = static_cast<double>(request.length);
    }
    return list;
}

/* Where `length` bytes of the buffer of a request lie, from `at` on; NULL: there are none. */
uint8_t *request_bytes(const Napi::CallbackInfo &info, uint32_t kind, size_t length)
{
    Job *job = unwrap<Job>(info[0]);
    const uint32_t i = uint32_argument(info, 1);
    const uint64_t at = static_cast<uint64_t>(number_argument(info, 2));
    if (job->drive() == nullptr || i >= job->drive()->stage().request_count) {
        return nullptr;
    }
    const diskann_request &request = job->drive()->stage().requests[i];
    const bool fits = request.kind == kind && at <= request.length && length <= request.length - at;
    return fits ? static_cast<uint8_t *>(request.buffer) + at : nullptr;
}

/* fill(job, request, at, bytes): copies bytes into the buffer of a READ */
Napi::Value fill(const Napi::CallbackInfo &info)
{
    size_t length = 0;
    const uint8_t *from = bytes(info[3], &length);
    uint8_t *to = request_bytes(info, DISKANN_READ, length);
    if (to == nullptr) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    std::memcpy(to, from, length);
    return number(info, DISKANN_OK);
}

/* drain(job, request, at, bytes): copies bytes out of the buffer of a WRITE */
Napi::Value drain(const Napi::CallbackInfo &info)
{
    size_t length = 0;
    uint8_t *to = bytes(info[3], &length);
    const uint8_t *from = request_bytes(info, DISKANN_WRITE, length);
    if (from == nullptr) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    std::memcpy(to, from, length);
    return number(info, DISKANN_OK);
}

/* resume(job, status): all requests are served */
Napi::Value resume(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    if (job->drive() != nullptr) {
        job->drive()->resume(info[1].ToNumber().Int32Value());
    }
    return info.Env().Undefined();
}

void set_findings(const Outcome &outcome, Napi::Object result)
{
    const Napi::Env env = result.Env();
    const size_t count = outcome.findings.size();
    Napi::Float64Array kinds = Napi::Float64Array::New(env, count);
    Napi::Float64Array slots = Napi::Float64Array::New(env, count);
    Napi::Float64Array pages = Napi::Float64Array::New(env, count);
    for (size_t i = 0; i < count; i++) {
        kinds[i] = outcome.findings[i].kind;
        slots[i] = outcome.findings[i].slot;
        pages[i] = static_cast<double>(outcome.findings[i].page);
    }
    result.Set("kinds", kinds);
    result.Set("slots", slots);
    result.Set("pages", pages);
    result.Set("total", static_cast<double>(outcome.finding_total));
}

/* finish(job): what has come out of it; frees the rest */
Napi::Value finish(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    Job *job = unwrap<Job>(info[0]);
    Errand *errand = job->errand();
    Napi::Object result = Napi::Object::New(env);
    if (errand == nullptr) {
        return result;
    }
    Outcome &outcome = errand->outcome();
    if (outcome.file) {
        result.Set("message", outcome.file.message);
        result.Set("errno", outcome.file.number);
    }
    if (outcome.index != nullptr) {
        IndexHandle *handle = new IndexHandle(outcome.index);
        outcome.index = nullptr;
        result.Set("index", wrap(env, handle));
        result.Set("dimensions", handle->index()->dimensions());
    }
    if (outcome.paged != nullptr) {
        result.Set("dimensions", outcome.paged->dimensions());
        result.Set("paged", wrap(env, new PagedHandle(std::move(outcome.paged))));
    }
    if (outcome.quantizer != nullptr) {
        result.Set("pq", wrap(env, new PqHandle(std::move(outcome.quantizer))));
    }
    if (outcome.found) {
        result.Set("found", true);
    }
    if (outcome.verified) {
        set_findings(outcome, result);
    }
    result.Set("fileBytes", static_cast<double>(outcome.file_bytes));
    job->finish();
    return result;
}

} // namespace

void add_job_functions(Addon &addon, Napi::Object target)
{
    const Napi::Env env = target.Env();
    const auto add = [&](const char *name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
        target.Set(name, Napi::Function::New(env, function, name, &addon));
    };
    add("insert", guarded<insert>);
    add("insertRows", guarded<insert_rows>);
    add("insertLinks", guarded<insert_links>);
    add("exact", guarded<exact>);
    add("batch", guarded<batch>);
    add("open", guarded<open>);
    add("openBytes", guarded<open_bytes>);
    add("convert", guarded<convert>);
    add("save", guarded<save>);
    add("saveBytes", guarded<save_bytes>);
    add("verify", guarded<verify>);
    add("measure", guarded<measure>);
    add("close", guarded<close>);
    add("start", start);
    add("cancel", cancel);
    add("requests", requests);
    add("fill", fill);
    add("drain", drain);
    add("resume", resume);
    add("finish", finish);
}

} // namespace diskann_node
