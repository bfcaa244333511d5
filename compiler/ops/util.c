#include "compiler/ops/util.h"

#include "base/half.h"

#include <math.h>
#include <string.h>

/* ---- checks ---- */

const char *in_text(const struct graph *g, const struct node *n, uint32_t k)
{
	const struct val *v = node_arg(g, n, k);

	return v ? type_text(g->arena, &v->type) : "nothing";
}

int check_dtype(const struct graph *g, const struct node *n, uint32_t k, uint32_t mask,
		struct err *e)
{
	const struct val *v = node_arg(g, n, k);

	if (!v)
		return fail(e, E_ARITY, "%s needs its input %u", n->op->name, k);
	if (!(DT_BIT(v->type.dt) & mask)) {
		fail(e, E_TYPE, "%s does not take %s as input %u", n->op->name, in_text(g, n, k),
		     k);
		return err_tensor(e, v->name);
	}
	return 0;
}

int check_same_dtype(const struct graph *g, const struct node *n, uint32_t a, uint32_t b,
		     struct err *e)
{
	if (node_arg(g, n, a)->type.dt != node_arg(g, n, b)->type.dt)
		return fail(e, E_TYPE, "%s of %s and %s: the types must be equal", n->op->name,
			    in_text(g, n, a), in_text(g, n, b));
	return 0;
}

int check_rank(const struct graph *g, const struct node *n, uint32_t k, int least, struct err *e)
{
	if (node_arg(g, n, k)->type.rank < least)
		return fail(e, E_SHAPE, "%s needs at least %d dimensions, input %u is %s",
			    n->op->name, least, k, in_text(g, n, k));
	return 0;
}

int check_vector(const struct graph *g, const struct node *n, uint32_t k, int64_t count,
		 struct err *e)
{
	const struct val *v = node_arg(g, n, k);

	if (v && (v->type.rank != 1 || v->type.dim[0] != count))
		return fail(e, E_SHAPE, "input %u of %s must have shape [%lld], it is %s", k,
			    n->op->name, (long long)count, in_text(g, n, k));
	return 0;
}

int set_out(struct graph *g, struct node *n, uint32_t k, const struct type *t, struct err *e)
{
	struct val *v = node_out(g, n, k);
	int64_t count;

	if (!v)
		return 0;
	if (!type_count_ok(t, &count))
		return fail(e, E_PLAN_TOO_BIG, "the result %s has too many elements",
			    type_text(g->arena, t));
	v->type = *t;
	return 0;
}

int broadcast(const struct graph *g, const struct type *a, const struct type *b, struct type *out,
	      struct err *e)
{
	struct type t = {.dt = a->dt, .rank = MAX(a->rank, b->rank)};

	for (int i = 0; i < t.rank; i++) {
		int ia = i - (t.rank - a->rank), ib = i - (t.rank - b->rank);
		int64_t x = ia < 0 ? 1 : a->dim[ia], y = ib < 0 ? 1 : b->dim[ib];

		if (x != y && x != 1 && y != 1)
			return fail(e, E_SHAPE, "%s and %s can't be broadcast to one shape",
				    type_text(g->arena, a), type_text(g->arena, b));
		t.dim[i] = x == 1 ? y : x;
	}
	*out = t;
	return 0;
}

int attr_ints(const struct node *n, const char *name, int want, const int64_t **v, uint32_t *count,
	      struct err *e)
{
	const struct attr *a = attr_find(n, name);

	*v = NULL;
	*count = 0;
	if (!a)
		return 0;
	if (a->type != ATTR_INTS)
		return fail(e, E_ATTR, "attribute %s must be a list of integers", name);
	if (want >= 0 && a->n != (uint32_t)want)
		return fail(e, E_ATTR, "attribute %s has %u entries, not %d", name, a->n, want);
	*v = a->ints;
	*count = a->n;
	return 0;
}

int axes_set(const struct node *n, const int64_t *v, uint32_t count, int rank, uint32_t *set,
	     struct err *e)
{
	*set = 0;
	for (uint32_t i = 0; i < count; i++) {
		int axis;

		if (axis_normal(n, v[i], rank, &axis, e) < 0)
			return -1;
		if (*set & 1u << axis)
			return fail(e, E_ATTR, "axis %lld is given twice", (long long)v[i]);
		*set |= 1u << axis;
	}
	return 0;
}

