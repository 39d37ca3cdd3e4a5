#include "id_map.h"

#include "../base/status.h"

#include <string.h>

enum { ID_MAP_CAPACITY_MIN = 16 };

void id_map_init(id_map *map, const record_store *records, memory_account *account)
{
    map->records = records;
    map->account = account;
    map->table = NULL;
    map->capacity = 0;
}

void id_map_reset(id_map *map)
{
    memory_put(map->account, map->table, id_map_bytes(map));
    map->table = NULL;
    map->capacity = 0;
}

uint64_t id_map_bytes(const id_map *map)
{
    return map->capacity * sizeof(uint32_t);
}

int id_map_reserve(id_map *map, uint64_t count)
{
    uint64_t capacity = map->capacity == 0 ? ID_MAP_CAPACITY_MIN : map->capacity;
    while (count > capacity / 4 * 3) {
        capacity *= 2;
    }
    if (capacity == map->capacity) {
        return 0;
    }
    uint32_t *table = memory_get(map->account, capacity * sizeof(uint32_t));
    if (table == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memset(table, 0xff, (size_t)(capacity * sizeof(uint32_t)));
    memory_put(map->account, map->table, id_map_bytes(map));
    map->table = table;
    map->capacity = capacity;
    return 1;
}

static uint64_t id_of(const id_map *map, uint32_t slot)
{
    return *record_id(&map->records->layout, record_at(map->records, slot));
}

/* Where the id is, or the free place where it would go. The table is never full, so the walk ends. */
static uint64_t find_place(const id_map *map, uint64_t id)
{
    const uint64_t mask = map->capacity - 1;
    uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t place = (hash ^ (hash >> 32)) & mask;
    while (map->table[place] != SLOT_NONE && id_of(map, map->table[place]) != id) {
        place = (place + 1) & mask;
    }
    return place;
}

uint32_t id_map_find(const id_map *map, uint64_t id)
{
    return map->capacity == 0 ? SLOT_NONE : map->table[find_place(map, id)];
}

uint32_t id_map_put(id_map *map, uint32_t slot)
{
    const uint64_t place = find_place(map, id_of(map, slot));
    const uint32_t holder = map->table[place];
    if (holder == SLOT_NONE) {
        map->table[place] = slot;
    }
    return holder;
}

void id_map_remove(id_map *map, uint32_t slot)
{
    const uint64_t place = find_place(map, id_of(map, slot));
    if (map->table[place] == slot) {
        map->table[place] = SLOT_NONE;
    }
}

void id_map_renumber(id_map *map, const uint32_t *rank, uint64_t begin, uint64_t end)
{
    for (uint64_t place = begin; place < end; place++) {
        if (map->table[place] != SLOT_NONE) {
            map->table[place] = rank[map->table[place]];
        }
    }
}
