/* The table of tests.def, and the words for what it says. */
#include "tests/35conformance/table.h"

#include <string.h>

static const struct row rows[] = {
#define TEST(name, tier, class, op, debian, wheel) {#name, #op, tier, class, {debian, wheel}},
#include "tests/35conformance/tests.def"
#undef TEST
};

const struct row *table_at(size_t i)
{
	return i < COUNT_OF(rows) ? &rows[i] : NULL;
}

const struct row *table_find(const char *name)
{
	size_t from = 0, to = COUNT_OF(rows);

	while (from < to) { /* they stand in the order of their names */
		size_t middle = from + (to - from) / 2;
		int order = strcmp(name, rows[middle].name);

		if (!order)
			return &rows[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

const char *table_excluded(const struct row *r)
{
	static const char *const why[] = {
#define CLASS(name, words) words,
		CLASSES
#undef CLASS
	};

	return why[r->class];
}

const char *table_corpus(enum corpus c)
{
	return c == DEBIAN_1_12 ? "debian-1.12" : "wheel-1.20.1";
}

const char *table_onnxruntime(const struct row *r, enum corpus c)
{
	static const char *const words[] = {
		[LOAD] = "ONNX Runtime does not load this test",
		[RUN] = "ONNX Runtime does not run this test",
		[MISMATCH] = "ONNX Runtime's result differs, too",
	};

	return r->onnxruntime[c] < COUNT_OF(words) ? words[r->onnxruntime[c]] : NULL;
}
