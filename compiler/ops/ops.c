/*
 * The table of operators (ops.def, elementwise.def) and the attribute
 * helpers that every parse uses. An operator whose ONNX form changed stands
 * in several rows with adjoining opset ranges.
 */
#include "compiler/ops/elementwise.h"

#include <string.h>

#define OP(id)		     extern const struct op op_##id;
#define ELEMENTWISE(id, ...) extern const struct op op_##id;
#include "compiler/ops/elementwise.def"
#include "compiler/ops/ops.def"
#undef OP
#undef ELEMENTWISE

static const struct op *const table[] = {
#define OP(id)		     &op_##id,
#define ELEMENTWISE(id, ...) &op_##id,
#include "compiler/ops/elementwise.def"
#include "compiler/ops/ops.def"
#undef OP
#undef ELEMENTWISE
};

const struct op *op_at(uint32_t i)
{
	return i < COUNT_OF(table) ? table[i] : NULL;
}

const struct op *op_find(const char *name, int opset)
{
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct op *op = table[i];

		if (opset >= op->since && (!op->until || opset <= op->until) &&
		    !strcmp(op->name, name))
			return op;
	}
	return NULL;
}

bool op_known(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i]->name, name))
			return true;
	return false;
}

uint32_t op_types(const struct op *op)
{
	if (op->elementwise)
		return op->elementwise->types;
	return op->types ? op->types : DT_ANY;
}

const struct attr *attr_find(const struct node *n, const char *name)
{
	for (uint32_t i = 0; i < n->nattrs; i++)
		if (!strcmp(n->attrs[i].name, name))
			return &n->attrs[i];
	return NULL;
}

int attr_int(const struct node *n, const char *name, int64_t def, int64_t *out, struct err *e)
{
	const struct attr *a = attr_find(n, name);

	*out = a ? a->i : def;
	if (a && a->type != ATTR_INT)
		return fail(e, E_ATTR, "attribute %s must be an integer", name);
	return 0;
}

int attr_float(const struct node *n, const char *name, float def, float *out, struct err *e)
{
	const struct attr *a = attr_find(n, name);

	*out = a ? a->f : def;
	if (a && a->type != ATTR_FLOAT)
		return fail(e, E_ATTR, "attribute %s must be a float", name);
	return 0;
}

const char *attr_string(const struct node *n, const char *name, const char *def)
{
	const struct attr *a = attr_find(n, name);

	return a && a->type == ATTR_STRING ? a->s : def;
}

int axis_normal(const struct node *n, int64_t axis, int rank, int *out, struct err *e)
{
	if (axis < -rank || axis >= rank)
		return fail(e, E_ATTR, "axis %lld of %s is outside [%d, %d)", (long long)axis,
			    n->op->name, -rank, rank);
	*out = (int)(axis < 0 ? axis + rank : axis);
	return 0;
}
