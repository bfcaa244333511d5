/*
 * Types and checks that every module uses. Knows nothing of models.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; the owner must outlive it. */
struct span {
	const uint8_t *data;
	size_t len;
};

#define COUNT_OF(a)  (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Our own bugs only: always on, prints the place and aborts. Bad input goes through fail(). */
#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
_Noreturn void check_failed(const char *cond, const char *file, int line);

static inline size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static inline int64_t div_up(int64_t n, int64_t by)
{
	return (n + by - 1) / by;
}

/* *out = a * b; false where it overflows or either is negative. */
static inline bool mul_ok(int64_t a, int64_t b, int64_t *out)
{
	return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, out);
}

/* The only heap calls outside library glue. They never return NULL (out of memory aborts). */
void *mem_alloc(size_t bytes); /* zeroed */
void *mem_resize(void *old, size_t bytes);
char *mem_strdup(const char *s);
void mem_free(void *p);

#endif
