/*
 * The disk index of Microsoft's DiskANN (prefix_disk.index): one block that says what follows, then blocks of nodes. A node is
 * a vector, a u32 count and so many u32 neighbours, at a fixed distance from the next; nodes never straddle blocks unless one
 * is larger than that. It has no magic and no checksum. A block of nodes becomes a page of records where it lies.
 */
#ifndef DISKANN_STORE_MICROSOFT_H
#define DISKANN_STORE_MICROSOFT_H

#include "page.h"

typedef struct microsoft_disk {
    uint64_t size;
    uint32_t dimensions;
    uint32_t entry;       /* the medoid */
    uint32_t max_degree;  /* for which a node has room */
    uint32_t vector_bytes;
    uint32_t node_bytes;
    uint32_t nodes;       /* of a page: 1 where a node fills whole blocks */
    uint32_t block_bytes; /* of the first block: where nodes begin */
    uint32_t page_bytes;  /* one block, or those of one node */
    uint64_t pages;
} microsoft_disk;

/*
 * Reads the first DISKANN_SUPERBLOCK_BYTES of a file of `file_bytes`, whose elements have so many, and checks every field.
 * ERR_CORRUPT. ERR_VERSION with the version in *value. ERR_UNSUPPORTED: vectors kept elsewhere for reordering, frozen points,
 * data beside the nodes, a degree above 512.
 */
int microsoft_decode(microsoft_disk *disk, const uint8_t *bytes, uint64_t file_bytes, uint32_t element_bytes,
                     uint64_t *value);
/* The layout of a page of records in memory, which has room for the page in the file. `layout` is that of the records. */
void microsoft_layout(const microsoft_disk *disk, record_layout *layout);
/*
 * Makes records of the nodes of a page, in place: `page` has layout->page_bytes, of which the first were read. Ids are
 * numbers of nodes; aux is left zero. The first kind of damage, or NONE; after damage the page is good for nothing.
 */
uint32_t microsoft_unpack(const microsoft_disk *disk, const record_layout *layout, uint8_t *page, uint32_t number);

#endif
