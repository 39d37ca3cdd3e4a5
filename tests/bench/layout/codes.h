/*
 * Codes as they might be, in plain floats: residuals to some centre after a rotation, b bits an element, or product
 * quantisation. An estimate is of the squared distance.
 */
#ifndef DISKANN_BENCH_LAYOUT_CODES_H
#define DISKANN_BENCH_LAYOUT_CODES_H

#include "../../../csrc/quant/rotation.h"
#include "world.h"

typedef enum code_kind { CODE_EXACT, CODE_OWNER, CODE_CLUSTER, CODE_MEAN, CODE_PQ } code_kind;

enum { CLUSTERS = 256 };

typedef struct codes {
    const world *world;
    code_kind kind;
    uint32_t bits;       /* of an element; PQ: bytes of a code */
    uint32_t length;     /* of a rotated vector */
    float *rotated;      /* [rows][length] */
    float *centres;      /* [CLUSTERS][length] or the mean */
    uint8_t *cluster;    /* [rows] */
    float *scales;       /* [rows]: of codes that belong to a point */
    diskann_pq *pq;
    uint8_t *pq_codes;
    /* of the query: */
    const float *query;
    float *turned;        /* [length] */
    float *to_centres;    /* [CLUSTERS] */
    pq_tables tables;
} codes;

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

static uint8_t *encode(const world *world, const diskann_pq *pq, uint32_t chunks)
{
    diskann_op *op;
    uint8_t *out = get((size_t)world->rows * chunks);
    check(diskann_pq_encode_begin(pq, world->vectors, world->rows, out, 1, &op), "encode");
    check(diskann_op_finish(op), "encode");
    diskann_op_end(op);
    return out;
}

static void rotate(const codes *codes, const rotation *rotation, const float *from, float *to, float *spare)
{
    memcpy(to, from, codes->world->dimensions * sizeof *to);
    memset(to + codes->world->dimensions, 0, (codes->length - codes->world->dimensions) * sizeof *to);
    rotation_apply(rotation, to, spare);
}

/* The level of an element: -2^(b-1) .. 2^(b-1) - 1, standing for its middle. */
static float level(float value, float scale, int half)
{
    float step = floorf(value / scale);
    step = step < -half ? -half : step > half - 1 ? half - 1 : step;
    return step + 0.5f;
}

/* The step whose levels point most nearly where the residual does. */
static float best_scale(const codes *codes, const float *point, const float *centre)
{
    const int half = 1 << (codes->bits - 1);
    float largest = 0, best = -1, scale = 1; /* any, for one bit */
    for (uint32_t i = 0; i < codes->length && codes->bits > 1; i++) {
        const float size = fabsf(point[i] - centre[i]);
        largest = size > largest ? size : largest;
    }
    for (int candidate = 0; candidate < 8 && largest > 0; candidate++) {
        const float step = largest / (float)half * (0.4f + 0.09f * (float)candidate);
        float product = 0, norm = 0;
        for (uint32_t i = 0; i < codes->length; i++) {
            const float at = level(point[i] - centre[i], step, half);
            product += at * (point[i] - centre[i]);
            norm += at * at;
        }
        if (product / sqrtf(norm) > best) {
            best = product / sqrtf(norm);
            scale = step;
        }
    }
    return scale;
}

static const float *centre_of(const codes *codes, uint32_t owner, uint32_t slot)
{
    return codes->kind == CODE_OWNER     ? codes->rotated + (size_t)owner * codes->length
           : codes->kind == CODE_CLUSTER ? codes->centres + (size_t)codes->cluster[slot] * codes->length
                                         : codes->centres;
}

static void make_centres(codes *codes, const rotation *rotation, float *spare)
{
    const world *world = codes->world;
    float *centre = get(world->dimensions * sizeof *centre);
    if (codes->kind == CODE_CLUSTER) {
        diskann_pq *pq = train(world, 1);
        codes->cluster = encode(world, pq, 1);
        codes->centres = get((size_t)CLUSTERS * codes->length * sizeof(float));
        for (uint32_t c = 0; c < CLUSTERS; c++) {
            const uint8_t code = (uint8_t)c;
            check(diskann_pq_decode(pq, &code, 1, centre), "decode");
            rotate(codes, rotation, centre, codes->centres + (size_t)c * codes->length, spare);
        }
        diskann_pq_destroy(pq);
    } else if (codes->kind == CODE_MEAN) {
        codes->centres = get(codes->length * sizeof(float));
        for (uint32_t row = 0; row < world->rows; row++) {
            for (uint32_t i = 0; i < codes->length; i++) {
                codes->centres[i] += codes->rotated[(size_t)row * codes->length + i] / (float)world->rows;
            }
        }
    }
    free(centre);
}

