/* Protobuf's wire format. Groups (wire types 3 and 4) have never been part of ONNX and are refused.
 */
#include "compiler/onnx_wire.h"

#include <string.h>

#define FIELD_MAX ((1u << 29) - 1)

bool wire_varint(struct wire *w, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; shift < 70 && w->p < w->end; shift += 7) {
		uint8_t b = *w->p++;

		if (shift == 63 && b > 1)
			return false;
		*v |= (uint64_t)(b & 127) << shift;
		if (b < 128)
			return true;
	}
	return false;
}

static const char *read_bytes(struct wire *w, struct wire_field *f, uint64_t len)
{
	if (len > (uint64_t)(w->end - w->p))
		return "the length goes beyond the message's end";
	f->bytes = (struct span){w->p, (size_t)len};
	w->p += len;
	return NULL;
}

const char *wire_read(struct wire *w, struct wire_field *f)
{
	uint64_t tag;

	*f = (struct wire_field){.at = w->p};
	if (!wire_varint(w, &tag))
		return "a varint is cut off or longer than ten bytes";
	f->number = (uint32_t)(tag >> 3);
	if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
		return "a field number is out of range";
	switch (tag & 7) {
	case WIRE_VARINT:
		f->type = WIRE_VARINT;
		if (!wire_varint(w, &f->value))
			return "a varint is cut off or longer than ten bytes";
		return NULL;
	case WIRE_64:
		f->type = WIRE_64;
		return read_bytes(w, f, 8);
	case WIRE_32:
		f->type = WIRE_32;
		return read_bytes(w, f, 4);
	case WIRE_BYTES:
		f->type = WIRE_BYTES;
		if (!wire_varint(w, &tag))
			return "a length is cut off or longer than ten bytes";
		return read_bytes(w, f, tag);
	case 3:
	case 4:
		return "groups are not part of ONNX";
	default:
		return "wire types 6 and 7 do not exist";
	}
}

bool wire_next(struct wire *w, struct wire_field *f)
{
	if (w->p >= w->end)
		return false;
	CHECK(!wire_read(w, f));
	return true;
}

bool wire_find(struct span message, uint32_t number, struct wire_field *f)
{
	struct wire w = wire_of(message);
	struct wire_field one;
	bool found = false;

	while (wire_next(&w, &one)) {
		if (one.number != number)
			continue;
		*f = one;
		found = true;
	}
	return found;
}

/* Copies what is kept to out, or just counts it where out is NULL. */
static size_t copy_without(uint8_t *out, struct span message, uint64_t drop)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	size_t n = 0;

	while (wire_next(&w, &f)) {
		size_t len = (size_t)(w.p - f.at);

		if (f.number <= 63 && drop >> f.number & 1)
			continue;
		if (out)
			memcpy(out + n, f.at, len);
		n += len;
	}
	return n;
}

struct span wire_without(struct arena *a, struct span message, uint64_t drop)
{
	size_t n = copy_without(NULL, message, drop);
	uint8_t *out = arena_alloc(a, n);

	copy_without(out, message, drop);
	return (struct span){out, n};
}

/* First bytes of multi-byte sequences: range, payload mask, length, least code point. */
static const struct lead {
	uint8_t from, to, mask, length;
	uint32_t least;
} leads[] = {{0xc2, 0xdf, 31, 2, 0x80}, {0xe0, 0xef, 15, 3, 0x800}, {0xf0, 0xf4, 7, 4, 0x10000}};

/* Length of the UTF-8 sequence at p, 0 if there is none: no NUL, no overlong ones, no surrogates.
 */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	const struct lead *l = leads;
	uint32_t c;

	if (*p < 0x80)
		return *p ? 1 : 0;
	while (l < leads + COUNT_OF(leads) && (*p < l->from || *p > l->to))
		l++;
	if (l == leads + COUNT_OF(leads) || l->length > left)
		return 0;
	c = *p & l->mask;
	for (size_t i = 1; i < l->length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 63);
	}
	return c < l->least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : l->length;
}

bool wire_is_text(struct span s)
{
	size_t n;

	for (size_t i = 0; i < s.len; i += n)
		if (!(n = utf8_length(s.data + i, s.len - i)))
			return false;
	return true;
}
