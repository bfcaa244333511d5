/*
 * Building the graph and asking it. Nodes and values are only ever added;
 * nodes marked dead leave with graph_compact, values stay (an unused value
 * has no definition and nobody reads it).
 */
#include "compiler/ir.h"

#include "compiler/ops/op.h"

#include <string.h>

/* ---- data types ---- */

static const struct dtype_row {
	const char *name;
	uint8_t size;
	int8_t onnx; /* TensorProto.DataType */
} dtypes[DT_COUNT] = {
	[DT_NONE] = {"?", 0, 0},  [F32] = {"f32", 4, 1},   [F16] = {"f16", 2, 10},
	[BF16] = {"bf16", 2, 16}, [F64] = {"f64", 8, 11},  [I8] = {"i8", 1, 3},
	[I16] = {"i16", 2, 5},	  [I32] = {"i32", 4, 6},   [I64] = {"i64", 8, 7},
	[U8] = {"u8", 1, 2},	  [U16] = {"u16", 2, 4},   [U32] = {"u32", 4, 12},
	[U64] = {"u64", 8, 13},	  [BOOL] = {"bool", 1, 9},
};

const char *dtype_name(enum dtype dt)
{
	return dtypes[dt].name;
}

size_t dtype_size(enum dtype dt)
{
	return dtypes[dt].size;
}

enum dtype dtype_parse(const char *name)
{
	for (int i = DT_NONE + 1; i < DT_COUNT; i++)
		if (!strcmp(dtypes[i].name, name))
			return (enum dtype)i;
	return DT_NONE;
}

enum dtype dtype_from_onnx(int32_t data_type)
{
	for (int i = DT_NONE + 1; i < DT_COUNT; i++)
		if (dtypes[i].onnx == data_type)
			return (enum dtype)i;
	return DT_NONE;
}

/* ---- types ---- */

bool type_count_ok(const struct type *t, int64_t *count)
{
	bool ok = true, zero = false;

	*count = 1;
	for (int i = 0; i < t->rank; i++) {
		if (t->dim[i] < 0)
			return false;
		if (!t->dim[i])
			zero = true;
		else
			ok = ok && mul_ok(*count, t->dim[i], count);
	}
	if (zero)
		*count = 0;
	return ok && *count <= INT64_MAX / 8;
}

int64_t type_count(const struct type *t)
{
	int64_t n;

	CHECK(type_count_ok(t, &n));
	return n;
}

uint64_t type_bytes(const struct type *t)
{
	return (uint64_t)type_count(t) * dtype_size(t->dt);
}

bool type_equal(const struct type *a, const struct type *b)
{
	if (a->dt != b->dt || a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank && i < RANK_MAX; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

void type_print(struct buf *out, const struct type *t)
{
	buf_puts(out, dtype_name(t->dt));
	buf_puts(out, t->rank == RANK_UNKNOWN ? "[*" : "[");
	for (int i = 0; i < t->rank && i < RANK_MAX && t->rank != RANK_UNKNOWN; i++) {
		if (t->dim[i] < 0)
			buf_printf(out, "%s?", i ? "," : "");
		else
			buf_printf(out, "%s%lld", i ? "," : "", (long long)t->dim[i]);
	}
	buf_puts(out, "]");
}

const char *type_text(struct arena *a, const struct type *t)
{
	struct buf b = BUF_INIT;
	const char *s;

	type_print(&b, t);
	s = arena_strdup(a, buf_str(&b));
	buf_release(&b);
	return s;
}

/* ---- graph ---- */

struct graph *graph_open(void)
{
	struct arena *a = arena_open(0);
	struct graph *g = NEW(a, 1, struct graph);

	g->arena = a;
	g->name = "";
	g->val = GROW(a, g->val, 0);
	g->nval = 1;
	g->slot = GROW(a, g->slot, 0);
	g->nslot = 1;
	return g;
}

void graph_close(struct graph *g)
{
	if (g)
		arena_close(g->arena);
}

val_id val_add(struct graph *g, const char *name, const struct type *t)
{
	struct val *v;

	g->val = GROW(g->arena, g->val, g->nval);
	v = &g->val[g->nval];
	*v = (struct val){.name = name && *name ? arena_strdup(g->arena, name) : ""};
	if (t)
		v->type = *t;
	return g->nval++;
}

val_id val_const(struct graph *g, const char *name, const struct type *t, const void *data)
{
	val_id id = val_add(g, name, t);

	/* a constant of no elements has data, too: it is what tells constants apart */
	g->val[id].data = data ? data : arena_alloc(g->arena, 16);
	return id;
}

struct node *node_add(struct graph *g, const struct op *op, const char *name, uint32_t nin,
		      uint32_t nout)
{
	struct node *n;

	g->node = GROW(g->arena, g->node, g->nnode);
	n = &g->node[g->nnode++];
	*n = (struct node){.op = op,
			   .name = name && *name ? arena_strdup(g->arena, name) : "",
			   .version = g->opset,
			   .nin = nin,
			   .nout = nout,
			   .nmain = nin};
	n->in = NEW(g->arena, nin, val_id);
	n->out = NEW(g->arena, nout, val_id);
	if (op && op->attr_size)
		n->attr = arena_alloc(g->arena, op->attr_size);
	return n;
}

struct node *node_insert(struct graph *g, uint32_t at, const struct op *op, const char *name,
			 uint32_t nin, uint32_t nout)
{
	struct node made = *node_add(g, op, name, nin, nout);

	CHECK(at < g->nnode);
	memmove(&g->node[at + 1], &g->node[at], (g->nnode - 1 - at) * sizeof(made));
	g->node[at] = made;
	for (val_id v = 1; v < g->nval; v++)
		g->val[v].def += g->val[v].def > at;
	return &g->node[at];
}

void node_set_out(struct graph *g, struct node *n, uint32_t k, val_id v)
{
	CHECK(k < n->nout && v < g->nval);
	n->out[k] = v;
	if (v)
		g->val[v].def = (uint32_t)(n - g->node) + 1;
}

void graph_compact(struct graph *g)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *n = &g->node[i];
		uint32_t def = n->dead ? 0 : kept + 1;

		for (uint32_t k = 0; k < n->nout; k++)
			/* a live node before this one may have taken the value over */
			if (n->out[k] && g->val[n->out[k]].def == i + 1)
				g->val[n->out[k]].def = def;
		if (!n->dead)
			g->node[kept++] = *n;
	}
	g->nnode = kept;
}

