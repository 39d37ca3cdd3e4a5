#if defined(_WIN32)

#include "file.h"

#include <atomic>
#include <system_error>
#include <utility>

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

bool File::fail_text(const std::string &message, int number)
{
    std::lock_guard<std::mutex> lock(error_mutex_);
    if (!error_) {
        error_.number = number;
        error_.message = message;
    }
    return false;
}

FileError File::take_error()
{
    std::lock_guard<std::mutex> lock(error_mutex_);
    return std::exchange(error_, FileError());
}

bool File::fail(const char *verb, const std::string &path, int number)
{
    const std::string reason = std::system_category().message(number);
    return fail_text(std::string("cannot ") + verb + " '" + path + "': " + reason, number);
}

bool File::open(const std::string &path)
{
    path_ = path;
    HANDLE handle = CreateFileW(wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (handle == INVALID_HANDLE_VALUE) {
        return fail("open", path, last_error());
    }
    handle_ = handle;
    return GetFileType(handle) == FILE_TYPE_DISK ||
           fail_text("cannot open '" + path + "': not a regular file", ERROR_INVALID_PARAMETER);
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

bool File::size(uint64_t *bytes)
{
    LARGE_INTEGER size;
    if (!GetFileSizeEx(handle_, &size)) {
        return fail("read", path_, last_error());
    }
    *bytes = static_cast<uint64_t>(size.QuadPart);
    return true;
}

bool File::read_at(uint64_t offset, void *buffer, uint64_t length)
{
    char *at = static_cast<char *>(buffer);
    while (length > 0) {
        const DWORD part = static_cast<DWORD>(length < transfer_max ? length : transfer_max);
        OVERLAPPED where = position(offset);
        DWORD got = 0;
        if (!ReadFile(handle_, at, part, &got, &where) && GetLastError() != ERROR_HANDLE_EOF) {
            return fail("read", path_, last_error());
        }
        if (got == 0) {
            return fail_text("cannot read '" + path_ + "': it ends at byte " + std::to_string(offset) +
                                 "; it was cut while it was read",
                             ERROR_HANDLE_EOF);
        }
        at += got;
        offset += got;
        length -= got;
    }
    return true;
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
