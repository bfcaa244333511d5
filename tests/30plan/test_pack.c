/*
 * place() on random instances: no byte is used twice at one step, the size is
 * what the offsets need, the lower bound is the most live bytes, the answer
 * is the same on every run; on instances made from a full rectangle the bound
 * is known, on tiny ones the optimum is found by trying every offset.
 */
#include "compiler/place/place.h"

#include <stdio.h>
#include <string.h>

#define ITEMS 24
#define PARTS 4

struct instance {
	uint32_t n;
	struct place_item item[256];
	struct place_part part[256][PARTS];
};

static uint64_t state = 1;
static int failures;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % below);
}

static void expect(bool ok, const char *what, uint64_t a, uint64_t b)
{
	if (ok)
		return;
	if (++failures <= 20)
		printf("%s: %llu, %llu\n", what, (unsigned long long)a, (unsigned long long)b);
}

/* ---- the checker: pair by pair, part by part; byte by byte for the bound ---- */

static bool part_conflict(const struct place_item *a, const struct place_part *p,
			  const struct place_item *b, const struct place_part *q)
{
	return p->low < p->high && q->low < q->high && p->first <= q->last && q->first <= p->last &&
	       a->offset + p->low < b->offset + q->high && b->offset + q->low < a->offset + p->high;
}

static bool conflict(const struct place_item *a, const struct place_item *b)
{
	for (uint32_t i = 0; i < a->nparts; i++)
		for (uint32_t k = 0; k < b->nparts; k++)
			if (part_conflict(a, &a->part[i], b, &b->part[k]))
				return true;
	return false;
}

/* Bytes of the item at a step: between neighbouring edges all are live or none is. */
static uint64_t live_bytes(const struct place_item *it, uint32_t step)
{
	uint64_t live = 0, at = 0;

	while (at < it->size) {
		uint64_t next = it->size;
		bool on = false;

		for (uint32_t k = 0; k < it->nparts; k++) {
			const struct place_part *p = &it->part[k];

			if (step < p->first || p->last < step)
				continue;
			on |= p->low <= at && at < p->high;
			next = p->low > at && p->low < next ? p->low : next;
			next = p->high > at && p->high < next ? p->high : next;
		}
		live += on ? next - at : 0;
		at = next;
	}
	return live;
}

static uint64_t most_live(const struct place_item *item, uint32_t n)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < item[i].nparts; k++) {
			uint64_t live = 0;

			for (uint32_t j = 0; j < n; j++)
				live += live_bytes(&item[j], item[i].part[k].first);
			most = live > most ? live : most;
		}
	return most;
}

static void check(const struct place_item *item, uint32_t n, const struct place_found *found)
{
	uint64_t top = 0, bound = most_live(item, n);

	expect(place_max_live(item, n) == bound, "place_max_live", bound, n);
	for (uint32_t i = 0; i < n; i++) {
		top = item[i].offset + item[i].size > top ? item[i].offset + item[i].size : top;
		bound = item[i].size > bound ? item[i].size : bound;
		expect(item[i].offset % item[i].align == 0, "not aligned", i, item[i].offset);
		for (uint32_t k = 0; k < i; k++)
			expect(!conflict(&item[i], &item[k]), "overlap", k, i);
	}
	expect(found->bytes == top, "size", found->bytes, top);
	expect(found->lower_bound == bound, "lower bound", found->lower_bound, bound);
	expect((found->proof == PLACE_MAX_LIVE) == (top == bound), "proof", found->proof, top);
	expect(top >= bound, "below the bound", top, bound);
}

/* ---- instances ---- */

static void add(struct instance *in, uint64_t size, uint64_t align, uint32_t first, uint32_t last)
{
	uint32_t i = in->n++;

	in->part[i][0] = (struct place_part){0, size, first, last};
	in->item[i] =
		(struct place_item){.size = size, .align = align, .nparts = 1, .part = in->part[i]};
}

