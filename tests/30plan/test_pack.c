/*
 * plan_pack on random instances: nothing that shares a step overlaps, the
 * size is what the offsets need, not below the lower bound, the same on every
 * run; on instances made from a full rectangle the bound is known, on tiny
 * ones the optimum is found by trying all orders.
 */
#include "compiler/plan.h"

#include <stdio.h>
#include <string.h>

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
	failures++;
	printf("%s: %llu, %llu\n", what, (unsigned long long)a, (unsigned long long)b);
}

static uint64_t rounded(uint64_t size)
{
	return (size + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
}

/* Independent of the planner: pair by pair, step by step. */
static uint64_t check(const struct plan_item *item, uint32_t n, const struct plan_found *found)
{
	uint64_t top = 0, bound = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t live = 0;

		top = item[i].offset + rounded(item[i].size) > top
			      ? item[i].offset + rounded(item[i].size)
			      : top;
		expect(item[i].offset % PLAN_ALIGN == 0, "not aligned", i, item[i].offset);
		for (uint32_t k = 0; k < n; k++) {
			bool now = item[k].first <= item[i].first && item[i].first <= item[k].last;

			live += now ? rounded(item[k].size) : 0;
			if (k < i && item[k].first <= item[i].last && item[i].first <= item[k].last)
				expect(item[k].offset + rounded(item[k].size) <= item[i].offset ||
					       item[i].offset + rounded(item[i].size) <=
						       item[k].offset,
				       "overlap", k, i);
		}
		bound = live > bound ? live : bound;
	}
	expect(found->bytes == top, "size", found->bytes, top);
	expect(found->lower_bound == bound, "lower bound", found->lower_bound, bound);
	expect(found->bytes >= found->lower_bound, "below the bound", found->bytes, bound);
	return top;
}

static void pack(struct plan_item *item, uint32_t n, struct plan_found *found)
{
	struct err e = ERR_INIT;

	if (plan_pack(item, n, found, &e) < 0)
		expect(false, e.detail, 0, 0);
	expect(plan_max_live(item, n) == found->lower_bound, "plan_max_live", 0,
	       found->lower_bound);
	check(item, n, found);
	err_release(&e);
}

#define ITEMS 24

