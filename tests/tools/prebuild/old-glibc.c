/*
 * Linked into a Linux addon that is made for others: what newer compilers' libraries ask of glibc and older glibc do
 * not have. Hidden, so nobody else sees it. See old-glibc.mjs.
 */
#include <stddef.h>
#include <sys/stat.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* glibc 2.32; 0: there may be other threads, count with atomics. */
HIDDEN char __libc_single_threaded = 0;

/* glibc 2.36; libstdc++ has it for std::random_device. */
int getentropy(void *buffer, size_t length);
HIDDEN unsigned arc4random(void);
unsigned arc4random(void)
{
    unsigned value = 0;
    return getentropy(&value, sizeof value) == 0 ? value : 0;
}

/* glibc 2.33 made functions of these; before, they were calls of the ones below, which are still there. */
#if defined(__x86_64__)
enum { STAT_VERSION = 1 };
#else
enum { STAT_VERSION = 0 };
#endif
int __xstat(int version, const char *path, struct stat *out);
int __lxstat(int version, const char *path, struct stat *out);
int __fxstat(int version, int descriptor, struct stat *out);

HIDDEN int stat(const char *path, struct stat *out);
HIDDEN int lstat(const char *path, struct stat *out);
HIDDEN int fstat(int descriptor, struct stat *out);

int stat(const char *path, struct stat *out)
{
    return __xstat(STAT_VERSION, path, out);
}

int lstat(const char *path, struct stat *out)
{
    return __lxstat(STAT_VERSION, path, out);
}

int fstat(int descriptor, struct stat *out)
{
    return __fxstat(STAT_VERSION, descriptor, out);
}

/* On these CPUs the two structures are one. */
HIDDEN int stat64(const char *path, struct stat *out);
HIDDEN int lstat64(const char *path, struct stat *out);
HIDDEN int fstat64(int descriptor, struct stat *out);

int stat64(const char *path, struct stat *out)
{
    return __xstat(STAT_VERSION, path, out);
}

int lstat64(const char *path, struct stat *out)
{
    return __lxstat(STAT_VERSION, path, out);
}

int fstat64(int descriptor, struct stat *out)
{
    return __fxstat(STAT_VERSION, descriptor, out);
}
