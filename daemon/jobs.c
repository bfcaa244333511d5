/*
 * Job table, queue and threads. --jobs threads take compilations in the order
 * they came; one more asks for identities, so that these never wait behind
 * compilations. What a compilation is stands in work.c.
 *
 * One lock for all. A finished job stays to be asked for, at most KEEP of them.
 */
#include "daemon/jobs.h"

#include "base/log.h"
#include "daemon/child.h"
#include "daemon/work.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEEP 1000

enum kind { COMPILE, IDENTIFY, KINDS };

struct job {
	struct jobs *jobs;
	enum kind kind;
	struct job_view view;
	struct work work;
	int refs, status;   /* status: of the problem */
	struct buf problem; /* written before the state becomes JOB_FAILED, never after */
	pid_t pid;
	struct waiter *waiters;
	struct job *next; /* in jobs.all, newest first */
};

struct jobs {
	const struct config *config;
	struct work_context context;
	pthread_mutex_t lock;
	pthread_cond_t come[KINDS];
	struct job *all;
	size_t waiting, running, nthreads;
	bool stopping;
	pthread_t *threads;
};

/* ---- under the lock ---- */

static void drop(struct job *j)
{
	if (--j->refs)
		return;
	work_release(&j->work);
	buf_release(&j->problem);
	mem_free(j);
}

static bool ended(const struct job *j)
{
	return j->view.state == JOB_DONE || j->view.state == JOB_FAILED;
}

static struct job *find_active(struct jobs *js, enum kind kind, const char *key)
{
	for (struct job *j = js->all; j; j = j->next)
		if (j->kind == kind && !ended(j) && !strcmp(j->work.key, key))
			return j;
	return NULL;
}

static struct job *oldest_queued(struct jobs *js, enum kind kind)
{
	struct job *found = NULL;

	for (struct job *j = js->all; j; j = j->next)
		if (j->kind == kind && j->view.state == JOB_QUEUED)
			found = j;
	return found;
}

/* Forgets identity jobs at once and compilations beyond KEEP. */
static void forget_old(struct jobs *js)
{
	struct job **at = &js->all, *j;
	size_t kept = 0;

	while ((j = *at)) {
		if (ended(j) && (j->kind == IDENTIFY || ++kept > KEEP)) {
			*at = j->next;
			drop(j);
		} else {
			at = &j->next;
		}
	}
}

static void finish(struct job *j, bool ok)
{
	j->view.state = ok ? JOB_DONE : JOB_FAILED;
	if (ok)
		j->view.percent = 100;
	while (j->waiters) {
		struct waiter *w = j->waiters;

		j->waiters = w->next;
		w->job = NULL;
		w->wake(w);
	}
	forget_old(j->jobs);
}

static void set_problem(struct job *j, const struct err *e)
{
	j->status = err_status(e->code);
	err_json(e, &j->problem);
}

static struct job *add(struct jobs *js, enum kind kind, const char *key)
{
	struct job *j = mem_alloc(sizeof(*j));
	uint8_t raw[16];

