/*
 * occamy-conformance: ONNX's node tests through the whole product: compiled,
 * run on the emulated device, compared.
 */
#include "compiler/compiler.h"
#include "tests/35conformance/suite.h"
#include "tests/35conformance/support.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: occamy-conformance CORPUS_DIR [--only LIST_FILE] [--tier N]... [--shard K/N]\n"
	"                          [--jobs N] [--timeout SECONDS] [--target sm_87]\n"
	"                          [--kernel-cache DIR]\n"
	"       occamy-conformance --table KNOWN.tsv\n"
	"\n"
	"Runs DIR/NAME/model.onnx with DIR/NAME/test_data_set_N on the emulated device. Prints "
	"TAP,\n"
	"then 'N passed, N failed, N skipped'. LIST_FILE: names, one per line. --shard 3/20: "
	"tests\n"
	"number 3, 23, 43, ... of the chosen ones, counted from 0. --table prints the supported\n"
	"operators, KNOWN.tsv being the tests that apply and do not pass.\n"
	"Exit status: 0; 1 a test failed; 64 usage, 66 no such file, 69 no toolchain.\n";

static int set_number(const char *word, const char *value, uint32_t least, uint32_t most,
		      uint32_t *out, struct err *e)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || end == value || n < least || n > most)
		return fail(e, E_USAGE, "%s is a number from %u to %u, not '%.40s'", word, least,
			    most, value);
	*out = (uint32_t)n;
	return 0;
}

static int set_shard(struct suite_options *o, const char *value, struct err *e)
{
	char *end;
	unsigned long k = strtoul(value, &end, 10),
		      n = *end == '/' ? strtoul(end + 1, &end, 10) : 0;

	if (*end || k >= n || n > 1000)
		return fail(e, E_USAGE, "--shard is K/N with K from 0 to N - 1, not '%.40s'",
			    value);
	o->shard = (uint32_t)k;
	o->shards = (uint32_t)n;
	return 0;
}

static int set_target(struct suite_options *o, const char *value, struct err *e)
{
	struct arena *a = arena_open(0);
	struct compile_options words;
	int ret;

	compile_options_init(&words, a);
	ret = compile_options_parse(&words, "target", value, e);
	arena_close(a);
	o->run.target = value;
	return ret;
}

static int parse_option(struct suite_options *o, const char *word, const char *value, struct err *e)
{
	uint32_t n = 0;

	if (!value)
		return fail(e, E_USAGE, "%.40s needs a value", word);
	if (!strcmp(word, "--only"))
		o->only = value;
	else if (!strcmp(word, "--kernel-cache"))
		o->run.kernel_cache = value;
	else if (!strcmp(word, "--shard"))
		return set_shard(o, value, e);
	else if (!strcmp(word, "--target"))
		return set_target(o, value, e);
	else if (!strcmp(word, "--jobs"))
		return set_number(word, value, 1, 1024, &o->jobs, e);
	else if (!strcmp(word, "--timeout")) {
		if (set_number(word, value, 1, 86400, &n, e) < 0)
			return -1;
		o->seconds = (int)n;
	} else if (!strcmp(word, "--tier")) {
		if (set_number(word, value, 0, 5, &n, e) < 0)
			return -1;
		o->tier[n] = true;
	} else
		return fail(e, E_USAGE, "unknown option %.40s", word);
	return 0;
}

static int parse(struct suite_options *o, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-') {
			if (parse_option(o, argv[i], argv[i + 1], e) < 0)
				return -1;
			i++;
		} else if (o->dir) {
			return fail(e, E_USAGE, "one corpus at a time: '%.100s' is a second one",
				    argv[i]);
		} else {
			o->dir = argv[i];
		}
	}
	if (o->dir)
		return 0;
	fail(e, E_USAGE, "CORPUS_DIR is needed");
	return err_hint(e, "occamy-conformance --help");
}

static uint32_t cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

static int print_table(const char *known, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = support_table(known, &text, e);

	fputs(buf_str(&text), stdout);
	buf_release(&text);
	return ret;
}

int main(int argc, char **argv)
{
	struct suite_options o = {
		.shards = 1, .jobs = cores(), .seconds = 120, .run.target = "sm_87"};
	struct err e = ERR_INIT;
	int status = -1;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "--table"))
		status = print_table(argv[2], &e);
	else if (parse(&o, argc, argv, &e) == 0)
		suite_run(&o, &status, &e);
	if (e.code != E_OK) {
		err_print(&e, "occamy-conformance");
		status = err_exit(e.code);
	}
	err_release(&e);
	return status;
}