static int check_const(const struct graph *g, const struct node *n, uint32_t k, struct err *e)
{
	const struct val *v = node_arg(g, n, k);

	if (!v)
		return fail(e, E_ARITY, "%s needs its input %u", n->op->name, k);
	if (val_is_const(v))
		return 0;
	fail(e, E_SHAPE_DYNAMIC, "input %u of %s decides a shape, but it is run-time data", k,
	     n->op->name);
	err_tensor(e, v->name);
	return err_hint(e, "make it a constant: --bind NAME=FILE for a graph input, --dims for "
			   "what is computed from shapes");
}

int const_ints(const struct graph *g, const struct node *n, uint32_t k, const int64_t **v,
	       uint32_t *count, struct err *e)
{
	const struct val *in;
	int64_t *out;

	if (check_const(g, n, k, e) < 0 || check_dtype(g, n, k, DT_BIT(I32) | DT_BIT(I64), e) < 0)
		return -1;
	in = node_arg(g, n, k);
	if (in->type.rank > 1)
		return fail(e, E_SHAPE, "input %u of %s must have one dimension, it is %s", k,
			    n->op->name, in_text(g, n, k));
	*count = (uint32_t)type_count(&in->type);
	out = NEW(g->arena, *count, int64_t);
	for (uint32_t i = 0; i < *count; i++)
		out[i] = get_int(in->data, in->type.dt, i);
	*v = out;
	return 0;
}

int const_dims(const struct graph *g, const struct node *n, uint32_t k, struct type *t,
	       struct err *e)
{
	const int64_t *dims;
	uint32_t count;

	if (const_ints(g, n, k, &dims, &count, e) < 0)
		return -1;
	if (count > RANK_MAX)
		return fail(e, E_RANK, "a shape of %u dimensions; at most %d are supported", count,
			    RANK_MAX);
	t->rank = (uint8_t)count;
	for (uint32_t i = 0; i < count; i++) {
		t->dim[i] = dims[i];
		if (dims[i] < 0)
			return fail(e, E_VALUE, "the shape holds %lld", (long long)dims[i]);
	}
	return 0;
}

int const_floats(const struct graph *g, const struct node *n, uint32_t k, const float **v,
		 uint32_t *count, struct err *e)
{
	const struct val *in;
	float *out;

	if (check_const(g, n, k, e) < 0 || check_dtype(g, n, k, DT_FLOATS, e) < 0)
		return -1;
	in = node_arg(g, n, k);
	*count = (uint32_t)type_count(&in->type);
	out = NEW(g->arena, *count, float);
	for (uint32_t i = 0; i < *count; i++)
		out[i] = (float)get_float(in->data, in->type.dt, i);
	*v = out;
	return 0;
}

int const_scalar(const struct graph *g, const struct node *n, uint32_t k, double *v, struct err *e)
{
	const struct val *in = node_arg(g, n, k);

	if (check_const(g, n, k, e) < 0)
		return -1;
	if (type_count(&in->type) != 1)
		return fail(e, E_SHAPE, "input %u of %s must be one number, it is %s", k,
			    n->op->name, in_text(g, n, k));
	*v = get_float(in->data, in->type.dt, 0);
	return 0;
}

/* ---- elements ---- */

bool dtype_is_float(enum dtype dt)
{
	return DT_FLOATS & DT_BIT(dt);
}

#define LOAD(T)                                                                      \
	({                                                                           \
		T v_;                                                                \
		memcpy(&v_, (const char *)data + i * (int64_t)sizeof(T), sizeof(T)); \
		v_;                                                                  \
	})
#define STORE(T, x)                                                            \
	do {                                                                   \
		T v_ = (T)(x);                                                 \
		memcpy((char *)data + i * (int64_t)sizeof(T), &v_, sizeof(T)); \
	} while (0)

int64_t get_int(const void *data, enum dtype dt, int64_t i)
{
	switch (dt) {
	case I8:
		return LOAD(int8_t);
	case I16:
		return LOAD(int16_t);
	case I32:
		return LOAD(int32_t);
	case U8:
	case BOOL:
		return LOAD(uint8_t);
	case U16:
		return LOAD(uint16_t);
	case U32:
		return LOAD(uint32_t);
	default:
		CHECK(dt == I64 || dt == U64);
		return LOAD(int64_t);
	}
}

double get_float(const void *data, enum dtype dt, int64_t i)
{
	switch (dt) {
	case F32:
		return (double)LOAD(float);
	case F64:
		return LOAD(double);
	case F16:
		return (double)half_to_float(LOAD(uint16_t));
	case BF16:
		return (double)bfloat_to_float(LOAD(uint16_t));
	case U64:
		return (double)LOAD(uint64_t);
	default:
		return (double)get_int(data, dt, i);
	}
}

