/* A small table, oldest replaced first. An answer holds while both files keep size, time and inode.
 */
#include "daemon/identity.h"

#include "daemon/child.h"
#include "daemon/parse.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TARGETS_MAX  64
#define TEXT_MAX     512
#define WALL_SECONDS 20

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec time;
};

struct known {
	char target[16], build[TEXT_MAX], nvrtc[TEXT_MAX], nvrtc_path[TEXT_MAX], passes[TEXT_MAX];
	struct stamp compiler, library;
};

struct identities {
	const struct config *config;
	pthread_mutex_t lock;
	size_t next;
	struct known table[TARGETS_MAX];
};

static struct stamp stamp_of(const char *path)
{
	struct stamp s;
	struct stat st;

	memset(&s, 0, sizeof(s)); /* compared as bytes */
	if (path[0] && stat(path, &st) == 0) {
		s.dev = st.st_dev;
		s.ino = st.st_ino;
		s.size = st.st_size;
		s.time = st.st_mtim;
	}
	return s;
}

static bool fresh(const struct identities *ids, const struct known *k)
{
	struct stamp compiler = stamp_of(ids->config->compiler), library = stamp_of(k->nvrtc_path);

	return !memcmp(&compiler, &k->compiler, sizeof(compiler)) &&
	       !memcmp(&library, &k->library, sizeof(library));
}

struct identities *identities_open(const struct config *config)
{
	struct identities *ids = mem_alloc(sizeof(*ids));

	ids->config = config;
	pthread_mutex_init(&ids->lock, NULL);
	return ids;
}

void identities_close(struct identities *ids)
{
	if (!ids)
		return;
	pthread_mutex_destroy(&ids->lock);
	mem_free(ids);
}

static struct known *find(struct identities *ids, const char *target)
{
	for (size_t i = 0; i < TARGETS_MAX; i++)
		if (!strcmp(ids->table[i].target, target))
			return &ids->table[i];
	return NULL;
}

bool identity_get(struct identities *ids, const char *target, struct arena *a,
		  struct compile_identity *out)
{
	struct known *k;
	bool ok;

	pthread_mutex_lock(&ids->lock);
	k = find(ids, target);
	ok = k && fresh(ids, k);
	if (ok)
		*out = (struct compile_identity){.build = arena_strdup(a, k->build),
						 .nvrtc = arena_strdup(a, k->nvrtc),
						 .passes = arena_strdup(a, k->passes)};
	pthread_mutex_unlock(&ids->lock);
	return ok;
}

void identities_forget(struct identities *ids)
{
	pthread_mutex_lock(&ids->lock);
	memset(ids->table, 0, sizeof(ids->table));
	pthread_mutex_unlock(&ids->lock);
}

static bool fits(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size;
}

/* The compiler's stamp is taken before it is asked: a change meanwhile makes the answer stale. */
static int store(struct identities *ids, const char *target, struct stamp compiler,
		 const char *line, struct err *e)
{
	struct arena *a = arena_open(0);
	struct identity_text text;
	struct known k, *to;
	bool ok;

	memset(&k, 0, sizeof(k));
	ok = parse_identity(line, a, &text) && fits(k.target, sizeof(k.target), target) &&
	     fits(k.build, TEXT_MAX, text.build) && fits(k.nvrtc, TEXT_MAX, text.nvrtc) &&
	     fits(k.nvrtc_path, TEXT_MAX, text.nvrtc_path) && fits(k.passes, TEXT_MAX, text.passes);
	arena_close(a);
	if (!ok)
		return fail(e, E_INTERNAL, "the compiler's answer to --identity is not understood");
	k.compiler = compiler;
	k.library = stamp_of(k.nvrtc_path);
	pthread_mutex_lock(&ids->lock);
	to = find(ids, target);
	if (!to)
		to = &ids->table[ids->next++ % TARGETS_MAX];
	*to = k;
	pthread_mutex_unlock(&ids->lock);
	return 0;
}

int identity_ask(struct identities *ids, const char *target, struct buf *problem, struct err *e)
{
	char *args[] = {(char[]){"--identity"}, (char[]){"--target"}, NULL, NULL};
	struct child c = {.config = ids->config, .args = args, .wall_seconds = WALL_SECONDS};
	struct stamp compiler = stamp_of(ids->config->compiler);
	int ret = -1;

	args[2] = mem_strdup(target);
	if (child_run(&c, e) < 0)
		goto done;
	if (WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0)
		ret = store(ids, target, compiler, buf_str(&c.out), e);
	else if (parse_problem(child_last_line(&c)))
		buf_puts(problem, child_last_line(&c));
	else
		child_fail(&c, e);
done:
	child_release(&c);
	mem_free(args[2]);
	return ret;
}
