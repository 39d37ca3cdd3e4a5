/*
 * Files, by position, from any thread. One implementation a system: file_posix.cc, file_win32.cc.
 * A failure is kept as the system's number and a sentence that names the file.
 */
#ifndef DISKANN_NODE_FILE_H
#define DISKANN_NODE_FILE_H

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace diskann_node {

struct FileError {
    int number = 0; /* errno, or GetLastError on Windows; 0: none */
    std::string message;
    explicit operator bool() const { return !message.empty(); }
};

class File {
public:
    File() = default;
    ~File() { close(); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;

    /* A regular file, for reading. False: see error(). */
    bool open(const std::string &path);
    /* A new file with a name of its own beside `path`, for writing. */
    bool create_beside(const std::string &path);
    bool size(uint64_t *bytes);
    /* All of it or nothing. Any number of threads at once; the first failure is kept. */
    bool read_at(uint64_t offset, void *buffer, uint64_t length);
    /* True: all of it was in the system's memory. False: it has to be waited for, or this system cannot tell. */
    bool try_read_at(uint64_t offset, void *buffer, uint64_t length);
    bool write_at(uint64_t offset, const void *buffer, uint64_t length);
    bool sync();
    /* Puts the created file in the place of `path` of create_beside, for good. */
    bool replace();
    /* Closes, and removes what was created and not yet put in place. */
    void close();
    const FileError &error() const { return error_; }
    /* The same, from any thread; the next failure is kept in its place. */
    FileError take_error();

private:
    bool fail(const char *verb, const std::string &path, int number);
    bool fail_text(const std::string &message, int number);

#if defined(_WIN32)
    void *handle_ = nullptr;
#else
    int descriptor_ = -1;
#endif
    std::atomic<bool> may_try_{true};
    std::string path_;
    std::string temporary_;
    std::mutex error_mutex_;
    FileError error_;
};

} // namespace diskann_node

#endif
