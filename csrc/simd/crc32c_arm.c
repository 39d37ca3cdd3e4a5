/* CRC-32C with the instructions of ARMv8's CRC extension. */
#include "families.h"

#if defined(DISKANN_HAVE_ARM_CRC)

#include <arm_acle.h>
#include <string.h>

uint32_t crc32c_arm(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint32_t state = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        state = __crc32cd(state, word);
    }
    for (; bytes > 0; bytes--, p++) {
        state = __crc32cb(state, *p);
    }
    return ~state;
}

#endif
