/* Codes of csrc/FORMAT.md, sections 4 and 9, written from the page: files have those bytes, estimates those bits. */
#include "../../csrc/op/index.h"
#include "check.h"
#include "forge.h"
#include "golden.h"
#include "host.h"

#include <float.h>

enum { LENGTH_MAX = 256, ROWS = 90 };

/* -- the page -- */

typedef struct definition {
    uint32_t dimensions, length, metric; /* length: D */
    float origin[LENGTH_MAX];
} definition;

static void rotate(const definition *d, float *r)
{
    random_state random = {UINT64_C(0x726f746174696f6e)};
    uint32_t block = 1;
    while (2 * block <= d->length) {
        block *= 2;
    }
    const uint32_t passes = block == d->length ? 3 : 6, spare = d->length - block;
    const uint32_t starts[3] = {0, spare, spare / 2};
    const float size = 1 / sqrtf((float)block);
    uint64_t draw = 0;
    for (uint32_t m = 0; m < passes * block; m++) {
        float *part = r + starts[m / block % 3];
        draw = m % 64 == 0 ? random_next(&random) : draw;
        part[m % block] *= draw >> m % 64 & 1 ? size : -size;
        for (uint32_t level = 1; m % block == block - 1 && level < block; level *= 2) {
            float from[LENGTH_MAX];
            memcpy(from, part, block * sizeof *from);
            for (uint32_t k = 0; k < block / 2; k++) {
                part[2 * k] = from[k] + from[k + block / 2];
                part[2 * k + 1] = from[k] - from[k + block / 2];
            }
        }
    }
}

static void rotated(const definition *d, const float *a, const float *b, float *out)
{
    memset(out, 0, d->length * sizeof *out);
    for (uint32_t i = 0; i < d->dimensions; i++) {
        out[i] = a[i] - b[i];
    }
    rotate(d, out);
}

static float limited(double value)
{
    return (float)(value > FLT_MAX ? FLT_MAX : value < -FLT_MAX ? -FLT_MAX : value);
}

typedef struct code {
    float signs[LENGTH_MAX];
    float offset, scale;
} code;

static code encode(const definition *d, const float *x, const float *p)
{
    code c;
    float r[LENGTH_MAX], centre[LENGTH_MAX];
    rotated(d, x, p, r);
    rotated(d, p, d->origin, centre);
    for (uint32_t i = 0; i < d->length; i++) {
        c.signs[i] = r[i] > 0 ? 1 : -1;
    }
    const double norm = golden_sum(x, p, d->dimensions, SIMD_SUM_L2);
    const double sum = golden_sum(c.signs, r, d->length, SIMD_SUM_DOT);
    const double slope = sum > 0 ? norm / sum : 0, w = d->metric == DISKANN_L2 ? 2 : 1;
    const int has_offset = d->metric != DISKANN_IP && slope > 0;
    c.scale = limited(0 - w * slope);
    c.offset = has_offset ? limited(w * (norm / 2 + slope * golden_sum(c.signs, centre, d->length, SIMD_SUM_DOT))) : 0;
    int is_zero = 1;
    for (uint32_t i = 0; i < d->dimensions; i++) {
        is_zero &= x[i] == 0;
    }
    c.offset += d->metric == DISKANN_COSINE && is_zero ? 0.5f : 0;
    return c;
}

/* Where the page has the code of a place. */
static void check_code(const definition *d, uint32_t max_degree, const uint8_t *block, uint32_t place, const code *c)
{
    const uint32_t b = place % 32, left = max_degree - place / 32 * 32;
    const uint32_t n = left >= 32 ? 32 : (left + 3) / 4 * 4;
    const uint8_t *group = block + (size_t)(place / 32) * (4 * d->length + 32 * 8);
    for (uint32_t i = 0; i < d->length; i++) {
        const uint8_t byte = group[i / 4 * 16 + b % 16];
        CHECK_UINT(byte >> (i % 4 + (b < 16 ? 0 : 4)) & 1, c->signs[i] > 0);
    }
    CHECK_UINT(forge_get(group + 4 * d->length + 4 * b, 4), golden_bits(c->offset));
    CHECK_UINT(forge_get(group + 4 * d->length + 4 * n + 4 * b, 4), golden_bits(c->scale));
}

static float estimate(const definition *d, const code *c, const float *query, float base)
{
    float t[LENGTH_MAX], largest = 0;
    int32_t sum = 0;
    rotated(d, query, d->origin, t);
    for (uint32_t i = 0; i < d->length; i++) {
        largest = fabsf(t[i]) > largest ? fabsf(t[i]) : largest;
    }
    const float inverse = largest > 65536 * FLT_MIN ? 31 / largest : 0, step = inverse > 0 ? largest / 31 : 0;
    for (uint32_t i = 0; i < d->length; i++) {
        const float steps = floorf(fabsf(t[i]) * inverse + 0.5f);
        const int32_t value = steps < 31 ? (int32_t)steps : 31;
        sum += (t[i] < 0) == (c->signs[i] < 0) ? value : -value;
    }
    return (base + c->offset) + c->scale * (step * (float)sum);
}

