/*
 * Event loops around libmicrohttpd in its external mode: each loop polls its
 * daemon's epoll descriptor and calls MHD_run, whose inner wait is zero.
 * (Its own epoll thread stalls when a multiple of 128 clients are ready.)
 * All loops accept from one socket that we opened.
 *
 * What MHD does not do, each loop does: wake suspended requests at their
 * deadline, end connections that take too long to send a request.
 */
#include "daemon/server.h"

#include "base/log.h"
#include "daemon/request.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDLE_SECONDS  10	 /* of a connection without any byte, either way */
#define HEADER_MS     15000	 /* for a request's line and headers */
#define BODY_GRACE_MS 10000	 /* for a body, and 1 ms more for each BODY_RATE bytes of it */
#define BODY_RATE     16	 /* bytes per ms: 16 kB/s */
#define DRAIN_MS      5000	 /* for answers under way when the service is stopped */
#define MEMORY_LIMIT  (64 << 10) /* of one connection */
#define SWEEP_MS      1000
#define BACKLOG	      1024
#define OWN_FILES     256 /* descriptors for jobs, the store and answers */

struct loop {
	struct server *server;
	struct MHD_Daemon *mhd;
	int epoll_fd, event_fd;
	pthread_t thread;
	struct connection *connections;
	struct request *waiting;
	int64_t swept;
};

int64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* ---- waiting ---- */

