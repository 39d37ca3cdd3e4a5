#if !defined(_WIN32)

#include "file.h"

#include <atomic>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <unistd.h>

namespace diskann_node {

namespace {

constexpr uint64_t transfer_max = 1 << 30; /* some systems refuse more than 2 GiB in one call */
constexpr int name_attempts = 100;

std::string reason(int number)
{
    std::string text = std::generic_category().message(number);
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

std::string folder_of(const std::string &path)
{
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

/* A link is followed: what it points at is replaced, not the link. */
std::string resolved(const std::string &path)
{
    struct stat info;
    if (lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) {
        return path;
    }
    char *real = realpath(path.c_str(), nullptr);
    if (real == nullptr) {
        return path;
    }
    std::string result(real);
    std::free(real);
    return result;
}

std::string temporary_name(const std::string &path)
{
    static std::atomic<unsigned> counter{0};
    return path + "." + std::to_string(getpid()) + "-" + std::to_string(counter.fetch_add(1)) + ".tmp";
}

/* The rename is on the disk once the folder is. Systems and file systems that cannot do that say so. */
int sync_folder(const std::string &folder)
{
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return 0;
    }
    const int number = fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    return number == EIO || number == ENOSPC ? number : 0;
}

} // namespace

bool File::fail(const char *verb, const std::string &path, int number)
{
    return fail_text(std::string("cannot ") + verb + " '" + path + "': " + reason(number), number);
}

bool File::open_plain(const std::string &path)
{
    path_ = path;
    /* Non-blocking, so that a pipe is an error and not a wait. */
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) {
        return fail("open", path, errno);
    }
    struct stat info;
    if (fstat(descriptor_, &info) != 0) {
        return fail("open", path, errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return fail("open", path, EISDIR);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail_text("cannot open '" + path + "': not a regular file", EINVAL);
    }
    return true;
}

bool File::create_beside(const std::string &path)
{
    path_ = resolved(path);
    struct stat info;
    const bool exists = stat(path_.c_str(), &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        return fail("write", path, EISDIR);
    }
    if (exists && !S_ISREG(info.st_mode)) {
        return fail_text("cannot write '" + path + "': not a regular file", EINVAL);
    }
    for (int attempt = 0; attempt < name_attempts && descriptor_ < 0; attempt++) {
        temporary_ = temporary_name(path_);
        descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor_ < 0 && errno != EEXIST) {
            break;
        }
    }
    if (descriptor_ < 0) {
        const int number = errno;
        temporary_.clear();
        return fail("write", path, number);
    }
    if (exists) {
        (void)!fchmod(descriptor_, info.st_mode & 07777); /* a file replaced keeps its rights where that is allowed */
    }
    return true;
}

bool File::look_at_size(uint64_t *bytes)
{
    struct stat info;
    const bool done = fstat(descriptor_, &info) == 0;
    *bytes = done ? static_cast<uint64_t>(info.st_size) : 0;
    return done;
}

bool File::size(uint64_t *bytes)
{
    return look_at_size(bytes) || fail("read", path_, errno);
}

bool File::read_some(uint64_t offset, void *buffer, uint64_t length, uint64_t *got)
{
    const size_t part = static_cast<size_t>(length < transfer_max ? length : transfer_max);
    ssize_t count;
    do {
        count = pread(descriptor_, buffer, part, static_cast<off_t>(offset));
    } while (count < 0 && errno == EINTR);
    *got = count < 0 ? 0 : static_cast<uint64_t>(count);
    return count >= 0 || fail("read", path_, errno);
}

/* By number: not every library has the function. */
bool File::try_read_at(uint64_t offset, void *buffer, uint64_t length)
{
    if (access_ == FileAccess::MAP) {
        return is_mapped(offset, length) && is_in_memory(offset, length) && copy_mapped(offset, buffer, length);
    }
#if defined(__linux__) && defined(SYS_preadv2)
    constexpr unsigned long no_wait = 8;
    struct iovec part = {buffer, static_cast<size_t>(length)};
    if (access_ == FileAccess::DIRECT || !may_try_.load(std::memory_order_relaxed)) {
        return false;
    }
    const long got = syscall(SYS_preadv2, descriptor_, &part, 1UL, static_cast<unsigned long>(offset), 0UL, no_wait);
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
        may_try_.store(false, std::memory_order_relaxed); /* not of this system, file system or sandbox */
    }
    return got >= 0 && static_cast<uint64_t>(got) == length;
#else
    (void)offset, (void)buffer, (void)length;
    return false;
#endif
}

