/*
 * The child is this executable again (--worker): between spawn and exec a
 * threaded process can't set limits safely, a fresh one can.
 *
 *	occamyd -> posix_spawn -> occamyd --worker: limits -> exec occamyc
 *
 * One loop reads its pipes and watches its pidfd until it ended.
 */
#include "daemon/child.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TAIL_MAX   ((size_t)2 << 20) /* kept of standard error; a problem object is smaller */
#define OUT_MAX	   ((size_t)64 << 10)
#define OUTPUT_MAX ((int64_t)16 << 30) /* RLIMIT_FSIZE */
#define FILES_MAX  256		       /* RLIMIT_NOFILE */
#define WORKER_ARG 7		       /* the compiler's place in argv of the worker */

static const char *const kept_environment[] = {
	"OCCAMY_NVRTC_PATH", "LD_LIBRARY_PATH", "HOME",		 "PATH",
#ifdef __SANITIZE_ADDRESS__ /* where the child's reports go */
	"ASAN_OPTIONS",	     "LSAN_OPTIONS",	"UBSAN_OPTIONS",
#endif
};

/* ---- the child's side ---- */

static int limit(int which, const char *text, int64_t more)
{
	int64_t n = strtoll(text, NULL, 10);
	struct rlimit r = {(rlim_t)n, (rlim_t)(n + more)};

	return n == 0 ? 0 : setrlimit(which, &r);
}

int child_worker(int argc, char **argv)
{
	struct rlimit none = {0, 0};
	struct err e = ERR_INIT;

	if (argc <= WORKER_ARG)
		return 64;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != (pid_t)strtol(argv[6], NULL, 10))
		return 75; /* the daemon ended before it could be watched */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	/* The soft limit of CPU time gives SIGXCPU, which tells it from other ends. */
	if (close_range(CHILD_PROGRESS_FD + 1, ~0U, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    limit(RLIMIT_DATA, argv[2], 0) < 0 || limit(RLIMIT_CPU, argv[3], 5) < 0 ||
	    limit(RLIMIT_FSIZE, argv[4], 0) < 0 || limit(RLIMIT_NOFILE, argv[5], 0) < 0) {
		fail(&e, E_BUSY, "the compiler's limits can't be set: %s", strerror(errno));
	} else {
		execv(argv[WORKER_ARG], argv + WORKER_ARG);
		fail(&e, E_BUSY, "the compiler can't be started: %s", strerror(errno));
	}
	err_print(&e, "occamyd");
	return err_exit(e.code);
}

/* ---- the daemon's side ---- */

struct pipes {
	int out[2], err[2], progress[2];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&p->out[i]);
		close_fd(&p->err[i]);
		close_fd(&p->progress[i]);
	}
}

static int open_pipes(struct pipes *p, struct err *e)
{
	*p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
	if (pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0 ||
	    pipe2(p->progress, O_CLOEXEC) < 0) {
		close_pipes(p);
		return fail(e, E_BUSY, "no pipe for the compiler: %s", strerror(errno));
	}
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	fcntl(p->err[0], F_SETFL, O_NONBLOCK);
	fcntl(p->progress[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* Only what the compiler needs to find NVRTC. */
static void make_environment(char *env[COUNT_OF(kept_environment) + 1], struct arena *a)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(kept_environment); i++) {
		const char *value = getenv(kept_environment[i]);

		if (value)
			env[n++] = arena_printf(a, "%s=%s", kept_environment[i], value);
	}
	env[n] = NULL;
}

static char **make_args(const struct child *c, struct arena *a)
{
	const struct config *f = c->config;
	size_t n = 0;
	char **args;

	while (c->args[n])
		n++;
	args = NEW(a, WORKER_ARG + n + 2, char *);
	args[0] = arena_strdup(a, "occamyd-worker");
	args[1] = arena_strdup(a, "--worker");
	args[2] = arena_printf(a, "%lld", (long long)f->memory);
	args[3] = arena_printf(a, "%lld", (long long)f->cpu_seconds);
	args[4] = arena_printf(a, "%lld", (long long)OUTPUT_MAX);
	args[5] = arena_printf(a, "%d", FILES_MAX);
	args[6] = arena_printf(a, "%ld", (long)getpid());
	args[WORKER_ARG] = arena_strdup(a, f->compiler);
	memcpy(args + WORKER_ARG + 1, c->args, n * sizeof(*args));
	return args;
}

static int spawn(const struct child *c, struct pipes *p, pid_t *pid, struct err *e)
{
	char *env[COUNT_OF(kept_environment) + 1];
	struct arena *a = arena_open(0);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	make_environment(env, a);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, p->out[1], 1);
	posix_spawn_file_actions_adddup2(&files, p->err[1], 2);
	posix_spawn_file_actions_adddup2(&files, p->progress[1], CHILD_PROGRESS_FD);
	posix_spawn_file_actions_addchdir_np(&files, c->dir ? c->dir : "/");
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, "/proc/self/exe", &files, &attr, make_args(c, a), env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	arena_close(a);
	return rc ? fail(e, E_BUSY, "the compiler can't be started: %s", strerror(rc)) : 0;
}

