/*
 * Einsum, written as Transpose, Reshape, Mul, MatMul and ReduceSum. An
 * operand is a value with one label per axis: a letter, or a number for an
 * axis of "...". Equal labels of one operand become its diagonal; labels that
 * nobody else needs are summed; then the first two operands are multiplied
 * until one is left: as a matrix product over the labels that end with them,
 * else with Mul.
 */
#include "compiler/ops/expand.h"

#include <string.h>

#define OPERANDS_MAX 16
#define ELLIPSIS     128 /* labels of its axes: from here on, counted from the last */
#define LABELS	     (ELLIPSIS + RANK_MAX)

struct term { /* an operand, or what the equation says of one */
	val_id v;
	int n;
	int label[RANK_MAX + 1];
};

static const struct attr_rule attrs[] = {{"equation", ATTR_STRING, true}, {NULL, ATTR_INT, false}};

static int refuse(const struct expand *x, const char *why)
{
	return fail(x->e, E_ATTR, "Einsum '%.200s' %s", attr_find(x->n, "equation")->s, why);
}

/* ---- the equation ---- */

static int put_ellipsis(const struct expand *x, struct term *t, int axes)
{
	for (int i = 0; i < axes; i++) {
		if (t->n == RANK_MAX)
			return refuse(x, "has too many axes");
		t->label[t->n++] = ELLIPSIS + axes - 1 - i;
	}
	return 0;
}

/* Letters up to `end`; *ellipsis: where "..." stands among them, or -1. */
static int read_term(const struct expand *x, const char *p, const char *end, struct term *t,
		     int *ellipsis)
{
	*ellipsis = -1;
	t->n = 0;
	for (; p < end; p++) {
		if (*p == ' ')
			continue;
		if (*p == '.') {
			if (*ellipsis >= 0 || end - p < 3 || p[1] != '.' || p[2] != '.')
				return refuse(x, "has a point that is no ellipsis");
			*ellipsis = t->n;
			p += 2;
			continue;
		}
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z'))
			return refuse(x, "holds something that is no letter");
		if (t->n == RANK_MAX)
			return refuse(x, "has too many axes");
		t->label[t->n++] = *p;
	}
	return 0;
}

/* Puts the ellipsis' labels where they belong. */
static int fill_term(const struct expand *x, struct term *t, int ellipsis, int axes)
{
	struct term behind = *t;

	if (ellipsis < 0)
		return 0;
	behind.n -= ellipsis;
	memmove(behind.label, behind.label + ellipsis, (size_t)behind.n * sizeof(int));
	t->n = ellipsis;
	if (put_ellipsis(x, t, axes) < 0)
		return -1;
	for (int i = 0; i < behind.n; i++) {
		if (t->n == RANK_MAX)
			return refuse(x, "has too many axes");
		t->label[t->n++] = behind.label[i];
	}
	return 0;
}

static int read_operand(struct expand *x, uint32_t k, const char *p, const char *end,
			struct term *t, int *widest)
{
	struct type type = expand_type(x, expand_in(x, k));
	int ellipsis, axes;

	if (read_term(x, p, end, t, &ellipsis) < 0)
		return -1;
	axes = type.rank - t->n;
	if (axes < 0 || (axes && ellipsis < 0))
		return refuse(x, "has another number of axes than its operands");
	t->v = expand_in(x, k);
	*widest = MAX(*widest, ellipsis < 0 ? 0 : axes);
	return fill_term(x, t, ellipsis, axes);
}

static int count_label(const struct term *t, uint32_t n, int label)
{
	int count = 0;

	for (uint32_t k = 0; k < n; k++)
		for (int i = 0; i < t[k].n; i++)
			count += t[k].label[i] == label;
	return count;
}

/* Without "->": the ellipsis, then all letters that stand once, in order. */
static int implied_output(const struct expand *x, const struct term *t, uint32_t n, int widest,
			  struct term *out)
{
	out->n = 0;
	if (put_ellipsis(x, out, widest) < 0)
		return -1;
	for (int label = 'A'; label <= 'z'; label++) {
		if (count_label(t, n, label) != 1)
			continue;
		if (out->n == RANK_MAX)
			return refuse(x, "has too many axes");
		out->label[out->n++] = label;
	}
	return 0;
}

static int check_output(const struct expand *x, const struct term *t, uint32_t n,
			const struct term *out)
{
	for (int i = 0; i < out->n; i++)
		if (count_label(out, 1, out->label[i]) != 1 || !count_label(t, n, out->label[i]))
			return refuse(x, "has a letter behind the arrow twice, or from nowhere");
	return 0;
}

