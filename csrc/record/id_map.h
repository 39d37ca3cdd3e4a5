/*
 * From external id to slot: open addressing over slots, the ids themselves lie in the records. Derived data, not in
 * the file. 4 bytes per entry, at most 3/4 full.
 */
#ifndef DISKANN_ID_MAP_H
#define DISKANN_ID_MAP_H

#include "record.h"

typedef struct id_map {
    const record_store *records;
    memory_account *account;
    uint32_t *table;   /* slot, or SLOT_NONE */
    uint64_t capacity; /* a power of two, or 0 */
} id_map;

void id_map_init(id_map *map, const record_store *records, memory_account *account);
void id_map_reset(id_map *map);
/*
 * Makes room for `count` ids: when the table must grow, a new empty one is put in place and 1 is returned: the caller
 * then puts all slots again. 0: there is room. ERR_NO_MEMORY changes nothing.
 */
int id_map_reserve(id_map *map, uint64_t count);
/* Slot of an id, or SLOT_NONE. */
uint32_t id_map_find(const id_map *map, uint64_t id);
/* Adds the id in the record of `slot`. Returns the slot that has the id already, or SLOT_NONE when added. */
uint32_t id_map_put(id_map *map, uint32_t slot);
/* Takes the last-added slots out again: `slot` must have been put after every other slot on its probe path. */
void id_map_remove(id_map *map, uint32_t slot);
/* The records move: slot s becomes rank[s]. For the places [begin, end) of the table. */
void id_map_renumber(id_map *map, const uint32_t *rank, uint64_t begin, uint64_t end);
uint64_t id_map_bytes(const id_map *map);

#endif
