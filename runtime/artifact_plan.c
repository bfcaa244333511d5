/*
 * Reads the plan of an artifact. What is checked here is checked nowhere
 * again: kernels lie in the code blob, each launch is one that CUDA takes
 * and each of its regions lies inside the arena or the weights, each tensor
 * lies in the arena, as large as its type and layout say, and lives inside
 * the run, and the plan's counts and sizes are the manifest's.
 */
#include "runtime/artifact_int.h"

#include "runtime/elem.h"
#include "runtime/want.h"

#include <string.h>

#define THREADS_MAX  1024
#define SHARED_MAX   (227 << 10) /* the most of any chip: sm_90 and later */
#define REGISTER_MAX 255

static bool is_identifier(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return n > 0 && n < 256 && !s[n] && strchr(letters, s[0]);
}

/* ---- kernels ---- */

static int read_range(const struct artifact *a, const struct want *w, const json_t *o,
		      const char *member, struct span *out)
{
	uint64_t range[2];

	if (want_uints(w, o, member, 2, BYTES_MAX, range) < 0)
		return -1;
	if (range[0] + range[1] > a->code.len)
		return want_fail(w, member, "a range of the code blob");
	*out = (struct span){range[1] ? a->code.data + range[0] : NULL, (size_t)range[1]};
	return 0;
}

/* What ptxas said of the cubin: absent where there is none. */
static int read_figures(const struct want *w, const json_t *o, struct artifact_kernel *k)
{
	if (!k->cubin.len && !json_object_get(o, "registers"))
		return 0;
	if (want_u32(w, o, "registers", REGISTER_MAX, &k->registers) < 0 ||
	    want_u32(w, o, "spill_bytes", UINT32_MAX, &k->spill_bytes) < 0 ||
	    want_u32(w, o, "shared_bytes", SHARED_MAX, &k->shared_bytes) < 0)
		return -1;
	return 0;
}

static int read_kernel(struct artifact *a, const struct want *w, const json_t *o,
		       struct artifact_kernel *k)
{
	const char *entry;

	if (want_str(w, o, "entry", &entry) < 0 || read_range(a, w, o, "ptx", &k->ptx) < 0 ||
	    read_range(a, w, o, "cubin", &k->cubin) < 0 || read_figures(w, o, k) < 0)
		return -1;
	if (!is_identifier(entry))
		return want_fail(w, "entry", "a C identifier");
	k->entry = arena_strdup(a->arena, entry);
	if (!k->ptx.len || memchr(k->ptx.data, 0, k->ptx.len) != k->ptx.data + k->ptx.len - 1)
		return want_fail(w, "ptx", "text that ends with its only zero byte");
	return 0;
}

static int read_kernels(struct artifact *a, struct want w, const json_t *plan)
{
	uint64_t cubins = 0;
	json_t *list;

	if (want_array(&w, plan, "kernels", ARTIFACT_PLAN_MAX, &list) < 0)
		return -1;
	if (json_array_size(list) != a->nkernels)
		return want_fail(&w, "kernels", "as many as the manifest says");
	a->kernels = NEW(a->arena, a->nkernels, struct artifact_kernel);
	w.list = "kernels";
	for (w.at = 0; w.at < a->nkernels; w.at++) {
		if (read_kernel(a, &w, json_array_get(list, w.at), &a->kernels[w.at]) < 0)
			return -1;
		cubins += a->kernels[w.at].cubin.len;
	}
	w = (struct want){w.path, "manifest", WANT_TOP, w.e};
	if (cubins != a->module_bytes)
		return want_fail(&w, "module_bytes", "the sum of the cubins' sizes");
	return 0;
}

/* ---- launches ---- */

static int read_dims(const struct want *w, const json_t *o, const char *member,
		     const uint32_t most[3], uint32_t out[3])
{
	uint64_t v[3];

	if (want_uints(w, o, member, 3, UINT32_MAX, v) < 0)
		return -1;
	for (int i = 0; i < 3; i++) {
		if (v[i] < 1 || v[i] > most[i])
			return want_fail(w, member, "dimensions that CUDA allows");
		out[i] = (uint32_t)v[i];
	}
	return 0;
}

