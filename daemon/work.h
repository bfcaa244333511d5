/* One compilation, from a folder with a model to an entry of the cache. */
#ifndef DAEMON_WORK_H
#define DAEMON_WORK_H

#include "base/buf.h"
#include "cache/cache.h"
#include "daemon/config.h"
#include "daemon/identity.h"
#include "daemon/metrics.h"

#include <sys/types.h>

#define WORK_MODEL "model.onnx" /* in the folder */

struct work_context {
	const struct config *config;
	struct cache *cache;
	struct identities *ids;
	struct metrics *metrics;
};

struct work {
	char key[SHA256_HEX];
	struct arena *arena; /* owns the strings */
	const char *dir;     /* removed when the work ends */
	char **args;	     /* words for the compiler, NULL at the end */
	bool plan_only;	     /* the report is all there is to it */
	struct buf report;   /* of a plan, when it is done */
};

/* How others see the child. */
struct work_watch {
	void (*started)(void *ctx, pid_t pid);
	void (*progress)(void *ctx, const char *stage, int percent);
	void *ctx;
};

/* Copies. The key is the caller's to set. */
void work_init(struct work *w, const char *dir, char *const *args);
void work_release(struct work *w); /* of zeroes too */
/* Blocks. Where it fails, problem is the compiler's own object, or empty and *e is filled. */
int work_compile(const struct work_context *cx, struct work *w, const struct work_watch *watch,
		 struct buf *problem, struct err *e);
/* Removes a folder and the files in it. */
void work_remove_dir(const char *dir);

#endif
