/*
 * RotaryEmbedding: pairs of numbers of each head turned by an angle that
 * hangs on the position; the pairs are halves of the head, or neighbours
 * (interleaved). What is behind the turned part stays.
 */
#include "compiler/ops/expand.h"

enum { IN_X, IN_COS, IN_SIN, IN_POSITIONS };

static const struct attr_rule attrs[] = {{"interleaved", ATTR_INT, false},
					 {"num_heads", ATTR_INT, false},
					 {"rotary_embedding_dim", ATTR_INT, false},
					 {NULL, ATTR_INT, false}};

static const int swap[] = {0, 2, 1, 3}; /* heads and positions */

static int64_t int_attr(const struct expand *x, const char *name)
{
	const struct attr *a = attr_find(x->n, name);

	return a ? a->i : 0;
}

/* batch, positions, heads, head; false where x is no such thing. */
static bool shape_of(const struct expand *x, int64_t dims[4])
{
	struct type t = expand_type(x, expand_in(x, IN_X));
	int64_t heads = int_attr(x, "num_heads");

	if (t.rank == 4) {
		for (int i = 0; i < 4; i++)
			dims[i] = t.dim[swap[i]];
		return true;
	}
	if (t.rank != 3 || heads < 1 || t.dim[2] % heads)
		return false;
	dims[0] = t.dim[0];
	dims[1] = t.dim[1];
	dims[2] = heads;
	dims[3] = t.dim[2] / heads;
	return true;
}

/* Every step-th of [from, to) on the last axis. */
static val_id part(struct expand *x, val_id v, int64_t from, int64_t to, int64_t step)
{
	const int64_t axis = 3;

	return expand_op(x, "Slice",
			 (val_id[]){v, expand_ints(x, &from, 1), expand_ints(x, &to, 1),
				    expand_ints(x, &axis, 1), expand_ints(x, &step, 1)},
			 5, NULL, 0);
}

/* Cosines or sines of each position, for all heads. */
static val_id angles(struct expand *x, uint32_t k, const int64_t dims[4], int64_t half)
{
	int64_t shape[4] = {dims[0], dims[1], 1, half};
	val_id v = expand_in(x, k), at = expand_in(x, IN_POSITIONS);

	return expand_reshape(x, at ? expand_2(x, "Gather", v, at) : v, shape, 4);
}

static val_id join(struct expand *x, val_id a, val_id b, int64_t axis)
{
	const struct attr attr = {.name = "axis", .type = ATTR_INT, .i = axis};

	return expand_op(x, "Concat", (val_id[]){a, b}, 2, &attr, 1);
}

static val_id turned(struct expand *x, val_id v, const int64_t dims[4], int64_t size)
{
	bool mixed = int_attr(x, "interleaved");
	int64_t half = size / 2, shape[4] = {dims[0], dims[1], dims[2], size}, last = 4;
	val_id cosine = angles(x, IN_COS, dims, half), sine = angles(x, IN_SIN, dims, half);
	val_id a = mixed ? part(x, v, 0, size, 2) : part(x, v, 0, half, 1);
	val_id b = mixed ? part(x, v, 1, size, 2) : part(x, v, half, size, 1);
	val_id real =
		expand_2(x, "Sub", expand_2(x, "Mul", cosine, a), expand_2(x, "Mul", sine, b));
	val_id imag =
		expand_2(x, "Add", expand_2(x, "Mul", sine, a), expand_2(x, "Mul", cosine, b));

	if (!mixed)
		return join(x, real, imag, 3);
	real = expand_2(x, "Unsqueeze", real, expand_ints(x, &last, 1));
	imag = expand_2(x, "Unsqueeze", imag, expand_ints(x, &last, 1));
	return expand_reshape(x, join(x, real, imag, last), shape, 4);
}

static int expand(struct expand *x)
{
	struct type t = expand_type(x, expand_in(x, IN_X));
	int64_t dims[4], size = int_attr(x, "rotary_embedding_dim");
	val_id v = expand_in(x, IN_X), y;

	if (!shape_of(x, dims))
		return fail(x->e, E_SHAPE, "RotaryEmbedding of %s with num_heads = %lld",
			    in_text(x->g, x->n, IN_X), (long long)int_attr(x, "num_heads"));
	size = size ? size : dims[3];
	if (size < 0 || size > dims[3] || size % 2)
		return fail(x->e, E_ATTR, "RotaryEmbedding of %lld numbers per head of %lld",
			    (long long)size, (long long)dims[3]);
	v = t.rank == 4 ? expand_transpose(x, v, swap, 4) : expand_reshape(x, v, dims, 4);
	y = turned(x, v, dims, size);
	if (size < dims[3])
		y = join(x, y, part(x, v, size, dims[3], 1), 3);
	expand_out(x, 0,
		   t.rank == 4 ? expand_transpose(x, y, swap, 4)
			       : expand_reshape(x, y, t.dim, t.rank));
	return expand_end(x);
}

const struct op op_RotaryEmbedding = {
	.name = "RotaryEmbedding",
	.since = 23,
	.min_in = 3,
	.max_in = 4,
	.types = DT_BIT(F32) | DT_BIT(F16) | DT_BIT(BF16),
	.min_out = 1,
	.max_out = 1,
	.attrs = attrs,
	.expand = expand,
};
