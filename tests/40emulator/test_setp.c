/* Every comparison of setp and set, with joining predicates and second results; selp, testp, slct.
 */
#include "tests/40emulator/forms.h"

#include <stdio.h>

struct comparison {
	const char *op, *type, *join;
	bool negated, ftz;
};

static double value(const struct comparison *c, uint64_t bits)
{
	if (c->type[1] == '6')
		return f64_of(bits);
	if (c->ftz && fpclassify(f32_of(bits)) == FP_SUBNORMAL)
		return 0;
	return (double)f32_of(bits);
}

/* -1, 0, 1 or 2 for unordered */
static int order(const struct comparison *c, uint64_t a, uint64_t b)
{
	int shift = 64 - (c->type[1] == '1' ? 16 : c->type[1] == '3' ? 32 : 64);

	if (c->type[0] == 'f') {
		double x = value(c, a), y = value(c, b);

		return isnan(x) || isnan(y) ? 2 : x < y ? -1 : x > y;
	}
	if (c->type[0] == 's') {
		int64_t x = (int64_t)(a << shift), y = (int64_t)(b << shift);

		return x < y ? -1 : x > y;
	}
	return a < b ? -1 : a > b;
}

static bool holds(const struct comparison *c, uint64_t a, uint64_t b)
{
	/* for less, equal, greater, unordered */
	static const struct {
		const char *op, *truth;
	} rows[] = {{"eq", "0100"},  {"ne", "1010"},  {"lt", "1000"},  {"le", "1100"},
		    {"gt", "0010"},  {"ge", "0110"},  {"lo", "1000"},  {"ls", "1100"},
		    {"hi", "0010"},  {"hs", "0110"},  {"equ", "0101"}, {"neu", "1011"},
		    {"ltu", "1001"}, {"leu", "1101"}, {"gtu", "0011"}, {"geu", "0111"},
		    {"num", "1110"}, {"nan", "0001"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].op, c->op))
			return rows[i].truth[order(c, a, b) + 1] == '1';
	emu_fail(c->op, 0, "unknown comparison");
	return false;
}

static bool joined(const struct comparison *c, bool r, bool p)
{
	if (!c->join)
		return r;
	if (c->negated)
		p = !p;
	return !strcmp(c->join, "and") ? r && p : !strcmp(c->join, "or") ? r || p : r != p;
}

static uint64_t want(const struct form_case *f, uint64_t a, uint64_t b, uint64_t p)
{
	const struct comparison *c = f->arg;
	bool r = holds(c, a, b);

	return (uint64_t)joined(c, r, p & 1) + 2 * joined(c, !r, p & 1);
}

static uint64_t want_set(const struct form_case *f, uint64_t a, uint64_t b, uint64_t p)
{
	const struct comparison *c = f->arg;

	if (!joined(c, holds(c, a, b), p & 1))
		return 0;
	return f->d[0] == 'f' ? 0x3f800000 : 0xffffffff;
}

static void run(const char *op, const char *type, const char *join, bool negated, bool ftz)
{
	static const char *const sets[] = {"u32", "s32", "f32"};
	struct comparison c = {op, type, join, negated, ftz};
	char insn[96];
	struct form_case f = {
		.insn = insn, .d = "pred", .a = type, .b = type, .want = want, .arg = &c};
	const char *dot = join ? "." : "", *third = join ? (negated ? ", !%pc" : ", %pc") : "";

	if (join)
		f.c = "pred";
	snprintf(insn, sizeof(insn), "setp.%s%s%s%s.%s %%pd|%%qd, %%a, %%b%s", op, dot,
		 join ? join : "", ftz ? ".ftz" : "", type, third);
	form_run(&f);
	f.want = want_set;
	for (size_t i = 0; i < COUNT_OF(sets); i++) {
		f.d = sets[i];
		snprintf(insn, sizeof(insn), "set.%s%s%s%s.%s.%s %%d, %%a, %%b%s", op, dot,
			 join ? join : "", ftz ? ".ftz" : "", sets[i], type, third);
		form_run(&f);
	}
}

static uint64_t want_testp(const struct form_case *f, uint64_t a, uint64_t b, uint64_t c)
{
	int kind = f->a[1] == '3' ? fpclassify(f32_of(a)) : fpclassify(f64_of(a));
	const char *what = f->arg;

	(void)b;
	(void)c;
	return !strcmp(what, "finite")	     ? kind != FP_INFINITE && kind != FP_NAN
	       : !strcmp(what, "infinite")   ? kind == FP_INFINITE
	       : !strcmp(what, "number")     ? kind != FP_NAN
	       : !strcmp(what, "notanumber") ? kind == FP_NAN
	       : !strcmp(what, "normal")     ? kind == FP_NORMAL
					     : kind == FP_SUBNORMAL;
}

