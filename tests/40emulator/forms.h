/*
 * Runs one instruction on random and edge values and compares every lane
 * with a scalar oracle: at full mask, in a divergent branch, and under a
 * predicate.
 */
#ifndef TESTS_FORMS_H
#define TESTS_FORMS_H

#include "tests/40emulator/emu.h"

#include <math.h>
#include <string.h>

enum form_compare {
	SAME,  /* every bit; any NaN is as good as another */
	CLOSE, /* floats within relative error `tolerance` (of f32), or equal */
};

struct form_case {
	const char *insn;	   /* of registers %d %a %b %c and predicates %pd %qd %pa %pb %pc */
	const char *d, *a, *b, *c; /* types; "pred": %pd + 2 %qd; NULL: not used */
	enum form_compare compare;
	double tolerance;
	/* bits of the result; operands are bits, cut to their types; predicates are bit 0 */
	uint64_t (*want)(const struct form_case *f, uint64_t a, uint64_t b, uint64_t c);
	const void *arg;
};

void form_run(const struct form_case *f);
/* How many instructions have been run. */
extern int form_count;

static inline float f32_of(uint64_t bits)
{
	uint32_t u = (uint32_t)bits;
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline uint64_t bits32(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline double f64_of(uint64_t bits)
{
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint64_t bits64(double f)
{
	uint64_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

/* Exact value of a half, and the nearest half of a value: by search, not by bit tricks. */
double half_value(uint64_t bits);
uint64_t half_nearest(long double v);

/* Starts the emulator with the instruction set in EMULATOR_ISA; ends with 77 where it is not here.
 */
void form_start(void);
int form_end(void);

#endif
