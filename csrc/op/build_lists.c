/*
 * Build of a graph that is there: lists come with their rows and are checked, one after the other. What is left to do is what
 * a build does after its last batch: the order of records, codes.
 */
#include "insert.h"

#include <string.h>

static record_list *list_of(const insert_op *op, uint64_t row)
{
    const record_store *records = &op->index->records;
    return record_links(&records->layout, record_at(records, (uint32_t)(op->first + row)));
}

static int shapes_are_valid(const insert_op *op, const uint32_t *degrees, const uint32_t *children, uint64_t rows)
{
    const uint32_t most = op->index->config.max_degree;
    for (uint64_t i = 0; i < rows; i++) {
        if (degrees[i] > most || children[i] > degrees[i] || children[i] > record_children_max(most)) {
            return 0;
        }
    }
    return 1;
}

int diskann_op_links(diskann_op *base, const uint32_t *degrees, const uint32_t *children, const uint32_t *neighbours,
                     uint64_t rows)
{
    if (!insert_waits_for_rows(base) || degrees == NULL || children == NULL || neighbours == NULL) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    insert_op *op = (insert_op *)base;
    if (!op->is_build || rows > op->rows - op->linked || !shapes_are_valid(op, degrees, children, rows)) {
        return DISKANN_ERR_INVALID_ARGUMENT;
    }
    for (uint64_t i = 0; i < rows; i++) {
        record_list *list = list_of(op, op->linked + i);
        list->degree = (uint16_t)degrees[i];
        list->children = (uint16_t)children[i];
        memcpy(list->neighbours, neighbours, degrees[i] * sizeof *neighbours);
        neighbours += degrees[i];
    }
    op->linked += rows;
    return DISKANN_OK;
}

void lists_begin(order_walk *walk, uint64_t rows)
{
    memset(walk->stack, 0xff, rows * sizeof *walk->stack);
    memset(walk->rank, 0xff, rows * sizeof *walk->rank);
}

static uint32_t check_list(const insert_op *op, order_walk *walk, uint32_t row)
{
    const record_list *list = list_of(op, row);
    uint32_t *named_by = walk->stack, *parents = walk->rank;
    for (uint32_t i = 0; i < list->degree; i++) {
        const uint32_t neighbour = list->neighbours[i];
        if (neighbour >= op->rows) {
            return DISKANN_FINDING_EDGE_RANGE;
        }
        if (neighbour == row || named_by[neighbour] == row) {
            return neighbour == row ? DISKANN_FINDING_SELF_EDGE : DISKANN_FINDING_DUPLICATE_EDGE;
        }
        named_by[neighbour] = row;
        if (i < list->children && parents[neighbour] != SLOT_NONE) {
            return DISKANN_FINDING_TREE;
        }
        parents[neighbour] = i < list->children ? row : parents[neighbour];
    }
    return DISKANN_FINDING_NONE;
}

int lists_fail(insert_op *op, uint32_t kind, int64_t row)
{
    return op_fail(&op->base, DISKANN_ERR_INVALID_ARGUMENT, kind, row, DISKANN_NOWHERE, 0);
}

void lists_check(insert_op *op, order_walk *walk, uint64_t begin, uint64_t end)
{
    for (uint64_t row = begin; row < end && op->base.failure.status == 0; row++) {
        const uint32_t kind = check_list(op, walk, (uint32_t)row);
        if (kind != DISKANN_FINDING_NONE) {
            lists_fail(op, kind, (int64_t)row);
        }
    }
}

/* Whether all hang together, the walk finds out. */
int lists_root(insert_op *op, const order_walk *walk, uint32_t *root)
{
    const uint32_t *parents = walk->rank;
    *root = SLOT_NONE;
    for (uint32_t row = 0; row < op->rows; row++) {
        if (parents[row] != SLOT_NONE) {
            continue;
        }
        if (*root != SLOT_NONE) {
            return lists_fail(op, DISKANN_FINDING_TREE, row);
        }
        *root = row;
    }
    return *root != SLOT_NONE ? DISKANN_OK : lists_fail(op, DISKANN_FINDING_TREE, DISKANN_NOWHERE);
}
