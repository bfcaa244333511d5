/*
 * The life of a request, in the order in which libmicrohttpd calls:
 *
 *	request_begin	the address is known
 *	request_handle	headers are known: route, method, check
 *	request_handle	pieces of the body
 *	request_handle	the body is complete: the route's answer
 *	request_handle	again after each resume
 *	request_end	answered, or the client has left
 *
 * A refusal before or amid a body: where at most DISCARD_MAX bytes are to
 * come they are read and thrown away, so that the client sees the answer;
 * else the answer goes out at once and the connection is closed.
 */
#include "daemon/request.h"

#include "base/log.h"
#include "cache/cache.h"
#include "daemon/metrics.h"
#include "daemon/range.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define DISCARD_MAX ((uint64_t)1 << 20)

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- begin and end ---- */

void *request_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *rq = mem_alloc(sizeof(*rq));

	rq->magic = REQUEST_MAGIC;
	rq->server = cls;
	rq->mhd = mhd;
	rq->arena = arena_open(0);
	rq->err = ERR_INIT;
	rq->started = now_ms();
	rq->uri_len = strlen(uri);
	rq->upload.fd = -1;
	rq->connection = info->socket_context;
	rq->connection->request = rq;
	snprintf(rq->id, sizeof(rq->id), "%s-%lu", rq->server->boot,
		 atomic_fetch_add(&rq->server->next_request, 1) + 1);
	return rq;
}

void request_end(void *cls, struct MHD_Connection *mhd, void **context,
		 enum MHD_RequestTerminationCode why)
{
	struct request *rq = *context;
	const char *route;

	(void)cls;
	(void)mhd;
	if (!rq)
		return;
	CHECK(rq->magic == REQUEST_MAGIC);
	route = rq->route ? rq->route->name : "none";
	log_event(LOG_INFO, "request", "id=%s method=%s route=%s status=%d ms=%lld left=%d", rq->id,
		  rq->method ? rq->method : "-", route, rq->status,
		  (long long)(now_ms() - rq->started),
		  why != MHD_REQUEST_TERMINATED_COMPLETED_OK && !rq->must_close);
	if (rq->status)
		metrics_request(rq->server->metrics, route, rq->method, rq->status);
	rq->connection->request = NULL;
	rq->connection->since = now_ms();
	server_forget(rq);
	if (rq->has_upload)
		upload_release(&rq->upload);
	job_release(rq->job);
	err_release(&rq->err);
	arena_close(rq->arena);
	rq->magic = 0;
	mem_free(rq);
	*context = NULL;
}

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Like MHD's, but %00 and broken escapes stay as they are: no text is cut short by a zero. */
size_t request_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
	char *to = text;

	(void)cls;
	(void)mhd;
	for (const char *p = text; *p; p++) {
		bool escape = *p == '%' && isxdigit((unsigned char)p[1]) &&
			      isxdigit((unsigned char)p[2]) && (p[1] != '0' || p[2] != '0');

		*to++ = escape ? (char)(nibble(p[1]) * 16 + nibble(p[2])) : *p;
		p += escape ? 2 : 0;
	}
	*to = 0;
	return (size_t)(to - text);
}

/* ---- headers ---- */

const char *request_header(const struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, name);
}

bool request_header_has(const struct request *rq, const char *name, const char *word)
{
	const char *p = request_header(rq, name);
	size_t len = strlen(word);

	while (p && *p) {
		p += strspn(p, ", \t");
		if (!strncasecmp(p, word, len) && (!p[len] || strchr(",; \t", p[len])))
			return true;
		p += strcspn(p, ",");
	}
	return false;
}

/* ---- answers ---- */

static int queue(struct request *rq, int status, struct MHD_Response *r, const char *type,
		 const char *const *headers)
{
	enum MHD_Result ok;

	CHECK(r);
	MHD_add_response_header(r, "X-Request-Id", rq->id);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (type)
		MHD_add_response_header(r, "Content-Type", type);
	for (; headers && *headers; headers += 2)
		MHD_add_response_header(r, headers[0], headers[1]);
	ok = MHD_queue_response(rq->mhd, (unsigned)status, r);
	MHD_destroy_response(r);
	if (ok == MHD_YES) {
		rq->state = RQ_ANSWERED;
		rq->status = status;
	}
	return ok == MHD_YES ? 0 : -1;
}

int reply_text(struct request *rq, int status, const char *type, struct span body,
	       const char *const *headers)
{
	void *data = (void *)(uintptr_t)body.data;

	return queue(rq, status,
		     MHD_create_response_from_buffer(body.len, data, MHD_RESPMEM_MUST_COPY), type,
		     headers);
}

