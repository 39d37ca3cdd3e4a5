/*
 * Codes of neighbours, kept beside their lists: a list that changes takes the codes along of the neighbours that stay, and has
 * those made of the ones that are new.
 */
#ifndef DISKANN_GRAPH_LIST_CODES_H
#define DISKANN_GRAPH_LIST_CODES_H

#include "graph.h"

/* Scratch of one thread. */
typedef struct list_coder {
    memory_account *account;
    const graph_space *space; /* NULL: not reserved */
    float *floats;            /* of bits_owner_set, then two vectors */
    uint8_t *block;           /* codes and list as they were */
    uint32_t *neighbours;
    uint32_t max_degree;
    uint32_t degree;
} list_coder;

void list_coder_init(list_coder *coder, memory_account *account);
/* For an index whose records hold codes; `space` is borrowed until the reset. ERR_NO_MEMORY. */
int list_coder_reserve(list_coder *coder, const graph_space *space, uint32_t max_degree);
void list_coder_reset(list_coder *coder);

/* Before the list of a record changes, and after. */
void list_coder_note(list_coder *coder, uint32_t slot);
void list_coder_follow(list_coder *coder, uint32_t slot);
/* Codes of a record one by one: it becomes the owner; then that of the neighbour at a place, whose record is at `slot`. */
void list_coder_own(list_coder *coder, uint32_t owner);
void list_coder_place(list_coder *coder, uint32_t owner, uint32_t place, uint32_t slot);
/* All codes of a record whose block is zero. */
void list_coder_encode(list_coder *coder, uint32_t slot);
/* 1: the codes of a record are those of its list. */
int list_coder_check(list_coder *coder, uint32_t slot);
/* The code of one place of a navigator, of the record at `slot`. */
void list_coder_navigate_place(list_coder *coder, const navigator *navigator, uint32_t place, uint32_t slot);
/* The codes of BITS_GROUP places of a navigator that are zero. Different groups may be coded at the same time. */
void list_coder_navigate(list_coder *coder, const navigator *navigator, uint32_t group);

#endif
