/*
 * One connection of JavaScript to the addon: its threads, its way back, and the calls under way. An environment may have
 * several (two copies of the package in one program); each ends with its environment, whatever is going on then.
 */
#ifndef DISKANN_NODE_ADDON_H
#define DISKANN_NODE_ADDON_H

#include "outbox.h"
#include "work.h"

#include <napi.h>

#include <memory>
#include <unordered_set>
#include <vector>

namespace diskann_node {

class Addon;
class PageAsks;
class PagedIndex;
class PagedSearch;
class Search;

/* What JavaScript holds: an external value whose finalizer deletes it. */
class Handle {
public:
    enum class Kind { index, job, quantizer, paged };
    explicit Handle(Kind kind) : kind_(kind) {}
    virtual ~Handle() = default;
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    Kind kind() const { return kind_; }

private:
    const Kind kind_;
};

class IndexHandle : public Handle {
public:
    static constexpr Kind kind_wanted = Kind::index;
    explicit IndexHandle(Index *index) : Handle(kind_wanted), index_(index) {}
    ~IndexHandle() override { index_->release_later(); }
    Index *index() const { return index_; }

private:
    Index *const index_;
};

class PqHandle : public Handle {
public:
    static constexpr Kind kind_wanted = Kind::quantizer;
    explicit PqHandle(std::shared_ptr<Quantizer> quantizer) : Handle(kind_wanted), quantizer_(std::move(quantizer)) {}
    /* NULL once closed. */
    const std::shared_ptr<Quantizer> &quantizer() const { return quantizer_; }
    /* Calls under way have references of their own. */
    void close() { quantizer_.reset(); }

private:
    std::shared_ptr<Quantizer> quantizer_;
};

class PagedHandle : public Handle {
public:
    static constexpr Kind kind_wanted = Kind::paged;
    explicit PagedHandle(std::shared_ptr<PagedIndex> index) : Handle(kind_wanted), index_(std::move(index)) {}
    ~PagedHandle() override;
    /* NULL once closed. */
    const std::shared_ptr<PagedIndex> &index() const { return index_; }
    /* The caller sees to the rest. */
    std::shared_ptr<PagedIndex> take() { return std::move(index_); }

private:
    std::shared_ptr<PagedIndex> index_;
};

/* Objects that are used again: of all that were ever made, those that are idle. */
template <class T> class Recycler {
public:
    /* NULL: no memory. */
    template <class Context> T *begin(Context &context)
    {
        try {
            if (idle_.empty()) {
                idle_.reserve(all_.size() + 1);
                all_.push_back(std::make_unique<T>(context));
                return all_.back().get();
            }
        } catch (const std::bad_alloc &) {
            return nullptr;
        }
        T *object = idle_.back();
        idle_.pop_back();
        return object;
    }
    void end(T *object) { idle_.push_back(object); } /* reserved in begin */
    const std::vector<std::unique_ptr<T>> &all() const { return all_; }

private:
    std::vector<std::unique_ptr<T>> all_;
    std::vector<T *> idle_;
};

/* A long call: its errand, the drive of it, and its records. */
class Job : public Handle, public Drive::Host, public Post {
public:
    static constexpr Kind kind_wanted = Kind::job;
    Job(Addon &addon, std::unique_ptr<Errand> errand, uint32_t workers);
    ~Job() override;

    /* False: no thread. */
    bool start(double ticket, bool wants_progress);
    /* Frees the work; the outcome with it. */
    void finish();
    /* The environment ends. */
    void orphan();
    Drive *drive() { return drive_.get(); }
    /* NULL after finish. */
    Errand *errand() { return drive_ != nullptr ? errand_ : nullptr; }

    void on_progress() override;
    void on_requests() override;
    void on_end() override;
    size_t record_length(uint32_t bits) const override;
    void write(uint32_t bits, double *out) override;
    void written(uint32_t bits) override;

private:
    double *write_progress(double *out);
    void write_end(double *out);

    Addon *addon_;
    Errand *errand_;
    std::unique_ptr<Drive> drive_;
    double ticket_ = 0;
    bool wants_progress_ = false;
};

class Addon {
public:
    Addon(napi_env env, unsigned threads);
    ~Addon();
    Addon(const Addon &) = delete;
    Addon &operator=(const Addon &) = delete;

    bool connect(napi_value complete, napi_value grow);

    napi_env env() const { return env_; }
    Outbox &outbox() { return outbox_; }
    Pool &pool() { return shared_->pool; }
    const std::shared_ptr<Shared> &shared() const { return shared_; }
    /* As many as asked for (0: all), no more than there are. */
    uint32_t workers(double threads) const;
    std::unordered_set<Job *> &jobs() { return jobs_; }
    /* A search object to fill and submit. NULL: no memory. */
    Search *search_begin();
    PagedSearch *paged_search_begin();
    void search_end(Search *search);
    void search_end(PagedSearch *search);
    bool search_cancel(double ticket);
    /* Throws std::bad_alloc. */
    PageAsks &page_asks_begin(double ticket);
    void page_asks_serve(double ticket, const std::shared_ptr<PagedIndex> &index);
    void page_asks_end(double ticket);
    /* Tells the garbage collector what the indexes weigh. */
    void weigh();

private:
    static void teardown(void *self);
    void stop();

    const napi_env env_;
    const std::shared_ptr<Shared> shared_;
    Outbox outbox_;
    std::unordered_set<Job *> jobs_;
    Recycler<Search> searches_;
    Recycler<PagedSearch> paged_searches_;
    Recycler<PageAsks> page_asks_;
    int64_t weight_told_ = 0;
};

/* ---- reading arguments ---- */

/* Throws a TypeError for anything else: only a mistake in this package gets here. */
template <class H> H *unwrap(const Napi::Value &value)
{
    if (!value.IsExternal()) {
        throw Napi::TypeError::New(value.Env(), "a handle was expected");
    }
    Handle *handle = value.As<Napi::External<Handle>>().Data();
    if (handle->kind() != H::kind_wanted) {
        throw Napi::TypeError::New(value.Env(), "another handle was expected");
    }
    return static_cast<H *>(handle);
}

Napi::Value wrap(Napi::Env env, Handle *handle);
/* The elements of a typed array; throws for another type. */
float *floats(const Napi::Value &value, size_t *length);
double *doubles(const Napi::Value &value, size_t *length);
uint8_t *bytes(const Napi::Value &value, size_t *length);
/* Those of rows: of floats, or of integers of one byte; `data_type` is the core's. */
const void *elements(const Napi::Value &value, size_t *length, uint32_t *data_type);
Addon &addon_of(const Napi::CallbackInfo &info);
enum { STATS_FIELDS = 32 };
void write_stats(const diskann_stats &stats, double *out);

/* ---- what there is to call; each adds its functions to `target` ---- */

void add_index_functions(Addon &addon, Napi::Object target);
void add_search_functions(Addon &addon, Napi::Object target);
void add_job_functions(Addon &addon, Napi::Object target);
void add_paged_functions(Addon &addon, Napi::Object target);
void add_pq_functions(Addon &addon, Napi::Object target);
void add_budget_functions(Addon &addon, Napi::Object target);

} // namespace diskann_node

#endif
