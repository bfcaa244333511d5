/*
 * Compares the tensors of a run with a reference. Those that the plan places
 * in the arena are looked at as soon as the launches that compute them are
 * done, since later ones may overwrite them; what was fused away is never
 * there. Elements may differ by atol * max(1, RMS of the reference's tensor)
 * + rtol * |wanted|; NaN and infinity must be the same, integers equal.
 */
#include "client/compare.h"

#include "client/client.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COPY ".plain" /* what the compiler adds to the name of a copy in another layout */

struct pair { /* a tensor of the plan, and what it should be */
	const struct artifact_value *v;
	const struct npz_member *ref;
};

struct difference { /* between two arrays */
	size_t elements, differing, worst;
	double got, want; /* of the worst element */
	double ratio;	  /* its error over what is allowed */
	double allowed;	  /* atol * max(1, RMS) */
	bool exact;
};

struct compare {
	struct runtime *rt;
	const struct artifact *a;
	const struct npz *ref;
	struct compare_rule rule;
	struct pair *pair; /* in the order in which they are computed */
	uint32_t npairs, next, differing;
	uint32_t used; /* members of the reference that are in the plan */
	struct difference first;
	const struct pair *first_pair;
};

/* ---- elements ---- */

static bool is_real(const struct elem *el)
{
	return el->kind == 'f' || el->kind == 'g';
}

static double rms(const struct ndarray *a)
{
	size_t n = a->data.len / a->elem->size, finite = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double v = ndarray_value(a, i);

		if (isfinite(v)) {
			sum += v * v;
			finite++;
		}
	}
	return finite ? sqrt(sum / (double)finite) : 0;
}

/* The error over what is allowed, of two numbers of which one is real. */
static double real_error(double got, double want, double atol, double rtol)
{
	double allowed = atol + rtol * fabs(want), error = fabs(got - want);

	if (got == want || (isnan(got) && isnan(want)))
		return 0;
	if (!isfinite(got) || !isfinite(want) || allowed == 0)
		return INFINITY;
	return error / allowed;
}

static struct difference difference(const struct ndarray *got, const struct ndarray *want,
				    const struct compare_rule *rule)
{
	struct difference d = {.elements = got->data.len / got->elem->size};
	size_t size = got->elem->size;

	d.exact = got->elem == want->elem && !is_real(got->elem);
	d.allowed = d.exact ? 0 : rule->atol * fmax(1, rms(want));
	for (size_t i = 0; i < d.elements; i++) {
		double g = ndarray_value(got, i), w = ndarray_value(want, i), ratio;

		if (d.exact)
			ratio = memcmp(got->data.data + i * size, want->data.data + i * size, size)
					? INFINITY
					: 0;
		else
			ratio = real_error(g, w, d.allowed, rule->rtol);
		d.differing += ratio > 1;
		if (i && !(ratio > d.ratio))
			continue;
		d.worst = i;
		d.got = g;
		d.want = w;
		d.ratio = ratio;
	}
	return d;
}

/* ---- out of the arena ---- */

/* to[n][c][s] = from[n][c / 8][s][c % 8] */
static void unblock(const struct artifact_value *v, size_t size, const uint8_t *from, uint8_t *to)
{
	size_t channels = (size_t)v->shape[1], space = 1,
	       blocks = (size_t)div_up(v->shape[1], ARTIFACT_BLOCK);

	for (uint32_t i = 2; i < v->rank; i++)
		space *= (size_t)v->shape[i];
	for (size_t n = 0; n < (size_t)v->shape[0]; n++)
		for (size_t c = 0; c < channels; c++)
			for (size_t s = 0; s < space; s++, to += size) {
				size_t block = (n * blocks + c / ARTIFACT_BLOCK) * space + s;

				memcpy(to,
				       from + (block * ARTIFACT_BLOCK + c % ARTIFACT_BLOCK) * size,
				       size);
			}
}

/* Dense and row-major; ndarray_release frees it. */
static int take(struct compare *c, const struct artifact_value *v, struct ndarray *out,
		struct err *e)
{
	uint8_t *stored;
	uint64_t bytes;

	*out = (struct ndarray){.elem = elem_find(v->dtype), .rank = v->rank};
	memcpy(out->shape, v->shape, sizeof(v->shape));
	CHECK(elem_bytes(out->elem, v->rank, v->shape, &bytes));
	stored = mem_alloc(v->rows * v->width);
	for (uint64_t r = 0; v->width && r < v->rows; r++)
		if (runtime_peek(c->rt, v->offset + r * v->pitch, stored + r * v->width, v->width,
				 e) < 0) {
			mem_free(stored);
			return err_tensor(e, v->name);
		}
	out->own = stored;
	if (v->blocked) {
		out->own = mem_alloc(bytes);
		unblock(v, out->elem->size, stored, out->own);
		mem_free(stored);
	}
	out->data = (struct span){out->own, bytes};
	return 0;
}

