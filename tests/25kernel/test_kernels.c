/*
 * Every case (a text IR file) is computed twice: by the operators' plain
 * references, node by node as the model has them, and by its kernels on the
 * emulated device after all passes, in an arena that is full of NaN. Inputs
 * are random. Kernels must not spill.
 *
 *	test_kernels TARGET FILE.ir...
 */
#include "base/fs.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "runtime/cuda.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X(name, args) CUresult name args;
CUDA_CALLS(X)
#undef X

#define RTOL 1e-4
#define ATOL 2e-5

static uint64_t seed = 88172645463325252u;

static float random_float(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (float)(seed >> 40) * 0x1p-23f - 1.0f;
}

static int need(int result, const struct err *e, const char *what)
{
	if (result < 0)
		fprintf(stderr, "%s: %s %s\n", what, err_name(e->code), e->detail);
	return result;
}

/* ---- reference ---- */

static int eval_node(const struct graph *g, const struct node *n, struct tensor *all, struct err *e)
{
	struct tensor *in = NEW(g->arena, n->nin + 1, struct tensor);
	struct tensor *out = NEW(g->arena, n->nout + 1, struct tensor);

	for (uint32_t k = 0; k < n->nin; k++)
		in[k] = all[n->in[k]];
	for (uint32_t k = 0; k < n->nout; k++)
		if (n->out[k]) {
			out[k].type = g->val[n->out[k]].type;
			out[k].data = arena_alloc(g->arena, type_bytes(&out[k].type) + 16);
		}
	if (!n->op->eval)
		return fail(e, E_INTERNAL, "%s has no reference", n->op->name);
	if (n->op->eval(g, n, in, out, e) < 0)
		return -1;
	for (uint32_t k = 0; k < n->nout; k++)
		all[n->out[k]] = out[k];
	return 0;
}

static int reference(struct graph *g, struct tensor *all, struct err *e)
{
	for (val_id v = 1; v < g->nval; v++) {
		const struct val *x = &g->val[v];

		if (!val_is_const(x) && !x->input)
			continue;
		all[v].type = x->type;
		all[v].data = arena_alloc(g->arena, type_bytes(&x->type) + 16);
		if (val_is_const(x))
			memcpy(all[v].data, x->data, type_bytes(&x->type));
		else
			for (int64_t i = 0; i < type_count(&x->type); i++)
				((float *)all[v].data)[i] = random_float();
	}
	for (uint32_t i = 0; i < g->nnode; i++)
		if (eval_node(g, &g->node[i], all, e) < 0)
			return -1;
	return 0;
}

/* ---- kernels ---- */

static int run_passes(struct graph *g, const char *target, struct err *e)
{
	static const struct {
		const char *name;
		int (*run)(struct graph *g, struct err *e);
	} passes[] = {{"infer", pass_infer}, {"fuse", pass_fuse},   {"layout", pass_layout},
		      {"order", pass_order}, {"alias", pass_alias}, {"live", pass_live},
		      {"plan", pass_plan},   {"lower", pass_lower}};
	struct emit_options o = {.target = target, .kernel_cache = getenv("KERNEL_CACHE")};

	for (size_t i = 0; i < COUNT_OF(passes); i++) {
		if (passes[i].run(g, e) < 0)
			return -1;
		verify(g, passes[i].name);
	}
	return pass_emit(g, &o, e);
}

static CUresult check(CUresult r, const char *what)
{
	const char *text = NULL;

	if (r != CUDA_SUCCESS) {
		cuGetErrorString(r, &text);
		fprintf(stderr, "%s: %s\n", what, text ? text : "?");
	}
	return r;
}

static CUdeviceptr argument(const struct graph *g, const struct launch *l, const struct karg *k,
			    CUdeviceptr arena, CUdeviceptr weights)
{
	if (k->kind == KARG_WEIGHT)
		return weights + g->weight[k->weight].offset + k->offset;
	if (k->kind == KARG_SCRATCH)
		return arena + g->slot[g->node[l->node].scratch].offset + k->offset;
	return arena + g->slot[g->val[k->val].slot].offset + g->val[k->val].off + k->offset;
}

static int run_launch(const struct graph *g, const struct launch *l, CUdeviceptr arena,
		      CUdeviceptr weights)
{
	const struct code *c = &g->code[l->code];
	CUdeviceptr value[512];
	void *pointer[512];
	CUmodule m;
	CUfunction f;
	int bad;

	for (uint32_t i = 0; i < l->nargs; i++) {
		value[i] = argument(g, l, &l->arg[i], arena, weights);
		pointer[i] = &value[i];
	}
	if (check(cuModuleLoadData(&m, c->ptx), c->entry))
		return -1;
	bad = check(cuModuleGetFunction(&f, m, c->entry), c->entry) ||
	      check(cuLaunchKernel(f, l->grid[0], l->grid[1], l->grid[2], l->block[0], l->block[1],
				   l->block[2], l->shared, NULL, pointer, NULL),
		    c->entry) ||
	      check(cuCtxSynchronize(), c->entry);
	cuModuleUnload(m);
	if (bad && getenv("DUMP"))
		fprintf(stderr, "%s\n%s\n", c->source, c->ptx);
	return bad ? -1 : 0;
}