static uint64_t want_selp(const struct form_case *f, uint64_t a, uint64_t b, uint64_t c)
{
	(void)f;
	return c & 1 ? a : b;
}

static uint64_t want_slct(const struct form_case *f, uint64_t a, uint64_t b, uint64_t c)
{
	bool first = f->c[0] == 'f' ? f32_of(c) >= 0 : (int32_t)c >= 0;

	return first ? a : b;
}

static uint64_t want_logic(const struct form_case *f, uint64_t a, uint64_t b, uint64_t c)
{
	const char *op = f->arg;

	(void)c;
	return !strcmp(op, "and")   ? a & b & 1
	       : !strcmp(op, "or")  ? (a | b) & 1
	       : !strcmp(op, "xor") ? (a ^ b) & 1
	       : !strcmp(op, "not") ? ~a & 1
				    : a & 1;
}

static void run_selections(void)
{
	static const char *const types[] = {"b16", "u16", "s16", "b32", "u32", "s32",
					    "f32", "b64", "u64", "s64", "f64"};
	char insn[64];
	struct form_case f = {.insn = insn};

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		f.d = f.a = f.b = types[i];
		f.c = "pred";
		f.want = want_selp;
		snprintf(insn, sizeof(insn), "selp.%s %%d, %%a, %%b, %%pc", types[i]);
		form_run(&f);
		f.want = want_slct;
		f.c = "s32";
		snprintf(insn, sizeof(insn), "slct.%s.s32 %%d, %%a, %%b, %%c", types[i]);
		form_run(&f);
		f.c = "f32";
		snprintf(insn, sizeof(insn), "slct.%s.f32 %%d, %%a, %%b, %%c", types[i]);
		form_run(&f);
	}
}

static void run_comparisons(void)
{
	static const char *const orders[] = {"eq", "ne", "lt", "le", "gt", "ge"};
	static const char *const loose[] = {"equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
	static const char *const same[] = {"lo", "ls", "hi", "hs"};
	static const char *const types[] = {"u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"};
	static const char *const bits[] = {"b16", "b32", "b64"};
	static const char *const joins[] = {NULL, "and", "or", "xor"};
	size_t n = 0;

	for (size_t t = 0; t < COUNT_OF(types); t++) {
		bool f32 = !strcmp(types[t], "f32");

		for (size_t i = 0; i < COUNT_OF(orders); i++, n++)
			run(orders[i], types[t], joins[n % 4], n % 3 == 0, f32 && n % 2);
		for (size_t i = 0; types[t][0] == 'f' && i < COUNT_OF(loose); i++, n++)
			run(loose[i], types[t], joins[n % 4], n % 5 == 0, f32 && n % 2);
		for (size_t i = 0; types[t][0] == 'u' && i < COUNT_OF(same); i++, n++)
			run(same[i], types[t], joins[n % 4], n % 5 == 0, false);
	}
	for (size_t t = 0; t < COUNT_OF(bits); t++)
		for (size_t i = 0; i < 2; i++, n++)
			run(orders[i], bits[t], joins[n % 4], n % 3 == 0, false);
}

static void run_tests(void)
{
	static const char *const tests[] = {"finite",	  "infinite", "number",
					    "notanumber", "normal",   "subnormal"};
	static const char *const types[] = {"f32", "f64"};

	for (size_t i = 0; i < COUNT_OF(tests); i++)
		for (size_t t = 0; t < COUNT_OF(types); t++) {
			char insn[64];
			struct form_case f = {.insn = insn,
					      .d = "pred",
					      .a = types[t],
					      .want = want_testp,
					      .arg = tests[i]};

			snprintf(insn, sizeof(insn), "testp.%s.%s %%pd, %%a", tests[i], types[t]);
			form_run(&f);
		}
}

static void run_logic(void)
{
	static const char *const logic[] = {"and", "or", "xor", "not", "mov"};

	for (size_t i = 0; i < COUNT_OF(logic); i++) {
		char insn[64];
		struct form_case f = {.insn = insn,
				      .d = "pred",
				      .a = "pred",
				      .b = "pred",
				      .want = want_logic,
				      .arg = logic[i]};

		snprintf(insn, sizeof(insn), "%s.pred %%pd, %%pa%s", logic[i],
			 i < 3 ? ", %pb" : "");
		form_run(&f);
	}
}

int main(void)
{
	form_start();
	run_comparisons();
	run_tests();
	run_logic();
	run_selections();
	return form_end();
}
