/*
 * From an input of a fuzzer to a file. The first byte says how the rest becomes one: a lone checksum would keep all inputs out,
 * so most of the time the checksums are made right; and so that headers need not be guessed, the rest may be changes to a sound
 * file.
 */
#ifndef DISKANN_TESTS_FUZZ_FILE_H
#define DISKANN_TESTS_FUZZ_FILE_H

#include "../c/forge.h"
#include "../c/host.h"

#include <stdio.h>

enum { FILE_BYTES_MAX = 1 << 17, MEMORY_SLACK = 24 << 20 };

#define MUST(condition)                                                          \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                             \
        }                                                                        \
    } while (0)

enum { RAW = 0, SEALED = 1, CHANGED = 2, CHANGED_SEALED = 3, MODES = 4 };

/* Makes all checksums right, by the page size that the file itself claims. */
static inline void seal(uint8_t *file, uint64_t bytes)
{
    if (bytes < 4096) {
        return;
    }
    forge_seal_superblock(file);
    forge f = {.bytes = file, .page_bytes = (uint32_t)forge_get(file + FORGE_PAGE_BYTES, 4)};
    if (f.page_bytes >= 16) {
        for (uint64_t page = 0; 4096 + (page + 1) * f.page_bytes <= bytes; page++) {
            forge_seal_page(&f, page);
        }
    }
}

/* Changes: u24 position, u8 what to do, u32 value. Positions beyond the file wrap around. */
static inline void change(uint8_t *file, uint64_t bytes, const uint8_t *data, size_t size)
{
    for (; size >= 8; data += 8, size -= 8) {
        const uint64_t at = forge_get(data, 3) % (bytes - 7);
        const uint32_t value = (uint32_t)forge_get(data + 4, 4);
        static const int widths[] = {1, 2, 4, 8};
        const int width = widths[data[3] & 3];
        const uint64_t old = forge_get(file + at, width);
        forge_put(file + at, data[3] & 4 ? old + (uint64_t)(int64_t)(int8_t)value : value, width);
    }
}

static inline uint8_t *make_file(const uint8_t *data, size_t size, uint64_t *bytes)
{
    const uint32_t mode = data[0] % MODES;
    uint8_t *file;
    if (mode == RAW || mode == SEALED) {
        *bytes = size - 1;
        file = malloc(size);
        memcpy(file, data + 1, size - 1);
    } else {
        const uint32_t kind = data[0] / MODES;
        const uint32_t type = kind / 16 % DISKANN_DATA_TYPE_COUNT, metric = kind % DISKANN_METRIC_COUNT;
        const uint32_t codes = kind % 5 == 3                            ? DISKANN_CODES_PQ
                               : metric != DISKANN_L1 && kind % 5 == 4 ? DISKANN_CODES_1BIT
                                                                       : DISKANN_CODES_NONE;
        forge f = forge_make_coded(codes, type, metric, 1 + kind / 4 % 4 * 5, 4 + kind % 3 * 2, kind * 3);
        *bytes = f.file_bytes;
        file = f.bytes;
        change(file, *bytes, data + 1, size - 1);
    }
    if (mode == SEALED || mode == CHANGED_SEALED) {
        seal(file, *bytes);
    }
    return file;
}

/* What is wrong with an index in memory. */
static inline uint64_t audit(const diskann_index *index)
{
    diskann_op *op;
    uint32_t count;
    uint64_t total;
    MUST(diskann_verify_begin(index, 1, &op) == DISKANN_OK);
    MUST(diskann_op_finish(op) == DISKANN_OK);
    diskann_verify_findings(op, &count, &total);
    diskann_op_end(op);
    return total;
}

#endif
