/*
 * Emit: every launch gets its compiled kernel. The source of a kernel is
 * prelude + generated text + epilogue defaults + template; equal sources are
 * compiled once, several at a time, or come from the kernel cache. Needs
 * lower; sets graph.code and launch.code. Results do not depend on the
 * number of threads.
 */
#include "compiler/kcache.h"
#include "compiler/lower/lower.h"
#include "compiler/passes.h"
#include "compiler/ptx.h"
#include "compiler/toolchain.h"
#include "kernels/kernels.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define THREADS_MAX   64
#define PERCENT_FIRST 20 /* of the whole compilation, when emit begins */
#define PERCENT_LAST  95

struct job { /* one source */
	const char *kernel, *defines;
	char id[SHA256_HEX]; /* of these two */
	char key[SHA256_HEX];
	const char *source;
	uint32_t node; /* of the first launch that wants it, for messages */
	struct nvrtc_result result;
	bool cached;
	struct err e;
};

struct emit {
	struct graph *g;
	struct emit_options *o;
	struct nvrtc *nvrtc;
	const char *arch; /* sm_87, or compute_87 where PTX is enough */
	struct job *job;
	uint32_t njobs;
	uint32_t *job_of; /* per launch */
	atomic_uint next;
	pthread_mutex_t lock; /* progress */
	uint32_t done;
};

static const char *source_of(struct graph *g, const struct job *j)
{
	const char *template = kernel_source(arena_printf(g->arena, "%s.cu", j->kernel));

	CHECK(template);
	return arena_printf(g->arena, "%s\n%s\n%s\n%s", kernel_source("prelude.cuh"), j->defines,
			    kernel_source("epilogue.cuh"), template);
}

static uint32_t find_job(const struct emit *m, const char *id)
{
	uint32_t i = 0;

	while (i < m->njobs && strcmp(m->job[i].id, id) != 0)
		i++;
	return i;
}

static void collect_jobs(struct emit *m)
{
	struct graph *g = m->g;

	m->job = NEW(g->arena, g->nlaunch + 1, struct job);
	m->job_of = NEW(g->arena, g->nlaunch + 1, uint32_t);
	for (uint32_t i = 0; i < g->nlaunch; i++) {
		const struct launch *l = &g->launch[i];
		struct job *j = &m->job[m->njobs];
		struct hash h;

		hash_init(&h);
		hash_str(&h, l->kernel);
		hash_str(&h, l->defines);
		hash_hex(&h, j->id);
		m->job_of[i] = find_job(m, j->id);
		if (m->job_of[i] < m->njobs)
			continue;
		j->kernel = l->kernel;
		j->defines = l->defines;
		j->source = source_of(g, j);
		j->node = l->node;
		j->e = ERR_INIT;
		kcache_key(j->source, m->arch, m->nvrtc, j->key);
		m->njobs++;
	}
}

/* ---- workers ---- */

static void run_job(struct emit *m, struct job *j)
{
	const char *dir = m->o->kernel_cache;

	j->cached = dir && kcache_get(dir, j->key, &j->result);
	if (j->cached)
		return;
	if (nvrtc_compile(m->nvrtc, j->source, m->arch, &j->result, &j->e) == 0 && dir)
		kcache_put(dir, j->key, &j->result);
}

static void tell_progress(struct emit *m)
{
	pthread_mutex_lock(&m->lock);
	m->done++;
	if (m->o->progress)
		m->o->progress(m->o->ctx, "emit",
			       PERCENT_FIRST + (int)((uint64_t)m->done *
						     (PERCENT_LAST - PERCENT_FIRST) / m->njobs));
	pthread_mutex_unlock(&m->lock);
}

static void *work(void *arg)
{
	struct emit *m = arg;
	uint32_t i;

	while ((i = atomic_fetch_add(&m->next, 1)) < m->njobs) {
		run_job(m, &m->job[i]);
		tell_progress(m);
	}
	return NULL;
}

/* The cores that this process may use. */
static uint32_t cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

static void run_jobs(struct emit *m)
{
	uint32_t n = MIN(cores(), THREADS_MAX), started = 0;
	pthread_t thread[THREADS_MAX];

	n = MIN(n, m->njobs);
	while (started + 1 < n && pthread_create(&thread[started], NULL, work, m) == 0)
		started++;
	work(m); /* this thread works, too: it goes on where none could be started */
	while (started)
		pthread_join(thread[--started], NULL);
}

