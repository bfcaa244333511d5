/*
 * Protobuf's wire format: fields of one message, one after the other. The
 * bytes stay where they are; nothing is allocated.
 */
#ifndef COMPILER_ONNX_WIRE_H
#define COMPILER_ONNX_WIRE_H

#include "base/arena.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;	   /* WIRE_VARINT */
	struct span bytes; /* the others: the field's content */
	const uint8_t *at; /* where its tag begins */
};

struct wire {
	const uint8_t *p, *end;
};

static inline struct wire wire_of(struct span s)
{
	return (struct wire){s.data, s.data + s.len};
}

/* At most ten bytes; false where it is longer or the bytes end. */
bool wire_varint(struct wire *w, uint64_t *v);
/* The next field. NULL, or what is wrong; w->p is then where. Only while w->p < w->end. */
const char *wire_read(struct wire *w, struct wire_field *f);
/* For bytes that onnx_scan has passed: false at the end. */
bool wire_next(struct wire *w, struct wire_field *f);
/* The last field of that number, false if there is none. */
bool wire_find(struct span message, uint32_t number, struct wire_field *f);
/* A copy of the message without some fields (a bit set of numbers below 64). */
struct span wire_without(struct arena *a, struct span message, uint64_t drop);
/* NUL-free UTF-8. */
bool wire_is_text(struct span s);

#endif