/* An index of a list that is read later, or -1. */
static int read_index(const struct want *w, const json_t *list, size_t i, const char *member,
		      int32_t *out)
{
	const json_t *j = json_array_get(list, i);
	json_int_t v = json_integer_value(j);

	if (!json_is_integer(j) || v < -1 || v >= INT32_MAX)
		return want_fail(w, member, "the index of a tensor, or -1");
	*out = (int32_t)v;
	return 0;
}

/* What an argument is for, and the runs of its region. */
static int read_use(const struct want *w, const json_t *o, struct artifact_arg *arg)
{
	static const char *const access[] = {"r", "w", "rw"};
	const char *word = json_string_value(json_array_get(o, 3));
	uint64_t gaps;

	for (uint8_t i = 0; word && i < COUNT_OF(access); i++)
		if (!strcmp(word, access[i]))
			arg->access = (uint8_t)(i + 1);
	if (!arg->access)
		return want_fail(w, "args", "access r, w or rw");
	if (read_index(w, o, 4, "args", &arg->value) < 0 ||
	    want_item(w, o, 5, "args", BYTES_MAX, &arg->rows) < 0 ||
	    want_item(w, o, 6, "args", BYTES_MAX, &arg->pitch) < 0)
		return -1;
	if (!arg->rows != !arg->bytes ||
	    (arg->rows &&
	     (__builtin_mul_overflow(arg->rows - 1, arg->pitch, &gaps) || gaps >= arg->bytes ||
	      (arg->rows > 1 && arg->bytes - gaps > arg->pitch))))
		return want_fail(w, "args", "rows that do not overlap");
	return 0;
}

static int read_over(struct artifact *a, const struct want *w, const json_t *o,
		     struct artifact_launch *l)
{
	struct artifact_over *over;
	json_t *list;

	if (!json_object_get(o, "over"))
		return 0;
	if (want_array(w, o, "over", ARTIFACT_ARGS_MAX, &list) < 0)
		return -1;
	l->nover = (uint32_t)json_array_size(list);
	l->over = over = NEW(a->arena, l->nover, struct artifact_over);
	for (uint32_t i = 0; i < l->nover; i++) {
		const json_t *pair = json_array_get(list, i);
		uint64_t arg, value;

		if (json_array_size(pair) != 2 ||
		    want_item(w, pair, 0, "over", ARTIFACT_ARGS_MAX, &arg) < 0 || arg >= l->nargs ||
		    want_item(w, pair, 1, "over", INT32_MAX - 1, &value) < 0)
			return want_fail(w, "over", "pairs of an argument and a tensor");
		over[i] = (struct artifact_over){(uint32_t)arg, (uint32_t)value};
	}
	return 0;
}

static int read_arg(const struct artifact *a, const struct want *w, const json_t *o,
		    struct artifact_arg *arg)
{
	const char *space = json_string_value(json_array_get(o, 0));
	uint64_t size;

	if (!space || (strcmp(space, "a") && strcmp(space, "w")) ||
	    json_array_size(o) != (space[0] == 'a' ? 7 : 3))
		return want_fail(w, "args",
				 "[\"w\", offset, bytes] or [\"a\", offset, bytes, access, tensor, "
				 "rows, pitch]");
	arg->space = space[0] == 'a' ? ARG_ARENA : ARG_WEIGHTS;
	size = arg->space == ARG_ARENA ? a->arena_bytes : a->weights_bytes;
	if (want_item(w, o, 1, "args", BYTES_MAX, &arg->offset) < 0 ||
	    want_item(w, o, 2, "args", BYTES_MAX, &arg->bytes) < 0)
		return -1;
	if (arg->offset + arg->bytes > size)
		return want_fail(w, "args", "a region inside the arena or the weights");
	return arg->space == ARG_ARENA ? read_use(w, o, arg) : 0;
}

static int read_args(struct artifact *a, const struct want *w, const json_t *o,
		     struct artifact_launch *l)
{
	struct artifact_arg *args;
	json_t *list;

	if (want_array(w, o, "args", ARTIFACT_ARGS_MAX, &list) < 0)
		return -1;
	l->nargs = (uint32_t)json_array_size(list);
	l->args = args = NEW(a->arena, l->nargs, struct artifact_arg);
	for (uint32_t i = 0; i < l->nargs; i++)
		if (read_arg(a, w, json_array_get(list, i), &args[i]) < 0)
			return -1;
	return 0;
}

