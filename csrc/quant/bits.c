#include "bits.h"

#include "../base/status.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { QUERY_MAX = 31, TABLE_BIAS = BITS_ROW_DIMENSIONS * QUERY_MAX };

/* ---- the coder ---- */

int bits_coder_init(bits_coder *coder, const diskann_config *config, const simd_kernels *kernels, memory_account *account)
{
    memset(coder, 0, sizeof *coder);
    coder->account = account;
    coder->kernels = kernels;
    coder->metric = config->metric;
    coder->dimensions = config->dimensions;
    bits_layout_init(&coder->layout, config->dimensions, config->max_degree);
    TRY(rotation_init(&coder->rotation, coder->layout.length, account));
    coder->origin = memory_get_zeroed(account, coder->dimensions * sizeof *coder->origin);
    if (coder->origin == NULL) {
        bits_coder_reset(coder);
        return DISKANN_ERR_NO_MEMORY;
    }
    return DISKANN_OK;
}

void bits_coder_reset(bits_coder *coder)
{
    rotation_reset(&coder->rotation, coder->account);
    memory_put(coder->account, coder->origin, coder->dimensions * sizeof *coder->origin);
    memset(coder, 0, sizeof *coder);
}

uint64_t bits_coder_bytes(const bits_coder *coder)
{
    return rotation_bytes(&coder->rotation) + coder->dimensions * sizeof *coder->origin;
}

void bits_set_origin(bits_coder *coder, const float *vector)
{
    if (coder->metric != DISKANN_IP) {
        memcpy(coder->origin, vector, coder->dimensions * sizeof *coder->origin);
    }
}

int bits_has_origin(const bits_coder *coder, const float *vector)
{
    const float zero = 0;
    for (uint32_t i = 0; i < coder->dimensions; i++) {
        if (memcmp(coder->origin + i, coder->metric == DISKANN_IP ? &zero : vector + i, sizeof zero) != 0) {
            return 0;
        }
    }
    return 1;
}

/* a - b, zeros behind it, rotated. */
static void rotate_difference(const bits_coder *coder, const float *a, const float *b, float *out, float *spare)
{
    const uint32_t dimensions = coder->dimensions;
    for (uint32_t i = 0; i < dimensions; i++) {
        out[i] = a[i] - b[i];
    }
    memset(out + dimensions, 0, (coder->layout.length - dimensions) * sizeof *out);
    rotation_apply(&coder->rotation, out, spare);
}

/* ---- places ---- */

/* The first byte and the shift of a place's bits, and its factors. */
typedef struct bits_column {
    uint8_t *bits;
    float *offset;
    float *scale;
    uint32_t shift;
} bits_column;

static bits_column column_at(const bits_layout *layout, const uint8_t *block, uint32_t place)
{
    const uint32_t group = place / BITS_GROUP, in_group = place % BITS_GROUP;
    uint8_t *bits = (uint8_t *)(uintptr_t)block + (size_t)group * layout->group_bytes;
    float *offsets = (float *)(void *)(bits + layout->rows_bytes);
    return (bits_column){bits + in_group % BITS_ROW_BYTES, offsets + in_group,
                         offsets + bits_group_slots(layout, group) + in_group, in_group < BITS_ROW_BYTES ? 0 : 4};
}

static void put_bits(uint8_t *byte, uint32_t shift, uint32_t bits)
{
    *byte = (uint8_t)((*byte & (0xf0 >> shift)) | bits << shift);
}

void bits_move(const bits_layout *layout, uint8_t *to_block, uint32_t to_place, const uint8_t *from_block, uint32_t from_place)
{
    const bits_column to = column_at(layout, to_block, to_place), from = column_at(layout, from_block, from_place);
    for (uint32_t at = 0; at < layout->rows_bytes; at += BITS_ROW_BYTES) {
        put_bits(to.bits + at, to.shift, (from.bits[at] >> from.shift) & 15);
    }
    *to.offset = *from.offset;
    *to.scale = *from.scale;
}

static void clear_rows(const bits_layout *layout, uint8_t *bits, uint32_t first, uint32_t end)
{
    uint8_t kept[BITS_ROW_BYTES];
    memset(kept, 0xff, sizeof kept);
    for (uint32_t place = first; place < end; place++) {
        put_bits(kept + place % BITS_ROW_BYTES, place < BITS_ROW_BYTES ? 0 : 4, 0);
    }
    for (uint32_t at = 0; at < layout->rows_bytes; at += BITS_ROW_BYTES) {
        for (uint32_t b = 0; b < BITS_ROW_BYTES; b++) {
            bits[at + b] &= kept[b];
        }
    }
}

void bits_clear(const bits_layout *layout, uint8_t *block, uint32_t first, uint32_t end)
{
    while (first < end) {
        const uint32_t in_group = first % BITS_GROUP;
        const uint32_t count = end - first < BITS_GROUP - in_group ? end - first : BITS_GROUP - in_group;
        const bits_column column = column_at(layout, block, first);
        clear_rows(layout, block + (size_t)(first / BITS_GROUP) * layout->group_bytes, in_group, in_group + count);
        memset(column.offset, 0, count * sizeof *column.offset);
        memset(column.scale, 0, count * sizeof *column.scale);
        first += count;
    }
}