static void random_instances(int count)
{
	double worst = 1, sum = 0;
	int counted = 0;

	for (int i = 0; i < count; i++) {
		struct plan_item item[ITEMS], again[ITEMS];
		struct plan_found found, other;
		uint32_t n = draw(ITEMS + 1), steps = 1 + draw(30);

		for (uint32_t k = 0; k < n; k++) {
			uint32_t a = draw(steps), b = draw(3) ? a + draw(3) : draw(steps);

			item[k] = (struct plan_item){.size = draw(8) ? draw(1u << draw(20)) : 0,
						     .first = a < b ? a : b,
						     .last = a < b ? b : a};
		}
		memcpy(again, item, sizeof(item));
		pack(item, n, &found);
		if (i % 16 == 0) {
			pack(again, n, &other);
			expect(!memcmp(item, again, n * sizeof(*item)), "another answer", 0, 0);
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
	expect(worst < 1.06, "far from the bound", (uint64_t)(worst * 1000), 0);
}

/* A rectangle of steps x bytes cut into boxes: the bound is its height, and a plan exists. */
static uint32_t cut(struct plan_item *item, uint32_t n, uint32_t first, uint32_t last,
		    uint32_t units)
{
	uint32_t length = last - first + 1;

	if (n >= 60 || (length <= 2 && units <= 2) || !draw(8)) {
		item[n] = (struct plan_item){
			.size = (uint64_t)units * PLAN_ALIGN, .first = first, .last = last};
		return n + 1;
	}
	if (length > 1 && (units == 1 || draw(2))) {
		uint32_t at = first + draw(length - 1);

		n = cut(item, n, first, at, units);
		return cut(item, n, at + 1, last, units);
	}
	if (units > 1) {
		uint32_t low = 1 + draw(units - 1);

		n = cut(item, n, first, last, low);
		return cut(item, n, first, last, units - low);
	}
	item[n] = (struct plan_item){
		.size = (uint64_t)units * PLAN_ALIGN, .first = first, .last = last};
	return n + 1;
}

static void cut_rectangles(int count)
{
	int proved = 0;

	for (int i = 0; i < count; i++) {
		struct plan_item item[256];
		struct plan_found found;
		uint32_t n = cut(item, 0, 0, 19, 64);

		pack(item, n, &found);
		expect(found.lower_bound == 64 * PLAN_ALIGN, "rectangle", found.lower_bound, 0);
		proved += found.bytes == found.lower_bound;
	}
	printf("%d cut rectangles: %d packed without a gap\n", count, proved);
	expect(proved * 100 >= count * 97, "few without a gap", (uint64_t)proved, (uint64_t)count);
}

/* The best first-fit over all orders of n items: some order is optimal. */
static uint64_t best_of_all(struct plan_item *item, uint32_t n, uint32_t placed)
{
	uint64_t best = UINT64_MAX;

	if (placed == n) {
		best = 0;
		for (uint32_t i = 0; i < n; i++)
			if (item[i].offset + rounded(item[i].size) > best)
				best = item[i].offset + rounded(item[i].size);
		return best;
	}
	for (uint32_t i = placed; i < n; i++) {
		struct plan_item mine = item[i];
		uint64_t at = 0, found;
		bool moved = true;

		while (moved) {
			moved = false;
			for (uint32_t k = 0; k < placed; k++)
				if (item[k].first <= mine.last && mine.first <= item[k].last &&
				    at < item[k].offset + rounded(item[k].size) &&
				    item[k].offset < at + rounded(mine.size)) {
					at = item[k].offset + rounded(item[k].size);
					moved = true;
				}
		}
		item[i] = item[placed];
		item[placed] = mine;
		item[placed].offset = at;
		found = best_of_all(item, n, placed + 1);
		best = found < best ? found : best;
		item[placed] = item[i];
		item[i] = mine;
	}
	return best;
}

static void tiny_instances(int count)
{
	int optimal = 0;

	for (int i = 0; i < count; i++) {
		struct plan_item item[6], copy[6];
		struct plan_found found;
		uint32_t n = 3 + draw(4);

		for (uint32_t k = 0; k < n; k++) {
			uint32_t a = draw(6);

			item[k] = (struct plan_item){.size = PLAN_ALIGN * (1 + (uint64_t)draw(9)),
						     .first = a,
						     .last = a + draw(4)};
		}
		memcpy(copy, item, sizeof(item));
		pack(item, n, &found);
		optimal += found.bytes == best_of_all(copy, n, 0);
	}
	printf("%d tiny instances: %d optimal\n", count, optimal);
	expect(optimal == count, "not optimal", (uint64_t)optimal, (uint64_t)count);
}

static void many_items(void)
{
	enum { N = 10000 };
	static struct plan_item item[N];
	struct plan_found found;

	for (uint32_t i = 0; i < N; i++)
		item[i] = (struct plan_item){
			.size = 1 + draw(1u << 20), .first = i, .last = i + draw(6)};
	pack(item, N, &found);
	printf("%d items: %.4f of the bound\n", N, (double)found.bytes / (double)found.lower_bound);
	expect(found.bytes * 100 <= found.lower_bound * 110, "10 000 items", found.bytes,
	       found.lower_bound);
}

static void refusals(void)
{
	struct plan_item one = {.size = PLAN_BYTES_MAX + 1};
	struct plan_item two[2] = {{.size = PLAN_BYTES_MAX}, {.size = 1}};
	struct plan_item none;
	struct plan_found found;
	struct err e = ERR_INIT;

	expect(plan_pack(&one, 1, &found, &e) < 0 && e.code == E_PLAN_TOO_BIG, "too big", 0, 0);
	err_release(&e);
	e = ERR_INIT;
	expect(plan_pack(two, 2, &found, &e) < 0 && e.code == E_PLAN_TOO_BIG, "too big", 1, 0);
	err_release(&e);
	e = ERR_INIT;
	two[1].first = two[1].last = 1;
	expect(plan_pack(two, 2, &found, &e) == 0 && found.bytes == PLAN_BYTES_MAX, "largest", 0,
	       0);
	expect(plan_pack(&none, 0, &found, &e) == 0 && found.bytes == 0, "nothing", 0, 0);
	err_release(&e);
}

int main(void)
{
	random_instances(20000);
	cut_rectangles(200);
	tiny_instances(1000);
	many_items();
	refusals();
	return failures != 0;
}