/* ---- who made it ---- */

/* How many launches must have run for it to be there. */
static uint32_t ready(const struct artifact_value *v)
{
	return v->first + v->made;
}

/* The launch that completes it; NULL: none does, it is an input or lies inside of others. */
static const struct artifact_launch *maker(const struct compare *c, const struct artifact_value *v)
{
	return v->made ? &c->a->launches[ready(v) - 1] : NULL;
}

static const char *kernel_of(const struct compare *c, const struct artifact_launch *l)
{
	return c->a->kernels[l->kernel].entry;
}

static void print_index(const struct artifact_value *v, size_t element)
{
	size_t index[ARTIFACT_RANK_MAX];

	for (uint32_t i = v->rank; i-- > 0;) {
		index[i] = element % (size_t)v->shape[i];
		element /= (size_t)v->shape[i];
	}
	printf("[");
	for (uint32_t i = 0; i < v->rank; i++)
		printf("%s%zu", i ? "," : "", index[i]);
	printf("]");
}

/* The tensor, and who made it. */
static void print_maker(const struct compare *c, const struct artifact_value *v)
{
	const struct artifact_launch *l = maker(c, v);
	struct buf type = BUF_INIT;

	print_type(&type, v->dtype, v->rank, v->shape);
	printf("first difference: tensor ");
	print_text(stdout, v->name, "");
	printf(" %s\n", buf_str(&type));
	buf_release(&type);
	if (l)
		printf("launch   %u (of 0 to %u), kernel %u, %s\n", ready(v) - 1,
		       c->a->nlaunches - 1, l->kernel, kernel_of(c, l));
	else
		printf("launch   none: %s\n",
		       v->op[0] ? "it lies inside of other tensors" : "it is an input");
	if (!v->op[0])
		return;
	printf("node     ");
	print_text(stdout, v->node[0] ? v->node : "without a name", "");
	printf(" (");
	print_text(stdout, v->op, "");
	printf(")\n");
}

static void print_first(const struct compare *c)
{
	const struct artifact_value *v = c->first_pair->v;
	const struct difference *d = &c->first;

	print_maker(c, v);
	printf("element  ");
	print_index(v, d->worst);
	printf(" is %.9g, should be %.9g", d->got, d->want);
	if (!d->exact)
		printf(": %.4g times the tolerance, rtol %g, atol %.4g", d->ratio, c->rule.rtol,
		       d->allowed);
	printf("\ndiffer   %zu of %zu elements; the %u tensors before it agree\n", d->differing,
	       d->elements, (unsigned)(c->first_pair - c->pair));
}

static void print_row(const struct compare *c, const struct artifact_value *v,
		      const struct difference *d)
{
	const struct artifact_launch *l = maker(c, v);
	char launch[16] = "-", op[64];

	err_escape(op, sizeof(op), v->op[0] ? v->op : "-");
	if (l)
		snprintf(launch, sizeof(launch), "%u", ready(v) - 1);
	printf("%6s  %-16s  %-20s  %10.4g %c  ", launch, l ? kernel_of(c, l) : "-", op, d->ratio,
	       d->differing ? '!' : ' ');
	print_text(stdout, v->name, "");
	printf("\n");
}

static int fail_different(const struct compare *c, struct err *e)
{
	const struct artifact_value *v = c->first_pair->v;
	const struct difference *d = &c->first;
	char name[96];

	err_escape(name, sizeof(name), v->name);
	fail(e, E_DIFFERENT, "%zu of %zu elements of '%s' differ from %s, %u of %u tensors in all",
	     d->differing, d->elements, name, c->ref->path, c->differing, c->next);
	err_node(e, v->node, v->op);
	return err_tensor(e, v->name);
}

/* ---- exported ---- */

static int by_time(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;

	if (ready(a->v) != ready(b->v))
		return ready(a->v) < ready(b->v) ? -1 : 1;
	return a->v < b->v ? -1 : a->v > b->v;
}

/* Under its own name, or as the copy of what it copies. */
static const struct npz_member *wanted(const struct npz *ref, const char *name)
{
	const struct npz_member *m = npz_find(ref, name);
	size_t len = strlen(name), suffix = strlen(COPY);
	char *stem;

	if (m || len <= suffix || strcmp(name + len - suffix, COPY) != 0)
		return m;
	stem = mem_strdup(name);
	stem[len - suffix] = 0;
	m = npz_find(ref, stem);
	mem_free(stem);
	return m;
}

