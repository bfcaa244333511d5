/*
 * Runs the compiler in the folder, proves what it wrote (digests, key), and
 * gives artifact and report to the cache. The single blobs are ranges of the
 * .occ, so that weights are stored once.
 */
#include "daemon/work.h"

#include "base/fs.h"
#include "base/log.h"
#include "daemon/child.h"
#include "daemon/parse.h"
#include "runtime/artifact.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_FILE    "out.occ"
#define REPORT_FILE "report.json"
#define REPORT_MAX  ((size_t)4 << 20)
#define YOUNG	    600 /* seconds in which an entry is not evicted */

void work_init(struct work *w, const char *dir, char *const *args)
{
	size_t n = 0;

	while (args[n])
		n++;
	w->arena = arena_open(0);
	w->dir = arena_strdup(w->arena, dir);
	w->args = NEW(w->arena, n + 1, char *);
	for (size_t i = 0; i < n; i++)
		w->args[i] = arena_strdup(w->arena, args[i]);
}

void work_remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

void work_release(struct work *w)
{
	if (w->dir)
		work_remove_dir(w->dir);
	buf_release(&w->report);
	arena_close(w->arena);
	*w = (struct work){.arena = NULL};
}

static int run_compiler(const struct work_context *cx, struct work *w,
			const struct work_watch *watch, struct buf *problem, struct err *e)
{
	static const char *const fixed[] = {WORK_MODEL, "--report", REPORT_FILE, "--progress", "3"};
	struct child c = {.config = cx->config,
			  .dir = w->dir,
			  .wall_seconds = cx->config->wall_seconds,
			  .started = watch->started,
			  .progress = watch->progress,
			  .ctx = watch->ctx};
	char **args, why[LOG_TEXT];
	size_t n = 0, given = 0;
	int ret = -1;

	while (w->args[given])
		given++;
	args = NEW(w->arena, COUNT_OF(fixed) + given + 5, char *);
	for (; n < COUNT_OF(fixed); n++)
		args[n] = arena_strdup(w->arena, fixed[n]);
	if (w->plan_only) {
		args[n++] = arena_strdup(w->arena, "--plan-only");
	} else {
		args[n++] = arena_strdup(w->arena, "-o");
		args[n++] = arena_strdup(w->arena, OUT_FILE);
		args[n++] = arena_strdup(w->arena, "--kernel-cache");
		args[n++] = arena_strdup(w->arena, cache_dir(cx->cache, "kernels"));
	}
	memcpy(args + n, w->args, given * sizeof(*args));
	c.args = args;
	if (child_run(&c, e) < 0)
		return -1;
	if (!c.timed_out && WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0)
		ret = 0;
	else if (!c.timed_out && WIFEXITED(c.status) && parse_problem(child_last_line(&c)))
		buf_puts(problem, child_last_line(&c));
	else
		child_fail(&c, e);
	if (ret < 0 && e->code != E_OK)
		log_event(LOG_WARN, "compiler_died", "key=%s status=%d stderr=\"%s\"", w->key,
			  c.status, log_text(why, child_last_line(&c)));
	child_release(&c);
	return ret;
}

static int add_range(struct cache_source *s, const char *name, const char *digest, uint64_t offset,
		     uint64_t bytes)
{
	*s = (struct cache_source){.part = {.offset = offset, .bytes = bytes}};
	memcpy(s->part.digest, digest, SHA256_HEX);
	return snprintf(s->part.name, sizeof(s->part.name), "%s", name);
}