/* +0, to the bit. */
static int is_zero(float factor)
{
    const float zero = 0;
    return memcmp(&factor, &zero, sizeof zero) == 0;
}

static int factor_is_finite(float factor)
{
    return factor >= -FLT_MAX && factor <= FLT_MAX; /* false for NaN too */
}

/* What the places of a row that are in use leave zero. */
static int row_is_sound(const uint8_t *row, uint32_t used)
{
    uint32_t beyond = 0;
    for (uint32_t b = 0; b < BITS_ROW_BYTES; b++) {
        const uint32_t kept = (b < used ? 0x0f : 0) | (b + BITS_ROW_BYTES < used ? 0xf0 : 0);
        beyond |= row[b] & ~kept;
    }
    return beyond == 0;
}

int bits_are_sound(const bits_layout *layout, const uint8_t *block, uint32_t count)
{
    for (uint32_t group = 0; group < layout->groups; group++) {
        const bits_column first = column_at(layout, block, group * BITS_GROUP);
        const uint32_t slots = bits_group_slots(layout, group), before = group * BITS_GROUP;
        const uint32_t used = count <= before ? 0 : count - before < BITS_GROUP ? count - before : BITS_GROUP;
        for (uint32_t at = 0; used < BITS_GROUP && at < layout->rows_bytes; at += BITS_ROW_BYTES) {
            if (!row_is_sound(first.bits + at, used)) {
                return 0;
            }
        }
        for (uint32_t i = 0; i < slots; i++) {
            const int is_sound = i < used ? factor_is_finite(first.offset[i]) && factor_is_finite(first.scale[i])
                                          : is_zero(first.offset[i]) && is_zero(first.scale[i]);
            if (!is_sound) {
                return 0;
            }
        }
    }
    return 1;
}

/* ---- codes ---- */

/* What the scratch of an owner holds, [length] each. */
typedef struct bits_scratch {
    float *owner;
    float *centre; /* owner less origin, rotated */
    float *residual;
    float *signs;
} bits_scratch;

static bits_scratch scratch_of(const bits_coder *coder, float *scratch)
{
    const size_t length = coder->layout.length;
    return (bits_scratch){scratch, scratch + length, scratch + 2 * length, scratch + 3 * length};
}

void bits_owner_set(const bits_coder *coder, float *scratch, const float *owner)
{
    const bits_scratch at = scratch_of(coder, scratch);
    memcpy(at.owner, owner, coder->dimensions * sizeof *owner);
    if (coder->metric != DISKANN_IP) {
        rotate_difference(coder, owner, coder->origin, at.centre, at.signs);
    }
}

/* Bits into the block, signs into the scratch. */
static void write_column(const bits_column *column, const bits_scratch *at, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        at->signs[i] = at->residual[i] > 0 ? 1.0f : -1.0f;
    }
    uint8_t *byte = column->bits;
    for (uint32_t i = 0; i < length; i += BITS_ROW_DIMENSIONS, byte += BITS_ROW_BYTES) {
        uint32_t bits = 0;
        for (uint32_t j = 0; j < BITS_ROW_DIMENSIONS; j++) {
            bits |= (uint32_t)(at->residual[i + j] > 0) << j;
        }
        put_bits(byte, column->shift, bits);
    }
}

static float limited(double value)
{
    return value > FLT_MAX ? FLT_MAX : value < -FLT_MAX ? -FLT_MAX : (float)value;
}

/*
 * The product of neighbour - owner with any y is estimated by slope * (sum of y's rotated elements, each with its sign), slope
 * = |residual|^2 / sum |residual_i|: exact for y = neighbour - owner. y is query - owner here, query - origin in S; what the
 * owner adds to that is known now.
 */
static void write_factors(const bits_coder *coder, const bits_column *column, const bits_scratch *at, float squared)
{
    simd_one *const dot = coder->kernels->one[DISKANN_F32][SIMD_SUM_DOT];
    const double sizes = dot(at->signs, at->residual, coder->layout.length);
    const double norm = squared < FLT_MAX ? squared : FLT_MAX;
    const double slope = sizes > 0 ? norm / sizes : 0.0;
    const double weight = coder->metric == DISKANN_L2 ? 2.0 : 1.0;
    *column->scale = limited(0.0 - weight * slope);
    if (coder->metric == DISKANN_IP || !(slope > 0)) {
        *column->offset = 0.0f;
        return;
    }
    const double centre = dot(at->signs, at->centre, coder->layout.length);
    *column->offset = limited(weight * (0.5 * norm + slope * centre));
}

void bits_encode(const bits_coder *coder, float *scratch, uint8_t *block, uint32_t place, const float *neighbour)
{
    const bits_scratch at = scratch_of(coder, scratch);
    const bits_column column = column_at(&coder->layout, block, place);
    const float squared = coder->kernels->one[DISKANN_F32][SIMD_SUM_L2](neighbour, at.owner, coder->dimensions);
    rotate_difference(coder, neighbour, at.owner, at.residual, at.signs);
    write_column(&column, &at, coder->layout.length);
    write_factors(coder, &column, &at, squared);
}

