#include "codes.h"

#include "../base/status.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { CODE_MAX = 255, QUERY_MAX = 4095, SEGMENT_BYTES_MAX = 16 << 20 };

typedef struct code_factors {
    float norm;  /* squared: l2, cosine: of the decoded vector; ip: of the vector as it is */
    float step;
    float least;
    float error; /* distance between the vector and its code */
    float sum;   /* of the decoded vector */
    float zero[3];
} code_factors;

_Static_assert(sizeof(code_factors) == SIMD_DOT_TAIL, "kernels prefetch what follows a code");

int code_is_possible(const diskann_config *config)
{
    const uint32_t type = config->data_type;
    return (type == DISKANN_F32 || type == DISKANN_F16 || type == DISKANN_SQ8) && config->metric != DISKANN_L1;
}

int code_is_worthwhile(const diskann_config *config)
{
    enum { DIMENSIONS_MIN = 64 };
    return code_is_possible(config) && config->data_type != DISKANN_SQ8 && config->dimensions >= DIMENSIONS_MIN;
}

/* ---- memory ---- */

void code_store_init(code_store *store, const diskann_config *config, const simd_kernels *kernels, memory_account *account)
{
    memset(store, 0, sizeof *store);
    store->account = account;
    store->kernels = kernels;
    store->metric = config->metric;
    store->data_type = config->data_type;
    store->dimensions = config->dimensions;
    store->length = (config->dimensions + SIMD_DOT_LENGTH - 1) / SIMD_DOT_LENGTH * SIMD_DOT_LENGTH;
    store->stride = store->length + (uint32_t)sizeof(code_factors);
    while (((uint64_t)store->stride << (store->segment_shift + 1)) <= SEGMENT_BYTES_MAX) {
        store->segment_shift++;
    }
}

static uint32_t full_rows(const code_store *store)
{
    return UINT32_C(1) << store->segment_shift;
}

static uint64_t segment_bytes(const code_store *store, uint32_t segment)
{
    return (uint64_t)store->stride * (segment + 1 < store->segment_count ? full_rows(store) : store->last_rows);
}

static void free_segments_above(code_store *store, uint32_t count)
{
    while (store->segment_count > count) {
        const uint32_t last = store->segment_count - 1;
        memory_put(store->account, store->segments[last], segment_bytes(store, last));
        store->segment_count = last;
        store->last_rows = full_rows(store);
    }
}

void code_store_reset(code_store *store)
{
    free_segments_above(store, 0);
    memory_put(store->account, store->segments, store->segment_capacity * sizeof *store->segments);
    memory_put(store->account, store->origin, store->dimensions * sizeof *store->origin);
    store->segments = NULL;
    store->segment_capacity = 0;
    store->origin = NULL;
}

