/*
 * The device's memory: every live allocation, and what is left. Addresses
 * are host addresses. Callers hold the driver's lock.
 */
#ifndef EMULATOR_VRAM_H
#define EMULATOR_VRAM_H

#include "emulator/shadow.h"

enum vram_kind { VRAM_DEVICE, VRAM_MANAGED, VRAM_HOST, VRAM_REGISTERED };

struct vram_block {
	uint64_t at, bytes;
	enum vram_kind kind;
	struct shadow *shadow; /* NULL without the sanitizer */
};

struct vram {
	uint64_t total, used;
	struct vram_block *blocks; /* by address */
	size_t nblocks, capacity;
	bool shadowed; /* blocks have a shadow */
};

/* New memory is full of 0xff, so that reading what nobody wrote gives NaN. false: does not fit. */
bool vram_take(struct vram *v, enum vram_kind kind, uint64_t bytes, uint64_t *at);
/* Memory that the program owns is counted and becomes visible. */
bool vram_register(struct vram *v, uint64_t at, uint64_t bytes);
/* false: no such block of such a kind begins there. */
bool vram_drop(struct vram *v, enum vram_kind kind, uint64_t at);
/* The block that holds all of [at, at + bytes); NULL: none. */
const struct vram_block *vram_find(const struct vram *v, uint64_t at, uint64_t bytes);
void vram_reset(struct vram *v);

#endif
