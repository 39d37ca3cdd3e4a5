#include "graph.h"

#include "../base/status.h"
#include "../simd/elements.h"
#include "../simd/sq8.h"

#include <float.h>
#include <math.h>

static const float NORM_LIMIT = 0x1.fffffep+125f; /* FLT_MAX / 4: no distance of two such vectors overflows */

static const uint8_t sum_of_metric[DISKANN_METRIC_COUNT] = {SIMD_SUM_L2, SIMD_SUM_DOT, SIMD_SUM_DOT, SIMD_SUM_L1};

static uint32_t sum_kind(const graph_space *space)
{
    return space->is_lifted ? SIMD_SUM_L2 : sum_of_metric[space->metric];
}

graph_space graph_space_for_links(const graph_space *space, float norm_max)
{
    graph_space result = *space;
    result.is_lifted = space->metric == DISKANN_IP;
    result.lifted_norm = norm_max;
    return result;
}

graph_space graph_space_of_floats(const graph_space *space)
{
    graph_space result = *space;
    result.data_type = DISKANN_F32;
    return result;
}

static float squared_norm(const graph_space *space, const void *vector)
{
    return space->kernels->norm[space->data_type](vector, space->dimensions);
}

/* Zero or more; not -0, so that equal vectors have equal bytes. */
static int is_size(float value)
{
    return value >= 0 && value <= FLT_MAX && !signbit(value);
}

/* Sums of squares of integers and of finite halves are far below the limit. */
int graph_is_finite(const graph_space *space, const void *vector)
{
    switch (space->data_type) {
    case DISKANN_F32:
        return squared_norm(space, vector) <= NORM_LIMIT; /* false for NaN too */
    case DISKANN_SQ8: {
        const sq8_head *head = vector;
        return is_size(head->step) && is_size(head->error) && squared_norm(space, vector) <= NORM_LIMIT;
    }
    case DISKANN_F16:
        return elements_are_finite_f16(vector, space->dimensions);
    default:
        return 1;
    }
}

size_t graph_query_bytes(const graph_space *space)
{
    return space->data_type == DISKANN_I8 || space->data_type == DISKANN_U8 ? space->dimensions : 0;
}

int graph_query(const graph_space *space, const float *query, void *scratch, graph_point *out)
{
    if (graph_query_bytes(space) > 0) {
        TRY(elements_from_floats(space->data_type, query, space->dimensions, scratch));
        *out = (graph_point){scratch, graph_aux(space, scratch)};
        return DISKANN_OK;
    }
    const graph_space floats = graph_space_of_floats(space);
    if (!graph_is_finite(&floats, query)) {
        return DISKANN_ERR_NOT_FINITE;
    }
    *out = (graph_point){query, graph_aux(&floats, query)};
    return DISKANN_OK;
}

float graph_aux(const graph_space *space, const void *vector)
{
    const float norm = squared_norm(space, vector);
    if (space->metric != DISKANN_COSINE) {
        return norm;
    }
    return norm > 0 ? 1.0f / sqrtf(norm) : 0.0f;
}

static float lifted_coordinate(const graph_space *space, float norm)
{
    const float rest = space->lifted_norm - norm;
    return rest > 0 ? sqrtf(rest) : 0.0f;
}

/* From the kernel's sum to the metric's distance. Never -0. */
static float finish(const graph_space *space, float sum, float aux_a, float aux_b)
{
    if (space->is_lifted) {
        const float difference = lifted_coordinate(space, aux_a) - lifted_coordinate(space, aux_b);
        return sum + difference * difference;
    }
    switch (space->metric) {
    case DISKANN_COSINE: {
        const float distance = 1.0f - sum * aux_a * aux_b; /* in this order nothing overflows: |sum| <= |a| |b| */
        return distance > 0 ? distance : 0.0f;
    }
    case DISKANN_IP:
        return 0.0f - sum;
    default:
        return sum;
    }
}

float graph_distance(const graph_space *space, graph_point a, graph_point b)
{
    const float sum = space->kernels->one[space->data_type][sum_kind(space)](a.vector, b.vector, space->dimensions);
    return finish(space, sum, a.aux, b.aux);
}

void graph_distances(const graph_space *space, graph_point point, const uint32_t *slots, uint32_t count, const void **rows,
                     float *out)
{
    const record_store *records = space->records;
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = record_at(records, slots[i]);
    }
    space->kernels->many[space->data_type][sum_kind(space)](point.vector, rows, count, space->dimensions, out);
    if (space->metric != DISKANN_COSINE && space->metric != DISKANN_IP) {
        return;
    }
    const uint32_t aux_offset = records->layout.aux_offset;
    for (uint32_t i = 0; i < count; i++) {
        const float aux = *(const float *)(const void *)((const uint8_t *)rows[i] + aux_offset);
        out[i] = finish(space, out[i], point.aux, aux);
    }
}

float graph_code_vector(const graph_space *space, const uint8_t *record, float *out)
{
    const float weight = graph_code_weight(space, graph_point_of(space, record).aux);
    elements_to_floats(space->data_type, record, 0, space->dimensions, out);
    for (uint32_t i = 0; i < space->dimensions; i++) {
        out[i] *= weight;
    }
    return weight;
}
