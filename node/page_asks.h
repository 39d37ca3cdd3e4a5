/* The requests of an index whose pages are not in a file, on their way to JavaScript, which reads them. */
#ifndef DISKANN_NODE_PAGE_ASKS_H
#define DISKANN_NODE_PAGE_ASKS_H

#include "addon.h"
#include "paged.h"

namespace diskann_node {

/*
 * The record tells a ticket only, whose requests JavaScript then takes. Used again, since one may still be queued when its
 * index is closed: then there is nothing to take.
 */
class PageAsks final : public PageHost, public Post {
public:
    explicit PageAsks(Addon &addon) : addon_(addon) {}
    void begin(double ticket) { ticket_ = ticket; }
    void serve(const std::shared_ptr<PagedIndex> &index) { index_ = index; }
    /* Nobody asks any more. */
    void end();
    bool is_under_way(double ticket) const { return ticket_ == ticket; }
    /* With the threads stopped. */
    void forsake();

    void wants_pages() override { addon_.outbox().send(this, 1); }
    size_t record_length(uint32_t) const override { return RECORD_PREFIX; }
    void write(uint32_t, double *out) override;
    void written(uint32_t) override {}

private:
    Addon &addon_;
    double ticket_ = -1;
    std::weak_ptr<PagedIndex> index_;
};

} // namespace diskann_node

#endif
