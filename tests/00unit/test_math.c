/*
 * base/math.h and base/math_approx.h: every function within its error of
 * glibc's long double one, on random arguments and at the edges; special
 * values; and a digest of many results, which must be the same with every
 * compiler, option, library and architecture. `test_math -v` prints the
 * greatest errors.
 */
#include "base/math.h"

#include "base/base.h"
#include "base/hash.h"
#include "base/math_approx.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM 20000
/* In units of the last place. Of the libraries tried, musl's long double functions can't judge:
 * there the digests do. */
#ifdef __GLIBC__
#define ALLOWED (LDBL_MANT_DIG > DBL_MANT_DIG ? 0.501 : 1.6)
#else
#define ALLOWED ((double)INFINITY)
#endif

typedef double function(double);
typedef long double oracle(long double);

/* Uniform arguments lie between low and high; all are also tried with random bits. */
static const struct row {
	const char *name;
	function *f;
	oracle *want;
	double low, high;
	const char *digest; /* the first 16 digits */
} rows[] = {
	/* clang-format off */
	{"exp", math_exp, expl, -750, 720, "828cd3bbaf914f4c"},
	{"exp2", math_exp2, exp2l, -1080, 1030, "c2b592f3526973bc"},
	{"expm1", math_expm1, expm1l, -60, 720, "8a38fe4f2b633f9d"},
	{"log", math_log, logl, 0, 8, "be3c84d2904a6a61"},
	{"log2", math_log2, log2l, 0, 8, "6f753820da3e293a"},
	{"log1p", math_log1p, log1pl, -1, 8, "5b973c5d75327e1f"},
	{"sin", math_sin, sinl, -100, 100, "315355a30a78115f"},
	{"cos", math_cos, cosl, -100, 100, "8038c64f2af2974f"},
	{"tan", math_tan, tanl, -100, 100, "a1d9a1fabddb11a2"},
	{"asin", math_asin, asinl, -1, 1, "c5c77ee196368615"},
	{"acos", math_acos, acosl, -1, 1, "5741966052cbe197"},
	{"atan", math_atan, atanl, -8, 8, "25d216932a037b0a"},
	{"sinh", math_sinh, sinhl, -720, 720, "004ab39a14fb9cc7"},
	{"cosh", math_cosh, coshl, -720, 720, "18656374e54232c3"},
	{"tanh", math_tanh, tanhl, -25, 25, "26b443f694306c78"},
	{"asinh", math_asinh, asinhl, -8, 8, "f16c66283a028e1d"},
	{"acosh", math_acosh, acoshl, 1, 8, "f839d8c795be8be2"},
	{"atanh", math_atanh, atanhl, -1, 1, "386b2d488179272f"},
	{"erf", math_erf, erfl, -6.5, 6.5, "48770610980bb350"},
	/* clang-format on */
};
#define POW_DIGEST "10c6a40563e450df"

static double approx_cos(double x)
{
	return approx_sin(x, 1);
}

static double approx_sin0(double x)
{
	return approx_sin(x, 0);
}

/* Arguments are floats between low and high; the error is of the float, in units of its last place.
 */
static const struct row approximations[] = {
	/* clang-format off */
	{"approx_exp2", approx_exp2, exp2l, -126, 128, "25e5ef3d3d3b11ae"},
	{"approx_log2", approx_log2, log2l, 0x1p-30, 4, "9780797bbfc4c1d4"},
	{"approx_sin", approx_sin0, sinl, -100, 100, "c5acef0da758ff52"},
	{"approx_cos", approx_cos, cosl, -100, 100, "ce11f0eecf38148d"},
	{"approx_tanh", approx_tanh, tanhl, -10, 10, "b6a1a02ff69f79e7"},
	/* clang-format on */
};

static const double edges[] = {
	0.0,
	0x1p-1074,
	0x1.fffffffffffffp-1023,
	DBL_MIN,
	0x1p-54,
	0x1p-53,
	0x1p-27,
	0.5,
	0x1.fffffffffffffp-1,
	1,
	0x1.0000000000001p0,
	1.5,
	2,
	3,
	0x1.921fb54442d18p-1,
	0x1.921fb54442d18p0,
	0x1.921fb54442d18p1,
	0x1.6ac5b262ca1ffp849, /* of all doubles the nearest to a multiple of pi / 2 */
	0x1.62e42fefa39efp9,
	0x1.62e42fefa39fp9,
	0x1.6232bdd7abcd2p9,
	0x1.74910d52d3051p9,
	0x1.74910d52d3052p9,
	0x1.633ce8fb9f87dp9,
	0x1.633ce8fb9f87ep9,
	1022,
	1023.5,
	1024,
	1074,
	1075,
	1076,
	0x1p31,
	0x1p52,
	0x1.fffffffffffffp52,
	0x1p53,
	0x1p60,
	0x1p70,
	DBL_MAX,
	(double)INFINITY,
};

static bool verbose;
static int failures;

static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double unit(uint64_t *state)
{
	return (double)(mix(state) >> 11) * 0x1p-53;
}

static double of_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Between 1 and 2^-n. */
static double spread(uint64_t *state, unsigned n)
{
	int exponent = (int)(mix(state) % n);

	return ldexp(0.5 + unit(state) / 2, -exponent);
}

/* Argument i of a row: an edge of either sign, any double, one of the row's range, one near 0. */
static double argument(const struct row *r, size_t i, uint64_t *state)
{
	double x = i % 2 ? -1 : 1;

	if (i < 2 * COUNT_OF(edges))
		return x * edges[i / 2];
	if (i % 3 == 0)
		return of_bits(mix(state));
	if (i % 3 == 1)
		return r->low + (r->high - r->low) * unit(state);
	return x * spread(state, 60);
}

