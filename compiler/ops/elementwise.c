/*
 * Elementwise operators: the rows of elementwise.def, included three times
 * (attribute rules and references; rows; operators), and the functions that
 * all of them share. The reference computes floats in double with the
 * functions of base/math.h and rounds once: no C library decides its bytes.
 */
#include "compiler/ops/elementwise.h"

#include "base/math.h"
#include "compiler/ops/util.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- integers, without undefined behaviour ---- */

#define WRAP(a, operation, b) ((int64_t)((uint64_t)(a)operation(uint64_t)(b)))
#define NO_INT		      0

static int64_t divide(int64_t a, int64_t b, bool *bad)
{
	if (!b || (a == INT64_MIN && b == -1)) {
		*bad = true;
		return 0;
	}
	return a / b;
}

/* The sign follows the divisor, or with `like_c` the dividend. */
static int64_t modulo(int64_t a, int64_t b, bool like_c, bool *bad)
{
	int64_t m;

	if (!b) {
		*bad = true;
		return 0;
	}
	m = b == -1 ? 0 : a % b;
	return m && !like_c && (m < 0) != (b < 0) ? m + b : m;
}

static int64_t power(int64_t a, int64_t b)
{
	int64_t y = 1;

	if (b < 0)
		return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : 0;
	for (; b; b >>= 1, a = WRAP(a, *, a))
		if (b & 1)
			y = WRAP(y, *, a);
	return y;
}

/* ---- parse ---- */

static int parse_param(const struct node *n, const struct elementwise_param *p, float *value,
		       struct err *e)
{
	const char *word;
	int64_t number;

	*value = p->def;
	if (!p->name)
		return 0;
	if (p->type == ATTR_FLOAT)
		return attr_float(n, p->name, p->def, value, e);
	if (p->type == ATTR_INT) {
		if (attr_int(n, p->name, (int64_t)p->def, &number, e) < 0)
			return -1;
		*value = (float)number;
		return 0;
	}
	word = attr_string(n, p->name, p->word[0]);
	*value = strcmp(word, p->word[0]) ? 1 : 0;
	if (strcmp(word, p->word[*value > 0]))
		return fail(e, E_ATTR, "%s '%s' is neither %s nor %s", p->name, word, p->word[0],
			    p->word[1]);
	return 0;
}

static int parse(struct graph *g, struct node *n, struct err *e)
{
	const struct elementwise *row = n->op->elementwise;
	struct elementwise_attr *attr = n->attr;

	(void)g;
	for (uint32_t i = 0; i < ELEMENTWISE_PARAMS; i++)
		if (parse_param(n, &row->param[i], &attr->param[i], e) < 0)
			return -1;
	return 0;
}

/* ---- infer ---- */

static int check_operands(const struct graph *g, const struct node *n, struct err *e)
{
	for (uint32_t k = 0; k < n->nmain; k++)
		if (check_dtype(g, n, k, n->op->elementwise->types, e) < 0)
			return -1;
	return 0;
}

/* The broadcast shape of inputs [from, nin) with element type dt. */
static int set_broadcast(struct graph *g, struct node *n, enum dtype dt, struct err *e)
{
	struct type t = node_arg(g, n, 0)->type;

	for (uint32_t k = 1; k < n->nmain; k++)
		if (broadcast(g, &t, &node_arg(g, n, k)->type, &t, e) < 0)
			return -1;
	t.dt = dt;
	return set_out(g, n, 0, &t, e);
}

static int infer_same(struct graph *g, struct node *n, struct err *e)
{
	if (check_operands(g, n, e) < 0)
		return -1;
	for (uint32_t k = 1; k < n->nmain; k++)
		if (check_same_dtype(g, n, 0, k, e) < 0)
			return -1;
	return set_broadcast(g, n, node_arg(g, n, 0)->type.dt, e);
}

static int infer_compare(struct graph *g, struct node *n, struct err *e)
{
	if (infer_same(g, n, e) < 0)
		return -1;
	node_out(g, n, 0)->type.dt = BOOL;
	return 0;
}

