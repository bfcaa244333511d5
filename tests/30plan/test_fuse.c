/*
 * Random models, evaluated node by node with the operators' plain references
 * before fusion, and again after fuse and after order. Heads and tails are evaluated
 * step by step, each operand gathered through its access. The numbers must be
 * the same bits, whichever rewrites are off; only where constants went into
 * weights they may differ in rounding. Counts nodes, so that fusion that does
 * nothing is noticed. With words DIR COUNT it writes such models with input
 * and outputs instead, for 90e2e/test_random.py.
 */
#include "base/fs.h"
#include "compiler/access.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/rewrites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 11;
static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % below);
}

/* ---- random models as text ---- */

#define VALUES_MAX 40

struct model {
	struct buf text, body;
	uint32_t nval, nconst;
	struct type type[VALUES_MAX];
	bool read[VALUES_MAX];
	bool hidden[VALUES_MAX]; /* read by the next node and nobody else */
	bool convs, folds;	 /* constants may have gone into weights */
};

static void put_const(struct model *m, const struct type *t)
{
	int64_t count = type_count(t);

	buf_printf(&m->text, "%%c%u = const ", m->nconst++);
	type_print(&m->text, t);
	buf_puts(&m->text, " {");
	for (int64_t i = 0; i < count; i++)
		buf_printf(&m->text, "%s%d.%u", i ? ", " : "", (int)draw(3) - 1, 1 + draw(9));
	buf_puts(&m->text, "}\n");
}

static void put_ints(struct model *m, const int64_t *v, int n)
{
	buf_printf(&m->text, "%%c%u = const i64[%d] {", m->nconst++, n);
	for (int i = 0; i < n; i++)
		buf_printf(&m->text, "%s%lld", i ? ", " : "", (long long)v[i]);
	buf_puts(&m->text, "}\n");
}

static uint32_t new_value(struct model *m, const struct type *t)
{
	m->type[m->nval] = *t;
	return m->nval++;
}

static uint32_t pick(struct model *m, int rank)
{
	for (int i = 0; i < 30; i++) {
		uint32_t v = m->nval - 1 - draw(MIN(m->nval, 4));

		if (!m->hidden[v] && (!rank || m->type[v].rank == rank)) {
			m->read[v] = true;
			return v;
		}
	}
	return VALUES_MAX;
}

static struct type f32(int rank, const int64_t *dim)
{
	struct type t = {.dt = F32, .rank = (uint8_t)rank};

	memcpy(t.dim, dim, (size_t)rank * sizeof(*dim));
	return t;
}

static void make_conv(struct model *m)
{
	uint32_t x = pick(m, 4), out = 1 + draw(4), k = 1 + 2 * draw(2);
	struct type t, w;

	if (x == VALUES_MAX || m->type[x].dim[2] * m->type[x].dim[3] > 64)
		return;
	t = m->type[x];
	w = f32(4, (int64_t[]){out, t.dim[1], k, k});
	if (type_count(&w) > 60)
		return;
	m->convs = true;
	put_const(m, &w);
	t.dim[1] = out;
	buf_printf(&m->body, "%%v%u = Conv %%v%u %%c%u {pads=[%u,%u,%u,%u]}\n", new_value(m, &t), x,
		   m->nconst - 1, k / 2, k / 2, k / 2, k / 2);
}

static void make_matmul(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type t = m->type[x], w;
	int64_t n = 1 + draw(6), k = t.dim[t.rank - 1];

	w = f32(2, (int64_t[]){k, n});
	if (t.rank < 2 || k * n > 60)
		return;
	put_const(m, &w);
	m->convs = true;
	t.dim[t.rank - 1] = n;
	buf_printf(&m->body, "%%v%u = MatMul %%v%u %%c%u\n", new_value(m, &t), x, m->nconst - 1);
}

static void make_unary(struct model *m)
{
	static const char *const ops[] = {"Relu", "Tanh", "Neg", "Abs", "HardSigmoid", "Sigmoid"};
	uint32_t x = pick(m, 0);

	buf_printf(&m->body, "%%v%u = %s %%v%u\n", new_value(m, &m->type[x]),
		   ops[draw(COUNT_OF(ops))], x);
}

