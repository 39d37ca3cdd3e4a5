/*
 * The floor of the graph: distances between records, neighbour lists, greedy search, robust prune. It sees records,
 * never files, and holds no state but the scratch that its callers own.
 */
#ifndef DISKANN_GRAPH_H
#define DISKANN_GRAPH_H

#include "../quant/bits.h"
#include "../quant/codes.h"
#include "../quant/navigator.h"
#include "../quant/pq_codes.h"
#include "../record/record.h"
#include "../simd/simd.h"

/* ---- distances (space.c) -------------------------------------------------------------------------------- */

/* What a distance is made of: kernels, metric, and where the vectors lie. */
typedef struct graph_space {
    const record_store *records;
    const simd_kernels *kernels;
    const code_store *codes; /* NULL: searches read the vectors themselves */
    const bits_coder *bits;  /* NULL: records hold no codes of their neighbours */
    const navigator *navigator; /* with codes in records; it may be empty */
    const pq_codes *pq;      /* NULL: there are no codes by product quantisation */
    uint32_t metric;
    uint32_t data_type;
    uint32_t dimensions;
    /*
     * 1 while links are made under ip: the space then has one more coordinate, sqrt(M^2 - |x|^2), in which squared L2
     * finds the largest inner products (Neyshabur and Srebro 2015). A longer vector that comes later gets 0 there.
     */
    uint32_t is_lifted;
    float lifted_norm; /* M^2 */
} graph_space;

/*
 * A vector with what its metric needs beside it. The point that others are measured from - a query, or the first of two -
 * is in the query form: the type of the index, but floats where that is f16 or sq8.
 */
typedef struct graph_point {
    const void *vector;
    float aux; /* see record.h */
} graph_point;

/* The same space as it is while links are made. */
graph_space graph_space_for_links(const graph_space *space, float norm_max);
/* The same space with vectors of floats, for points that are no records. */
graph_space graph_space_of_floats(const graph_space *space);
/* `aux` of a stored vector. */
float graph_aux(const graph_space *space, const void *vector);
/* 1: all elements of a stored vector are finite and its squared norm is at most FLT_MAX / 4; sq8: so is what is beside them. */
int graph_is_finite(const graph_space *space, const void *vector);
/* Bytes that graph_query wants for its scratch. */
size_t graph_query_bytes(const graph_space *space);
/*
 * A query of floats in the query form: as it is, or converted into the scratch. ERR_NOT_FINITE; ERR_INVALID_ARGUMENT where
 * the index is of integers and the query is not.
 */
int graph_query(const graph_space *space, const float *query, void *scratch, graph_point *out);
/* `a` in the query form, `b` as it is stored. */
float graph_distance(const graph_space *space, graph_point a, graph_point b);
/* out[i] = distance of `point` and the record of slots[i]. `rows`: scratch of `count` pointers. */
void graph_distances(const graph_space *space, graph_point point, const uint32_t *slots, uint32_t count, const void **rows,
                     float *out);

/* A record wherever it lies. */
static inline graph_point graph_point_of(const graph_space *space, const uint8_t *record)
{
    return (graph_point){record, *record_aux(&space->records->layout, (uint8_t *)(uintptr_t)record)};
}

static inline graph_point graph_point_at(const graph_space *space, uint32_t slot)
{
    return graph_point_of(space, record_at(space->records, slot));
}

/* Floats of scratch that graph_source_at wants: none, or as many as there are dimensions. */
static inline uint32_t graph_source_floats(const graph_space *space)
{
    return space->kernels->expand[space->data_type] != NULL ? space->dimensions : 0;
}

/* A record in the query form: where it lies, or expanded into the scratch. */
static inline graph_point graph_source_at(const graph_space *space, uint32_t slot, float *scratch)
{
    graph_point point = graph_point_at(space, slot);
    if (space->kernels->expand[space->data_type] != NULL) {
        space->kernels->expand[space->data_type](point.vector, space->dimensions, scratch);
        point.vector = scratch;
    }
    return point;
}

/* What a vector is multiplied with before it is coded. */
static inline float graph_code_weight(const graph_space *space, float aux)
{
    return space->metric == DISKANN_COSINE ? aux : 1.0f;
}

/* 1: a search is a walk (walk.h). */
static inline int graph_is_walked(const graph_space *space)
{
    return space->bits != NULL || space->pq != NULL;
}

/* A record's vector as codes want it: floats, under cosine of unit length. Returns what it was multiplied with. */
float graph_code_vector(const graph_space *space, const uint8_t *record, float *out);

/* ---- neighbour lists -------------------------------------------------------------------------------------- */

/* The lists of a graph: in the records, or in the roomier working lists of a build. */
typedef struct graph_links {
    const record_store *records;
    uint8_t *lists;    /* NULL: in the records */
    uint32_t stride;   /* bytes of a working list */
    uint32_t capacity; /* neighbours a list can hold */
} graph_links;

static inline record_list *links_at(const graph_links *links, uint32_t slot)
{
    if (links->lists != NULL) {
        return (record_list *)(void *)(links->lists + (size_t)slot * links->stride);
    }
    return record_links(&links->records->layout, record_at(links->records, slot));
}

/* ---- candidates ------------------------------------------------------------------------------------------- */

/*
 * A candidate is one u64 whose order is that of (distance, slot): the distance's bits made sortable, the slot, and a
 * flag in the lowest bit whose meaning is its owner's.
 */
