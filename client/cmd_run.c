/* run: artifact and inputs in, outputs, report and summary out; --compare beside a reference. */
#include "client/compare.h"
#include "client/inputs.h"
#include "client/outputs.h"
#include "runtime/runtime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RTOL	 1e-3
#define ATOL	 1e-4
#define RUNS_MAX 1000000

struct run_options {
	const char *file, *output_dir, *device, *report, *random;
	const char *compare, *rtol, *atol, *repeat;
	bool all_tensors;
	struct words inputs;
};

struct run { /* what it holds */
	struct runtime *rt;
	struct npz ref;
	struct compare *compare; /* NULL: only run */
	uint32_t repeat;	 /* times that it runs once more, timed */
	struct inputs in;
	struct outputs out;
};

static int parse_device(const char *word, enum runtime_device *out, struct err *e)
{
	static const char *const names[] = {
		[RUNTIME_AUTO] = "auto", [RUNTIME_CUDA] = "cuda", [RUNTIME_EMULATOR] = "emulator"};

	*out = RUNTIME_AUTO;
	if (!word)
		return 0;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], word)) {
			*out = (enum runtime_device)i;
			return 0;
		}
	return fail(e, E_USAGE, "--device %s: expected auto, cuda or emulator", word);
}

static int open_artifact(const char *file, struct runtime **rt, struct err *e)
{
	int fd;

	if (!fetch_is_url(file))
		return runtime_open(file, rt, e);
	fd = fetch(file, e);
	return fd < 0 ? -1 : runtime_open_fd(fd, file, rt, e);
}

static int parse_tolerance(const char *option, const char *word, double *out, struct err *e)
{
	char *end;

	if (!word)
		return 0;
	*out = strtod(word, &end);
	if (end == word || *end || !isfinite(*out) || *out < 0)
		return fail(e, E_USAGE, "%s %s: expected a number from 0 on", option, word);
	return 0;
}

static int parse_rule(const struct run_options *o, struct compare_rule *rule, struct err *e)
{
	*rule = (struct compare_rule){.rtol = RTOL, .atol = ATOL, .all = o->all_tensors};
	if (!o->compare && (o->rtol || o->atol || o->all_tensors))
		return fail(e, E_USAGE, "--rtol, --atol and --all-tensors go with --compare");
	if (parse_tolerance("--rtol", o->rtol, &rule->rtol, e) < 0)
		return -1;
	return parse_tolerance("--atol", o->atol, &rule->atol, e);
}

static int parse_repeat(const char *word, uint32_t *out, struct err *e)
{
	unsigned long n;
	char *end;

	if (!word)
		return 0;
	n = strtoul(word, &end, 10);
	if (word[0] < '1' || word[0] > '9' || *end || n > RUNS_MAX)
		return fail(e, E_USAGE, "--repeat %s: expected a number from 1 to %d", word,
			    RUNS_MAX);
	*out = (uint32_t)n;
	return 0;
}

/* Everything that can be refused without the device is, before it is touched. */
static int prepare(struct run *r, const struct run_options *o, struct err *e)
{
	enum runtime_device device;
	struct compare_rule rule;

	if (parse_device(o->device, &device, e) < 0 || parse_rule(o, &rule, e) < 0 ||
	    parse_repeat(o->repeat, &r->repeat, e) < 0 || open_artifact(o->file, &r->rt, e) < 0 ||
	    (o->compare && npz_open(o->compare, &r->ref, e) < 0) ||
	    inputs_read(r->rt, &o->inputs, o->compare ? &r->ref : NULL, o->random, &r->in, e) < 0 ||
	    (o->compare && compare_open(r->rt, &r->ref, &rule, &r->compare, e) < 0) ||
	    (o->output_dir && fs_mkdirs(o->output_dir, e) < 0))
		return -1;
	return runtime_load(r->rt, device, e);
}

static int run(struct run *r, const struct run_options *o, struct err *e)
{
	const struct artifact *a;

	if (prepare(r, o, e) < 0)
		return -1;
	a = runtime_artifact(r->rt);
	if (runtime_info(r->rt)->notice)
		fprintf(stderr, PROGRAM ": %s\n", runtime_info(r->rt)->notice);
	outputs_init(a, &r->out);
	if ((r->compare ? compare_run(r->compare, r->in.data, r->out.data, e)
			: runtime_run(r->rt, r->in.data, r->out.data, e)) < 0)
		return -1;
	if (r->repeat && runtime_time(r->rt, r->in.data, r->out.data, r->repeat, e) < 0)
		return -1;
	if (o->output_dir && outputs_write(a, o->output_dir, &r->out, e) < 0)
		return -1;
	if (o->report && outputs_report(r->rt, &r->out, o->report, e) < 0)
		return -1;
	outputs_print(r->rt, &r->out);
	return 0;
}

int cmd_run(int argc, char **argv, struct err *e)
{
	struct run_options o = {0};
	struct run r = {0};
	const struct option_row rows[] = {
		{"--input", .words = &o.inputs},
		{"--output-dir", .value = &o.output_dir},
		{"--device", .value = &o.device},
		{"--report", .value = &o.report},
		{"--random", .value = &o.random},
		{"--repeat", .value = &o.repeat},
		{"--compare", .value = &o.compare},
		{"--rtol", .value = &o.rtol},
		{"--atol", .value = &o.atol},
		{"--all-tensors", .flag = &o.all_tensors},
		{NULL},
	};
	int ret;

	o.inputs.word = mem_alloc((size_t)argc * sizeof(*o.inputs.word));
	ret = options_parse(argc, argv, rows, &o.file, e);
	if (ret == 0)
		ret = run(&r, &o, e);
	compare_close(r.compare);
	outputs_release(&r.out);
	inputs_release(&r.in);
	npz_release(&r.ref);
	runtime_close(r.rt);
	mem_free(o.inputs.word);
	return ret;
}