/* With another value of the shape, or a constant that broadcasts. */
static void make_binary(struct model *m)
{
	static const char *const ops[] = {"Add", "Mul", "Sub", "Max"};
	uint32_t x = pick(m, 0), y = pick(m, 0);
	struct type t = m->type[x];
	const char *op = ops[draw(COUNT_OF(ops))];

	if (draw(2) && shape_equal(&t, &m->type[y])) {
		buf_printf(&m->body, "%%v%u = %s %%v%u %%v%u\n", new_value(m, &t), op, x, y);
		return;
	}
	for (int i = 0; i < t.rank; i++) /* one number, per channel, or whatever */
		if (draw(3) && (i != 1 || draw(2)))
			t.dim[i] = 1;
	if (type_count(&t) > 60)
		return;
	put_const(m, &t);
	m->folds = m->folds || m->convs;
	if (draw(2))
		buf_printf(&m->body, "%%v%u = %s %%v%u %%c%u\n", m->nval, op, x, m->nconst - 1);
	else
		buf_printf(&m->body, "%%v%u = %s %%c%u %%v%u\n", m->nval, op, m->nconst - 1, x);
	new_value(m, &m->type[x]);
}

static void make_transpose(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type t = m->type[x];
	int perm[RANK_MAX] = {0};

	for (int i = 0; i < t.rank; i++) {
		int at = (int)draw((uint32_t)i + 1);

		perm[i] = perm[at];
		perm[at] = i;
	}
	buf_printf(&m->body, "%%v%u = Transpose %%v%u {perm=[", m->nval, x);
	for (int i = 0; i < t.rank; i++) {
		t.dim[i] = m->type[x].dim[perm[i]];
		buf_printf(&m->body, "%s%d", i ? "," : "", perm[i]);
	}
	buf_puts(&m->body, "]}\n");
	new_value(m, &t);
}

static void make_reshape(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type from = m->type[x], t = {.dt = F32};

	for (int i = 0; i < from.rank; i++) /* neighbours join, ones come in */
		if (t.rank && draw(3) == 0)
			t.dim[t.rank - 1] *= from.dim[i];
		else
			t.dim[t.rank++] = from.dim[i];
	if (t.rank < 4 && draw(2)) {
		t.dim[t.rank] = 1;
		t.rank++;
	}
	put_ints(m, t.dim, t.rank);
	buf_printf(&m->body, "%%v%u = Reshape %%v%u %%c%u\n", m->nval, x, m->nconst - 1);
	new_value(m, &t);
}

static void make_slice(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type t = m->type[x];
	int64_t axis = draw(t.rank), dim = t.dim[axis], start = draw((uint32_t)dim);
	bool back = draw(4) == 0;
	int64_t length = 1 + draw((uint32_t)(back ? start + 1 : dim - start));
	int64_t end = back ? start - length : start + length, step = back ? -1 : 1;

	if (back && end < 0)
		end = -dim - 1;
	put_ints(m, &start, 1);
	put_ints(m, &end, 1);
	put_ints(m, &axis, 1);
	put_ints(m, &step, 1);
	t.dim[axis] = length;
	buf_printf(&m->body, "%%v%u = Slice %%v%u %%c%u %%c%u %%c%u %%c%u\n", m->nval, x,
		   m->nconst - 4, m->nconst - 3, m->nconst - 2, m->nconst - 1);
	new_value(m, &t);
}

static void make_split(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type t = m->type[x];
	uint32_t axis = draw(t.rank);

	if (t.dim[axis] % 2)
		return;
	t.dim[axis] /= 2;
	buf_printf(&m->body, "%%v%u, %%v%u = Split %%v%u {axis=%u}\n", m->nval, m->nval + 1, x,
		   axis);
	new_value(m, &t);
	new_value(m, &t);
}

static void make_concat(struct model *m)
{
	uint32_t x = pick(m, 0), y = pick(m, 0), axis;
	struct type t = m->type[x];

	axis = draw(t.rank);
	if (!shape_equal(&t, &m->type[y]) || t.dim[axis] > 8)
		return;
	t.dim[axis] *= 2;
	buf_printf(&m->body, "%%v%u = Concat %%v%u %%v%u {axis=%u}\n", m->nval, x, y, axis);
	new_value(m, &t);
}

/* LayerNorm's shape: something reduced, then broadcast back. */
static void make_reduced(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type t = m->type[x];
	uint32_t axis = draw(t.rank);

	t.dim[axis] = 1;
	buf_printf(&m->body, "%%v%u = ReduceMean %%v%u {axes=[%u], keepdims=1}\n", m->nval, x,
		   axis);
	buf_printf(&m->body, "%%v%u = Sub %%v%u %%v%u\n", m->nval + 1, x, m->nval);
	m->read[new_value(m, &t)] = true;
	new_value(m, &m->type[x]);
}

