/*
 * One search: the call that is made most, so its path is short. The object is reused; nothing is allocated once its
 * buffers fit; the query is copied, the hits are copied into the shared buffer of the outbox.
 */
#ifndef DISKANN_NODE_SEARCH_H
#define DISKANN_NODE_SEARCH_H

#include "addon.h"
#include "paged.h"

namespace diskann_node {

/* What the record of any search tells. */
class SearchRecord : public Post {
public:
    size_t record_length(uint32_t bits) const override;
    void write(uint32_t bits, double *out) override;

protected:
    ~SearchRecord() = default;
    /* Copies the query and makes room for the hits: DISKANN_ERR_NO_MEMORY. */
    int prepare(double ticket, const float *query, uint32_t dimensions, const diskann_search_params &params);

    double ticket_ = 0;
    diskann_search_params params_ = {};
    diskann_search_counters counters_ = {};
    int status_ = 0;
    uint32_t detail_ = 0;
    int64_t page_ = DISKANN_NOWHERE;
    uint32_t count_ = 0;
    std::vector<float> query_;
    std::vector<uint64_t> ids_;
    std::vector<float> distances_;
};

class Search final : public Task, public SearchRecord {
public:
    explicit Search(Addon &addon) : addon_(addon) {}
    ~Search();

    /* Copies the query and queues the search. Less than 0: it is not under way. JavaScript thread, as all but run. */
    int begin(double ticket, Index *index, const float *query, const diskann_search_params &params);
    bool is_under_way(double ticket) const { return index_ != nullptr && ticket_ == ticket; }
    /* True: it was still queued; it ends with DISKANN_ERR_CANCELLED. */
    bool cancel();

    bool run(unsigned thread) override;
    void drop() override;
    void written(uint32_t bits) override;

private:
    int search(unsigned thread);

    Addon &addon_;
    Index *index_ = nullptr; /* one reference while under way */
};

/* The same of an index in its file: it may be put aside, and go on on another thread. */
class PagedSearch final : public Task, public PagedQuery, public SearchRecord {
public:
    explicit PagedSearch(Addon &addon) : addon_(addon) {}
    ~PagedSearch() { drop(); }

    int begin(double ticket, const std::shared_ptr<PagedIndex> &index, const float *query,
              const diskann_search_params &params);
    bool is_under_way(double ticket) const { return index_ != nullptr && ticket_ == ticket; }
    /* It ends soon, with DISKANN_ERR_CANCELLED if it has not ended. */
    bool cancel();

    bool run(unsigned thread) override;
    void drop() override;
    void written(uint32_t bits) override;

protected:
    void wake() override;

private:
    void conclude(PagedIndex &index, int status);

    Addon &addon_;
    std::shared_ptr<PagedIndex> index_; /* while under way */
};

} // namespace diskann_node

#endif