/* The error of the first source that failed, whichever thread met it. */
static int check_jobs(const struct emit *m, struct err *e)
{
	const struct graph *g = m->g;

	for (uint32_t i = 0; i < m->njobs; i++) {
		const struct job *j = &m->job[i];
		const struct node *n = &g->node[j->node];

		if (j->e.code == E_OK)
			continue;
		fail(e, j->e.code, "%s", j->e.detail);
		return node_blame(n, e);
	}
	return 0;
}

/* ---- code ---- */

/* The lines that tell a checker what the kernel may touch. runtime/README.md has their form. */
static const char *regions_of(const struct graph *g, const struct launch *l)
{
	static const char *const words[] = {"", "r", "w", "rw"};
	struct buf text = BUF_INIT;
	const char *s;

	for (uint32_t i = 0; i < l->nargs; i++) {
		const struct karg *k = &l->arg[i];

		buf_printf(&text,
			   "//@occamy region param=%u access=%s pitch=%llu width=%llu rows=%llu\n",
			   i, words[k->access], (unsigned long long)k->pitch,
			   (unsigned long long)k->width, (unsigned long long)k->rows);
	}
	s = arena_strdup(g->arena, buf_str(&text));
	buf_release(&text);
	return s;
}

static void fill_code(const struct emit *m, struct code *c, const struct launch *l,
		      const struct job *j, const char *regions)
{
	struct buf ptx = BUF_INIT;

	buf_puts(&ptx, regions);
	ptx_relabel((const char *)j->result.ptx.data, m->o->target, &ptx);
	*c = (struct code){
		.entry = l->kernel,
		.source = j->source,
		.ptx = arena_copy(m->g->arena, ptx.data, ptx.len + 1),
		.ptx_bytes = ptx.len + 1,
		.cubin = arena_copy(m->g->arena, j->result.cubin.data, j->result.cubin.len),
		.cubin_bytes = j->result.cubin.len,
		.registers = j->result.registers,
		.spill_bytes = j->result.spill_bytes,
		.shared_bytes = j->result.shared_bytes};
	buf_release(&ptx);
}

/* One code per source and regions: launches that share a source may differ in what they touch. */
static void collect_code(struct emit *m)
{
	struct graph *g = m->g;
	const char **regions = NEW(g->arena, g->nlaunch + 1, const char *);
	uint32_t *job = NEW(g->arena, g->nlaunch + 1, uint32_t);

	g->code = NEW(g->arena, g->nlaunch + 1, struct code);
	for (uint32_t i = 0; i < g->nlaunch; i++) {
		const char *r = regions_of(g, &g->launch[i]);
		uint32_t k = 0;

		while (k < g->ncode && (job[k] != m->job_of[i] || strcmp(regions[k], r) != 0))
			k++;
		g->launch[i].code = k;
		if (k < g->ncode)
			continue;
		regions[k] = r;
		job[k] = m->job_of[i];
		fill_code(m, &g->code[k], &g->launch[i], &m->job[job[k]], r);
		g->ncode++;
	}
}

static void count_jobs(struct emit *m)
{
	int major, minor;

	nvrtc_version(m->nvrtc, &major, &minor);
	snprintf(m->o->toolchain, sizeof(m->o->toolchain), "nvrtc %d.%d", major, minor);
	for (uint32_t i = 0; i < m->njobs; i++) {
		m->o->kernels_cached += m->job[i].cached;
		m->o->kernels_compiled += !m->job[i].cached;
	}
}

int pass_emit(struct graph *g, struct emit_options *o, struct err *e)
{
	struct emit m = {.g = g, .o = o, .lock = PTHREAD_MUTEX_INITIALIZER};
	int ret;

	if (toolchain_open(o->target, g->arena, &m.nvrtc, NULL, e) < 0)
		return -1;
	m.arch = o->ptx_only ? arena_printf(g->arena, "compute_%s", o->target + strlen("sm_"))
			     : o->target;
	collect_jobs(&m);
	run_jobs(&m);
	count_jobs(&m);
	ret = check_jobs(&m, e);
	if (ret == 0)
		collect_code(&m);
	for (uint32_t i = 0; i < m.njobs; i++) {
		nvrtc_release(&m.job[i].result);
		err_release(&m.job[i].e);
	}
	nvrtc_close(m.nvrtc);
	return ret;
}
