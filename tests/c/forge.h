/*
 * Files made by hand, from csrc/FORMAT.md alone: nothing here comes from the core, not even the checksum. A
 * forged index is a valid one whose fields a test then spoils, resealing what it touched; so what is found is
 * the field and not the checksum.
 */
#ifndef DISKANN_TESTS_FORGE_H
#define DISKANN_TESTS_FORGE_H

#include "../../csrc/include/diskann.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Offsets of the superblock, as the table of csrc/FORMAT.md has them; test_store.c compares the two. */
enum {
    FORGE_MAGIC = 0,
    FORGE_CRC = 8,
    FORGE_VERSION = 12,
    FORGE_FEATURES = 16,
    FORGE_FILE_BYTES = 24,
    FORGE_PAGES = 32,
    FORGE_SIZE = 40,
    FORGE_NEXT_ID = 48,
    FORGE_SEED = 56,
    FORGE_PAGE_BYTES = 64,
    FORGE_RECORDS_PER_PAGE = 68,
    FORGE_RECORD_BYTES = 72,
    FORGE_DIMENSIONS = 76,
    FORGE_METRIC = 80,
    FORGE_DATA_TYPE = 84,
    FORGE_MAX_DEGREE = 88,
    FORGE_BUILD_LIST_SIZE = 92,
    FORGE_ALPHA = 96,
    FORGE_NORM_MAX = 100,
    FORGE_ENTRY = 104,
    FORGE_CODES = 108,
    FORGE_CODE_BYTES = 112,
    FORGE_NAVIGATOR_SIZE = 116,
    FORGE_CODE_PAGES = 120,
    FORGE_REST = 128
};

typedef struct forge {
    uint32_t dimensions, metric, max_degree, data_type, codes;
    uint32_t code_bytes; /* codes PQ */
    uint64_t size, next_id, pages, code_pages, file_bytes;
    uint32_t vector_bytes, record_bytes, records_per_page, page_bytes;
    uint8_t *bytes;
} forge;

/*
 * CRC-32C, reflected: polynomial 0x1edc6f41, here with its bits reversed; initial value and final xor
 * 0xffffffff.
 */
static inline uint32_t forge_crc(uint32_t crc, const uint8_t *bytes, size_t count)
{
    static uint32_t table[256];
    for (uint32_t i = 0; i < 256 && table[255] == 0; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ (value & 1 ? UINT32_C(0x82f63b78) : 0);
        }
        table[i] = value;
    }
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
    }
    return ~crc;
}

