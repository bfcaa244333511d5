/*
 * ONNX TensorProto, straight from the wire: dims (1), data_type (2), and the
 * data either as raw_data (9) or in the typed field that belongs to the
 * type, packed or not. Two walks: the first finds type, shape and raw data,
 * the second decodes typed data into a buffer of exactly the tensor's size.
 */
#include "client/ndarray.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

enum {
	DIMS = 1,
	DATA_TYPE = 2,
	SEGMENT = 3,
	FLOAT_DATA = 4,
	INT32_DATA = 5,
	INT64_DATA = 7,
	NAME = 8,
	RAW_DATA = 9,
	DOUBLE_DATA = 10,
	UINT64_DATA = 11,
	EXTERNAL_DATA = 13,
	DATA_LOCATION = 14
};

struct field {
	uint32_t number, type;
	uint64_t value; /* of the scalar types */
	struct span bytes;
};

static bool varint(struct span *s, uint64_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < 10 && i < s->len; i++) {
		*v |= (uint64_t)(s->data[i] & 0x7f) << (7 * i);
		if (!(s->data[i] & 0x80)) {
			*s = (struct span){s->data + i + 1, s->len - i - 1};
			return true;
		}
	}
	return false;
}

static bool fixed(struct span *s, size_t size, uint64_t *v)
{
	if (s->len < size)
		return false;
	*v = 0;
	memcpy(v, s->data, size);
	*s = (struct span){s->data + size, s->len - size};
	return true;
}

static bool scalar(struct span *s, uint32_t type, uint64_t *v)
{
	return type == VARINT	 ? varint(s, v)
	       : type == FIXED64 ? fixed(s, 8, v)
	       : type == FIXED32 ? fixed(s, 4, v)
				 : false;
}

