/* CRC-32C with the instruction of SSE4.2. */
#include "families.h"

#if defined(DISKANN_HAVE_SSE42)

#include <nmmintrin.h>
#include <string.h>

uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint64_t state = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; bytes > 0; bytes--, p++) {
        state = _mm_crc32_u8((uint32_t)state, *p);
    }
    return ~(uint32_t)state;
}

#endif
