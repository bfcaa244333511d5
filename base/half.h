/* The two 16-bit float formats, converted exactly and rounded to nearest even. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include "base/base.h"

float half_to_float(uint16_t h);
uint16_t half_from_float(float f);
float bfloat_to_float(uint16_t b);
uint16_t bfloat_from_float(float f);

#endif
