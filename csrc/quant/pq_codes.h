/*
 * The codes of an index by product quantisation: one of every vector, in memory, of a few bytes. What is coded is the vector,
 * under cosine of unit length. Estimates are sums of terms from tables that a query fills once (asymmetric distances).
 */
#ifndef DISKANN_QUANT_PQ_CODES_H
#define DISKANN_QUANT_PQ_CODES_H

#include "pq.h"

typedef struct pq_codes {
    memory_account *account;
    diskann_pq *pq; /* NULL before it was trained or read */
    float *panels;  /* centroids of chunk c as a query wants them: [width][256] from panels + 256 * offsets[c] on */
    uint8_t *codes; /* [capacity][code_bytes] */
    uint64_t capacity;
    uint32_t metric;
    uint32_t dimensions;
    uint32_t code_bytes;
    uint32_t simd;
} pq_codes;

/* `config`: code_bytes is resolved. */
void pq_codes_init(pq_codes *codes, const diskann_config *config, uint32_t simd, memory_account *account);
void pq_codes_reset(pq_codes *codes);
/* Bytes of a code where the user has not said: one for four dimensions. */
uint32_t pq_code_bytes_default(uint32_t dimensions);
/* How its quantiser is trained. */
diskann_pq_config pq_codes_training(const pq_codes *codes, uint64_t seed);
/* Takes a trained quantiser over, or destroys it: ERR_NO_MEMORY. There is none yet. */
int pq_codes_adopt(pq_codes *codes, diskann_pq *pq);
/* A quantiser whose parts are to be read from elsewhere. ERR_NO_MEMORY. */
int pq_codes_create_quantizer(pq_codes *codes);
/* After they have been read: makes it ready for queries. Returns what pq_codes_are_sound does. */
int pq_codes_complete(pq_codes *codes);
/* A copy of a quantiser from elsewhere, which may have fewer than 256 centroids. ERR_NO_MEMORY. */
int pq_codes_copy(pq_codes *codes, const diskann_pq *pq);
/* Codes of `rows` slots from `first` on, for which there is room, in numbers below `centroids`; else ERR_INVALID_ARGUMENT. */
int pq_codes_put(pq_codes *codes, uint64_t first, const uint8_t *from, uint64_t rows, uint32_t centroids);
/* Hands all over to codes of the same shape, which have none. */
void pq_codes_move(pq_codes *to, pq_codes *from);
/* 1: centroids and centre are numbers that a search can do with. */
int pq_codes_are_sound(const pq_codes *codes);
/* Makes room for slots [0, slots). ERR_NO_MEMORY changes nothing; codes may move. */
int pq_codes_reserve(pq_codes *codes, uint64_t slots);
/* Codes of slots from here on are zero again; without any, the quantiser goes too. */
void pq_codes_truncate(pq_codes *codes, uint64_t slots);
uint64_t pq_codes_bytes(const pq_codes *codes);
/* Of them, those of the quantiser, which has an account of its own. */
static inline uint64_t pq_codes_apart(const pq_codes *codes)
{
    return codes->pq != NULL ? codes->pq->account.live_bytes : 0;
}

/* Floats of scratch that pq_codes_encode wants beside its rows. */
uint64_t pq_codes_panel(const pq_codes *codes);
enum { PQ_CODES_ROWS = NEAREST_POINTS };
/* The bytes [first, last) of the codes of `count` vectors, at most PQ_CODES_ROWS, in out[count][code_bytes]. */
typedef struct pq_range {
    uint32_t first, last;
} pq_range;
void pq_codes_encode(const pq_codes *codes, pq_range range, const float *rows, uint32_t count, float *panel, uint8_t *out);
/* Long codes are made range by range, none of which takes long: their number, and one of them. */
uint32_t pq_codes_ranges(const pq_codes *codes);
pq_range pq_codes_range(const pq_codes *codes, uint32_t index);

/* A query, to be compared with codes. */
typedef struct pq_query {
    float *sums;     /* [code_bytes][256]: terms of its distance to each centroid, or of the inner product */
    uint32_t metric; /* of these terms: l2, ip or l1 */
} pq_query;

/* Buffers of a query: ERR_NO_MEMORY. */
int pq_query_init(pq_query *query, const pq_codes *codes, memory_account *account);
void pq_query_reset(pq_query *query, const pq_codes *codes, memory_account *account);
void pq_query_set(pq_query *query, const pq_codes *codes, const float *vector);
/* out[i]: what the codes make of the metric's distance between the query and slots[i], from -FLT_MAX to FLT_MAX. */
void pq_estimates(const pq_codes *codes, const pq_query *query, const uint32_t *slots, uint32_t count, float *out);
/* 1: two slots have the same code. */
int pq_codes_are_equal(const pq_codes *codes, uint32_t a, uint32_t b);

#endif