static int infer_where(struct graph *g, struct node *n, struct err *e)
{
	if (check_operands(g, n, e) < 0 || check_dtype(g, n, 0, DT_BIT(BOOL), e) < 0 ||
	    check_same_dtype(g, n, 1, 2, e) < 0)
		return -1;
	return set_broadcast(g, n, node_arg(g, n, 1)->type.dt, e);
}

static int infer_mod(struct graph *g, struct node *n, struct err *e)
{
	const struct elementwise_attr *attr = n->attr;

	if (infer_same(g, n, e) < 0)
		return -1;
	if (dtype_is_float(node_arg(g, n, 0)->type.dt) && attr->param[0] == 0)
		return fail(e, E_ATTR, "Mod of %s needs fmod=1", in_text(g, n, 0));
	return 0;
}

/* Max, Min, Sum, Mean of one input; infer.c has split those of more than two. */
extern const struct op op_Identity;

static int infer_variadic(struct graph *g, struct node *n, struct err *e)
{
	if (infer_same(g, n, e) < 0)
		return -1;
	if (n->nmain == 1)
		n->op = &op_Identity;
	return 0;
}

static int infer_prelu(struct graph *g, struct node *n, struct err *e)
{
	if (infer_same(g, n, e) < 0)
		return -1;
	if (!type_equal(&node_out(g, n, 0)->type, &node_arg(g, n, 0)->type))
		return fail(e, E_SHAPE, "the slope %s can't be broadcast to %s", in_text(g, n, 1),
			    in_text(g, n, 0));
	return 0;
}

/* Every element of a constant is x. */
static bool is_all(const struct val *v, double x)
{
	int64_t count = type_count(&v->type);

	if (!val_is_const(v))
		return false;
	for (int64_t i = 0; i < count; i++)
		if (get_float(v->data, v->type.dt, i) != x)
			return false;
	return count > 0;
}

/* Pow with one of these exponents becomes another operator, of one input. */
static int infer_pow(struct graph *g, struct node *n, struct err *e)
{
	extern const struct op op_Square, op_Sqrt, op_Reciprocal;
	static const struct {
		double exponent;
		const struct op *op;
	} special[] = {{2, &op_Square}, {0.5, &op_Sqrt}, {-1, &op_Reciprocal}, {1, &op_Identity}};
	const struct val *x, *exponent;

	if (check_operands(g, n, e) < 0 || set_broadcast(g, n, node_arg(g, n, 0)->type.dt, e) < 0)
		return -1;
	x = node_arg(g, n, 0);
	exponent = node_arg(g, n, 1);
	if (!dtype_is_float(x->type.dt) || !type_equal(&node_out(g, n, 0)->type, &x->type))
		return 0;
	for (size_t i = 0; i < COUNT_OF(special); i++)
		if (is_all(exponent, special[i].exponent)) {
			n->op = special[i].op;
			n->nin = n->nmain = 1;
			break;
		}
	return 0;
}

/* A bound that is not given: the type's greatest finite number, or the least. */
static val_id no_bound(struct graph *g, enum dtype dt, bool upper)
{
	double most = dt == F16	   ? 65504
		      : dt == BF16 ? 0x1.fep127
		      : dt == F32  ? (double)FLT_MAX
				   : DBL_MAX;
	struct type t = {.dt = dt};
	double *data = NEW(g->arena, 1, double);

	put_float(data, dt, 0, upper ? most : -most);
	return val_const(g, "", &t, data);
}

/* The node becomes op, of its first input and the attributes min and max. */
static void clip_by_attributes(struct graph *g, struct node *n, const float bound[2])
{
	extern const struct op op_Clip;
	struct elementwise_attr *attr = NEW(g->arena, 1, struct elementwise_attr);
	struct attr *attrs = NEW(g->arena, 2, struct attr);

	for (int i = 0; i < 2; i++) {
		attr->param[i] = bound[i];
		attrs[i] =
			(struct attr){.name = i ? "max" : "min", .type = ATTR_FLOAT, .f = bound[i]};
	}
	n->op = &op_Clip;
	n->attr = attr;
	n->attrs = attrs;
	n->nattrs = 2;
	n->nin = n->nmain = 1;
}

