/*
 * What besides model and options decides the bytes: the compiler's build and
 * the NVRTC it would take, asked of the compiler itself, per target, and
 * asked again when one of the two files changes.
 */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include "base/arena.h"
#include "compiler/compiler.h"
#include "daemon/config.h"

struct identities;

struct identities *identities_open(const struct config *config);
void identities_close(struct identities *ids);

/* true: known and still fresh; strings are copied into the arena. Never blocks for long. */
bool identity_get(struct identities *ids, const char *target, struct arena *a,
		  struct compile_identity *out);
/* All answers are stale: an artifact's key has shown it. */
void identities_forget(struct identities *ids);
/* Asks the compiler. Blocks. On failure problem holds the compiler's own object, or is
 * empty and *e is filled. */
int identity_ask(struct identities *ids, const char *target, struct buf *problem, struct err *e);

#endif
