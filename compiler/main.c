/*
 * occamyc: the compiler as a command. One model in, one artifact out, and
 * a report; `-d PASS` prints the IR instead.
 */
#include "base/fs.h"
#include "base/json.h"
#include "compiler/compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: occamyc MODEL.onnx -o OUT.occ [--target sm_87] [--dims NAME=N,...]\n"
	"               [--dims INPUT:AXIS=N] [--bind NAME=FILE]... [--precision fp32]\n"
	"               [--code both|ptx] [--off REWRITE,...]\n"
	"               [--planner occamy|occamy23|greedy-size|none]\n"
	"               [--plan-only [--weights resident|streamed]]\n"
	"               [--explain-peak] [--svg FILE]\n"
	"               [--report FILE.json] [--kernel-cache DIR] [-d PASS] [--from PASS]\n"
	"       occamyc --identity [--target sm_87]\n"
	"       occamyc --help\n"
	"\n"
	"MODEL may be text IR (.ir). -d prints the IR after a pass and stops there.\n"
	"FILE for --bind: .npy, or TensorProto .pb. --code ptx: no cubins.\n"
	"--plan-only prints the report, bytes and launches among it, and generates no kernel;\n"
	"streamed weights are there while their operator runs. --explain-peak: which tensors\n"
	"make the peak. --off: rewrites to leave out; a wrong name lists them, all is all of "
	"them.\n"
	"Exit status: 0; 64 usage, 65 the model is refused, 66 no such file,\n"
	"69 no toolchain for the target, 70 a bug of ours, 74 reading or writing failed.\n";

struct command {
	struct compile_job job;
	struct compile_options options;
	const char *report_path;
	bool identity, help;
};

static int set_fd(struct command *c, const char *value, struct err *e)
{
	char *end;
	long fd = strtol(value, &end, 10);

	if (*end || end == value || fd < 0 || fd > 1 << 20)
		return fail(e, E_USAGE, "--progress needs a file descriptor, not '%.40s'", value);
	c->job.progress_fd = (int)fd;
	return 0;
}

/* Options with one value that are stored as they are. */
static const char **plain_option(struct command *c, const char *name)
{
	const struct {
		const char *name;
		const char **to;
	} table[] = {
		{"-o", &c->job.out_path},      {"-d", &c->job.dump_pass},
		{"--from", &c->job.from_pass}, {"--report", &c->report_path},
		{"--svg", &c->job.svg_path},   {"--kernel-cache", &c->job.kernel_cache},
	};

	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i].name, name))
			return table[i].to;
	return NULL;
}

static int parse_option(struct command *c, const char *name, const char *value, struct err *e)
{
	const char **to = plain_option(c, name);
	bool progress = !strcmp(name, "--progress");

	if (!to && !progress) {
		if (strncmp(name, "--", 2))
			return fail(e, E_USAGE, "unknown option %.40s", name);
		return compile_options_parse(&c->options, name + 2, value, e);
	}
	if (!value)
		return fail(e, E_USAGE, "%.40s needs a value", name);
	if (progress)
		return set_fd(c, value, e);
	*to = value;
	return 0;
}

static bool *flag(struct command *c, const char *name)
{
	const struct {
		const char *name;
		bool *to;
	} table[] = {
		{"--help", &c->help},
		{"-h", &c->help},
		{"--identity", &c->identity},
		{"--plan-only", &c->job.plan_only},
		{"--explain-peak", &c->job.explain_peak},
	};

	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i].name, name))
			return table[i].to;
	return NULL;
}

static int parse(struct command *c, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (flag(c, arg)) {
			*flag(c, arg) = true;
		} else if (arg[0] == '-' && arg[1]) {
			if (parse_option(c, arg, argv[i + 1], e) < 0)
				return -1;
			i++;
		} else if (c->job.model_path) {
			return fail(e, E_USAGE, "one model at a time: '%.100s' is a second one",
				    arg);
		} else {
			c->job.model_path = arg;
		}
	}
	if (c->help || c->identity)
		return 0;
	if (!c->job.model_path || (!c->job.out_path && !c->job.dump_pass && !c->job.plan_only)) {
		fail(e, E_USAGE, "MODEL and -o OUT are needed (or -d PASS, or --plan-only)");
		return err_hint(e, "occamyc --help");
	}
	return 0;
}

static int print_identity(const struct command *c, struct err *e)
{
	struct compile_identity id;
	const char *path = NULL;
	struct buf out = BUF_INIT;
	struct json j = json_begin(&out);

	if (compile_identify(c->options.target, c->options.arena, &id, &path, e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	json_str(&j, "build", id.build);
	json_str(&j, "target", c->options.target);
	json_str(&j, "nvrtc", id.nvrtc);
	json_str(&j, "nvrtc_path", path ? path : "");
	json_str(&j, "passes", id.passes);
	json_close(&j, '}');
	puts(buf_str(&out));
	buf_release(&out);
	return 0;
}

static int run(struct command *c, struct err *e)
{
	struct buf report = BUF_INIT;
	struct err io = ERR_INIT;
	int ret = compile_options_hash_binds(&c->options, e);

	if (ret == 0)
		ret = compile(&c->job, &c->options, &report, e);
	buf_puts(&report, "\n");
	if (ret == 0 && c->job.plan_only && !c->report_path && !c->job.explain_peak)
		fputs(buf_str(&report), stdout);
	if (c->report_path && report.len > 1 &&
	    fs_write_atomic(c->report_path, buf_span(&report), &io) < 0 && ret == 0) {
		*e = io;
		ret = -1;
	}
	buf_release(&report);
	return ret;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_open(0);
	struct command c = {.job.progress_fd = -1};
	struct err e = ERR_INIT;
	int ret;

	compile_options_init(&c.options, a);
	ret = parse(&c, argc, argv, &e);
	if (ret == 0 && c.help)
		fputs(usage, stdout);
	else if (ret == 0 && c.identity)
		ret = print_identity(&c, &e);
	else if (ret == 0)
		ret = run(&c, &e);
	if (ret < 0)
		err_print(&e, "occamyc");
	ret = ret < 0 ? err_exit(e.code) : 0;
	err_release(&e);
	arena_close(a);
	return ret;
}
