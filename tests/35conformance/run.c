/*
 * Per data set: compile, run, compare. Inputs stay run-time data as far as
 * that goes: where the compiler says that one decides a shape or how often a
 * loop runs, it becomes a constant with the test's data; where it names a
 * value in between, the small integers and truth values do, and at last all.
 * Open dimensions get the data's sizes.
 */
#include "tests/35conformance/run.h"

#include "compiler/compiler.h"
#include "runtime/runtime.h"
#include "tests/35conformance/compare.h"
#include "tests/35conformance/corpus.h"

#include <string.h>
#include <unistd.h>

#define SMALL 64 /* elements of what looks like a shape */

struct test {
	const char *folder, *artifact;
	struct arena *arena;
	struct compile_options options;
	const char *kernel_cache;
	struct data_set set;
	bool *bound; /* per input */
	bool sized;  /* open dimensions got their sizes */
	struct buf *words;
};

/* ---- what has to be known when compiling ---- */

static bool is_small_integer(const struct ndarray *a)
{
	return strchr("iub", a->elem->kind) && a->data.len <= SMALL * a->elem->size;
}

/* Not by the word NAME=FILE: a path may hold a '='. */
static void bind_input(struct test *t, uint32_t i)
{
	struct compile_options *o = &t->options;
	const struct value *v = &t->set.inputs[i];

	t->bound[i] = true;
	o->binds = GROW(t->arena, o->binds, o->nbinds);
	o->binds[o->nbinds++] = (struct value_binding){.name = v->name, .path = v->path};
	buf_printf(t->words, "constant: %s\n", v->name);
}

/* The named input; else the small integers; else everything. false: nothing is left to bind. */
static bool bind_more(struct test *t, const char *name)
{
	bool more = false;

	for (int round = 0; round < 3 && !more; round++)
		for (uint32_t i = 0; i < t->set.ninputs; i++) {
			const struct value *v = &t->set.inputs[i];

			if (t->bound[i] || !v->array.elem ||
			    (round == 0 && strcmp(v->name, name)) ||
			    (round == 1 && !is_small_integer(&v->array)))
				continue;
			bind_input(t, i);
			more = true;
		}
	return more;
}

static int size_inputs(struct test *t, struct err *e)
{
	t->sized = true;
	for (uint32_t i = 0; i < t->set.ninputs; i++) {
		const struct value *v = &t->set.inputs[i];

		for (uint32_t k = 0; k < v->array.rank; k++) {
			const char *word = arena_printf(t->arena, "%s:%u=%lld", v->name, k,
							(long long)v->array.shape[k]);

			if (compile_options_parse(&t->options, "dims", word, e) < 0)
				return -1;
		}
	}
	return 0;
}

/* Whether what was refused may be tried again with more of it known. */
static bool amend(struct test *t, const struct err *refusal, struct err *e)
{
	if (refusal->code == E_DIM_UNBOUND && !t->sized)
		return size_inputs(t, e) == 0;
	return (refusal->code == E_SHAPE_DYNAMIC || refusal->code == E_LOOP) &&
	       bind_more(t, refusal->tensor);
}

static int compile_test(struct test *t, struct err *e)
{
	const struct compile_job job = {
		.model_path = arena_printf(t->arena, "%s/model.onnx", t->folder),
		.out_path = t->artifact,
		.kernel_cache = t->kernel_cache,
		.progress_fd = -1,
	};
	struct err refusal;
	bool again;

	do {
		refusal = ERR_INIT;
		if (compile_options_hash_binds(&t->options, e) < 0)
			return -1;
		if (compile(&job, &t->options, NULL, &refusal) == 0)
			return 0;
		again = amend(t, &refusal, e);
		if (again)
			err_release(&refusal);
	} while (again);
	if (e->code == E_OK)
		*e = refusal;
	else
		err_release(&refusal);
	return -1;
}

/* ---- running ---- */

static struct value *find_input(const struct test *t, const char *name)
{
	for (uint32_t i = 0; i < t->set.ninputs; i++)
		if (t->set.inputs[i].array.elem && !strcmp(t->set.inputs[i].name, name))
			return &t->set.inputs[i];
	return NULL;
}

/* Old corpora keep bfloat16 in tensors of uint16, for NumPy knows no such type. */
static void mend_type(struct ndarray *a, const char *dtype)
{
	if (!strcmp(dtype, "bf16") && a->elem && !strcmp(a->elem->name, "u16"))
		a->elem = elem_find(dtype);
}

/* An input of no bytes still needs an address. */
static const void *bytes_of(const struct value *v)
{
	return v->array.data.len ? (const void *)v->array.data.data : "";
}

