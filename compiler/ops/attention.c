/*
 * Attention (opset 23): softmax(scale * Q K' + mask) V, written out. Heads of
 * Q that share one of K and V get an axis of their own. Short floats are
 * computed with as f32. What caches of unpadded lengths need, and products in
 * the middle as outputs (but for the first one), are refused.
 */
#include "compiler/ops/expand.h"

#include <math.h>

enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_K, IN_PAST_V, IN_LENGTHS };
enum { OUT_Y, OUT_K, OUT_V, OUT_SCORES };

static const struct attr_rule attrs[] = {
	{"is_causal", ATTR_INT, false},		{"kv_num_heads", ATTR_INT, false},
	{"q_num_heads", ATTR_INT, false},	{"qk_matmul_output_mode", ATTR_INT, false},
	{"scale", ATTR_FLOAT, false},		{"softcap", ATTR_FLOAT, false},
	{"softmax_precision", ATTR_INT, false}, {NULL, ATTR_INT, false}};

struct heads { /* batch, heads of Q per head of K, those, length of Q, of K and V */
	int64_t batch, share, heads, rows, columns;
};

static int64_t int_attr(const struct expand *x, const char *name, int64_t otherwise)
{
	const struct attr *a = attr_find(x->n, name);

	return a ? a->i : otherwise;
}

static float float_attr(const struct expand *x, const char *name, float otherwise)
{
	const struct attr *a = attr_find(x->n, name);

	return a ? a->f : otherwise;
}

static val_id refuse(struct expand *x, const char *what)
{
	if (!x->failed)
		fail(x->e, E_SHAPE, "Attention of %s, %s and %s: %s", in_text(x->g, x->n, IN_Q),
		     in_text(x->g, x->n, IN_K), in_text(x->g, x->n, IN_V), what);
	x->failed = true;
	return 0;
}

/* Operand k as batch, heads, length, size. */
static val_id by_heads(struct expand *x, uint32_t k, const char *name)
{
	static const int perm[] = {0, 2, 1, 3};
	struct type t = expand_type(x, expand_in(x, k));
	int64_t heads = int_attr(x, name, 0), dims[4];

	if (t.rank == 4)
		return expand_in(x, k);
	if (t.rank != 3 || heads < 1 || t.dim[2] % heads)
		return refuse(x, "their heads do not fit");
	dims[0] = t.dim[0];
	dims[1] = t.dim[1];
	dims[2] = heads;
	dims[3] = t.dim[2] / heads;
	return expand_transpose(x, expand_reshape(x, expand_in(x, k), dims, 4), perm, 4);
}

static val_id with_past(struct expand *x, val_id v, uint32_t past)
{
	const struct attr axis = {.name = "axis", .type = ATTR_INT, .i = 2};

	if (!expand_in(x, past))
		return v;
	return expand_op(x, "Concat", (val_id[]){expand_in(x, past), v}, 2, &axis, 1);
}

/* With an axis for the heads of Q that share one of K, where there are such. */
static val_id grouped(struct expand *x, val_id v, const struct heads *h, bool is_q)
{
	struct type t = expand_type(x, v);
	int64_t dims[5] = {t.dim[0], h->heads, is_q ? h->share : 1, t.dim[2], t.dim[3]};

	return h->share == 1 ? v : expand_reshape(x, v, dims, 5);
}

static int measure(struct expand *x, val_id q, val_id k, val_id v, struct heads *h)
{
	struct type tq = expand_type(x, q), tk = expand_type(x, k), tv = expand_type(x, v);

	if (x->failed)
		return -1;
	if (tk.dim[0] != tq.dim[0] || tv.dim[0] != tq.dim[0] || tk.dim[1] < 1 ||
	    tv.dim[1] != tk.dim[1] || tq.dim[1] % tk.dim[1] || tk.dim[3] != tq.dim[3] ||
	    tv.dim[2] != tk.dim[2]) {
		refuse(x, "they do not fit");
		return -1;
	}
	*h = (struct heads){tq.dim[0], tq.dim[1] / tk.dim[1], tk.dim[1], tq.dim[2], tk.dim[2]};
	return 0;
}

/* v where the mask is true, else -infinity; or, if it is numbers, their sum. */
static val_id masked(struct expand *x, val_id v, val_id mask)
{
	enum dtype dt = expand_type(x, v).dt;

	if (expand_type(x, mask).dt != BOOL)
		return expand_2(x, "Add", v, expand_cast(x, mask, dt));
	return expand_3(x, "Where", mask, v, expand_number(x, dt, -(double)INFINITY));
}

static val_id with_mask(struct expand *x, val_id v, const struct heads *h)
{
	struct type t = expand_type(x, expand_in(x, IN_MASK));
	int64_t dims[5] = {1, 1, 1, 1, 1};

	if (!expand_in(x, IN_MASK))
		return v;
	if (t.rank < 2 || t.rank > 4 || t.dim[t.rank - 1] != h->columns)
		return refuse(x, "the mask does not fit");
	if (h->share == 1)
		return masked(x, v, expand_in(x, IN_MASK));
	for (int i = 0; i < t.rank; i++) /* the axis of heads becomes two */
		dims[5 - t.rank + i - (i < t.rank - 3)] = t.dim[i];
	if (t.rank > 2) {
		int64_t heads = t.dim[t.rank - 3];

		dims[1] = heads == 1 ? 1 : h->heads;
		dims[2] = heads == 1 ? 1 : h->share;
	}
	return masked(x, v, expand_reshape(x, expand_in(x, IN_MASK), dims, 5));
}

