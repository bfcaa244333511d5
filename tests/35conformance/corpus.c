/*
 * Walks a corpus and reads its data sets. J in input_J.pb counts
 * graph.input, initializers included, so the names come from the model
 * itself: the names of ValueInfoProto in ModelProto.graph.
 */
#include "tests/35conformance/corpus.h"

#include "compiler/onnx_int.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_GRAPH = 7, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, VALUE_NAME = 1 };

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int corpus_walk(const char *dir, struct arena *a, struct corpus_list *list, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	*list = (struct corpus_list){0};
	if (!d)
		return fail(e, E_NO_FILE, "%s: no such folder", dir);
	while ((entry = readdir(d)) != NULL) {
		if (!fs_exists(arena_printf(a, "%s/%s/model.onnx", dir, entry->d_name)))
			continue;
		list->name = GROW(a, list->name, list->n);
		list->name[list->n++] = arena_strdup(a, entry->d_name);
	}
	closedir(d);
	if (list->n)
		qsort(list->name, list->n, sizeof(*list->name), by_name);
	return 0;
}

uint32_t corpus_sets(const char *folder)
{
	struct arena *a = arena_open(0);
	uint32_t n = 0;

	while (fs_exists(arena_printf(a, "%s/test_data_set_%u", folder, n)))
		n++;
	arena_close(a);
	return n;
}

/* The values that a field of the graph lists, by name. */
static struct value *list_values(struct span graph, uint32_t field, struct arena *a, uint32_t *n)
{
	struct wire w = wire_of(graph);
	struct wire_field f, name;
	struct value *v = NULL;

	*n = 0;
	while (wire_next(&w, &f)) {
		if (f.number != field || !wire_find(f.bytes, VALUE_NAME, &name))
			continue;
		v = GROW(a, v, *n);
		v[(*n)++] =
			(struct value){.name = arena_strndup(a, name.bytes.data, name.bytes.len)};
	}
	return v;
}

static int read_value(struct value *v, const char *path, struct err *e)
{
	v->path = path;
	if (!fs_exists(path))
		return 0;
	if (fs_map(path, &v->file, e) < 0)
		return -1;
	return ndarray_parse((struct span){v->file.data, v->file.len}, path, &v->array, e);
}

static int read_values(struct value *v, uint32_t n, const char *stem, struct arena *a,
		       struct err *e)
{
	for (uint32_t i = 0; i < n; i++)
		if (read_value(&v[i], arena_printf(a, "%s_%u.pb", stem, i), e) < 0)
			return -1;
	return 0;
}

int corpus_load(const char *folder, uint32_t k, struct arena *a, struct data_set *s, struct err *e)
{
	struct wire_field graph;
	struct map model;
	int ret = -1;

	*s = (struct data_set){0};
	if (fs_map(arena_printf(a, "%s/model.onnx", folder), &model, e) < 0)
		return -1;
	if (onnx_scan((struct span){model.data, model.len}, ROOT_MODEL, e) < 0 ||
	    !wire_find((struct span){model.data, model.len}, MODEL_GRAPH, &graph)) {
		fail(e, E_NO_GRAPH, "%s/model.onnx has no graph", folder);
		goto done;
	}
	s->inputs = list_values(graph.bytes, GRAPH_INPUT, a, &s->ninputs);
	s->outputs = list_values(graph.bytes, GRAPH_OUTPUT, a, &s->noutputs);
	folder = arena_printf(a, "%s/test_data_set_%u", folder, k);
	if (read_values(s->inputs, s->ninputs, arena_printf(a, "%s/input", folder), a, e) == 0)
		ret = read_values(s->outputs, s->noutputs, arena_printf(a, "%s/output", folder), a,
				  e);
done:
	fs_unmap(&model);
	return ret;
}

static void release(struct value *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		ndarray_release(&v[i].array);
		fs_unmap(&v[i].file);
	}
}

void corpus_release(struct data_set *s)
{
	release(s->inputs, s->ninputs);
	release(s->outputs, s->noutputs);
	*s = (struct data_set){0};
}
