/*
 * The pages of what is in no record, between file and memory in rounds, through a buffer: codes by product quantisation and
 * their quantiser, behind the node pages; the navigator, before them.
 */
#ifndef DISKANN_OP_CODE_PAGES_H
#define DISKANN_OP_CODE_PAGES_H

#include "../graph/graph.h"
#include "../store/section.h"
#include "../store/superblock.h"
#include "transfer.h"

typedef struct code_pages {
    memory_account *account;
    section section;
    uint8_t *buffer;
    uint64_t buffer_bytes; /* known by itself: what the pages are of may be gone before the reset */
    uint32_t buffer_pages;
    uint64_t offset; /* in the file */
    uint64_t count; /* pages of the section */
    uint64_t begin; /* pages [begin, end) are in the round under way */
    uint64_t end;
} code_pages;

/* The section of a file that has one; `space` is borrowed. */
section code_pages_section(const superblock *block, const graph_space *space);

/*
 * `space` has a quantiser and room for all codes, or a navigator; borrowed until the last round, `block` during the call.
 * Without pages it does nothing. ERR_NO_MEMORY.
 */
int code_pages_init(code_pages *pages, const superblock *block, const graph_space *space, memory_account *account);
/* Also of one that is zero. */
void code_pages_reset(code_pages *pages);
/* Begins a round with the next pages and adds its request to the transfer: a WRITE of what they hold, or a READ. 0: no more. */
int code_pages_round(code_pages *pages, op_transfer *transfer, uint32_t kind);
/* Takes the pages of a round that was read: the first kind of damage, with its page, or NONE. */
uint32_t code_pages_take(code_pages *pages, uint64_t *page);

#endif
