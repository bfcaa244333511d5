/*
 * Operators, opsets and types come from the compiler's own table, the tests
 * that pass from tests.def without what known.tsv lists; test_conformance.py
 * holds that list to what runs show. Nothing is run here.
 */
#include "tests/35conformance/support.h"

#include "base/fs.h"
#include "base/names.h"
#include "compiler/ops/elementwise.h"
#include "compiler/ops/util.h"
#include "tests/35conformance/table.h"

#include <stdlib.h>
#include <string.h>

#define TIERS 6

struct tally {
	uint32_t apply, pass;
};

struct support_row { /* all rows of one name */
	const char *name;
	int since, until; /* until 0: still valid */
	uint32_t types;
	struct tally tests[CORPORA];
};

struct support {
	struct arena *arena;
	struct support_row *op;
	uint32_t nops;
	struct names known; /* "CORPUS NAME" */
	struct tally tier[CORPORA][TIERS];
	struct names missing; /* operators that we do not have -> index + 1 */
	const char **missing_name;
	uint32_t nmissing;
};

/* ---- what is known ---- */

static int read_known(struct support *s, const char *path, struct err *e)
{
	struct buf file = BUF_INIT;
	char *rest, *line;

	if (fs_read(path, (size_t)1 << 24, &file, e) < 0)
		return -1;
	rest = arena_strdup(s->arena, buf_str(&file));
	buf_release(&file);
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *corpus = strsep(&line, "\t"), *name = strsep(&line, "\t");
		const char *key;

		if (!*corpus || *corpus == '#')
			continue;
		if (!name || !line)
			return fail(e, E_USAGE, "%s: a line is not CORPUS, NAME, WHY", path);
		key = arena_printf(s->arena, "%s %s", corpus, name);
		*names_at(&s->known, key, strlen(key)) = 1;
	}
	return 0;
}

static bool passes(const struct support *s, const struct row *r, enum corpus c)
{
	const char *key = arena_printf(s->arena, "%s %s", table_corpus(c), r->name);

	return !names_find(&s->known, key, strlen(key));
}

/* ---- operators ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct support_row *)a)->name, ((const struct support_row *)b)->name);
}

static struct support_row *find(const struct support *s, const char *name)
{
	for (uint32_t i = 0; i < s->nops; i++)
		if (!strcmp(s->op[i].name, name))
			return &s->op[i];
	return NULL;
}

static void add_row(struct support *s, const struct op *row)
{
	struct support_row *o = find(s, row->name);

	if (!o) {
		s->op = GROW(s->arena, s->op, s->nops);
		o = &s->op[s->nops++];
		*o = (struct support_row){
			.name = row->name, .since = row->since, .until = row->until};
	}
	o->since = MIN(o->since, row->since);
	o->until = o->until && row->until ? MAX(o->until, row->until) : 0;
	/* what is written as other operators takes what those take, unless it says so itself */
	o->types |= row->expand ? row->types : op_types(row);
}

static void collect(struct support *s)
{
	const struct op *row;

	for (uint32_t i = 0; (row = op_at(i)) != NULL; i++)
		if (row->name[0] != '.')
			add_row(s, row);
	qsort(s->op, s->nops, sizeof(*s->op), by_name);
}

static void add_missing(struct support *s, const char *name)
{
	uint32_t *at = names_at(&s->missing, name, strlen(name));

	if (*at)
		return;
	s->missing_name = GROW(s->arena, s->missing_name, s->nmissing);
	s->missing_name[s->nmissing++] = name;
	*at = s->nmissing;
}

static void add(struct tally *t, bool applies, bool pass)
{
	t->apply += applies;
	t->pass += applies && pass;
}

static void count_tests(struct support *s)
{
	const struct row *r;

	for (size_t i = 0; (r = table_at(i)) != NULL; i++) {
		struct support_row *o = find(s, r->op);

		if (table_excluded(r))
			continue;
		if (!o)
			add_missing(s, r->op);
		for (int c = 0; c < CORPORA; c++) {
			bool there = r->onnxruntime[c] != ABSENT;
			bool pass = passes(s, r, (enum corpus)c);

			add(&s->tier[c][r->tier], there, pass);
			if (o)
				add(&o->tests[c], there, pass);
		}
	}
}

/* ---- the text ---- */

static void put_types(struct buf *out, uint32_t types)
{
	static const struct {
		uint32_t mask;
		const char *name;
	} groups[] = {
		{DT_ANY, "all"},       {DT_NUMBERS, "numbers"}, {DT_FLOATS, "floats"},
		{DT_INTS, "integers"}, {DT_SIGNED, "signed"},
	};
	const char *comma = "";

	types = types ? types : DT_ANY;

	for (size_t i = 0; i < COUNT_OF(groups); i++)
		if ((types & groups[i].mask) == groups[i].mask) {
			buf_printf(out, "%s%s", comma, groups[i].name);
			types &= ~groups[i].mask;
			comma = ", ";
		}
	for (int dt = F32; dt < DT_COUNT; dt++)
		if (types & DT_BIT(dt)) {
			buf_printf(out, "%s%s", comma, dtype_name((enum dtype)dt));
			comma = ", ";
		}
}

static void put_tally(struct buf *out, const struct tally *t)
{
	if (t->apply)
		buf_printf(out, " %u of %u |", t->pass, t->apply);
	else
		buf_puts(out, " |");
}

static void put_tiers(const struct support *s, struct buf *out)
{
	buf_puts(out, "| tests | tier 1 | tier 2 | tier 3 | tier 4 | tier 5 | all |\n"
		      "|---|--:|--:|--:|--:|--:|--:|\n");
	for (int c = 0; c < CORPORA; c++) {
		struct tally all = {0};

		buf_printf(out, "| %s |", table_corpus((enum corpus)c));
		for (int t = 1; t < TIERS; t++) {
			put_tally(out, &s->tier[c][t]);
			all.apply += s->tier[c][t].apply;
			all.pass += s->tier[c][t].pass;
		}
		put_tally(out, &all);
		buf_puts(out, "\n");
	}
}

static void put_operators(const struct support *s, struct buf *out)
{
	buf_printf(out, "\n| operator | opsets | types | %s | %s |\n|---|---|---|--:|--:|\n",
		   table_corpus(DEBIAN_1_12), table_corpus(WHEEL_1_20_1));
	for (uint32_t i = 0; i < s->nops; i++) {
		const struct support_row *o = &s->op[i];

		buf_printf(out, "| %s | %d", o->name, o->since);
		if (o->until)
			buf_printf(out, " to %d | ", o->until);
		else
			buf_puts(out, " and later | ");
		put_types(out, o->types);
		buf_puts(out, " |");
		for (int c = 0; c < CORPORA; c++)
			put_tally(out, &o->tests[c]);
		buf_puts(out, "\n");
	}
	if (s->nmissing)
		buf_puts(out, "\nNot supported, with tests that would apply: ");
	for (uint32_t i = 0; i < s->nmissing; i++)
		buf_printf(out, "%s%s", s->missing_name[i], i + 1 < s->nmissing ? ", " : ".\n");
}

int support_table(const char *known, struct buf *out, struct err *e)
{
	struct support s = {.arena = arena_open(0)};
	int ret;

	s.known = names_begin(s.arena);
	s.missing = names_begin(s.arena);
	ret = read_known(&s, known, e);
	if (ret == 0) {
		collect(&s);
		count_tests(&s);
		put_tiers(&s, out);
		put_operators(&s, out);
	}
	arena_close(s.arena);
	return ret;
}
