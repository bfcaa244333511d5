/*
 * What the sanitizer knows of one piece of device memory: which bytes were
 * written since it was allocated, and which block of which launch wrote or
 * read them last. A block is named by a tag; tags grow from launch to launch,
 * so nothing is cleared in between. The tags' unit is the smallest access of
 * the running kernel: 1, 2 or 4 bytes.
 */
#ifndef EMULATOR_SHADOW_H
#define EMULATOR_SHADOW_H

#include "base/base.h"

#define SHADOW_WORD 4u
#define SHADOW_FULL 0x0fu

/* The first tags of a launch. */
enum { TAG_MANY, TAG_ATOMIC, TAG_FIRST_BLOCK };

struct shadow {
	uint64_t at, bytes;
	uint8_t *written;	   /* by word: bit k: byte k was written */
	uint32_t *writer, *reader; /* by unit: tags */
	bool full;		   /* all was written: known, and true until something dies */
};

/* written: as host memory is, which the program fills without asking. NULL: no room. */
struct shadow *shadow_open(uint64_t at, uint64_t bytes, bool written);
void shadow_close(struct shadow *s); /* NULL is fine, here and below */
void shadow_write(struct shadow *s, uint64_t at, uint64_t bytes);
void shadow_forget(struct shadow *s, uint64_t at, uint64_t bytes);     /* as if never written */
bool shadow_is_written(struct shadow *s, uint64_t at, uint64_t bytes); /* all of it */
bool shadow_byte(const struct shadow *s, uint64_t at);
/* Tags begin again. */
void shadow_restart(struct shadow *s);

#endif
