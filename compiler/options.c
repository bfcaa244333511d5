/*
 * The words of the command line and of the HTTP query (same words, same
 * values), and the cache key: a hash over everything that decides the bytes,
 * each field with its length before it. Lists are sorted, so that the order
 * in which a caller wrote them does not matter.
 */
#include "compiler/compiler.h"

#include "base/fs.h"
#include "base/json.h"
#include "compiler/planner.h"
#include "compiler/rewrites.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FORMAT "occamy-key-1"

static int set_target(struct compile_options *o, const char *value, struct err *e)
{
	size_t digits = strncmp(value, "sm_", 3) ? 0 : strspn(value + 3, "0123456789");

	if (digits < 2 || digits > 3 || value[3 + digits] || value[3] == '0') {
		fail(e, E_TARGET, "'%.40s' is not a target", value);
		return err_hint(e, "targets are written sm_NN, as in sm_87 (Jetson Orin)");
	}
	o->target = arena_strdup(o->arena, value);
	return 0;
}

static int set_precision(struct compile_options *o, const char *value, struct err *e)
{
	if (strcmp(value, "fp32"))
		return fail(e, E_USAGE, "precision '%.40s' is not known; known: fp32", value);
	o->precision = "fp32";
	return 0;
}

static int set_code(struct compile_options *o, const char *value, struct err *e)
{
	bool both = !strcmp(value, "both");

	if (!both && strcmp(value, "ptx"))
		return fail(e, E_USAGE, "code '%.40s' is not known; known: both, ptx", value);
	o->code = both ? "both" : "ptx";
	return 0;
}

/* ---- rewrites ---- */

const char *rewrite_name(enum rewrite r)
{
	static const char *const names[] = {
#define REWRITE(id, name, kind, what) name,
#include "compiler/rewrites.def"
#undef REWRITE
	};

	return names[r];
}

#define REWRITES_ALL ((1u << REWRITE_COUNT) - 1)

/* The names of the bits in `set`, commas between. */
static const char *rewrite_list(struct arena *a, uint32_t set)
{
	struct buf text = BUF_INIT;
	const char *list;

	for (uint32_t r = 0; r < REWRITE_COUNT; r++)
		if (set >> r & 1)
			buf_printf(&text, "%s%s", text.len ? "," : "", rewrite_name(r));
	list = arena_strdup(a, buf_str(&text));
	buf_release(&text);
	return list;
}

/* A comma list; "all" is each of them. */
static int set_off(struct compile_options *o, const char *value, struct err *e)
{
	char *list = arena_strdup(o->arena, value), *rest = list, *item;

	while ((item = strsep(&rest, ",")) != NULL) {
		uint32_t r = 0;

		while (r < REWRITE_COUNT && strcmp(rewrite_name(r), item))
			r++;
		if (r == REWRITE_COUNT && strcmp(item, "all"))
			return fail(e, E_USAGE,
				    "off: there is no rewrite '%.40s'; they are %s; all", item,
				    rewrite_list(o->arena, REWRITES_ALL));
		o->off |= r == REWRITE_COUNT ? REWRITES_ALL : 1u << r;
	}
	return 0;
}

/* ---- planners ---- */

static const struct {
	const char *name;
	uint32_t on;
} planners[] = {
#define PLANNER(id, name, on, what) {name, on},
#include "compiler/planners.def"
#undef PLANNER
};

static int set_planner(struct compile_options *o, const char *value, struct err *e)
{
	uint32_t p = 0;

	while (p < PLANNER_COUNT && strcmp(planners[p].name, value))
		p++;
	if (p == PLANNER_COUNT)
		return fail(e, E_USAGE,
			    "planner '%.40s' is not known; known: occamy, occamy23, greedy-size, "
			    "none",
			    value);
	o->planner = p;
	return 0;
}

static int set_weights(struct compile_options *o, const char *value, struct err *e)
{
	o->streamed = !strcmp(value, "streamed");
	if (!o->streamed && strcmp(value, "resident"))
		return fail(e, E_USAGE, "weights '%.40s' is not known; known: resident, streamed",
			    value);
	return 0;
}

/* ---- dims and binds ---- */

static int compare_dims(const void *a, const void *b)
{
	const struct dim_binding *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->axis > y->axis) - (x->axis < y->axis);
}

static int compare_binds(const void *a, const void *b)
{
	return strcmp(((const struct value_binding *)a)->name,
		      ((const struct value_binding *)b)->name);
}

/* "NAME=N" or "INPUT:AXIS=N"; the number follows the last '=', the axis the last ':'. */
static int parse_dim(struct arena *a, const char *text, struct dim_binding *d, struct err *e)
{
	const char *eq = strrchr(text, '='), *colon;
	char *name, *end;

	if (!eq || eq == text || !isdigit((unsigned char)eq[1]))
		return fail(e, E_USAGE, "dims: '%.100s' is not NAME=N or INPUT:AXIS=N", text);
	d->size = strtoll(eq + 1, &end, 10);
	if (*end || end - eq > 11 || d->size > INT32_MAX)
		return fail(e, E_USAGE, "dims: '%.100s' needs a size from 0 to 2147483647", text);
	name = arena_strndup(a, text, (size_t)(eq - text));
	colon = strrchr(name, ':');
	d->axis = -1;
	d->name = name;
	if (colon && isdigit((unsigned char)colon[1]) && strlen(colon + 1) < 4 &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
		d->axis = (int)strtol(colon + 1, NULL, 10);
		d->name = arena_strndup(a, name, (size_t)(colon - name));
	}
	return 0;
}

