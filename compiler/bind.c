/*
 * Gives every dimension of every graph input its size: --dims by name or by
 * input and axis, --bind by an input's whole value, which becomes a
 * constant. A named dimension has one size everywhere. What is still open at
 * the end is one error that lists all of it.
 */
#include "base/fs.h"
#include "compiler/npy.h"
#include "compiler/onnx_int.h"
#include "compiler/passes.h"

#include <stdio.h>
#include <string.h>

/* ---- looking up ---- */

static val_id find_input(const struct graph *g, const char *name)
{
	for (uint32_t i = 0; i < g->ninput; i++)
		if (!strcmp(g->val[g->input[i]].name, name))
			return g->input[i];
	return 0;
}

static const char *sym_of(const struct val *v, int axis)
{
	return v->sym && v->type.rank <= RANK_MAX && v->sym[axis] ? v->sym[axis] : "";
}

static bool is_open(const struct val *v, int axis)
{
	return v->type.dim[axis] < 0;
}

static int unknown_input(const struct graph *g, const char *name, struct err *e)
{
	struct buf known = BUF_INIT;

	for (uint32_t i = 0; i < g->ninput; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", g->val[g->input[i]].name);
	fail(e, E_INPUT_UNKNOWN, "there is no input '%.100s'; inputs: %s", name, buf_str(&known));
	buf_release(&known);
	return -1;
}

/* Is this the first dimension of that name, in graph order? */
static bool first_of_name(const struct graph *g, uint32_t input, int axis)
{
	const char *sym = sym_of(&g->val[g->input[input]], axis);

	for (uint32_t i = 0; i <= input; i++) {
		const struct val *v = &g->val[g->input[i]];
		int end = i == input ? axis : v->type.rank;

		for (int k = 0; k < end && v->type.rank <= RANK_MAX; k++)
			if (!strcmp(sym_of(v, k), sym))
				return false;
	}
	return true;
}

static int unknown_dim(const struct graph *g, const char *name, struct err *e)
{
	struct buf known = BUF_INIT;

	for (uint32_t i = 0; i < g->ninput; i++) {
		const struct val *v = &g->val[g->input[i]];

		for (int k = 0; k < v->type.rank && v->type.rank <= RANK_MAX; k++)
			if (*sym_of(v, k) && first_of_name(g, i, k))
				buf_printf(&known, "%s%s", known.len ? ", " : "", sym_of(v, k));
	}
	fail(e, E_DIM_UNKNOWN, "there is no dimension '%.100s'; %s%s", name,
	     known.len ? "named ones: " : "no input has a named one", buf_str(&known));
	buf_release(&known);
	return err_hint(e, "INPUT:AXIS=N works for any dimension that is open");
}

/* ---- setting ---- */

/* All dimensions of that name; it has a size already where the model or an option said so. */
static bool set_named(struct graph *g, const char *sym, int64_t size)
{
	bool found = false;

	for (uint32_t i = 0; i < g->ninput; i++) {
		struct val *v = &g->val[g->input[i]];

		for (int k = 0; k < v->type.rank && v->type.rank <= RANK_MAX; k++) {
			if (strcmp(sym_of(v, k), sym) != 0)
				continue;
			found = true;
			if (is_open(v, k))
				v->type.dim[k] = size;
		}
	}
	return found;
}

/* One dimension, and with it all of its name. */
static int set_dim(struct graph *g, val_id id, int axis, int64_t size, struct err *e)
{
	struct val *v = &g->val[id];

	if (!is_open(v, axis) && v->type.dim[axis] != size)
		return fail(e, E_DIM, "axis %d of '%s' can't be %lld: it is %lld already", axis,
			    v->name, (long long)size, (long long)v->type.dim[axis]);
	if (is_open(v, axis) && *sym_of(v, axis))
		set_named(g, sym_of(v, axis), size);
	v->type.dim[axis] = size;
	return 0;
}

/* An input declared without a shape gets its rank from the axes that options give it. */
static int set_rank(struct graph *g, const struct compile_options *o, val_id id, struct err *e)
{
	struct val *v = &g->val[id];
	uint32_t given = 0;
	int rank = 0;

	for (uint32_t i = 0; i < o->ndims; i++) {
		if (o->dims[i].axis < 0 || strcmp(o->dims[i].name, v->name) != 0)
			continue;
		if (o->dims[i].axis >= RANK_MAX)
			return fail(e, E_RANK, "'%s': axis %d, at most 8 dimensions are supported",
				    v->name, o->dims[i].axis);
		given |= 1u << o->dims[i].axis;
		rank = MAX(rank, o->dims[i].axis + 1);
	}
	if (given != (1u << rank) - 1)
		return fail(e, E_DIM_UNBOUND,
			    "'%s' has no shape in the model: give all axes below %d", v->name,
			    rank);
	if (!rank)
		return 0;
	v->type.rank = (uint8_t)rank;
	for (int k = 0; k < rank; k++)
		v->type.dim[k] = -1;
	return 0;
}

static int bind_axis(struct graph *g, const struct dim_binding *b, struct err *e)
{
	val_id id = find_input(g, b->name);

	if (!id)
		return unknown_input(g, b->name, e);
	if (b->axis >= g->val[id].type.rank)
		return fail(e, E_DIM_UNKNOWN, "'%s' is %s: it has no axis %d", g->val[id].name,
			    type_text(g->arena, &g->val[id].type), b->axis);
	return set_dim(g, id, b->axis, b->size, e);
}

/* The size must be the same where an option before this one gave the name another. */
static int bind_name(struct graph *g, const struct dim_binding *b, struct err *e)
{
	if (!set_named(g, b->name, b->size))
		return unknown_dim(g, b->name, e);
	for (uint32_t i = 0; i < g->ninput; i++) {
		const struct val *v = &g->val[g->input[i]];

		for (int k = 0; k < v->type.rank && v->type.rank <= RANK_MAX; k++)
			if (!strcmp(sym_of(v, k), b->name) && v->type.dim[k] != b->size)
				return fail(e, E_DIM,
					    "dimension '%s' can't be %lld: it is %lld already",
					    b->name, (long long)b->size, (long long)v->type.dim[k]);
	}
	return 0;
}

static int bind_dims(struct graph *g, const struct compile_options *o, struct err *e)
{
	for (uint32_t i = 0; i < g->ninput; i++)
		if (g->val[g->input[i]].type.rank == RANK_UNKNOWN &&
		    set_rank(g, o, g->input[i], e) < 0)
			return -1;
	for (uint32_t i = 0; i < o->ndims; i++) {
		const struct dim_binding *b = &o->dims[i];

		if (b->size < 0 || b->size > INT32_MAX)
			return fail(e, E_DIM, "%s: %lld is not a size", b->name,
				    (long long)b->size);
		if (b->axis >= 0 ? bind_axis(g, b, e) < 0
				 : strcmp(b->name, "*") != 0 && bind_name(g, b, e) < 0)
			return -1;
	}
	return 0;
}

/* "*": whatever is open after all others. */
static void bind_rest(struct graph *g, const struct compile_options *o)
{
	for (uint32_t d = 0; d < o->ndims; d++) {
		if (o->dims[d].axis >= 0 || strcmp(o->dims[d].name, "*") != 0)
			continue;
		for (uint32_t i = 0; i < g->ninput; i++) {
			struct val *v = &g->val[g->input[i]];

			for (int k = 0; k < v->type.rank && v->type.rank <= RANK_MAX; k++)
				if (is_open(v, k))
					v->type.dim[k] = o->dims[d].size;
		}
	}
}

/* ---- values from files ---- */

static int read_value(struct graph *g, struct span file, struct type *t, const void **data,
		      struct err *e)
{
	struct onnx_tensor tensor;

	if (npy_is(file))
		return npy_read(file, t, data, e);
	if (onnx_scan(file, ROOT_TENSOR, e) < 0 || onnx_tensor(g, file, &tensor, e) < 0)
		return -1;
	*t = tensor.type;
	*data = tensor.data;
	return 0;
}

/* The file's value must fit what the model says of the input, and settles what that leaves open. */
static int check_value(struct graph *g, val_id id, const struct type *t, struct err *e)
{
	const struct type want = g->val[id].type;
	bool fits = t->dt == want.dt && (want.rank == RANK_UNKNOWN || t->rank == want.rank);

	for (int k = 0; fits && k < t->rank && want.rank != RANK_UNKNOWN; k++)
		fits = want.dim[k] < 0 || want.dim[k] == t->dim[k];
	if (!fits)
		return fail(e, E_INPUT_FILE, "input '%s' is %s, the file has %s", g->val[id].name,
			    type_text(g->arena, &want), type_text(g->arena, t));
	for (int k = 0; k < t->rank && want.rank != RANK_UNKNOWN; k++)
		if (set_dim(g, id, k, t->dim[k], e) < 0)
			return -1;
	g->val[id].type = *t;
	return 0;
}

static void make_const(struct graph *g, val_id id, const void *data)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < g->ninput; i++)
		if (g->input[i] != id)
			g->input[kept++] = g->input[i];
	g->ninput = kept;
	g->val[id].input = false;
	g->val[id].data = data;
}