bool File::begin_direct()
{
#if defined(__APPLE__)
    const bool done = fcntl(descriptor_, F_NOCACHE, 1) == 0;
#elif defined(O_DIRECT)
    const bool done = fcntl(descriptor_, F_SETFL, fcntl(descriptor_, F_GETFL) | O_DIRECT) == 0;
#else
    errno = EOPNOTSUPP;
    const bool done = false;
#endif
    return done || refuse("past the cache of the system", errno);
}

bool File::begin_map()
{
    if (!size(&map_bytes_)) {
        return false;
    }
    if (map_bytes_ == 0) {
        return true;
    }
    void *map = map_bytes_ > SIZE_MAX ? MAP_FAILED : mmap(nullptr, map_bytes_, PROT_READ, MAP_SHARED, descriptor_, 0);
    if (map == MAP_FAILED) {
        return refuse("by a mapping", map_bytes_ > SIZE_MAX ? ENOMEM : errno);
    }
    map_ = static_cast<const uint8_t *>(map);
    madvise(map, map_bytes_, MADV_RANDOM); /* a hint: nothing is read beside what is asked for */
    return true;
}

void File::end_map()
{
    if (map_ != nullptr) {
        munmap(const_cast<uint8_t *>(map_), map_bytes_);
        map_ = nullptr;
    }
}

namespace {

/* The pages of memory that bytes lie in. */
struct MemoryPages {
    MemoryPages(const uint8_t *from, uint64_t length)
    {
        const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
        const uintptr_t first = reinterpret_cast<uintptr_t>(from);
        begin = first & ~(page - 1);
        bytes = ((first + length + page - 1) & ~(page - 1)) - begin;
        count = bytes / page;
    }
    void *at() const { return reinterpret_cast<void *>(begin); }
    uintptr_t begin;
    uintptr_t bytes;
    uintptr_t count;
};

} // namespace

bool File::is_in_memory(uint64_t offset, uint64_t length)
{
#if defined(__linux__)
    unsigned char there[64];
    const MemoryPages pages(map_ + offset, length);
    if (pages.count > sizeof there || mincore(pages.at(), pages.bytes, there) != 0) {
        return false;
    }
    for (uintptr_t i = 0; i < pages.count; i++) {
        if ((there[i] & 1) == 0) {
            return false;
        }
    }
    return true;
#else
    (void)offset, (void)length;
    return false;
#endif
}

/* One read of the disk instead of one for each page of memory. By number: not every library has the name. */
bool File::bring(uint64_t offset, uint64_t length)
{
    const MemoryPages pages(map_ + offset, length);
    madvise(pages.at(), pages.bytes, MADV_WILLNEED);
#if defined(__linux__)
    constexpr int populate_read = 22; /* without it a disk that fails would be a signal */
    if (madvise(pages.at(), pages.bytes, populate_read) != 0 && errno == EFAULT) {
        return fail("read", path_, EIO);
    }
#endif
    return true;
}

bool File::write_at(uint64_t offset, const void *buffer, uint64_t length)
{
    const char *at = static_cast<const char *>(buffer);
    while (length > 0) {
        const size_t part = static_cast<size_t>(length < transfer_max ? length : transfer_max);
        const ssize_t put = pwrite(descriptor_, at, part, static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return fail("write", path_, put < 0 ? errno : ENOSPC);
        }
        at += put;
        offset += static_cast<uint64_t>(put);
        length -= static_cast<uint64_t>(put);
    }
    return true;
}

bool File::sync()
{
#if defined(__APPLE__)
    const bool done = fcntl(descriptor_, F_FULLFSYNC) == 0 || fsync(descriptor_) == 0;
#else
    const bool done = fsync(descriptor_) == 0;
#endif
    return done || fail("write", path_, errno);
}

bool File::replace()
{
    if (::close(descriptor_) != 0) {
        descriptor_ = -1;
        return fail("write", path_, errno);
    }
    descriptor_ = -1;
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
        return fail("replace", path_, errno);
    }
    temporary_.clear();
    const int number = sync_folder(folder_of(path_));
    return number == 0 || fail("write", folder_of(path_), number);
}

void File::close()
{
    end_map();
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        descriptor_ = -1;
    }
    if (!temporary_.empty()) {
        unlink(temporary_.c_str());
        temporary_.clear();
    }
}

} // namespace diskann_node

#endif
