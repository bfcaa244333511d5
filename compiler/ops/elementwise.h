/* A row of elementwise.def, as passes see it behind op->elementwise. */
#ifndef COMPILER_OPS_ELEMENTWISE_H
#define COMPILER_OPS_ELEMENTWISE_H

#include "compiler/ops/op.h"

#define ELEMENTWISE_PARAMS 2

struct elementwise_attr {
	float param[ELEMENTWISE_PARAMS]; /* p, q of the expression */
};

struct elementwise_param {
	const char *name; /* NULL: none */
	enum attr_type type;
	float def;
	const char *word[2]; /* ATTR_STRING: the words that mean 0 and 1; the first is the default
			      */
};

struct elementwise {
	const char *floats, *integers; /* the expressions */
	uint32_t types;		       /* DT_BIT mask of the operands */
	double (*real)(double a, double b, double c, double p, double q);
	int64_t (*integer)(int64_t a, int64_t b, int64_t c, float p);
	uint64_t (*natural)(uint64_t a, uint64_t b, uint64_t c, float p); /* of u64 */
	struct elementwise_param param[ELEMENTWISE_PARAMS];
};

#endif