/* The cache key was made from the digest: other bytes now would be stored under a wrong key. */
static int check_digest(const struct value_binding *b, struct span file, struct err *e)
{
	char hex[SHA256_HEX];

	hash_bytes_hex(file.data, file.len, hex);
	if (b->digest[0] && strcmp(hex, b->digest) != 0)
		return fail(e, E_INPUT_FILE, "the file changed while it was read");
	return 0;
}

static int bind_value(struct graph *g, const struct value_binding *b, struct err *e)
{
	val_id id = find_input(g, b->name);
	struct err why = ERR_INIT;
	const void *data = NULL;
	struct type t = {DT_NONE};
	struct map file;
	struct span bytes;
	int ret;

	if (!id)
		return unknown_input(g, b->name, e);
	if (fs_map(b->path, &file, e) < 0)
		return -1;
	bytes = (struct span){file.data, file.len};
	ret = check_digest(b, bytes, &why) < 0 || read_value(g, bytes, &t, &data, &why) < 0 ||
			      check_value(g, id, &t, &why) < 0
		      ? -1
		      : 0;
	if (ret < 0)
		fail(e, E_INPUT_FILE, "--bind %.60s: %s", b->name, why.detail);
	else /* the graph outlives the file */
		make_const(g, id, arena_copy(g->arena, data, (size_t)type_bytes(&t)));
	err_release(&why);
	fs_unmap(&file);
	return ret;
}

