/*
 * The pass list, read from top to bottom, and the one loop that runs it:
 * run, verify, dump if asked, note the time. The report says how it went,
 * on refusal too.
 */
#include "compiler/compiler.h"

#include "base/fs.h"
#include "base/json.h"
#include "compiler/passes.h"
#include "compiler/rewrites.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
	const struct compile_job *job;
	const struct compile_options *options;
	struct graph *g;
	struct map file;
	struct compile_identity id;
	struct emit_options emit;
	char key[SHA256_HEX];
};

static int run_onnx(struct run *r, struct err *e)
{
	struct span file = {r->file.data, r->file.len};
	size_t n = strlen(r->job->model_path);

	if (n > 3 && !strcmp(r->job->model_path + n - 3, ".ir"))
		return text_parse(r->g, arena_strndup(r->g->arena, file.data, file.len), e);
	return pass_onnx(r->g, file, e);
}

static int run_bind(struct run *r, struct err *e)
{
	return pass_bind(r->g, r->options, e);
}

static int run_emit(struct run *r, struct err *e)
{
	return pass_emit(r->g, &r->emit, e);
}

static int run_pack(struct run *r, struct err *e)
{
	const struct pack_options o = {
		.options = r->options, .emit = &r->emit, .key = r->key, .build = r->id.build};

	return r->job->out_path ? pass_pack(r->g, &o, r->job->out_path, e) : 0;
}

#define GRAPH_PASS(name)                                    \
	static int run_##name(struct run *r, struct err *e) \
	{                                                   \
		return pass_##name(r->g, e);                \
	}
GRAPH_PASS(infer)
GRAPH_PASS(fuse)
GRAPH_PASS(layout)
GRAPH_PASS(order)
GRAPH_PASS(alias)
GRAPH_PASS(live)
GRAPH_PASS(plan)
GRAPH_PASS(lower)
GRAPH_PASS(check)

static const struct pass {
	const char *name;
	int (*run)(struct run *r, struct err *e);
	int percent; /* of the whole work, when it begins */
} passes[] = {
	{"onnx", run_onnx, 0},	  {"bind", run_bind, 2},     {"infer", run_infer, 3},
	{"fuse", run_fuse, 6},	  {"layout", run_layout, 8}, {"order", run_order, 9},
	{"alias", run_alias, 10}, {"live", run_live, 11},    {"plan", run_plan, 12},
	{"lower", run_lower, 14}, {"check", run_check, 19},  {"emit", run_emit, 20},
	{"pack", run_pack, 95},
};
#define NPASSES	   COUNT_OF(passes)
#define PASS_NAMES "onnx,bind,infer,fuse,layout,order,alias,live,plan,lower,check,emit,pack"

static int find_pass(const char *name)
{
	for (size_t i = 0; i < NPASSES; i++)
		if (!strcmp(passes[i].name, name))
			return (int)i;
	return -1;
}

