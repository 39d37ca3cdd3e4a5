/* What files have in common on all systems: errors, and the ways to read. */
#include "file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace diskann_node {

namespace {

/* What disks read and write at once; places in memory and in the file are multiples of it. */
constexpr uint64_t block = 4096;
constexpr uint64_t direct_max = 1 << 18;
#if defined(_WIN32)
constexpr int number_of_end = 38; /* ERROR_HANDLE_EOF */
#else
constexpr int number_of_end = EIO;
#endif

/* Memory that begins where a block may; NULL: there is none. */
class Blocks {
public:
    explicit Blocks(uint64_t bytes) : memory_(std::malloc(static_cast<size_t>(bytes + block))) {}
    char *at() const
    {
        const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.get());
        return memory_ == nullptr ? nullptr : reinterpret_cast<char *>((address + block - 1) & ~uintptr_t(block - 1));
    }

private:
    struct Free {
        void operator()(void *memory) const { std::free(memory); }
    };
    const std::unique_ptr<void, Free> memory_;
};

} // namespace

bool File::fail_text(const std::string &message, int number, bool refused)
{
    std::lock_guard<std::mutex> lock(error_mutex_);
    if (!error_) {
        error_.number = number;
        error_.refused = refused;
        error_.message = message;
    }
    return false;
}

bool File::fail_cut(uint64_t offset)
{
    return fail_text("cannot read '" + path_ + "': it ends at byte " + std::to_string(offset) +
                         "; it was cut while it was read",
                     number_of_end);
}

bool File::refuse(const char *what, int number)
{
    return fail_text("cannot read '" + path_ + "' " + what +
                         ": its file system does not offer that; open it with fileAccess \"pread\"",
                     number, true);
}

FileError File::take_error()
{
    std::lock_guard<std::mutex> lock(error_mutex_);
    return std::exchange(error_, FileError());
}

bool File::open(const std::string &path, FileAccess access)
{
    if (!open_plain(path)) {
        return false;
    }
    access_ = access;
    if (access == FileAccess::MAP) {
        return begin_map();
    }
    if (access == FileAccess::READ) {
        return true;
    }
    /* Some file systems find out when they are to read. */
    const Blocks buffer(block);
    uint64_t got = 0;
    if (!begin_direct() || read_some(0, buffer.at(), block, &got)) {
        return !error_;
    }
    const FileError error = take_error();
    return refuse("past the cache of the system", error.number);
}

bool File::read_at(uint64_t offset, void *buffer, uint64_t length)
{
    switch (access_) {
    case FileAccess::MAP:
        return read_mapped(offset, buffer, length);
    case FileAccess::DIRECT:
        return read_direct(offset, static_cast<char *>(buffer), length);
    default:
        return read_through(offset, static_cast<char *>(buffer), length);
    }
}

bool File::read_through(uint64_t offset, char *at, uint64_t length)
{
    while (length > 0) {
        uint64_t got = 0;
        if (!read_some(offset, at, length, &got)) {
            return false;
        }
        if (got == 0) {
            return fail_cut(offset);
        }
        at += got;
        offset += got;
        length -= got;
    }
    return true;
}

/* Bytes of a mapping that the file no longer has end the process when they are touched: so it is asked before each copy. */
bool File::is_mapped(uint64_t offset, uint64_t length)
{
    uint64_t bytes = 0;
    look_at_size(&bytes);
    bytes = std::min(bytes, map_bytes_);
    return offset <= bytes && length <= bytes - offset;
}

bool File::copy_mapped(uint64_t offset, void *buffer, uint64_t length)
{
    std::memcpy(buffer, map_ + offset, static_cast<size_t>(length));
    return true;
}

bool File::read_mapped(uint64_t offset, void *buffer, uint64_t length)
{
    if (length == 0) {
        return true;
    }
    if (!is_mapped(offset, length)) {
        uint64_t bytes = 0;
        return size(&bytes) && fail_cut(std::min(bytes, map_bytes_));
    }
    return bring(offset, length) && copy_mapped(offset, buffer, length);
}

/* In whole blocks, by way of a buffer where a block may begin: pages of the cache lie anywhere. */
bool File::read_direct(uint64_t offset, char *at, uint64_t length)
{
    const uint64_t first = offset & ~(block - 1);
    const uint64_t span = std::min(direct_max, ((offset + length + block - 1) & ~(block - 1)) - first);
    const Blocks buffer(span);
    if (buffer.at() == nullptr) {
        return fail_text("cannot read '" + path_ + "': not enough memory", ENOMEM);
    }
    while (length > 0) {
        const uint64_t from = offset & ~(block - 1);
        const uint64_t skip = offset - from;
        const uint64_t wanted = std::min(span, (skip + length + block - 1) & ~(block - 1));
        uint64_t got = 0;
        if (!read_some(from, buffer.at(), wanted, &got)) {
            return false;
        }
        if (got <= skip) {
            return fail_cut(from + got);
        }
        const uint64_t part = std::min(got - skip, length);
        std::memcpy(at, buffer.at() + skip, static_cast<size_t>(part));
        at += part;
        offset += part;
        length -= part;
    }
    return true;
}

} // namespace diskann_node
