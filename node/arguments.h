/* What functions that make jobs share: numbers, arrays for hits, and the making itself. */
#ifndef DISKANN_NODE_ARGUMENTS_H
#define DISKANN_NODE_ARGUMENTS_H

#include "addon.h"

namespace diskann_node {

inline Napi::Value number(const Napi::CallbackInfo &info, double value)
{
    return Napi::Number::New(info.Env(), value);
}

inline double number_argument(const Napi::CallbackInfo &info, size_t i)
{
    return info[i].ToNumber().DoubleValue();
}

inline uint32_t uint32_argument(const Napi::CallbackInfo &info, size_t i)
{
    return info[i].ToNumber().Uint32Value();
}

inline HitsOut hits_argument(const Napi::CallbackInfo &info, size_t i, uint32_t k, uint64_t rows)
{
    size_t ids = 0;
    size_t distances = 0;
    const HitsOut hits = {doubles(info[i], &ids), floats(info[i + 1], &distances), k};
    if (ids < rows * k || distances < rows * k) {
        throw Napi::TypeError::New(info.Env(), "larger arrays were expected");
    }
    return hits;
}

enum { CONFIG_FIELDS = 11 };

/* Of CONFIG_FIELDS numbers. */
inline void read_config(const double *fields, diskann_config *config)
{
    diskann_config_init(config, static_cast<uint32_t>(fields[0]));
    config->metric = static_cast<uint32_t>(fields[1]);
    config->data_type = static_cast<uint32_t>(fields[2]);
    config->max_degree = static_cast<uint32_t>(fields[3]);
    config->build_list_size = static_cast<uint32_t>(fields[4]);
    config->alpha = static_cast<float>(fields[5]);
    config->seed = static_cast<uint64_t>(fields[6]);
    config->codes = static_cast<uint32_t>(fields[7]);
    config->code_bytes = static_cast<uint32_t>(fields[8]);
    config->page_bytes = static_cast<uint32_t>(fields[9]);
    config->simd = static_cast<uint32_t>(fields[10]);
}

/* Makes a job of an errand; `begin(errand, workers)` returns a status. */
template <class E, class Begin>
Napi::Value make_job(const Napi::CallbackInfo &info, std::unique_ptr<E> errand, double threads, Begin begin)
{
    Addon &addon = addon_of(info);
    const uint32_t workers = addon.workers(threads);
    const int status = begin(*errand, workers);
    return status < 0 ? number(info, status) : wrap(info.Env(), new Job(addon, std::move(errand), workers));
}

/* Memory of the addon's own runs out (the core returns a status instead). */
template <Napi::Value (*function)(const Napi::CallbackInfo &)> Napi::Value guarded(const Napi::CallbackInfo &info)
{
    try {
        return function(info);
    } catch (const std::bad_alloc &) {
        return number(info, DISKANN_ERR_NO_MEMORY);
    }
}

} // namespace diskann_node

#endif