static int read_equation(struct expand *x, struct term *t, struct term *out)
{
	const char *p = attr_find(x->n, "equation")->s, *arrow = strstr(p, "->");
	const char *end = arrow ? arrow : p + strlen(p);
	int widest = 0, ellipsis;
	uint32_t n = 0;

	for (;; p++, n++) {
		const char *stop = memchr(p, ',', (size_t)(end - p));

		if (n == x->n->nmain || n == OPERANDS_MAX)
			return refuse(x, "has more terms than operands");
		if (read_operand(x, n, p, stop ? stop : end, &t[n], &widest) < 0)
			return -1;
		if (!stop)
			break;
		p = stop;
	}
	if (++n != x->n->nmain)
		return refuse(x, "has fewer terms than operands");
	if (!arrow)
		return implied_output(x, t, n, widest, out);
	if (read_term(x, arrow + 2, arrow + strlen(arrow), out, &ellipsis) < 0 ||
	    fill_term(x, out, ellipsis, widest) < 0)
		return -1;
	return check_output(x, t, n, out);
}

/* ---- one operand ---- */

static int find_label(const struct term *t, int label)
{
	for (int i = 0; i < t->n; i++)
		if (t->label[i] == label)
			return i;
	return -1;
}

/* Axes in the order of `label`, those that are missing with one element. */
static void arrange(struct expand *x, struct term *t, const int *label, int n)
{
	struct type type = expand_type(x, t->v);
	int perm[RANK_MAX], count = 0;
	int64_t dims[RANK_MAX];
	bool moves = false;

	for (int i = 0; i < n; i++) {
		int at = find_label(t, label[i]);

		dims[i] = at < 0 ? 1 : type.dim[at];
		if (at >= 0)
			perm[count++] = at;
	}
	for (int i = 0; i < count; i++)
		moves = moves || perm[i] != i;
	if (moves)
		t->v = expand_transpose(x, t->v, perm, count);
	if (n != t->n)
		t->v = expand_reshape(x, t->v, dims, n);
	memcpy(t->label, label, (size_t)n * sizeof(int));
	t->n = n;
}

/* Axes i < j with one label: their diagonal, as the last axis. */
static int take_diagonal(struct expand *x, struct term *t, int i, int j)
{
	struct type type = expand_type(x, t->v);
	int perm[RANK_MAX], order[RANK_MAX], n = 0;
	int64_t dims[RANK_MAX], size = type.dim[i], last = t->n - 2;
	val_id limits[4];

	if (type.dim[i] != type.dim[j])
		return fail(x->e, E_SHAPE, "Einsum takes the diagonal of %s",
			    type_text(x->g->arena, &type));
	for (int k = 0; k < t->n; k++)
		if (k != i && k != j) {
			dims[n] = type.dim[k];
			order[n] = t->label[k];
			perm[n++] = k;
		}
	order[n] = t->label[i];
	dims[n] = size * size;
	perm[n] = i;
	perm[n + 1] = j;
	t->v = expand_reshape(x, expand_transpose(x, t->v, perm, t->n), dims, n + 1);
	limits[0] = expand_ints(x, &(int64_t){0}, 1);
	limits[1] = expand_ints(x, &(int64_t){INT64_MAX}, 1);
	limits[2] = expand_ints(x, &last, 1);
	limits[3] = expand_ints(x, &(int64_t){size + 1}, 1);
	t->v = expand_op(x, "Slice", (val_id[]){t->v, limits[0], limits[1], limits[2], limits[3]},
			 5, NULL, 0);
	t->n = n + 1;
	memcpy(t->label, order, (size_t)t->n * sizeof(int));
	return 0;
}

static int take_diagonals(struct expand *x, struct term *t)
{
	for (int i = 0; i < t->n; i++)
		for (int j = i + 1; j < t->n; j++)
			if (t->label[i] == t->label[j]) {
				if (take_diagonal(x, t, i, j) < 0)
					return -1;
				i = -1;
				break;
			}
	return 0;
}

/* Sums over the labels that are not needed. */
static void sum_rest(struct expand *x, struct term *t, const bool *needed)
{
	struct term kept = {.n = 0};
	uint32_t axes = 0;

	for (int i = 0; i < t->n; i++)
		if (needed[t->label[i]])
			kept.label[kept.n++] = t->label[i];
		else
			axes |= 1u << i;
	kept.v = expand_reduce(x, "ReduceSum", t->v, axes, false);
	*t = kept;
}

/* ---- two operands ---- */

static void note(bool *set, const struct term *t)
{
	for (int i = 0; i < t->n; i++)
		set[t->label[i]] = true;
}

/* Labels of a product: batch (in both), of the left only, of the right only; and those summed. */
struct product {
	int label[3 * RANK_MAX], inner[RANK_MAX];
	int batch, left, right, ninner; /* the first three: where each kind ends */
};

