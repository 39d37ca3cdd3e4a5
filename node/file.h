/*
 * Files, by position, from any thread. What systems differ in: file_posix.cc, file_win32.cc.
 * A failure is kept as the system's number and a sentence that names the file.
 */
#ifndef DISKANN_NODE_FILE_H
#define DISKANN_NODE_FILE_H

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace diskann_node {

/*
 * How a file is read, to the same bytes. READ: by calls of the system, through its cache. MAP: copied out of a mapping. DIRECT:
 * by calls, past the system's cache.
 */
enum class FileAccess : uint32_t { READ, MAP, DIRECT };

struct FileError {
    int number = 0; /* errno, or GetLastError on Windows; 0: none */
    bool refused = false; /* this file cannot be read in the way that was asked for */
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
    bool open(const std::string &path, FileAccess access = FileAccess::READ);
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
    bool fail_text(const std::string &message, int number, bool refused = false);
    bool fail_cut(uint64_t offset);
    bool refuse(const char *what, int number);
    bool open_plain(const std::string &path);
    bool look_at_size(uint64_t *bytes);
    /* One call of the system: some of it, 0 at the end of the file. */
    bool read_some(uint64_t offset, void *buffer, uint64_t length, uint64_t *got);
    bool read_through(uint64_t offset, char *at, uint64_t length);
    bool read_mapped(uint64_t offset, void *buffer, uint64_t length);
    bool is_mapped(uint64_t offset, uint64_t length);
    bool copy_mapped(uint64_t offset, void *buffer, uint64_t length);
    bool read_direct(uint64_t offset, char *at, uint64_t length);
    bool begin_map();
    void end_map();
    bool begin_direct();
    /* Whether all of it is in memory; false where the system cannot tell. */
    bool is_in_memory(uint64_t offset, uint64_t length);
    /* From the disk into memory: false, and an error, where the disk fails. */
    bool bring(uint64_t offset, uint64_t length);

    FileAccess access_ = FileAccess::READ;
    const uint8_t *map_ = nullptr;
    uint64_t map_bytes_ = 0;
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