int reply_json(struct request *rq, int status, const struct buf *body, const char *const *headers)
{
	return reply_text(rq, status, "application/json", buf_span(body), headers);
}

int reply_problem(struct request *rq, const struct err *e)
{
	struct buf body = BUF_INIT;
	const char *headers[8] = {"Cache-Control", "no-store"};
	size_t n = 2;
	int ret;

	err_json(e, &body);
	if (e->code == E_METHOD && rq->route) {
		headers[n++] = "Allow";
		headers[n++] = route_methods(rq->route);
	}
	if (err_status(e->code) == 503) {
		headers[n++] = "Retry-After";
		headers[n++] = "5";
	}
	ret = reply_text(rq, err_status(e->code), "application/problem+json", buf_span(&body),
			 headers);
	buf_release(&body);
	return ret;
}

static int reply_416(struct request *rq, uint64_t total)
{
	const char *headers[] = {"Content-Range",
				 arena_printf(rq->arena, "bytes */%llu", (unsigned long long)total),
				 NULL};
	struct err e = ERR_INIT;
	struct buf body = BUF_INIT;
	int ret;

	fail(&e, E_RANGE, "there are %llu bytes", (unsigned long long)total);
	err_json(&e, &body);
	ret = reply_text(rq, 416, "application/problem+json", buf_span(&body), headers);
	buf_release(&body);
	return ret;
}

/* Does the client have these very bytes? */
static bool unchanged(const struct request *rq, const char *etag)
{
	return request_header_has(rq, "If-None-Match", etag) ||
	       request_header_has(rq, "If-None-Match", "*");
}

/* The range that is asked for; none where If-Range names other bytes. */
static enum range_kind wanted_range(const struct request *rq, const char *etag, uint64_t total,
				    uint64_t *first, uint64_t *bytes)
{
	const char *condition = request_header(rq, "If-Range");
	bool ignore = condition && strcmp(condition, etag) != 0;

	return range_parse(ignore ? NULL : request_header(rq, "Range"), total, first, bytes);
}

int reply_part(struct request *rq, const struct cache_part *part, const char *type,
	       const char *const *headers, struct err *e)
{
	const char *etag = arena_printf(rq->arena, "\"sha256:%s\"", part->digest);
	bool get = rq->route->methods & M_GET; /* else no conditions, no ranges */
	const char *all[16] = {
		"ETag",		 etag,
		"Cache-Control", get ? "public, max-age=31536000, immutable" : "no-store",
		"Accept-Ranges", get ? "bytes" : "none"};
	size_t n = 6;
	uint64_t first = 0, bytes = part->bytes;
	enum range_kind kind = RANGE_ALL;
	int fd;

	for (; headers && headers[0] && n + 4 < COUNT_OF(all); headers += 2) {
		all[n++] = headers[0];
		all[n++] = headers[1];
	}
	if (get && unchanged(rq, etag))
		return queue(rq, 304,
			     MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
							     MHD_RESPMEM_PERSISTENT),
			     NULL, all);
	if (get)
		kind = wanted_range(rq, etag, part->bytes, &first, &bytes);
	if (kind == RANGE_NONE)
		return reply_416(rq, part->bytes);
	if (kind == RANGE_PART) {
		all[n++] = "Content-Range";
		all[n++] = arena_printf(
			rq->arena, "bytes %llu-%llu/%llu", (unsigned long long)first,
			(unsigned long long)(first + bytes - 1), (unsigned long long)part->bytes);
	}
	fd = cache_read(rq->server->cache, part);
	if (fd < 0)
		return fail(e, E_NOT_FOUND, "these bytes are no longer here");
	return queue(rq, kind == RANGE_PART ? 206 : 200,
		     MHD_create_response_from_fd_at_offset64(bytes, fd, part->offset + first), type,
		     all);
}

/* ---- refusals around a body ---- */

