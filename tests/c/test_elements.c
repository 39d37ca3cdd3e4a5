/* Elements of one type as those of another: every half, every boundary of rounding, every way not to fit. */
#include "../../csrc/simd/elements.h"
#include "../../csrc/simd/half.h"
#include "check.h"

#include <math.h>

static double value_of(uint32_t half)
{
    const int exponent = half >> 10 & 31;
    const double magnitude = exponent == 0 ? ldexp(half & 1023, -24) : ldexp(1024 + (half & 1023), exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void every_half_is_a_float_and_comes_back(void)
{
    for (uint32_t half = 0; half < 65536; half++) {
        const float value = half_to_float((uint16_t)half);
        CHECK_INT(half_is_finite((uint16_t)half), isfinite(value));
        if (isnan(value)) {
            CHECK(isnan(half_to_float(half_of_float(value))));
            continue;
        }
        if (isfinite(value)) {
            CHECK(value == value_of(half) && !!signbit(value) == (int)(half >> 15));
        }
        CHECK_UINT(half_of_float(value), half);
    }
}

/* Between two halves: below the middle to the lower, above it to the upper, the middle itself to the even one. */
static void floats_go_to_the_nearest_half(void)
{
    for (uint32_t low = 0; low < 0x7bff; low++) {
        const double middle = (value_of(low) + value_of(low + 1)) / 2;
        const float exact = (float)middle;
        CHECK((double)exact == middle);
        CHECK_UINT(half_of_float(exact), low + (low & 1));
        CHECK_UINT(half_of_float(nextafterf(exact, 0)), low);
        CHECK_UINT(half_of_float(nextafterf(exact, 1e9f)), low + 1);
        CHECK_UINT(half_of_float(-exact), 0x8000 | (low + (low & 1)));
    }
    CHECK_UINT(half_of_float(nextafterf(65520.0f, 0)), 0x7bff);
    CHECK_UINT(half_of_float(65520.0f), 0x7c00);
    CHECK_UINT(half_of_float(3e38f), 0x7c00);
    CHECK_UINT(half_of_float(-INFINITY), 0xfc00);
    CHECK_UINT(half_of_float(1e-45f), 0);
}

static int fits(uint32_t data_type, float value)
{
    const float row[3] = {1.0f, value, 2.0f};
    uint8_t out[3 * sizeof(float)];
    float back[3] = {0};
    const int status = elements_from_floats(data_type, row, 3, out);
    if (status == DISKANN_OK) {
        elements_to_floats(data_type, out, 0, 3, back);
        CHECK(back[0] == 1.0f && back[1] == value && back[2] == 2.0f);
    }
    return status;
}

static void integers_are_taken_exactly_or_not_at_all(void)
{
    static const uint32_t types[] = {DISKANN_I8, DISKANN_U8};
    for (uint32_t t = 0; t < 2; t++) {
        const int least = t == 0 ? -128 : 0;
        for (int value = -400; value <= 400; value++) {
            const int is_there = value >= least && value <= least + 255;
            CHECK_INT(fits(types[t], (float)value), is_there ? DISKANN_OK : DISKANN_ERR_INVALID_ARGUMENT);
            CHECK_INT(fits(types[t], (float)value + 0.5f), DISKANN_ERR_INVALID_ARGUMENT);
        }
        CHECK_INT(fits(types[t], nextafterf(1, 2)), DISKANN_ERR_INVALID_ARGUMENT);
        CHECK_INT(fits(types[t], 1e-30f), DISKANN_ERR_INVALID_ARGUMENT);
        CHECK_INT(fits(types[t], -0.0f), DISKANN_OK);
        CHECK_INT(fits(types[t], 3e38f), DISKANN_ERR_INVALID_ARGUMENT);
        CHECK_INT(fits(types[t], NAN), DISKANN_ERR_NOT_FINITE);
        CHECK_INT(fits(types[t], INFINITY), DISKANN_ERR_NOT_FINITE);
        CHECK_INT(fits(types[t], -INFINITY), DISKANN_ERR_NOT_FINITE);
    }
}

static void halves_are_rounded_and_stay_finite(void)
{
    CHECK_INT(fits(DISKANN_F16, 65504.0f), DISKANN_OK);
    CHECK_INT(fits(DISKANN_F16, -0x1p-24f), DISKANN_OK);
    CHECK_INT(fits(DISKANN_F16, 65520.0f), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(fits(DISKANN_F16, -65520.0f), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(fits(DISKANN_F16, NAN), DISKANN_ERR_NOT_FINITE);
    CHECK_INT(fits(DISKANN_F16, INFINITY), DISKANN_ERR_NOT_FINITE);
    const uint16_t halves[4] = {0x7bff, 0xfbff, 0x0001, 0x7c01};
    CHECK_INT(elements_are_finite_f16(halves, 3), 1);
    CHECK_INT(elements_are_finite_f16(halves, 4), 0);
    CHECK_INT(elements_are_finite_f16(halves, 0), 1);
}

CHECK_MAIN(CHECK_TEST(every_half_is_a_float_and_comes_back), CHECK_TEST(floats_go_to_the_nearest_half),
           CHECK_TEST(integers_are_taken_exactly_or_not_at_all), CHECK_TEST(halves_are_rounded_and_stay_finite))
