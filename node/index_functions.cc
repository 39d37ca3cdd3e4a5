/* Functions of an index that are quick enough for the JavaScript thread. */
#include "arguments.h"

#include <limits>

namespace diskann_node {

namespace {

/* create(config): an index, or a status */
Napi::Value create(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    Addon &addon = addon_of(info);
    size_t length = 0;
    const double *fields = doubles(info[0], &length);
    if (length != CONFIG_FIELDS) {
        return Napi::Number::New(env, DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_config config;
    diskann_index *core = nullptr;
    read_config(fields, &config);
    const int status = diskann_index_create(&config, addon.shared()->memory.allocator(), &core);
    if (status < 0) {
        return Napi::Number::New(env, status);
    }
    try {
        const Napi::Value value = wrap(env, new IndexHandle(new Index(addon.shared(), core, config.dimensions)));
        addon.weigh();
        return value;
    } catch (const std::bad_alloc &) {
        diskann_index_destroy(core);
        return Napi::Number::New(env, DISKANN_ERR_NO_MEMORY);
    }
}

/* size(index) */
Napi::Value size(const Napi::CallbackInfo &info)
{
    const diskann_index *core = unwrap<IndexHandle>(info[0])->index()->core();
    return Napi::Number::New(info.Env(), core != nullptr ? static_cast<double>(diskann_index_size(core)) : 0);
}

bool read_id(double number, uint64_t *id)
{
    if (!(number >= 0 && number <= static_cast<double>(DISKANN_ID_MAX))) {
        return false;
    }
    *id = static_cast<uint64_t>(number);
    return static_cast<double>(*id) == number;
}

/* has(index, id) */
Napi::Value has(const Napi::CallbackInfo &info)
{
    const diskann_index *core = unwrap<IndexHandle>(info[0])->index()->core();
    uint64_t id = 0;
    const bool found = core != nullptr && read_id(info[1].ToNumber().DoubleValue(), &id) && diskann_index_has(core, id) != 0;
    return Napi::Boolean::New(info.Env(), found);
}

/* get(index, id, out): a status */
Napi::Value get(const Napi::CallbackInfo &info)
{
    const Index *index = unwrap<IndexHandle>(info[0])->index();
    size_t length = 0;
    float *out = floats(info[2], &length);
    uint64_t id = 0;
    int status = DISKANN_ERR_NOT_FOUND;
    if (index->core() == nullptr) {
        status = DISKANN_ERR_CLOSED;
    } else if (length != index->dimensions()) {
        status = DISKANN_ERR_DIMENSION_MISMATCH;
    } else if (read_id(info[1].ToNumber().DoubleValue(), &id)) {
        status = diskann_index_get(index->core(), id, out);
    }
    return Napi::Number::New(info.Env(), status);
}

/* stats(index, out): a status */
Napi::Value stats(const Napi::CallbackInfo &info)
{
    const diskann_index *core = unwrap<IndexHandle>(info[0])->index()->core();
    size_t length = 0;
    double *out = doubles(info[1], &length);
    if (core == nullptr || length != STATS_FIELDS) {
        return Napi::Number::New(info.Env(), core == nullptr ? DISKANN_ERR_CLOSED : DISKANN_ERR_INVALID_ARGUMENT);
    }
    diskann_stats values;
    diskann_index_stats(core, &values);
    write_stats(values, out);
    return Napi::Number::New(info.Env(), DISKANN_OK);
}

} // namespace

/* In the order of STATS in ts/backend/native/binding.ts. */
void write_stats(const diskann_stats &stats, double *out)
{
    const diskann_config &config = stats.config;
    const double values[STATS_FIELDS] = {
        double(config.dimensions),    double(config.metric),     double(config.data_type),
        double(config.max_degree),    double(config.build_list_size), double(config.alpha),
        double(config.seed),          double(config.codes),      double(config.code_bytes),
        double(config.page_bytes),    double(config.simd),
        double(stats.size),           double(stats.next_id),     double(stats.edges),
        double(stats.degree_max),     double(stats.record_bytes), double(stats.records_per_page),
        double(stats.pages),     double(stats.file_bytes),
        double(stats.memory_vectors), double(stats.memory_graph), double(stats.memory_records),
        double(stats.memory_codes),   double(stats.memory_ids),  double(stats.memory_total),
        double(stats.cache_bytes),    double(stats.cache_limit), double(stats.cache_hits),
        double(stats.cache_misses),   double(stats.cache_reads), double(stats.cache_bytes_read),
        stats.relative_error,
    };
    for (size_t i = 0; i < STATS_FIELDS; i++) {
        out[i] = values[i];
    }
}

void add_index_functions(Addon &addon, Napi::Object target)
{
    const Napi::Env env = target.Env();
    target.Set("create", Napi::Function::New(env, create, "create", &addon));
    target.Set("size", Napi::Function::New(env, size, "size", &addon));
    target.Set("has", Napi::Function::New(env, has, "has", &addon));
    target.Set("get", Napi::Function::New(env, get, "get", &addon));
    target.Set("stats", Napi::Function::New(env, stats, "stats", &addon));
}

} // namespace diskann_node
