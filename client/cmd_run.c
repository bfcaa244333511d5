/* run: artifact and inputs in, outputs, report and summary out. */
#include "client/inputs.h"
#include "client/outputs.h"
#include "runtime/runtime.h"

#include <string.h>

struct run_options {
	const char *file, *output_dir, *device, *report, *random;
	struct words inputs;
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

/* Everything that can be refused without the device is, before it is touched. */
static int run(const struct run_options *o, struct err *e)
{
	enum runtime_device device;
	struct runtime *rt = NULL;
	struct inputs in = {0};
	struct outputs out = {0};
	int ret = -1;

	if (parse_device(o->device, &device, e) < 0 || open_artifact(o->file, &rt, e) < 0 ||
	    inputs_read(rt, &o->inputs, o->random, &in, e) < 0)
		goto done;
	if (o->output_dir && fs_mkdirs(o->output_dir, e) < 0)
		goto done;
	if (runtime_load(rt, device, e) < 0)
		goto done;
	if (runtime_info(rt)->notice)
		fprintf(stderr, PROGRAM ": %s\n", runtime_info(rt)->notice);
	outputs_init(runtime_artifact(rt), &out);
	if (runtime_run(rt, in.data, out.data, e) < 0)
		goto done;
	if (o->output_dir && outputs_write(runtime_artifact(rt), o->output_dir, &out, e) < 0)
		goto done;
	if (o->report && outputs_report(rt, &out, o->report, e) < 0)
		goto done;
	outputs_print(rt, &out);
	ret = 0;
done:
	outputs_release(&out);
	inputs_release(&in);
	runtime_close(rt);
	return ret;
}

int cmd_run(int argc, char **argv, struct err *e)
{
	struct run_options o = {0};
	const struct option_row rows[] = {
		{"--input", .words = &o.inputs},  {"--output-dir", .value = &o.output_dir},
		{"--device", .value = &o.device}, {"--report", .value = &o.report},
		{"--random", .value = &o.random}, {NULL},
	};
	int ret;

	o.inputs.word = mem_alloc((size_t)argc * sizeof(*o.inputs.word));
	ret = options_parse(argc, argv, rows, &o.file, e);
	if (ret == 0)
		ret = run(&o, e);
	mem_free(o.inputs.word);
	return ret;
}
