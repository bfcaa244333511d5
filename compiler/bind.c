/*
 * Gives every dimension of every graph input its size: --dims by name or by
 * input and axis, --bind by an input's whole value, which becomes a
 * constant. Dimensions of one name are one unknown, wherever they stand.
 * What is still open at the end is one error that lists all of it.
 */
#include "base/fs.h"
#include "base/names.h"
#include "compiler/npy.h"
#include "compiler/onnx_int.h"
#include "compiler/passes.h"

#include <string.h>

#define LIST_MAX 400 /* bytes of names in one message */
#define HINT_MAX 240

struct dim {
	const char *name; /* "": of this axis alone */
	int64_t size;	  /* -1: open */
	uint32_t input;	  /* where it stands first: index into graph.input, axis */
	int axis;
};

struct binder {
	struct graph *g;
	const struct compile_options *o;
	struct err *e;
	struct arena *tmp;
	struct names inputs; /* name -> index into graph.input, + 1 */
	struct names named;  /* name -> index into dim, + 1 */
	struct dim *dim;
	uint32_t ndim, (*axis)[RANK_MAX]; /* per input and axis: index into dim */
};

static struct val *input_at(const struct binder *b, uint32_t i)
{
	return &b->g->val[b->g->input[i]];
}

/* Its index + 1, 0 if there is none. */
static uint32_t find_input(const struct binder *b, const char *name)
{
	return names_find(&b->inputs, name, strlen(name));
}

static struct dim *find_dim(const struct binder *b, const char *name)
{
	uint32_t k = names_find(&b->named, name, strlen(name));

	return k ? &b->dim[k - 1] : NULL;
}

/* ---- the unknowns ---- */

/* An input declared without a shape gets its rank from the axes that options give it. */
static int set_ranks(struct binder *b)
{
	uint32_t *given = NEW(b->tmp, b->g->ninput + 1, uint32_t);

	for (uint32_t i = 0; i < b->o->ndims; i++) {
		const struct dim_binding *d = &b->o->dims[i];
		uint32_t input = d->axis < 0 ? 0 : find_input(b, d->name);

		if (!input || input_at(b, input - 1)->type.rank != RANK_UNKNOWN)
			continue;
		if (d->axis >= RANK_MAX)
			return fail(b->e, E_RANK,
				    "'%.100s': axis %d, at most %d dimensions are supported",
				    d->name, d->axis, RANK_MAX);
		given[input - 1] |= 1u << d->axis;
	}
	for (uint32_t i = 0; i < b->g->ninput; i++) {
		struct type *t = &input_at(b, i)->type;

		if (!given[i])
			continue;
		for (t->rank = 0; given[i] >> t->rank; t->rank++)
			t->dim[t->rank] = -1;
		if (given[i] != (1u << t->rank) - 1)
			return fail(b->e, E_DIM_UNBOUND,
				    "'%.100s' has no shape in the model: give all axes below %d",
				    input_at(b, i)->name, t->rank);
	}
	return 0;
}

static void add_axis(struct binder *b, uint32_t input, int axis)
{
	const struct val *v = input_at(b, input);
	const char *name = v->sym && v->sym[axis] && v->type.dim[axis] < 0 ? v->sym[axis] : "";
	uint32_t *known = *name ? names_at(&b->named, name, strlen(name)) : NULL;

	if (!known || !*known) {
		b->dim = GROW(b->tmp, b->dim, b->ndim);
		b->dim[b->ndim++] = (struct dim){name, v->type.dim[axis], input, axis};
	}
	if (known && !*known)
		*known = b->ndim;
	b->axis[input][axis] = known ? *known - 1 : b->ndim - 1;
}