/* The error in units of the last place of a double, or of a number of `bits` bits; 1e9: another
 * kind. */
static double error(double got, long double want, int bits, int least)
{
	double rounded = bits == FLT_MANT_DIG ? (double)(float)want : (double)want;
	int exponent;

	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got) && !signbit(got) ? 0 : 1e9;
	if (isinf(rounded) || isinf(got) || rounded == 0)
		return got == rounded && signbit(got) == signbit(rounded) ? 0 : 1e9;
	frexp(rounded, &exponent);
	return (double)(fabsl((long double)got - want) / ldexpl(1, MAX(exponent - bits, least)));
}

static void complain(const char *name, double x, double y, double got, long double want)
{
	if (failures++ < 20)
		printf("%s(%a, %a) = %a, not %La\n", name, x, y, got, want);
}

static void finish(const char *name, struct hash *h, const char *digest, double worst)
{
	char hex[SHA256_HEX];

	hash_hex(h, hex);
	if (verbose)
		printf("%-12s %.6f %.16s\n", name, worst, hex);
	if (strncmp(hex, digest, 16) != 0 || !digest[0]) {
		printf("%s: digest %.16s, not %s\n", name, hex, digest);
		failures++;
	}
}

static void test_row(const struct row *r, uint64_t state)
{
	struct hash h;
	double worst = 0;

	hash_init(&h);
	for (size_t i = 0; i < RANDOM; i++) {
		double x = argument(r, i, &state), got = r->f(x);
		long double want = r->want((long double)x);
		double off = error(got, want, DBL_MANT_DIG, -1074);

		hash_add(&h, &got, sizeof(got));
		worst = MAX(worst, off);
		if (off > ALLOWED)
			complain(r->name, x, 0, got, want);
	}
	finish(r->name, &h, r->digest, worst);
}

static void test_approximation(const struct row *r, uint64_t state)
{
	struct hash h;
	double worst = 0;

	hash_init(&h);
	for (size_t i = 0; i < RANDOM; i++) {
		float x = (float)(r->low + (r->high - r->low) * unit(&state)), got;
		long double want;
		double off;

		x = i % 2 ? x : x * (float)ldexp(1, -(int)(i % 24)) + (r->low > 0 ? 1 : 0);
		got = (float)r->f((double)x);
		want = r->want((long double)x);
		off = error((double)got, want, FLT_MANT_DIG, -149);
		hash_add(&h, &got, sizeof(got));
		worst = MAX(worst, off);
		if (off > 0.53)
			complain(r->name, (double)x, 0, (double)got, want);
	}
	finish(r->name, &h, r->digest, worst);
}

/* Pair i: of edges; else any doubles, or such that the result is not far from 1, or any finite
 * number. */
static void pair(size_t i, double *x, double *y, uint64_t *state)
{
	size_t n = COUNT_OF(edges), signs = i & 3;

	if (i < 4 * n * n) {
		*x = (signs & 1 ? -1 : 1) * edges[i / 4 % n];
		*y = (signs & 2 ? -1 : 1) * edges[i / 4 / n];
		return;
	}
	*x = i % 3 ? spread(state, 16) * 256 : of_bits(mix(state));
	*y = i % 3 ? 2 * unit(state) - 1 : of_bits(mix(state));
	*y *= i % 3 == 1 ? 8 : i % 3 == 2 ? 1000.0 / (1 + abs(ilogb(*x))) : 1;
	if (i % 5 == 0) { /* negative numbers have integer powers alone */
		*x = -*x;
		*y = floor(*y);
	}
}

static void test_pow(void)
{
	uint64_t state = 1;
	struct hash h;
	double worst = 0;

	hash_init(&h);
	for (size_t i = 0; i < 4 * COUNT_OF(edges) * COUNT_OF(edges) + 3 * (size_t)RANDOM; i++) {
		double x, y, got, off;
		long double want;

		pair(i, &x, &y, &state);
		got = math_pow(x, y);
		want = powl((long double)x, (long double)y);
		off = error(got, want, DBL_MANT_DIG, -1074);
		hash_add(&h, &got, sizeof(got));
		worst = MAX(worst, off);
		if (off > ALLOWED)
			complain("pow", x, y, got, want);
	}
	finish("pow", &h, POW_DIGEST, worst);
}

static void test_nan(void)
{
	double odd = of_bits(0xfff8000000000123), nan = (double)NAN, got[4];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		got[0] = rows[i].f(odd);
		if (memcmp(&got[0], &nan, sizeof(nan)) != 0)
			complain(rows[i].name, odd, 0, got[0], (long double)NAN);
	}
	got[0] = math_pow(odd, 2);
	got[1] = math_pow(2, odd);
	got[2] = math_pow(-2, 0.5);
	if (memcmp(&got[0], &nan, 8) != 0 || memcmp(&got[1], &nan, 8) != 0 ||
	    memcmp(&got[2], &nan, 8) != 0 || math_pow(odd, 0) != 1 || math_pow(1, odd) != 1)
		complain("pow", odd, 2, got[0], (long double)NAN);
}

int main(int argc, char **argv)
{
	verbose = argc > 1 && !strcmp(argv[1], "-v");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		test_row(&rows[i], i);
	for (size_t i = 0; i < COUNT_OF(approximations); i++)
		test_approximation(&approximations[i], i);
	test_pow();
	test_nan();
	return failures != 0;
}
