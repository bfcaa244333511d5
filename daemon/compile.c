/*
 * POST /compile and POST /v1/plan, which ends with the report. The headers are checked before the
 *body comes; then
 *
 *	body -> identity -> key -> cache -> hit
 *	            |                 `---> job -> wait -> artifact, problem, or 202
 *	            `-> ask the compiler, wait
 *
 * A wait suspends the connection; the handler is called again after it.
 */
#include "cache/cache.h"
#include "daemon/answer.h"
#include "daemon/identity.h"
#include "daemon/metrics.h"
#include "daemon/request.h"

#include "base/log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WAIT_DEFAULT 25 /* seconds; below the usual proxy's limit */
#define WAIT_MAX     300
#define LABEL_MAX    128

enum phase { BEGIN, ASKING, LOOKING, COMPILING };

struct compile_request {
	struct compile_options options;
	const char **dims; /* as they were written */
	size_t ndims;
	int64_t wait; /* seconds */
	enum phase phase;
	bool joined, plan_only;
	char key[SHA256_HEX];
};

/* ---- before the body ---- */

static int check_media(struct request *rq, struct err *e)
{
	/* The last is what curl --data-binary says when nobody tells it what it sends. */
	static const char *const taken[] = {
		"application/octet-stream", "application/x-protobuf",
		"application/x-onnx",	    "application/protobuf",
		"multipart/form-data",	    "application/x-www-form-urlencoded"};
	const char *type = request_header(rq, "Content-Type");
	const char *coding = request_header(rq, "Content-Encoding");

	if (coding && strcasecmp(coding, "identity") != 0)
		return fail(e, E_MEDIA, "Content-Encoding %.40s is not taken", coding);
	if (!type)
		return 0;
	for (size_t i = 0; i < COUNT_OF(taken); i++) {
		size_t len = strlen(taken[i]);

		if (!strncasecmp(type, taken[i], len) && (!type[len] || strchr("; \t", type[len])))
			return 0;
	}
	fail(e, E_MEDIA, "Content-Type %.60s is not taken", type);
	return err_hint(e, "send the ONNX file as application/octet-stream or multipart/form-data");
}

static int check_length(struct request *rq, struct err *e)
{
	const char *length = request_header(rq, "Content-Length");
	uint64_t limit = (uint64_t)rq->server->config.max_body;

	if (request_header(rq, "Transfer-Encoding"))
		return 0;
	if (!length)
		return fail(e, E_LENGTH, "the request has neither Content-Length nor chunks");
	if (strtoull(length, NULL, 10) > limit) {
		fail(e, E_LIMIT_BYTES, "the upload has %.20s bytes; at most %llu are taken", length,
		     (unsigned long long)limit);
		return err_hint(e, "the service's setting max_body says how much it takes");
	}
	return 0;
}

/* A label for people: it is logged and changes nothing. */
static int check_label(struct request *rq, const char *value, struct err *e)
{
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return fail(e, E_USAGE, "name: only letters, digits, '.', '_' and '-'");
	if (strlen(value) > LABEL_MAX)
		return fail(e, E_USAGE, "name: longer than %d", LABEL_MAX);
	log_event(LOG_INFO, "compile", "id=%s name=%s", rq->id, value);
	return 0;
}

struct words {
	struct request *rq;
	struct err *e;
};

static enum MHD_Result take_word(void *ctx, enum MHD_ValueKind kind, const char *word,
				 const char *value)
{
	struct words *w = ctx;
	struct compile_request *c = w->rq->data;
	int ret;

	(void)kind;
	if (!value) {
		ret = fail(w->e, E_USAGE, "'%.40s' has no value", word);
	} else if (!strcmp(word, "name")) {
		ret = check_label(w->rq, value, w->e);
	} else {
		ret = compile_options_parse(&c->options, word, value, w->e);
		if (ret == 0 && !strcmp(word, "dims")) {
			c->dims = GROW(w->rq->arena, c->dims, c->ndims);
			c->dims[c->ndims++] = arena_strdup(w->rq->arena, value);
		}
	}
	return ret < 0 ? MHD_NO : MHD_YES;
}

static int check_words(struct request *rq, struct err *e)
{
	struct words w = {rq, e};

	MHD_get_connection_values(rq->mhd, MHD_GET_ARGUMENT_KIND, take_word, &w);
	if (e->code == E_USAGE)
		err_hint(e, "the words are %s, name", compile_options_words());
	return e->code == E_OK ? 0 : -1;
}