static int collect(struct binder *b)
{
	uint32_t n = b->g->ninput;

	b->axis = arena_alloc(b->tmp, (n + 1) * sizeof(*b->axis));
	for (uint32_t i = 0; i < n; i++)
		*names_at(&b->inputs, input_at(b, i)->name, strlen(input_at(b, i)->name)) = i + 1;
	if (set_ranks(b) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		for (int k = 0;
		     k < input_at(b, i)->type.rank && input_at(b, i)->type.rank <= RANK_MAX; k++)
			add_axis(b, i, k);
	return 0;
}

/* What is known by now goes back into the inputs' types. */
static void store(const struct binder *b)
{
	for (uint32_t i = 0; i < b->g->ninput; i++) {
		struct type *t = &input_at(b, i)->type;

		for (int k = 0; k < t->rank && t->rank <= RANK_MAX; k++)
			t->dim[k] = b->dim[b->axis[i][k]].size;
	}
}

/* ---- sizes ---- */

static void add_name(struct buf *list, const char *name)
{
	if (list->len < LIST_MAX)
		buf_printf(list, "%s%.100s", list->len ? ", " : "", name);
}

static int unknown_input(const struct binder *b, const char *name)
{
	struct buf known = BUF_INIT;

	for (uint32_t i = 0; i < b->g->ninput; i++)
		add_name(&known, input_at(b, i)->name);
	fail(b->e, E_INPUT_UNKNOWN, "there is no input '%.100s'; %s%s", name,
	     known.len ? "inputs: " : "the model has none", buf_str(&known));
	buf_release(&known);
	return -1;
}

/* How an open dimension is called on the command line: its name, else INPUT:AXIS. */
static const char *dim_word(const struct binder *b, const struct dim *d)
{
	return *d->name ? d->name
			: arena_printf(b->tmp, "%s:%d", input_at(b, d->input)->name, d->axis);
}

static int unknown_dim(const struct binder *b, const char *name)
{
	struct buf known = BUF_INIT;

	for (uint32_t i = 0; i < b->ndim; i++)
		if (b->dim[i].size < 0 || *b->dim[i].name)
			add_name(&known, dim_word(b, &b->dim[i]));
	fail(b->e, E_DIM_UNKNOWN, "there is no dimension '%.100s'; %s%s", name,
	     known.len ? "known ones: " : "none is open", buf_str(&known));
	buf_release(&known);
	if (find_input(b, name))
		return err_hint(b->e, "'%.100s' is an input: --dims %.100s:AXIS=N", name, name);
	return err_hint(b->e, "INPUT:AXIS=N works for any dimension that is open");
}

static int set_size(struct binder *b, struct dim *d, int64_t size)
{
	const char *input = input_at(b, d->input)->name;

	if (size < 0 || size > INT32_MAX)
		return fail(b->e, E_DIM, "axis %d of '%.100s' can't be %lld: sizes go up to %d",
			    d->axis, input, (long long)size, INT32_MAX);
	if (d->size >= 0 && d->size != size && *d->name)
		return fail(b->e, E_DIM, "dimension '%.100s' can't be %lld: it is %lld already",
			    d->name, (long long)size, (long long)d->size);
	if (d->size >= 0 && d->size != size)
		return fail(b->e, E_DIM, "axis %d of '%.100s' can't be %lld: it is %lld already",
			    d->axis, input, (long long)size, (long long)d->size);
	d->size = size;
	return 0;
}

/* INPUT:AXIS, or a dimension whose name looks like that. */
static int bind_axis(struct binder *b, const struct dim_binding *d)
{
	uint32_t input = find_input(b, d->name);
	struct dim *named;

	if (!input) {
		named = find_dim(b, arena_printf(b->tmp, "%s:%d", d->name, d->axis));
		return named ? set_size(b, named, d->size) : unknown_input(b, d->name);
	}
	if (d->axis >= input_at(b, input - 1)->type.rank)
		return fail(b->e, E_DIM_UNKNOWN, "'%.100s' is %s: it has no axis %d", d->name,
			    type_text(b->tmp, &input_at(b, input - 1)->type), d->axis);
	return set_size(b, &b->dim[b->axis[input - 1][d->axis]], d->size);
}

static bool is_rest(const struct dim_binding *d)
{
	return d->axis < 0 && !strcmp(d->name, "*");
}

static int bind_dims(struct binder *b)
{
	for (uint32_t i = 0; i < b->o->ndims; i++) {
		const struct dim_binding *d = &b->o->dims[i];
		struct dim *named = d->axis < 0 ? find_dim(b, d->name) : NULL;

		if (is_rest(d))
			continue;
		if (d->axis < 0 && !named)
			return unknown_dim(b, d->name);
		if ((named ? set_size(b, named, d->size) : bind_axis(b, d)) < 0)
			return -1;
	}
	return 0;
}

/* "*": whatever is open after all others. */
static void bind_rest(struct binder *b)
{
	for (uint32_t i = 0; i < b->o->ndims; i++)
		for (uint32_t k = 0; k < b->ndim && is_rest(&b->o->dims[i]); k++)
			if (b->dim[k].size < 0)
				b->dim[k].size = b->o->dims[i].size;
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

/* The file's value must fit what is known of the input, and settles what that leaves open. */
static int check_value(struct binder *b, uint32_t input, const struct type *t, struct err *e)
{
	struct type want = input_at(b, input)->type;
	bool any = want.rank == RANK_UNKNOWN;
	bool fits = t->dt == want.dt && (any || t->rank == want.rank);

	for (int k = 0; k < want.rank && !any; k++) {
		want.dim[k] = b->dim[b->axis[input][k]].size;
		fits = fits && (want.dim[k] < 0 || want.dim[k] == t->dim[k]);
	}
	if (!fits)
		return fail(e, E_INPUT_FILE, "the input is %s, the file has %s",
			    type_text(b->tmp, &want), type_text(b->tmp, t));
	if (any)
		input_at(b, input)->type = *t;
	for (int k = 0; k < t->rank; k++) {
		if (any)
			add_axis(b, input, k);
		if (set_size(b, &b->dim[b->axis[input][k]], t->dim[k]) < 0)
			return -1;
	}
	return 0;
}

/* The cache key was made from the digest: other bytes now would be stored under a wrong key. */
static int check_digest(const struct value_binding *v, struct span file, struct err *e)
{
	char hex[SHA256_HEX];

	hash_bytes_hex(file.data, file.len, hex);
	if (v->digest[0] && strcmp(hex, v->digest) != 0)
		return fail(e, E_INPUT_FILE, "the file changed while it was read");
	return 0;
}

static int bind_value(struct binder *b, const struct value_binding *v)
{
	uint32_t input = find_input(b, v->name);
	struct err why = ERR_INIT;
	const void *data = NULL;
	struct type t = {DT_NONE};
	struct span bytes;
	struct map file;

	if (!input)
		return unknown_input(b, v->name);
	if (fs_map(v->path, &file, b->e) < 0)
		return -1;
	bytes = (struct span){file.data, file.len};
	if (check_digest(v, bytes, &why) < 0 || read_value(b->g, bytes, &t, &data, &why) < 0 ||
	    check_value(b, input - 1, &t, &why) < 0) {
		fail(b->e, E_INPUT_FILE, "--bind %.100s: %s", v->name, why.detail);
		err_hint(b->e, "%s", why.hint);
	} else { /* the graph outlives the file */
		input_at(b, input - 1)->data =
			arena_copy(b->g->arena, data, (size_t)type_bytes(&t));
	}
	err_release(&why);
	fs_unmap(&file);
	return b->e->code == E_OK ? 0 : -1;
}

/* What got a value is no input any more. */
static void drop_bound(struct graph *g)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < g->ninput; i++) {
		struct val *v = &g->val[g->input[i]];

		v->input = !v->data;
		if (v->input)
			g->input[kept++] = g->input[i];
	}
	g->ninput = kept;
}