static int add_dims(struct compile_options *o, const char *value, struct err *e)
{
	char *list = arena_strdup(o->arena, value), *rest = list, *item;

	while ((item = strsep(&rest, ",")) != NULL) {
		struct dim_binding d = {0};

		if (parse_dim(o->arena, item, &d, e) < 0)
			return -1;
		for (uint32_t i = 0; i < o->ndims; i++)
			if (!compare_dims(&o->dims[i], &d))
				return fail(e, E_USAGE, "dims: '%.100s' is given twice", item);
		o->dims = GROW(o->arena, o->dims, o->ndims);
		o->dims[o->ndims++] = d;
	}
	qsort(o->dims, o->ndims, sizeof(*o->dims), compare_dims);
	return 0;
}

static int add_bind(struct compile_options *o, const char *value, struct err *e)
{
	const char *eq = strrchr(value, '=');
	struct value_binding b = {0};

	if (!eq || eq == value || !eq[1])
		return fail(e, E_USAGE, "bind: '%.100s' is not NAME=FILE", value);
	b.name = arena_strndup(o->arena, value, (size_t)(eq - value));
	b.path = arena_strdup(o->arena, eq + 1);
	for (uint32_t i = 0; i < o->nbinds; i++)
		if (!compare_binds(&o->binds[i], &b))
			return fail(e, E_USAGE, "bind: input '%.100s' is given twice", b.name);
	o->binds = GROW(o->arena, o->binds, o->nbinds);
	o->binds[o->nbinds++] = b;
	qsort(o->binds, o->nbinds, sizeof(*o->binds), compare_binds);
	return 0;
}

static const struct word {
	const char *name;
	int (*set)(struct compile_options *o, const char *value, struct err *e);
} words[] = {
	{"target", set_target},	      {"dims", add_dims},	{"bind", add_bind},
	{"precision", set_precision}, {"code", set_code},	{"off", set_off},
	{"planner", set_planner},     {"weights", set_weights},
};

void compile_options_init(struct compile_options *o, struct arena *a)
{
	*o = (struct compile_options){
		.arena = a, .target = "sm_87", .precision = "fp32", .code = "both"};
}

int compile_options_parse(struct compile_options *o, const char *word, const char *value,
			  struct err *e)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strcmp(words[i].name, word))
			return value ? words[i].set(o, value, e)
				     : fail(e, E_USAGE, "'%.40s' needs a value", word);
	return fail(e, E_USAGE, "'%.40s' is not known; known: %s", word, compile_options_words());
}

const char *compile_options_words(void)
{
	return "target, dims, bind, precision, code, off, planner, weights";
}

uint32_t compile_options_rewrites_off(const struct compile_options *o)
{
	return o->off | ~planners[o->planner].on;
}

const char *compile_options_planner(const struct compile_options *o)
{
	return planners[o->planner].name;
}

const char *compile_options_off(const struct compile_options *o)
{
	return rewrite_list(o->arena, o->off);
}

int compile_options_hash_binds(struct compile_options *o, struct err *e)
{
	for (uint32_t i = 0; i < o->nbinds; i++) {
		struct map m;

		if (fs_map(o->binds[i].path, &m, e) < 0)
			return -1;
		hash_bytes_hex(m.data, m.len, o->binds[i].digest);
		fs_unmap(&m);
	}
	return 0;
}

void compile_key(const struct compile_options *o, const char *model_hex,
		 const struct compile_identity *id, char out[SHA256_HEX])
{
	struct hash h;

	hash_init(&h);
	hash_str(&h, KEY_FORMAT);
	hash_str(&h, model_hex);
	hash_str(&h, o->target);
	hash_str(&h, o->precision);
	hash_str(&h, o->code);
	hash_str(&h, planners[o->planner].name);
	hash_int(&h, o->streamed);
	hash_int(&h, __builtin_popcount(o->off));
	for (uint32_t r = 0; r < REWRITE_COUNT; r++)
		if (o->off >> r & 1)
			hash_str(&h, rewrite_name(r));
	hash_int(&h, o->ndims);
	for (uint32_t i = 0; i < o->ndims; i++) {
		hash_str(&h, o->dims[i].name);
		hash_int(&h, o->dims[i].axis);
		hash_int(&h, o->dims[i].size);
	}
	hash_int(&h, o->nbinds);
	for (uint32_t i = 0; i < o->nbinds; i++) {
		hash_str(&h, o->binds[i].name);
		hash_str(&h, o->binds[i].digest);
	}
	hash_str(&h, id->build);
	hash_str(&h, id->nvrtc);
	hash_str(&h, id->passes);
	hash_hex(&h, out);
}

void compile_options_json(const struct compile_options *o, struct buf *out)
{
	struct json j = json_begin(out);

	json_open(&j, NULL, '{');
	json_str(&j, "target", o->target);
	json_str(&j, "precision", o->precision);
	json_str(&j, "code", o->code);
	json_str(&j, "planner", planners[o->planner].name);
	json_str(&j, "weights", o->streamed ? "streamed" : "resident");
	json_open(&j, "off", '[');
	for (uint32_t r = 0; r < REWRITE_COUNT; r++)
		if (o->off >> r & 1)
			json_str(&j, NULL, rewrite_name(r));
	json_close(&j, ']');
	json_open(&j, "dims", '{');
	for (uint32_t i = 0; i < o->ndims; i++) {
		const struct dim_binding *d = &o->dims[i];
		const char *key =
			d->axis < 0 ? d->name : arena_printf(o->arena, "%s:%d", d->name, d->axis);

		json_int(&j, key, d->size);
	}
	json_close(&j, '}');
	json_open(&j, "bind", '{');
	for (uint32_t i = 0; i < o->nbinds; i++)
		json_str(&j, o->binds[i].name, o->binds[i].digest);
	json_close(&j, '}');
	json_close(&j, '}');
}
