/* Elements of one type as those of another. Scalar: a row is converted once, when it comes or goes. */
#ifndef DISKANN_SIMD_ELEMENTS_H
#define DISKANN_SIMD_ELEMENTS_H

#include "simd.h"

/*
 * Floats into a type. f16: to the nearest, ties to even. ERR_NOT_FINITE: NaN, Infinity, or for f16 what rounds beyond the
 * largest half, 65504. ERR_INVALID_ARGUMENT: i8 and u8 take integers in their range only. `to` is then half written.
 * sq8: all `count` dimensions of a row at once, in the floating-point mode of the core; ERR_NOT_FINITE also where the range of
 * the elements is beyond all floats.
 */
int elements_from_floats(uint32_t data_type, const float *from, uint32_t count, void *to);
/* Elements [first, first + count) of a row, exactly what it stores. The row is finite. */
void elements_to_floats(uint32_t data_type, const void *row, uint32_t first, uint32_t count, float *to);
/* 1 if none of the halves is NaN or Infinity. */
int elements_are_finite_f16(const uint16_t *halves, uint32_t count);

#endif