/* ---- queries ---- */

static uint64_t scratch_bytes(const bits_coder *coder)
{
    return UINT64_C(2) * coder->layout.length * sizeof(float);
}

int bits_query_init(bits_query *query, const bits_coder *coder, memory_account *account)
{
    memset(query, 0, sizeof *query);
    query->tables = memory_get(account, coder->layout.rows_bytes);
    query->scratch = memory_get(account, scratch_bytes(coder));
    query->values = memory_get(account, coder->layout.length * sizeof *query->values);
    if (query->tables == NULL || query->scratch == NULL || query->values == NULL) {
        bits_query_reset(query, coder, account);
        return DISKANN_ERR_NO_MEMORY;
    }
    return DISKANN_OK;
}

void bits_query_reset(bits_query *query, const bits_coder *coder, memory_account *account)
{
    memory_put(account, query->tables, coder->layout.rows_bytes);
    memory_put(account, query->scratch, scratch_bytes(coder));
    memory_put(account, query->values, coder->layout.length * sizeof *query->values);
    memset(query, 0, sizeof *query);
}

/* To the nearest number of steps, halves away from zero; returns the length of a step. */
static float round_query(const float *turned, uint32_t length, int32_t *values)
{
    float greatest = 0;
    for (uint32_t i = 0; i < length; i++) {
        const float size = fabsf(turned[i]);
        greatest = size > greatest ? size : greatest;
    }
    const float inverse = greatest > FLT_MIN * 65536.0f ? QUERY_MAX / greatest : 0.0f;
    for (uint32_t i = 0; i < length; i++) {
        const float steps = fabsf(turned[i]) * inverse + 0.5f;
        const int32_t size = (int32_t)(steps < QUERY_MAX ? steps : QUERY_MAX);
        values[i] = turned[i] < 0 ? -size : size;
    }
    return inverse > 0 ? greatest / QUERY_MAX : 0.0f;
}

/*
 * All 16 sums of four values with signs, eight bytes at once. A value is put as 31 - v where the bit of an entry is not set and
 * as 31 + v where it is: neither is below zero, four are at most 248, and no byte carries into the next.
 */
static void fill_table(uint8_t *table, const int32_t *values)
{
    static const uint64_t all = UINT64_C(0x0101010101010101);
    static const uint64_t set[] = {UINT64_C(0x0100010001000100), UINT64_C(0x0101000001010000), UINT64_C(0x0101010100000000)};
    uint64_t sums = 0;
    for (uint32_t j = 0; j < 3; j++) {
        sums += (uint64_t)(QUERY_MAX - values[j]) * (all - set[j]) + (uint64_t)(QUERY_MAX + values[j]) * set[j];
    }
    const uint64_t halves[] = {sums + (uint64_t)(QUERY_MAX - values[3]) * all, sums + (uint64_t)(QUERY_MAX + values[3]) * all};
    memcpy(table, halves, sizeof halves);
}

void bits_query_set(bits_query *query, const bits_coder *coder, const float *vector)
{
    const uint32_t length = coder->layout.length;
    float *turned = query->scratch;
    rotate_difference(coder, vector, coder->origin, turned, query->scratch + length);
    query->step = round_query(turned, length, query->values);
    for (uint32_t i = 0; i < length; i += BITS_ROW_DIMENSIONS) {
        fill_table(query->tables + (size_t)i * BITS_ROW_BYTES / BITS_ROW_DIMENSIONS, query->values + i);
    }
}

/* Those of one group; nothing overlaps, so that compilers take several at once. */
static void finish_group(const float *restrict offsets, const float *restrict scales, const int32_t *restrict sums,
                         uint32_t count, float base, float step, float *restrict out)
{
    for (uint32_t i = 0; i < count; i++) {
        const float distance = (base + offsets[i]) + scales[i] * (step * (float)sums[i]);
        const float below = distance < FLT_MAX ? distance : FLT_MAX; /* also where it is not a number */
        out[i] = below > -FLT_MAX ? below : -FLT_MAX;
    }
}

void bits_estimates(const bits_coder *coder, const bits_query *query, const uint8_t *block, uint32_t count, float base,
                    float *out)
{
    const bits_layout *layout = &coder->layout;
    const uint32_t tables = layout->length / BITS_ROW_DIMENSIONS;
    for (uint32_t first = 0; first < count; first += BITS_GROUP, block += layout->group_bytes) {
        const uint32_t in_group = count - first < BITS_GROUP ? count - first : BITS_GROUP;
        const float *offsets = (const float *)(const void *)(block + layout->rows_bytes);
        uint32_t biased[BITS_GROUP];
        int32_t sums[BITS_GROUP];
        coder->kernels->scan(query->tables, tables, block, biased);
        for (uint32_t i = 0; i < BITS_GROUP; i++) {
            sums[i] = (int32_t)biased[i] - (int32_t)(tables * TABLE_BIAS);
        }
        const float *scales = offsets + bits_group_slots(layout, first / BITS_GROUP);
        finish_group(offsets, scales, sums, in_group, base, query->step, out + first);
    }
}
