#include "page_asks.h"

namespace diskann_node {

void PageAsks::end()
{
    ticket_ = -1;
    index_.reset();
}

void PageAsks::forsake()
{
    if (const std::shared_ptr<PagedIndex> index = index_.lock()) {
        index->forsake();
    }
}

void PageAsks::write(uint32_t, double *out)
{
    out[0] = ticket_;
    out[1] = RECORD_PAGES;
    out[2] = RECORD_PREFIX;
}

} // namespace diskann_node