static bool next_field(struct span *s, struct field *f)
{
	uint64_t tag, len;

	if (!varint(s, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
		return false;
	*f = (struct field){.number = (uint32_t)(tag >> 3), .type = tag & 7};
	if (f->type != BYTES)
		return scalar(s, f->type, &f->value);
	if (!varint(s, &len) || len > s->len)
		return false;
	f->bytes = (struct span){s->data, (size_t)len};
	*s = (struct span){s->data + len, s->len - (size_t)len};
	return true;
}

/* The field that holds a type's values, and how one of them stands on the wire. */
static uint32_t data_field(const struct elem *el, uint32_t *wire)
{
	*wire = el->kind == 'f' && el->size == 4   ? FIXED32
		: el->kind == 'f' && el->size == 8 ? FIXED64
						   : VARINT;
	if (*wire != VARINT)
		return el->size == 4 ? FLOAT_DATA : DOUBLE_DATA;
	if (el->kind == 'u' && el->size >= 4)
		return UINT64_DATA;
	return el->kind == 'i' && el->size == 8 ? INT64_DATA : INT32_DATA;
}

/* Values of small types stand in wider fields. */
static bool fits(const struct elem *el, uint64_t v)
{
	unsigned bits = (unsigned)el->size * 8;

	if (bits == 64)
		return true;
	if (el->kind == 'i')
		return (int64_t)v >= -((int64_t)1 << (bits - 1)) &&
		       (int64_t)v < (int64_t)1 << (bits - 1);
	return v < (uint64_t)1 << (el->kind == 'b' ? 1 : bits);
}

static int add_dim(struct ndarray *a, uint64_t v, const char *name, struct err *e)
{
	if (a->rank == ARTIFACT_RANK_MAX || v > INT64_MAX)
		return fail(e, E_INPUT_FILE, "%s: TensorProto: dims are not valid", name);
	a->shape[a->rank++] = (int64_t)v;
	return 0;
}

static int add_dims(struct ndarray *a, struct field f, const char *name, struct err *e)
{
	if (f.type == VARINT)
		return add_dim(a, f.value, name, e);
	while (f.bytes.len) {
		if (!varint(&f.bytes, &f.value))
			return fail(e, E_INPUT_FILE, "%s: TensorProto: dims are cut short", name);
		if (add_dim(a, f.value, name, e) < 0)
			return -1;
	}
	return 0;
}

/* First walk. raw is set when raw_data is there. */
static int read_fields(struct span s, const char *name, struct ndarray *a, bool *raw, struct err *e)
{
	struct field f;

	while (s.len) {
		if (!next_field(&s, &f))
			return fail(e, E_INPUT_FILE, "%s: neither .npy nor a valid TensorProto",
				    name);
		if (f.number == DIMS) {
			if (add_dims(a, f, name, e) < 0)
				return -1;
		} else if (f.number == DATA_TYPE && f.type == VARINT) {
			a->elem = elem_onnx((int64_t)f.value);
			if (!a->elem)
				return fail(e, E_INPUT_FILE,
					    "%s: TensorProto: data_type %d can't be used", name,
					    (int)f.value);
		} else if (f.number == RAW_DATA && f.type == BYTES) {
			a->data = f.bytes;
			*raw = true;
		} else if (f.number == EXTERNAL_DATA || f.number == SEGMENT ||
			   (f.number == DATA_LOCATION && f.value != 0)) {
			return fail(e, E_INPUT_FILE, "%s: TensorProto: its data is in another file",
				    name);
		}
	}
	return a->elem ? 0 : fail(e, E_INPUT_FILE, "%s: TensorProto: it has no data_type", name);
}

struct values { /* decoded so far */
	const struct elem *elem;
	uint8_t *out;
	size_t count, room;
};

static bool append(struct values *to, uint64_t v)
{
	if (to->count == to->room || !fits(to->elem, v))
		return false;
	memcpy(to->out + to->count++ * to->elem->size, &v, to->elem->size);
	return true;
}

/* Second walk. */
static bool decode(struct span s, struct values *to)
{
	uint32_t wire, number = data_field(to->elem, &wire);
	struct field f;

	while (s.len && next_field(&s, &f)) {
		if (f.number != number)
			continue;
		if (f.type != BYTES && (f.type != wire || !append(to, f.value)))
			return false;
		while (f.bytes.len)
			if (!scalar(&f.bytes, wire, &f.value) || !append(to, f.value))
				return false;
	}
	return to->count == to->room;
}

int pb_parse(struct span file, const char *name, struct ndarray *out, struct err *e)
{
	struct values to;
	uint64_t bytes;
	bool raw = false;

	*out = (struct ndarray){0};
	if (read_fields(file, name, out, &raw, e) < 0)
		return -1;
	if (!elem_bytes(out->elem, out->rank, out->shape, &bytes))
		return fail(e, E_INPUT_FILE, "%s: TensorProto: dims are too large", name);
	if (raw && out->data.len != bytes)
		return fail(e, E_INPUT_FILE, "%s: TensorProto: raw_data of %zu bytes does not fit",
			    name, out->data.len);
	if (raw)
		return 0;
	/* A value takes at least one byte of the file, so the file bounds the buffer. */
	if (bytes / out->elem->size > file.len)
		return fail(e, E_INPUT_FILE, "%s: TensorProto: data is missing", name);
	out->own = mem_alloc((size_t)bytes);
	out->data = (struct span){out->own, (size_t)bytes};
	to = (struct values){out->elem, out->own, 0, (size_t)bytes / out->elem->size};
	if (!decode(file, &to)) {
		ndarray_release(out);
		return fail(e, E_INPUT_FILE, "%s: TensorProto: the values do not fit type and dims",
			    name);
	}
	return 0;
}

static void put_varint(struct buf *out, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		buf_append(out, (uint8_t[]){(uint8_t)(v | 0x80)}, 1);
	buf_append(out, (uint8_t[]){(uint8_t)v}, 1);
}

static void put_tag(struct buf *out, uint32_t number, uint32_t type)
{
	put_varint(out, number << 3 | type);
}

void pb_header(struct buf *out, const struct ndarray *a, const char *name)
{
	for (uint32_t i = 0; i < a->rank; i++) {
		put_tag(out, DIMS, VARINT);
		put_varint(out, (uint64_t)a->shape[i]);
	}
	put_tag(out, DATA_TYPE, VARINT);
	put_varint(out, (uint64_t)a->elem->onnx);
	put_tag(out, NAME, BYTES);
	put_varint(out, strlen(name));
	buf_puts(out, name);
	put_tag(out, RAW_DATA, BYTES);
	put_varint(out, a->data.len);
}