	CHECK(getrandom(raw, sizeof(raw), 0) == (ssize_t)sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(j->view.id + 2 * i, 3, "%02x", raw[i]);
	snprintf(j->view.key, sizeof(j->view.key), "%s", key);
	snprintf(j->view.stage, sizeof(j->view.stage), "queued");
	snprintf(j->work.key, sizeof(j->work.key), "%s", key);
	j->jobs = js;
	j->kind = kind;
	j->refs = 1;
	j->next = js->all;
	js->all = j;
	return j;
}

/* ---- the threads ---- */

static void started(void *ctx, pid_t pid)
{
	struct job *j = ctx;

	pthread_mutex_lock(&j->jobs->lock);
	j->pid = pid;
	if (pid && j->jobs->stopping)
		kill(-pid, SIGKILL);
	pthread_mutex_unlock(&j->jobs->lock);
}

static void progress(void *ctx, const char *stage, int percent)
{
	struct job *j = ctx;

	pthread_mutex_lock(&j->jobs->lock);
	snprintf(j->view.stage, sizeof(j->view.stage), "%s", stage);
	j->view.percent = percent;
	pthread_mutex_unlock(&j->jobs->lock);
}

static void run(struct jobs *js, struct job *j)
{
	struct work_watch watch = {started, progress, j};
	struct buf problem = BUF_INIT;
	struct err e = ERR_INIT;
	int status = 0;
	bool ok;

	if (j->kind == COMPILE)
		ok = work_compile(&js->context, &j->work, &watch, &problem, &e) == 0;
	else
		ok = identity_ask(js->context.ids, j->work.key, &problem, &e) == 0;
	if (!ok && problem.len)
		status = parse_problem(buf_str(&problem));
	pthread_mutex_lock(&js->lock);
	if (!ok && js->stopping) {
		err_release(&e);
		buf_release(&problem);
		fail(&e, E_BUSY, "the service is being stopped");
	}
	if (!ok && !problem.len) {
		set_problem(j, &e);
	} else if (!ok) {
		j->status = status;
		j->problem = problem;
		problem = (struct buf)BUF_INIT;
	}
	finish(j, ok);
	pthread_mutex_unlock(&js->lock);
	buf_release(&problem);
	err_release(&e);
}

static void serve(struct jobs *js, enum kind kind)
{
	pthread_mutex_lock(&js->lock);
	for (;;) {
		struct job *j = oldest_queued(js, kind);

		if (js->stopping)
			break;
		if (!j) {
			pthread_cond_wait(&js->come[kind], &js->lock);
			continue;
		}
		j->view.state = JOB_RUNNING;
		j->refs++;
		js->waiting -= kind == COMPILE;
		js->running += kind == COMPILE;
		pthread_mutex_unlock(&js->lock);
		run(js, j);
		pthread_mutex_lock(&js->lock);
		js->running -= kind == COMPILE;
		drop(j);
	}
	pthread_mutex_unlock(&js->lock);
}

static void *compile_thread(void *arg)
{
	serve(arg, COMPILE);
	return NULL;
}

static void *identify_thread(void *arg)
{
	serve(arg, IDENTIFY);
	return NULL;
}

/* ---- opening and closing ---- */

struct jobs *jobs_open(const struct config *config, struct cache *cache, struct identities *ids,
		       struct metrics *metrics)
{
	struct jobs *js = mem_alloc(sizeof(*js));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = (size_t)(config->jobs ? config->jobs : MAX(cores, 1)) + 1;

	js->config = config;
	js->context = (struct work_context){config, cache, ids, metrics};
	js->threads = mem_alloc(n * sizeof(*js->threads));
	pthread_mutex_init(&js->lock, NULL);
	pthread_cond_init(&js->come[COMPILE], NULL);
	pthread_cond_init(&js->come[IDENTIFY], NULL);
	for (; js->nthreads < n; js->nthreads++)
		CHECK(pthread_create(&js->threads[js->nthreads], NULL,
				     js->nthreads ? compile_thread : identify_thread, js) == 0);
	return js;
}

void jobs_stop(struct jobs *js)
{
	struct err e = ERR_INIT;

	fail(&e, E_BUSY, "the service is being stopped");
	pthread_mutex_lock(&js->lock);
	js->stopping = true;
	for (enum kind k = COMPILE; k < KINDS; k++)
		pthread_cond_broadcast(&js->come[k]);
	for (struct job *j = js->all; j; j = j->next)
		if (j->pid)
			kill(-j->pid, SIGKILL);
	for (struct job *j = js->all; j;) {
		if (j->view.state == JOB_QUEUED) {
			set_problem(j, &e);
			finish(j, false);
			j = js->all; /* finish may have forgotten some */
		} else {
			j = j->next;
		}
	}
	js->waiting = 0;
	pthread_mutex_unlock(&js->lock);
	err_release(&e);
}

void jobs_close(struct jobs *js)
{
	if (!js)
		return;
	for (size_t i = 0; i < js->nthreads; i++)
		pthread_join(js->threads[i], NULL);
	while (js->all) {
		struct job *j = js->all;

		js->all = j->next;
		CHECK(j->refs == 1);
		drop(j);
	}
	pthread_mutex_destroy(&js->lock);
	pthread_cond_destroy(&js->come[COMPILE]);
	pthread_cond_destroy(&js->come[IDENTIFY]);
	mem_free(js->threads);
	mem_free(js);
}

/* ---- from requests ---- */

/* A job for which a thread is idle does not count as waiting. */
static bool queue_full(const struct jobs *js)
{
	size_t idle = js->nthreads - 1 - js->running;

	return js->waiting >= (size_t)js->config->queue + idle;
}

static int busy(struct jobs *js, struct err *e)
{
	if (js->stopping)
		return fail(e, E_BUSY, "the service is being stopped");
	fail(e, E_BUSY, "%zu compilations wait already", js->waiting);
	return err_hint(e, "ask again in some seconds");
}

int jobs_compile(struct jobs *js, const struct job_spec *spec, struct job **job, bool *joined,
		 struct err *e)
{
	struct job *j;
	int ret = 0;