/* Prefer: wait=N, respond-async (RFC 7240). Anything else in it is ignored. */
static int64_t wanted_wait(const struct request *rq)
{
	const char *prefer = request_header(rq, "Prefer"), *p;
	long n;

	if (!prefer)
		return WAIT_DEFAULT;
	if (request_header_has(rq, "Prefer", "respond-async"))
		return 0;
	p = strcasestr(prefer, "wait=");
	n = p && isdigit((unsigned char)p[5]) ? strtol(p + 5, NULL, 10) : WAIT_DEFAULT;
	return n > WAIT_MAX ? WAIT_MAX : n;
}

/* Before the body comes: what can be planned, but not run. */
static int check_runs(const struct compile_request *c, struct err *e)
{
	if (!c->options.streamed || c->plan_only)
		return 0;
	fail(e, E_USAGE, "streamed weights can be planned, but not run");
	return err_hint(e, "POST /v1/plan, or leave weights resident");
}

static int check(struct request *rq, bool plan_only, struct err *e)
{
	struct compile_request *c = NEW(rq->arena, 1, struct compile_request);

	rq->data = c;
	c->plan_only = plan_only;
	compile_options_init(&c->options, rq->arena);
	c->wait = wanted_wait(rq);
	if (check_media(rq, e) < 0 || check_words(rq, e) < 0 || check_runs(c, e) < 0 ||
	    check_length(rq, e) < 0)
		return -1;
	rq->has_upload = true;
	return upload_init(
		&rq->upload,
		arena_printf(rq->arena, "%s/%s", cache_dir(rq->server->cache, "tmp"), rq->id),
		(uint64_t)rq->server->config.max_body, request_header(rq, "Content-Type"), e);
}

int check_compile(struct request *rq, struct err *e)
{
	return check(rq, false, e);
}

int check_plan(struct request *rq, struct err *e)
{
	return check(rq, true, e);
}

/* ---- after it ---- */

/* bind=NAME=PART: the part's file and digest take the place of a path. */
static int resolve_binds(struct request *rq, struct compile_request *c, struct err *e)
{
	for (uint32_t i = 0; i < c->options.nbinds; i++) {
		struct value_binding *b = &c->options.binds[i];
		const struct upload_file *f = upload_find(&rq->upload, b->path);

		if (!f || !strcmp(b->path, "model")) {
			fail(e, E_USAGE, "bind: there is no part '%.64s'", b->path);
			return err_hint(
				e, "send multipart/form-data with the parts 'model' and '%.64s'",
				b->path);
		}
		b->path = f->file;
		memcpy(b->digest, f->digest, sizeof(b->digest));
	}
	return 0;
}

static char **make_args(struct request *rq, const struct compile_request *c)
{
	const struct compile_options *o = &c->options;
	char **args = NEW(rq->arena, 12 + 2 * (c->ndims + o->nbinds) + 1, char *);
	struct arena *a = rq->arena;
	size_t n = 0;

	args[n++] = arena_strdup(a, "--target");
	args[n++] = arena_strdup(a, o->target);
	args[n++] = arena_strdup(a, "--precision");
	args[n++] = arena_strdup(a, o->precision);
	args[n++] = arena_strdup(a, "--code");
	args[n++] = arena_strdup(a, o->code);
	args[n++] = arena_strdup(a, "--planner");
	args[n++] = arena_strdup(a, compile_options_planner(o));
	if (o->streamed) {
		args[n++] = arena_strdup(a, "--weights");
		args[n++] = arena_strdup(a, "streamed");
	}
	if (o->off) {
		args[n++] = arena_strdup(a, "--off");
		args[n++] = arena_strdup(a, compile_options_off(o));
	}
	for (size_t i = 0; i < c->ndims; i++) {
		args[n++] = arena_strdup(a, "--dims");
		args[n++] = arena_strdup(a, c->dims[i]);
	}
	for (uint32_t i = 0; i < o->nbinds; i++) {
		args[n++] = arena_strdup(a, "--bind");
		args[n++] = arena_printf(a, "%s=%s", o->binds[i].name, o->binds[i].path);
	}
	return args;
}

