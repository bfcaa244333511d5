/*
 * NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss: the logarithms of the
 * probabilities at the labels, negated and weighted by the labels' classes.
 * A label that is ignored takes no part, and its number may be any.
 */
#include "compiler/ops/expand.h"

#include <string.h>

static const struct attr_rule attrs[] = {{"ignore_index", ATTR_INT, false},
					 {"reduction", ATTR_STRING, false},
					 {NULL, ATTR_INT, false}};

struct labels {
	val_id index;	/* i64[N, ...]: those that are ignored are 0 */
	val_id ignored; /* truth value of each, or 0 where none is */
	val_id weight;	/* of each, 0 where all are 1 */
};

static int check(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, 0)), l = expand_type(x, expand_in(x, 1));
	bool fits = t.rank > 1 && l.rank == t.rank - 1;
	const char *reduction = attr_string(x->n, "reduction", "mean");

	for (int i = 0; fits && i < l.rank; i++)
		fits = l.dim[i] == t.dim[i ? i + 1 : 0];
	if (!fits)
		return fail(x->e, E_SHAPE, "%s of %s with labels %s", x->n->op->name,
			    in_text(x->g, x->n, 0), in_text(x->g, x->n, 1));
	if (strcmp(reduction, "mean") && strcmp(reduction, "sum") && strcmp(reduction, "none"))
		return fail(x->e, E_ATTR, "reduction '%.40s' is none of mean, sum, none",
			    reduction);
	return check_dtype(x->g, x->n, 1, DT_BIT(I32) | DT_BIT(I64), x->e);
}

static struct labels read_labels(struct expand *x, enum dtype dt)
{
	const struct attr *ignore = attr_find(x->n, "ignore_index");
	struct labels l = {.index = expand_cast(x, expand_in(x, 1), I64)};
	val_id zero = expand_number(x, dt, 0), one = expand_number(x, dt, 1);

	if (ignore) {
		l.ignored = expand_2(x, "Equal", l.index, expand_number(x, I64, (double)ignore->i));
		l.index = expand_3(x, "Where", l.ignored, expand_number(x, I64, 0), l.index);
	}
	if (expand_in(x, 2))
		l.weight = expand_2(x, "Gather", expand_in(x, 2), l.index);
	if (ignore)
		l.weight = expand_3(x, "Where", l.ignored, zero, l.weight ? l.weight : one);
	return l;
}

/* Of each label, from the logarithms [N, classes, ...]. */
static val_id each_loss(struct expand *x, val_id logs, const struct labels *l)
{
	struct type t = expand_type(x, expand_in(x, 1));
	val_id at = expand_2(x, "Unsqueeze", l->index, expand_ints(x, &(int64_t){1}, 1));
	val_id loss = expand_int(x, "GatherElements", logs, at, "axis", 1);

	loss = expand_1(x, "Neg", expand_reshape(x, loss, t.dim, t.rank));
	if (l->weight)
		loss = expand_2(x, "Mul", loss, l->weight);
	if (l->ignored) /* not even infinity counts */
		loss = expand_3(x, "Where", l->ignored,
				expand_number(x, expand_type(x, logs).dt, 0), loss);
	return loss;
}

static val_id reduce(struct expand *x, val_id loss, val_id weight)
{
	const char *reduction = attr_string(x->n, "reduction", "mean");
	uint32_t axes = (1u << expand_type(x, loss).rank) - 1;
	val_id sum;

	if (!strcmp(reduction, "none"))
		return loss;
	if (!strcmp(reduction, "mean") && !weight)
		return expand_reduce(x, "ReduceMean", loss, axes, false);
	sum = expand_reduce(x, "ReduceSum", loss, axes, false);
	if (!strcmp(reduction, "sum"))
		return sum;
	return expand_2(x, "Div", sum, expand_reduce(x, "ReduceSum", weight, axes, false));
}

static int expand_logs(struct expand *x, val_id logs)
{
	struct labels l = read_labels(x, expand_type(x, logs).dt);

	expand_out(x, 0, reduce(x, each_loss(x, logs, &l), l.weight));
	return expand_end(x);
}

static int expand_likelihood(struct expand *x)
{
	return check(x) < 0 ? -1 : expand_logs(x, expand_in(x, 0));
}

static int expand_entropy(struct expand *x)
{
	val_id logs;

	if (check(x) < 0)
		return -1;
	logs = expand_int(x, "LogSoftmax", expand_in(x, 0), 0, "axis", 1);
	if (x->n->nout > 1 && x->n->out[1])
		expand_out(x, 1, logs);
	return expand_logs(x, logs);
}

#define LOSS(id, outputs, expand_it) \
	const struct op op_##id = {  \
		.name = #id,         \
		.since = 12,         \
		.min_in = 2,         \
		.max_in = 3,         \
		.types = DT_FLOATS,  \
		.min_out = 1,        \
		.max_out = outputs,  \
		.attrs = attrs,      \
		.expand = expand_it, \
	}
LOSS(NegativeLogLikelihoodLoss, 1, expand_likelihood);
LOSS(SoftmaxCrossEntropyLoss, 2, expand_entropy);