static int run_artifact(struct test *t, struct runtime *rt, struct ndarray *out, struct err *e)
{
	const struct artifact *a = runtime_artifact(rt);
	const void **inputs = NEW(t->arena, a->ninputs + 1, const void *);
	void **outputs = NEW(t->arena, a->noutputs + 1, void *);

	for (uint32_t i = 0; i < a->ninputs; i++) {
		struct value *v = find_input(t, a->inputs[i].name);

		if (v)
			mend_type(&v->array, a->inputs[i].dtype);
		if (!v)
			return fail(e, E_INPUT_FILE, "input '%s': the test has no data for it",
				    a->inputs[i].name);
		if (v->array.data.len != a->inputs[i].bytes ||
		    strcmp(v->array.elem->name, a->inputs[i].dtype) != 0)
			return fail(e, E_INPUT_FILE,
				    "input '%s': %llu bytes of %s, the test has %zu of %s", v->name,
				    (unsigned long long)a->inputs[i].bytes, a->inputs[i].dtype,
				    v->array.data.len, v->array.elem->name);
		inputs[i] = bytes_of(v);
	}
	for (uint32_t i = 0; i < a->noutputs; i++) {
		const struct artifact_tensor *o = &a->outputs[i];

		outputs[i] = arena_alloc(t->arena, o->bytes + 1);
		out[i] = (struct ndarray){.elem = elem_find(o->dtype),
					  .rank = o->rank,
					  .data = {outputs[i], o->bytes}};
		memcpy(out[i].shape, o->shape, sizeof(o->shape));
	}
	return runtime_run(rt, inputs, outputs, e);
}

static bool compare_outputs(struct test *t, const struct ndarray *out)
{
	bool same = true;

	for (uint32_t i = 0; i < t->set.noutputs; i++) {
		struct value *v = &t->set.outputs[i];

		mend_type(&v->array, out[i].elem->name);
		if (v->array.elem)
			same &= compare(&out[i], &v->array, v->name, t->words);
		else
			buf_printf(t->words, "output '%s': the test does not tell it\n", v->name);
		same &= v->array.elem != NULL;
	}
	return same;
}

/* The compiled file against the data set. */
static bool check_artifact(struct test *t, struct err *e)
{
	struct runtime *rt = NULL;
	struct ndarray *out;
	bool same = false;

	if (runtime_open(t->artifact, &rt, e) < 0)
		return false;
	if (runtime_artifact(rt)->noutputs != t->set.noutputs) {
		fail(e, E_SHAPE, "%u outputs, not %u", runtime_artifact(rt)->noutputs,
		     t->set.noutputs);
		goto done;
	}
	if (!runtime_artifact(rt)->nlaunches)
		buf_puts(t->words, "no kernel is left\n");
	out = NEW(t->arena, t->set.noutputs + 1, struct ndarray);
	if (runtime_load(rt, RUNTIME_EMULATOR, e) == 0 && run_artifact(t, rt, out, e) == 0)
		same = compare_outputs(t, out);
done:
	runtime_close(rt);
	return same;
}

/* ---- what came of it ---- */

static enum verdict tell_refusal(const struct test *t, const struct err *e)
{
	if (e->code != E_OP_UNSUPPORTED) {
		buf_printf(t->words, "%s: %s", err_name(e->code), e->detail);
		if (e->op[0])
			buf_printf(t->words, " [%s%s%s]", e->op, e->node[0] ? " " : "", e->node);
		buf_puts(t->words, "\n");
		return FAILED;
	}
	buf_release(t->words); /* the reason stands alone */
	buf_puts(t->words, "unsupported operator:");
	for (size_t i = 0; i < e->nitems; i++) {
		size_t k = 0;

		while (k < i && strcmp(e->items[k].op, e->items[i].op) != 0)
			k++;
		if (k == i)
			buf_printf(t->words, " %s", e->items[i].op);
	}
	buf_printf(t->words, "%s%s\n", e->nitems ? "" : " ", e->nitems ? "" : e->detail);
	return SKIPPED;
}

static enum verdict run_set(struct test *t, uint32_t k)
{
	struct err e = ERR_INIT;
	enum verdict v = FAILED;

	if (corpus_load(t->folder, k, t->arena, &t->set, &e) == 0) {
		t->bound = NEW(t->arena, t->set.ninputs + 1, bool);
		if (compile_test(t, &e) == 0 && check_artifact(t, &e))
			v = PASSED;
	}
	if (e.code != E_OK)
		v = tell_refusal(t, &e);
	unlink(t->artifact);
	corpus_release(&t->set);
	err_release(&e);
	return v;
}

enum verdict run_test(const char *folder, const char *artifact, const struct run_options *o,
		      struct buf *words)
{
	uint32_t sets = corpus_sets(folder);
	enum verdict v = PASSED;

	if (!sets)
		buf_puts(words, "no data set\n");
	for (uint32_t k = 0; k < sets && v == PASSED; k++) {
		struct test t = {.folder = folder,
				 .artifact = artifact,
				 .arena = arena_open(0),
				 .kernel_cache = o->kernel_cache,
				 .words = words};

		compile_options_init(&t.options, t.arena);
		t.options.target = o->target;
		t.options.code = "ptx";
		v = run_set(&t, k);
		arena_close(t.arena);
	}
	return sets ? v : FAILED;
}
