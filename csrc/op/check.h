/*
 * What must hold in a record whatever the graph is: checked by open, where the bytes come from outside, and
 * by verify. Every record that passes is safe to search from.
 */
#ifndef DISKANN_OP_CHECK_H
#define DISKANN_OP_CHECK_H

#include "../graph/graph.h"

#define CHECK_BIT(kind) (UINT32_C(1) << (kind))

/* What the fields of a record must keep to. */
typedef struct check_limits {
    uint32_t max_degree;
    uint32_t size;    /* records of the index */
    uint64_t next_id; /* above every id */
} check_limits;

/*
 * Bits of enum diskann_finding_kind (CHECK_BIT): DEGREE, EDGE_RANGE, NOT_FINITE, NORM, ID (range only),
 * PAGE_HEADER (bytes that must be zero), CODES (factors that are not finite, places in use beyond the list). 0: nothing
 * wrong.
 */
uint32_t check_record(const graph_space *space, const check_limits *limits, uint8_t *record);
/* A page as it came from a file, with all its records: the first kind of damage, or NONE. */
uint32_t check_page(const graph_space *space, const check_limits *limits, uint8_t *bytes, uint32_t page);
/* Bits that say that a list cannot be followed. */
#define CHECK_BROKEN_LIST (CHECK_BIT(DISKANN_FINDING_DEGREE) | CHECK_BIT(DISKANN_FINDING_EDGE_RANGE))

/* Edges of a record to itself, and the same edge twice: SELF_EDGE, DUPLICATE_EDGE. Its degree is sound. */
typedef struct check_set {
    uint32_t *places; /* [count], scratch */
    uint32_t count;   /* a power of two, at least twice max_degree */
} check_set;
uint32_t check_set_count(uint32_t max_degree);
uint32_t check_edges(const check_set *set, const record_list *list, uint32_t size, uint32_t slot);
/* Arguments of a search: ERR_INVALID_ARGUMENT. */
int check_search(const float *query, const diskann_search_params *params);
/* The first kind among `bits`, in the order of the enum; NONE for 0. */
uint32_t check_first(uint32_t bits);

#endif