/* Reads what is there. false: closed. Keeps between keep and 2 * keep bytes of the end. */
static bool drain(int fd, struct buf *to, size_t keep)
{
	uint8_t part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0) {
		buf_append(to, part, (size_t)n);
		if (to->len > 2 * keep) {
			memmove(to->data, to->data + to->len - keep, keep);
			to->len = keep;
			to->data[keep] = 0;
		}
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Takes whole lines "STAGE PERCENT" out of text. */
static void take_progress(const struct child *c, struct buf *text)
{
	char *line = (char *)text->data, *end;
	char stage[32];
	int percent;

	while (line && (end = strchr(line, '\n'))) {
		*end = 0;
		if (sscanf(line, "%31[a-z_] %3d", stage, &percent) == 2 && c->progress &&
		    percent >= 0 && percent <= 100)
			c->progress(c->ctx, stage, percent);
		line = end + 1;
	}
	if (line) {
		text->len = strlen(line);
		memmove(text->data, line, text->len + 1);
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the child ended; its pipes may live on in a stray grandchild, so they do not count. */
static void watch(struct child *c, struct pipes *p, pid_t pid)
{
	int64_t end = now_ms() + c->wall_seconds * 1000;
	struct buf lines = BUF_INIT;
	struct pollfd fds[] = {{.fd = pidfd_open(pid, 0), .events = POLLIN},
			       {.fd = p->out[0], .events = POLLIN},
			       {.fd = p->err[0], .events = POLLIN},
			       {.fd = p->progress[0], .events = POLLIN}};

	while (!(fds[0].revents & POLLIN)) {
		int64_t left = end - now_ms();

		if (left <= 0) {
			c->timed_out = true;
			kill(-pid, SIGKILL);
			break;
		}
		/* Without a pidfd (out of descriptors): look every 20 ms. */
		poll(fds, COUNT_OF(fds), fds[0].fd < 0 ? 20 : (int)MIN(left, 60000));
		if (!drain(p->out[0], &c->out, OUT_MAX))
			fds[1].fd = -1;
		if (!drain(p->err[0], &c->err, TAIL_MAX))
			fds[2].fd = -1;
		if (!drain(p->progress[0], &lines, 256))
			fds[3].fd = -1;
		take_progress(c, &lines);
		if (fds[0].fd < 0) {
			siginfo_t info = {.si_pid = 0};

			if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			    info.si_pid == pid)
				break;
		}
	}
	drain(p->out[0], &c->out, OUT_MAX);
	drain(p->err[0], &c->err, TAIL_MAX);
	close_fd(&fds[0].fd);
	buf_release(&lines);
}

int child_run(struct child *c, struct err *e)
{
	struct pipes p;
	pid_t pid;
	int ret;

	if (open_pipes(&p, e) < 0)
		return -1;
	ret = spawn(c, &p, &pid, e);
	close_fd(&p.out[1]);
	close_fd(&p.err[1]);
	close_fd(&p.progress[1]);
	if (ret == 0) {
		if (c->started)
			c->started(c->ctx, pid);
		watch(c, &p, pid);
		if (c->started)
			c->started(c->ctx, 0); /* after this nobody may signal the pid */
		kill(-pid, SIGKILL);	       /* what it may have started */
		while (wait4(pid, &c->status, 0, &c->usage) < 0 && errno == EINTR)
			;
	}
	close_pipes(&p);
	return ret;
}

void child_release(struct child *c)
{
	buf_release(&c->out);
	buf_release(&c->err);
}

const char *child_last_line(struct child *c)
{
	char *text = (char *)c->err.data, *nl;

	while (c->err.len && strchr("\r\n", text[c->err.len - 1]))
		text[--c->err.len] = 0;
	nl = text ? strrchr(text, '\n') : NULL;
	return nl ? nl + 1 : buf_str(&c->err);
}

/* Words on standard error that mean the memory limit: our CHECK, and a C++ library's last. */
static bool out_of_memory(const struct child *c)
{
	static const char *const words[] = {"out of memory", "bad_alloc", "Cannot allocate memory"};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strstr(buf_str(&c->err), words[i]))
			return true;
	return false;
}

int child_fail(const struct child *c, struct err *e)
{
	int sig = WIFSIGNALED(c->status) ? WTERMSIG(c->status) : 0;
	const struct config *f = c->config;

	if (c->timed_out)
		return fail(e, E_GAVE_UP, "the compiler ran longer than %lld s",
			    (long long)c->wall_seconds);
	if (sig == SIGXCPU ||
	    (sig == SIGKILL &&
	     c->usage.ru_utime.tv_sec + c->usage.ru_stime.tv_sec >= f->cpu_seconds))
		return fail(e, E_GAVE_UP, "the compiler used more than %lld s of CPU time",
			    (long long)f->cpu_seconds);
	if (sig == SIGXFSZ)
		return fail(e, E_GAVE_UP, "the artifact is larger than %lld bytes",
			    (long long)OUTPUT_MAX);
	if (sig == SIGKILL || out_of_memory(c))
		return fail(e, E_LIMIT_MEMORY, "the compiler needed more memory than it may have");
	if (sig)
		return fail(e, E_INTERNAL, "the compiler died of signal %d", sig);
	return fail(e, E_INTERNAL, "the compiler ended with status %d and said no reason",
		    WEXITSTATUS(c->status));
}
