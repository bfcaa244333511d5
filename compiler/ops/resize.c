/*
 * Resize and its ancestor Upsample: nearest or linear sampling. The source
 * coordinate of output index o on an axis, by mode, in float as kernels have it:
 *
 *	half_pixel          (o + 0.5) / scale - 0.5
 *	pytorch_half_pixel  the same, 0 where the output has one element
 *	asymmetric          o / scale
 *	align_corners       o * (in - 1) / (out - 1)
 */
#include "compiler/ops/util.h"

#include <math.h>
#include <string.h>

static const struct attr_rule upsample_attrs[] = {
	{"mode", ATTR_STRING, false}, {"scales", ATTR_FLOATS, true}, {NULL, ATTR_INT, false}};
static const struct attr_rule mode_attrs[] = {{"mode", ATTR_STRING, false},
					      {NULL, ATTR_INT, false}};
static const struct attr_rule resize_attrs[] = {
	{"antialias", ATTR_INT, false},
	{"axes", ATTR_INTS, false},
	{"coordinate_transformation_mode", ATTR_STRING, false},
	{"cubic_coeff_a", ATTR_FLOAT, false},
	{"exclude_outside", ATTR_INT, false},
	{"extrapolation_value", ATTR_FLOAT, false},
	{"keep_aspect_ratio_policy", ATTR_STRING, false},
	{"mode", ATTR_STRING, false},
	{"nearest_mode", ATTR_STRING, false},
	{NULL, ATTR_INT, false}};

/* The words of an attribute in their enum's order; those from `supported` on are refused. */
struct words {
	const char *name;
	int supported;
	const char *word[8];
};

static const struct words modes = {"mode", 3, {"nearest", "linear", "bilinear", "cubic"}};
static const struct words coords = {"coordinate_transformation_mode",
				    4,
				    {"half_pixel", "asymmetric", "align_corners",
				     "pytorch_half_pixel", "half_pixel_symmetric",
				     "tf_half_pixel_for_nn", "tf_crop_and_resize"}};
static const struct words rounds = {
	"nearest_mode", 4, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}};
static const struct words policies = {
	"keep_aspect_ratio_policy", 1, {"stretch", "not_larger", "not_smaller"}};

static int read_word(const struct node *n, const struct words *w, const char *def, int *value,
		     struct err *e)
{
	const char *word = attr_string(n, w->name, def);

	for (int i = 0; w->word[i]; i++) {
		if (strcmp(word, w->word[i]))
			continue;
		*value = i;
		if (i >= w->supported)
			return fail(e, E_OP_UNSUPPORTED, "%s with %s '%s'", n->op->name, w->name,
				    word);
		return 0;
	}
	return fail(e, E_ATTR, "%s '%s' is unknown", w->name, word);
}

static int read_modes(struct node *n, bool old, struct err *e)
{
	struct resize_attr *attr = n->attr;
	int mode, coord, round, policy;

	if (read_word(n, &modes, "nearest", &mode, e) < 0 ||
	    read_word(n, &coords, old ? "asymmetric" : "half_pixel", &coord, e) < 0 ||
	    read_word(n, &rounds, "round_prefer_floor", &round, e) < 0 ||
	    read_word(n, &policies, "stretch", &policy, e) < 0)
		return -1;
	attr->mode = mode ? RESIZE_LINEAR : RESIZE_NEAREST;
	attr->coord = (enum resize_coord)coord;
	attr->round = old ? ROUND_OUTWARD : (enum resize_round)round;
	return 0;
}

/* The axes that scales and sizes speak of, in their order. */
static int read_axes(const struct node *n, int rank, uint32_t count, int axis[RANK_MAX],
		     struct err *e)
{
	const int64_t *v;
	uint32_t given, set;

	if (attr_ints(n, "axes", -1, &v, &given, e) < 0 || axes_set(n, v, given, rank, &set, e) < 0)
		return -1;
	if (count != (v ? given : (uint32_t)rank))
		return fail(e, E_SHAPE, "%u scales or sizes for %u axes", count,
			    v ? given : (uint32_t)rank);
	for (uint32_t i = 0; i < count; i++)
		axis[i] = !v ? (int)i : (int)(v[i] < 0 ? v[i] + rank : v[i]);
	return 0;
}