static int reply_failed(struct request *rq)
{
	static const char *const later[] = {"Cache-Control", "no-store", "Retry-After", "5", NULL};
	static const char *const now[] = {"Cache-Control", "no-store", NULL};
	const char *text;
	int status = job_problem(rq->job, &text);

	return reply_text(rq, status, "application/problem+json",
			  (struct span){(const uint8_t *)text, strlen(text)},
			  status == 503 ? later : now);
}

static int reply_report(struct request *rq)
{
	static const char *const headers[] = {"Cache-Control", "no-store", NULL};
	const char *text = job_report(rq->job);

	return reply_text(rq, 200, "application/json",
			  (struct span){(const uint8_t *)text, strlen(text)}, headers);
}

/* The job has ended, or the client has waited long enough. */
static int finish(struct request *rq, struct compile_request *c, struct err *e)
{
	struct cache_entry en;
	struct job_view v;

	job_view(rq->job, &v);
	if (v.state == JOB_FAILED)
		return reply_failed(rq);
	if (v.state != JOB_DONE)
		return answer_job(rq, 202, e);
	if (c->plan_only)
		return reply_report(rq);
	if (cache_get(rq->server->cache, c->key, &en, e) == 1)
		return answer_entry(rq, &en, c->joined ? "joined" : "miss", e);
	fail(e, E_BUSY, "the artifact was evicted at once: the cache is too small");
	return -1;
}

static int begin_job(struct request *rq, struct compile_request *c, struct err *e)
{
	struct job_spec spec = {c->key, rq->upload.dir, make_args(rq, c), c->plan_only};

	if (jobs_compile(rq->server->jobs, &spec, &rq->job, &c->joined, e) < 0)
		return -1;
	c->phase = COMPILING;
	if (c->joined)
		metrics_add(rq->server->metrics, COUNT_JOINED);
	else
		rq->upload.dir[0] = 0; /* the job's now */
	if (c->wait == 0)
		return finish(rq, c, e);
	server_wait(rq, rq->job, now_ms() + c->wait * 1000);
	return 0;
}

/* Plans are joined with plans alone. */
static void plan_key(char key[SHA256_HEX])
{
	struct hash h;

	hash_init(&h);
	hash_str(&h, "plan");
	hash_str(&h, key);
	hash_hex(&h, key);
}

static int look_up(struct request *rq, struct compile_request *c, struct err *e)
{
	struct compile_identity id;
	struct cache_entry en;
	int ret;

	if (!identity_get(rq->server->ids, c->options.target, rq->arena, &id)) {
		if (c->phase == LOOKING)
			return fail(e, E_BUSY, "the compiler is changing; ask again");
		if (jobs_identify(rq->server->jobs, c->options.target, &rq->job, e) < 0)
			return -1;
		c->phase = ASKING;
		server_wait(rq, rq->job, INT64_MAX);
		return 0;
	}
	compile_key(&c->options, upload_find(&rq->upload, "model")->digest, &id, c->key);
	if (c->plan_only) {
		plan_key(c->key);
		return begin_job(rq, c, e);
	}
	ret = cache_get(rq->server->cache, c->key, &en, e);
	if (ret < 0) {
		log_event(LOG_ERROR, "cache_get", "id=%s detail=\"%s\"", rq->id, e->detail);
		err_release(e); /* an index that can't be read is a miss */
	}
	if (ret != 1)
		return begin_job(rq, c, e);
	if (cache_hit(rq->server->cache, c->key, e) < 0) {
		log_event(LOG_WARN, "cache_hit", "id=%s detail=\"%s\"", rq->id, e->detail);
		err_release(e);
	}
	ret = answer_entry(rq, &en, "hit", e);
	if (ret == 0) {
		metrics_add(rq->server->metrics, COUNT_HITS);
		metrics_hit_seconds(rq->server->metrics, (double)(now_ns() - rq->body_done) * 1e-9);
	}
	return ret;
}

int post_compile(struct request *rq, struct err *e)
{
	struct compile_request *c = rq->data;
	struct job_view v;

	switch (c->phase) {
	case BEGIN:
		if (upload_end(&rq->upload, e) < 0 || resolve_binds(rq, c, e) < 0)
			return -1;
		break;
	case ASKING:
		job_view(rq->job, &v);
		if (v.state == JOB_FAILED)
			return reply_failed(rq);
		job_release(rq->job);
		rq->job = NULL;
		c->phase = LOOKING;
		break;
	case LOOKING:
	case COMPILING:
		return finish(rq, c, e);
	}
	return look_up(rq, c, e);
}