/* ---- what is still open ---- */

static bool is_plain(const char *s)
{
	return *s &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/")];
}

/* Into the ready-made option, as long as it can be typed and fits. */
static void add_hint(struct buf *hint, bool *complete, const char *name, const char *input,
		     int axis)
{
	if (hint->len + strlen(input) > HINT_MAX || (!is_plain(name) && strpbrk(input, ",' "))) {
		*complete = false;
		return;
	}
	buf_puts(hint, hint->len ? "," : "--dims ");
	if (is_plain(name))
		buf_printf(hint, "%s=1", name);
	else
		buf_printf(hint, "%s:%d=1", input, axis);
}

static int refuse_open(struct binder *b, const struct buf *hint, bool complete)
{
	struct err *e = b->e;
	size_t n = e->nitems + e->dropped;

	fail(e, E_DIM_UNBOUND, "%zu dimension%s no size; the first: %s", n,
	     n > 1 ? "s have" : " has", e->items[0].detail);
	if (complete && hint->len <= HINT_MAX)
		return err_hint(e, "%s", buf_str(hint));
	return err_hint(e, "--dims '*=1' gives all of them one size");
}

static int check_open(struct binder *b)
{
	struct buf hint = BUF_INIT;
	bool complete = true;

	for (uint32_t i = 0; i < b->g->ninput; i++)
		if (input_at(b, i)->type.rank == RANK_UNKNOWN) {
			err_item(b->e, E_DIM_UNBOUND, "", "",
				 "input '%.100s' has no shape in the model", input_at(b, i)->name);
			add_hint(&hint, &complete, "", input_at(b, i)->name, 0);
		}
	for (uint32_t k = 0; k < b->ndim; k++) {
		const struct dim *d = &b->dim[k];
		const char *input = input_at(b, d->input)->name;

		if (d->size >= 0)
			continue;
		if (*d->name)
			err_item(b->e, E_DIM_UNBOUND, "", "",
				 "dimension '%.100s': axis %d of input '%.100s'", d->name, d->axis,
				 input);
		else
			err_item(b->e, E_DIM_UNBOUND, "", "", "axis %d of input '%.100s'", d->axis,
				 input);
		add_hint(&hint, &complete, d->name, input, d->axis);
	}
	if (b->e->nitems)
		refuse_open(b, &hint, complete);
	buf_release(&hint);
	return b->e->code == E_OK ? 0 : -1;
}

static int check_counts(const struct binder *b)
{
	int64_t count;

	for (uint32_t i = 0; i < b->g->ninput; i++) {
		const struct val *v = input_at(b, i);
		bool ok = type_count_ok(&v->type, &count);

		for (int k = 0; k < v->type.rank; k++)
			ok = ok && v->type.dim[k] <= INT32_MAX;
		if (!ok)
			return fail(b->e, E_DIM, "input '%.100s' %s is too large", v->name,
				    type_text(b->tmp, &v->type));
	}
	return 0;
}

static int bind(struct binder *b)
{
	if (collect(b) < 0 || bind_dims(b) < 0)
		return -1;
	for (uint32_t i = 0; i < b->o->nbinds; i++)
		if (bind_value(b, &b->o->binds[i]) < 0)
			return -1;
	bind_rest(b);
	if (check_open(b) < 0)
		return -1;
	store(b);
	drop_bound(b->g);
	return check_counts(b);
}

int pass_bind(struct graph *g, const struct compile_options *o, struct err *e)
{
	struct binder b = {.g = g, .o = o, .e = e, .tmp = arena_open(0)};
	int ret;

	b.inputs = names_begin(b.tmp);
	b.named = names_begin(b.tmp);
	ret = bind(&b);
	arena_close(b.tmp);
	return ret;
}
