/* IEEE binary16 and bfloat16. NaNs stay NaNs (quiet), everything else is exact or rounded once. */
#include "base/half.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static float float_of(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, frac = h & 0x3ff;

	if (exp == 31)
		return float_of(sign | 0x7f800000u | frac << 13);
	if (exp)
		return float_of(sign | (exp + 112) << 23 | frac << 13);
	return (sign ? -1.0f : 1.0f) * ldexpf((float)frac, -24); /* subnormal or zero */
}

uint16_t half_from_float(float f)
{
	uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, exp = u >> 23 & 255;
	uint32_t frac = (u & 0x7fffff) | (exp ? 0x800000 : 0), shift, half;

	if (exp == 255)
		return (uint16_t)(sign | 0x7c00 | (u & 0x7fffff ? 0x200 | (u >> 13 & 0x3ff) : 0));
	if (exp < 102) /* below half of the smallest subnormal */
		return (uint16_t)sign;
	shift = exp < 113 ? 126 - exp : 13;
	half = frac >> shift;
	frac &= (1u << shift) - 1;
	if (frac > 1u << (shift - 1) || (frac == 1u << (shift - 1) && half & 1))
		half++;
	if (exp >= 113) /* the hidden bit in `half` adds one to the exponent */
		half += (exp - 113) << 10;
	return (uint16_t)(sign | MIN(half, 0x7c00u));
}

float bfloat_to_float(uint16_t b)
{
	return float_of((uint32_t)b << 16);
}

uint16_t bfloat_from_float(float f)
{
	uint32_t u = bits_of(f);

	if (isnan(f))
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

float float_to_odd(double v)
{
	float f = (float)v;
	uint32_t u = bits_of(f);

	if ((double)f == v || isnan(v))
		return f;
	return float_of((fabs((double)f) > fabs(v) ? u - 1 : u) | 1);
}