/* What the model computes has the shape of the reference's, or the first difference is found. */
static int check_pair(const struct compare *c, const struct pair *p, struct err *e)
{
	struct buf expected = BUF_INIT, found = BUF_INIT;
	bool input = !p->v->made && !p->v->op[0];
	struct ndarray want;

	if (npz_array(c->ref, p->ref, &want, e) < 0)
		return -1;
	if (want.rank == p->v->rank &&
	    !memcmp(want.shape, p->v->shape, want.rank * sizeof(want.shape[0])))
		return 0;
	print_type(&expected, p->v->dtype, p->v->rank, p->v->shape);
	print_type(&found, want.elem->name, want.rank, want.shape);
	if (!input) {
		print_maker(c, p->v);
		printf("shape    should be %s\n", buf_str(&found));
	}
	fail(e, input ? E_INPUT_FILE : E_DIFFERENT, "tensor '%s' is %s, in %s %s", p->v->name,
	     buf_str(&expected), c->ref->path, buf_str(&found));
	err_hint(e, "is the reference made from the same model, with the same --dims?");
	err_node(e, p->v->node, p->v->op);
	buf_release(&expected);
	buf_release(&found);
	return err_tensor(e, p->v->name);
}

/* At least one tensor that the model computes. */
static int check_any(const struct compare *c, struct err *e)
{
	for (uint32_t i = 0; i < c->npairs; i++)
		if (c->pair[i].v->made)
			return 0;
	fail(e, E_INPUT_FILE, "%s has none of the %u tensors of the plan", c->ref->path,
	     c->a->nvalues);
	return err_hint(e, "bench/dump_ref.py makes a reference from the model");
}

int compare_open(struct runtime *rt, const struct npz *ref, const struct compare_rule *rule,
		 struct compare **out, struct err *e)
{
	const struct artifact *a = runtime_artifact(rt);
	struct compare *c = *out = mem_alloc(sizeof(*c));
	bool *seen = mem_alloc(ref->count);

	*c = (struct compare){.rt = rt, .a = a, .ref = ref, .rule = *rule};
	c->pair = mem_alloc(a->nvalues * sizeof(*c->pair));
	for (uint32_t i = 0; i < a->nvalues; i++) {
		const struct npz_member *m = wanted(ref, a->values[i].name);

		if (!m)
			continue;
		c->used += !seen[m - ref->member];
		seen[m - ref->member] = true;
		c->pair[c->npairs++] = (struct pair){&a->values[i], m};
	}
	mem_free(seen);
	qsort(c->pair, c->npairs, sizeof(*c->pair), by_time);
	for (uint32_t i = 0; i < c->npairs; i++)
		if (check_pair(c, &c->pair[i], e) < 0)
			return -1;
	return check_any(c, e);
}

static int compare_pair(struct compare *c, const struct pair *p, struct err *e)
{
	struct ndarray got, want;
	struct difference d;

	if (npz_array(c->ref, p->ref, &want, e) < 0 || take(c, p->v, &got, e) < 0)
		return -1;
	d = difference(&got, &want, &c->rule);
	ndarray_release(&got);
	if (c->rule.all)
		print_row(c, p->v, &d);
	if (d.differing && !c->differing) {
		c->first = d;
		c->first_pair = p;
	}
	c->differing += d.differing > 0;
	return 0;
}

static int seen(void *ctx, uint32_t launches, struct err *e)
{
	struct compare *c = ctx;

	for (; c->next < c->npairs && ready(c->pair[c->next].v) == launches; c->next++) {
		if (compare_pair(c, &c->pair[c->next], e) < 0)
			return -1;
		if (c->differing && !c->rule.all) {
			c->next++;
			return fail_different(c, e);
		}
	}
	return 0;
}

int compare_run(struct compare *c, const void *const *inputs, void *const *outputs, struct err *e)
{
	int ret;

	if (c->rule.all)
		printf("%6s  %-16s  %-20s  %12s  %s\n", "launch", "kernel", "operator", "error",
		       "tensor (error: of the tolerance)");
	ret = runtime_run_watched(c->rt, inputs, outputs, &(struct runtime_watch){seen, c}, e);
	if (c->first_pair)
		print_first(c);
	if (ret == 0 && c->differing)
		ret = fail_different(c, e);
	if (ret == 0)
		printf("%u tensors compared, all within rtol %g atol %g\n", c->npairs, c->rule.rtol,
		       c->rule.atol);
	if (ret == 0 || e->code == E_DIFFERENT)
		printf("not compared: %u of the reference's %u tensors, fused into others or "
		       "constant\n",
		       c->ref->count - c->used, c->ref->count);
	return ret;
}

void compare_close(struct compare *c)
{
	if (!c)
		return;
	mem_free(c->pair);
	mem_free(c);
}
