/* CRC-32C with the instructions of ARMv8's CRC extension. */
#include "families.h"

#if defined(DISKANN_HAVE_ARM_CRC)

#include <arm_acle.h>

#define CRC_WORD(state, word) __crc32cd(state, word)
#define CRC_BYTE(state, byte) __crc32cb(state, byte)
#include "crc32c_streams.h"

uint32_t crc32c_arm(uint32_t crc, const void *data, size_t bytes)
{
    return crc_streams(crc, data, bytes);
}

#endif
