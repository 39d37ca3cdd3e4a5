/* Builds into a file under a memory budget: rows and file are JavaScript's to read and write. */
#ifndef DISKANN_NODE_BUDGET_H
#define DISKANN_NODE_BUDGET_H

#include "work.h"

namespace diskann_node {

class BudgetErrand : public OpErrand {
public:
    explicit BudgetErrand(std::shared_ptr<Shared> shared) : OpErrand(nullptr), shared_(std::move(shared)) {}
    ~BudgetErrand() override { end_op(); }
    int begin(const diskann_budget &budget, uint32_t workers)
    {
        return diskann_budget_begin(&budget, workers, shared_->memory.allocator(), &op_);
    }
    bool host_serves() const override { return true; }
    /* Only a SYNC comes here, when JavaScript has done it. */
    int serve(const diskann_request &) override { return DISKANN_OK; }
    BudgetErrand *as_budget() override { return this; }

private:
    const std::shared_ptr<Shared> shared_; /* holds the memory */
};

} // namespace diskann_node

#endif