static void plan(const struct term *a, const struct term *b, const bool *needed, struct product *p)
{
	int n = 0;

	*p = (struct product){.batch = 0};
	for (int i = 0; i < a->n; i++) {
		bool both = find_label(b, a->label[i]) >= 0;

		if (both && needed[a->label[i]])
			p->label[n++] = a->label[i];
		else if (both)
			p->inner[p->ninner++] = a->label[i];
	}
	p->batch = n;
	for (int i = 0; i < a->n; i++)
		if (find_label(b, a->label[i]) < 0)
			p->label[n++] = a->label[i];
	p->left = n;
	for (int i = 0; i < b->n; i++)
		if (find_label(a, b->label[i]) < 0)
			p->label[n++] = b->label[i];
	p->right = n;
}

/* Axes from `batch` on as a matrix, cut in front of axis `cut`. */
static val_id as_matrix(struct expand *x, const struct term *t, int batch, int cut)
{
	struct type type = expand_type(x, t->v);
	int64_t dims[RANK_MAX];

	memcpy(dims, type.dim, sizeof(dims));
	dims[batch] = dims[batch + 1] = 1;
	for (int i = batch; i < t->n; i++)
		dims[batch + (i >= cut)] *= type.dim[i];
	return expand_reshape(x, t->v, dims, batch + 2);
}

static val_id matrix_product(struct expand *x, struct term *a, struct term *b,
			     const struct product *p)
{
	int order[3 * RANK_MAX], n = p->ninner, only_right = p->right - p->left;
	int64_t dims[RANK_MAX];
	struct type ta, tb;
	val_id v;

	memcpy(order, p->label, (size_t)p->left * sizeof(int));
	memcpy(order + p->left, p->inner, (size_t)n * sizeof(int));
	arrange(x, a, order, p->left + n);
	memcpy(order + p->batch, p->inner, (size_t)n * sizeof(int));
	memcpy(order + p->batch + n, p->label + p->left, (size_t)only_right * sizeof(int));
	arrange(x, b, order, p->batch + n + only_right);
	if (x->failed)
		return 0;
	ta = expand_type(x, a->v);
	tb = expand_type(x, b->v);
	for (int i = 0; i < p->left; i++)
		dims[i] = i < p->batch && ta.dim[i] == 1 ? tb.dim[i] : ta.dim[i];
	for (int i = p->left; i < p->right; i++)
		dims[i] = tb.dim[p->batch + n + i - p->left];
	v = expand_2(x, "MatMul", as_matrix(x, a, p->batch, p->left),
		     as_matrix(x, b, p->batch, p->batch + n));
	return expand_reshape(x, v, dims, p->right);
}

/* *a becomes the product of a and b, with the labels of both but those that are not needed. */
static int multiply(struct expand *x, struct term *a, struct term *b, const bool *needed)
{
	struct product p;
	struct term y;

	plan(a, b, needed, &p);
	if (p.right > RANK_MAX || p.batch + 2 > RANK_MAX)
		return refuse(x, "has too many axes on the way");
	if (p.ninner) {
		y.v = matrix_product(x, a, b, &p);
	} else {
		arrange(x, a, p.label, p.right);
		arrange(x, b, p.label, p.right);
		y.v = expand_2(x, "Mul", a->v, b->v);
	}
	y.n = p.right;
	memcpy(y.label, p.label, (size_t)p.right * sizeof(int));
	*a = y;
	return x->failed ? -1 : 0;
}

/* Labels of the output and of all operands from `from` on but `except`. */
static void note_needed(bool *needed, const struct term *out, const struct term *t, uint32_t from,
			uint32_t n, uint32_t except)
{
	memset(needed, 0, LABELS * sizeof(*needed));
	note(needed, out);
	for (uint32_t k = from; k < n; k++)
		if (k != except)
			note(needed, &t[k]);
}

static int expand(struct expand *x)
{
	struct term t[OPERANDS_MAX], out;
	uint32_t n = x->n->nmain;
	bool needed[LABELS];

	if (read_equation(x, t, &out) < 0)
		return -1;
	for (uint32_t k = 0; k < n; k++)
		if (take_diagonals(x, &t[k]) < 0)
			return -1;
	for (uint32_t k = 0; k < n; k++) {
		note_needed(needed, &out, t, 0, n, k);
		sum_rest(x, &t[k], needed);
	}
	for (uint32_t k = 1; k < n; k++) {
		note_needed(needed, &out, t, k + 1, n, n);
		if (x->failed || multiply(x, &t[0], &t[k], needed) < 0)
			return -1;
	}
	if (x->failed)
		return -1;
	arrange(x, &t[0], out.label, out.n);
	expand_out(x, 0, t[0].v);
	return expand_end(x);
}

const struct op op_Einsum = {
	.name = "Einsum",
	.since = 12,
	.min_in = 1,
	.max_in = 255,
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.expand = expand,
};
