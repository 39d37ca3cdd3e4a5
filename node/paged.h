/*
 * An index that stays in its file, as the addon holds it: the core's paged index behind one lock, its file, and the searches
 * under way. Knows nothing of Node.
 *
 * A search is stepped by whichever thread runs it. A page that the system has in memory is read on the spot; one that must
 * come from the disk is read by the threads that do only that, and the search is put aside:
 *
 *     its turn --> steps, items, reads on the spot --> waits for pages --a read completed--> steps ...
 *                        |                    '------> waits for room --anything moved----> steps ...
 *                        '--> ended: the next one has its turn
 *
 * No thread ever waits for a page. Only so many searches have their turn at once: each holds memory and pages. Where the pages
 * are not in a file, the host reads them (PageHost); then every read is put aside.
 */
#ifndef DISKANN_NODE_PAGED_H
#define DISKANN_NODE_PAGED_H

#include "../csrc/include/diskann.h"
#include "file.h"
#include "shared.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace diskann_node {

class PagedIndex;
class QueryQueue;

/* One search of a paged index. */
class PagedQuery {
public:
    PagedQuery() = default;
    PagedQuery(const PagedQuery &) = delete;
    PagedQuery &operator=(const PagedQuery &) = delete;

protected:
    ~PagedQuery() = default;
    /* Go on with PagedIndex::go, on a thread that may compute. Called with the lock of the index held. */
    virtual void wake() = 0;
    /* Nothing is under way: a cancel that came after the end counts no more. */
    void renew() { cancelled_ = false; }

private:
    friend class PagedIndex;
    friend class QueryQueue;
    diskann_op *op_ = nullptr;
    bool cancelled_ = false;
    bool has_turn_ = false;
    bool was_first_ = false; /* of those that wait for room: it goes back to the front */
    QueryQueue *queue_ = nullptr;
    PagedQuery *next_ = nullptr;
};

/* First in, first out; the links are in the queries. */
class QueryQueue {
public:
    bool empty() const { return head_ == nullptr; }
    void push(PagedQuery &query);
    void push_front(PagedQuery &query);
    PagedQuery *pop();
    void remove(PagedQuery &query);

private:
    PagedQuery *head_ = nullptr;
    PagedQuery *tail_ = nullptr;
};

/* What a search is told, and where its answer goes: `ids` and `distances` have k places. */
struct PagedAnswer {
    uint64_t *ids;
    float *distances;
    uint32_t count;
    diskann_search_counters counters;
    diskann_failure failure;
};

/* Reads pages that are not in a file. */
class PageHost {
public:
    /* There are requests to take. Called with the lock of the index held, on any thread. */
    virtual void wants_pages() = 0;

protected:
    ~PageHost() = default;
};

class PagedIndex : public std::enable_shared_from_this<PagedIndex> {
public:
    enum { TURNS = 16 };

    /* Takes over `core`. The pages are in `file`, or `host` reads them, which lives until close or forsake. */
    PagedIndex(std::shared_ptr<Shared> shared, diskann_paged *core, std::unique_ptr<File> file, PageHost *host,
               uint32_t dimensions)
        : shared_(std::move(shared)), file_(std::move(file)), dimensions_(dimensions), core_(core), host_(host)
    {
    }
    ~PagedIndex() { close(); }
    PagedIndex(const PagedIndex &) = delete;
    PagedIndex &operator=(const PagedIndex &) = delete;

    Shared &shared() const { return *shared_; }
    uint32_t dimensions() const { return dimensions_; }
    /* False: the host reads. */
    bool has_file() const { return file_ != nullptr; }
    /* A call of the core that the host orders: DISKANN_ERR_CLOSED, or what `call` returns. */
    template <class Call> int with_core(Call call)
    {
        Lock lock(mutex_);
        return core_ != nullptr ? call(core_) : static_cast<int>(DISKANN_ERR_CLOSED);
    }
    /* From the file, on any thread. */
    int read(const diskann_request &request);
    /*
     * Begins a search or goes on with it. DISKANN_WAIT: it is put aside until `wake`, and may be under way on another thread
     * already. Else it is over: finish() it. `vector` and `params` count the first time only.
     */
    int go(PagedQuery &query, const float *vector, const diskann_search_params &params);
    /* Ends a search wherever it is, not while it runs. `status` is what go() returned; `answer` may be NULL. */
    void finish(PagedQuery &query, int status, PagedAnswer *answer);
    /* From any thread: it is over soon. Its reads go on, since others may wait for them. */
    void cancel(PagedQuery &query);

    /* Requests that the host has not yet seen; each wants an answer. */
    std::vector<diskann_request> take_wanted();
    /* The bytes of a request, all of them; NULL: it cannot be read. False: nobody asked for so many, or at all. */
    bool answer(uint32_t ticket, const uint8_t *bytes, size_t length);
    /* The host is gone, and the threads are: nothing that was asked for will come. */
    void forsake();

    /* DISKANN_ERR_CLOSED. */
    int stats(diskann_stats *out);
    bool is_closed();
    /* Why a read failed last. */
    FileError error();
    /* No search is under way; waits for the reads that are. Idempotent. */
    void close();

private:
    using Lock = std::unique_lock<std::mutex>;
    friend class PagedRead;

    int begin(PagedQuery &query, const float *vector, const diskann_search_params &params);
    void put_aside(PagedQuery &query, bool for_pages);
    void wake_for_room();
    void wake_for_pages();
    void pass_turn(PagedQuery &query);
    void serve(const diskann_stage &stage, Lock &lock);
    bool ask_host(const diskann_stage &stage);
    bool hand_over(const diskann_request &request);
    void complete(uint32_t ticket, int status);
    void end_read();

    const std::shared_ptr<Shared> shared_;
    const std::unique_ptr<File> file_;
    const uint32_t dimensions_;

    std::mutex mutex_; /* guards all below, and the core but for diskann_op_run */
    std::condition_variable reads_ended_;
    diskann_paged *core_;
    QueryQueue for_turn_;
    QueryQueue for_pages_;
    QueryQueue for_room_;
    uint32_t turns_ = 0; /* taken */
    uint32_t reads_ = 0; /* under way */
    PageHost *host_;
    std::vector<diskann_request> wanted_; /* not yet taken by the host */
    std::vector<diskann_request> asked_;  /* taken, not yet answered */
    FileError error_;
};

} // namespace diskann_node

#endif
