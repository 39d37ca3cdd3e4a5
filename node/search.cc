#include "search.h"

#include <cstring>
#include <limits>

namespace diskann_node {

namespace {

enum { SEARCH_FIELDS = 9, SEARCH_ARGUMENTS = 7, SEARCH_SYNC_ARGUMENTS = 8 };

/*
 * ticket, kind, length, status, distances, hops, rounds, reads, bytes read, detail, page, k, ids[k], distances[k] two to a
 * number
 */
size_t search_record_length(uint32_t k)
{
    return RECORD_PREFIX + SEARCH_FIELDS + k + (size_t(k) + 1) / 2;
}

} // namespace

int SearchRecord::prepare(double ticket, const float *query, uint32_t dimensions, const diskann_search_params &params)
{
    try {
        query_.assign(query, query + dimensions);
        if (ids_.size() < params.k) {
            ids_.resize(params.k);
            distances_.resize(params.k);
        }
    } catch (const std::bad_alloc &) {
        return DISKANN_ERR_NO_MEMORY;
    }
    ticket_ = ticket;
    params_ = params;
    counters_ = {};
    count_ = 0;
    status_ = DISKANN_OK;
    return DISKANN_OK;
}

size_t SearchRecord::record_length(uint32_t) const
{
    return search_record_length(params_.k);
}

void SearchRecord::write(uint32_t, double *out)
{
    const uint32_t k = params_.k;
    out[0] = ticket_;
    out[1] = RECORD_SEARCH;
    out[2] = static_cast<double>(search_record_length(k));
    out[3] = status_;
    out[4] = static_cast<double>(counters_.distances);
    out[5] = static_cast<double>(counters_.hops);
    out[6] = static_cast<double>(counters_.rounds);
    out[7] = static_cast<double>(counters_.reads);
    out[8] = static_cast<double>(counters_.bytes_read);
    out[9] = detail_;
    out[10] = static_cast<double>(page_);
    out[11] = k;
    double *ids = out + RECORD_PREFIX + SEARCH_FIELDS;
    for (uint32_t i = 0; i < count_; i++) {
        ids[i] = static_cast<double>(ids_[i]);
    }
    for (uint32_t i = count_; i < k; i++) {
        ids[i] = std::numeric_limits<double>::quiet_NaN();
        distances_[i] = std::numeric_limits<float>::infinity();
    }
    std::memcpy(ids + k, distances_.data(), k * sizeof(float));
}

Search::~Search()
{
    if (index_ != nullptr) {
        drop(); /* the environment ends before its answer was fetched */
    }
}

int Search::begin(double ticket, Index *index, const float *query, const diskann_search_params &params)
{
    const int status = prepare(ticket, query, index->dimensions(), params);
    if (status < 0) {
        return status;
    }
    index_ = index;
    index->retain();
    addon_.outbox().begin_call();
    if (addon_.pool().submit_short(this)) {
        return DISKANN_OK;
    }
    addon_.outbox().end_call();
    drop();
    return DISKANN_ERR_NO_MEMORY;
}

bool Search::cancel()
{
    if (!addon_.pool().remove_short(this)) {
        return false;
    }
    status_ = DISKANN_ERR_CANCELLED;
    addon_.outbox().send(this, 1);
    return true;
}

int Search::search(unsigned thread)
{
    diskann_searcher *searcher = nullptr;
    const int status = index_->searcher(thread, &searcher);
    return status < 0 ? status
                      : diskann_search(searcher, query_.data(), &params_, ids_.data(), distances_.data(), &count_,
                                       &counters_);
}

bool Search::run(unsigned thread)
{
    status_ = search(thread);
    addon_.outbox().send(this, 1);
    return false;
}

void Search::drop()
{
    index_->release_later();
    index_ = nullptr;
}

void Search::written(uint32_t)
{
    addon_.outbox().end_call();
    drop();
    addon_.search_end(this);
}

int PagedSearch::begin(double ticket, const std::shared_ptr<PagedIndex> &index, const float *query,
                       const diskann_search_params &params)
{
    const int status = prepare(ticket, query, index->dimensions(), params);
    if (status < 0) {
        return status;
    }
    detail_ = 0;
    page_ = DISKANN_NOWHERE;
    index_ = index;
    renew();
    addon_.outbox().begin_call();
    if (addon_.pool().submit_short(this)) {
        return DISKANN_OK;
    }
    addon_.outbox().end_call();
    index_.reset();
    return DISKANN_ERR_NO_MEMORY;
}

bool PagedSearch::cancel()
{
    index_->cancel(*this);
    if (!addon_.pool().remove_short(this)) {
        return false;
    }
    conclude(*index_, DISKANN_ERR_CANCELLED);
    return true;
}

void PagedSearch::conclude(PagedIndex &index, int status)
{
    PagedAnswer answer;
    answer.ids = ids_.data();
    answer.distances = distances_.data();
    index.finish(*this, status, &answer);
    status_ = status;
    count_ = answer.count;
    counters_ = answer.counters;
    detail_ = answer.failure.detail;
    page_ = answer.failure.page;
    addon_.outbox().send(this, 1);
}

/* Put aside, it may go on elsewhere before this thread has come back: nothing of it is touched then. */
bool PagedSearch::run(unsigned)
{
    const std::shared_ptr<PagedIndex> index = index_;
    const int status = index->go(*this, query_.data(), params_);
    if (status != DISKANN_WAIT) {
        conclude(*index, status);
    }
    return false;
}

/* The threads are gone. */
void PagedSearch::drop()
{
    if (index_ != nullptr) {
        index_->finish(*this, DISKANN_ERR_CANCELLED, nullptr);
        index_.reset();
    }
}

void PagedSearch::wake()
{
    addon_.pool().submit_short(this); /* a stopped pool needs no further step */
}

void PagedSearch::written(uint32_t)
{
    addon_.outbox().end_call();
    index_.reset();
    addon_.weigh();
    addon_.search_end(this);
}

namespace {

/* Raw calls: this is the hot path, and a wrapper for each argument would double its cost. */

Handle *handle_argument(napi_env env, napi_value value)
{
    void *data = nullptr;
    return napi_get_value_external(env, value, &data) == napi_ok ? static_cast<Handle *>(data) : nullptr;
}

Index *index_of(Handle *handle)
{
    return handle != nullptr && handle->kind() == Handle::Kind::index ? static_cast<IndexHandle *>(handle)->index()
                                                                      : nullptr;
}

/* flags: 1 page_search, 2 may_scan */
bool params_argument(napi_env env, const napi_value *values, diskann_search_params *params)
{
    uint32_t flags = 0;
    if (napi_get_value_uint32(env, values[0], &params->k) != napi_ok ||
        napi_get_value_uint32(env, values[1], &params->list_size) != napi_ok ||
        napi_get_value_uint32(env, values[2], &params->beam_width) != napi_ok ||
        napi_get_value_uint32(env, values[3], &flags) != napi_ok) {
        return false;
    }
    params->page_search = flags & 1;
    params->may_scan = flags >> 1;
    return true;
}

/* NULL: not the query of such an index. */
const float *query_argument(napi_env env, napi_value value, uint32_t dimensions)
{
    napi_typedarray_type type;
    size_t length = 0;
    void *data = nullptr;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != napi_float32_array || length != dimensions) {
        return nullptr;
    }
    return static_cast<const float *>(data);
}

napi_value status_value(napi_env env, int status)
{
    napi_value value = nullptr;
    napi_create_int32(env, status, &value);
    return value;
}

struct SearchCall {
    Index *index = nullptr;
    const float *query = nullptr;
    diskann_search_params params = {};
};

bool read_params(napi_env env, const napi_value *values, diskann_search_params *params)
{
    return params_argument(env, values, params) && params->k > 0 && params->k <= DISKANN_K_MAX;
}

int read_search(napi_env env, Handle *index, napi_value query, const napi_value *params, SearchCall *call)
{
    call->index = index_of(index);
    if (call->index == nullptr || !read_params(env, params, &call->params)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    if (call->index->core() == nullptr) {
        return DISKANN_ERR_CLOSED;
    }
    call->query = query_argument(env, query, call->index->dimensions());
    return call->query != nullptr ? DISKANN_OK : DISKANN_ERR_DIMENSION_MISMATCH;
}

/* As `search`, of an index in its file. */
int search_paged(napi_env env, Addon &addon, const PagedHandle &handle, double ticket, const napi_value *values)
{
    diskann_search_params params = {};
    const std::shared_ptr<PagedIndex> &index = handle.index();
    if (!read_params(env, values + 1, &params)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    if (index == nullptr) {
        return DISKANN_ERR_CLOSED;
    }
    const float *query = query_argument(env, values[0], index->dimensions());
    if (query == nullptr) {
        return DISKANN_ERR_DIMENSION_MISMATCH;
    }
    PagedSearch *search = addon.paged_search_begin();
    if (search == nullptr) {
        return DISKANN_ERR_NO_MEMORY;
    }
    const int status = search->begin(ticket, index, query, params);
    if (status < 0) {
        addon.search_end(search);
    }
    return status;
}

/* search(index, ticket, query, k, listSize, beamWidth, flags): a status */
napi_value search(napi_env env, napi_callback_info info)
{
    size_t count = SEARCH_ARGUMENTS;
    napi_value values[SEARCH_ARGUMENTS];
    void *data = nullptr;
    double ticket = 0;
    SearchCall call;
    if (napi_get_cb_info(env, info, &count, values, nullptr, &data) != napi_ok || count != SEARCH_ARGUMENTS ||
        napi_get_value_double(env, values[1], &ticket) != napi_ok) {
        return status_value(env, DISKANN_ERR_INVALID_ARGUMENT);
    }
    Addon &addon = *static_cast<Addon *>(data);
    Handle *handle = handle_argument(env, values[0]);
    if (handle != nullptr && handle->kind() == Handle::Kind::paged) {
        return status_value(env, search_paged(env, addon, *static_cast<PagedHandle *>(handle), ticket, values + 2));
    }
    int status = read_search(env, handle, values[2], values + 3, &call);
    if (status < 0) {
        return status_value(env, status);
    }
    Search *search = addon.search_begin();
    if (search == nullptr) {
        return status_value(env, DISKANN_ERR_NO_MEMORY);
    }
    status = search->begin(ticket, call.index, call.query, call.params);
    if (status < 0) {
        addon.search_end(search);
    }
    return status_value(env, status);
}

/* searchSync(index, query, k, listSize, beamWidth, flags, ids, distances): hits, or a status. For measurements. */
Napi::Value search_sync(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const napi_value params[] = {info[2], info[3], info[4], info[5]};
    SearchCall call;
    size_t id_count = 0;
    size_t distance_count = 0;
    double *ids = doubles(info[6], &id_count);
    float *distances = floats(info[7], &distance_count);
    int status = read_search(env, handle_argument(env, info[0]), info[1], params, &call);
    if (status == DISKANN_OK && (id_count < call.params.k || distance_count < call.params.k)) {
        status = DISKANN_ERR_INVALID_ARGUMENT;
    }
    uint32_t count = 0;
    if (status == DISKANN_OK) {
        diskann_searcher *searcher = nullptr;
        uint64_t *raw = reinterpret_cast<uint64_t *>(ids);
        status = call.index->searcher(addon_of(info).pool().slots(), &searcher);
        if (status == DISKANN_OK) {
            status = diskann_search(searcher, call.query, &call.params, raw, distances, &count, nullptr);
        }
        for (uint32_t i = 0; i < count; i++) {
            uint64_t id;
            std::memcpy(&id, &ids[i], sizeof id);
            ids[i] = static_cast<double>(id);
        }
    }
    return Napi::Number::New(env, status < 0 ? status : static_cast<double>(count));
}

/* searchCancel(ticket): true if it has ended by this */
Napi::Value search_cancel(const Napi::CallbackInfo &info)
{
    return Napi::Boolean::New(info.Env(), addon_of(info).search_cancel(info[0].ToNumber().DoubleValue()));
}

} // namespace

void add_search_functions(Addon &addon, Napi::Object target)
{
    const Napi::Env env = target.Env();
    napi_value function = nullptr;
    if (napi_create_function(env, "search", NAPI_AUTO_LENGTH, search, &addon, &function) != napi_ok) {
        throw Napi::Error::New(env);
    }
    target.Set("search", Napi::Value(env, function));
    target.Set("searchSync", Napi::Function::New(env, search_sync, "searchSync", &addon));
    target.Set("searchCancel", Napi::Function::New(env, search_cancel, "searchCancel", &addon));
}

} // namespace diskann_node