typedef uint64_t graph_candidate;

static inline graph_candidate candidate_make(float distance, uint32_t slot)
{
    union {
        float value;
        uint32_t bits;
    } pun = {distance};
    const uint32_t sortable = pun.bits ^ (pun.bits >> 31 ? UINT32_MAX : UINT32_C(0x80000000));
    return (uint64_t)sortable << 32 | (uint64_t)slot << 1;
}

static inline uint32_t candidate_slot(graph_candidate candidate)
{
    return (uint32_t)candidate >> 1;
}

static inline float candidate_distance(graph_candidate candidate)
{
    const uint32_t sortable = (uint32_t)(candidate >> 32);
    union {
        uint32_t bits;
        float value;
    } pun = {sortable ^ (sortable >> 31 ? UINT32_C(0x80000000) : UINT32_MAX)};
    return pun.value;
}

/* Ascending; in place, O(n log n) whatever the input. */
void candidates_sort(graph_candidate *candidates, uint32_t count);
/* Keeps the `most` nearest of all that come, the farthest of them first. */
void candidates_keep(graph_candidate *heap, uint32_t *count, uint32_t most, graph_candidate candidate);

/* ---- greedy search (search.c) ----------------------------------------------------------------------------- */

/* Scratch of one searching thread. */
typedef struct graph_search {
    memory_account *account;
    graph_candidate *list;     /* the nearest seen, ascending; flag: expanded */
    graph_candidate *expanded; /* log of expanded candidates, a ring; only if the caller wants it */
    uint8_t *visited;          /* by slot: == epoch means seen */
    uint32_t *slots;           /* of one round: */
    const void **rows;
    float *distances;
    int32_t *dots;       /* of codes */
    code_query coded;    /* values: NULL without codes */
    const code_store *codes;
    uint32_t list_capacity, list_count;
    uint32_t expanded_capacity; /* 0: not logged */
    uint64_t expanded_count;    /* ever logged by this search */
    uint64_t visited_capacity;
    uint32_t round_capacity;
    uint8_t epoch;
    uint64_t distance_count, hops, rounds; /* of the last search */
} graph_search;

typedef struct graph_search_limits {
    uint64_t slots;     /* of the graph */
    uint32_t list_size; /* L */
    uint32_t expanded;  /* log capacity, or 0 */
    uint32_t per_round; /* most records that one round can score */
    const code_store *codes; /* or NULL */
} graph_search_limits;

void graph_search_init(graph_search *search, memory_account *account);
/* Makes room; allocates only where a limit grew. ERR_NO_MEMORY leaves it usable for what it could do before. */
int graph_search_reserve(graph_search *search, const graph_search_limits *limits);
void graph_search_reset(graph_search *search);

typedef struct graph_search_options {
    uint32_t entry;
    uint32_t list_size;
    uint32_t beam_width;
    uint32_t page_search;
    uint64_t size; /* page search, scan: slots at and above it are not in the graph yet */
    uint32_t is_coded; /* distances are estimates by codes, if the space has any */
    uint32_t may_scan; /* for those who choose between the two */
} graph_search_options;

/* Leaves the list_size nearest reachable records in search->list. */
void graph_search_run(graph_search *search, const graph_space *space, const graph_links *links, graph_point query,
                      const graph_search_options *options);

/* Codes the query; the space has codes. */
void graph_search_set_coded(graph_search *search, const graph_space *space, graph_point query);
/* The same of a small index, by comparing with every record (scan.c). Takes the same scratch and options. */
void graph_scan_run(graph_search *search, const graph_space *space, graph_point query, const graph_search_options *options);

/*
 * After a search by codes: replaces the estimates of candidates[0 .. count), which are in order, by distances and puts them in
 * order again. 0: among the nearest the estimates were off by about as much as the distances differ, so that codes cannot
 * tell them apart: the search is to be made again without.
 */
int graph_search_refine(graph_search *search, const graph_space *space, graph_point query, graph_candidate *candidates,
                        uint32_t count);

/* ---- robust prune (prune.c) ------------------------------------------------------------------------------- */

/* What the prune remembers of a candidate between its two passes. */
typedef struct prune_state {
    uint32_t tested; /* selected ones it was compared with */
    uint32_t taken;  /* selected, or occluded for good */
} prune_state;

typedef struct prune_scratch {
    memory_account *account;
    graph_candidate *pool; /* the caller fills pool[0 .. count) in any order; flag: a tree edge, kept in any case */
    prune_state *states;
    uint32_t *selected; /* positions in the pool */
    code_group chosen;  /* codes of the selected */
    float *source;      /* scratch of graph_source_at; the caller may use it between two runs */
    uint32_t capacity;
    uint32_t source_floats;
    uint64_t distance_count;
} prune_scratch;

void prune_init(prune_scratch *scratch, memory_account *account);
/* `source_floats`: graph_source_floats. */
int prune_reserve(prune_scratch *scratch, uint32_t capacity, uint32_t source_floats);
void prune_reset(prune_scratch *scratch);
/*
 * Chooses at most max_degree neighbours of one record from the pool and writes them into `list`, tree edges first, then
 * in order of choice.
 */
void prune_run(prune_scratch *scratch, const graph_space *space, uint32_t count, uint32_t max_degree, float alpha,
               record_list *list);

#endif