static int grow_table(code_store *store, uint32_t wanted)
{
    if (wanted <= store->segment_capacity) {
        return DISKANN_OK;
    }
    const uint32_t capacity = wanted > 2 * store->segment_capacity ? wanted : 2 * store->segment_capacity;
    uint8_t **segments = memory_get(store->account, capacity * sizeof *segments);
    if (segments == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    if (store->segment_count > 0) {
        memcpy(segments, store->segments, store->segment_count * sizeof *segments);
    }
    memory_put(store->account, store->segments, store->segment_capacity * sizeof *segments);
    store->segments = segments;
    store->segment_capacity = capacity;
    return DISKANN_OK;
}

/* A larger last segment. */
static int extend_last(code_store *store, uint32_t rows)
{
    const uint32_t last = store->segment_count - 1;
    const uint64_t before = segment_bytes(store, last), after = (uint64_t)store->stride * rows;
    uint8_t *segment = memory_get(store->account, after);
    if (segment == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    memcpy(segment, store->segments[last], (size_t)before);
    memset(segment + before, 0, (size_t)(after - before));
    memory_put(store->account, store->segments[last], before);
    store->segments[last] = segment;
    store->last_rows = rows;
    return DISKANN_OK;
}

static int append_segment(code_store *store, uint32_t rows)
{
    uint8_t *segment = memory_get_zeroed(store->account, (uint64_t)store->stride * rows);
    if (segment == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    store->segments[store->segment_count++] = segment;
    store->last_rows = rows;
    return DISKANN_OK;
}

/* Rows for the last segment to have when it has to hold `rows`: half as many again as it had, so that inserts seldom copy. */
static uint32_t grown_rows(const code_store *store, uint32_t rows, uint32_t before)
{
    const uint32_t roomy = before + before / 2;
    const uint32_t wanted = rows > roomy ? rows : roomy;
    return wanted < full_rows(store) ? wanted : full_rows(store);
}

int code_store_reserve(code_store *store, uint64_t slots)
{
    const uint32_t wanted = (uint32_t)((slots + full_rows(store) - 1) >> store->segment_shift);
    if (wanted < store->segment_count || wanted == 0) {
        return DISKANN_OK;
    }
    TRY(grow_table(store, wanted));
    const uint32_t in_last = (uint32_t)(slots - ((uint64_t)(wanted - 1) << store->segment_shift));
    if (store->segment_count > 0) {
        const uint32_t rows = wanted > store->segment_count ? full_rows(store) : in_last;
        if (rows > store->last_rows) {
            TRY(extend_last(store, grown_rows(store, rows, store->last_rows)));
        }
    }
    const uint32_t before = store->segment_count;
    while (store->segment_count < wanted) {
        const int status = append_segment(store, store->segment_count + 1 < wanted ? full_rows(store) : in_last);
        if (status < 0) {
            free_segments_above(store, before);
            return status;
        }
    }
    return DISKANN_OK;
}

void code_store_truncate(code_store *store, uint64_t slots)
{
    if (slots == 0) {
        code_store_reset(store);
        return;
    }
    free_segments_above(store, (uint32_t)((slots + full_rows(store) - 1) >> store->segment_shift));
}

uint64_t code_store_bytes(const code_store *store)
{
    uint64_t bytes = store->segment_capacity * sizeof *store->segments;
    for (uint32_t i = 0; i < store->segment_count; i++) {
        bytes += segment_bytes(store, i);
    }
    return bytes + (store->origin != NULL ? store->dimensions * sizeof *store->origin : 0);
}

/* ---- codes ---- */

/* A stored vector in floats: where it lies, or expanded into the scratch. */
static const float *in_floats(const code_store *store, const void *vector, float *scratch)
{
    if (store->data_type == DISKANN_F32) {
        return vector;
    }
    store->kernels->expand[store->data_type](vector, store->dimensions, scratch);
    return scratch;
}

int code_set_origin(code_store *store, const void *vector, float weight)
{
    if (store->origin == NULL) {
        store->origin = memory_get(store->account, store->dimensions * sizeof *store->origin);
        if (store->origin == NULL) {
            return DISKANN_ERR_NO_MEMORY;
        }
    }
    const float *values = in_floats(store, vector, store->origin);
    for (uint32_t i = 0; i < store->dimensions; i++) {
        store->origin[i] = values[i] * weight;
    }
    return DISKANN_OK;
}

/* What steps of such a length are multiplied with to be counted; 0 where all elements are the same, or as good as. */
static float inverse_step(float range, float steps)
{
    return range > FLT_MIN * 65536.0f ? steps / range : 0.0f;
}

/* Squared norm of least + step * code, from sums that are exact. */
static float decoded_norm(const code_factors *factors, uint32_t dimensions, uint64_t sum, uint64_t squares)
{
    const double least = factors->least, step = factors->step;
    return (float)(least * least * dimensions + 2.0 * least * step * (double)sum + step * step * (double)squares);
}

static float coding_error(const code_factors *factors, const uint8_t *row, const float *values, uint32_t dimensions)
{
    double squared = 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        const double apart = (double)values[i] - ((double)factors->least + (double)factors->step * row[i]);
        squared += apart * apart;
    }
    return (float)sqrt(squared);
}

void code_encode(const code_store *store, uint32_t slot, const void *vector, float weight, float norm, float *scratch)
{
    const float *values = in_floats(store, vector, scratch);
    uint8_t *row = (uint8_t *)(uintptr_t)code_at(store, slot);
    float least = FLT_MAX, greatest = -FLT_MAX;
    for (uint32_t i = 0; i < store->dimensions; i++) {
        const float value = values[i] * weight - store->origin[i];
        least = value < least ? value : least;
        greatest = value > greatest ? value : greatest;
        scratch[i] = value;
    }
    const float inverse = inverse_step(greatest - least, CODE_MAX);
    uint64_t sum = 0, squares = 0;
    for (uint32_t i = 0; i < store->dimensions; i++) {
        const float steps = (scratch[i] - least) * inverse + 0.5f;
        const uint32_t code = steps < CODE_MAX ? (uint32_t)steps : CODE_MAX;
        row[i] = (uint8_t)code;
        sum += code;
        squares += code * code;
    }
    code_factors *factors = (code_factors *)(void *)(row + store->length);
    factors->step = inverse > 0 ? (greatest - least) / CODE_MAX : 0.0f;
    factors->least = least;
    factors->sum = (float)((double)factors->least * store->dimensions + (double)factors->step * (double)sum);
    factors->error = coding_error(factors, row, scratch, store->dimensions);
    factors->norm = store->metric == DISKANN_IP ? norm : decoded_norm(factors, store->dimensions, sum, squares);
}

/* ---- queries ---- */

int code_query_init(code_query *query, const code_store *store, memory_account *account)
{
    memset(query, 0, sizeof *query);
    query->values = memory_get_zeroed(account, store->length * sizeof *query->values);
    query->scratch = memory_get(account, store->dimensions * sizeof *query->scratch);
    if (query->values == NULL || query->scratch == NULL) {
        code_query_reset(query, store, account);
        return DISKANN_ERR_NO_MEMORY;
    }
    return DISKANN_OK;
}

void code_query_reset(code_query *query, const code_store *store, memory_account *account)
{
    memory_put(account, query->values, store->length * sizeof *query->values);
    memory_put(account, query->scratch, store->dimensions * sizeof *query->scratch);
    memset(query, 0, sizeof *query);
}

/* As many steps as no sum of products can leave int32_t. */
static int32_t query_steps(const code_store *store)
{
    const uint32_t most = INT32_MAX / CODE_MAX / store->dimensions;
    return most < QUERY_MAX ? (int32_t)most : QUERY_MAX;
}

/* Under ip the product with the origin is exact, and the rest of it is of the query as it is. */
static float *shift_query(const code_query *query, const code_store *store, const float *vector, float weight)
{
    float *shifted = query->scratch;
    for (uint32_t i = 0; i < store->dimensions; i++) {
        shifted[i] = store->metric == DISKANN_IP ? vector[i] : vector[i] * weight - store->origin[i];
    }
    return shifted;
}

void code_query_set(code_query *query, const code_store *store, const float *vector, float weight)
{
    const float *shifted = shift_query(query, store, vector, weight);
    const int32_t steps = query_steps(store);
    float greatest = 0;
    for (uint32_t i = 0; i < store->dimensions; i++) {
        const float size = fabsf(shifted[i]);
        greatest = size > greatest ? size : greatest;
    }
    const float inverse = inverse_step(greatest, (float)steps);
    int64_t sum = 0, squares = 0;
    for (uint32_t i = 0; i < store->dimensions; i++) {
        const int32_t value = (int32_t)(fabsf(shifted[i]) * inverse + 0.5f);
        const int32_t limited = value < steps ? value : steps;
        query->values[i] = (int16_t)(shifted[i] < 0 ? -limited : limited);
        sum += query->values[i];
        squares += limited * limited;
    }
    query->step = inverse > 0 ? greatest / (float)steps : 0.0f;
    query->sum = query->step * (float)sum;
    query->base = store->metric == DISKANN_IP
                      ? store->kernels->one[DISKANN_F32][SIMD_SUM_DOT](vector, store->origin, store->dimensions)
                      : (float)((double)query->step * query->step * (double)squares);
    query->is_lifted = 0;
}

static float lifted_coordinate(float lifted_norm, float norm)
{
    const float rest = lifted_norm - norm;
    return rest > 0 ? sqrtf(rest) : 0.0f;
}

void code_query_lift(code_query *query, float lifted_norm, float norm)
{
    query->is_lifted = 1;
    query->lifted_norm = lifted_norm;
    query->norm = norm;
    query->lift = lifted_coordinate(lifted_norm, norm);
}

/* From a product with a code to the metric's distance. */
static float finish(const code_store *store, const code_query *query, const code_factors *factors, float product)
{
    if (query->is_lifted) {
        const float apart = query->lift - lifted_coordinate(query->lifted_norm, factors->norm);
        return (query->norm + factors->norm - 2.0f * (query->base + product)) + apart * apart;
    }
    if (store->metric == DISKANN_IP) {
        return 0.0f - (query->base + product);
    }
    const float squared = query->base + factors->norm - 2.0f * product;
    return store->metric == DISKANN_COSINE ? 0.5f * squared : squared;
}

void code_estimates(const code_store *store, const code_query *query, const uint32_t *slots, uint32_t count,
                    const void **rows, int32_t *dots, float *out)
{
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = code_at(store, slots[i]);
    }
    store->kernels->dots(query->values, rows, count, store->length, dots);
    for (uint32_t i = 0; i < count; i++) {
        const code_factors *factors = (const code_factors *)(const void *)((const uint8_t *)rows[i] + store->length);
        const float product = factors->step * (query->step * (float)dots[i]) + factors->least * query->sum;
        const float distance = finish(store, query, factors, product);
        out[i] = distance < FLT_MAX ? distance : FLT_MAX; /* far out of range, also where it is not a number */
    }
}

/* ---- codes beside codes ---- */

int code_is_comparable(const code_store *store)
{
    return store->metric != DISKANN_IP && store->dimensions <= INT32_MAX / (CODE_MAX * CODE_MAX);
}

void code_group_add(code_group *group, const code_store *store, uint32_t slot)
{
    const uint8_t *row = code_at(store, slot);
    const code_factors *factors = (const code_factors *)(const void *)(row + store->length);
    const uint32_t place = group->count++;
    for (uint32_t i = place; i < place + CODE_PAIRS; i++) {
        group->rows[i] = row;
        group->norms[i] = factors->norm;
        group->steps[i] = factors->step;
        group->leasts[i] = factors->least;
        group->errors[i] = factors->error;
        group->sums[i] = factors->sum;
    }
}

void code_compare(const code_store *store, uint32_t slot, const code_group *group, uint32_t first, code_pairs *out)
{
    int32_t dots[CODE_PAIRS];
    const uint8_t *row = code_at(store, slot);
    const code_factors of = *(const code_factors *)(const void *)(row + store->length);
    store->kernels->dot_codes(row, group->rows + first, store->length, dots);
    /* the sum of (least + step * code) over both, multiplied out */
    const float rest = of.sum - of.least * (float)store->dimensions;
    const float *norms = group->norms + first, *steps = group->steps + first, *leasts = group->leasts + first,
                *errors = group->errors + first, *sums = group->sums + first;
    code_pairs pairs;
    for (uint32_t i = 0; i < CODE_PAIRS; i++) {
        const float product = of.least * sums[i] + leasts[i] * rest + of.step * (steps[i] * (float)dots[i]);
        const float both = of.norm + norms[i];
        pairs.squared[i] = both - 2.0f * product;
        pairs.rounding[i] = 4e-6f * both;
        pairs.error[i] = 1.0001f * (of.error + errors[i]);
    }
    *out = pairs;
}