/* Ends the loop's poll. */
static void poke(int event_fd)
{
	uint64_t one = 1;

	if (write(event_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_event(LOG_WARN, "eventfd", "errno=%d", errno);
}

/* MHD's own wake-up does not end a poll of its epoll descriptor: ours does. */
static void resume(struct request *rq)
{
	int fd = rq->connection->loop->event_fd; /* resumed, the request may end at any time */

	MHD_resume_connection(rq->mhd);
	poke(fd);
}

static void wake(struct waiter *w)
{
	resume((struct request *)(void *)((char *)w - offsetof(struct request, waiter)));
}

void server_wait(struct request *rq, struct job *job, int64_t deadline)
{
	struct loop *l = rq->connection->loop;

	rq->state = RQ_WAITING;
	rq->deadline = deadline;
	rq->next_waiting = l->waiting;
	rq->waiting_at = &l->waiting;
	if (l->waiting)
		l->waiting->waiting_at = &rq->next_waiting;
	l->waiting = rq;
	rq->waiter.wake = wake;
	/* Suspended first: from the next line on any thread may resume it. */
	MHD_suspend_connection(rq->mhd);
	if (!job_wait(job, &rq->waiter))
		resume(rq);
}

void server_forget(struct request *rq)
{
	if (!rq->waiting_at)
		return;
	*rq->waiting_at = rq->next_waiting;
	if (rq->next_waiting)
		rq->next_waiting->waiting_at = rq->waiting_at;
	rq->waiting_at = NULL;
}

/* Resumes those whose time is over; returns the next deadline. */
static int64_t expire(struct loop *l, int64_t now)
{
	int64_t next = INT64_MAX;

	for (struct request *rq = l->waiting, *after; rq; rq = after) {
		after = rq->next_waiting;
		if (rq->deadline > now) {
			next = MIN(next, rq->deadline);
			continue;
		}
		if (job_leave(l->server->jobs, &rq->waiter))
			resume(rq);
		server_forget(rq);
	}
	return next;
}

/* ---- connections ---- */

static void notify_connection(void *cls, struct MHD_Connection *mhd, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct connection *c = *context;
	struct loop *l = cls;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		CHECK(c && !c->request);
		*c->at = c->next;
		if (c->next)
			c->next->at = c->at;
		mem_free(c);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c = mem_alloc(sizeof(*c));
	c->loop = l;
	c->fd = info->connect_fd;
	c->since = now_ms();
	c->next = l->connections;
	c->at = &l->connections;
	if (c->next)
		c->next->at = &c->next;
	l->connections = c;
	*context = c;
}

/* Ends slow senders. MHD sees the end of the connection and cleans up. */
static void sweep(struct loop *l, int64_t now)
{
	for (struct connection *c = l->connections; c; c = c->next) {
		struct request *rq = c->request;
		struct err e = ERR_INIT;

		if (!rq || rq->state == RQ_NEW) {
			if (now - c->since > HEADER_MS)
				shutdown(c->fd, SHUT_RDWR);
			continue;
		}
		if (rq->state != RQ_BODY && rq->state != RQ_DISCARD)
			continue;
		if (now - rq->started >
		    BODY_GRACE_MS + (int64_t)(rq->upload.bytes + rq->discarded) / BODY_RATE) {
			fail(&e, E_TIMEOUT, "the body came slower than %d kB/s", BODY_RATE);
			request_abort(rq, &e);
			err_release(&e);
			shutdown(c->fd, SHUT_RDWR);
		}
	}
}

static bool has_requests(const struct loop *l)
{
	for (const struct connection *c = l->connections; c; c = c->next)
		if (c->request)
			return true;
	return false;
}

/* ---- the loop ---- */

static int poll_timeout(struct loop *l, int64_t next, int64_t now)
{
	MHD_UNSIGNED_LONG_LONG mhd;
	int64_t wait = MIN(SWEEP_MS, MAX(next - now, 0));

	if (MHD_get_timeout(l->mhd, &mhd) == MHD_YES && (int64_t)mhd < wait)
		wait = (int64_t)mhd;
	return (int)wait;
}

static void turn(struct loop *l)
{
	struct pollfd fds[] = {{.fd = l->epoll_fd, .events = POLLIN},
			       {.fd = l->event_fd, .events = POLLIN}};
	int64_t now = now_ms(), next = expire(l, now);
	uint64_t count;

	poll(fds, COUNT_OF(fds), poll_timeout(l, next, now));
	if (fds[1].revents & POLLIN && read(l->event_fd, &count, sizeof(count)) < 0)
		log_event(LOG_WARN, "eventfd", "errno=%d", errno);
	MHD_run(l->mhd);
	now = now_ms();
	if (now - l->swept >= SWEEP_MS) {
		sweep(l, now);
		l->swept = now;
	}
}

static void *loop_thread(void *arg)
{
	struct loop *l = arg;
	int64_t end;
	int fd;

	while (!atomic_load(&l->server->stopping))
		turn(l);
	fd = MHD_quiesce_daemon(l->mhd);
	if (fd >= 0)
		close(fd);
	end = now_ms() + DRAIN_MS;
	while (has_requests(l) && now_ms() < end)
		turn(l);
	MHD_stop_daemon(l->mhd);
	return NULL;
}

/* ---- start and stop ---- */

static bool is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int listen_on(const struct addrinfo *ai, const struct config *config, struct err *e)
{
	int fd, one = 1;

	if (!is_loopback(ai->ai_addr) && !config->insecure) {
		fail(e, E_USAGE, "%s is not a loopback address, and there is no access control",
		     config->listen);
		return err_hint(e, "put a proxy in front, or say --insecure");
	}
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		fail(e, E_IO, "can't listen on %s: %s", config->listen, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* "127.0.0.1:8085", "[::1]:8085", "localhost:0" */
static int open_listener(const struct config *config, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char host[CONFIG_TEXT_MAX], *port, *name = host;
	int fd, rc;

	snprintf(host, sizeof(host), "%s", config->listen);
	port = strrchr(host, ':');
	if (!port || !port[1])
		return fail(e, E_USAGE, "listen: '%s' is not HOST:PORT", config->listen);
	*port++ = 0;
	if (host[0] == '[' && port[-2] == ']') {
		port[-2] = 0;
		name++;
	}
	rc = getaddrinfo(*name ? name : NULL, port, &hints, &list);
	if (rc)
		return fail(e, E_USAGE, "listen: %s: %s", config->listen, gai_strerror(rc));
	fd = listen_on(list, config, e);
	freeaddrinfo(list);
	return fd;
}

static void print_address(int fd, char out[64])
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[46] = "", port[8] = "";

	getsockname(fd, (struct sockaddr *)&ss, &len);
	getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static void log_mhd(void *cls, const char *fmt, va_list ap)
{
	char text[512], why[LOG_TEXT];

	(void)cls;
	vsnprintf(text, sizeof(text), fmt, ap);
	log_event(LOG_DEBUG, "libmicrohttpd", "detail=\"%s\"", log_text(why, text));
}

static _Noreturn void panic(void *cls, const char *file, unsigned line, const char *reason)
{
	(void)cls;
	(void)file;
	log_event(LOG_ERROR, "libmicrohttpd_panic", "line=%u detail=\"%s\"", line, reason);
	check_failed("libmicrohttpd panic", "daemon.c", (int)line);
}

/* As configured, or as many as there are descriptors beside ours. */
static size_t most_connections(const struct server *s)
{
	size_t n = (size_t)s->config.connections;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < n + OWN_FILES)
		n = r.rlim_cur > 2 * OWN_FILES ? (size_t)r.rlim_cur - OWN_FILES : OWN_FILES;
	return MAX(n, s->nloops);
}

static int start_loop(struct loop *l, int listener, struct err *e)
{
	struct server *s = l->server;
	unsigned connections = (unsigned)(most_connections(s) / s->nloops);

	l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		request_handle, s, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
		MHD_OPTION_LISTEN_SOCKET, fcntl(listener, F_DUPFD_CLOEXEC, 0),
		MHD_OPTION_NOTIFY_CONNECTION, notify_connection, l, MHD_OPTION_NOTIFY_COMPLETED,
		request_end, s, MHD_OPTION_URI_LOG_CALLBACK, request_begin, s,
		MHD_OPTION_UNESCAPE_CALLBACK, request_unescape, NULL, MHD_OPTION_CONNECTION_LIMIT,
		connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_END);
	if (!l->mhd || l->event_fd < 0)
		return fail(e, E_IO, "the event loop can't be started");
	l->epoll_fd = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return 0;
}

int server_start(struct server *s, char addr[64], struct err *e)
{
	int listener = open_listener(&s->config, e), ret = 0;
	uint8_t raw[4];

	if (listener < 0)
		return -1;
	print_address(listener, addr);
	MHD_set_panic_func(panic, NULL);
	CHECK(getrandom(raw, sizeof(raw), 0) == (ssize_t)sizeof(raw));
	snprintf(s->boot, sizeof(s->boot), "%02x%02x%02x%02x", raw[0], raw[1], raw[2], raw[3]);
	s->nloops = (size_t)s->config.threads;
	s->loops = mem_alloc(s->nloops * sizeof(*s->loops));
	for (size_t i = 0; i < s->nloops && ret == 0; i++) {
		s->loops[i].server = s;
		ret = start_loop(&s->loops[i], listener, e);
	}
	close(listener);
	for (size_t i = 0; i < s->nloops && ret == 0; i++)
		CHECK(pthread_create(&s->loops[i].thread, NULL, loop_thread, &s->loops[i]) == 0);
	return ret;
}

void server_stop(struct server *s)
{
	atomic_store(&s->stopping, true);
	for (size_t i = 0; i < s->nloops; i++)
		poke(s->loops[i].event_fd);
	for (size_t i = 0; i < s->nloops; i++) {
		pthread_join(s->loops[i].thread, NULL);
		close(s->loops[i].event_fd);
	}
	mem_free(s->loops);
}
