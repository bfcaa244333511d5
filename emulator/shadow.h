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
#define SHADOW_HELD 4u /* shift */

/* The first tags of a launch. */
enum { TAG_MANY, TAG_ATOMIC, TAG_FIRST_BLOCK };

struct shadow {
	uint64_t at, bytes;
	uint8_t *written;	   /* by word: bit k: byte k was written, bit 4 + k: held */
	uint32_t *writer, *reader; /* by unit: tags */
	bool full;		   /* all was written: known, and true until something dies */
};

/* written: as host memory is, which the program fills without asking. NULL: no room. */
struct shadow *shadow_open(uint64_t at, uint64_t bytes, bool written);
void shadow_close(struct shadow *s); /* NULL is fine, here and below */
void shadow_write(struct shadow *s, uint64_t at, uint64_t bytes);
bool shadow_is_written(struct shadow *s, uint64_t at, uint64_t bytes); /* all of it */
/* Holds bytes: kernels may not write them. */
void shadow_hold(struct shadow *s, uint64_t at, uint64_t bytes);
void shadow_release(struct shadow *s); /* of all */
/* Whatever is not held is full of 0xff and was never written. */
void shadow_bury(struct shadow *s);
/* Tags begin again. */
void shadow_restart(struct shadow *s);

#endif