static void make_other(struct model *m)
{
	uint32_t x = pick(m, 0);
	struct type t = m->type[x];

	switch (draw(4)) {
	case 0:
		buf_printf(&m->body, "%%v%u = Identity %%v%u\n", m->nval, x);
		break;
	case 1:
		buf_printf(&m->body, "%%v%u = Softmax %%v%u {axis=-1}\n", m->nval, x);
		break;
	case 2:
		if (t.rank != 4)
			return;
		t.dim[2] = t.dim[3] = 1;
		buf_printf(&m->body, "%%v%u = GlobalAveragePool %%v%u\n", m->nval, x);
		break;
	default:
		if (t.rank != 4 || t.dim[2] > 6)
			return;
		put_ints(m, (int64_t[]){0, 0, 1, 0, 0, 0, 0, 2}, 8);
		t.dim[2] += 1;
		t.dim[3] += 2;
		buf_printf(&m->body, "%%v%u = Pad %%v%u %%c%u\n", m->nval, x, m->nconst - 1);
		m->hidden[new_value(m, &t)] = true; /* only a window takes it over */
		buf_printf(&m->body,
			   "%%v%u = AveragePool %%v%u {kernel_shape=[2,1], count_include_pad=1}\n",
			   m->nval, m->nval - 1);
		t.dim[2] -= 1;
		break;
	}
	new_value(m, &t);
}

static void make_norm(struct model *m)
{
	uint32_t x = pick(m, 4);
	struct type t;
	int64_t c;

	if (x == VALUES_MAX)
		return;
	c = m->type[x].dim[1];
	t = f32(1, &c);
	for (int i = 0; i < 3; i++)
		put_const(m, &t);
	buf_printf(&m->text, "%%c%u = const f32[%lld] {", m->nconst++, (long long)c);
	for (int64_t i = 0; i < c; i++)
		buf_printf(&m->text, "%s%u.5", i ? ", " : "", draw(3));
	buf_puts(&m->text, "}\n");
	m->folds = true; /* two steps round twice */
	buf_printf(&m->body, "%%v%u = BatchNormalization %%v%u %%c%u %%c%u %%c%u %%c%u\n", m->nval,
		   x, m->nconst - 4, m->nconst - 3, m->nconst - 2, m->nconst - 1);
	new_value(m, &m->type[x]);
}

static void random_model(struct model *m)
{
	static void (*const make[])(struct model *) = {
		make_conv,    make_conv,  make_unary,	  make_unary, make_binary,  make_binary,
		make_binary,  make_norm,  make_slice,	  make_split, make_reshape, make_concat,
		make_reduced, make_other, make_transpose, make_matmul};
	struct type x = f32(4, (int64_t[]){1 + draw(2), 1 + draw(4), 1 + draw(4), 2 + draw(4)});
	uint32_t want = 3 + draw(20), outputs = 0;

	new_value(m, &x);
	buf_puts(&m->text, "graph \"random\" opset 13\n%v0 = input ");
	type_print(&m->text, &x);
	buf_puts(&m->text, "\n");
	for (int i = 0; i < 100 && m->nval < want; i++)
		make[draw(COUNT_OF(make))](m);
	buf_puts(&m->text, buf_str(&m->body));
	for (uint32_t v = 0; v < m->nval; v++)
		if (!m->hidden[v] && (!m->read[v] || draw(64) == 0)) {
			buf_printf(&m->text, "output %%v%u\n", v);
			outputs++;
		}
	if (!outputs)
		buf_printf(&m->text, "output %%v%u\n", m->nval - 1);
}

/* ---- evaluation ---- */

struct run {
	const struct graph *g;
	struct arena *mem;
	struct tensor *at; /* per value */
};

static struct tensor allocate(struct run *r, const struct type *t)
{
	return (struct tensor){*t, arena_alloc(r->mem, (size_t)type_bytes(t) + 16)};
}

/* A node's inputs [from, from + count) as they are. */
static void evaluate(struct run *r, const struct op *op, const struct node *like,
		     const struct tensor *in, uint32_t nin, struct tensor *out)
{
	struct node n = *like;
	struct err e = ERR_INIT;

	n.op = op;
	n.nin = n.nmain = nin;
	if (op->eval(r->g, &n, in, out, &e) < 0) {
		err_print(&e, op->name);
		abort();
	}
}

/* Input k as the steps see it: of the output's shape, in a head of input 0's. */
static struct tensor gather(struct run *r, const struct node *n, uint32_t k)
{
	const struct type *from = &r->at[n->in[k]].type;
	struct type t = *node_space(r->g, n, k);
	struct access a = access_of(r->g, n, k);
	struct tensor out;
	size_t size = dtype_size(from->dt);

