/* Metrics: small tables under one lock, in the order in which their rows first appeared. */
#include "daemon/metrics.h"

#include "daemon/version.h"

#include <pthread.h>
#include <string.h>

#define REQUESTS_MAX 512 /* routes x methods x status codes that occur */

static const double buckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1};

struct metrics {
	pthread_mutex_t lock;
	uint64_t counts[COUNTS];
	size_t nrequests, nstages;
	struct {
		const char *route, *method;
		int status;
		uint64_t n;
	} requests[REQUESTS_MAX];
	uint64_t hits[COUNT_OF(buckets) + 1], nhits;
	double hit_sum;
	uint64_t kernels_cached, kernels_compiled;
	struct {
		char name[32];
		double sum;
		uint64_t n;
	} stages[REPORT_STAGES_MAX];
};

struct metrics *metrics_open(void)
{
	struct metrics *m = mem_alloc(sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	mem_free(m);
}

void metrics_add(struct metrics *m, enum metrics_count which)
{
	pthread_mutex_lock(&m->lock);
	m->counts[which]++;
	pthread_mutex_unlock(&m->lock);
}

void metrics_request(struct metrics *m, const char *route, const char *method, int status)
{
	size_t i = 0;

	pthread_mutex_lock(&m->lock);
	while (i < m->nrequests &&
	       (m->requests[i].status != status || strcmp(m->requests[i].route, route) != 0 ||
		strcmp(m->requests[i].method, method) != 0))
		i++;
	CHECK(i < REQUESTS_MAX);
	if (i == m->nrequests) {
		m->nrequests++;
		m->requests[i].route = route;
		m->requests[i].method = method;
		m->requests[i].status = status;
	}
	m->requests[i].n++;
	pthread_mutex_unlock(&m->lock);
}

void metrics_hit_seconds(struct metrics *m, double seconds)
{
	size_t i = 0;

	while (i < COUNT_OF(buckets) && seconds > buckets[i])
		i++;
	pthread_mutex_lock(&m->lock);
	m->hits[i]++;
	m->nhits++;
	m->hit_sum += seconds;
	pthread_mutex_unlock(&m->lock);
}

static void add_stage(struct metrics *m, const char *name, double seconds)
{
	size_t i = 0;

	while (i < m->nstages && strcmp(m->stages[i].name, name) != 0)
		i++;
	if (i == REPORT_STAGES_MAX)
		return;
	if (i == m->nstages) {
		memcpy(m->stages[i].name, name, sizeof(m->stages[i].name));
		m->nstages++;
	}
	m->stages[i].sum += seconds;
	m->stages[i].n++;
}

void metrics_report(struct metrics *m, const struct report_facts *facts)
{
	pthread_mutex_lock(&m->lock);
	m->kernels_cached += (uint64_t)MAX(facts->kernels_cached, 0);
	m->kernels_compiled += (uint64_t)MAX(facts->kernels_compiled, 0);
	for (size_t i = 0; i < facts->nstages; i++)
		add_stage(m, facts->stages[i].name, facts->stages[i].seconds);
	pthread_mutex_unlock(&m->lock);
}

/* ---- the text ---- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct buf *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	head(out, name, type, help);
	buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void write_requests(const struct metrics *m, struct buf *out)
{
	head(out, "occamy_http_requests_total", "counter", "Answers sent.");
	for (size_t i = 0; i < m->nrequests; i++)
		buf_printf(
			out,
			"occamy_http_requests_total{route=\"%s\",method=\"%s\",code=\"%d\"} %llu\n",
			m->requests[i].route, m->requests[i].method, m->requests[i].status,
			(unsigned long long)m->requests[i].n);
}

static void write_hits(const struct metrics *m, struct buf *out)
{
	uint64_t sum = 0;

	head(out, "occamy_hit_seconds", "histogram",
	     "From the last byte of a model to the answer, where the cache had it.");
	for (size_t i = 0; i < COUNT_OF(buckets); i++) {
		sum += m->hits[i];
		buf_printf(out, "occamy_hit_seconds_bucket{le=\"%g\"} %llu\n", buckets[i],
			   (unsigned long long)sum);
	}
	buf_printf(out,
		   "occamy_hit_seconds_bucket{le=\"+Inf\"} %llu\noccamy_hit_seconds_sum %.9g\n"
		   "occamy_hit_seconds_count %llu\n",
		   (unsigned long long)m->nhits, m->hit_sum, (unsigned long long)m->nhits);
}

static void write_compiles(const struct metrics *m, struct buf *out)
{
	head(out, "occamy_compiles_total", "counter", "Compilations that ended.");
	buf_printf(out,
		   "occamy_compiles_total{result=\"done\"} %llu\n"
		   "occamy_compiles_total{result=\"failed\"} %llu\n",
		   (unsigned long long)m->counts[COUNT_DONE],
		   (unsigned long long)m->counts[COUNT_FAILED]);
	head(out, "occamy_compile_seconds", "summary", "Time of each stage of the compiler.");
	for (size_t i = 0; i < m->nstages; i++)
		buf_printf(out,
			   "occamy_compile_seconds_sum{stage=\"%s\"} %.9g\n"
			   "occamy_compile_seconds_count{stage=\"%s\"} %llu\n",
			   m->stages[i].name, m->stages[i].sum, m->stages[i].name,
			   (unsigned long long)m->stages[i].n);
}

void metrics_write(struct metrics *m, const struct metrics_gauges *now, struct buf *out)
{
	pthread_mutex_lock(&m->lock);
	write_requests(m, out);
	write_hits(m, out);
	write_compiles(m, out);
	single(out, "occamy_compile_joined_total", "counter",
	       "Requests that waited for another's compilation.", m->counts[COUNT_JOINED]);
	single(out, "occamy_cache_hits_total", "counter", "Requests that the cache answered.",
	       m->counts[COUNT_HITS]);
	single(out, "occamy_cache_misses_total", "counter", "Requests that began a compilation.",
	       m->counts[COUNT_MISSES]);
	single(out, "occamy_kernel_cache_hits_total", "counter", "Kernels taken from the cache.",
	       m->kernels_cached);
	single(out, "occamy_kernel_cache_misses_total", "counter", "Kernels compiled.",
	       m->kernels_compiled);
	pthread_mutex_unlock(&m->lock);
	single(out, "occamy_cache_bytes", "gauge", "Bytes of all blobs.", now->cache_bytes);
	single(out, "occamy_cache_entries", "gauge", "Artifacts in the cache.", now->cache_entries);
	single(out, "occamy_cache_damaged_total", "counter", "Artifacts dropped as damaged.",
	       now->cache_damaged);
	single(out, "occamy_queue_depth", "gauge", "Compilations that wait.", now->queue_depth);
	single(out, "occamy_compiles_running", "gauge", "Compilations that run.", now->running);
	head(out, "occamy_build_info", "gauge", "The version that runs.");
	buf_printf(out, "occamy_build_info{version=\"%s\"} 1\n", OCCAMY_VERSION);
}
