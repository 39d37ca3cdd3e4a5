/* CRC-32C without help of the CPU: eight bytes at a time by eight tables ("slicing-by-8", Kounavis and Berry 2005). */
#include "families.h"

#include "crc32c_table.h"

static inline uint32_t load_little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t crc32c_slicing(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint32_t state = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        const uint32_t low = state ^ load_little_endian(p);
        const uint32_t high = load_little_endian(p + 4);
        state = crc32c_table[7][low & 255] ^ crc32c_table[6][low >> 8 & 255] ^ crc32c_table[5][low >> 16 & 255] ^
                crc32c_table[4][low >> 24] ^ crc32c_table[3][high & 255] ^ crc32c_table[2][high >> 8 & 255] ^
                crc32c_table[1][high >> 16 & 255] ^ crc32c_table[0][high >> 24];
    }
    for (; bytes > 0; bytes--, p++) {
        state = state >> 8 ^ crc32c_table[0][(state ^ *p) & 255];
    }
    return ~state;
}