static CUdeviceptr upload_weights(const struct graph *g)
{
	CUdeviceptr p = 0;

	check(cuMemAlloc_v2(&p, g->weights_bytes + 16), "weights");
	for (uint32_t i = 0; i < g->nweight; i++)
		check(cuMemcpyHtoD_v2(p + g->weight[i].offset, g->weight[i].data,
				      g->weight[i].bytes),
		      "weights");
	return p;
}

static int compare(const struct val *v, const float *got, const float *want)
{
	int64_t n = type_count(&v->type), bad = 0, first = -1;
	double power = 0;

	for (int64_t i = 0; i < n; i++)
		power += isfinite(want[i]) ? (double)want[i] * (double)want[i] : 0;
	power = sqrt(power / (double)MAX(n, 1));
	for (int64_t i = 0; i < n; i++) {
		double a = (double)got[i], b = (double)want[i];
		bool same = isnan(b) ? isnan(a)
				     : a == b || fabs(a - b) <= ATOL * power + RTOL * fabs(b);

		if (!same && bad++ == 0)
			first = i;
	}
	if (bad)
		fprintf(stderr, "%s: %lld of %lld differ, first [%lld]: %.9g, not %.9g\n", v->name,
			(long long)bad, (long long)n, (long long)first, (double)got[first],
			(double)want[first]);
	return bad ? -1 : 0;
}

static int run_graph(const struct graph *g, const struct graph *ref, const struct tensor *all)
{
	CUdeviceptr arena = 0, weights = upload_weights(g);
	int ret = 0;

	check(cuMemAlloc_v2(&arena, g->arena_bytes + 16), "arena");
	for (uint32_t i = 0; i < g->ninput; i++) {
		const struct val *v = &g->val[g->input[i]];

		check(cuMemcpyHtoD_v2(arena + g->slot[v->slot].offset + v->off,
				      all[ref->input[i]].data, type_bytes(&v->type)),
		      "input");
	}
	for (uint32_t i = 0; i < g->nlaunch && ret == 0; i++)
		ret = run_launch(g, &g->launch[i], arena, weights);
	for (uint32_t i = 0; i < g->noutput && ret == 0; i++) {
		const struct val *v = &g->val[g->output[i]];
		void *got = mem_alloc(type_bytes(&v->type) + 16);

		check(cuMemcpyDtoH_v2(got, arena + g->slot[v->slot].offset + v->off,
				      type_bytes(&v->type)),
		      "output");
		ret |= compare(v, got, all[ref->output[i]].data);
		mem_free(got);
	}
	for (uint32_t i = 0; i < g->ncode; i++)
		if (g->code[i].spill_bytes) {
			fprintf(stderr, "%s spills %u bytes\n", g->code[i].entry,
				g->code[i].spill_bytes);
			ret = -1;
		}
	cuMemFree_v2(arena);
	cuMemFree_v2(weights);
	return ret;
}

static int run_case(const char *path, const char *target)
{
	struct graph *ref = graph_open(), *g = graph_open();
	struct err e = ERR_INIT;
	struct buf text = BUF_INIT;
	struct tensor *all = NULL;
	int ret;

	ret = need(fs_read(path, 1 << 20, &text, &e), &e, path);
	if (ret == 0)
		ret = need(text_parse(ref, buf_str(&text), &e), &e, path);
	if (ret == 0)
		ret = need(pass_infer(ref, &e), &e, path);
	if (ret == 0) {
		all = NEW(ref->arena, ref->nval, struct tensor);
		ret = need(reference(ref, all, &e), &e, path);
	}
	if (ret == 0)
		ret = need(text_parse(g, buf_str(&text), &e), &e, path);
	if (ret == 0)
		ret = need(run_passes(g, target, &e), &e, path);
	if (ret == 0)
		ret = run_graph(g, ref, all);
	printf("%s %s\n", ret ? "FAILED" : "ok", path);
	if (getenv("VERBOSE"))
		for (uint32_t i = 0; i < g->nlaunch; i++)
			printf("    %s %s grid %u %u %u block %u regs %u\n",
			       g->node[g->launch[i].node].op->name, g->launch[i].kernel,
			       g->launch[i].grid[0], g->launch[i].grid[1], g->launch[i].grid[2],
			       g->launch[i].block[0], g->code[g->launch[i].code].registers);
	err_release(&e);
	buf_release(&text);
	graph_close(ref);
	graph_close(g);
	return ret;
}

int main(int argc, char **argv)
{
	CUcontext ctx;
	int bad = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: test_kernels TARGET FILE.ir...\n");
		return 64;
	}
	if (check(cuInit(0), "cuInit") || check(cuDevicePrimaryCtxRetain(&ctx, 0), "context") ||
	    check(cuCtxSetCurrent(ctx), "context"))
		return 1;
	for (int i = 2; i < argc; i++)
		if (run_case(argv[i], argv[1]) < 0) {
			bad++;
			cuDevicePrimaryCtxRelease_v2(0); /* an error stays in its context */
			cuDevicePrimaryCtxRetain(&ctx, 0);
			cuCtxSetCurrent(ctx);
		}
	cuDevicePrimaryCtxRelease_v2(0);
	return bad != 0;
}
