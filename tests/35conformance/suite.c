/*
 * Chooses tests, runs each in a process of its own and prints TAP: one line
 * per test in the order of their names, what there is to say below it, and
 * the counts at the end. What tests.def excludes is skipped unseen.
 */
#include "tests/35conformance/suite.h"

#include "compiler/compiler.h"
#include "tests/35conformance/pool.h"
#include "tests/35conformance/table.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define LINES_MAX    40 /* of one test's words */
#define TIERS	     6

struct counts {
	uint32_t passed, failed, skipped;
};

struct suite {
	const struct suite_options *o;
	struct arena *arena;
	struct corpus_list list;
	enum corpus corpus;
	char scratch[128];			 /* folder for artifacts */
	struct counts all, tier[TIERS];		 /* tiers without what is excluded */
	uint32_t with_constants, without_kernel; /* of what passed */
};

/* ---- which tests ---- */

/* The column of the table that knows more of the folder's names. */
static enum corpus guess_corpus(const struct corpus_list *list)
{
	uint32_t known[CORPORA] = {0};

	for (size_t i = 0; i < list->n; i++) {
		const struct row *r = table_find(list->name[i]);

		for (int c = 0; r && c < CORPORA; c++)
			known[c] += r->onnxruntime[c] != ABSENT;
	}
	return known[WHEEL_1_20_1] > known[DEBIAN_1_12] ? WHEEL_1_20_1 : DEBIAN_1_12;
}

/* Leaves the names for which there is a line in the file, and refuses lines for which there is
 * none. */
static int keep_named(struct suite *s, struct err *e)
{
	struct buf file = BUF_INIT;
	struct corpus_list kept = {NEW(s->arena, s->list.n + 1, const char *), 0};
	char *rest, *line;
	bool *wanted = NEW(s->arena, s->list.n + 1, bool);
	size_t i;

	if (fs_read(s->o->only, (size_t)1 << 24, &file, e) < 0)
		return -1;
	rest = arena_strdup(s->arena, buf_str(&file));
	buf_release(&file);
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, " \t\r#")] = 0;
		for (i = 0; i < s->list.n && strcmp(s->list.name[i], line) != 0; i++)
			;
		if (i == s->list.n && *line)
			return fail(e, E_USAGE, "%s: the corpus has no test '%s'", s->o->only,
				    line);
		wanted[i] = true;
	}
	for (i = 0; i < s->list.n; i++)
		if (wanted[i])
			kept.name[kept.n++] = s->list.name[i];
	s->list = kept;
	return 0;
}

static void keep_tiers(struct suite *s)
{
	bool any = true;
	size_t n = 0;

	for (int t = 0; t < TIERS; t++)
		any = any && !s->o->tier[t];
	for (size_t i = 0; i < s->list.n; i++) {
		const struct row *r = table_find(s->list.name[i]);

		if (any || (r && s->o->tier[r->tier]))
			s->list.name[n++] = s->list.name[i];
	}
	s->list.n = n;
}

static void keep_shard(struct suite *s)
{
	size_t n = 0;

	for (size_t i = s->o->shard; i < s->list.n; i += s->o->shards)
		s->list.name[n++] = s->list.name[i];
	s->list.n = n;
}

static int choose(struct suite *s, struct err *e)
{
	if (corpus_walk(s->o->dir, s->arena, &s->list, e) < 0)
		return -1;
	s->corpus = guess_corpus(&s->list);
	if (s->o->only && keep_named(s, e) < 0)
		return -1;
	keep_tiers(s);
	keep_shard(s);
	return s->list.n ? 0 : fail(e, E_USAGE, "%s: no test is left to run", s->o->dir);
}

/* ---- in a child ---- */

static const char *excluded(const struct suite *s, uint32_t i)
{
	const struct row *r = table_find(s->list.name[i]);

	return r ? table_excluded(r) : NULL;
}

static char *artifact_of(const struct suite *s, uint32_t i, char path[256])
{
	snprintf(path, 256, "%s/%u.occ", s->scratch, i);
	return path;
}

