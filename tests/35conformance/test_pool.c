/*
 * The pool: results come in order whatever ends first; a crash, a hang, an
 * exit status and what a child printed each stay with their piece of work.
 */
#include "tests/35conformance/pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUICK, SLOW, CRASH, HANG, STATUS, LONG, LAST, COUNT };

#define LONG_BYTES 300000 /* more than a pipe holds */

struct seen {
	uint32_t next;
	int bad;
};

static int work(void *ctx, uint32_t i)
{
	(void)ctx;
	printf("work %u\n", i);
	fflush(stdout);
	if (i == SLOW)
		usleep(300000);
	if (i == CRASH)
		kill(getpid(), SIGABRT);
	while (i == HANG)
		pause();
	for (int n = 0; i == LONG && n < LONG_BYTES; n++)
		putchar('x');
	return i == STATUS ? 77 : 0;
}

static void expect(struct seen *s, bool ok, uint32_t i, const char *what, int status)
{
	if (ok)
		return;
	printf("work %u: %s (status %d)\n", i, what, status);
	s->bad++;
}

static void done(void *ctx, uint32_t i, int status, const char *text)
{
	struct seen *s = ctx;
	char first[32];

	snprintf(first, sizeof(first), "work %u\n", i);
	expect(s, i == s->next++, i, "comes out of order", status);
	expect(s, !strncmp(text, first, strlen(first)), i, "did not print its own", status);
	if (i == CRASH)
		expect(s,
		       status != POOL_TIMEOUT && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		       i, "is not killed by its signal", status);
	else if (i == HANG)
		expect(s, status == POOL_TIMEOUT, i, "is not late", status);
	else if (i == STATUS)
		expect(s, WIFEXITED(status) && WEXITSTATUS(status) == 77, i, "has no 77", status);
	else
		expect(s, status == 0, i, "failed", status);
	if (i == LONG)
		expect(s, strlen(text) == strlen(first) + LONG_BYTES, i, "is cut", status);
}

int main(void)
{
	static const uint32_t jobs[] = {1, 16};
	int bad = 0, status = 0;

	for (size_t k = 0; k < COUNT_OF(jobs); k++) {
		struct seen s = {0};
		const struct pool p = {.count = COUNT,
				       .jobs = jobs[k],
				       .seconds = 5,
				       .ctx = &s,
				       .work = work,
				       .done = done};

		if (!pool_run(&p, &status))
			return status;
		expect(&s, s.next == COUNT, s.next, "is the last one seen", 0);
		bad += s.bad;
	}
	return bad != 0;
}
