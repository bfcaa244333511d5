/* Arena of chained blocks, each twice as large as the one before, up to 1 MiB. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 20)

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(16) uint8_t data[];
};

struct arena {
	struct block *top;
	size_t limit, used, next_size;
};

struct arena *arena_open(size_t limit)
{
	struct arena *a = mem_alloc(sizeof(*a));

	a->limit = limit;
	a->next_size = BLOCK_MIN;
	return a;
}

void arena_close(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->top, *next; b; b = next) {
		next = b->next;
		mem_free(b);
	}
	mem_free(a);
}

static void push_block(struct arena *a, size_t bytes)
{
	size_t size = MAX(bytes, a->next_size);
	struct block *b = mem_alloc(sizeof(*b) + size);

	b->size = size;
	b->next = a->top;
	a->top = b;
	a->next_size = MIN(a->next_size * 2, BLOCK_MAX);
}

void *arena_try(struct arena *a, size_t bytes)
{
	uint8_t *p;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = round_up(MAX(bytes, 1), 16);
	if (a->limit && (bytes > a->limit || a->used > a->limit - bytes))
		return NULL;
	if (!a->top || a->top->size - a->top->used < bytes)
		push_block(a, bytes);
	p = a->top->data + a->top->used;
	a->top->used += bytes;
	a->used += bytes;
	return p;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	void *p = arena_try(a, bytes);

	CHECK(p && "arena limit");
	return p;
}

void *arena_copy(struct arena *a, const void *data, size_t bytes)
{
	void *p = arena_alloc(a, bytes);

	if (bytes)
		memcpy(p, data, bytes);
	return p;
}

char *arena_strndup(struct arena *a, const void *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (len)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	CHECK(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

/* Doubles at powers of two, so that the element count alone tells when. */
void *arena_grow(struct arena *a, void *old, size_t n, size_t size)
{
	void *p;

	if (n && (n < 4 || n & (n - 1)))
		return old;
	p = arena_alloc(a, MAX(n * 2, 4) * size);
	if (n)
		memcpy(p, old, n * size);
	return p;
}
