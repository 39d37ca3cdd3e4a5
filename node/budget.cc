#include "budget.h"

#include "arguments.h"

#include <vector>

namespace diskann_node {

namespace {

enum { BUDGET_FIELDS = CONFIG_FIELDS + 4, NEEDS_FIELDS = 3 };

bool budget_argument(const Napi::Value &value, diskann_budget *budget)
{
    size_t length = 0;
    const double *fields = doubles(value, &length);
    if (length != BUDGET_FIELDS) {
        return false;
    }
    read_config(fields, &budget->config);
    budget->rows = static_cast<uint64_t>(fields[CONFIG_FIELDS]);
    budget->data_type = static_cast<uint32_t>(fields[CONFIG_FIELDS + 1]);
    budget->has_ids = static_cast<uint32_t>(fields[CONFIG_FIELDS + 2]);
    budget->memory_bytes = static_cast<uint64_t>(fields[CONFIG_FIELDS + 3]);
    return true;
}

/* budgetNeeds(budget, out): a status */
Napi::Value budget_needs(const Napi::CallbackInfo &info)
{
    diskann_budget budget;
    diskann_budget_needs needs = {};
    size_t length = 0;
    double *out = doubles(info[1], &length);
    if (!budget_argument(info[0], &budget) || length != NEEDS_FIELDS) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    const int status = diskann_budget_need(&budget, &needs);
    out[0] = static_cast<double>(needs.memory_bytes);
    out[1] = needs.shards;
    out[2] = needs.workers;
    return number(info, status);
}

/* budgetBuild(budget, threads) */
Napi::Value budget_build(const Napi::CallbackInfo &info)
{
    diskann_budget budget;
    if (!budget_argument(info[0], &budget)) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    return make_job(info, std::make_unique<BudgetErrand>(addon_of(info).shared()), number_argument(info, 1),
                    [budget](BudgetErrand &errand, uint32_t workers) { return errand.begin(budget, workers); });
}

/* budgetIds(job, ids): a status. Copies; so it is for slabs of a few megabytes. */
Napi::Value budget_ids(const Napi::CallbackInfo &info)
{
    Job *job = unwrap<Job>(info[0]);
    BudgetErrand *errand = job->errand() != nullptr ? job->errand()->as_budget() : nullptr;
    size_t length = 0;
    const double *numbers = doubles(info[1], &length);
    if (errand == nullptr || job->drive()->started()) {
        return number(info, DISKANN_ERR_INVALID_ARGUMENT);
    }
    std::vector<uint64_t> ids(length);
    for (size_t i = 0; i < length; i++) {
        if (!(numbers[i] >= 0 && numbers[i] <= static_cast<double>(DISKANN_ID_MAX))) {
            return number(info, DISKANN_ERR_INVALID_ARGUMENT);
        }
        ids[i] = static_cast<uint64_t>(numbers[i]);
    }
    return number(info, diskann_budget_ids(errand->op(), ids.data(), length));
}

} // namespace

void add_budget_functions(Addon &addon, Napi::Object target)
{
    const Napi::Env env = target.Env();
    const auto add = [&](const char *name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
        target.Set(name, Napi::Function::New(env, function, name, &addon));
    };
    add("budgetNeeds", budget_needs);
    add("budgetBuild", guarded<budget_build>);
    add("budgetIds", guarded<budget_ids>);
}

} // namespace diskann_node
