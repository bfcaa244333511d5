/*
 * Arena: everything made during one compilation or request, freed at once.
 * Not safe for use from several threads.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena;

/* limit: most bytes the arena hands out; 0: no limit. */
struct arena *arena_open(size_t limit);
void arena_close(struct arena *a); /* NULL is fine */

/* Zeroed, 16-byte aligned. Beyond the limit arena_alloc aborts and arena_try returns NULL. */
void *arena_alloc(struct arena *a, size_t bytes);
void *arena_try(struct arena *a, size_t bytes);
void *arena_copy(struct arena *a, const void *data, size_t bytes);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const void *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#define NEW(a, n, T) ((T *)arena_alloc((a), (size_t)(n) * sizeof(T)))

/*
 * Room for one more element of an arena array that grows by doubling:
 * p = GROW(a, p, n) with n elements in use; then p[n++] = ...
 * The old block stays in the arena.
 */
#define GROW(a, p, n) ((__typeof__(p))arena_grow((a), (p), (size_t)(n), sizeof(*(p))))
void *arena_grow(struct arena *a, void *old, size_t n, size_t size);

#endif
