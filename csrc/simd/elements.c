#include "elements.h"

#include "half.h"
#include "sq8.h"

#include <float.h>
#include <math.h>

static int to_f16(const float *from, uint32_t count, uint16_t *to)
{
    for (uint32_t i = 0; i < count; i++) {
        to[i] = half_of_float(from[i]);
        if (!half_is_finite(to[i])) {
            return DISKANN_ERR_NOT_FINITE;
        }
    }
    return DISKANN_OK;
}

/* -128 .. 127 or 0 .. 255: as bytes they are the same but for their meaning. */
static int to_bytes(const float *from, uint32_t count, float least, uint8_t *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const float value = from[i];
        if (!(value >= least && value <= least + 255.0f)) {
            return fabsf(value) <= FLT_MAX ? DISKANN_ERR_INVALID_ARGUMENT : DISKANN_ERR_NOT_FINITE;
        }
        const int32_t whole = (int32_t)value;
        if ((float)whole != value) {
            return DISKANN_ERR_INVALID_ARGUMENT;
        }
        to[i] = (uint8_t)whole;
    }
    return DISKANN_OK;
}

/* Below that range 255 / range would be no float: nothing that a distance could tell apart. */
static const float SQ8_RANGE_MIN = 0x1p-118f;

static int find_range(const float *from, uint32_t count, float *least, float *greatest)
{
    uint32_t bad = 0;
    *least = *greatest = from[0];
    for (uint32_t i = 0; i < count; i++) {
        bad |= !(fabsf(from[i]) <= FLT_MAX);
        *least = from[i] < *least ? from[i] : *least;
        *greatest = from[i] > *greatest ? from[i] : *greatest;
    }
    return bad == 0 && *greatest - *least <= FLT_MAX ? DISKANN_OK : DISKANN_ERR_NOT_FINITE;
}

static int to_sq8(const float *from, uint32_t count, void *to)
{
    float least, greatest;
    if (find_range(from, count, &least, &greatest) < 0) {
        return DISKANN_ERR_NOT_FINITE;
    }
    const float range = greatest - least;
    const int is_flat = range <= SQ8_RANGE_MIN;
    const float inverse = is_flat ? 0.0f : SQ8_CODE_MAX / range;
    sq8_head *head = to;
    uint8_t *codes = (uint8_t *)to + SIMD_SQ8_HEAD_BYTES;
    *head = (sq8_head){.least = least, .step = is_flat ? 0.0f : range / SQ8_CODE_MAX};
    double squared = 0;
    for (uint32_t i = 0; i < count; i++) {
        const float steps = (from[i] - least) * inverse + 0.5f;
        codes[i] = (uint8_t)(steps < SQ8_CODE_MAX ? steps : SQ8_CODE_MAX);
        const double apart = (double)from[i] - (double)sq8_value(head, codes[i]);
        squared += apart * apart;
    }
    head->error = (float)sqrt(squared);
    return DISKANN_OK;
}

int elements_from_floats(uint32_t data_type, const float *from, uint32_t count, void *to)
{
    switch (data_type) {
    case DISKANN_F16:
        return to_f16(from, count, to);
    case DISKANN_I8:
        return to_bytes(from, count, -128.0f, to);
    case DISKANN_U8:
        return to_bytes(from, count, 0.0f, to);
    case DISKANN_SQ8:
        return to_sq8(from, count, to);
    default:
        memcpy(to, from, count * sizeof *from);
        return DISKANN_OK;
    }
}

void elements_to_floats(uint32_t data_type, const void *row, uint32_t first, uint32_t count, float *to)
{
    switch (data_type) {
    case DISKANN_F16:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = half_to_float(((const uint16_t *)row)[first + i]);
        }
        break;
    case DISKANN_I8:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = ((const int8_t *)row)[first + i];
        }
        break;
    case DISKANN_U8:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = ((const uint8_t *)row)[first + i];
        }
        break;
    case DISKANN_SQ8:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = sq8_value(row, sq8_codes(row)[first + i]);
        }
        break;
    default:
        memcpy(to, (const float *)row + first, count * sizeof *to);
    }
}

int elements_are_finite_f16(const uint16_t *halves, uint32_t count)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        bad |= !half_is_finite(halves[i]);
    }
    return bad == 0;
}
