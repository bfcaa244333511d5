/*
 * Pack: the planned and compiled graph becomes an artifact: manifest
 * members, the plan (tensors with their regions and steps, kernels,
 * launches with their arguments) as check has proved it, the code and the weights. Needs emit.
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

static void put_dims(struct json *j, const int64_t *dim, uint32_t rank)
{
	json_open(j, "shape", '[');
	for (uint32_t i = 0; i < rank; i++)
		json_int(j, NULL, dim[i]);
	json_close(j, ']');
}

static void put_shared(struct json *j, const struct artifact_value *v)
{
	if (v->view_of >= 0) {
		json_open(j, "view", '[');
		json_int(j, NULL, v->view_of);
		json_int(j, NULL, (int64_t)v->view_at);
		json_close(j, ']');
	}
	if (v->nparts) {
		json_int(j, "axis", v->axis);
		json_open(j, "parts", '[');
		for (uint32_t k = 0; k < v->nparts; k++)
			json_int(j, NULL, v->parts[k]);
		json_close(j, ']');
	}
}

static void put_tensor(struct json *j, const struct artifact_value *v)
{
	static const char *const roles[] = {[VALUE_INPUT] = "input", [VALUE_OUTPUT] = "output"};

	json_open(j, NULL, '{');
	json_str(j, "name", v->name);
	json_str(j, "dtype", v->dtype);
	put_dims(j, v->shape, v->rank);
	json_str(j, "layout", v->blocked ? "blocked8" : "plain");
	json_int(j, "offset", (int64_t)v->offset);
	json_int(j, "pitch", (int64_t)v->pitch);
	json_int(j, "width", (int64_t)v->width);
	json_int(j, "rows", (int64_t)v->rows);
	json_int(j, "first", v->first);
	json_int(j, "last", v->last);
	json_str(j, "node", v->node);
	json_str(j, "op", v->op);
	json_int(j, "made", v->made);
	if (v->role != VALUE_INNER)
		json_str(j, "graph", roles[v->role]);
	put_shared(j, v);
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

static void put_arg(struct json *j, const struct artifact_arg *arg)
{
	static const char *const access[] = {"", "r", "w", "rw"};

	json_open(j, NULL, '[');
	json_str(j, NULL, arg->space == ARG_ARENA ? "a" : "w");
	json_int(j, NULL, (int64_t)arg->offset);
	json_int(j, NULL, (int64_t)arg->bytes);
	if (arg->space == ARG_ARENA) {
		json_str(j, NULL, access[arg->access]);
		json_int(j, NULL, arg->value);
		json_int(j, NULL, (int64_t)arg->rows);
		json_int(j, NULL, (int64_t)arg->pitch);
	}
	json_close(j, ']');
}

static void put_over(struct json *j, const struct artifact_launch *l)
{
	if (!l->nover)
		return;
	json_open(j, "over", '[');
	for (uint32_t k = 0; k < l->nover; k++) {
		json_open(j, NULL, '[');
		json_int(j, NULL, l->over[k].arg);
		json_int(j, NULL, l->over[k].value);
		json_close(j, ']');
	}
	json_close(j, ']');
}

static void put_launches(const struct graph *g, struct json *j)
{
	json_open(j, "launches", '[');
	for (uint32_t i = 0; i < g->nlaunch; i++) {
		const struct artifact_launch *l = &g->shipped->launches[i];

		json_open(j, NULL, '{');
		json_int(j, "kernel", g->launch[i].code);
		put_triple(j, "grid", l->grid);
		put_triple(j, "block", l->block);
		json_int(j, "shared", l->shared);
		json_str(j, "node", l->node);
		json_str(j, "op", l->op);
		json_open(j, "args", '[');
		for (uint32_t k = 0; k < l->nargs; k++)
			put_arg(j, &l->args[k]);
		json_close(j, ']');
		put_over(j, l);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void pack_plan(const struct graph *g, const struct code_place *place, struct buf *out)
{
	struct json j = json_begin(out);

	json_open(&j, NULL, '{');
	json_int(&j, "format", ARTIFACT_PLAN_FORMAT);
	json_int(&j, "arena_bytes", (int64_t)g->arena_bytes);
	json_int(&j, "weights_bytes", (int64_t)g->weights_bytes);
	json_int(&j, "steps", g->nlaunch);
	json_open(&j, "tensors", '[');
	for (uint32_t i = 0; i < g->shipped->nvalues; i++)
		put_tensor(&j, &g->shipped->values[i]);
	json_close(&j, ']');
	put_kernels(g, &j, place);
	put_launches(g, &j);
	json_close(&j, '}');
}

static void put_io(struct json *j, const char *key, const struct artifact_tensor *t, uint32_t n)
{
	json_open(j, key, '[');
	for (uint32_t i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_str(j, "name", t[i].name);
		json_str(j, "dtype", t[i].dtype);
		put_dims(j, t[i].shape, t[i].rank);
		json_int(j, "offset", (int64_t)t[i].offset);
		json_int(j, "bytes", (int64_t)t[i].bytes);
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
	put_io(&j, "inputs", g->shipped->inputs, g->ninput);
	put_io(&j, "outputs", g->shipped->outputs, g->noutput);
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
