/*
 * Codes as they might be: residuals to some centre after a rotation, b bits an element, or product quantisation. An estimate
 * is of the squared distance. All kinds are read by the same plain kernel, one look-up a byte in tables that a query
 * fills, so that their times compare.
 */
#ifndef DISKANN_BENCH_LAYOUT_CODES_H
#define DISKANN_BENCH_LAYOUT_CODES_H

#include "../../../csrc/quant/pq_codes.h"
#include "../../../csrc/quant/rotation.h"
#include "world.h"

typedef enum code_kind { CODE_EXACT, CODE_OWNER, CODE_CLUSTER, CODE_MEAN, CODE_PQ } code_kind;

enum { CLUSTERS = 256, LANES = 8, SCALES_TRIED = 8, ADDED_ROWS = 1000 };

/* estimate = distance of query and centre + offset + scale * (the sum that the bytes look up); PQ: the sum. */
typedef struct code_factors {
    float offset, scale;
} code_factors;

typedef struct codes {
    const world *world;
    code_kind kind;
    uint32_t bits;       /* of an element; PQ: bytes of a code */
    uint32_t length;     /* of a rotated vector */
    uint32_t bytes;      /* of signs and levels, one look-up each */
    uint32_t stride;     /* of a code, with its factors before and its cluster behind them */
    uint32_t degree;     /* CODE_OWNER: codes of a record */
    uint8_t *cells;      /* [rows][stride], CODE_OWNER: [rows][degree][stride] */
    rotation rotation;
    memory_account account;
    float *rotated;      /* [rows][length]; while codes are made */
    float *centres;      /* [CLUSTERS][length] or the mean */
    float *spare, *own, *others; /* [length], [length], [degree][length] */
    pq_codes quantised;  /* CODE_PQ: the quantiser */
    double make_seconds, add_seconds;
    /* of the query: */
    const float *query;
    float *turned;      /* [length] */
    float *to_centres;  /* [CLUSTERS] */
    pq_query asked;      /* CODE_PQ */
    float *sums;         /* [bytes][256] */
} codes;

/* ---- product quantisation ---- */

static diskann_pq *train(const world *world, uint32_t chunks)
{
    diskann_pq_config config;
    diskann_op *op;
    diskann_pq_config_init(&config, world->dimensions, chunks);
    config.sample_rows = 65536;
    check(diskann_pq_train_begin(&config, 1, NULL, &op), "train");
    check(diskann_pq_rows(op, world->vectors, world->rows), "train");
    check(diskann_op_finish(op), "train");
    diskann_pq *pq = diskann_pq_train_take(op);
    diskann_op_end(op);
    return pq;
}

static uint8_t *encode_pq(const world *world, const diskann_pq *pq, uint32_t rows, uint32_t chunks)
{
    diskann_op *op;
    uint8_t *out = get((size_t)rows * chunks);
    check(diskann_pq_encode_begin(pq, world->vectors, rows, out, 1, &op), "encode");
    check(diskann_op_finish(op), "encode");
    diskann_op_end(op);
    return out;
}

/* ---- a code of a residual ---- */