void put_int(void *data, enum dtype dt, int64_t i, int64_t v)
{
	switch (dtype_size(dt)) {
	case 1:
		STORE(uint8_t, dt == BOOL ? v != 0 : v);
		break;
	case 2:
		STORE(uint16_t, v);
		break;
	case 4:
		STORE(uint32_t, v);
		break;
	default:
		STORE(int64_t, v);
	}
}

/* Conversion of what does not fit is undefined in C: clamp to the type's range. */
static int64_t clamp_to_int(enum dtype dt, double v)
{
	int bits = 8 * (int)dtype_size(dt);
	double lo = DT_BIT(dt) & DT_SIGNED ? -ldexp(1, bits - 1) : 0;
	double hi = ldexp(1, DT_BIT(dt) & DT_SIGNED ? bits - 1 : bits);

	if (dt == BOOL)
		return v != 0;
	if (isnan(v))
		return 0;
	if (v <= lo)
		return lo < 0 ? (int64_t)lo : 0;
	if (v >= hi) /* hi - 1, which a double may not hold */
		return dt == U64 ? -1 : dt == I64 ? INT64_MAX : (int64_t)(hi - 1);
	return dt == U64 ? (int64_t)(uint64_t)v : (int64_t)v;
}

/* One NaN: what an invalid operation gives has either sign, as the host likes. */
void put_float(void *data, enum dtype dt, int64_t i, double v)
{
	v = isnan(v) ? (double)NAN : v;
	switch (dt) {
	case F32:
		STORE(float, v);
		break;
	case F64:
		STORE(double, v);
		break;
	case F16:
		STORE(uint16_t, half_from_float(float_to_odd(v)));
		break;
	case BF16:
		STORE(uint16_t, bfloat_from_float(float_to_odd(v)));
		break;
	default:
		put_int(data, dt, i, clamp_to_int(dt, v));
	}
}

/* Rounded once, also where a double does not hold the integer. */
static float nearest_float(const void *data, enum dtype dt, int64_t i)
{
	return dt == I64   ? (float)get_int(data, dt, i)
	       : dt == U64 ? (float)(uint64_t)get_int(data, dt, i)
			   : (float)get_float(data, dt, i);
}

void convert(void *out, enum dtype to, const void *in, enum dtype from, int64_t count)
{
	bool ints = !dtype_is_float(to) && !dtype_is_float(from);

	if (to == from) {
		memcpy(out, in, (size_t)count * dtype_size(to));
		return;
	}
	for (int64_t i = 0; i < count; i++) {
		if (ints)
			put_int(out, to, i, get_int(in, from, i));
		else if (dtype_is_float(to) && to != F64)
			put_float(out, to, i, (double)nearest_float(in, from, i));
		else
			put_float(out, to, i, get_float(in, from, i));
	}
}

/* ---- walks ---- */

void strides_of(const struct type *t, int64_t stride[RANK_MAX])
{
	int64_t n = 1;

	for (int i = t->rank - 1; i >= 0; i--) {
		stride[i] = n;
		n *= t->dim[i];
	}
}

void walk_init(struct walk *w, const struct type *shape)
{
	*w = (struct walk){.rank = shape->rank, .left = type_count(shape)};
	memcpy(w->dim, shape->dim, sizeof(w->dim));
}

void walk_next(struct walk *w)
{
	w->left--;
	for (int i = w->rank - 1; i >= 0; i--) {
		bool more = ++w->index[i] < w->dim[i];

		for (int k = 0; k < WALK_OPERANDS; k++)
			w->at[k] += more ? w->stride[k][i] : w->stride[k][i] * (1 - w->dim[i]);
		if (more)
			return;
		w->index[i] = 0;
	}
}

void walk_broadcast(struct walk *w, int k, const struct type *t)
{
	int64_t stride[RANK_MAX] = {0};
	int skip = w->rank - t->rank;

	strides_of(t, stride);
	for (int i = 0; i < t->rank; i++)
		w->stride[k][i + skip] = t->dim[i] == 1 ? 0 : stride[i];
}

void walk_copy(struct walk *w, void *out, const void *in, enum dtype dt)
{
	size_t size = dtype_size(dt);
	char *to = out;

	for (; w->left; walk_next(w), to += size)
		memcpy(to, (const char *)in + w->at[0] * (int64_t)size, size);
}

void split_at(const struct type *t, int axis, int64_t *outer, int64_t *n, int64_t *inner)
{
	*outer = *n = *inner = 1;
	for (int i = 0; i < t->rank; i++)
		*(i < axis ? outer : i == axis ? n : inner) *= t->dim[i];
}
