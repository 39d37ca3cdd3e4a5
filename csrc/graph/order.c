#include "order.h"

#include <string.h>

void order_begin(order_walk *walk, uint32_t entry)
{
    walk->stack[0] = entry;
    walk->stack_count = 1;
    walk->next = 0;
}

void order_visit(order_walk *walk, const graph_links *links, uint64_t count)
{
    for (uint64_t i = 0; i < count && walk->stack_count > 0; i++) {
        const uint32_t slot = walk->stack[--walk->stack_count];
        walk->rank[slot] = walk->next++;
        const record_list *list = links_at(links, slot);
        for (uint32_t child = list->children; child-- > 0;) {
            walk->stack[walk->stack_count++] = list->neighbours[child];
        }
    }
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t bytes)
{
    uint8_t held[256];
    for (size_t done = 0; done < bytes; done += sizeof held) {
        const size_t part = bytes - done < sizeof held ? bytes - done : sizeof held;
        memcpy(held, a + done, part);
        memcpy(a + done, b + done, part);
        memcpy(b + done, held, part);
    }
}

void order_permute(record_store *records, uint32_t *rank, uint64_t slots, uint64_t *cursor, uint64_t units)
{
    for (; units > 0 && *cursor < slots; units--) {
        const uint32_t here = (uint32_t)*cursor;
        const uint32_t there = rank[here];
        if (there == here) {
            (*cursor)++;
            continue;
        }
        swap_bytes(record_at(records, here), record_at(records, there), records->layout.record_bytes);
        rank[here] = rank[there];
        rank[there] = there;
    }
}
