/* base: every half and bfloat there and back, rounding at the ties; names by the thousand. */
#include "base/half.h"
#include "base/names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The nearest 16-bit float by search over all of them, ties to the even one. */
static uint16_t nearest(double f, float (*to_float)(uint16_t), uint16_t infinity)
{
	uint16_t best = 0;
	double least = INFINITY;

	for (uint32_t i = 0; i < infinity; i++) {
		double d = fabs((double)to_float((uint16_t)i) - fabs(f));

		if (d < least || (d == least && !(i & 1))) {
			least = d;
			best = (uint16_t)i;
		}
	}
	return (uint16_t)(best | (signbit(f) ? 0x8000 : 0));
}

static int test_half(void)
{
	static const float samples[] = {0.1f,	    1.00048828125f, 1.00146484375f, 5.9604645e-8f,
					2.98e-8f,   2.9802322e-8f,  8.9406967e-8f,  6.1035e-5f,
					6.0976e-5f, 65503.9f,	    -3.14159f,	    -0.0f};
	/* so close to half-way that a float is half-way */
	static const double close[] = {0x1.002p0 + 0x1p-40,  0x1.002p0 - 0x1p-40,
				       -0x1.006p0 + 0x1p-40, 0x1.01p0 + 0x1p-40,
				       0x1.01p0 - 0x1p-40,   -0x1.03p0 + 0x1p-40,
				       0x1p-25 + 0x1p-70,    0x1p-25 - 0x1p-70,
				       65520 - 0x1p-30,	     1e-300,
				       -0x1.8p-24 + 0x1p-60, 0.1};
	int failed = 0;

	for (uint32_t i = 0; i < 65536; i++) {
		uint16_t h = (uint16_t)i;
		float f = half_to_float(h), b = bfloat_to_float(h);

		failed += isnan(f) ? !isnan(half_to_float(half_from_float(f)))
				   : half_from_float(f) != h;
		failed += isnan(b) ? !isnan(bfloat_to_float(bfloat_from_float(b)))
				   : bfloat_from_float(b) != h;
	}
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		failed += half_from_float(samples[i]) !=
			  nearest((double)samples[i], half_to_float, 0x7c00);
		failed += bfloat_from_float(samples[i]) !=
			  nearest((double)samples[i], bfloat_to_float, 0x7f80);
	}
	for (size_t i = 0; i < COUNT_OF(close); i++) {
		float f = float_to_odd(close[i]);

		failed += half_from_float(f) != nearest(close[i], half_to_float, 0x7c00);
		failed += bfloat_from_float(f) != nearest(close[i], bfloat_to_float, 0x7f80);
	}
	failed += half_from_float(float_to_odd(65520)) != 0x7c00;
	failed += half_from_float(float_to_odd(1e300)) != 0x7c00;
	failed += bfloat_from_float(float_to_odd(-1e300)) != 0xff80;
	failed += !isnan(float_to_odd((double)NAN)) || !isinf(float_to_odd((double)INFINITY));
	/* 65520 is half-way between the largest half and what would come next */
	failed += half_from_float(65519.9f) != 0x7bff || half_from_float(65520.0f) != 0x7c00;
	failed += half_from_float(-1e30f) != 0xfc00 || bfloat_from_float(3.4e38f) != 0x7f80;
	return failed;
}

static int test_names(void)
{
	struct arena *a = arena_open(0);
	struct names t = names_begin(a);
	char name[24];
	int failed = names_find(&t, "x", 1) != 0;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t *number;

		snprintf(name, sizeof(name), "%u/%u", i, i % 7);
		number = names_at(&t, name, strlen(name));
		failed += *number != 0;
		*number = i + 1;
	}
	for (uint32_t i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "%u/%u", i, i % 7);
		failed += names_find(&t, name, strlen(name)) != i + 1;
		failed += names_find(&t, name, strlen(name) - 1) != 0;
	}
	*names_at(&t, "a\0b", 3) = 7;
	*names_at(&t, "", 0) = 9;
	failed += names_find(&t, "a", 1) != 0 || names_find(&t, "a\0b", 3) != 7;
	failed += names_find(&t, "", 0) != 9;
	arena_close(a);
	return failed;
}

int main(void)
{
	int half = test_half(), names = test_names();

	printf("half: %d failed, names: %d failed\n", half, names);
	return half || names;
}