/* -- the index -- */

/* x' of a slot. */
static void read_row(const diskann_index *index, uint32_t slot, float *out)
{
    uint8_t *record = record_at(&index->records, slot);
    const float aux = *record_aux(&index->records.layout, record);
    REQUIRE(diskann_index_get(index, *record_id(&index->records.layout, record), out) == DISKANN_OK);
    for (uint32_t i = 0; i < index->config.dimensions; i++) {
        out[i] *= index->config.metric == DISKANN_COSINE ? aux : 1;
    }
}

static diskann_index *make_index(const diskann_config *config)
{
    float *rows = calloc(ROWS * config->dimensions, sizeof *rows);
    random_state random = {config->dimensions};
    diskann_index *index = NULL;
    REQUIRE(rows != NULL && diskann_index_create(config, NULL, &index) == DISKANN_OK);
    for (uint32_t i = 0; i < ROWS * config->dimensions; i++) {
        const int is_zero = i / config->dimensions % 13 == 5;
        rows[i] = is_zero ? 0 : (float)(random_next(&random) >> 57) / (config->data_type == DISKANN_U8 ? 1 : 7);
        rows[i] = config->data_type == DISKANN_U8 ? floorf(rows[i]) : rows[i];
    }
    for (uint32_t part = 0; part < 2; part++) {
        diskann_op *op;
        host h = {0};
        REQUIRE((part ? diskann_insert_begin(index, 1, &op) : diskann_build_begin(index, 1, &op)) == DISKANN_OK);
        const float *first = rows + part * (ROWS - 20) * config->dimensions;
        REQUIRE(diskann_op_rows(op, first, DISKANN_F32, NULL, part ? 20 : ROWS - 20) == DISKANN_OK);
        CHECK_INT(host_drive(&h, op), DISKANN_OK);
        diskann_op_end(op);
    }
    free(rows);
    return index;
}

static void check_index(const diskann_config *config)
{
    diskann_index *index = make_index(config);
    const record_layout *layout = &index->records.layout;
    definition d = {config->dimensions, (config->dimensions + 63) / 64 * 64, config->metric, {0}};
    float query[LENGTH_MAX], p[LENGTH_MAX], x[LENGTH_MAX], found[DISKANN_MAX_DEGREE_MAX];
    bits_query coded;
    if (config->metric != DISKANN_IP) {
        read_row(index, index->entry, d.origin);
    }
    REQUIRE(bits_query_init(&coded, &index->bits, &index->account) == DISKANN_OK);
    for (uint32_t slot = 0; slot < ROWS; slot++) {
        uint8_t *record = record_at(&index->records, slot);
        const record_list *list = record_links(layout, record);
        read_row(index, slot, p);
        read_row(index, (slot + 1) % ROWS, query);
        bits_query_set(&coded, &index->bits, query);
        bits_estimates(&index->bits, &coded, record + layout->codes_offset, list->degree, 2.5f, found);
        for (uint32_t place = 0; place < list->degree; place++) {
            read_row(index, list->neighbours[place], x);
            const code c = encode(&d, x, p);
            check_code(&d, config->max_degree, record + layout->codes_offset, place, &c);
            CHECK_UINT(golden_bits(found[place]), golden_bits(estimate(&d, &c, query, 2.5f)));
        }
    }
    bits_query_reset(&coded, &index->bits, &index->account);
    diskann_index_destroy(index);
}

static void records_and_estimates_are_those_of_the_page(void)
{
    static const uint32_t dimensions[] = {3, 64, 100, 130, 200, 256}, degrees[] = {4, 30, 32, 37, 64, 66};
    static const uint32_t types[] = {DISKANN_F32, DISKANN_U8, DISKANN_F16};
    for (uint32_t i = 0; i < 18; i += check_is_light() ? 4 : 1) {
        diskann_config config;
        diskann_config_init(&config, dimensions[i % 6]);
        config.max_degree = degrees[(i + i / 6) % 6];
        config.data_type = types[(i + i / 6) % 3];
        config.metric = i / 6;
        config.codes = DISKANN_CODES_1BIT;
        const unsigned before = check_failures;
        check_index(&config);
        check_that(check_failures == before, __FILE__, __LINE__, "%u dimensions, metric %u, degree %u", config.dimensions,
                   config.metric, config.max_degree);
    }
}

CHECK_MAIN(CHECK_TEST(records_and_estimates_are_those_of_the_page))
