/* Identity line, problem line, report file. */
#include "daemon/parse.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *object(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

static const char *take(const json_t *root, const char *name, struct arena *a)
{
	const char *s = json_string_value(json_object_get(root, name));

	return s ? arena_strdup(a, s) : NULL;
}

bool parse_identity(const char *text, struct arena *a, struct identity_text *out)
{
	json_t *root = object(text, strlen(text));

	*out = (struct identity_text){.build = take(root, "build", a),
				      .nvrtc = take(root, "nvrtc", a),
				      .nvrtc_path = take(root, "nvrtc_path", a),
				      .passes = take(root, "passes", a)};
	json_decref(root);
	return out->build && out->nvrtc && out->nvrtc_path && out->passes;
}

int parse_problem(const char *text)
{
	json_t *root = object(text, strlen(text));
	const char *code = json_string_value(json_object_get(root, "code"));
	int status = code ? err_status(err_parse(code)) : 0;

	json_decref(root);
	return status >= 400 ? status : 0;
}

/* Names become metric labels: lower-case letters and '_' only. */
static void add_stage(struct report_facts *out, const char *name, double seconds)
{
	size_t len = strlen(name);

	if (out->nstages == REPORT_STAGES_MAX || len == 0 || len >= sizeof(out->stages[0].name) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz_") != len)
		return;
	memcpy(out->stages[out->nstages].name, name, len + 1);
	out->stages[out->nstages++].seconds = seconds;
}

bool parse_report(const char *text, size_t len, struct report_facts *out)
{
	json_t *root = object(text, len), *seconds = json_object_get(root, "seconds"), *value;
	const char *name;

	*out = (struct report_facts){
		.kernels_cached = json_integer_value(json_object_get(root, "kernels_cached")),
		.kernels_compiled = json_integer_value(json_object_get(root, "kernels_compiled")),
	};
	json_object_foreach(seconds, name, value)
	{
		if (json_is_number(value))
			add_stage(out, name, json_number_value(value));
	}
	json_decref(root);
	return root != NULL;
}
