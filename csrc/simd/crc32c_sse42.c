/* CRC-32C with the instruction of SSE4.2. */
#include "families.h"

#if defined(DISKANN_HAVE_SSE42)

#include <nmmintrin.h>

#define CRC_WORD(state, word) ((uint32_t)_mm_crc32_u64(state, word))
#define CRC_BYTE(state, byte) _mm_crc32_u8(state, byte)
#include "crc32c_streams.h"

uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t bytes)
{
    return crc_streams(crc, data, bytes);
}

#endif
