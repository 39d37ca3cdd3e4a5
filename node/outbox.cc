#include "outbox.h"

#include <algorithm>

namespace diskann_node {

namespace {

constexpr size_t capacity_min = 4096; /* numbers; a larger delivery makes the buffer grow */
constexpr size_t delivery_length = 65536;

} // namespace

bool Outbox::open(napi_env env, napi_value complete, napi_value grow)
{
    napi_value name;
    env_ = env;
    return napi_create_reference(env, complete, 1, &complete_) == napi_ok &&
           napi_create_reference(env, grow, 1, &grow_) == napi_ok &&
           napi_create_string_utf8(env, "diskann", NAPI_AUTO_LENGTH, &name) == napi_ok &&
           napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, wake,
                                           &wake_) == napi_ok &&
           napi_unref_threadsafe_function(env, wake_) == napi_ok && ensure_buffer(env, capacity_min);
}

void Outbox::close()
{
    for (napi_ref *reference : {&complete_, &grow_, &buffer_}) {
        if (*reference != nullptr) {
            napi_delete_reference(env_, *reference);
            *reference = nullptr;
        }
    }
    std::lock_guard<std::mutex> lock(mutex_);
    head_ = nullptr;
    tail_ = nullptr;
    wake_ = nullptr; /* the environment, which is ending, frees it */
}

void Outbox::send(Post *post, uint32_t bits)
{
    bool first;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        const bool queued = post->bits_ != 0;
        post->bits_ |= bits;
        if (queued || wake_ == nullptr) {
            return;
        }
        first = head_ == nullptr;
        post->next_ = nullptr;
        (first ? head_ : tail_->next_) = post;
        tail_ = post;
    }
    if (first) {
        napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
    }
}

void Outbox::begin_call()
{
    if (calls_++ == 0 && wake_ != nullptr) {
        napi_ref_threadsafe_function(env_, wake_);
    }
}

void Outbox::end_call()
{
    if (--calls_ == 0 && wake_ != nullptr) {
        napi_unref_threadsafe_function(env_, wake_);
    }
}

void Outbox::wake(napi_env env, napi_value callback, void *context, void *data)
{
    (void)callback;
    (void)data;
    if (env != nullptr) {
        static_cast<Outbox *>(context)->deliver(env);
    }
}

/* Moves what is queued into parcels_; a thread may queue the same post again from here on. */
void Outbox::take()
{
    parcels_.clear();
    std::lock_guard<std::mutex> lock(mutex_);
    for (Post *post = head_; post != nullptr; post = post->next_) {
        parcels_.push_back({post, post->bits_});
        post->bits_ = 0;
    }
    head_ = nullptr;
    tail_ = nullptr;
}

bool Outbox::ensure_buffer(napi_env env, size_t length)
{
    if (length <= capacity_) {
        return true;
    }
    const size_t capacity = std::max(capacity_min, length + length / 2);
    napi_value buffer;
    void *data = nullptr;
    if (napi_create_arraybuffer(env, capacity * sizeof(double), &data, &buffer) != napi_ok) {
        return false;
    }
    napi_ref reference;
    if (napi_create_reference(env, buffer, 1, &reference) != napi_ok) {
        return false;
    }
    if (buffer_ != nullptr) {
        napi_delete_reference(env, buffer_);
    }
    buffer_ = reference;
    numbers_ = static_cast<double *>(data);
    capacity_ = capacity;
    call(env, grow_, buffer);
    return true;
}

void Outbox::call(napi_env env, napi_ref function, napi_value argument)
{
    napi_value callee;
    napi_value receiver;
    if (napi_get_reference_value(env, function, &callee) == napi_ok && napi_get_undefined(env, &receiver) == napi_ok) {
        napi_call_function(env, receiver, callee, 1, &argument, nullptr);
    }
}

/* As many records from `first` on as make a delivery of reasonable size; returns the one after. */
size_t Outbox::deliver_some(napi_env env, size_t first)
{
    size_t length = 0;
    size_t last = first;
    while (last < parcels_.size() && (last == first || length < delivery_length)) {
        length += parcels_[last].post->record_length(parcels_[last].bits);
        last++;
    }
    if (!ensure_buffer(env, length)) {
        napi_fatal_error("diskann", NAPI_AUTO_LENGTH, "no memory for results", NAPI_AUTO_LENGTH);
    }
    double *out = numbers_;
    for (size_t i = first; i < last; i++) {
        Post *post = parcels_[i].post;
        const uint32_t bits = parcels_[i].bits;
        const size_t record = post->record_length(bits);
        post->write(bits, out);
        out += record;
        post->written(bits);
    }
    napi_value argument;
    if (napi_create_uint32(env, static_cast<uint32_t>(length), &argument) == napi_ok) {
        call(env, complete_, argument);
    }
    return last;
}

void Outbox::deliver(napi_env env)
{
    take();
    for (size_t i = 0; i < parcels_.size();) {
        i = deliver_some(env, i);
    }
}

} // namespace diskann_node
