/*
 * From the threads back to JavaScript. What is finished is queued here; one wake-up of the event loop fetches all of it,
 * packs it as numbers into one buffer both sides share, and calls JavaScript once.
 *
 * A record is PREFIX numbers and then what its kind says (ts/backend/native/calls.ts reads them):
 *
 *     ticket, kind, length of the whole record, ...
 */
#ifndef DISKANN_NODE_OUTBOX_H
#define DISKANN_NODE_OUTBOX_H

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace diskann_node {

enum RecordKind { RECORD_SEARCH = 0, RECORD_PROGRESS = 1, RECORD_REQUESTS = 2, RECORD_END = 3, RECORD_PAGES = 4 };
enum { RECORD_PREFIX = 3 };

class Post {
public:
    /* Numbers that `write` will write for these bits, prefixes counted. */
    virtual size_t record_length(uint32_t bits) const = 0;
    virtual void write(uint32_t bits, double *out) = 0;
    /* After the write, on the JavaScript thread; the post may go. */
    virtual void written(uint32_t bits) = 0;

protected:
    ~Post() = default;

private:
    friend class Outbox;
    Post *next_ = nullptr;
    uint32_t bits_ = 0; /* not 0: queued */
};

class Outbox {
public:
    Outbox() = default;
    Outbox(const Outbox &) = delete;
    Outbox &operator=(const Outbox &) = delete;

    /* `complete(length)` reads the buffer; `grow(buffer)` gets a larger one. */
    bool open(napi_env env, napi_value complete, napi_value grow);
    /* Throws away what is queued. The threads are joined, the environment ends. */
    void close();

    /* From any thread: `bits` (not 0) say what there is to tell; bits of a post still queued are joined. */
    void send(Post *post, uint32_t bits);

    /* Calls under way keep the process alive. JavaScript thread. */
    void begin_call();
    void end_call();

private:
    struct Parcel {
        Post *post;
        uint32_t bits;
    };
    static void wake(napi_env env, napi_value callback, void *context, void *data);
    void deliver(napi_env env);
    size_t deliver_some(napi_env env, size_t first);
    void take();
    bool ensure_buffer(napi_env env, size_t length);
    void call(napi_env env, napi_ref function, napi_value argument);

    std::mutex mutex_;
    Post *head_ = nullptr;
    Post *tail_ = nullptr;

    napi_env env_ = nullptr;
    napi_threadsafe_function wake_ = nullptr;
    napi_ref complete_ = nullptr;
    napi_ref grow_ = nullptr;
    napi_ref buffer_ = nullptr;
    double *numbers_ = nullptr;
    size_t capacity_ = 0;
    unsigned calls_ = 0;
    std::vector<Parcel> parcels_;
};

} // namespace diskann_node

#endif