/* Gives item i random parts in its place. */
static void cut_parts(struct instance *in, uint32_t i, uint32_t steps)
{
	struct place_item *it = &in->item[i];

	it->nparts = draw(PARTS + 1);
	for (uint32_t k = 0; k < it->nparts; k++) {
		uint64_t a = draw((uint32_t)it->size + 1), b = draw((uint32_t)it->size + 1);
		uint32_t s = draw(steps), t = s + draw(4);

		in->part[i][k] = (struct place_part){a < b ? a : b, a < b ? b : a, s, t};
	}
}

static void pack(struct instance *in, struct place_found *found)
{
	place(in->item, in->n, found);
	check(in->item, in->n, found);
}

static void random_instance(struct instance *in, bool parts)
{
	uint32_t n = draw(ITEMS + 1), steps = 1 + draw(30);

	in->n = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t a = draw(steps), b = draw(3) ? a + draw(3) : draw(steps);
		uint64_t size = draw(8) ? draw(1u << draw(20)) : 0, align = draw(2) ? 1 : 256;

		add(in, (size + align - 1) / align * align, align, a < b ? a : b, a < b ? b : a);
		if (parts && draw(2))
			cut_parts(in, k, steps);
	}
}

static void random_instances(int count, bool parts)
{
	static struct instance in, again;
	double worst = 1, sum = 0;
	int counted = 0;

	for (int i = 0; i < count; i++) {
		struct place_found found, other;

		random_instance(&in, parts);
		again = in;
		pack(&in, &found);
		if (i % 16 == 0) {
			place(again.item, again.n, &other);
			for (uint32_t k = 0; k < in.n; k++)
				expect(in.item[k].offset == again.item[k].offset, "another answer",
				       (uint64_t)i, k);
		}
		if (found.lower_bound) {
			double ratio = (double)found.bytes / (double)found.lower_bound;

			worst = ratio > worst ? ratio : worst;
			sum += ratio;
			counted++;
		}
	}
	printf("%d random instances: worst %.3f of the bound, mean %.4f\n", count, worst,
	       sum / counted);
	expect(worst < 2.1 && sum / counted < 1.05, "far from the bound", (uint64_t)(worst * 1000),
	       0);
}

/* A rectangle of steps x bytes cut into boxes: the bound is its height, and a plan exists. */
static void cut(struct instance *in, uint32_t first, uint32_t last, uint32_t units)
{
	uint32_t length = last - first + 1;
	bool leaf = in->n >= 60 || (length <= 2 && units <= 2) || !draw(8);

	if (!leaf && length > 1 && (units == 1 || draw(2))) {
		uint32_t at = first + draw(length - 1);

		cut(in, first, at, units);
		cut(in, at + 1, last, units);
	} else if (!leaf && units > 1) {
		uint32_t low = 1 + draw(units - 1);

		cut(in, first, last, low);
		cut(in, first, last, units - low);
	} else {
		add(in, (uint64_t)units * 256, 256, first, last);
	}
}

static void cut_rectangles(int count)
{
	static struct instance in;
	int proved = 0;

	for (int i = 0; i < count; i++) {
		struct place_found found;

		in.n = 0;
		cut(&in, 0, 19, 64);
		pack(&in, &found);
		expect(found.lower_bound == UINT64_C(64) * 256, "rectangle", found.lower_bound, 0);
		proved += found.bytes == found.lower_bound;
	}
	printf("%d cut rectangles: %d packed without a gap\n", count, proved);
	expect(proved * 100 >= count * 97, "few without a gap", (uint64_t)proved, (uint64_t)count);
}

/* ---- brute force: every offset of every item ---- */

static bool fits(struct place_item *item, uint32_t n, uint32_t done, uint64_t capacity)
{
	struct place_item *it = &item[done];

	if (done == n)
		return true;
	for (it->offset = 0; it->offset + it->size <= capacity; it->offset += it->align) {
		bool ok = true;

		for (uint32_t k = 0; k < done && ok; k++)
			ok = !conflict(it, &item[k]);
		if (ok && fits(item, n, done + 1, capacity))
			return true;
	}
	return false;
}