static inline void forge_put(uint8_t *at, uint64_t value, int count)
{
    for (int i = 0; i < count; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static inline uint64_t forge_get(const uint8_t *at, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

static inline void forge_put_f32(uint8_t *at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    forge_put(at, bits, 4);
}

static inline void forge_seal_superblock(uint8_t *file)
{
    const uint32_t head = forge_crc(0, file, FORGE_CRC);
    forge_put(file + FORGE_CRC, forge_crc(head, file + FORGE_VERSION, 4096 - FORGE_VERSION), 4);
}

static inline uint8_t *forge_page(const forge *f, uint64_t page)
{
    return f->bytes + 4096 + page * f->page_bytes;
}

static inline void forge_seal_page(const forge *f, uint64_t page)
{
    uint8_t *at = forge_page(f, page);
    forge_put(at, forge_crc(0, at + 4, f->page_bytes - 4), 4);
}

static inline uint8_t *forge_record(const forge *f, uint64_t slot)
{
    return forge_page(f, slot / f->records_per_page) + 16 + slot % f->records_per_page * f->record_bytes;
}

/* Fields of a record. */
static inline uint8_t *forge_id(const forge *f, uint64_t slot)
{
    return forge_record(f, slot) + f->vector_bytes;
}

static inline uint8_t *forge_aux(const forge *f, uint64_t slot)
{
    return forge_id(f, slot) + 8;
}

static inline uint8_t *forge_degree(const forge *f, uint64_t slot)
{
    return forge_id(f, slot) + 12;
}

static inline uint8_t *forge_children(const forge *f, uint64_t slot)
{
    return forge_id(f, slot) + 14;
}

static inline uint8_t *forge_edge(const forge *f, uint64_t slot, uint32_t i)
{
    return forge_id(f, slot) + 16 + 4 * (size_t)i;
}

static inline uint32_t forge_element_bytes(const forge *f)
{
    return f->data_type == DISKANN_F32 ? 4 : f->data_type == DISKANN_F16 ? 2 : 1;
}

/* Where the elements begin. */
static inline uint32_t forge_head_bytes(const forge *f)
{
    return f->data_type == DISKANN_SQ8 ? 16 : 0;
}

/* Codes of the neighbours: four bytes an element for 32 of them, eight for each beside that. */
static inline uint32_t forge_codes_bytes(const forge *f)
{
    const uint32_t length = (f->dimensions + 63) / 64 * 64;
    return f->codes == DISKANN_CODES_1BIT ? (f->max_degree + 31) / 32 * 4 * length + (f->max_degree + 3) / 4 * 4 * 8 : 0;
}

static inline uint8_t *forge_codes(const forge *f, uint64_t slot)
{
    return forge_record(f, slot) + f->record_bytes - forge_codes_bytes(f);
}

/* Sizes that follow from dimensions, data_type, max_degree and codes. */
static inline void forge_shape(forge *f)
{
    f->vector_bytes = (forge_head_bytes(f) + forge_element_bytes(f) * f->dimensions + 7) / 8 * 8;
    f->record_bytes = (f->vector_bytes + 16 + 4 * f->max_degree + 15) / 16 * 16 + forge_codes_bytes(f);
    const uint64_t single = ((uint64_t)f->record_bytes + 16 + 4095) / 4096 * 4096;
    f->page_bytes = 0;
    double best = 0;
    for (uint32_t bytes = 4096; single <= 65536 && bytes <= 65536; bytes *= 2) {
        const double share = (double)((bytes - 16) / f->record_bytes * f->record_bytes) / bytes;
        if (share >= 0.92) {
            f->page_bytes = bytes;
            break;
        }
        if (share > best) {
            best = share;
            f->page_bytes = bytes;
        }
    }
    if (f->page_bytes == 0) {
        f->page_bytes = (uint32_t)single;
    }
    f->records_per_page = (f->page_bytes - 16) / f->record_bytes;
    f->pages = (f->size + f->records_per_page - 1) / f->records_per_page;
    f->code_pages = 0;
    f->code_bytes = f->codes == DISKANN_CODES_PQ ? (f->dimensions + 3) / 4 : 0;
    if (f->code_bytes > 0 && f->size > 0) {
        const uint64_t stream = 1028 * (uint64_t)f->dimensions + f->size * f->code_bytes;
        f->code_pages = (stream + f->page_bytes - 17) / (f->page_bytes - 16);
    }
    f->file_bytes = 4096 + (f->pages + f->code_pages) * f->page_bytes;
}

static inline void forge_write_superblock(forge *f)
{
    uint8_t *b = f->bytes;
    memcpy(b, "DISKANN", 8);
    forge_put(b + FORGE_VERSION, 1, 4);
    forge_put(b + FORGE_FILE_BYTES, f->file_bytes, 8);
    forge_put(b + FORGE_PAGES, f->pages, 8);
    forge_put(b + FORGE_SIZE, f->size, 8);
    forge_put(b + FORGE_NEXT_ID, f->next_id, 8);
    forge_put(b + FORGE_SEED, 7, 8);
    forge_put(b + FORGE_PAGE_BYTES, f->page_bytes, 4);
    forge_put(b + FORGE_RECORDS_PER_PAGE, f->records_per_page, 4);
    forge_put(b + FORGE_RECORD_BYTES, f->record_bytes, 4);
    forge_put(b + FORGE_DIMENSIONS, f->dimensions, 4);
    forge_put(b + FORGE_METRIC, f->metric, 4);
    forge_put(b + FORGE_DATA_TYPE, f->data_type, 4);
    forge_put(b + FORGE_MAX_DEGREE, f->max_degree, 4);
    forge_put(b + FORGE_BUILD_LIST_SIZE, 100, 4);
    forge_put_f32(b + FORGE_ALPHA, 1.2f);
    forge_put(b + FORGE_ENTRY, f->size > 0 ? 0 : UINT32_MAX, 4);
    forge_put(b + FORGE_CODES, f->codes, 4);
    forge_put(b + FORGE_CODE_BYTES, f->code_bytes, 4);
    forge_put(b + FORGE_CODE_PAGES, f->code_pages, 8);
    forge_seal_superblock(b);
}

/* The bits of a half of -15 .. 15. */
static inline uint16_t forge_half(int value)
{
    const int magnitude = abs(value);
    const int exponent = magnitude >= 8 ? 3 : magnitude >= 4 ? 2 : magnitude >= 2 ? 1 : 0;
    const int bits = (exponent + 15) << 10 | (magnitude - (1 << exponent)) * (1 << (10 - exponent));
    return (uint16_t)(magnitude == 0 ? 0 : value < 0 ? 0x8000 | bits : bits);
}

/* What a forged index holds: integers that every type has. */
static inline int forge_value(const forge *f, uint64_t slot, uint32_t i)
{
    return (int)((slot * 7 + i * 3) % 11) - (f->data_type == DISKANN_U8 ? 0 : 5);
}

static inline void forge_put_element(const forge *f, uint8_t *at, int value)
{
    if (f->data_type == DISKANN_F32) {
        forge_put_f32(at, (float)value);
    } else if (f->data_type == DISKANN_F16) {
        forge_put(at, forge_half(value), 2);
    } else if (f->data_type == DISKANN_SQ8) {
        *at = (uint8_t)(2 * (value + 5)); /* from -5, in steps of a half */
    } else {
        *at = (uint8_t)value;
    }
}

/* Small integers: their sums are exact in any order, so the norm here has the bits of any kernel. */
static inline void forge_write_record(const forge *f, uint64_t slot)
{
    uint8_t *record = forge_record(f, slot);
    float norm = 0;
    uint8_t *elements = record + forge_head_bytes(f);
    if (f->data_type == DISKANN_SQ8) {
        forge_put_f32(record, -5);
        forge_put_f32(record + 4, 0.5f);
        forge_put_f32(record + 8, 0.25f);
    }
    for (uint32_t i = 0; i < f->dimensions; i++) {
        const int value = forge_value(f, slot, i);
        forge_put_element(f, elements + (size_t)forge_element_bytes(f) * i, value);
        norm += (float)(value * value);
    }
    forge_put(forge_id(f, slot), 1000 + slot * 3, 8);
    forge_put_f32(forge_aux(f, slot), f->metric != DISKANN_COSINE ? norm : norm > 0 ? 1 / sqrtf(norm) : 0);
    uint32_t degree = 0;
    for (uint64_t child = 2 * slot + 1; child <= 2 * slot + 2 && child < f->size; child++) {
        forge_put(forge_edge(f, slot, degree++), child, 4);
    }
    forge_put(forge_children(f, slot), degree, 2);
    if (slot > 0) {
        forge_put(forge_edge(f, slot, degree++), (slot - 1) / 2, 4);
    }
    forge_put(forge_degree(f, slot), degree, 2);
}

/*
 * A valid index of `size` records, ids 1000, 1003, ...: a binary tree whose edges go both ways. Codes 1BIT: all zero, which a
 * reader lets in, though they are not those of the neighbours. Codes PQ: all centroids are zero, and so are the codes.
 */
static inline forge forge_make_coded(uint32_t codes, uint32_t data_type, uint32_t metric, uint32_t dimensions,
                                     uint32_t max_degree, uint64_t size)
{
    forge f = {.dimensions = dimensions, .metric = metric, .max_degree = max_degree, .size = size, .codes = codes};
    f.data_type = data_type;
    f.next_id = size > 0 ? 1000 + (size - 1) * 3 + 1 : 0;
    forge_shape(&f);
    f.bytes = calloc(1, f.file_bytes);
    if (f.bytes == NULL) {
        abort();
    }
    for (uint64_t slot = 0; slot < size; slot++) {
        forge_write_record(&f, slot);
    }
    for (uint64_t page = 0; page < f.pages + f.code_pages; page++) {
        forge_put(forge_page(&f, page) + 8, page, 8);
        forge_seal_page(&f, page);
    }
    forge_write_superblock(&f);
    return f;
}

static inline forge forge_make_typed(uint32_t data_type, uint32_t metric, uint32_t dimensions, uint32_t max_degree,
                                     uint64_t size)
{
    return forge_make_coded(DISKANN_CODES_NONE, data_type, metric, dimensions, max_degree, size);
}

static inline forge forge_make(uint32_t metric, uint32_t dimensions, uint32_t max_degree, uint64_t size)
{
    return forge_make_typed(DISKANN_F32, metric, dimensions, max_degree, size);
}

static inline void forge_free(forge *f)
{
    free(f->bytes);
    f->bytes = NULL;
}

#endif