void request_abort(struct request *rq, struct err *e)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct buf body = BUF_INIT, text = BUF_INIT;

	if (rq->must_close)
		return;
	err_json(e, &body);
	buf_printf(&text,
		   "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
		   "Content-Length: %zu\r\nX-Request-Id: %s\r\nConnection: close\r\n\r\n%s",
		   err_status(e->code), MHD_get_reason_phrase_for((unsigned)err_status(e->code)),
		   body.len, rq->id, buf_str(&body));
	/* One short write into an empty socket buffer; a client that left loses nothing. */
	if (send(info->connect_fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		rq->status = err_status(e->code);
	rq->must_close = true;
	rq->state = RQ_DISCARD;
	buf_release(&body);
	buf_release(&text);
}

/* true: goes on reading. false: the connection is to be closed. */
static bool discard(struct request *rq, size_t size)
{
	rq->discarded += size;
	return rq->discarded <= DISCARD_MAX;
}

static enum MHD_Result refuse(struct request *rq, struct err *e)
{
	enum MHD_Result ret = reply_problem(rq, e) < 0 ? MHD_NO : MHD_YES;

	err_release(e);
	return ret;
}

/* Bytes of body that the headers announce; UINT64_MAX: chunked. */
static uint64_t announced(const struct request *rq)
{
	const char *length = request_header(rq, "Content-Length");

	if (request_header(rq, "Transfer-Encoding"))
		return UINT64_MAX;
	return length ? strtoull(length, NULL, 10) : 0;
}

/* ---- the calls ---- */

static int method_bit(const char *method)
{
	return !strcmp(method, "GET")	 ? M_GET
	       : !strcmp(method, "HEAD") ? M_HEAD
	       : !strcmp(method, "POST") ? M_POST
					 : 0;
}

/* Labels are of a fixed set. */
static const char *method_label(const char *method)
{
	static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (!strcmp(known[i], method))
			return known[i];
	return "other";
}

static int check(struct request *rq, const char *url, const char *method, struct err *e)
{
	rq->method = method_label(method);
	if (rq->uri_len > URI_MAX)
		return fail(e, E_URI, "the address has %zu bytes; at most %d are taken",
			    rq->uri_len, URI_MAX);
	rq->route = route_find(url, rq->arena, &rq->segment);
	if (!rq->route)
		return fail(e, E_NOT_FOUND, "there is nothing at this address");
	if (!(rq->route->methods & method_bit(method)))
		return fail(e, E_METHOD, "%s is not for this address", rq->method);
	return rq->route->check ? rq->route->check(rq, e) : 0;
}

static enum MHD_Result first_call(struct request *rq, const char *url, const char *method)
{
	if (check(rq, url, method, &rq->err) < 0) {
		/* A client that asks first gets the refusal instead of its body's permission. */
		if (announced(rq) == 0 || announced(rq) > DISCARD_MAX ||
		    request_header_has(rq, "Expect", "100-continue"))
			return refuse(rq, &rq->err);
		rq->state = RQ_DISCARD;
		return MHD_YES;
	}
	rq->state = RQ_BODY;
	return MHD_YES;
}

static enum MHD_Result body_call(struct request *rq, const char *data, size_t *size)
{
	struct err e = ERR_INIT;
	size_t n = *size;

	*size = 0;
	rq->body_done = now_ns(); /* the last piece's counts */
	if (rq->state == RQ_BODY && rq->has_upload && upload_feed(&rq->upload, data, n, &e) < 0) {
		request_abort(rq, &e);
		err_release(&e);
	}
	/* a route that takes no body ignores it */
	if (rq->state == RQ_DISCARD || !rq->has_upload)
		return discard(rq, n) ? MHD_YES : MHD_NO;
	return MHD_YES;
}

static enum MHD_Result answer(struct request *rq)
{
	struct err e = ERR_INIT;
	enum MHD_Result ret;
	char why[LOG_TEXT];

	if (rq->must_close)
		return MHD_NO;
	if (rq->state == RQ_DISCARD)
		return refuse(rq, &rq->err);
	if (rq->state == RQ_BODY && !rq->body_done)
		rq->body_done = now_ns();
	server_forget(rq);
	rq->state = RQ_READY;
	if (rq->route->answer(rq, &e) == 0)
		return MHD_YES;
	if (e.code == E_INTERNAL)
		log_event(LOG_ERROR, "internal", "id=%s detail=\"%s\"", rq->id,
			  log_text(why, e.detail));
	/* -1 without a reason: the connection is broken */
	ret = e.code == E_OK ? MHD_NO : refuse(rq, &e);
	err_release(&e);
	return ret;
}

enum MHD_Result request_handle(void *cls, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **context)
{
	struct request *rq = *context;

	(void)cls;
	(void)mhd;
	(void)version;
	CHECK(rq && rq->magic == REQUEST_MAGIC);
	if (rq->state == RQ_NEW)
		return first_call(rq, url, method);
	if (*size)
		return body_call(rq, data, size);
	return answer(rq);
}
