/* Every address, and the answers that only read. */
#include "base/json.h"
#include "cache/cache.h"
#include "daemon/answer.h"
#include "daemon/identity.h"
#include "daemon/metrics.h"
#include "daemon/request.h"
#include "daemon/version.h"

#include <string.h>

static const char *const no_store[] = {"Cache-Control", "no-store", NULL};

static int get_health(struct request *rq, struct err *e)
{
	static const char body[] = "{\"status\":\"ok\"}";

	(void)e;
	return reply_text(rq, 200, "application/json",
			  (struct span){(const uint8_t *)body, sizeof(body) - 1}, no_store);
}

static int get_version(struct request *rq, struct err *e)
{
	struct compile_identity id;
	struct compile_options o;
	struct buf body = BUF_INIT;
	struct json j = json_begin(&body);
	int ret;

	(void)e;
	compile_options_init(&o, rq->arena);
	json_open(&j, NULL, '{');
	json_str(&j, "version", OCCAMY_VERSION);
	/* what is known of the default target; nothing where the compiler could not be asked */
	if (identity_get(rq->server->ids, o.target, rq->arena, &id)) {
		json_open(&j, "compiler", '{');
		json_str(&j, "build", id.build);
		json_str(&j, "target", o.target);
		json_str(&j, "nvrtc", id.nvrtc);
		json_str(&j, "passes", id.passes);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	ret = reply_json(rq, 200, &body, no_store);
	buf_release(&body);
	return ret;
}

static int get_metrics(struct request *rq, struct err *e)
{
	struct metrics_gauges now = {.cache_bytes = 0};
	struct cache_stats st = {.bytes = 0};
	struct buf body = BUF_INIT;
	int ret;

	if (cache_stats(rq->server->cache, &st, e) < 0)
		return -1;
	now.cache_bytes = st.bytes;
	now.cache_entries = st.entries;
	now.cache_damaged = st.damaged;
	jobs_depth(rq->server->jobs, &now.queue_depth, &now.running);
	metrics_write(rq->server->metrics, &now, &body);
	ret = reply_text(rq, 200, "text/plain; version=0.0.4", buf_span(&body), no_store);
	buf_release(&body);
	return ret;
}

static int get_job(struct request *rq, struct err *e)
{
	rq->job = jobs_find(rq->server->jobs, rq->segment);
	if (!rq->job)
		return fail(e, E_NOT_FOUND, "there is no such job");
	return answer_job(rq, 200, e);
}

/* A named part of the artifact in the address. */
static int send_part(struct request *rq, const char *name, const char *type,
		     const char *const *headers, struct err *e)
{
	struct cache_entry en;
	int have = cache_get(rq->server->cache, rq->segment, &en, e);

	if (have < 0)
		return -1;
	for (size_t i = 0; have && i < en.nparts; i++)
		if (!strcmp(en.parts[i].name, name))
			return reply_part(rq, &en.parts[i], type, headers, e);
	return fail(e, E_NOT_FOUND, "there is no such artifact");
}

static int get_manifest(struct request *rq, struct err *e)
{
	return send_part(rq, ".manifest", "application/json", NULL, e);
}

static int get_artifact(struct request *rq, struct err *e)
{
	const char *headers[] = {"Content-Disposition",
				 arena_printf(rq->arena, "attachment; filename=\"%.64s.occ\"",
					      hash_is_hex(rq->segment) ? rq->segment : ""),
				 NULL};

	return send_part(rq, ".occ", ARTIFACT_TYPE, headers, e);
}

static int get_report(struct request *rq, struct err *e)
{
	return send_part(rq, ".report", "application/json", NULL, e);
}

/* The picture has names from the model in it: it may be shown, and do nothing. */
static int get_plan(struct request *rq, struct err *e)
{
	static const char *const headers[] = {
		"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox",
		NULL};

	return send_part(rq, "plan.svg", "image/svg+xml", headers, e);
}

static int get_blob(struct request *rq, struct err *e)
{
	struct cache_part part;
	int have = cache_find(rq->server->cache, rq->segment, &part, e);

	if (have <= 0)
		return have < 0 ? -1 : fail(e, E_NOT_FOUND, "there is no such blob");
	return reply_part(rq, &part, "application/octet-stream", NULL, e);
}

static const struct route routes[] = {
	{"compile", "/compile", M_POST, check_compile, post_compile},
	{"compile", "/v1/compile", M_POST, check_compile, post_compile},
	{"plan_only", "/v1/plan", M_POST, check_plan, post_compile},
	{"job", "/v1/jobs/*", M_GET | M_HEAD, NULL, get_job},
	{"artifact", "/v1/artifacts/*.occ", M_GET | M_HEAD, NULL, get_artifact},
	{"manifest", "/v1/artifacts/*", M_GET | M_HEAD, NULL, get_manifest},
	{"plan", "/v1/artifacts/*/plan.svg", M_GET | M_HEAD, NULL, get_plan},
	{"report", "/v1/artifacts/*/report", M_GET | M_HEAD, NULL, get_report},
	{"blob", "/v1/blobs/sha256:*", M_GET | M_HEAD, NULL, get_blob},
	{"healthz", "/healthz", M_GET | M_HEAD, NULL, get_health},
	{"metrics", "/metrics", M_GET | M_HEAD, NULL, get_metrics},
	{"version", "/version", M_GET | M_HEAD, NULL, get_version},
};

/* The text that '*' stands for, NULL where the path is another. */
static const char *match(const char *pattern, const char *path, struct arena *a)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0, after, len = strlen(path);

	if (!star)
		return strcmp(pattern, path) ? NULL : "";
	after = strlen(star + 1);
	if (len <= before + after || strncmp(path, pattern, before) != 0 ||
	    strcmp(path + len - after, star + 1) != 0 ||
	    memchr(path + before, '/', len - before - after))
		return NULL;
	return arena_strndup(a, path + before, len - before - after);
}

const struct route *route_find(const char *path, struct arena *a, const char **segment)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		*segment = match(routes[i].pattern, path, a);
		if (*segment)
			return &routes[i];
	}
	return NULL;
}

const char *route_methods(const struct route *route)
{
	return route->methods == M_POST ? "POST" : "GET, HEAD";
}
