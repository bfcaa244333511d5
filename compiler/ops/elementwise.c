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

/* ---- integers, without undefined behaviour; kernels/prelude.cuh has the same functions ---- */

#define WRAP(a, operation, b) ((__typeof__(b))((uint64_t)(a)operation(uint64_t)(b)))
#define NO_INT		      0
#define NO_REAL		      0

#define divide(a, b) _Generic((a), int64_t : divide_signed, uint64_t : divide_unsigned)(a, b)
#define modulo(a, b, like) \
	_Generic((a), int64_t : modulo_signed, uint64_t : modulo_unsigned)(a, b, like)
#define power(a, b)	   _Generic((a), int64_t : power_signed, uint64_t : power_unsigned)(a, b)
#define shift(a, b, right) shift_unsigned((uint64_t)(a), (uint64_t)(b), right)

static int64_t divide_signed(int64_t a, int64_t b)
{
	return b == 0 ? 0 : b == -1 ? WRAP(0, -, a) : a / b;
}

static uint64_t divide_unsigned(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a / b;
}

/* The sign follows the divisor, or with `like_c` the dividend. */
static int64_t modulo_signed(int64_t a, int64_t b, bool like_c)
{
	int64_t m = b == 0 || b == -1 ? 0 : a % b;

	return m && !like_c && (m < 0) != (b < 0) ? m + b : m;
}

static uint64_t modulo_unsigned(uint64_t a, uint64_t b, bool like_c)
{
	(void)like_c;
	return b == 0 ? 0 : a % b;
}

static uint64_t power_unsigned(uint64_t a, uint64_t b)
{
	uint64_t y = 1;

	for (; b; b >>= 1, a *= a)
		if (b & 1)
			y *= a;
	return y;
}

static int64_t power_signed(int64_t a, int64_t b)
{
	if (b < 0)
		return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : 0;
	return (int64_t)power_unsigned((uint64_t)a, (uint64_t)b);
}