const char *compile_passes(void)
{
	return PASS_NAMES;
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void progress(void *ctx, const char *stage, int percent)
{
	const struct run *r = ctx;

	if (r->job->progress_fd >= 0)
		dprintf(r->job->progress_fd, "%s %d\n", stage, percent);
}

static void dump(const struct graph *g)
{
	struct buf text = BUF_INIT;

	text_print(g, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_release(&text);
}

static int run_passes(struct run *r, double seconds[NPASSES], struct err *e)
{
	int from = r->job->from_pass ? find_pass(r->job->from_pass) : 0;
	int last = r->job->plan_only ? find_pass("emit") - 1 : (int)NPASSES - 1;

	if (r->job->dump_pass)
		last = find_pass(r->job->dump_pass);
	if (from < 0 || last < 0)
		return fail(e, E_USAGE, "there is no such pass; passes: %s", PASS_NAMES);
	for (int i = 0; i <= last; i++) {
		double start = now(CLOCK_MONOTONIC);

		if (i > 0 && i < from)
			continue;
		progress(r, passes[i].name, passes[i].percent);
		if (passes[i].run(r, e) < 0)
			return -1;
		verify(r->g, passes[i].name);
		seconds[i] = now(CLOCK_MONOTONIC) - start;
	}
	if (r->job->dump_pass)
		dump(r->g);
	return 0;
}

static void report_plan(const struct run *r, struct json *j)
{
	pack_sizes(r->g, j);
	json_int(j, "kernels_cached", r->emit.kernels_cached);
	json_int(j, "kernels_compiled", r->emit.kernels_compiled);
	json_str(j, "toolchain", r->emit.toolchain);
	json_open(j, "rewrites", '{');
	for (uint32_t k = 0; k < REWRITE_COUNT; k++)
		json_int(j, rewrite_name(k), r->g->rewrites_did[k]);
	json_close(j, '}');
}

static void write_report(const struct run *r, const double *seconds, double total,
			 const struct err *e, struct buf *out)
{
	struct json j = json_begin(out);

	json_open(&j, NULL, '{');
	json_str(&j, "key", r->key);
	if (e->code == E_OK)
		report_plan(r, &j);
	json_open(&j, "unsupported", '[');
	for (size_t i = 0; e->code == E_OP_UNSUPPORTED && i < e->nitems; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "op", e->items[i].op);
		json_str(&j, "node", e->items[i].node);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	if (e->code != E_OK) {
		struct buf problem = BUF_INIT;

		err_json(e, &problem);
		json_raw(&j, "problem", buf_str(&problem));
		buf_release(&problem);
	}
	json_open(&j, "seconds", '{');
	for (size_t i = 0; i < NPASSES; i++)
		if (seconds[i] > 0)
			json_real(&j, passes[i].name, seconds[i]);
	json_real(&j, "total", total);
	json_close(&j, '}');
	json_real(&j, "cpu_seconds", now(CLOCK_PROCESS_CPUTIME_ID));
	json_close(&j, '}');
}

/* The key, where a toolchain is at hand; without one emit says so, after the model was checked. */
static void compute_key(struct run *r)
{
	struct err none = ERR_INIT;
	char model[SHA256_HEX];

	if (compile_identify(r->options->target, r->g->arena, &r->id, NULL, &none) == 0) {
		hash_bytes_hex(r->file.data, r->file.len, model);
		compile_key(r->options, model, &r->id, r->key);
	}
	err_release(&none);
}

/* The picture and the explanation, where they are asked for. */
static int show_plan(const struct run *r, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = 0;

	if (r->job->explain_peak) {
		explain_peak(r->g, &text);
		fwrite(text.data, 1, text.len, stdout);
	}
	buf_release(&text);
	if (r->job->svg_path) {
		plan_svg(r->g, &text);
		ret = fs_write_atomic(r->job->svg_path, buf_span(&text), e);
		buf_release(&text);
	}
	return ret;
}

static int check_job(const struct compile_job *job, const struct compile_options *o, struct err *e)
{
	if (!o->streamed || job->plan_only || job->dump_pass)
		return 0;
	fail(e, E_USAGE, "streamed weights can be planned, but not run");
	return err_hint(e, "plan only, or leave weights resident");
}

int compile(const struct compile_job *job, const struct compile_options *o, struct buf *report,
	    struct err *e)
{
	struct run r = {.job = job, .options = o, .g = graph_open()};
	double seconds[NPASSES] = {0}, start = now(CLOCK_MONOTONIC);
	int ret;

	r.emit = (struct emit_options){.target = o->target,
				       .ptx_only = !strcmp(o->code, "ptx"),
				       .kernel_cache = job->kernel_cache,
				       .progress = progress,
				       .ctx = &r};
	r.g->planner = o->planner;
	r.g->streamed = o->streamed;
	r.g->rewrites_off = compile_options_rewrites_off(o);
	ret = check_job(job, o, e);
	if (ret == 0)
		ret = fs_map(job->model_path, &r.file, e);
	if (ret == 0 && !job->dump_pass && !job->plan_only)
		compute_key(&r);
	if (ret == 0)
		ret = run_passes(&r, seconds, e);
	if (ret == 0 && !job->dump_pass)
		ret = show_plan(&r, e);
	if (ret == 0)
		progress(&r, "done", 100);
	if (report)
		write_report(&r, seconds, now(CLOCK_MONOTONIC) - start, e, report);
	fs_unmap(&r.file);
	graph_close(r.g);
	return ret;
}