	pthread_mutex_lock(&js->lock);
	j = find_active(js, COMPILE, spec->key);
	*joined = j != NULL;
	if (js->stopping || (!j && queue_full(js))) {
		ret = busy(js, e);
		j = NULL;
	} else if (!j) {
		j = add(js, COMPILE, spec->key);
		work_init(&j->work, spec->dir, spec->args);
		j->work.plan_only = spec->plan_only;
		js->waiting++;
		pthread_cond_signal(&js->come[COMPILE]);
	}
	if (j)
		j->refs++;
	*job = j;
	pthread_mutex_unlock(&js->lock);
	return ret;
}

int jobs_identify(struct jobs *js, const char *target, struct job **job, struct err *e)
{
	struct job *j = NULL;
	int ret = 0;

	pthread_mutex_lock(&js->lock);
	if (js->stopping) {
		ret = busy(js, e);
	} else {
		j = find_active(js, IDENTIFY, target);
		if (!j) {
			j = add(js, IDENTIFY, target);
			pthread_cond_signal(&js->come[IDENTIFY]);
		}
		j->refs++;
	}
	*job = j;
	pthread_mutex_unlock(&js->lock);
	return ret;
}

struct job *jobs_find(struct jobs *js, const char *id)
{
	struct job *j;

	pthread_mutex_lock(&js->lock);
	for (j = js->all; j; j = j->next)
		if (j->kind == COMPILE && !strcmp(j->view.id, id))
			break;
	if (j)
		j->refs++;
	pthread_mutex_unlock(&js->lock);
	return j;
}

bool job_wait(struct job *j, struct waiter *w)
{
	bool waits;

	pthread_mutex_lock(&j->jobs->lock);
	waits = !ended(j);
	if (waits) {
		w->job = j;
		w->next = j->waiters;
		j->waiters = w;
	}
	pthread_mutex_unlock(&j->jobs->lock);
	return waits;
}

bool job_leave(struct jobs *js, struct waiter *w)
{
	struct waiter **at;
	bool waited;

	pthread_mutex_lock(&js->lock);
	waited = w->job != NULL;
	if (waited) {
		for (at = &w->job->waiters; *at != w; at = &(*at)->next)
			;
		*at = w->next;
		w->job = NULL;
	}
	pthread_mutex_unlock(&js->lock);
	return waited;
}

void job_view(struct job *j, struct job_view *out)
{
	pthread_mutex_lock(&j->jobs->lock);
	*out = j->view;
	pthread_mutex_unlock(&j->jobs->lock);
}

int job_problem(struct job *j, const char **text)
{
	*text = buf_str(&j->problem);
	return j->status;
}

const char *job_report(struct job *j)
{
	return j->work.plan_only ? buf_str(&j->work.report) : NULL;
}

void job_release(struct job *j)
{
	struct jobs *js = j ? j->jobs : NULL;

	if (!j)
		return;
	pthread_mutex_lock(&js->lock);
	drop(j);
	pthread_mutex_unlock(&js->lock);
}

void jobs_depth(struct jobs *js, uint64_t *waiting, uint64_t *running)
{
	pthread_mutex_lock(&js->lock);
	*waiting = js->waiting;
	*running = js->running;
	pthread_mutex_unlock(&js->lock);
}
