#if defined(_WIN32)

#include "file.h"

#include <atomic>
#include <system_error>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

namespace diskann_node {

namespace {

constexpr uint64_t transfer_max = 1 << 30;
constexpr int name_attempts = 100;

std::wstring wide(const std::string &text)
{
    const int length = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring result(static_cast<size_t>(length > 0 ? length : 0), L'\0');
    if (length > 0) {
        MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), &result[0], length);
    }
    return result;
}

int last_error()
{
    return static_cast<int>(GetLastError());
}

std::string temporary_name(const std::string &path)
{
    static std::atomic<unsigned> counter{0};
    return path + "." + std::to_string(GetCurrentProcessId()) + "-" + std::to_string(counter.fetch_add(1)) + ".tmp";
}

OVERLAPPED position(uint64_t offset)
{
    OVERLAPPED at = {};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    return at;
}

} // namespace

bool File::fail(const char *verb, const std::string &path, int number)
{
    const std::string reason = std::system_category().message(number);
    return fail_text(std::string("cannot ") + verb + " '" + path + "': " + reason, number);
}

namespace {

HANDLE open_for_reading(const std::string &path, DWORD flags)
{
    return CreateFileW(wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                       OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | flags, nullptr);
}

} // namespace

bool File::open_plain(const std::string &path)
{
    path_ = path;
    HANDLE handle = open_for_reading(path, 0);
    if (handle == INVALID_HANDLE_VALUE) {
        return fail("open", path, last_error());
    }
    handle_ = handle;
    return GetFileType(handle) == FILE_TYPE_DISK ||
           fail_text("cannot open '" + path + "': not a regular file", ERROR_INVALID_PARAMETER);
}

bool File::begin_direct()
{
    HANDLE handle = open_for_reading(path_, FILE_FLAG_NO_BUFFERING);
    if (handle == INVALID_HANDLE_VALUE) {
        return refuse("past the cache of the system", last_error());
    }
    CloseHandle(handle_);
    handle_ = handle;
    return true;
}

/* As long as there is one, Windows lets nobody cut the file. */
bool File::begin_map()
{
    if (!size(&map_bytes_)) {
        return false;
    }
    if (map_bytes_ == 0) {
        return true;
    }
    HANDLE mapping = CreateFileMappingW(handle_, nullptr, PAGE_READONLY, 0, 0, nullptr);
    if (mapping != nullptr) {
        map_ = static_cast<const uint8_t *>(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0));
    }
    const int number = map_ == nullptr ? last_error() : 0;
    if (mapping != nullptr) {
        CloseHandle(mapping); /* the view keeps it */
    }
    return map_ != nullptr || refuse("by a mapping", number);
}

void File::end_map()
{
    if (map_ != nullptr) {
        UnmapViewOfFile(map_);
        map_ = nullptr;
    }
}

bool File::is_in_memory(uint64_t offset, uint64_t length)
{
    (void)offset, (void)length;
    return false;
}

bool File::bring(uint64_t offset, uint64_t length)
{
    (void)offset, (void)length;
    return true;
}

bool File::create_beside(const std::string &path)
{
    path_ = path;
    HANDLE handle = INVALID_HANDLE_VALUE;
    for (int attempt = 0; attempt < name_attempts && handle == INVALID_HANDLE_VALUE; attempt++) {
        temporary_ = temporary_name(path);
        handle = CreateFileW(wide(temporary_).c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL,
                             nullptr);
        if (handle == INVALID_HANDLE_VALUE && GetLastError() != ERROR_FILE_EXISTS) {
            break;
        }
    }
    if (handle == INVALID_HANDLE_VALUE) {
        const int number = last_error();
        temporary_.clear();
        return fail("write", path, number);
    }
    handle_ = handle;
    return true;
}

bool File::look_at_size(uint64_t *bytes)
{
    LARGE_INTEGER size;
    const bool done = GetFileSizeEx(handle_, &size) != 0;
    *bytes = done ? static_cast<uint64_t>(size.QuadPart) : 0;
    return done;
}

bool File::size(uint64_t *bytes)
{
    return look_at_size(bytes) || fail("read", path_, last_error());
}

bool File::read_some(uint64_t offset, void *buffer, uint64_t length, uint64_t *got)
{
    const DWORD part = static_cast<DWORD>(length < transfer_max ? length : transfer_max);
    OVERLAPPED where = position(offset);
    DWORD count = 0;
    const bool done = ReadFile(handle_, buffer, part, &count, &where) || GetLastError() == ERROR_HANDLE_EOF;
    *got = done ? count : 0;
    return done || fail("read", path_, last_error());
}

bool File::try_read_at(uint64_t offset, void *buffer, uint64_t length)
{
    (void)offset, (void)buffer, (void)length;
    return false;
}

bool File::write_at(uint64_t offset, const void *buffer, uint64_t length)
{
    const char *at = static_cast<const char *>(buffer);
    while (length > 0) {
        const DWORD part = static_cast<DWORD>(length < transfer_max ? length : transfer_max);
        OVERLAPPED where = position(offset);
        DWORD put = 0;
        if (!WriteFile(handle_, at, part, &put, &where)) {
            return fail("write", path_, last_error());
        }
        at += put;
        offset += put;
        length -= put;
    }
    return true;
}

bool File::sync()
{
    return FlushFileBuffers(handle_) || fail("write", path_, last_error());
}

bool File::replace()
{
    CloseHandle(handle_);
    handle_ = nullptr;
    if (!MoveFileExW(wide(temporary_).c_str(), wide(path_).c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        return fail("replace", path_, last_error());
    }
    temporary_.clear();
    return true;
}

void File::close()
{
    end_map();
    if (handle_ != nullptr) {
        CloseHandle(handle_);
        handle_ = nullptr;
    }
    if (!temporary_.empty()) {
        DeleteFileW(wide(temporary_).c_str());
        temporary_.clear();
    }
}

} // namespace diskann_node

#endif