static int by_scales(struct graph *g, struct node *n, const float *scale, uint32_t count,
		     struct err *e)
{
	struct resize_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type;
	int axis[RANK_MAX];

	if (read_axes(n, y.rank, count, axis, e) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		float size = floorf((float)y.dim[axis[i]] * scale[i]);

		if (!(scale[i] > 0) || !isfinite(scale[i]))
			return fail(e, E_VALUE, "scale %u is %g", i, (double)scale[i]);
		if (!(size < 0x1p31f))
			return fail(e, E_PLAN_TOO_BIG, "scale %u of %g makes %s too large", i,
				    (double)scale[i], in_text(g, n, 0));
		attr->scale[axis[i]] = scale[i];
		y.dim[axis[i]] = (int64_t)size;
	}
	return set_out(g, n, 0, &y, e);
}

static int by_sizes(struct graph *g, struct node *n, uint32_t k, struct err *e)
{
	struct resize_attr *attr = n->attr;
	struct type y = node_arg(g, n, 0)->type;
	const int64_t *size;
	int axis[RANK_MAX];
	uint32_t count;

	if (const_ints(g, n, k, &size, &count, e) < 0 || read_axes(n, y.rank, count, axis, e) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int64_t *dim = &y.dim[axis[i]];

		if (size[i] < 0 || size[i] > INT32_MAX || (size[i] && !*dim))
			return fail(e, E_VALUE, "size %u of %s becomes %lld", i, in_text(g, n, 0),
				    (long long)size[i]);
		attr->scale[axis[i]] = *dim ? (float)size[i] / (float)*dim : 1;
		*dim = size[i];
	}
	return set_out(g, n, 0, &y, e);
}

/* Input k is given and not empty (before opset 13 an empty tensor stands for "not given"). */
static bool is_given(const struct graph *g, const struct node *n, uint32_t k)
{
	const struct val *v = node_arg(g, n, k);

	return v && type_count(&v->type);
}

static int start(struct node *n, bool old, struct err *e)
{
	struct resize_attr *attr = n->attr;

	for (int i = 0; i < RANK_MAX; i++)
		attr->scale[i] = 1;
	return read_modes(n, old, e);
}

/* Upsample-7: scales are an attribute. */
static int infer_attribute(struct graph *g, struct node *n, struct err *e)
{
	const struct attr *scales = attr_find(n, "scales");

	if (start(n, true, e) < 0)
		return -1;
	return by_scales(g, n, scales->floats, scales->n, e);
}

/* Upsample-9, Resize-10: scales are input 1. */
static int infer_scales(struct graph *g, struct node *n, struct err *e)
{
	const float *scale;
	uint32_t count;

	if (start(n, true, e) < 0 || const_floats(g, n, 1, &scale, &count, e) < 0)
		return -1;
	return by_scales(g, n, scale, count, e);
}

/* Resize-11 and later: x, region (for a mode that is refused), scales, sizes. */
static int infer(struct graph *g, struct node *n, struct err *e)
{
	const struct resize_attr *attr = n->attr;
	bool smaller = false;
	const float *scale;
	uint32_t count;
	int64_t antialias;

	if (start(n, false, e) < 0 || attr_int(n, "antialias", 0, &antialias, e) < 0)
		return -1;
	if (is_given(g, n, 2) == is_given(g, n, 3) && node_arg(g, n, 0)->type.rank)
		return fail(e, E_VALUE, "Resize needs either scales or sizes");
	if (is_given(g, n, 3)) {
		if (by_sizes(g, n, 3, e) < 0)
			return -1;
	} else if (const_floats(g, n, 2, &scale, &count, e) < 0 ||
		   by_scales(g, n, scale, count, e) < 0) {
		return -1;
	}
	for (int i = 0; i < RANK_MAX; i++)
		smaller = smaller || attr->scale[i] < 1;
	if (antialias && smaller && attr->mode == RESIZE_LINEAR)
		return fail(e, E_OP_UNSUPPORTED, "Resize to a smaller size with antialias=1");
	return 0;
}

/* ---- eval ---- */

