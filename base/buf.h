/*
 * Growable bytes that cross module borders. The caller that declared it
 * releases it. Always zero-terminated after the last byte, so that text in
 * it can be used as a string.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	uint8_t *data;
	size_t len, cap;
};

#define BUF_INIT           \
	{                  \
		NULL, 0, 0 \
	}

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_zeros(struct buf *b, size_t len);
void *buf_extend(struct buf *b, size_t len); /* len zero bytes more; returns their address */
const char *buf_str(const struct buf *b);    /* never NULL */
struct span buf_span(const struct buf *b);
void buf_release(struct buf *b); /* and ready for use again */

#endif
