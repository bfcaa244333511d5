/* The two 16-bit float formats, converted exactly and rounded to nearest even. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include "base/base.h"

float half_to_float(uint16_t h);
uint16_t half_from_float(float f);
float bfloat_to_float(uint16_t b);
uint16_t bfloat_from_float(float f);
/*
 * v cut towards zero, its last bit set where that lost something: rounding the
 * result to 16 bits is then the same as rounding v.
 */
float float_to_odd(double v);

#endif
