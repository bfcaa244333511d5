/*
 * The memory plan of an artifact, beside its launches: the n-th launch is the
 * plan's step n, run after run. Says which bytes live, and whose they are.
 */
#ifndef EMULATOR_PLAN_H
#define EMULATOR_PLAN_H

#include "base/err.h"
#include "emulator/vram.h"

struct plan;
struct launch;

int plan_open(const char *path, struct plan **p, struct err *e);
void plan_close(struct plan *p); /* NULL is fine */
/* A context begins: nothing has run. */
void plan_restart(struct plan *p);
/* Before a launch: what must survive it is held. false, and a line on standard error: it is not the
 * plan's next. */
bool plan_before(struct plan *p, const struct launch *l, const struct vram *v);
/* After it: what no tensor has any more is full of 0xff and counts as never written. */
void plan_after(struct plan *p);
/* False, and a line: the range is an output of the graph, and not all of it was written. */
bool plan_read(const struct plan *p, const struct vram *v, uint64_t at, uint64_t bytes);

/* For reports: "step N, " and " (node ...)" of the running launch; whose the byte is. */
uint32_t plan_step(const struct plan *p);
const char *plan_node(const struct plan *p);
void plan_owner(const struct plan *p, uint64_t at, char *out, size_t size);

#endif