static float coordinate(const struct resize_attr *attr, int axis, int64_t o, int64_t in,
			int64_t out)
{
	float at = (float)o, scale = attr->scale[axis];

	switch (attr->coord) {
	case COORD_ASYMMETRIC:
		return at / scale;
	case COORD_ALIGN_CORNERS:
		return out == 1 ? 0 : at * (float)(in - 1) / (float)(out - 1);
	case COORD_PYTORCH_HALF:
		if (out == 1)
			return 0;
		/* fall through */
	default:
		return (at + 0.5f) / scale - 0.5f;
	}
}

static float round_coordinate(enum resize_round round, float scale, float x)
{
	switch (round) {
	case ROUND_PREFER_FLOOR:
		return ceilf(x - 0.5f);
	case ROUND_PREFER_CEIL:
		return floorf(x + 0.5f);
	case ROUND_OUTWARD:
		return scale < 1 ? ceilf(x) : floorf(x);
	case ROUND_FLOOR:
		return floorf(x);
	default:
		return ceilf(x);
	}
}

struct sample { /* two neighbours on an axis and the weight of the second */
	int64_t at[2];
	double weight;
};

static struct sample sample_axis(const struct resize_attr *attr, int axis, int64_t o, int64_t in,
				 int64_t out)
{
	struct sample s = {{o, o}, 0};
	float x;

	if (in == out && attr->scale[axis] == 1)
		return s;
	x = coordinate(attr, axis, o, in, out);
	if (attr->mode == RESIZE_NEAREST) {
		x = round_coordinate(attr->round, attr->scale[axis], x);
		s.at[0] = s.at[1] = x < 0 ? 0 : x > (float)(in - 1) ? in - 1 : (int64_t)x;
		return s;
	}
	x = x < 0 ? 0 : x > (float)(in - 1) ? (float)(in - 1) : x;
	s.at[0] = (int64_t)x;
	s.at[1] = MIN(s.at[0] + 1, in - 1);
	s.weight = (double)(x - (float)s.at[0]);
	return s;
}

/* The weighted sum over the corners of the cell that the samples span. */
static double blend(const struct tensor *x, const struct sample *s, const int64_t *stride)
{
	double sum = 0;

	for (uint32_t corner = 0; corner < 1u << x->type.rank; corner++) {
		double weight = 1;
		int64_t at = 0;

		for (int i = 0; i < x->type.rank; i++) {
			bool second = corner >> i & 1;

			weight *= second ? s[i].weight : 1 - s[i].weight;
			at += s[i].at[second] * stride[i];
		}
		if (weight != 0)
			sum += weight * get_float(x->data, x->type.dt, at);
	}
	return sum;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct resize_attr *attr = n->attr;
	int64_t stride[RANK_MAX] = {0};
	struct sample s[RANK_MAX];
	struct walk w;

	(void)g;
	(void)e;
	strides_of(&in->type, stride);
	walk_init(&w, &out->type);
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		for (int k = 0; k < w.rank; k++)
			s[k] = sample_axis(attr, k, w.index[k], in->type.dim[k], w.dim[k]);
		put_float(out->data, out->type.dt, i, blend(in, s, stride));
	}
	return 0;
}

#define RESIZE(id, onnx, from, to, lo, hi, rules, infer_it) \
	const struct op op_##id = {                         \
		.name = onnx,                               \
		.since = from,                              \
		.until = to,                                \
		.min_in = lo,                               \
		.max_in = hi,                               \
		.types = DT_NUMBERS,                        \
		.min_out = 1,                               \
		.max_out = 1,                               \
		.attrs = rules,                             \
		.attr_size = sizeof(struct resize_attr),    \
		.infer = infer_it,                          \
		.eval = eval,                               \
		.layout = WANT_BLOCKED,                     \
		.tail = true,                               \
		.lower = lower_resize,                      \
	}
RESIZE(Upsample_7, "Upsample", 7, 8, 1, 1, upsample_attrs, infer_attribute);
RESIZE(Upsample_9, "Upsample", 9, 9, 2, 2, mode_attrs, infer_scales);
RESIZE(Resize_10, "Resize", 10, 10, 2, 2, mode_attrs, infer_scales);
RESIZE(Resize, "Resize", 11, 0, 1, 4, resize_attrs, infer);