/* Names that begin with a dot are ours: the whole file, the report, the manifest. */
static int store(const struct work_context *cx, const struct work *w, const char *occ,
		 const char *report, const struct artifact *a, struct err *e)
{
	struct cache_source from[CACHE_PARTS_MAX] = {
		{.path = occ, .part.name = ".occ"},
		{.path = report, .part.name = ".report"},
	};
	size_t n = 2, len = strlen(a->manifest);
	char digest[SHA256_HEX];

	_Static_assert(ARTIFACT_BLOBS_MAX + 3 <= CACHE_PARTS_MAX, "blobs and ours");
	hash_bytes_hex(a->manifest, len, digest);
	add_range(&from[n++], ".manifest", digest, ARTIFACT_HEADER, len);
	for (uint32_t i = 0; i < a->nblobs; i++) {
		if (a->blobs[i].name[0] == '.')
			return fail(e, E_INTERNAL, "the artifact has a blob named '%s'",
				    a->blobs[i].name);
		add_range(&from[n++], a->blobs[i].name, a->blobs[i].digest, a->blobs[i].offset,
			  a->blobs[i].bytes);
	}
	return cache_put(cx->cache, w->key, from, n, e);
}

static int publish(const struct work_context *cx, const struct work *w, struct err *e)
{
	const char *occ = arena_printf(w->arena, "%s/" OUT_FILE, w->dir);
	const char *report = arena_printf(w->arena, "%s/" REPORT_FILE, w->dir);
	struct report_facts facts;
	struct buf text = BUF_INIT;
	struct artifact *a = NULL;
	struct err bad = ERR_INIT;
	int ret = -1;

	if (fs_read(report, REPORT_MAX, &text, &bad) < 0 ||
	    !parse_report(buf_str(&text), text.len, &facts)) {
		fail(e, E_INTERNAL, "the compiler left no report");
	} else if (artifact_open(occ, &a, &bad) < 0 || artifact_verify(a, &bad) < 0) {
		fail(e, E_INTERNAL, "the compiler's artifact is not valid: %s", bad.detail);
	} else if (strcmp(a->key, w->key) != 0) {
		/* A newer NVRTC beside the known one changes no file that we look at. */
		identities_forget(cx->ids);
		fail(e, E_BUSY, "the compiler or its NVRTC changed");
		err_hint(e, "ask again");
	} else {
		ret = store(cx, w, occ, report, a, e);
		metrics_report(cx->metrics, &facts);
	}
	artifact_close(a);
	buf_release(&text);
	err_release(&bad);
	return ret;
}

/* Keeps the report of a plan. */
static int take_report(struct work *w, struct err *e)
{
	const char *report = arena_printf(w->arena, "%s/" REPORT_FILE, w->dir);
	struct report_facts facts;
	struct err bad = ERR_INIT;
	int ret = 0;

	if (fs_read(report, REPORT_MAX, &w->report, &bad) < 0 ||
	    !parse_report(buf_str(&w->report), w->report.len, &facts))
		ret = fail(e, E_INTERNAL, "the compiler left no report");
	err_release(&bad);
	return ret;
}

static void make_room(const struct work_context *cx)
{
	struct err e = ERR_INIT;
	int64_t limit = cx->config->cache_bytes;

	if (limit && cache_gc(cx->cache, (uint64_t)limit, YOUNG, &e) < 0)
		log_event(LOG_WARN, "cache_gc", "detail=\"%s\"", e.detail);
	err_release(&e);
}

int work_compile(const struct work_context *cx, struct work *w, const struct work_watch *watch,
		 struct buf *problem, struct err *e)
{
	struct cache_entry en;
	int ret = -1;

	/* In the cache: an equal job may have ended between the request's look and this one's
	 * start.
	 */
	if (w->plan_only) {
		ret = run_compiler(cx, w, watch, problem, e);
		if (ret == 0)
			ret = take_report(w, e);
	} else if (cache_get(cx->cache, w->key, &en, e) == 1) {
		ret = 0;
	} else {
		err_release(e); /* an index that can't be read is told by the attempt to write it */
		metrics_add(cx->metrics, COUNT_MISSES);
		ret = run_compiler(cx, w, watch, problem, e);
		if (ret == 0)
			ret = publish(cx, w, e);
		metrics_add(cx->metrics, ret == 0 ? COUNT_DONE : COUNT_FAILED);
	}
	work_remove_dir(w->dir);
	w->dir = NULL;
	if (ret == 0 && !w->plan_only)
		make_room(cx);
	return ret;
}