	t.dt = from->dt;
	out = allocate(r, &t);
	for (int64_t i = 0; i < type_count(&t); i++) {
		int64_t at[RANK_MAX], rest = i, index = 0;

		for (int o = t.rank - 1; o >= 0; o--) {
			at[o] = rest % t.dim[o];
			rest /= t.dim[o];
		}
		for (int j = 0; j < from->rank; j++)
			index = index * from->dim[j] + a.start[j] +
				(a.axis[j] < 0 ? 0 : a.step[j] * at[a.axis[j]]);
		memcpy((char *)out.data + (size_t)i * size,
		       (char *)r->at[n->in[k]].data + (size_t)index * size, size);
	}
	return out;
}

/* The steps of a head or tail on `main`. */
static struct tensor run_steps(struct run *r, const struct node *n, const struct tail_step *steps,
			       uint32_t count, struct tensor main)
{
	struct tensor *result = NEW(r->mem, count + 1, struct tensor);

	result[0] = main;
	for (uint32_t s = 0; s < count; s++) {
		const struct tail_step *step = &steps[s];
		struct type t = main.type;
		struct tensor in[TAIL_ARGS];
		struct node like = {.attr = (void *)(uintptr_t)step->attr,
				    .version = step->version};

		for (uint32_t k = 0; k < step->nargs; k++)
			in[k] = step->arg[k] & TAIL_IN
					? gather(r, n, step->arg[k] & (uint32_t)~TAIL_IN)
					: result[step->arg[k]];
		t.dt = step->dt;
		result[s + 1] = allocate(r, &t);
		evaluate(r, step->op, &like, in, step->nargs, &result[s + 1]);
	}
	return result[count];
}

static void run_node(struct run *r, const struct node *n)
{
	const struct graph *g = r->g;
	struct tensor *in = NEW(r->mem, n->nin, struct tensor);
	struct tensor *out = NEW(r->mem, n->nout, struct tensor);

	for (uint32_t k = 0; k < n->nmain; k++)
		in[k] = n->in[k] ? r->at[n->in[k]] : (struct tensor){.data = NULL};
	if (n->nhead)
		in[0] = run_steps(r, n, n->head, n->nhead, in[0]);
	for (uint32_t k = 0; k < n->nout; k++)
		if (n->out[k])
			out[k] = allocate(r, &g->val[n->out[k]].type);
	if (n->op == &op__View) {
		const struct view_attr *view = n->attr;

		memcpy(out[0].data,
		       (char *)in[0].data + (size_t)view->offset * dtype_size(in[0].type.dt),
		       (size_t)type_bytes(&out[0].type));
	} else if (n->nmain) {
		evaluate(r, n->op, n, in, n->nmain, out);
	}
	if (n->ntail || !n->nmain)
		out[0] = run_steps(r, n, n->tail, n->ntail, n->nmain ? out[0] : gather(r, n, 0));
	for (uint32_t k = 0; k < n->nout; k++)
		if (n->out[k])
			r->at[n->out[k]] = out[k];
}

/* The same numbers in [-1, 1] each time. */
static void fill_input(float *x, int64_t count)
{
	uint64_t saved = state;

	state = 99;
	for (int64_t i = 0; i < count; i++)
		x[i] = (float)draw(2001) / 1000.0f - 1;
	state = saved;
}

static struct tensor *run_graph(const struct graph *g, struct arena *mem)
{
	struct run r = {.g = g, .mem = mem, .at = NEW(mem, g->nval, struct tensor)};
	struct tensor *out = NEW(mem, g->noutput, struct tensor);

	for (val_id v = 1; v < g->nval; v++)
		if (val_is_const(&g->val[v]))
			r.at[v] = (struct tensor){g->val[v].type,
						  arena_copy(mem, g->val[v].data,
							     (size_t)type_bytes(&g->val[v].type))};
	r.at[g->input[0]] = allocate(&r, &g->val[g->input[0]].type);
	fill_input(r.at[g->input[0]].data, type_count(&g->val[g->input[0]].type));
	for (uint32_t i = 0; i < g->nnode; i++)
		run_node(&r, &g->node[i]);
	for (uint32_t i = 0; i < g->noutput; i++)
		out[i] = r.at[g->output[i]];
	return out;
}