/* Constant float bounds become attributes; else all three inputs stand. */
static int infer_clip(struct graph *g, struct node *n, struct err *e)
{
	enum dtype dt = node_arg(g, n, 0)->type.dt;
	float bound[2];
	val_id *in = NEW(g->arena, 3, val_id);
	bool fixed = dtype_is_float(dt);

	for (uint32_t k = 0; k < 3; k++) {
		const struct val *v = node_arg(g, n, k);

		in[k] = v ? n->in[k] : no_bound(g, dt, k == 2);
		v = &g->val[in[k]];
		if (k && v->type.dt == dt && type_count(&v->type) != 1)
			return fail(e, E_SHAPE, "Clip's bound must be one number, it is %s",
				    type_text(g->arena, &v->type));
		if (k && v->type.dt == dt && val_is_const(v))
			bound[k - 1] = (float)get_float(v->data, dt, 0);
		else if (k)
			fixed = false;
	}
	n->in = in;
	n->nin = n->nmain = 3;
	if (infer_same(g, n, e) < 0)
		return -1;
	node_out(g, n, 0)->type = node_arg(g, n, 0)->type;
	if (fixed)
		clip_by_attributes(g, n, bound);
	return 0;
}

/* ---- eval ---- */

static int eval_integers(const struct node *n, struct walk *w, const struct tensor *in,
			 struct tensor *out, struct err *e)
{
	const struct elementwise *row = n->op->elementwise;
	const struct elementwise_attr *attr = n->attr;
	enum dtype dt = out->type.dt;

	for (int64_t i = 0; w->left; walk_next(w), i++) {
		int64_t v[3] = {0};
		bool bad = false;

		for (uint32_t k = 0; k < n->nmain; k++) {
			v[k] = get_int(in[k].data, in[k].type.dt, w->at[k]);
			if (in[k].type.dt == U64 && v[k] < 0)
				return fail(e, E_DTYPE,
					    "%s of an unsigned number beyond 2^63 is not supported",
					    n->op->name);
		}
		v[0] = row->integer(v[0], v[1], v[2], attr->param[0], &bad);
		if (bad)
			return fail(e, E_VALUE,
				    "%s: element %lld is divided by zero, or its result has no "
				    "place in the type",
				    n->op->name, (long long)i);
		put_int(out->data, dt, i, v[0]);
	}
	return 0;
}

static int eval(const struct graph *g, const struct node *n, const struct tensor *in,
		struct tensor *out, struct err *e)
{
	const struct elementwise *row = n->op->elementwise;
	const struct elementwise_attr *attr = n->attr;
	bool real = false;
	struct walk w;

	(void)g;
	walk_init(&w, &out->type);
	for (uint32_t k = 0; k < n->nmain; k++) {
		walk_broadcast(&w, (int)k, &in[k].type);
		real = real || dtype_is_float(in[k].type.dt);
	}
	if (!real)
		return eval_integers(n, &w, in, out, e);
	for (int64_t i = 0; w.left; walk_next(&w), i++) {
		double v[3] = {0};

		for (uint32_t k = 0; k < n->nmain; k++)
			v[k] = get_float(in[k].data, in[k].type.dt, w.at[k]);
		put_float(out->data, out->type.dt, i,
			  row->real(v[0], v[1], v[2], (double)attr->param[0],
				    (double)attr->param[1]));
	}
	return 0;
}

/* ---- expr ---- */

/* Exact, and of the model's numbers nothing but digits reaches the source. */
static void print_float(struct buf *out, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	if (isfinite(f))
		buf_printf(out, signbit(f) ? "(%af)" : "%af", (double)f);
	else
		buf_printf(out, "__int_as_float(0x%08x)", bits);
}

