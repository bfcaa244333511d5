/*
 * Pack: the planned and compiled graph becomes an artifact: manifest
 * members, the plan (tensors with their regions and steps, kernels,
 * launches with their arguments), the code and the weights. Needs emit.
 * runtime/README.md has the formats.
 */
#include "base/json.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "runtime/artifact.h"

#include <string.h>

#define CODE_ALIGN 16

struct code_place { /* in the code blob */
	uint64_t ptx, cubin;
};

static void pack_code(const struct graph *g, struct buf *blob, struct code_place *place)
{
	for (uint32_t i = 0; i < g->ncode; i++) {
		const struct code *c = &g->code[i];

		place[i].ptx = blob->len;
		buf_append(blob, c->ptx, c->ptx_bytes);
		buf_zeros(blob, round_up(blob->len, CODE_ALIGN) - blob->len);
		place[i].cubin = blob->len;
		buf_append(blob, c->cubin, c->cubin_bytes);
		buf_zeros(blob, round_up(blob->len, CODE_ALIGN) - blob->len);
	}
}

static void pack_weights(const struct graph *g, struct buf *blob)
{
	buf_zeros(blob, g->weights_bytes);
	for (uint32_t i = 0; i < g->nweight; i++) {
		const struct weight *w = &g->weight[i];

		CHECK(w->offset + w->bytes <= blob->len);
		if (w->bytes)
			memcpy(blob->data + w->offset, w->data, w->bytes);
	}
}

/* Steps are launches; a node without launches (a view) counts as the next one that has. */
static uint32_t step_first(const struct graph *g, uint32_t node)
{
	return node < g->nnode ? MIN(g->node[node].launch, g->nlaunch) : g->nlaunch;
}

static uint32_t step_last(const struct graph *g, uint32_t node)
{
	const struct node *n;

	if (node >= g->nnode)
		return g->nlaunch;
	n = &g->node[node];
	return n->nlaunch ? n->launch + n->nlaunch - 1 : n->launch;
}

static void put_dims(struct json *j, const struct type *t)
{
	json_open(j, "shape", '[');
	for (int i = 0; i < t->rank; i++)
		json_int(j, NULL, t->dim[i]);
	json_close(j, ']');
}

/* Who makes it, with how many launches from step "first" on; a graph input comes from nobody. */
static void put_maker(const struct graph *g, struct json *j, const struct val *v)
{
	const struct node *n = v->def ? &g->node[v->def - 1] : NULL;

	json_str(j, "node", n ? n->name : "");
	json_str(j, "op", n ? node_op(n) : "");
	json_int(j, "made", n ? n->nlaunch : 0);
}

static void put_tensor(const struct graph *g, struct json *j, const struct val *v)
{
	uint64_t item = (uint64_t)val_item(v) * dtype_size(v->type.dt), all = val_bytes(v);
	uint64_t rows = item ? all / item : 0;
	bool dense = rows < 2 || (uint64_t)v->pitch == (uint64_t)val_item(v);

	json_open(j, NULL, '{');
	json_str(j, "name", v->name);
	json_str(j, "dtype", dtype_name(v->type.dt));
	put_dims(j, &v->type);
	json_str(j, "layout", v->layout == BLOCKED ? "blocked8" : "plain");
	json_int(j, "offset", (int64_t)(g->slot[v->slot].offset + v->off));
	json_int(j, "pitch", dense ? 0 : v->pitch * (int64_t)dtype_size(v->type.dt));
	json_int(j, "width", (int64_t)(dense ? all : item));
	json_int(j, "rows", dense ? 1 : (int64_t)rows);
	json_int(j, "first", v->input ? 0 : step_first(g, v->first));
	json_int(j, "last", v->output ? g->nlaunch : step_last(g, v->last));
	put_maker(g, j, v);
	json_close(j, '}');
}

