/*
 * One search: the call that is made most, so its path is short. The object is reused; nothing is allocated once its
 * buffers fit; the query is copied, the hits are copied into the shared buffer of the outbox.
 */
#ifndef DISKANN_NODE_SEARCH_H
#define DISKANN_NODE_SEARCH_H

#include "addon.h"

namespace diskann_node {

class Search final : public Task, public Post {
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
    size_t record_length(uint32_t bits) const override;
    void write(uint32_t bits, double *out) override;
    void written(uint32_t bits) override;

private:
    int search(unsigned thread);

    Addon &addon_;
    double ticket_ = 0;
    Index *index_ = nullptr; /* one reference while under way */
    diskann_search_params params_ = {};
    diskann_search_counters counters_ = {};
    int status_ = 0;
    uint32_t count_ = 0;
    std::vector<float> query_;
    std::vector<uint64_t> ids_;
    std::vector<float> distances_;
};

} // namespace diskann_node

#endif
