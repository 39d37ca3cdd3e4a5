#include "elements.h"

#include "half.h"

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

int elements_from_floats(uint32_t data_type, const float *from, uint32_t count, void *to)
{
    switch (data_type) {
    case DISKANN_F16:
        return to_f16(from, count, to);
    case DISKANN_I8:
        return to_bytes(from, count, -128.0f, to);
    case DISKANN_U8:
        return to_bytes(from, count, 0.0f, to);
    default:
        memcpy(to, from, count * sizeof *from);
        return DISKANN_OK;
    }
}

void elements_to_floats(uint32_t data_type, const void *from, uint32_t count, float *to)
{
    switch (data_type) {
    case DISKANN_F16:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = half_to_float(((const uint16_t *)from)[i]);
        }
        break;
    case DISKANN_I8:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = ((const int8_t *)from)[i];
        }
        break;
    case DISKANN_U8:
        for (uint32_t i = 0; i < count; i++) {
            to[i] = ((const uint8_t *)from)[i];
        }
        break;
    default:
        memcpy(to, from, count * sizeof *to);
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
