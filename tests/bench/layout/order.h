/* Which records share a page. */
#ifndef DISKANN_BENCH_LAYOUT_ORDER_H
#define DISKANN_BENCH_LAYOUT_ORDER_H

#include "../../../csrc/base/random.h"
#include "world.h"

typedef struct placement {
    uint32_t per_page, pages;
    uint32_t *page_of; /* [rows] */
    uint32_t *slots;   /* [pages][per_page]; SLOT_NONE: nothing */
} placement;

static void put(placement *placement, uint32_t page, uint32_t place, uint32_t slot)
{
    placement->page_of[slot] = page;
    placement->slots[(size_t)page * placement->per_page + place] = slot;
}

/* The order of the core, or any. */
static void place_in_order(placement *placement, uint32_t rows, int is_random)
{
    uint32_t *order = get(rows * sizeof *order);
    random_state random = {1};
    for (uint32_t i = 0; i < rows; i++) {
        order[i] = i;
    }
    for (uint32_t i = rows; is_random && i > 1; i--) {
        const uint32_t other = (uint32_t)random_below(&random, i), held = order[i - 1];
        order[i - 1] = order[other];
        order[other] = held;
    }
    for (uint32_t i = 0; i < rows; i++) {
        put(placement, i / placement->per_page, i % placement->per_page, order[i]);
    }
    free(order);
}

/* Page by page, always the record with most edges from those that are in it (Starling's block neighbour padding, about). */
static void place_packed(placement *placement, const world *world)
{
    uint8_t *is_placed = get(world->rows);
    uint32_t *edges = get(world->rows * sizeof *edges), *touched = get(world->rows * sizeof *touched);
    uint32_t page = 0;
    for (uint32_t next = 0; next < world->rows; next++) {
        uint32_t touched_count = 0;
        if (is_placed[next]) {
            continue;
        }
        uint32_t slot = next;
        for (uint32_t place = 0; place < placement->per_page && slot != SLOT_NONE; place++) {
            const record_list *list = world_list(world, slot);
            is_placed[slot] = 1;
            put(placement, page, place, slot);
            for (uint32_t i = 0; i < list->degree; i++) {
                const uint32_t neighbour = list->neighbours[i];
                if (!is_placed[neighbour] && edges[neighbour]++ == 0) {
                    touched[touched_count++] = neighbour;
                }
            }
            slot = SLOT_NONE;
            for (uint32_t i = 0; i < touched_count; i++) {
                if (!is_placed[touched[i]] && (slot == SLOT_NONE || edges[touched[i]] > edges[slot])) {
                    slot = touched[i];
                }
            }
        }
        for (uint32_t i = 0; i < touched_count; i++) {
            edges[touched[i]] = 0;
        }
        page++;
    }
    free(is_placed);
    free(edges);
    free(touched);
}

static void placement_make(placement *placement, const world *world, uint32_t per_page, const char *name)
{
    placement->per_page = per_page;
    placement->pages = world->rows; /* packing leaves pages half empty */
    placement->page_of = get(world->rows * sizeof *placement->page_of);
    placement->slots = get((size_t)placement->pages * per_page * sizeof *placement->slots);
    memset(placement->slots, 0xff, (size_t)placement->pages * per_page * sizeof *placement->slots);
    if (strstr(name, "+packed") != NULL) {
        place_packed(placement, world);
    } else {
        place_in_order(placement, world->rows, strstr(name, "+random") != NULL);
    }
}

static void placement_free(placement *placement)
{
    free(placement->page_of);
    free(placement->slots);
}

/* Share of the edges that stay within their page. */
static double placement_share(const placement *placement, const world *world)
{
    uint64_t inside = 0, all = 0;
    for (uint32_t slot = 0; slot < world->rows; slot++) {
        const record_list *list = world_list(world, slot);
        for (uint32_t i = 0; i < list->degree; i++) {
            inside += placement->page_of[list->neighbours[i]] == placement->page_of[slot];
        }
        all += list->degree;
    }
    return all > 0 ? (double)inside / (double)all : 0;
}

#endif
