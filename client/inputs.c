/* Inputs from files, and random ones. */
#include "client/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

static int unknown(const struct artifact *a, const char *name, struct err *e)
{
	struct buf known = BUF_INIT;

	for (uint32_t i = 0; i < a->ninputs; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", a->inputs[i].name);
	fail(e, E_INPUT_UNKNOWN, "the model has no input '%s'", name);
	err_hint(e, "its inputs are: %s", buf_str(&known));
	buf_release(&known);
	return -1;
}

/* Kernels rely on it. */
static int check_truths(const struct ndarray *x, const char *path, struct err *e)
{
	for (size_t i = 0; x->elem->kind == 'b' && i < x->data.len; i++)
		if (x->data.data[i] > 1)
			return fail(e, E_INPUT_FILE, "%s: element %zu is %u, a bool is 0 or 1",
				    path, i, x->data.data[i]);
	return 0;
}

static int check_type(const struct artifact_tensor *t, const struct ndarray *x, const char *path,
		      struct err *e)
{
	struct buf expected = BUF_INIT, found = BUF_INIT;

	if (!strcmp(x->elem->name, t->dtype) && x->rank == t->rank &&
	    !memcmp(x->shape, t->shape, t->rank * sizeof(t->shape[0])))
		return check_truths(x, path, e);
	print_type(&expected, t->dtype, t->rank, t->shape);
	print_type(&found, x->elem->name, x->rank, x->shape);
	fail(e, E_INPUT_FILE, "input '%s' expects %s, %s holds %s", t->name, buf_str(&expected),
	     path, buf_str(&found));
	err_tensor(e, t->name);
	buf_release(&expected);
	buf_release(&found);
	return -1;
}

static const void *bytes_of(const struct input *x)
{
	return x->array.data.data ? (const void *)x->array.data.data : "";
}

/* One NAME=FILE; names may hold '=', so that the last one separates. */
static int read_word(const struct runtime *rt, const char *word, struct inputs *in, struct err *e)
{
	const struct artifact *a = runtime_artifact(rt);
	const char *equals = strrchr(word, '=');
	struct input *x;
	char *name;
	int i;

	if (!equals)
		return fail(e, E_USAGE, "--input %s: expected NAME=FILE", word);
	name = mem_alloc((size_t)(equals - word) + 1);
	memcpy(name, word, (size_t)(equals - word));
	i = runtime_find_input(rt, name);
	if (i < 0)
		unknown(a, name, e);
	mem_free(name);
	if (i < 0)
		return -1;
	x = &in->input[i];
	if (in->data[i])
		return fail(e, E_USAGE, "--input %s: this input is given twice", word);
	if (fs_map(equals + 1, &x->map, e) < 0 ||
	    ndarray_parse((struct span){x->map.data, x->map.len}, equals + 1, &x->array, e) < 0)
		return -1;
	in->data[i] = bytes_of(x);
	return check_type(&a->inputs[i], &x->array, equals + 1, e);
}

/* What is not given, from the reference where it has it. */
static int read_reference(const struct artifact *a, const struct npz *ref, struct inputs *in,
			  struct err *e)
{
	for (uint32_t i = 0; ref && i < a->ninputs; i++) {
		const struct npz_member *m = in->data[i] ? NULL : npz_find(ref, a->inputs[i].name);
		struct input *x = &in->input[i];

		if (!m)
			continue;
		if (npz_array(ref, m, &x->array, e) < 0 ||
		    check_type(&a->inputs[i], &x->array, ref->path, e) < 0)
			return -1;
		in->data[i] = bytes_of(x);
	}
	return 0;
}

/* ---- random ---- */

/* Element n of the generator that starts at seed: splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t splitmix(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* v is one that the type holds exactly, see put_random. */
static void put_real(const struct elem *el, uint8_t *to, double v)
{
	float f = (float)v;
	uint32_t bits;
	uint16_t h = 0;

	memcpy(&bits, &f, 4);
	if (el->kind == 'g')
		h = (uint16_t)(bits >> 16);
	else if (el->size == 2 && bits << 1) /* |v| >= 2^-10: a normal number of f16 */
		h = (uint16_t)((bits >> 16 & 0x8000) | ((bits >> 13 & 0x3ffff) - (112u << 10)));
	if (el->size == 2)
		memcpy(to, &h, 2);
	else if (el->size == 4)
		memcpy(to, &f, 4);
	else
		memcpy(to, &v, 8);
}

/* Uniform in [-1, 1) on a grid that the type holds exactly; integers 0 to 15, booleans 0 and 1. */
static void put_random(const struct elem *el, uint8_t *to, uint64_t r)
{
	unsigned bits = el->kind == 'g' ? 8 : el->size == 2 ? 11 : 24;
	uint64_t small = el->kind == 'b' ? r >> 63 : r >> 60;

	if (el->kind == 'f' || el->kind == 'g')
		put_real(el, to, (double)(r >> (64 - bits)) / (double)(1u << (bits - 1)) - 1.0);
	else
		memcpy(to, &small, el->size);
}

static void fill(const struct artifact_tensor *t, uint64_t seed, uint8_t *to)
{
	const struct elem *el = elem_find(t->dtype);

	for (uint64_t i = 0; i < t->bytes / el->size; i++)
		put_random(el, to + i * el->size, splitmix(seed, i));
}

/* ---- exported ---- */

static int parse_seed(const char *text, uint64_t *seed, struct err *e)
{
	char *end;

	errno = 0;
	*seed = strtoull(text, &end, 10);
	if (*end || errno || text[0] < '0' || text[0] > '9')
		return fail(e, E_USAGE, "--random %s: expected a number from 0 to 2^64 - 1", text);
	return 0;
}

static int fill_missing(const struct artifact *a, const char *seed, struct inputs *in,
			struct err *e)
{
	uint64_t start = 0;

	if (seed && parse_seed(seed, &start, e) < 0)
		return -1;
	for (uint32_t i = 0; i < a->ninputs; i++) {
		struct buf type = BUF_INIT;

		if (in->data[i])
			continue;
		if (seed) {
			in->input[i].random = mem_alloc(a->inputs[i].bytes);
			fill(&a->inputs[i], splitmix(start, i), in->input[i].random);
			in->data[i] = in->input[i].random;
			continue;
		}
		print_type(&type, a->inputs[i].dtype, a->inputs[i].rank, a->inputs[i].shape);
		err_item(e, E_INPUT_MISSING, a->inputs[i].name, "input", "expects %s",
			 buf_str(&type));
		buf_release(&type);
	}
	if (e->nitems == 0)
		return 0;
	fail(e, E_INPUT_MISSING, "%zu of %u inputs are not given", e->nitems + e->dropped,
	     a->ninputs);
	return err_hint(e, "--input NAME=FILE gives one, --random SEED fills all that are missing");
}

int inputs_read(const struct runtime *rt, const struct words *given, const struct npz *ref,
		const char *seed, struct inputs *in, struct err *e)
{
	const struct artifact *a = runtime_artifact(rt);

	in->count = a->ninputs;
	in->input = mem_alloc(in->count * sizeof(*in->input));
	in->data = mem_alloc(in->count * sizeof(*in->data));
	for (size_t i = 0; i < given->count; i++)
		if (read_word(rt, given->word[i], in, e) < 0)
			return -1;
	return read_reference(a, ref, in, e) < 0 ? -1 : fill_missing(a, seed, in, e);
}

void inputs_release(struct inputs *in)
{
	for (uint32_t i = 0; i < in->count; i++) {
		ndarray_release(&in->input[i].array);
		fs_unmap(&in->input[i].map);
		mem_free(in->input[i].random);
	}
	mem_free(in->input);
	mem_free(in->data);
	*in = (struct inputs){0};
}
