/*
 * A small harness for C tests. A test file is a program:
 *
 *     #include "check.h"
 *
 *     static void adds_up(void)
 *     {
 *         CHECK(1 + 1 == 2);
 *         CHECK_UINT(size, 3);      // shows both numbers when they differ
 *         REQUIRE(pointer != NULL); // leaves the test when it fails
 *     }
 *
 *     CHECK_MAIN(CHECK_TEST(adds_up), CHECK_TEST(...))
 *
 * Words on the command line run only the tests whose names contain one of them. The last line printed is
 * "N passed, N failed"; the exit code is 0 if none failed. Do not REQUIRE on another thread.
 */
#ifndef DISKANN_TESTS_CHECK_H
#define DISKANN_TESTS_CHECK_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_test {
    const char *name;
    void (*run)(void);
} check_test;

enum { CHECK_SHOWN_MAX = 10 }; /* failures shown per test: a loop must not flood the output */

static unsigned check_failures; /* of the running test */
static unsigned check_checks;
static jmp_buf check_leave;

#if defined(__GNUC__)
#define CHECK_UNUSED __attribute__((unused))
__attribute__((format(printf, 4, 5), unused))
#else
#define CHECK_UNUSED
#endif
static int check_that(int ok, const char *file, int line, const char *format, ...)
{
    check_checks++;
    if (!ok && check_failures++ < CHECK_SHOWN_MAX) {
        va_list words;
        printf("    %s:%d: ", file, line);
        va_start(words, format);
        vprintf(format, words);
        va_end(words);
        printf("\n");
    }
    return ok;
}

#define CHECK(condition) check_that(!!(condition), __FILE__, __LINE__, "%s", #condition)

#define CHECK_UINT(actual, expected)                                                                        \
    do {                                                                                                    \
        const uint64_t actual_ = (uint64_t)(actual), expected_ = (uint64_t)(expected);                      \
        check_that(actual_ == expected_, __FILE__, __LINE__, "%s is %" PRIu64 " (0x%" PRIx64 "), not %" PRIu64, \
                   #actual, actual_, actual_, expected_);                                                   \
    } while (0)

#define CHECK_INT(actual, expected)                                                                         \
    do {                                                                                                    \
        const int64_t actual_ = (int64_t)(actual), expected_ = (int64_t)(expected);                         \
        check_that(actual_ == expected_, __FILE__, __LINE__, "%s is %" PRId64 ", not %" PRId64, #actual,    \
                   actual_, expected_);                                                                     \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                                        \
    do {                                                                                                    \
        const char *const actual_ = (actual), *const expected_ = (expected);                                \
        check_that(strcmp(actual_, expected_) == 0, __FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #actual, \
                   actual_, expected_);                                                                     \
    } while (0)

#define CHECK_BYTES(actual, expected, bytes)                                                                \
    check_that(memcmp(actual, expected, bytes) == 0, __FILE__, __LINE__, "%s differs from %s", #actual, #expected)

#define REQUIRE(condition)                                                                                  \
    do {                                                                                                    \
        if (!CHECK(condition)) {                                                                            \
            longjmp(check_leave, 1);                                                                        \
        }                                                                                                   \
    } while (0)

/* Under a sanitizer or on an emulated CPU, ten and more times slower: a test that takes seconds may take fewer rows. */
CHECK_UNUSED static int check_is_light(void)
{
    return getenv("DISKANN_TEST_LIGHT") != NULL;
}

/* Every instruction by an emulator, twenty times slower: one case of each kind, where all have run under a sanitizer. */
CHECK_UNUSED static int check_is_emulated(void)
{
    const char *light = getenv("DISKANN_TEST_LIGHT");
    return light != NULL && strcmp(light, "2") == 0;
}

static int check_is_wanted(const char *name, int argc, char **argv)
{
    int wanted = argc < 2;
    for (int i = 1; i < argc; i++) {
        wanted |= strstr(name, argv[i]) != NULL;
    }
    return wanted;
}

/* A test that checked nothing has failed. */
static int check_run(const check_test *test)
{
    check_failures = 0;
    check_checks = 0;
    if (setjmp(check_leave) == 0) {
        test->run();
    }
    if (check_checks == 0) {
        check_that(0, test->name, 0, "the test checked nothing");
    }
    printf("%s %s\n", check_failures == 0 ? "ok  " : "FAIL", test->name);
    if (check_failures > CHECK_SHOWN_MAX) {
        printf("    %u of %u checks failed\n", check_failures, check_checks);
    }
    fflush(stdout);
    return check_failures == 0;
}

static int check_main(const check_test *tests, size_t count, int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (check_is_wanted(tests[i].name, argc, argv)) {
            if (check_run(&tests[i])) {
                passed++;
            } else {
                failed++;
            }
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}

#define CHECK_TEST(function) {#function, function}
#define CHECK_MAIN(...)                                                                                     \
    int main(int argc, char **argv)                                                                         \
    {                                                                                                       \
        const check_test tests[] = {__VA_ARGS__};                                                           \
        return check_main(tests, sizeof tests / sizeof tests[0], argc, argv);                               \
    }

#endif
