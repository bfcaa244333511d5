/*
 * DepthToSpace and SpaceToDepth: x in six axes (`split`), these transposed
 * (`perm`), and in four axes again. fuse makes just these three steps of them.
 */
#include "compiler/ops/util.h"

#include <string.h>

static const struct attr_rule attrs_1[] = {{"blocksize", ATTR_INT, true}, {NULL, ATTR_INT, false}};
static const struct attr_rule attrs_11[] = {
	{"blocksize", ATTR_INT, true}, {"mode", ATTR_STRING, false}, {NULL, ATTR_INT, false}};

static int parse(struct graph *g, struct node *n, struct err *e)
{
	struct depth_attr *attr = n->attr;
	const char *mode = attr_string(n, "mode", "DCR");

	(void)g;
	if (attr_int(n, "blocksize", 0, &attr->block, e) < 0)
		return -1;
	if (attr->block < 1 || attr->block > INT32_MAX)
		return fail(e, E_ATTR, "blocksize is %lld", (long long)attr->block);
	if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
		return fail(e, E_ATTR, "mode is \"%s\", neither DCR nor CRD", mode);
	attr->column_row_depth = strcmp(mode, "CRD") == 0;
	return 0;
}

/* x is a batch of pictures, and axis i a multiple of `parts`. */
static int check_axis(struct graph *g, const struct node *n, int i, int64_t parts, struct err *e)
{
	const struct type *x = &node_arg(g, n, 0)->type;

	if (x->rank != 4)
		return fail(e, E_RANK, "x is %s, but has four axes", in_text(g, n, 0));
	if (x->dim[i] % parts)
		return fail(e, E_SHAPE, "axis %d of %s is no multiple of %lld", i, in_text(g, n, 0),
			    (long long)parts);
	return 0;
}

static int set_types(struct graph *g, struct node *n, const int64_t split[6], const int perm[6],
		     const int64_t y[4], struct err *e)
{
	struct depth_attr *attr = n->attr;
	enum dtype dt = node_arg(g, n, 0)->type.dt;
	struct type out = {.dt = dt, .rank = 4};

	attr->split = (struct type){.dt = dt, .rank = 6};
	memcpy(attr->split.dim, split, 6 * sizeof(*split));
	memcpy(attr->perm, perm, sizeof(attr->perm));
	memcpy(out.dim, y, 4 * sizeof(*y));
	return set_out(g, n, 0, &out, e);
}

static int infer_to_space(struct graph *g, struct node *n, struct err *e)
{
	static const int depth_first[6] = {0, 3, 4, 1, 5, 2}, column_first[6] = {0, 1, 4, 2, 5, 3};
	const struct depth_attr *attr = n->attr;
	const int64_t *x = node_arg(g, n, 0)->type.dim, b = attr->block;
	int64_t c, height, width;

	if (check_axis(g, n, 1, b * b, e) < 0)
		return -1;
	c = x[1] / (b * b);
	if (__builtin_mul_overflow(x[2], b, &height) || __builtin_mul_overflow(x[3], b, &width))
		return fail(e, E_SHAPE, "%s times %lld is too large", in_text(g, n, 0),
			    (long long)b);
	if (attr->column_row_depth)
		return set_types(g, n, (int64_t[]){x[0], c, b, b, x[2], x[3]}, column_first,
				 (int64_t[]){x[0], c, height, width}, e);
	return set_types(g, n, (int64_t[]){x[0], b, b, c, x[2], x[3]}, depth_first,
			 (int64_t[]){x[0], c, height, width}, e);
}

static int infer_to_depth(struct graph *g, struct node *n, struct err *e)
{
	static const int perm[6] = {0, 3, 5, 1, 2, 4};
	const struct depth_attr *attr = n->attr;
	const int64_t *x = node_arg(g, n, 0)->type.dim, b = attr->block;

	if (check_axis(g, n, 2, b, e) < 0 || check_axis(g, n, 3, b, e) < 0)
		return -1;
	return set_types(g, n, (int64_t[]){x[0], x[1], x[2] / b, b, x[3] / b, b}, perm,
			 (int64_t[]){x[0], x[1] * b * b, x[2] / b, x[3] / b}, e);
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct depth_attr *attr = n->attr;
	struct type moved = attr->split;
	int64_t stride[RANK_MAX] = {0};
	struct walk w;

	(void)g;
	(void)e;
	strides_of(&attr->split, stride);
	for (int i = 0; i < moved.rank; i++)
		moved.dim[i] = attr->split.dim[attr->perm[i]];
	walk_init(&w, &moved);
	for (int i = 0; i < w.rank; i++)
		w.stride[0][i] = stride[attr->perm[i]];
	walk_copy(&w, out->data, in->data, in->type.dt);
	return 0;
}

#define DEPTH(id, op_name, from, to, rules, infers)                        \
	const struct op op_##id = {.name = op_name,                        \
				   .since = from,                          \
				   .until = to,                            \
				   .min_in = 1,                            \
				   .max_in = 1,                            \
				   .min_out = 1,                           \
				   .max_out = 1,                           \
				   .attrs = rules,                         \
				   .attr_size = sizeof(struct depth_attr), \
				   .parse = parse,                         \
				   .infer = infers,                        \
				   .eval = eval,                           \
				   .layout = WANT_ANY}

DEPTH(DepthToSpace_1, "DepthToSpace", 1, 10, attrs_1, infer_to_space);
DEPTH(DepthToSpace, "DepthToSpace", 11, 0, attrs_11, infer_to_space);
DEPTH(SpaceToDepth, "SpaceToDepth", 1, 0, attrs_1, infer_to_depth);