static void put_kernels(const struct graph *g, struct json *j, const struct code_place *place)
{
	json_open(j, "kernels", '[');
	for (uint32_t i = 0; i < g->ncode; i++) {
		const struct code *c = &g->code[i];

		json_open(j, NULL, '{');
		json_str(j, "entry", c->entry);
		json_open(j, "ptx", '[');
		json_int(j, NULL, (int64_t)place[i].ptx);
		json_int(j, NULL, (int64_t)c->ptx_bytes);
		json_close(j, ']');
		json_open(j, "cubin", '[');
		json_int(j, NULL, (int64_t)place[i].cubin);
		json_int(j, NULL, (int64_t)c->cubin_bytes);
		json_close(j, ']');
		if (c->cubin_bytes) {
			json_int(j, "registers", c->registers);
			json_int(j, "spill_bytes", c->spill_bytes);
			json_int(j, "shared_bytes", c->shared_bytes);
		}
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_triple(struct json *j, const char *key, const uint32_t v[3])
{
	json_open(j, key, '[');
	for (int i = 0; i < 3; i++)
		json_int(j, NULL, v[i]);
	json_close(j, ']');
}

static void put_arg(const struct graph *g, struct json *j, const struct launch *l,
		    const struct karg *k)
{
	uint64_t at = k->offset;

	if (k->kind == KARG_WEIGHT)
		at += g->weight[k->weight].offset;
	else if (k->kind == KARG_SCRATCH)
		at += g->slot[g->node[l->node].scratch].offset;
	else
		at += g->slot[g->val[k->val].slot].offset + g->val[k->val].off;
	json_open(j, NULL, '[');
	json_str(j, NULL, k->kind == KARG_WEIGHT ? "w" : "a");
	json_int(j, NULL, (int64_t)at);
	json_int(j, NULL, k->rows ? (int64_t)((k->rows - 1) * k->pitch + k->width) : 0);
	json_close(j, ']');
}

static void put_launches(const struct graph *g, struct json *j)
{
	json_open(j, "launches", '[');
	for (uint32_t i = 0; i < g->nlaunch; i++) {
		const struct launch *l = &g->launch[i];

		json_open(j, NULL, '{');
		json_int(j, "kernel", l->code);
		put_triple(j, "grid", l->grid);
		put_triple(j, "block", l->block);
		json_int(j, "shared", l->shared);
		json_str(j, "node", g->node[l->node].name);
		json_str(j, "op", node_op(&g->node[l->node]));
		json_open(j, "args", '[');
		for (uint32_t k = 0; k < l->nargs; k++)
			put_arg(g, j, l, &l->arg[k]);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void pack_plan(const struct graph *g, const struct code_place *place, struct buf *out)
{
	struct json j = json_begin(out);

	json_open(&j, NULL, '{');
	json_int(&j, "format", 1);
	json_int(&j, "arena_bytes", (int64_t)g->arena_bytes);
	json_int(&j, "weights_bytes", (int64_t)g->weights_bytes);
	json_int(&j, "steps", g->nlaunch);
	json_open(&j, "tensors", '[');
	for (uint32_t i = 1; i < g->nval; i++)
		if (g->val[i].slot && g->val[i].type.dt != DT_NONE)
			put_tensor(g, &j, &g->val[i]);
	json_close(&j, ']');
	put_kernels(g, &j, place);
	put_launches(g, &j);
	json_close(&j, '}');
}

static void put_io(const struct graph *g, struct json *j, const char *key, const val_id *id,
		   uint32_t n)
{
	json_open(j, key, '[');
	for (uint32_t i = 0; i < n; i++) {
		const struct val *v = &g->val[id[i]];

		CHECK(v->layout == PLAIN && !val_is_const(v));
		json_open(j, NULL, '{');
		json_str(j, "name", v->name);
		json_str(j, "dtype", dtype_name(v->type.dt));
		put_dims(j, &v->type);
		json_int(j, "offset", (int64_t)(g->slot[v->slot].offset + v->off));
		json_int(j, "bytes", (int64_t)type_bytes(&v->type));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_metadata(const struct graph *g, struct json *j)
{
	json_open(j, "metadata", '{');
	for (uint32_t i = 0; i < g->nmeta; i++)
		json_str(j, g->meta[i].key, g->meta[i].value);
	json_close(j, '}');
}

static int64_t io_bytes(const struct graph *g, const val_id *id, uint32_t n)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (int64_t)type_bytes(&g->val[id[i]].type);
	return sum;
}

void pack_sizes(const struct graph *g, struct json *j)
{
	int64_t modules = 0;

	for (uint32_t i = 0; i < g->ncode; i++)
		modules += (int64_t)g->code[i].cubin_bytes;
	json_int(j, "arena_bytes", (int64_t)g->arena_bytes);
	json_int(j, "arena_lower_bound_bytes", (int64_t)g->lower_bound);
	json_int(j, "weights_bytes", (int64_t)g->weights_bytes);
	json_int(j, "input_bytes", io_bytes(g, g->input, g->ninput));
	json_int(j, "output_bytes", io_bytes(g, g->output, g->noutput));
	json_int(j, "device_bytes", (int64_t)(g->weights_bytes + g->arena_bytes));
	json_int(j, "module_bytes", modules);
	json_int(j, "launches", g->nlaunch);
	json_int(j, "kernels", g->ncode);
	json_str(j, "certificate", g->certificate ? g->certificate : "");
	json_str(j, "order", g->order_certificate ? g->order_certificate : "");
}

/* Members of the manifest before "blobs", without the braces. */
static void put_fields(const struct graph *g, const struct pack_options *o, struct buf *out)
{
	struct json j = json_begin(out);
	struct buf options = BUF_INIT;

	compile_options_json(o->options, &options);
	json_int(&j, "format", 1);
	json_str(&j, "key", o->key);
	json_str(&j, "name", g->name ? g->name : "");
	json_str(&j, "target", o->options->target);
	json_str(&j, "precision", o->options->precision);
	json_str(&j, "compiler", o->build);
	json_str(&j, "toolchain", o->emit->toolchain);
	json_raw(&j, "options", buf_str(&options));
	put_io(g, &j, "inputs", g->input, g->ninput);
	put_io(g, &j, "outputs", g->output, g->noutput);
	pack_sizes(g, &j);
	put_metadata(g, &j);
	buf_release(&options);
}

int pass_pack(const struct graph *g, const struct pack_options *o, const char *path, struct err *e)
{
	struct code_place *place = NEW(g->arena, g->ncode + 1, struct code_place);
	struct buf fields = BUF_INIT, plan = BUF_INIT, code = BUF_INIT, weights = BUF_INIT,
		   svg = BUF_INIT;
	int ret;

	pack_code(g, &code, place);
	pack_weights(g, &weights);
	pack_plan(g, place, &plan);
	plan_svg(g, &svg);
	put_fields(g, o, &fields);
	const struct artifact_blob blobs[] = {
		{"plan", buf_span(&plan)},
		{"code", buf_span(&code)},
		{"plan.svg", buf_span(&svg)},
		{"weights", buf_span(&weights)},
	};
	ret = artifact_write(path, buf_str(&fields), blobs, COUNT_OF(blobs), e);
	buf_release(&fields);
	buf_release(&plan);
	buf_release(&code);
	buf_release(&weights);
	buf_release(&svg);
	return ret;
}
