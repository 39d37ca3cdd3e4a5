#include "rotation.h"

#include "../base/random.h"

#include <math.h>
#include <string.h>

/* ---- the object ---- */

static uint32_t largest_power_of_two(uint32_t length)
{
    uint32_t power = 1;
    while (power <= length / 2) {
        power *= 2;
    }
    return power;
}

/*
 * So many that vectors of one or two elements and smooth ones come out as spread as random ones: with a pass less the errors
 * of their codes are up to half as large again.
 */
enum { PASSES_WHOLE = 3, PASSES_PARTS = 6 };

int rotation_init(rotation *rotation, uint32_t length, memory_account *account)
{
    random_state random = {UINT64_C(0x726f746174696f6e)};
    rotation->length = length;
    rotation->block = largest_power_of_two(length);
    rotation->passes = rotation->block == length ? PASSES_WHOLE : PASSES_PARTS;
    rotation->factors = memory_get(account, rotation_bytes(rotation));
    if (rotation->factors == NULL) {
        return DISKANN_ERR_NO_MEMORY;
    }
    const float size = 1.0f / sqrtf((float)rotation->block);
    const uint32_t count = rotation->passes * rotation->block;
    uint64_t draw = 0;
    for (uint32_t i = 0; i < count; i++) {
        draw = i % 64 == 0 ? random_next(&random) : draw >> 1;
        rotation->factors[i] = (draw & 1) != 0 ? size : -size;
    }
    return DISKANN_OK;
}

void rotation_reset(rotation *rotation, memory_account *account)
{
    memory_put(account, rotation->factors, rotation_bytes(rotation));
    memset(rotation, 0, sizeof *rotation);
}

uint64_t rotation_bytes(const rotation *rotation)
{
    return (uint64_t)rotation->passes * rotation->block * sizeof *rotation->factors;
}

/* ---- the transform ---- */

/*
 * Two levels of the transform at once. Sums of elements that lie far apart are written side by side, so all levels are the
 * same and read whole vectors; the order of the elements that comes out does not matter.
 */
static void transform_fourths(const float *restrict from, float *restrict to, uint32_t length)
{
    const uint32_t fourth = length / 4;
    for (uint32_t i = 0; i < fourth; i++) {
        const float sum_a = from[i] + from[i + 2 * fourth], sum_b = from[i + fourth] + from[i + 3 * fourth];
        const float rest_a = from[i] - from[i + 2 * fourth], rest_b = from[i + fourth] - from[i + 3 * fourth];
        to[4 * i] = sum_a + sum_b;
        to[4 * i + 1] = sum_a - sum_b;
        to[4 * i + 2] = rest_a + rest_b;
        to[4 * i + 3] = rest_a - rest_b;
    }
}

static void transform_halves(const float *restrict from, float *restrict to, uint32_t length)
{
    const uint32_t half = length / 2;
    for (uint32_t i = 0; i < half; i++) {
        to[2 * i] = from[i] + from[i + half];
        to[2 * i + 1] = from[i] - from[i + half];
    }
}

/* Flips signs and transforms, from `values` to `values`. */
static void transform_block(float *restrict values, float *restrict spare, const float *restrict factors, uint32_t length)
{
    float *from = values, *to = spare;
    uint32_t left = length;
    for (uint32_t i = 0; i < length; i++) {
        values[i] *= factors[i];
    }
    while (left > 1) {
        if (left > 2) {
            transform_fourths(from, to, length);
            left /= 4;
        } else {
            transform_halves(from, to, length);
            left /= 2;
        }
        float *const other = from;
        from = to;
        to = other;
    }
    if (from != values) {
        memcpy(values, from, length * sizeof *values);
    }
}

void rotation_apply(const rotation *rotation, float *values, float *spare)
{
    const uint32_t last = rotation->length - rotation->block;
    const uint32_t starts[] = {0, last, last / 2};
    for (uint32_t pass = 0; pass < rotation->passes; pass++) {
        const float *factors = rotation->factors + (size_t)pass * rotation->block;
        transform_block(values + starts[pass % 3], spare, factors, rotation->block);
    }
}