/* A row sees what stands before it and itself; what is past stands in front of all. */
static val_id causal(struct expand *x, val_id v, const struct heads *h)
{
	struct type t = {.dt = BOOL, .rank = 2, .dim = {h->rows, h->columns}};
	int64_t past = expand_in(x, IN_PAST_K) ? expand_type(x, expand_in(x, IN_PAST_K)).dim[2] : 0;
	uint8_t *mask;

	if (x->failed || !int_attr(x, "is_causal", 0))
		return v;
	if (type_count(&t) > (int64_t)64 << 20)
		return refuse(x, "the mask is too large");
	mask = arena_alloc(x->g->arena, (size_t)type_count(&t));
	for (int64_t i = 0; i < h->rows; i++)
		for (int64_t j = 0; j < h->columns; j++)
			mask[i * h->columns + j] = j <= i + past;
	return masked(x, v, val_const(x->g, "", &t, mask));
}

static val_id softened(struct expand *x, val_id v)
{
	float cap = float_attr(x, "softcap", 0);
	val_id limit;

	if (x->failed || !(cap > 0))
		return v;
	limit = expand_number(x, expand_type(x, v).dt, (double)cap);
	return expand_2(x, "Mul", expand_1(x, "Tanh", expand_2(x, "Div", v, limit)), limit);
}

/* Q K' times the scale. */
static val_id scores(struct expand *x, val_id q, val_id k, int64_t size)
{
	static const int perm[2][5] = {{0, 1, 3, 2}, {0, 1, 2, 4, 3}};
	int rank = expand_type(x, k).rank;
	double scale = (double)float_attr(x, "scale", 0);
	val_id v = expand_2(x, "MatMul", q, expand_transpose(x, k, perm[rank == 5], rank));

	if (!attr_find(x->n, "scale"))
		scale = 1 / sqrt((double)size);
	return expand_2(x, "Mul", v, expand_number(x, expand_type(x, v).dt, scale));
}

/* As Q came: four axes, or three with the heads side by side. */
static val_id as_query(struct expand *x, val_id v, const struct heads *h)
{
	static const int perm[] = {0, 2, 1, 3};
	struct type t = expand_type(x, v);
	int64_t size = t.dim[t.rank - 1], all = h->heads * h->share;
	int64_t four[] = {h->batch, all, h->rows, size}, three[] = {h->batch, h->rows, all * size};

	if (h->share > 1)
		v = expand_reshape(x, v, four, 4);
	if (expand_type(x, expand_in(x, IN_Q)).rank == 4)
		return v;
	return expand_reshape(x, expand_transpose(x, v, perm, 4), three, 3);
}

static val_id wide(struct expand *x, val_id v)
{
	enum dtype dt = expand_type(x, v).dt;

	return dt == F16 || dt == BF16 ? expand_cast(x, v, F32) : v;
}

static bool has_out(const struct expand *x, uint32_t k)
{
	return k < x->n->nout && x->n->out[k];
}

static int expand(struct expand *x)
{
	enum dtype dt = expand_type(x, expand_in(x, IN_Q)).dt;
	val_id q = by_heads(x, IN_Q, "q_num_heads"), k, v, s, y;
	struct heads h;
	int64_t four[4];

	if (expand_in(x, IN_LENGTHS) ||
	    (has_out(x, OUT_SCORES) && int_attr(x, "qk_matmul_output_mode", 0)))
		return fail(x->e, E_OP_UNSUPPORTED,
			    "Attention with nonpad_kv_seqlen or qk_matmul_output_mode");
	k = with_past(x, by_heads(x, IN_K, "kv_num_heads"), IN_PAST_K);
	v = with_past(x, by_heads(x, IN_V, "kv_num_heads"), IN_PAST_V);
	if (measure(x, q, k, v, &h) < 0)
		return -1;
	s = scores(x, wide(x, grouped(x, q, &h, true)), wide(x, grouped(x, k, &h, false)),
		   expand_type(x, q).dim[3]);
	y = causal(x, with_mask(x, softened(x, s), &h), &h);
	y = expand_int(x, "Softmax", y, 0, "axis", -1);
	y = expand_2(x, "MatMul", y, wide(x, grouped(x, v, &h, false)));
	if (x->failed)
		return -1;
	expand_out(x, OUT_Y, expand_cast(x, as_query(x, y, &h), dt));
	expand_out(x, OUT_K, k);
	expand_out(x, OUT_V, v);
	four[0] = h.batch;
	four[1] = h.heads * h.share;
	four[2] = h.rows;
	four[3] = h.columns;
	if (has_out(x, OUT_SCORES))
		expand_out(x, OUT_SCORES, expand_cast(x, expand_reshape(x, s, four, 4), dt));
	return expand_end(x);
}

const struct op op_Attention = {
	.name = "Attention",
	.since = 23,
	.min_in = 3,
	.max_in = 7,
	.types = DT_FLOATS,
	.min_out = 1,
	.max_out = 4,
	.attrs = attrs,
	.expand = expand,
};