static int work(void *ctx, uint32_t i)
{
	static const int status[] = {[PASSED] = 0, [FAILED] = 1, [SKIPPED] = EXIT_SKIPPED};
	const struct suite *s = ctx;
	const char *why = excluded(s, i);
	struct buf words = BUF_INIT;
	enum verdict v = SKIPPED;
	char path[256];

	if (why)
		buf_printf(&words, "excluded: %s\n", why);
	else
		v = run_test(arena_printf(s->arena, "%s/%s", s->o->dir, s->list.name[i]),
			     artifact_of(s, i, path), &s->o->run, &words);
	fputs(buf_str(&words), stdout);
	fflush(stdout);
	buf_release(&words);
	return status[v];
}

/* ---- in the parent ---- */

static enum verdict verdict_of(int status)
{
	if (status == 0)
		return PASSED;
	return status != POOL_TIMEOUT && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED
		       ? SKIPPED
		       : FAILED;
}

static void print_lines(const char *text)
{
	for (int n = 0; *text && n < LINES_MAX; n++) {
		size_t len = strcspn(text, "\n");

		printf("# %.*s\n", (int)len, text);
		text += len + (text[len] != 0);
	}
}

/* How a child ended that did not say so itself. */
static void print_end(const struct suite *s, int status)
{
	if (status == POOL_TIMEOUT)
		printf("# took more than %d s\n", s->o->seconds);
	else if (WIFSIGNALED(status))
		printf("# killed by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 1)
		printf("# exit status %d\n", WEXITSTATUS(status));
}

static void print_result(const struct suite *s, uint32_t i, int status, const char *text)
{
	const struct row *r = table_find(s->list.name[i]);
	const char *peer = r ? table_onnxruntime(r, s->corpus) : NULL;
	enum verdict v = verdict_of(status);

	printf("%s %u - %s", v == FAILED ? "not ok" : "ok", i + 1, s->list.name[i]);
	if (v == SKIPPED)
		printf(" # SKIP %.*s", (int)strcspn(text, "\n"), text);
	printf("\n");
	if (v != SKIPPED)
		print_lines(text);
	if (v == FAILED)
		print_end(s, status);
	if (v == FAILED && peer)
		printf("# %s\n", peer);
	fflush(stdout);
}

static void count(struct counts *c, enum verdict v)
{
	c->passed += v == PASSED;
	c->failed += v == FAILED;
	c->skipped += v == SKIPPED;
}

static void done(void *ctx, uint32_t i, int status, const char *text)
{
	struct suite *s = ctx;
	const struct row *r = table_find(s->list.name[i]);
	enum verdict v = verdict_of(status);
	char path[256];

	unlink(artifact_of(s, i, path)); /* where the child could not */
	print_result(s, i, status, text);
	count(&s->all, v);
	if (r && !table_excluded(r))
		count(&s->tier[r->tier], v);
	s->with_constants += v == PASSED && strstr(text, "constant: ");
	s->without_kernel += v == PASSED && strstr(text, "no kernel is left");
}

static void print_counts(const struct suite *s)
{
	for (int t = 0; t < TIERS; t++) {
		const struct counts *c = &s->tier[t];

		if (c->passed + c->failed + c->skipped)
			printf("# tier %d: %u of %u that apply pass\n", t, c->passed,
			       c->passed + c->failed + c->skipped);
	}
	printf("# of those that pass %u have inputs made constant, %u no kernel\n",
	       s->with_constants, s->without_kernel);
	printf("%u passed, %u failed, %u skipped\n", s->all.passed, s->all.failed, s->all.skipped);
}

/* NVRTC is loaded here once instead of in each child. */
static int begin(struct suite *s, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct compile_identity id;

	if (choose(s, e) < 0 || compile_identify(s->o->run.target, s->arena, &id, NULL, e) < 0)
		return -1;
	snprintf(s->scratch, sizeof(s->scratch), "%s/occamy-conformance.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(s->scratch))
		return fail(e, E_IO, "can't make a folder %s", s->scratch);
	return 0;
}

bool suite_run(const struct suite_options *o, int *status, struct err *e)
{
	struct suite s = {.o = o, .arena = arena_open(0)};
	bool parent = true;

	*status = -1;
	if (begin(&s, e) == 0) {
		const struct pool p = {.count = (uint32_t)s.list.n,
				       .jobs = o->jobs,
				       .seconds = o->seconds,
				       .ctx = &s,
				       .work = work,
				       .done = done};

		printf("1..%u\n", p.count);
		parent = pool_run(&p, status);
		if (parent) {
			print_counts(&s);
			rmdir(s.scratch);
			*status = s.all.failed > 0;
		}
	}
	arena_close(s.arena);
	return parent;
}
