/* occamyd: start, wait for a signal, stop. */
#include "base/log.h"
#include "cache/cache.h"
#include "daemon/child.h"
#include "daemon/identity.h"
#include "daemon/jobs.h"
#include "daemon/metrics.h"
#include "daemon/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define TICK_SECONDS 60
#define YOUNG	     600 /* seconds in which an entry is not evicted */

static int set_log(const char *name, struct err *e)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], name)) {
			log_level_set((enum log_level)i);
			return 0;
		}
	return fail(e, E_USAGE, "log: '%.40s' is not debug, info, warn or error", name);
}

/* Every connection is a descriptor: as many as the system lets us have. */
static void raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* Writes noted uses, evicts. */
static void tick(struct server *s)
{
	struct err e = ERR_INIT;
	uint64_t limit = s->config.cache_bytes ? (uint64_t)s->config.cache_bytes : UINT64_MAX;

	if (cache_gc(s->cache, limit, YOUNG, &e) < 0)
		log_event(LOG_WARN, "cache_gc", "detail=\"%s\"", e.detail);
	err_release(&e);
}

/* The answer for the default target is at hand before the first request. */
static void warm_up(struct server *s)
{
	struct buf problem = BUF_INIT;
	struct err e = ERR_INIT;
	struct compile_options o;
	struct arena *a = arena_open(0);
	char why[LOG_TEXT];

	compile_options_init(&o, a);
	if (identity_ask(s->ids, o.target, &problem, &e) < 0)
		log_event(LOG_WARN, "compiler_identity", "compiler=%s problem=\"%s\"",
			  s->config.compiler,
			  log_text(why, problem.len ? buf_str(&problem) : e.detail));
	arena_close(a);
	buf_release(&problem);
	err_release(&e);
}

static int serve(struct server *s, const sigset_t *signals, struct err *e)
{
	struct timespec minute = {.tv_sec = TICK_SECONDS};
	char addr[64];
	int sig;

	s->ids = identities_open(&s->config);
	s->metrics = metrics_open();
	s->jobs = jobs_open(&s->config, s->cache, s->ids, s->metrics);
	warm_up(s);
	if (server_start(s, addr, e) < 0) {
		jobs_stop(s->jobs);
		return -1;
	}
	printf("listening on http://%s\n", addr);
	fflush(stdout);
	log_event(LOG_INFO, "listen", "addr=%s store=%s compiler=%s", addr, s->config.store,
		  s->config.compiler);
	while ((sig = sigtimedwait(signals, NULL, &minute)) != SIGTERM && sig != SIGINT)
		tick(s);
	log_event(LOG_INFO, "stop", "signal=%d", sig);
	jobs_stop(s->jobs);
	server_stop(s);
	return 0;
}

static int run(int argc, char **argv, const sigset_t *signals, struct err *e)
{
	struct server *s = mem_alloc(sizeof(*s));
	int ret = config_read(&s->config, argc, argv, e);

	if (ret == 1) {
		config_help(stdout);
		mem_free(s);
		return 0;
	}
	if (ret == 0)
		ret = set_log(s->config.log, e);
	if (ret == 0)
		ret = cache_open(s->config.store, &s->cache, e);
	if (ret == 0)
		ret = serve(s, signals, e);
	jobs_close(s->jobs);
	metrics_close(s->metrics);
	identities_close(s->ids);
	cache_close(s->cache);
	mem_free(s);
	return ret;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	sigset_t signals;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--worker"))
		return child_worker(argc, argv);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* inherited by all threads */
	raise_files();
	ret = run(argc, argv, &signals, &e);
	if (ret < 0)
		err_print(&e, "occamyd");
	ret = ret < 0 ? err_exit(e.code) : 0;
	err_release(&e);
	return ret;
}
