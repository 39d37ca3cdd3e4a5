/*
 * The superblock: the first 4096 bytes of a file, which say what the rest is (csrc/FORMAT.md). Encoding and
 * decoding are explicit in byte order and independent of the host. Nothing of a decoded superblock is to be
 * trusted but what superblock_decode has accepted.
 */
#ifndef DISKANN_STORE_SUPERBLOCK_H
#define DISKANN_STORE_SUPERBLOCK_H

#include "page.h"

enum { SUPERBLOCK_LAYOUT_VERSION = 1 };
#define SUPERBLOCK_FEATURES_KNOWN UINT64_C(0) /* incompatible features that this build reads */

typedef struct superblock {
    diskann_config config; /* simd is not in a file: AUTO after decoding */
    record_layout layout;  /* follows from config */
    uint64_t size;
    uint64_t next_id;
    uint64_t pages;        /* of records */
    uint64_t code_pages;   /* of codes by product quantisation, behind them; or of the navigator, before them */
    uint64_t file_bytes;
    uint32_t entry;        /* SLOT_NONE when size is 0 */
    uint32_t navigator_size; /* records that the navigator is a sample of; 0: there is none */
    float norm_max;
} superblock;

/* Fills in layout, pages, code_pages and file_bytes from config, size and navigator_size. */
void superblock_derive(superblock *block);
/* Writes all DISKANN_SUPERBLOCK_BYTES, the checksum too. */
void superblock_encode(const superblock *block, page_crc32c *crc32c, uint8_t *bytes);
/*
 * Reads and checks every field. ERR_CORRUPT: not an undamaged superblock. ERR_VERSION: undamaged, but of
 * another layout version or with features unknown here; *value is then the version, or the unknown feature
 * bits when the version is known.
 */
int superblock_decode(superblock *block, page_crc32c *crc32c, const uint8_t *bytes, uint64_t *value);

#endif