static void codes_make(codes *codes, const world *world, code_kind kind, uint32_t bits)
{
    memory_account account;
    rotation rotation;
    memory_account_init(&account, NULL);
    memset(codes, 0, sizeof *codes);
    codes->world = world;
    codes->kind = kind;
    codes->bits = bits;
    codes->length = (world->dimensions + 63) / 64 * 64;
    if (kind == CODE_PQ) {
        codes->pq = train(world, bits);
        codes->pq_codes = encode(world, codes->pq, bits);
        codes->tables.metric = DISKANN_L2;
        codes->tables.sums = get((size_t)bits * PQ_TABLE_WIDTH * sizeof(float));
    }
    if (kind == CODE_EXACT || kind == CODE_PQ) {
        return;
    }
    float *spare = get(codes->length * sizeof *spare);
    check(rotation_init(&rotation, codes->length, &account), "rotation");
    codes->rotated = get((size_t)world->rows * codes->length * sizeof(float));
    codes->turned = get((size_t)world->queries * codes->length * sizeof(float));
    codes->to_centres = get(CLUSTERS * sizeof(float));
    for (uint32_t row = 0; row < world->rows; row++) {
        rotate(codes, &rotation, world->vectors + (size_t)row * world->dimensions,
               codes->rotated + (size_t)row * codes->length, spare);
    }
    for (uint32_t q = 0; q < world->queries; q++) {
        rotate(codes, &rotation, world->query_vectors + (size_t)q * world->dimensions,
               codes->turned + (size_t)q * codes->length, spare);
    }
    make_centres(codes, &rotation, spare);
    codes->scales = get(world->rows * sizeof(float));
    for (uint32_t row = 0; row < world->rows && kind != CODE_OWNER; row++) {
        codes->scales[row] = best_scale(codes, codes->rotated + (size_t)row * codes->length, centre_of(codes, 0, row));
    }
    rotation_reset(&rotation, &account);
    free(spare);
}

static void codes_free(codes *codes)
{
    free(codes->rotated);
    free(codes->centres);
    free(codes->cluster);
    free(codes->scales);
    free(codes->pq_codes);
    free(codes->turned);
    free(codes->to_centres);
    free(codes->tables.sums);
    diskann_pq_destroy(codes->pq);
}

static void codes_query(codes *codes, uint32_t query)
{
    codes->query = codes->world->query_vectors + (size_t)query * codes->world->dimensions;
    if (codes->kind == CODE_PQ) {
        pq_tables_fill(codes->pq, codes->query, &codes->tables);
    }
    const float *turned = codes->turned + (size_t)query * codes->length;
    const uint32_t centres = codes->kind == CODE_CLUSTER ? CLUSTERS : codes->kind == CODE_MEAN ? 1 : 0;
    for (uint32_t c = 0; c < centres; c++) {
        codes->to_centres[c] = squared(turned, codes->centres + (size_t)c * codes->length, codes->length);
    }
}

/* `base`: of the query and the owner. */
static float codes_estimate(const codes *codes, uint32_t query, uint32_t owner, uint32_t slot, float base)
{
    const world *world = codes->world;
    if (codes->kind == CODE_EXACT) {
        return squared(codes->query, world->vectors + (size_t)slot * world->dimensions, world->dimensions);
    }
    if (codes->kind == CODE_PQ) {
        float sum = 0;
        for (uint32_t c = 0; c < codes->bits; c++) {
            sum += codes->tables.sums[(size_t)c * PQ_TABLE_WIDTH + codes->pq_codes[(size_t)slot * codes->bits + c]];
        }
        return sum;
    }
    const float *point = codes->rotated + (size_t)slot * codes->length, *centre = centre_of(codes, owner, slot);
    const float *turned = codes->turned + (size_t)query * codes->length;
    const float scale = codes->kind == CODE_OWNER ? best_scale(codes, point, centre) : codes->scales[slot];
    const int half = 1 << (codes->bits - 1);
    float norm = 0, product = 0, sum = 0;
    for (uint32_t i = 0; i < codes->length; i++) {
        const float residual = point[i] - centre[i], at = level(residual, scale, half);
        norm += residual * residual;
        product += at * residual;
        sum += at * (turned[i] - centre[i]);
    }
    const float from = codes->kind == CODE_OWNER     ? base
                       : codes->kind == CODE_CLUSTER ? codes->to_centres[codes->cluster[slot]]
                                                     : codes->to_centres[0];
    return product > 0 ? from + norm - 2 * norm / product * sum : from + norm;
}

#endif
