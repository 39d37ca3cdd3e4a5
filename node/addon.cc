#include "addon.h"
#include "page_asks.h"
#include "search.h"

#include <algorithm>
#include <cstdlib>

namespace diskann_node {

namespace {

constexpr int64_t weight_step = 1 << 20;
constexpr uint32_t threads_max = DISKANN_WORKERS_MAX;

Napi::Value typed(const Napi::Value &value, napi_typedarray_type wanted, void **data, size_t *length)
{
    napi_typedarray_type type;
    const napi_status status =
        value.IsTypedArray()
            ? napi_get_typedarray_info(value.Env(), value, &type, length, data, nullptr, nullptr)
            : napi_invalid_arg;
    if (status != napi_ok || type != wanted) {
        throw Napi::TypeError::New(value.Env(), "another typed array was expected");
    }
    return value;
}

} // namespace

Addon::Addon(napi_env env, unsigned threads) : env_(env), shared_(std::make_shared<Shared>(threads)) {}

Addon::~Addon() = default;

bool Addon::connect(napi_value complete, napi_value grow)
{
    /* In this order: hooks run last first, and ours must find the wake-up function alive. */
    return outbox_.open(env_, complete, grow) && napi_add_env_cleanup_hook(env_, teardown, this) == napi_ok;
}

void Addon::teardown(void *self)
{
    Addon *addon = static_cast<Addon *>(self);
    addon->stop();
    delete addon;
}

/* Nothing may run after this; what is half done is undone. Waits for the pieces of work under way, not for the whole. */
void Addon::stop()
{
    for (Job *job : jobs_) {
        if (job->drive() != nullptr) {
            job->drive()->cancel();
        }
    }
    shared_->stop();
    for (const std::unique_ptr<PageAsks> &asks : page_asks_.all()) {
        asks->forsake();
    }
    outbox_.close();
    const std::unordered_set<Job *> jobs = std::move(jobs_);
    for (Job *job : jobs) {
        job->orphan();
    }
}

uint32_t Addon::workers(double threads) const
{
    const uint32_t all = std::min(shared_->pool.threads(), threads_max);
    return threads >= 1 && threads < all ? static_cast<uint32_t>(threads) : all;
}

Search *Addon::search_begin()
{
    return searches_.begin(*this);
}

PagedSearch *Addon::paged_search_begin()
{
    return paged_searches_.begin(*this);
}

void Addon::search_end(Search *search)
{
    searches_.end(search);
}

void Addon::search_end(PagedSearch *search)
{
    paged_searches_.end(search);
}

bool Addon::search_cancel(double ticket)
{
    for (const std::unique_ptr<Search> &search : searches_.all()) {
        if (search->is_under_way(ticket)) {
            return search->cancel();
        }
    }
    for (const std::unique_ptr<PagedSearch> &search : paged_searches_.all()) {
        if (search->is_under_way(ticket)) {
            return search->cancel();
        }
    }
    return false;
}

PageAsks &Addon::page_asks_begin(double ticket)
{
    PageAsks *asks = page_asks_.begin(*this);
    if (asks == nullptr) {
        throw std::bad_alloc();
    }
    asks->begin(ticket);
    return *asks;
}

void Addon::page_asks_serve(double ticket, const std::shared_ptr<PagedIndex> &index)
{
    for (const std::unique_ptr<PageAsks> &asks : page_asks_.all()) {
        if (asks->is_under_way(ticket)) {
            asks->serve(index);
        }
    }
}

void Addon::page_asks_end(double ticket)
{
    for (const std::unique_ptr<PageAsks> &asks : page_asks_.all()) {
        if (asks->is_under_way(ticket)) {
            asks->end();
            page_asks_.end(asks.get());
            return;
        }
    }
}

void Addon::weigh()
{
    const int64_t change = shared_->memory.bytes() - weight_told_;
    int64_t total;
    if (std::abs(change) >= weight_step && napi_adjust_external_memory(env_, change, &total) == napi_ok) {
        weight_told_ += change;
    }
}

Napi::Value wrap(Napi::Env env, Handle *handle)
{
    return Napi::External<Handle>::New(env, handle, [](Napi::Env, Handle *dead) { delete dead; });
}

float *floats(const Napi::Value &value, size_t *length)
{
    void *data = nullptr;
    typed(value, napi_float32_array, &data, length);
    return static_cast<float *>(data);
}

double *doubles(const Napi::Value &value, size_t *length)
{
    void *data = nullptr;
    typed(value, napi_float64_array, &data, length);
    return static_cast<double *>(data);
}

uint8_t *bytes(const Napi::Value &value, size_t *length)
{
    void *data = nullptr;
    typed(value, napi_uint8_array, &data, length);
    return static_cast<uint8_t *>(data);
}

const void *elements(const Napi::Value &value, size_t *length, uint32_t *data_type)
{
    napi_typedarray_type type = napi_uint8_clamped_array;
    void *data = nullptr;
    if (value.IsTypedArray()) {
        napi_get_typedarray_info(value.Env(), value, &type, length, &data, nullptr, nullptr);
    }
    switch (type) {
    case napi_float32_array:
        *data_type = DISKANN_F32;
        return data;
    case napi_int8_array:
        *data_type = DISKANN_I8;
        return data;
    case napi_uint8_array:
        *data_type = DISKANN_U8;
        return data;
    default:
        throw Napi::TypeError::New(value.Env(), "another typed array was expected");
    }
}

Addon &addon_of(const Napi::CallbackInfo &info)
{
    return *static_cast<Addon *>(info.Data());
}

namespace {

/* connect(threads, complete, grow): the functions of ts/backend/native/binding.ts. */
Napi::Value connect(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const uint32_t threads = info[0].ToNumber().Uint32Value();
    auto addon = std::make_unique<Addon>(env, std::clamp<uint32_t>(threads, 1, threads_max));
    if (!addon->connect(info[1], info[2])) {
        throw Napi::Error::New(env, "the addon cannot start");
    }
    Addon &connected = *addon.release(); /* the environment's end deletes it */
    Napi::Object functions = Napi::Object::New(env);
    add_index_functions(connected, functions);
    add_search_functions(connected, functions);
    add_job_functions(connected, functions);
    add_pq_functions(connected, functions);
    add_budget_functions(connected, functions);
    add_paged_functions(connected, functions);
    return functions;
}

Napi::Value simd_best(const Napi::CallbackInfo &info)
{
    return Napi::Number::New(info.Env(), diskann_simd_best());
}

Napi::Value simd_available(const Napi::CallbackInfo &info)
{
    return Napi::Boolean::New(info.Env(), diskann_simd_available(info[0].ToNumber().Uint32Value()) != 0);
}

/* The core's texts, for the test that compares them with those of ts/backend/failure.ts. */
Napi::Value texts(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    Napi::Object result = Napi::Object::New(env);
    Napi::Array findings = Napi::Array::New(env);
    for (uint32_t i = 0; i < DISKANN_FINDING_COUNT; i++) {
        findings.Set(i, diskann_finding_text(i));
    }
    Napi::Array phases = Napi::Array::New(env);
    for (uint32_t i = 0; i < DISKANN_PHASE_COUNT; i++) {
        phases.Set(i, diskann_phase_text(i));
    }
    Napi::Array codes = Napi::Array::New(env);
#define ADDON_STATUS_NAME(name, value, text) \
    if ((value) < 0) {                       \
        codes.Set(-(value), #name);          \
    }
    DISKANN_STATUS_TABLE(ADDON_STATUS_NAME)
#undef ADDON_STATUS_NAME
    result.Set("findings", findings);
    result.Set("phases", phases);
    result.Set("codes", codes);
    return result;
}

Napi::Object load(Napi::Env env, Napi::Object exports)
{
    exports.Set("connect", Napi::Function::New(env, connect, "connect"));
    exports.Set("simdBest", Napi::Function::New(env, simd_best, "simdBest"));
    exports.Set("simdAvailable", Napi::Function::New(env, simd_available, "simdAvailable"));
    exports.Set("texts", Napi::Function::New(env, texts, "texts"));
    return exports;
}

} // namespace

NODE_API_MODULE(diskann, load)

} // namespace diskann_node