static int read_launch(struct artifact *a, const struct want *w, const json_t *o,
		       struct artifact_launch *l)
{
	static const uint32_t grid_max[3] = {INT32_MAX, UINT16_MAX, UINT16_MAX};
	static const uint32_t block_max[3] = {THREADS_MAX, THREADS_MAX, 64};
	const char *node, *op;

	if (want_u32(w, o, "kernel", UINT32_MAX, &l->kernel) < 0 ||
	    read_dims(w, o, "grid", grid_max, l->grid) < 0 ||
	    read_dims(w, o, "block", block_max, l->block) < 0 ||
	    want_u32(w, o, "shared", SHARED_MAX, &l->shared) < 0 ||
	    want_str(w, o, "node", &node) < 0 || want_str(w, o, "op", &op) < 0)
		return -1;
	if (l->kernel >= a->nkernels)
		return want_fail(w, "kernel", "the index of a kernel");
	if (l->block[0] * l->block[1] * l->block[2] > THREADS_MAX)
		return want_fail(w, "block", "at most 1024 threads");
	if (l->shared + a->kernels[l->kernel].shared_bytes > SHARED_MAX)
		return want_fail(w, "shared", "no more shared memory than a chip has");
	l->node = arena_strdup(a->arena, node);
	l->op = arena_strdup(a->arena, op);
	return read_args(a, w, o, l) < 0 ? -1 : read_over(a, w, o, l);
}

static int read_launches(struct artifact *a, struct want w, const json_t *plan)
{
	json_t *list;

	if (want_array(&w, plan, "launches", ARTIFACT_PLAN_MAX, &list) < 0)
		return -1;
	if (json_array_size(list) != a->nlaunches)
		return want_fail(&w, "launches", "as many as the manifest says");
	a->launches = NEW(a->arena, a->nlaunches, struct artifact_launch);
	w.list = "launches";
	for (w.at = 0; w.at < a->nlaunches; w.at++)
		if (read_launch(a, &w, json_array_get(list, w.at), &a->launches[w.at]) < 0)
			return -1;
	return 0;
}

/* ---- tensors ---- */

static int read_names(const struct artifact *a, const struct want *w, const json_t *o,
		      struct artifact_value *v)
{
	const char *layout;

	if (want_str(w, o, "name", &v->name) < 0 || want_str(w, o, "dtype", &v->dtype) < 0 ||
	    want_str(w, o, "layout", &layout) < 0 || want_str(w, o, "node", &v->node) < 0 ||
	    want_str(w, o, "op", &v->op) < 0)
		return -1;
	if (!elem_find(v->dtype))
		return want_fail(w, "dtype", "a known type");
	v->blocked = !strcmp(layout, "blocked8");
	if (!v->blocked && strcmp(layout, "plain") != 0)
		return want_fail(w, "layout", "\"plain\" or \"blocked8\"");
	v->name = arena_strdup(a->arena, v->name);
	v->dtype = elem_find(v->dtype)->name;
	v->node = arena_strdup(a->arena, v->node);
	v->op = arena_strdup(a->arena, v->op);
	return 0;
}

/* The runs hold what type and layout need, batch item by batch item where there are several. */
static int check_shape(const struct want *w, const struct artifact_value *v)
{
	int64_t shape[ARTIFACT_RANK_MAX];
	uint64_t bytes;

	memcpy(shape, v->shape, sizeof(shape));
	if (v->blocked && v->rank < 2)
		return want_fail(w, "layout", "two axes at least where channels are blocked");
	if (v->blocked)
		shape[1] = div_up(shape[1], ARTIFACT_BLOCK) * ARTIFACT_BLOCK;
	if (!elem_bytes(elem_find(v->dtype), v->rank, shape, &bytes) ||
	    bytes != v->rows * v->width ||
	    (v->rows > 1 && (!v->rank || (uint64_t)shape[0] != v->rows)))
		return want_fail(w, "shape", "what its rows hold");
	return 0;
}

