/* Answers about artifacts and jobs. */
#include "daemon/answer.h"
#include "cache/cache.h"

#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MAX ((uint64_t)4 << 20)

static const struct cache_part *find_part(const struct cache_entry *en, const char *name)
{
	for (size_t i = 0; i < en->nparts; i++)
		if (!strcmp(en->parts[i].name, name))
			return &en->parts[i];
	return NULL;
}

/* The report's text: it was one JSON object when it was stored. */
static int read_report(struct request *rq, const struct cache_entry *en, struct buf *out,
		       struct err *e)
{
	const struct cache_part *p = find_part(en, ".report");
	int fd = p && p->bytes <= REPORT_MAX ? cache_read(rq->server->cache, p) : -1;
	ssize_t n = 1;

	if (fd < 0)
		return fail(e, E_NOT_FOUND, "the report is no longer here");
	while (n > 0 && out->len < p->bytes) {
		uint8_t part[4096];

		n = read(fd, part, sizeof(part));
		if (n > 0)
			buf_append(out, part, (size_t)n);
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	close(fd);
	while (out->len && strchr("\r\n \t", out->data[out->len - 1]))
		out->data[--out->len] = 0;
	return n < 0 ? fail(e, E_IO, "the report can't be read") : 0;
}

static const char *digest(struct request *rq, const struct cache_part *p)
{
	return arena_printf(rq->arena, "sha256:%s", p->digest);
}

/* Parts whose names begin with a dot are no blobs of the artifact. */
static void write_blobs(struct request *rq, const struct cache_entry *en, struct json *j)
{
	json_open(j, "blobs", '[');
	for (size_t i = 0; i < en->nparts; i++) {
		const struct cache_part *p = &en->parts[i];

		if (p->name[0] == '.')
			continue;
		json_open(j, NULL, '{');
		json_str(j, "name", p->name);
		json_str(j, "digest", digest(rq, p));
		json_int(j, "bytes", (int64_t)p->bytes);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int write_entry(struct request *rq, const struct cache_entry *en, const char *how,
		       const char *member, struct json *j, struct err *e)
{
	const struct cache_part *occ = find_part(en, ".occ");
	struct buf report = BUF_INIT;
	int ret = read_report(rq, en, &report, e);

	if (ret == 0) {
		json_open(j, member, '{');
		json_str(j, "key", en->key);
		json_str(j, "cache", how);
		json_str(j, "artifact", arena_printf(rq->arena, "/v1/artifacts/%s.occ", en->key));
		json_str(j, "digest", digest(rq, occ));
		json_int(j, "bytes", (int64_t)occ->bytes);
		write_blobs(rq, en, j);
		json_raw(j, "report", buf_str(&report));
		json_close(j, '}');
	}
	buf_release(&report);
	return ret;
}

int answer_entry(struct request *rq, const struct cache_entry *en, const char *how, struct err *e)
{
	const char *headers[] = {"X-Cache", how, "Cache-Control", "no-store", NULL};
	struct buf body = BUF_INIT;
	struct json j = json_begin(&body);
	int ret;

	if (request_header_has(rq, "Accept", ARTIFACT_TYPE)) {
		const char *only[] = {"X-Cache", how, "X-Occamy-Key", en->key, NULL};

		return reply_part(rq, find_part(en, ".occ"), ARTIFACT_TYPE, only, e);
	}
	ret = write_entry(rq, en, how, NULL, &j, e);
	if (ret == 0)
		ret = reply_json(rq, 200, &body, headers);
	buf_release(&body);
	return ret;
}

int answer_job(struct request *rq, int status, struct err *e)
{
	static const char *const states[] = {"queued", "running", "done", "failed"};
	const char *headers[8] = {"Cache-Control", "no-store"}, *problem;
	struct buf body = BUF_INIT;
	struct json j = json_begin(&body);
	struct cache_entry en;
	struct job_view v;
	int ret = 0;

	job_view(rq->job, &v);
	if (status == 202) {
		headers[2] = "Location";
		headers[3] = arena_printf(rq->arena, "/v1/jobs/%s", v.id);
		headers[4] = "Retry-After";
		headers[5] = "1";
	}
	json_open(&j, NULL, '{');
	json_str(&j, "id", v.id);
	json_str(&j, "key", v.key);
	json_str(&j, "state", states[v.state]);
	json_str(&j, "stage", v.stage);
	json_int(&j, "percent", v.percent);
	/* An artifact that was evicted since then has no result: compile again. */
	if (v.state == JOB_DONE && job_report(rq->job))
		json_raw(&j, "result", job_report(rq->job));
	else if (v.state == JOB_DONE && cache_get(rq->server->cache, v.key, &en, e) == 1)
		ret = write_entry(rq, &en, "miss", "result", &j, e);
	if (v.state == JOB_FAILED) {
		job_problem(rq->job, &problem);
		json_raw(&j, "problem", problem);
	}
	json_close(&j, '}');
	ret = ret < 0 || e->code != E_OK ? -1 : reply_json(rq, status, &body, headers);
	buf_release(&body);
	return ret;
}