static void tiny_instances(int count, bool parts)
{
	static struct instance in, copy;
	int optimal = 0;

	for (int i = 0; i < count; i++) {
		struct place_found found;
		uint32_t n = 3 + draw(3);
		uint64_t best;

		in.n = 0;
		for (uint32_t k = 0; k < n; k++) {
			uint32_t a = draw(6);

			add(&in, 1 + draw(9), parts ? 1 + draw(3) : 1, a, a + draw(4));
			if (parts && draw(2))
				cut_parts(&in, k, 6);
		}
		copy = in;
		for (uint32_t k = 0; k < n; k++)
			copy.item[k].part = copy.part[k];
		pack(&in, &found);
		for (best = found.lower_bound; !fits(copy.item, n, 0, best); best++)
			;
		optimal += found.bytes == best;
		expect(found.proof == PLACE_GAP || found.bytes == best, "no optimum", found.bytes,
		       best);
	}
	printf("%d tiny instances: %d optimal\n", count, optimal);
	expect(optimal * 100 >= count * 99, "not optimal", (uint64_t)optimal, (uint64_t)count);
}

static void many_items(void)
{
	enum { N = 10000 };
	static struct place_item item[N];
	static struct place_part part[N];
	struct place_found found;

	for (uint32_t i = 0; i < N; i++) {
		part[i] = (struct place_part){0, 1 + draw(1u << 20), i, i + draw(6)};
		item[i] = (struct place_item){
			.size = part[i].high, .align = 1, .nparts = 1, .part = &part[i]};
	}
	place(item, N, &found);
	printf("%d items: %.4f of the bound\n", N, (double)found.bytes / (double)found.lower_bound);
	expect(found.bytes * 100 <= found.lower_bound * 110, "10 000 items", found.bytes,
	       found.lower_bound);
}

/* Sizes and lives log-uniform, more items than a search takes; `parts`: some die at their ends
 * first. */
static void sparse_items(bool parts, uint64_t seed)
{
	enum { N = 4500 };
	static struct place_item item[N], other[N];
	static struct place_part part[N][2];
	struct place_options o = {.nodes = 60000, .threads = 1};
	struct place_found found, again;

	state = seed;
	for (uint32_t i = 0; i < N; i++) {
		uint64_t size = 64 * (1 + draw(2u << draw(14))), half = size / 2;
		uint32_t first = draw(N), last = first + draw(1u << draw(10));
		bool two = parts && draw(2);

		part[i][0] = (struct place_part){0, two ? half : size, first, last};
		part[i][1] = (struct place_part){half, size, first, last + draw(20)};
		item[i] = (struct place_item){.size = size,
					      .align = parts ? 64 : 1,
					      .nparts = two ? 2 : 1,
					      .part = part[i]};
		other[i] = item[i];
	}
	place_with(item, N, &o, &found);
	check(item, N, &found);
	expect(found.nodes > 0, "nothing to repair", found.nodes, 0);
	printf("%d sparse items: %.4f of the bound, %llu nodes\n", N,
	       (double)found.bytes / (double)found.lower_bound, (unsigned long long)found.nodes);
	expect(found.bytes * 100 <= found.lower_bound * 101, "sparse items", found.bytes,
	       found.lower_bound);
	o = (struct place_options){.nodes = 0, .threads = 1};
	place_with(other, N, &o, &again);
	expect(again.bytes > found.bytes, "nothing was repaired", again.bytes, found.bytes);
	o = (struct place_options){.nodes = 60000, .threads = 2};
	place_with(other, N, &o, &again);
	for (uint32_t i = 0; i < N; i++)
		expect(item[i].offset == other[i].offset, "another answer with two threads", i, 0);
}

static void nothing(void)
{
	struct place_item none = {.size = 0, .align = 1};
	struct place_found found;

	place(&none, 0, &found);
	expect(found.bytes == 0 && found.proof == PLACE_MAX_LIVE, "nothing", found.bytes, 0);
	place(&none, 1, &found);
	expect(found.bytes == 0 && none.offset == 0, "an empty item", found.bytes, 0);
}

int main(void)
{
	random_instances(4000, false);
	random_instances(1500, true);
	cut_rectangles(200);
	tiny_instances(1000, false);
	tiny_instances(1000, true);
	many_items();
	sparse_items(false, 6);
	sparse_items(true, 2);
	nothing();
	return failures != 0;
}