static int read_shape(const struct want *w, const json_t *o, struct artifact_value *v)
{
	json_t *shape;
	uint64_t dim;

	if (want_array(w, o, "shape", ARTIFACT_RANK_MAX, &shape) < 0)
		return -1;
	v->rank = (uint32_t)json_array_size(shape);
	for (uint32_t i = 0; i < v->rank; i++) {
		if (want_item(w, shape, i, "shape", BYTES_MAX, &dim) < 0)
			return -1;
		v->shape[i] = (int64_t)dim;
	}
	return 0;
}

static int read_numbers(const struct artifact *a, const struct want *w, const json_t *o,
			struct artifact_value *v)
{
	if (want_uint(w, o, "offset", BYTES_MAX, &v->offset) < 0 ||
	    want_uint(w, o, "pitch", BYTES_MAX, &v->pitch) < 0 ||
	    want_uint(w, o, "width", BYTES_MAX, &v->width) < 0 ||
	    want_uint(w, o, "rows", BYTES_MAX, &v->rows) < 0 ||
	    want_u32(w, o, "first", a->nlaunches, &v->first) < 0 ||
	    want_u32(w, o, "last", a->nlaunches, &v->last) < 0)
		return -1;
	return want_u32(w, o, "made", a->nlaunches, &v->made);
}

static int read_role(const struct want *w, const json_t *o, struct artifact_value *v)
{
	static const char *const roles[] = {NULL, "input", "output"};
	const char *word;

	if (!json_object_get(o, "graph"))
		return 0;
	if (want_str(w, o, "graph", &word) < 0)
		return -1;
	for (enum artifact_role r = VALUE_INPUT; r <= VALUE_OUTPUT; r++)
		if (!strcmp(word, roles[r])) {
			v->role = r;
			return 0;
		}
	return want_fail(w, "graph", "\"input\" or \"output\"");
}

/* Whose bytes it shows; both members are absent where they are its own. */
static int read_shared(struct artifact *a, const struct want *w, const json_t *o,
		       struct artifact_value *v)
{
	json_t *view = json_object_get(o, "view"), *list;
	int32_t *parts;

	v->view_of = -1;
	if (view &&
	    (json_array_size(view) != 2 || read_index(w, view, 0, "view", &v->view_of) < 0 ||
	     want_item(w, view, 1, "view", BYTES_MAX, &v->view_at) < 0))
		return want_fail(w, "view", "[tensor, bytes]");
	if (!json_object_get(o, "parts"))
		return 0;
	if (want_array(w, o, "parts", ARTIFACT_PLAN_MAX, &list) < 0 ||
	    want_u32(w, o, "axis", ARTIFACT_RANK_MAX, &v->axis) < 0)
		return -1;
	v->nparts = (uint32_t)json_array_size(list);
	v->parts = parts = NEW(a->arena, v->nparts, int32_t);
	for (uint32_t i = 0; i < v->nparts; i++) {
		const json_t *part = json_array_get(list, i);
		json_int_t n = json_integer_value(part);

		if (!json_is_integer(part) || n < INT32_MIN || n > INT32_MAX)
			return want_fail(w, "parts", "tensors, or -1 - n of constants");
		parts[i] = (int32_t)n;
	}
	return 0;
}

static int read_value(struct artifact *a, const struct want *w, const json_t *o,
		      struct artifact_value *v)
{
	uint64_t end;

	if (read_numbers(a, w, o, v) < 0 || read_names(a, w, o, v) < 0 || read_shape(w, o, v) < 0 ||
	    read_role(w, o, v) < 0 || read_shared(a, w, o, v) < 0)
		return -1;
	if (v->first > v->last)
		return want_fail(w, "last", "no step before the first");
	if (v->made > a->nlaunches - v->first)
		return want_fail(w, "made", "no more launches than there are");
	if (v->rows < 1 || (v->rows > 1 && v->pitch < v->width))
		return want_fail(w, "rows", "rows that do not overlap");
	if (__builtin_mul_overflow(v->rows - 1, v->pitch, &end) || end > BYTES_MAX ||
	    v->offset + end + v->width > a->arena_bytes)
		return want_fail(w, "offset", "a tensor inside the arena");
	return check_shape(w, v);
}

static int read_values(struct artifact *a, struct want w, const json_t *plan)
{
	json_t *list;

	if (want_array(&w, plan, "tensors", ARTIFACT_PLAN_MAX, &list) < 0)
		return -1;
	a->nvalues = (uint32_t)json_array_size(list);
	a->values = NEW(a->arena, a->nvalues, struct artifact_value);
	w.list = "tensors";
	for (w.at = 0; w.at < a->nvalues; w.at++)
		if (read_value(a, &w, json_array_get(list, w.at), &a->values[w.at]) < 0)
			return -1;
	return 0;
}

