/*
 * For crc32c_streams.h, written by tests/tools/crc32c-table.mjs: entry [i] is the state after CRC_PART_BYTES zero
 * bytes, from the state that has only bit i set.
 */
#include <stdint.h>

enum { CRC_PART_BYTES = 1360 };
static const uint32_t crc_shift[32] = {
    0x79113270, 0xf22264e0, 0xe1a8bf31, 0xc6bd0893, 0x889667d7, 0x14c0b95f, 0x298172be, 0x5302e57c,
    0xa605caf8, 0x49e7e301, 0x93cfc602, 0x2273faf5, 0x44e7f5ea, 0x89cfebd4, 0x1673a159, 0x2ce742b2,
    0x59ce8564, 0xb39d0ac8, 0x62d66361, 0xc5acc6c2, 0x8eb5fb75, 0x1887801b, 0x310f0036, 0x621e006c,
    0xc43c00d8, 0x8d947741, 0x1ec49873, 0x3d8930e6, 0x7b1261cc, 0xf624c398, 0xe9a5f1c1, 0xd6a79573,
};
