/* Growable bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reserve(struct buf *b, size_t more)
{
	size_t need = b->len + more + 1;

	CHECK(need > more);
	if (need <= b->cap)
		return;
	b->cap = MAX(need, b->cap + b->cap / 2 + 64);
	b->data = mem_resize(b->data, b->cap);
}

void *buf_extend(struct buf *b, size_t len)
{
	uint8_t *p;

	reserve(b, len);
	p = b->data + b->len;
	memset(p, 0, len + 1);
	b->len += len;
	return p;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	reserve(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_zeros(struct buf *b, size_t len)
{
	buf_extend(b, len);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	CHECK(n >= 0);
	reserve(b, (size_t)n);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

struct span buf_span(const struct buf *b)
{
	return (struct span){b->data, b->len};
}

void buf_release(struct buf *b)
{
	mem_free(b->data);
	*b = (struct buf)BUF_INIT;
}