/* ---- what is still open ---- */

static bool can_be_written(const char *sym)
{
	return *sym && !strpbrk(sym, ",=:* '\"");
}

static void add_open(struct graph *g, uint32_t input, int axis, struct buf *hint, struct err *e)
{
	const struct val *v = &g->val[g->input[input]];
	const char *sym = sym_of(v, axis);

	if (*sym && !first_of_name(g, input, axis))
		return; /* one finding per name */
	if (*sym)
		err_item(e, E_DIM_UNBOUND, "", "", "dimension '%s': axis %d of input '%s'", sym,
			 axis, v->name);
	else
		err_item(e, E_DIM_UNBOUND, "", "", "axis %d of input '%s'", axis, v->name);
	buf_puts(hint, hint->len ? "," : "--dims ");
	if (can_be_written(sym))
		buf_printf(hint, "%s=1", sym);
	else
		buf_printf(hint, "%s:%d=1", v->name, axis);
}

static int check_open(struct graph *g, struct err *e)
{
	struct buf hint = BUF_INIT;

	for (uint32_t i = 0; i < g->ninput; i++) {
		const struct val *v = &g->val[g->input[i]];

		if (v->type.rank == RANK_UNKNOWN) {
			err_item(e, E_DIM_UNBOUND, "", "", "input '%s' has no shape in the model",
				 v->name);
			buf_printf(&hint, "%s%s:0=1", hint.len ? "," : "--dims ", v->name);
			continue;
		}
		for (int k = 0; k < v->type.rank; k++)
			if (is_open(v, k))
				add_open(g, i, k, &hint, e);
	}
	if (hint.len) {
		size_t n = e->nitems + e->dropped;

		fail(e, E_DIM_UNBOUND, "%zu dimension%s no size; the first: %s", n,
		     n > 1 ? "s have" : " has", e->items[0].detail);
		err_hint(e, "%s", buf_str(&hint));
	}
	buf_release(&hint);
	return e->code == E_OK ? 0 : -1;
}

static int check_sizes(const struct graph *g, struct err *e)
{
	int64_t count;

	for (uint32_t i = 0; i < g->ninput; i++) {
		const struct val *v = &g->val[g->input[i]];

		if (!type_count_ok(&v->type, &count))
			return fail(e, E_DIM, "input '%s' %s has too many elements to count",
				    v->name, type_text(g->arena, &v->type));
	}
	return 0;
}

int pass_bind(struct graph *g, const struct compile_options *o, struct err *e)
{
	if (bind_dims(g, o, e) < 0)
		return -1;
	for (uint32_t i = 0; i < o->nbinds; i++)
		if (bind_value(g, &o->binds[i], e) < 0)
			return -1;
	bind_rest(g, o);
	return check_open(g, e) < 0 ? -1 : check_sizes(g, e);
}