static bool same(const struct tensor *a, const struct tensor *b, bool exact)
{
	const float *x = a->data, *y = b->data;

	if (!type_equal(&a->type, &b->type))
		return false;
	for (int64_t i = 0; i < type_count(&a->type); i++) {
		float room = exact ? 0 : 2e-5f + 2e-5f * fabsf(y[i]);

		if (memcmp(&x[i], &y[i], 4) && !(fabsf(x[i] - y[i]) <= room))
			return false;
	}
	return true;
}

/* One model; *nodes: what fusion has left. False with a message. */
static bool check_model(struct model *m, struct graph *g, struct arena *mem, uint32_t off,
			uint32_t nodes[2])
{
	struct err e = ERR_INIT;
	struct tensor *want, *have;

	if (text_parse(g, buf_str(&m->text), &e) < 0 || pass_infer(g, &e) < 0) {
		err_print(&e, "model");
		return false;
	}
	want = run_graph(g, mem);
	nodes[0] += g->nnode * !off;
	g->rewrites_off = off;
	for (int stage = 0; stage < 2; stage++) {
		CHECK(stage ? !pass_layout(g, &e) && !pass_order(g, &e) : !pass_fuse(g, &e));
		verify(g, stage ? "order" : "fuse");
		have = run_graph(g, mem);
		nodes[1] += g->nnode * (!stage && !off);
		for (uint32_t i = 0; i < g->noutput; i++)
			if (!same(&have[i], &want[i], !m->folds)) {
				printf("output %u is different after %s\n", i,
				       stage ? "order" : "fuse");
				return false;
			}
	}
	CHECK(pass_alias(g, &e) == 0 && pass_live(g, &e) == 0 && pass_plan(g, &e) == 0);
	verify(g, "plan");
	err_release(&e);
	return true;
}

/* DIR/I.ir, DIR/I.in, DIR/I.out: the outputs one behind the other. */
static int write_models(const char *folder, int count)
{
	for (int i = 0; i < count; i++) {
		struct model m = {.text = BUF_INIT, .body = BUF_INIT};
		struct graph *g = graph_open();
		struct arena *mem = arena_open(0);
		struct buf in = BUF_INIT, out = BUF_INIT;
		struct err e = ERR_INIT;
		struct tensor *result;
		int64_t n;

		random_model(&m);
		CHECK(text_parse(g, buf_str(&m.text), &e) == 0 && pass_infer(g, &e) == 0);
		result = run_graph(g, mem);
		n = type_count(&g->val[g->input[0]].type);
		fill_input(buf_extend(&in, (size_t)n * 4), n);
		for (uint32_t k = 0; k < g->noutput; k++)
			buf_append(&out, result[k].data, (size_t)type_bytes(&result[k].type));
		if (fs_write_atomic(arena_printf(mem, "%s/%d.ir", folder, i), buf_span(&m.text),
				    &e) < 0 ||
		    fs_write_atomic(arena_printf(mem, "%s/%d.in", folder, i), buf_span(&in), &e) <
			    0 ||
		    fs_write_atomic(arena_printf(mem, "%s/%d.out", folder, i), buf_span(&out), &e) <
			    0) {
			err_print(&e, "test_fuse");
			return 1;
		}
		buf_release(&in);
		buf_release(&out);
		buf_release(&m.text);
		buf_release(&m.body);
		arena_close(mem);
		graph_close(g);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t nodes[2] = {0}, exact = 0;
	/* every second model is without some of the rewrites, of the last ones without any */
	enum { MODELS = 4000, SWITCHES = (1 << REWRITE_COUNT) - 1 };

	if (argc == 3)
		return write_models(argv[1], (int)strtol(argv[2], NULL, 10));
	for (int i = 0; i < MODELS; i++) {
		struct model m = {.text = BUF_INIT, .body = BUF_INIT};
		struct graph *g = graph_open();
		struct arena *mem = arena_open(0);
		uint32_t off = 0;

		random_model(&m);
		if (i % 2)
			off = (i < MODELS - 200 ? (uint32_t)i * 2654435761u >> 8 : UINT32_MAX) &
			      SWITCHES;
		if (!check_model(&m, g, mem, off, nodes)) {
			struct buf fused = BUF_INIT;

			text_print(g, &fused);
			printf("model %d, off %x:\n%s\nfused:\n%s", i, off, buf_str(&m.text),
			       buf_str(&fused));
			return 1;
		}
		exact += !m.folds;
		buf_release(&m.text);
		buf_release(&m.body);
		arena_close(mem);
		graph_close(g);
	}
	printf("%d models, %u exact: %u nodes to %u\n", MODELS, exact, nodes[0], nodes[1]);
	return nodes[1] * 5 > nodes[0] * 4; /* of those with all rewrites */
}
