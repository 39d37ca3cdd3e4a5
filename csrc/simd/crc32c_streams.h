/*
 * CRC-32C with a CPU's instruction, in three streams. The instruction takes eight bytes in one cycle but answers after
 * three, so a block is cut in three parts whose states are found side by side and then joined: the state of A B is
 * the state of A after as many zero bytes as B has, xor the state of B from 0.
 *
 * A file includes this after it defines CRC_WORD(state, word) and CRC_BYTE(state, byte).
 */
#ifndef DISKANN_SIMD_CRC32C_STREAMS_H
#define DISKANN_SIMD_CRC32C_STREAMS_H

#include "crc32c_shift.h"
#include "families.h"

#include <string.h>

/* Three parts and a rest of 12 bytes are a page of 4096 without its checksum. */
enum { CRC_BLOCK_BYTES = 3 * CRC_PART_BYTES };

static inline uint64_t crc_load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word); /* the CPUs at hand are little-endian */
    return word;
}

/* The state after CRC_PART_BYTES zero bytes: linear in the state, so the sum of what its bits give. */
static inline uint32_t crc_shift_part(uint32_t state)
{
    uint32_t shifted = 0;
    for (uint32_t bit = 0; bit < 32; bit++) {
        shifted ^= crc_shift[bit] & (0u - (state >> bit & 1));
    }
    return shifted;
}

static inline uint32_t crc_block(uint32_t state, const uint8_t *p)
{
    uint32_t a = state, b = 0, c = 0;
    for (const uint8_t *const end = p + CRC_PART_BYTES; p < end; p += 8) {
        a = CRC_WORD(a, crc_load(p));
        b = CRC_WORD(b, crc_load(p + CRC_PART_BYTES));
        c = CRC_WORD(c, crc_load(p + 2 * CRC_PART_BYTES));
    }
    return crc_shift_part(crc_shift_part(a) ^ b) ^ c;
}

static inline uint32_t crc_streams(uint32_t crc, const uint8_t *p, size_t bytes)
{
    uint32_t state = ~crc;
    for (; bytes >= CRC_BLOCK_BYTES; bytes -= CRC_BLOCK_BYTES, p += CRC_BLOCK_BYTES) {
        state = crc_block(state, p);
    }
    for (; bytes >= 8; bytes -= 8, p += 8) {
        state = CRC_WORD(state, crc_load(p));
    }
    for (; bytes > 0; bytes--, p++) {
        state = CRC_BYTE(state, *p);
    }
    return ~state;
}

#endif