/* Unsigned numbers of any width: what leaves it at the left is cut off when it is stored. */
static uint64_t shift_unsigned(uint64_t a, uint64_t b, bool right)
{
	return b >= 64 ? 0 : right ? a >> b : a << b;
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

/* The constant bound that an attribute, a float, holds exactly (for f16 and f32: any). */
static bool fixed_bound(const struct val *v, enum dtype dt, float *bound)
{
	double x;

	if (!val_is_const(v) || v->type.dt != dt)
		return false;
	x = get_float(v->data, dt, 0);
	*bound = (float)x;
	return dt != F64 || (double)*bound == x;
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
		fixed = fixed && (k == 0 || fixed_bound(v, dt, &bound[k - 1]));
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

/* Has a / b, of type dt, no value? Kernels give some value then; what is known now is refused. */
static const char *division_fault(int64_t a, int64_t b, enum dtype dt, bool quotient)
{
	const uint64_t half = UINT64_C(1) << (8 * dtype_size(dt) - 1);
	const bool has_sign = dt == I8 || dt == I16 || dt == I32 || dt == I64;

	if (b == 0)
		return "is divided by zero";
	return quotient && has_sign && b == -1 && (uint64_t)a == 0 - half
		       ? "is the least of its type, divided by -1"
		       : NULL;
}

/* u64 has its own functions, since int64_t does not hold it. */
static int eval_integers(const struct node *n, struct walk *w, const struct tensor *in,
			 struct tensor *out, struct err *e)
{
	extern const struct op op_Div, op_Mod;
	const struct elementwise *row = n->op->elementwise;
	const struct elementwise_attr *attr = n->attr;
	bool natural = false;

	for (uint32_t k = 0; k < n->nmain; k++)
		natural = natural || in[k].type.dt == U64;
	for (int64_t i = 0; w->left; walk_next(w), i++) {
		const char *fault = NULL;
		int64_t v[3] = {0};

		for (uint32_t k = 0; k < n->nmain; k++)
			v[k] = get_int(in[k].data, in[k].type.dt, w->at[k]);
		if (n->op == &op_Div || n->op == &op_Mod)
			fault = division_fault(v[0], v[1], out->type.dt, n->op == &op_Div);
		if (fault)
			return fail(e, E_VALUE, "%s: element %lld %s", n->op->name, (long long)i,
				    fault);
		if (natural)
			v[0] = (int64_t)row->natural((uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2],
						     attr->param[0]);
		else
			v[0] = row->integer(v[0], v[1], v[2], attr->param[0]);
		put_int(out->data, out->type.dt, i, v[0]);
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
static void print_float(struct buf *out, float f, bool is_double)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	if (!isfinite(f))
		buf_printf(out, "__int_as_float(0x%08x)", bits);
	else
		buf_printf(out, "(%a%s)", (double)f, is_double ? "" : "f");
}

/* What a row's text is computed in. */
enum calculation { IN_INTEGERS, IN_FLOAT, IN_DOUBLE };

static enum calculation calculation_of(const struct expr_arg *arg)
{
	bool real = false, wide = DT_INTS & DT_BIT(arg[0].dt);

	for (int k = 0; k < 3; k++) {
		real = real || dtype_is_float(arg[k].dt);
		wide = wide || arg[k].dt == F64;
	}
	return !real ? IN_INTEGERS : wide ? IN_DOUBLE : IN_FLOAT;
}

static void print_operand(struct buf *out, const struct expr_arg *arg, enum calculation c)
{
	bool is_double = arg->dt == F64, is_float = dtype_is_float(arg->dt) && !is_double;
	bool same = c == IN_INTEGERS || (c == IN_DOUBLE ? is_double : is_float);

	buf_printf(out,
		   same		    ? "(%s)"
		   : c == IN_DOUBLE ? "((double)(%s))"
				    : "((float)(%s))",
		   arg->text);
}

/* Of the name or number that text begins with; 1 for anything else. */
static size_t word_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '.')
		len++;
	return MAX(len, 1);
}

/*
 * The row's text with a, b, c replaced by the operands and p, q by the attributes. For float,
 * functions and numbers with a point get their f.
 */
static void expand(const struct elementwise *row, const struct elementwise_attr *attr,
		   const struct expr_arg *arg, struct buf *out)
{
	enum calculation c = calculation_of(arg);
	const char *text = c == IN_INTEGERS ? row->integers : row->floats;

	buf_puts(out, "(");
	for (size_t len; *text; text += len) {
		len = word_length(text);
		if (len == 1 && *text >= 'a' && *text <= 'c') {
			print_operand(out, &arg[*text - 'a'], c);
			continue;
		}
		if (len == 1 && (*text == 'p' || *text == 'q')) {
			print_float(out, attr->param[*text - 'p'], c == IN_DOUBLE);
			continue;
		}
		buf_append(out, text, len);
		if (c == IN_FLOAT && len > 1 && (text[len] == '(' || memchr(text, '.', len)))
			buf_puts(out, "f");
	}
	buf_puts(out, ")");
}

/* ---- the rows ---- */

#define UNPACK(...) __VA_ARGS__

/* The functions that IEEE does not make exact are ours: no C library decides the reference's bytes.
 */
#define exp   math_exp
#define expm1 math_expm1
#define log   math_log
#define log1p math_log1p
#define erf   math_erf
#define pow   math_pow
#define sin   math_sin
#define cos   math_cos
#define tan   math_tan
#define asin  math_asin
#define acos  math_acos
#define atan  math_atan
#define sinh  math_sinh
#define cosh  math_cosh
#define tanh  math_tanh
#define asinh math_asinh
#define acosh math_acosh
#define atanh math_atanh
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wtype-limits" /* a < 0 where a is unsigned */
#define FLOAT(name, def)       {#name, ATTR_FLOAT, false},
#define INT(name, def)	       {#name, ATTR_INT, false},
#define WORD(name, def, other) {#name, ATTR_STRING, false},
#define CHOICE(name, one, two) {#name, ATTR_STRING, true},
#define ELEMENTWISE(id, name, since, until, lo, hi, kind, types, params, floats, integers) \
	static double real_##id(double a, double b, double c, double p, double q)          \
	{                                                                                  \
		(void)a, (void)b, (void)c, (void)p, (void)q;                               \
		return floats;                                                             \
	}                                                                                  \
	static int64_t integer_##id(int64_t a, int64_t b, int64_t c, float p)              \
	{                                                                                  \
		(void)a, (void)b, (void)c, (void)p;                                        \
		return (int64_t)(integers);                                                \
	}                                                                                  \
	static uint64_t natural_##id(uint64_t a, uint64_t b, uint64_t c, float p)          \
	{                                                                                  \
		(void)a, (void)b, (void)c, (void)p;                                        \
		return (uint64_t)(integers);                                               \
	}                                                                                  \
	static const struct attr_rule attrs_##id[] = {UNPACK params{NULL, ATTR_INT, false}};
#include "compiler/ops/elementwise.def"
#pragma GCC diagnostic pop
#undef exp
#undef expm1
#undef log
#undef log1p
#undef erf
#undef pow
#undef sin
#undef cos
#undef tan
#undef asin
#undef acos
#undef atan
#undef sinh
#undef cosh
#undef tanh
#undef asinh
#undef acosh
#undef atanh
#undef FLOAT
#undef INT
#undef WORD
#undef CHOICE
#undef ELEMENTWISE

#define FLOAT(name, def)       {#name, ATTR_FLOAT, def, {NULL, NULL}},
#define INT(name, def)	       {#name, ATTR_INT, def, {NULL, NULL}},
#define WORD(name, def, other) {#name, ATTR_STRING, 0, {def, other}},
#define CHOICE		       WORD
#define ELEMENTWISE(id, onnx, from, to, lo, hi, kind, mask, params, real_text, integer_text) \
	static const struct elementwise row_##id = {                                         \
		.floats = #real_text,                                                        \
		.integers = #integer_text,                                                   \
		.types = mask,                                                               \
		.real = real_##id,                                                           \
		.integer = integer_##id,                                                     \
		.natural = natural_##id,                                                     \
		.param = {UNPACK params},                                                    \
	};                                                                                   \
	static void expr_##id(const void *attr, const struct expr_arg *arg, struct buf *out) \
	{                                                                                    \
		expand(&row_##id, attr, arg, out);                                           \
	}                                                                                    \
	const struct op op_##id = {                                                          \
		.name = onnx,                                                                \
		.since = from,                                                               \
		.until = to,                                                                 \
		.min_in = lo,                                                                \
		.max_in = hi,                                                                \
		.min_out = 1,                                                                \
		.max_out = 1,                                                                \
		.attrs = attrs_##id,                                                         \
		.attr_size = sizeof(struct elementwise_attr),                                \
		.parse = parse,                                                              \
		.infer = infer_##kind,                                                       \
		.eval = eval,                                                                \
		.expr = expr_##id,                                                           \
		.elementwise = &row_##id,                                                    \
		.layout = WANT_ANY,                                                          \
		.mem = {{SHARE_INPLACE, ANY_INPUT}},                                         \
		.lower = lower_map,                                                          \
	};
#include "compiler/ops/elementwise.def"