/* The row's text with a, b, c replaced by the operands and p, q by the attributes. */
static void expand(const char *text, const struct elementwise_attr *attr, const char *const *arg,
		   struct buf *out)
{
	buf_puts(out, "(");
	for (size_t len; *text; text += len) {
		len = 1;
		while ((isalnum((unsigned char)text[0]) || *text == '.') &&
		       (isalnum((unsigned char)text[len]) || text[len] == '.'))
			len++;
		if (len == 1 && *text >= 'a' && *text <= 'c')
			buf_printf(out, "(%s)", arg[*text - 'a']);
		else if (len == 1 && (*text == 'p' || *text == 'q'))
			print_float(out, attr->param[*text - 'p']);
		else
			buf_append(out, text, len);
	}
	buf_puts(out, ")");
}

/* ---- the rows ---- */

#define UNPACK(...) __VA_ARGS__

/* For the references, the float functions of the expressions mean the double ones of base/math.h.
 */
#define sqrtf  sqrt
#define expf   math_exp
#define expm1f math_expm1
#define logf   math_log
#define log1pf math_log1p
#define erff   math_erf
#define tanhf  math_tanh
#define powf   math_pow
#define fmodf  fmod
#define fabsf  fabs
#define floorf floor
#define ceilf  ceil
#define rintf  rint
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#define FLOAT(name, def)       {#name, ATTR_FLOAT, false},
#define INT(name, def)	       {#name, ATTR_INT, false},
#define WORD(name, def, other) {#name, ATTR_STRING, false},
#define ELEMENTWISE(id, name, since, until, lo, hi, kind, types, params, expression, integers) \
	static double real_##id(double a, double b, double c, double p, double q)              \
	{                                                                                      \
		(void)a, (void)b, (void)c, (void)p, (void)q;                                   \
		return expression;                                                             \
	}                                                                                      \
	static int64_t integer_##id(int64_t a, int64_t b, int64_t c, float p, bool *bad)       \
	{                                                                                      \
		(void)a, (void)b, (void)c, (void)p, (void)bad;                                 \
		return integers;                                                               \
	}                                                                                      \
	static const struct attr_rule attrs_##id[] = {UNPACK params{NULL, ATTR_INT, false}};
#include "compiler/ops/elementwise.def"
#pragma GCC diagnostic pop
#undef sqrtf
#undef expf
#undef expm1f
#undef logf
#undef log1pf
#undef erff
#undef tanhf
#undef powf
#undef fmodf
#undef fabsf
#undef floorf
#undef ceilf
#undef rintf
#undef FLOAT
#undef INT
#undef WORD
#undef ELEMENTWISE

#define FLOAT(name, def)       {#name, ATTR_FLOAT, def, {NULL, NULL}},
#define INT(name, def)	       {#name, ATTR_INT, def, {NULL, NULL}},
#define WORD(name, def, other) {#name, ATTR_STRING, 0, {def, other}},
#define ELEMENTWISE(id, onnx, from, to, lo, hi, kind, mask, params, expression, integers)     \
	static void expr_##id(const struct node *n, const void *attr, const char *const *arg, \
			      struct buf *out)                                                \
	{                                                                                     \
		(void)n;                                                                      \
		expand(#expression, attr, arg, out);                                          \
	}                                                                                     \
	static const struct elementwise row_##id = {                                          \
		.text = #expression,                                                          \
		.types = mask,                                                                \
		.real = real_##id,                                                            \
		.integer = integer_##id,                                                      \
		.param = {UNPACK params},                                                     \
	};                                                                                    \
	const struct op op_##id = {                                                           \
		.name = onnx,                                                                 \
		.since = from,                                                                \
		.until = to,                                                                  \
		.min_in = lo,                                                                 \
		.max_in = hi,                                                                 \
		.min_out = 1,                                                                 \
		.max_out = 1,                                                                 \
		.attrs = attrs_##id,                                                          \
		.attr_size = sizeof(struct elementwise_attr),                                 \
		.parse = parse,                                                               \
		.infer = infer_##kind,                                                        \
		.eval = eval,                                                                 \
		.expr = expr_##id,                                                            \
		.elementwise = &row_##id,                                                     \
		.layout = WANT_ANY,                                                           \
		.mem = {{SHARE_INPLACE, ANY_INPUT}},                                          \
		.lower = lower_map,                                                           \
	};
#include "compiler/ops/elementwise.def"