static float sum_lanes(const float *lanes)
{
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/* The number of a level, 0 .. 2^b - 1; it stands for (number - 2^(b-1) + .5) steps. */
static int32_t level(float value, float inverse, float half)
{
    const float place = value * inverse + half, most = 2 * half - 1, low = place < 0 ? 0 : place;
    return (int32_t)(low > most ? most : low);
}

typedef struct fit {
    float product, levels_norm, norm, with_centre;
} fit;

static fit fit_of(const codes *codes, const float *point, const float *centre, float scale)
{
    const float half = (float)(1 << (codes->bits - 1)), inverse = 1 / scale;
    float product[LANES] = {0}, levels[LANES] = {0}, norm[LANES] = {0}, with_centre[LANES] = {0};
    for (uint32_t i = 0; i < codes->length; i += LANES) {
        for (uint32_t j = 0; j < LANES; j++) {
            const float residual = point[i + j] - centre[i + j];
            const float at = (float)level(residual, inverse, half) - half + 0.5f;
            product[j] += at * residual;
            levels[j] += at * at;
            norm[j] += residual * residual;
            with_centre[j] += at * centre[i + j];
        }
    }
    return (fit){sum_lanes(product), sum_lanes(levels), sum_lanes(norm), sum_lanes(with_centre)};
}

/* The step whose levels point most nearly where the residual does. */
static float best_scale(const codes *codes, const float *point, const float *centre)
{
    const float half = (float)(1 << (codes->bits - 1));
    float largest = 0, best = -1, scale = 1; /* any, for one bit */
    for (uint32_t i = 0; i < codes->length && codes->bits > 1; i++) {
        const float size = fabsf(point[i] - centre[i]);
        largest = size > largest ? size : largest;
    }
    for (int candidate = 0; candidate < SCALES_TRIED && largest > 0; candidate++) {
        const float step = largest / half * (0.4f + 0.09f * (float)candidate);
        const fit fit = fit_of(codes, point, centre, step);
        const float cosine = fit.product / sqrtf(fit.levels_norm);
        if (cosine > best) {
            best = cosine;
            scale = step;
        }
    }
    return scale;
}

static void encode(const codes *codes, const float *point, const float *centre, uint8_t *cell)
{
    const float scale = best_scale(codes, point, centre), half = (float)(1 << (codes->bits - 1));
    const fit fit = fit_of(codes, point, centre, scale);
    const float factor = fit.product > 0 ? 2 * fit.norm / fit.product : 0;
    const code_factors factors = {fit.norm + factor * fit.with_centre, -factor};
    const uint32_t per_byte = 8 / codes->bits;
    memcpy(cell, &factors, sizeof factors);
    for (uint32_t byte = 0; byte < codes->bytes; byte++) {
        uint32_t value = 0;
        for (uint32_t j = 0; j < per_byte; j++) {
            const uint32_t i = byte * per_byte + j;
            value |= (uint32_t)level(point[i] - centre[i], 1 / scale, half) << (j * codes->bits);
        }
        cell[sizeof factors + byte] = (uint8_t)value;
    }
}

static void rotate(const codes *codes, const float *from, float *to)
{
    memcpy(to, from, codes->world->dimensions * sizeof *to);
    memset(to + codes->world->dimensions, 0, (codes->length - codes->world->dimensions) * sizeof *to);
    rotation_apply(&codes->rotation, to, codes->spare);
}

/* ---- all codes ---- */

static uint32_t nearest_centre(const codes *codes, const float *rotated)
{
    uint32_t nearest = 0;
    float least = INFINITY;
    for (uint32_t c = 0; c < CLUSTERS; c++) {
        const float distance = squared(codes->world, rotated, codes->centres + (size_t)c * codes->length, codes->length);
        nearest = distance < least ? c : nearest;
        least = distance < least ? distance : least;
    }
    return nearest;
}

static void make_centres(codes *codes)
{
    const world *world = codes->world;
    codes->centres = get((codes->kind == CODE_CLUSTER ? CLUSTERS : 1) * codes->length * sizeof(float));
    if (codes->kind == CODE_CLUSTER) {
        float *centre = get(world->dimensions * sizeof *centre);
        diskann_pq *pq = train(world, 1);
        for (uint32_t c = 0; c < CLUSTERS; c++) {
            const uint8_t code = (uint8_t)c;
            check(diskann_pq_decode(pq, &code, 1, centre), "decode");
            rotate(codes, centre, codes->centres + (size_t)c * codes->length);
        }
        diskann_pq_destroy(pq);
        free(centre);
        return;
    }
    for (uint32_t row = 0; row < world->rows; row++) {
        for (uint32_t i = 0; i < codes->length; i++) {
            codes->centres[i] += codes->rotated[(size_t)row * codes->length + i] / (float)world->rows;
        }
    }
}

/* Of a point. */
static void encode_point(const codes *codes, const float *rotated, uint8_t *cell)
{
    const uint32_t cluster = codes->kind == CODE_CLUSTER ? nearest_centre(codes, rotated) : 0;
    encode(codes, rotated, codes->centres + (size_t)cluster * codes->length, cell);
    if (codes->kind == CODE_CLUSTER) {
        cell[codes->stride - 1] = (uint8_t)cluster;
    }
}

/* Of the edges of a record. */
static void encode_list(const codes *codes, uint32_t slot)
{
    const record_list *list = world_list(codes->world, slot);
    for (uint32_t place = 0; place < list->degree; place++) {
        encode(codes, codes->rotated + (size_t)list->neighbours[place] * codes->length,
               codes->rotated + (size_t)slot * codes->length,
               codes->cells + ((size_t)slot * codes->degree + place) * codes->stride);
    }
}

static void make_residual_codes(codes *codes)
{
    const world *world = codes->world;
    for (uint32_t row = 0; row < world->rows; row++) {
        rotate(codes, vector_at(world, row), codes->rotated + (size_t)row * codes->length);
    }
    if (codes->kind != CODE_OWNER) {
        make_centres(codes);
    }
    for (uint32_t row = 0; row < world->rows; row++) {
        if (codes->kind == CODE_OWNER) {
            encode_list(codes, row);
        } else {
            encode_point(codes, codes->rotated + (size_t)row * codes->length, codes->cells + (size_t)row * codes->stride);
        }
    }
}

/* What a row that is linked into the graph makes new, nothing kept rotated: its code, or those of its edges, both ways. */
static void recode_row(const codes *codes, uint32_t slot, uint8_t *cell)
{
    const world *world = codes->world;
    rotate(codes, vector_at(world, slot), codes->own);
    if (codes->kind != CODE_OWNER) {
        encode_point(codes, codes->own, cell);
        return;
    }
    const record_list *list = world_list(world, slot);
    for (uint32_t place = 0; place < list->degree; place++) {
        float *other = codes->others;
        rotate(codes, vector_at(world, list->neighbours[place]), other);
        encode(codes, other, codes->own, cell);
        encode(codes, codes->own, other, cell);
    }
}

static double time_adding(const codes *codes)
{
    const world *world = codes->world;
    const uint32_t rows = world->rows < ADDED_ROWS ? world->rows : ADDED_ROWS;
    uint8_t *cell = get(codes->stride);
    const double began = now();
    if (codes->kind == CODE_PQ) {
        free(encode_pq(world, codes->quantised.pq, rows, codes->bytes));
    }
    for (uint32_t row = 0; row < rows && codes->kind != CODE_PQ; row++) {
        recode_row(codes, (uint32_t)((uint64_t)row * world->rows / rows), cell);
    }
    free(cell);
    return (now() - began) / rows;
}

static void codes_shape(codes *codes, const world *world, code_kind kind, uint32_t bits)
{
    memset(codes, 0, sizeof *codes);
    codes->world = world;
    codes->kind = kind;
    codes->bits = bits;
    codes->length = (world->dimensions + 63) / 64 * 64;
    codes->bytes = kind == CODE_PQ ? bits : codes->length / 8 * bits;
    codes->stride = codes->bytes + (kind == CODE_PQ ? 0 : (uint32_t)sizeof(code_factors)) + (kind == CODE_CLUSTER);
    codes->degree = kind == CODE_OWNER ? world->index->config.max_degree : 1;
    memory_account_init(&codes->account, NULL);
}

static void make_quantised_codes(codes *codes)
{
    const world *world = codes->world;
    diskann_config config;
    diskann_config_init(&config, world->dimensions);
    config.metric = DISKANN_L2;
    config.code_bytes = codes->bytes;
    pq_codes_init(&codes->quantised, &config, world->kernels->simd, &codes->account);
    check(pq_codes_adopt(&codes->quantised, train(world, codes->bytes)), "codes");
    check(pq_query_init(&codes->asked, &codes->quantised, &codes->account), "query");
    codes->sums = codes->asked.sums;
    codes->cells = encode_pq(world, codes->quantised.pq, world->rows, codes->bytes);
}

/* Of a graph that is there. */
static void codes_make(codes *codes, const world *world, code_kind kind, uint32_t bits)
{
    codes_shape(codes, world, kind, bits);
    if (kind == CODE_EXACT) {
        return;
    }
    if (kind != CODE_PQ) {
        check(rotation_init(&codes->rotation, codes->length, &codes->account), "rotation");
        codes->rotated = get((size_t)world->rows * codes->length * sizeof(float));
        codes->cells = get((size_t)world->rows * codes->degree * codes->stride);
        codes->turned = get(codes->length * sizeof(float));
        codes->spare = get(codes->length * sizeof(float));
        codes->own = get(codes->length * sizeof(float));
        codes->others = get(codes->length * sizeof(float));
        codes->to_centres = get(CLUSTERS * sizeof(float));
        codes->sums = get((size_t)codes->bytes * PQ_TABLE_WIDTH * sizeof(float));
    }
    const double began = now();
    if (kind == CODE_PQ) {
        make_quantised_codes(codes);
    } else {
        make_residual_codes(codes);
    }
    codes->make_seconds = (now() - began) / world->rows;
    codes->add_seconds = time_adding(codes);
    free(codes->rotated);
    codes->rotated = NULL;
}

static void codes_free(codes *codes)
{
    if (codes->kind == CODE_PQ) {
        pq_query_reset(&codes->asked, &codes->quantised, &codes->account);
        pq_codes_reset(&codes->quantised);
    } else if (codes->kind != CODE_EXACT) {
        rotation_reset(&codes->rotation, &codes->account);
        free(codes->sums);
    }
    free(codes->cells);
    free(codes->centres);
    free(codes->turned);
    free(codes->spare);
    free(codes->own);
    free(codes->others);
    free(codes->to_centres);
}

/* ---- a query ---- */

/* What the levels of each byte make of the query's elements. */
static void fill_tables(codes *codes)
{
    const uint32_t per_byte = 8 / codes->bits, levels = UINT32_C(1) << codes->bits;
    const float lowest = 0.5f - (float)(levels / 2);
    for (uint32_t byte = 0; byte < codes->bytes; byte++) {
        const float *elements = codes->turned + (size_t)byte * per_byte;
        float *table = codes->sums + (size_t)byte * PQ_TABLE_WIDTH;
        table[0] = 0;
        for (uint32_t j = 0; j < per_byte; j++) {
            table[0] += lowest * elements[j];
        }
        for (uint32_t j = 0; j < per_byte; j++) {
            const uint32_t filled = UINT32_C(1) << (j * codes->bits);
            for (uint32_t number = 1; number < levels; number++) {
                for (uint32_t i = 0; i < filled; i++) {
                    table[number * filled + i] = table[i] + (float)number * elements[j];
                }
            }
        }
    }
}

static void codes_query(codes *codes, uint32_t query)
{
    codes->query = query_at(codes->world, query);
    if (codes->kind == CODE_EXACT) {
        return;
    }
    if (codes->kind == CODE_PQ) {
        pq_query_set(&codes->asked, &codes->quantised, codes->query);
        return;
    }
    rotate(codes, codes->query, codes->turned);
    fill_tables(codes);
    const uint32_t centres = codes->kind == CODE_CLUSTER ? CLUSTERS : codes->kind == CODE_MEAN ? 1 : 0;
    for (uint32_t c = 0; c < centres; c++) {
        codes->to_centres[c] =
            squared(codes->world, codes->turned, codes->centres + (size_t)c * codes->length, codes->length);
    }
}

static float look_up(const float *sums, const uint8_t *code, uint32_t bytes)
{
    float sum[4] = {0};
    for (uint32_t byte = 0; byte < bytes; byte += 4) {
        for (uint32_t j = 0; j < 4; j++) {
            sum[j] += sums[(size_t)(byte + j) * PQ_TABLE_WIDTH + code[byte + j]];
        }
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* `spread`: how far it may be off, where other codes of the same vector may say something else; 0 where none do. */
static float estimate(const codes *codes, const uint8_t *cell, float base, float *spread)
{
    code_factors factors;
    *spread = 0;
    if (codes->kind == CODE_PQ) {
        return look_up(codes->sums, cell, codes->bytes);
    }
    memcpy(&factors, cell, sizeof factors);
    *spread = codes->kind == CODE_OWNER ? -factors.scale : 0;
    const float from = codes->kind == CODE_OWNER     ? base
                       : codes->kind == CODE_CLUSTER ? codes->to_centres[cell[codes->stride - 1]]
                                                     : codes->to_centres[0];
    return from + factors.offset + factors.scale * look_up(codes->sums, cell + sizeof factors, codes->bytes);
}

/* Some neighbours of a record: their places in its list. `base`: the distance of the query and the record. */
typedef struct edges {
    uint32_t owner, count;
    float base;
    uint32_t places[DISKANN_MAX_DEGREE_MAX], slots[DISKANN_MAX_DEGREE_MAX];
    float estimates[DISKANN_MAX_DEGREE_MAX], spreads[DISKANN_MAX_DEGREE_MAX];
} edges;

static void measure_edges(const codes *codes, edges *edges)
{
    const void *rows[DISKANN_MAX_DEGREE_MAX];
    for (uint32_t i = 0; i < edges->count; i++) {
        rows[i] = vector_at(codes->world, edges->slots[i]);
        edges->spreads[i] = 0;
    }
    codes->world->kernels->many[DISKANN_F32][SIMD_SUM_L2](codes->query, rows, edges->count, codes->world->dimensions,
                                                          edges->estimates);
}

/* What lies elsewhere is asked for before it is read. */
static void codes_estimate(const codes *codes, edges *edges)
{
    const uint8_t *cells[DISKANN_MAX_DEGREE_MAX];
    if (codes->kind == CODE_EXACT) {
        measure_edges(codes, edges);
        return;
    }
    for (uint32_t i = 0; i < edges->count; i++) {
        const size_t at =
            codes->kind == CODE_OWNER ? (size_t)edges->owner * codes->degree + edges->places[i] : edges->slots[i];
        cells[i] = codes->cells + at * codes->stride;
        for (uint32_t line = 0; line < codes->stride; line += 64) {
            __builtin_prefetch(cells[i] + line);
        }
    }
    for (uint32_t i = 0; i < edges->count; i++) {
        edges->estimates[i] = estimate(codes, cells[i], edges->base, &edges->spreads[i]);
    }
}

#endif
