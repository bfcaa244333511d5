/* inspect: what the manifest says. Reads no blob, so that it is small and quick on any file. */
#include "client/client.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static void row(const char *label, const char *text)
{
	printf("%-12s ", label);
	print_text(stdout, text, "");
	printf("\n");
}

static void print_tensors(const char *label, const struct artifact_tensor *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct buf type = BUF_INIT;

		print_type(&type, t[i].dtype, t[i].rank, t[i].shape);
		printf("%-12s ", label);
		print_text(stdout, t[i].name, "");
		printf(" %s\n", buf_str(&type));
		buf_release(&type);
	}
}

static void print_sizes(const struct artifact *a)
{
	const struct {
		const char *label;
		uint64_t bytes;
	} rows[] = {
		{"arena", a->arena_bytes},     {"lower bound", a->arena_lower_bound_bytes},
		{"weights", a->weights_bytes}, {"inputs", a->input_bytes},
		{"outputs", a->output_bytes},  {"device", a->device_bytes},
		{"modules", a->module_bytes},  {"file", a->file_bytes},
	};

	printf("bytes\n");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf text = BUF_INIT;

		print_bytes(&text, rows[i].bytes);
		printf("  %-12s %14" PRIu64 "  %s\n", rows[i].label, rows[i].bytes, buf_str(&text));
		buf_release(&text);
	}
}

static void print_metadata(const json_t *metadata)
{
	const char *separator = "";
	const char *key;
	json_t *value;

	printf("%-12s ", "metadata");
	json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
	{
		printf("%s", separator);
		print_text(stdout, key, "");
		separator = ", ";
	}
	printf("%s\n", *separator ? "" : "none");
}

static void print_all(const struct artifact *a, const json_t *o)
{
	static const char *const members[] = {"precision", "compiler", "toolchain"};
	char *options = json_dumps(json_object_get(o, "options"), JSON_COMPACT);

	row("name", a->name);
	row("key", a->key);
	row("target", a->target);
	for (size_t i = 0; i < COUNT_OF(members); i++)
		row(members[i], json_string_value(json_object_get(o, members[i])));
	row("options", options);
	mem_free(options);
	print_tensors("input", a->inputs, a->ninputs);
	print_tensors("output", a->outputs, a->noutputs);
	printf("%-12s %u\n%-12s %u\n", "kernels", a->nkernels, "launches", a->nlaunches);
	row("certificate", a->certificate);
	row("order", json_string_value(json_object_get(o, "order")));
	print_sizes(a);
	print_metadata(json_object_get(o, "metadata"));
	for (uint32_t i = 0; i < a->nblobs; i++)
		printf("%-12s %-10s sha256:%s %14" PRIu64 "\n", "blob", a->blobs[i].name,
		       a->blobs[i].digest, a->blobs[i].bytes);
}

/* The value and nothing else; its line ends and tabs stay. */
static int print_value(const json_t *o, const char *key, struct err *e)
{
	const json_t *metadata = json_object_get(o, "metadata");
	const char *value = json_string_value(json_object_get(metadata, key));

	if (!value) {
		fail(e, E_NOT_FOUND, "the model's metadata has no '%s'", key);
		return err_hint(e, "inspect without --metadata lists the keys");
	}
	print_text(stdout, value, "\n\t");
	return 0;
}

int cmd_inspect(int argc, char **argv, struct err *e)
{
	const char *file, *key = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{"--json", .flag = &json}, {"--metadata", .value = &key}, {NULL}};
	struct artifact *a = NULL;
	json_t *o = NULL;
	int ret = 0;

	if (options_parse(argc, argv, rows, &file, e) < 0 || artifact_open(file, &a, e) < 0)
		return -1;
	if (json) {
		printf("%s\n", a->manifest);
	} else {
		o = json_loads(a->manifest, 0, NULL);
		CHECK(o && "artifact_open has read it");
		if (key)
			ret = print_value(o, key, e);
		else
			print_all(a, o);
	}
	json_decref(o);
	artifact_close(a);
	return ret;
}