void graph_replace(struct graph *g, val_id from, val_id to)
{
	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin; k++)
			if (g->node[i].in[k] == from)
				g->node[i].in[k] = to;
	for (uint32_t i = 0; i < g->noutput; i++)
		if (g->output[i] == from)
			g->output[i] = to;
	g->val[to].output |= g->val[from].output;
	g->val[from].output = false;
}

uint32_t *graph_uses(const struct graph *g, struct arena *a)
{
	uint32_t *uses = NEW(a, g->nval, uint32_t);

	for (uint32_t i = 0; i < g->nnode; i++)
		for (uint32_t k = 0; k < g->node[i].nin && !g->node[i].dead; k++)
			uses[g->node[i].in[k]]++;
	for (uint32_t i = 0; i < g->noutput; i++)
		uses[g->output[i]]++;
	uses[0] = 0;
	return uses;
}

/* ---- storage of a value ---- */

int64_t val_item(const struct val *v)
{
	const struct type *t = &v->type;
	int64_t n = 1;

	for (int i = 1; i < t->rank; i++) {
		int64_t d = t->dim[i];

		if (i == 1 && v->layout == BLOCKED)
			d = div_up(d, BLOCK) * BLOCK;
		CHECK(mul_ok(n, d, &n));
	}
	return n;
}

uint64_t val_bytes(const struct val *v)
{
	int64_t n = v->type.rank ? v->type.dim[0] : 1;

	CHECK(mul_ok(n, val_item(v), &n));
	return (uint64_t)n * dtype_size(v->type.dt);
}

/* ---- the model's own declarations ---- */

static bool shape_agrees(const struct type *found, const struct type *said)
{
	if (said->rank == RANK_UNKNOWN)
		return true;
	if (found->rank != said->rank)
		return false;
	for (int i = 0; i < said->rank; i++)
		if (said->dim[i] >= 0 && said->dim[i] != found->dim[i])
			return false;
	return true;
}

int graph_check_declared(const struct graph *g, struct err *e)
{
	for (uint32_t i = 0; i < g->ndeclared; i++) {
		const struct declared *d = &g->declared[i];
		const struct val *v = &g->val[d->val];
		enum err_code code = E_OK;

		if (v->type.dt == DT_NONE)
			continue; /* dead: never typed */
		if (d->type.dt != DT_NONE && d->type.dt != v->type.dt)
			code = E_TYPE;
		else if (!shape_agrees(&v->type, &d->type))
			code = E_SHAPE_CONFLICT;
		if (code != E_OK) {
			fail(e, code, "'%s' is declared %s, but computed %s", v->name,
			     type_text(g->arena, &d->type), type_text(g->arena, &v->type));
			return err_tensor(e, v->name);
		}
	}
	return 0;
}