/* Tensors are named by index before and after they are read. */
static int check_indices(const struct artifact *a, struct want w)
{
	int32_t n = (int32_t)a->nvalues;

	w.list = "launches";
	for (w.at = 0; w.at < a->nlaunches; w.at++) {
		const struct artifact_launch *l = &a->launches[w.at];

		for (uint32_t k = 0; k < l->nargs; k++)
			if (l->args[k].space == ARG_ARENA && l->args[k].value >= n)
				return want_fail(&w, "args", "the index of a tensor, or -1");
		for (uint32_t k = 0; k < l->nover; k++)
			if (l->over[k].value >= a->nvalues ||
			    l->args[l->over[k].arg].space != ARG_ARENA ||
			    l->args[l->over[k].arg].value < 0)
				return want_fail(&w, "over", "a tensor's argument, and a tensor");
	}
	w.list = "tensors";
	for (w.at = 0; w.at < a->nvalues; w.at++) {
		const struct artifact_value *v = &a->values[w.at];

		if (v->view_of >= n)
			return want_fail(&w, "view", "the index of a tensor");
		for (uint32_t k = 0; k < v->nparts; k++)
			if (v->parts[k] >= n)
				return want_fail(&w, "parts",
						 "the index of a tensor, or less than none");
	}
	return 0;
}

/* ---- the plan ---- */

static int check_plan(const struct artifact *a, const struct want *w, const json_t *plan)
{
	uint64_t format, arena, weights, steps;

	if (want_uint(w, plan, "format", BYTES_MAX, &format) < 0 ||
	    want_uint(w, plan, "arena_bytes", BYTES_MAX, &arena) < 0 ||
	    want_uint(w, plan, "weights_bytes", BYTES_MAX, &weights) < 0 ||
	    want_uint(w, plan, "steps", BYTES_MAX, &steps) < 0)
		return -1;
	if (format != ARTIFACT_PLAN_FORMAT)
		return want_fail(w, "format", "2");
	if (arena != a->arena_bytes || weights != a->weights_bytes)
		return want_fail(w, "arena_bytes and weights_bytes", "the manifest's");
	if (steps != a->nlaunches)
		return want_fail(w, "steps", "the number of launches");
	return 0;
}

/* The whole file is mapped, since code may lie at any page size's odd places; only code is touched.
 */
static int map_code(struct artifact *a, struct err *e)
{
	int i = artifact_find_blob(a, "code");

	CHECK(!a->map.data && "the plan is loaded once");
	if (fs_map_fd(a->fd, a->path, &a->map, e) < 0)
		return -1;
	if (a->map.len != a->file_bytes)
		return fail(e, E_ARTIFACT, "%s: the file changed its size", a->path);
	a->code = (struct span){a->map.data + a->blobs[i].offset, (size_t)a->blobs[i].bytes};
	return 0;
}

int artifact_load_plan(struct artifact *a, struct err *e)
{
	const struct want w = {a->path, "plan", WANT_TOP, e};
	int i = artifact_find_blob(a, "plan"), ret = -1;
	size_t len = (size_t)a->blobs[i].bytes;
	json_t *plan = NULL;
	char *text;

	if (len > ARTIFACT_PLAN_MAX)
		return fail(e, E_ARTIFACT, "%s: a plan of %zu bytes is too large", a->path, len);
	text = mem_alloc(len + 1);
	if (artifact_read_blob(a, "plan", 0, text, len, e) == 0)
		plan = want_parse(&w, text, len);
	mem_free(text);
	if (!plan)
		return -1;
	if (map_code(a, e) == 0 && check_plan(a, &w, plan) == 0 && read_kernels(a, w, plan) == 0 &&
	    read_launches(a, w, plan) == 0)
		ret = read_values(a, w, plan) < 0 ? -1 : check_indices(a, w);
	json_decref(plan);
	return ret;
}

void artifact_drop_code(struct artifact *a)
{
	fs_unmap(&a->map);
	a->code = (struct span){NULL, 0};
}
