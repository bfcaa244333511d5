/*
 * One pipe per child, read until its end; poll waits for all of them. What
 * is finished early waits in the list of results for its turn.
 */
#include "tests/35conformance/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
	pid_t pid; /* 0: this place is free */
	int fd;
	uint32_t index;
	double deadline;
	bool late;
};

struct result {
	bool finished;
	int status;
	struct buf text;
};

struct state {
	const struct pool *p;
	struct child *child; /* p->jobs places */
	struct pollfd *poll;
	struct result *result;
	uint32_t started, told;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* true in the parent. A child that can't be started is a failed one. */
static bool start(struct state *s, struct child *c)
{
	int ends[2];

	*c = (struct child){.index = s->started++, .deadline = now() + s->p->seconds};
	CHECK(pipe(ends) == 0);
	fflush(stdout);
	fflush(stderr);
	c->pid = fork();
	CHECK(c->pid >= 0);
	if (c->pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	close(ends[1]);
	c->fd = ends[0];
	return true;
}

static void finish(struct state *s, struct child *c)
{
	struct result *r = &s->result[c->index];

	close(c->fd);
	while (waitpid(c->pid, &r->status, 0) < 0)
		CHECK(errno == EINTR);
	if (c->late)
		r->status = POOL_TIMEOUT;
	r->finished = true;
	*c = (struct child){0};
}

static void receive(struct state *s, struct child *c)
{
	char bytes[4096];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));

	if (n > 0)
		buf_append(&s->result[c->index].text, bytes, (size_t)n);
	else if (n == 0 || errno != EINTR)
		finish(s, c);
}

static void tell(struct state *s)
{
	for (; s->told < s->started && s->result[s->told].finished; s->told++) {
		struct result *r = &s->result[s->told];

		s->p->done(s->p->ctx, s->told, r->status, buf_str(&r->text));
		buf_release(&r->text);
	}
}

/* Waits for one event, or until a deadline. */
static void wait_some(struct state *s)
{
	double first = now() + s->p->seconds;

	for (uint32_t k = 0; k < s->p->jobs; k++) {
		struct child *c = &s->child[k];

		s->poll[k] = (struct pollfd){.fd = c->pid ? c->fd : -1, .events = POLLIN};
		if (c->pid && !c->late)
			first = MIN(first, c->deadline);
	}
	poll(s->poll, s->p->jobs, (int)(MAX(first - now(), 0.0) * 1e3) + 1);
	for (uint32_t k = 0; k < s->p->jobs; k++) {
		struct child *c = &s->child[k];

		if (s->poll[k].revents)
			receive(s, c);
		if (c->pid && !c->late && now() > c->deadline) {
			c->late = true;
			kill(c->pid, SIGKILL); /* its pipe ends, and it is finished */
		}
	}
}

static bool run(struct state *s, int *status)
{
	const struct pool *p = s->p;

	while (s->told < p->count) {
		for (uint32_t k = 0; k < p->jobs && s->started < p->count; k++) {
			if (s->child[k].pid || start(s, &s->child[k]))
				continue;
			*status = p->work(p->ctx, s->started - 1);
			return false;
		}
		wait_some(s);
		tell(s);
	}
	return true;
}

bool pool_run(const struct pool *p, int *status)
{
	struct state s = {.p = p};
	bool parent;

	s.child = mem_alloc(p->jobs * sizeof(*s.child));
	s.poll = mem_alloc(p->jobs * sizeof(*s.poll));
	s.result = mem_alloc((p->count + 1) * sizeof(*s.result));
	parent = run(&s, status);
	for (uint32_t i = 0; i < p->count; i++)
		buf_release(&s.result[i].text);
	mem_free(s.child);
	mem_free(s.poll);
	mem_free(s.result);
	return parent;
}
