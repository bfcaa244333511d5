/*
 * TensorProto by hand: raw_data and packed floats stay in the file's map
 * (a large model costs no memory here); the other encodings are decoded
 * into the arena with every value's range checked.
 */
#include "compiler/onnx_int.h"

#include <string.h>

enum {
	DIMS = 1,
	DATA_TYPE = 2,
	SEGMENT = 3,
	FLOAT_DATA = 4,
	INT32_DATA = 5,
	STRING_DATA = 6,
	INT64_DATA = 7,
	NAME = 8,
	RAW_DATA = 9,
	DOUBLE_DATA = 10,
	UINT64_DATA = 11,
	EXTERNAL_DATA = 13,
	DATA_LOCATION = 14
};

/* Which field holds a type's values, and the range that they must keep. */
static const struct encoding {
	uint8_t field;
	int64_t min, max;
} encodings[DT_COUNT] = {
	[F32] = {FLOAT_DATA, 0, 0},
	[F64] = {DOUBLE_DATA, 0, 0},
	[F16] = {INT32_DATA, 0, UINT16_MAX},
	[BF16] = {INT32_DATA, 0, UINT16_MAX},
	[I8] = {INT32_DATA, INT8_MIN, INT8_MAX},
	[I16] = {INT32_DATA, INT16_MIN, INT16_MAX},
	[I32] = {INT32_DATA, INT32_MIN, INT32_MAX},
	[I64] = {INT64_DATA, INT64_MIN, INT64_MAX},
	[U8] = {INT32_DATA, 0, UINT8_MAX},
	[U16] = {INT32_DATA, 0, UINT16_MAX},
	[U32] = {UINT64_DATA, 0, UINT32_MAX},
	[U64] = {UINT64_DATA, INT64_MIN, INT64_MAX},
	[BOOL] = {INT32_DATA, 0, 1},
};

static int add_dim(struct type *t, uint64_t v, struct err *e)
{
	int64_t count;

	if (t->rank == RANK_MAX)
		return fail(e, E_RANK, "more than %d dimensions", RANK_MAX);
	if (v > INT32_MAX && (int64_t)v < 0)
		return fail(e, E_DIM, "dimension %lld is negative", (long long)v);
	t->dim[t->rank++] = (int64_t)v;
	if (!type_count_ok(t, &count))
		return fail(e, E_DIM, "the number of elements does not fit into 63 bits");
	return 0;
}

static int read_dims(const struct wire_field *f, struct type *t, struct err *e)
{
	struct wire w;
	uint64_t v;

	if (f->type == WIRE_VARINT)
		return add_dim(t, f->value, e);
	w = wire_of(f->bytes);
	while (w.p < w.end) {
		CHECK(wire_varint(&w, &v));
		if (add_dim(t, v, e) < 0)
			return -1;
	}
	return 0;
}

/* The value of key in external_data's entries, or NULL. */
static const char *external_value(struct graph *g, struct span message, const char *key)
{
	struct wire w = wire_of(message);
	struct wire_field f, k, v;

	while (wire_next(&w, &f)) {
		if (f.number != EXTERNAL_DATA || !wire_find(f.bytes, 1, &k) ||
		    k.bytes.len != strlen(key) || memcmp(k.bytes.data, key, k.bytes.len))
			continue;
		if (!wire_find(f.bytes, 2, &v))
			return "";
		return wire_is_text(v.bytes) ? arena_strndup(g->arena, v.bytes.data, v.bytes.len)
					     : "";
	}
	return NULL;
}

static bool path_is_plain(const char *p)
{
	const char *dots = p;

	if (!*p || *p == '/' || strchr(p, '\\'))
		return false;
	while ((dots = strstr(dots, "..")) != NULL) {
		if ((dots == p || dots[-1] == '/') && (dots[2] == 0 || dots[2] == '/'))
			return false;
		dots += 2;
	}
	return true;
}

static bool is_decimal(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return !s || (n && n < 19 && strspn(s, "0123456789") == n);
}

static int refuse_external(struct graph *g, struct span message, struct err *e)
{
	const char *location = external_value(g, message, "location");

	if (!location || !path_is_plain(location))
		return fail(e, E_EXTERNAL_PATH, "external data location '%s' is not allowed",
			    location ? location : "");
	if (!is_decimal(external_value(g, message, "offset")) ||
	    !is_decimal(external_value(g, message, "length")))
		return fail(e, E_EXTERNAL_RANGE,
			    "external data offset or length is not a decimal number");
	fail(e, E_EXTERNAL_MISSING, "external data file '%s' is not part of the upload", location);
	return err_hint(e, "save the model with its weights inside (onnx.save without "
			   "save_as_external_data)");
}

struct header {
	struct type type;
	int32_t data_type;
	uint16_t fields;       /* bit per data field present */
	struct wire_field one; /* the last data field */
	uint32_t pieces;
	bool external;
};

static int read_header(struct graph *g, struct span message, struct onnx_tensor *t,
		       struct header *h, struct err *e)
{
	struct wire w = wire_of(message);
	struct wire_field f;

	t->name = "";
	while (wire_next(&w, &f)) {
		switch (f.number) {
		case DIMS:
			if (read_dims(&f, &h->type, e) < 0)
				return -1;
			break;
		case DATA_TYPE:
			h->data_type = (int32_t)f.value;
			break;
		case NAME:
			t->name = arena_strndup(g->arena, f.bytes.data, f.bytes.len);
			break;
		case DATA_LOCATION:
			h->external = f.value == 1;
			break;
		case SEGMENT:
			return fail(e, E_TENSOR_SIZE, "segmented tensors do not exist in ONNX");
		case FLOAT_DATA:
		case INT32_DATA:
		case STRING_DATA:
		case INT64_DATA:
		case RAW_DATA:
		case DOUBLE_DATA:
		case UINT64_DATA:
			h->fields |= (uint16_t)(1u << f.number);
			h->one = f;
			h->pieces++;
			break;
		default:
			break;
		}
	}
	return 0;
}

/* Copies fixed-width values that came in several pieces. */
static uint64_t gather_fixed(struct span message, uint32_t field, uint8_t *to, uint64_t room)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	uint64_t n = 0;

	while (wire_next(&w, &f)) {
		if (f.number != field)
			continue;
		if (f.bytes.len <= room - MIN(n, room))
			memcpy(to + n, f.bytes.data, f.bytes.len);
		n += f.bytes.len;
	}
	return n;
}

static int put_value(struct type *t, uint8_t *to, int64_t n, uint64_t k, uint64_t v, struct err *e)
{
	const struct encoding *c = &encodings[t->dt];
	/* int32_data carries the 16-bit floats and small types as int32, sign-extended */
	int64_t value = c->field == INT32_DATA ? (int64_t)(int32_t)v : (int64_t)v;
	size_t size = dtype_size(t->dt);

	if (value < c->min || value > c->max)
		return fail(e, E_TENSOR_VALUE, "element %llu is %lld, out of %s's range",
			    (unsigned long long)k, (long long)value, dtype_name(t->dt));
	if (k < (uint64_t)n)
		memcpy(to + k * size, &value, size); /* little endian */
	return 0;
}

static int gather_varints(struct span message, struct type *t, uint8_t *to, int64_t n,
			  uint64_t *found, struct err *e)
{
	struct wire w = wire_of(message), list;
	struct wire_field f;
	uint64_t v;

	*found = 0;
	while (wire_next(&w, &f)) {
		if (f.number != encodings[t->dt].field)
			continue;
		if (f.type == WIRE_VARINT) {
			if (put_value(t, to, n, (*found)++, f.value, e) < 0)
				return -1;
			continue;
		}
		list = wire_of(f.bytes);
		while (list.p < list.end) {
			CHECK(wire_varint(&list, &v));
			if (put_value(t, to, n, (*found)++, v, e) < 0)
				return -1;
		}
	}
	return 0;
}

static bool is_fixed(uint32_t field)
{
	return field == RAW_DATA || field == FLOAT_DATA || field == DOUBLE_DATA;
}

/* Decodes what is no single piece of plain bytes. *found: bytes that the values make. */
static int decode(struct graph *g, struct span message, struct onnx_tensor *t,
		  const struct header *h, uint64_t *found, struct err *e)
{
	uint64_t bytes = type_bytes(&t->type);
	uint8_t *to;

	if (bytes > message.len * 8)
		return fail(e, E_TENSOR_SIZE, "%s needs %llu bytes, far more than there are",
			    type_text(g->arena, &t->type), (unsigned long long)bytes);
	to = arena_alloc(g->arena, bytes);
	t->data = to;
	if (is_fixed(h->one.number)) {
		*found = gather_fixed(message, h->one.number, to, bytes);
		return 0;
	}
	if (gather_varints(message, &t->type, to, type_count(&t->type), found, e) < 0)
		return -1;
	*found *= dtype_size(t->type.dt);
	return 0;
}

static int check_bools(const struct onnx_tensor *t, struct err *e)
{
	const uint8_t *p = t->data;

	for (int64_t i = 0; t->type.dt == BOOL && i < type_count(&t->type); i++)
		if (p[i] > 1)
			return fail(e, E_TENSOR_VALUE, "element %lld is %u, not a truth value",
				    (long long)i, p[i]);
	return 0;
}

/* Where the data lies: in the map if it is one piece of plain bytes, else decoded. */
static int read_data(struct graph *g, struct span message, struct onnx_tensor *t,
		     const struct header *h, struct err *e)
{
	static const uint64_t nothing[2];
	uint64_t bytes = type_bytes(&t->type), found = 0;

	t->data = nothing;
	if (!h->fields && !bytes)
		return 0;
	if (h->fields != 1u << RAW_DATA && h->fields != 1u << encodings[t->type.dt].field)
		return fail(e, E_TENSOR_SIZE, "%s data is %s", dtype_name(t->type.dt),
			    h->fields & (h->fields - 1) ? "given twice"
			    : h->fields			? "in a field of another type"
							: "missing");
	if (h->pieces == 1 && is_fixed(h->one.number)) {
		found = h->one.bytes.len;
		t->data = bytes ? (const void *)h->one.bytes.data : nothing;
	} else if (decode(g, message, t, h, &found, e) < 0) {
		return -1;
	}
	if (found != bytes)
		return fail(e, E_TENSOR_SIZE, "%s needs %llu bytes, its data has %llu",
			    type_text(g->arena, &t->type), (unsigned long long)bytes,
			    (unsigned long long)found);
	return check_bools(t, e);
}

int onnx_tensor(struct graph *g, struct span message, struct onnx_tensor *t, struct err *e)
{
	struct header h = {.data_type = 0};
	int64_t n;

	if (read_header(g, message, t, &h, e) < 0)
		return err_tensor(e, t->name);
	h.type.dt = dtype_from_onnx(h.data_type);
	t->type = h.type;
	if (h.type.dt == DT_NONE)
		fail(e, E_DTYPE, "tensor '%s': data type %d is not supported", t->name,
		     h.data_type);
	else if (!type_count_ok(&t->type, &n) || n > ONNX_ELEMENTS_MAX)
		fail(e, E_LIMIT_TENSOR, "tensor '%s' is %s: too large", t->name,
		     type_text(g->arena, &t->type));
	else if (h.external)
		refuse_external(g, message, e);
	else
		read_data(g, message, t, &h, e);
	return e->code == E_OK ? 0 : err_tensor(e, t->name);
}

static int read_shape(struct graph *g, const Onnx__TensorShapeProto *s, struct type *t,
		      const char **sym, struct err *e)
{
	int64_t count;

	if (s->n_dim > RANK_MAX)
		return fail(e, E_RANK, "%zu dimensions, at most %d are supported", s->n_dim,
			    RANK_MAX);
	t->rank = (uint8_t)s->n_dim;
	for (size_t i = 0; i < s->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = s->dim[i];
		bool known = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		bool named = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;

		/* exporters write -1 for "any", too */
		if (known && d->dim_value < -1)
			return fail(e, E_DIM, "dimension %zu is %lld", i, (long long)d->dim_value);
		t->dim[i] = known ? d->dim_value : -1;
		/* some exporters name what has no name "?" */
		named = named && strcmp(d->dim_param, "?") != 0;
		sym[i] = named ? arena_strdup(g->arena, d->dim_param) : "";
	}
	for (int i = 0; i < t->rank; i++)
		if (t->dim[i] < 0)
			return 0;
	if (!type_count_ok(t, &count))
		return fail(e, E_DIM, "the number of elements does not fit into 63 bits");
	return 0;
}

int onnx_value_type(struct graph *g, const Onnx__ValueInfoProto *v, struct type *t,
		    const char ***sym, struct err *e)
{
	const Onnx__TypeProto *p = v->type;
	const Onnx__TypeProto__Tensor *tensor;

	*t = (struct type){.dt = DT_NONE, .rank = RANK_UNKNOWN};
	*sym = NEW(g->arena, RANK_MAX, const char *);
	if (!p || p->value_case == ONNX__TYPE_PROTO__VALUE__NOT_SET)
		return fail(e, E_TYPE, "'%s' has no type", v->name ? v->name : "");
	if (p->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		return fail(e, E_TYPE,
			    "'%s' is no tensor (sequences, maps and optionals are not "
			    "supported)",
			    v->name);
	tensor = p->tensor_type;
	t->dt = dtype_from_onnx(tensor->elem_type);
	if (t->dt == DT_NONE)
		return fail(e, E_DTYPE, "'%s': data type %d is not supported", v->name,
			    tensor->elem_type);
	if (tensor->shape && read_shape(g, tensor->shape, t, *sym, e) < 0)
		return err_tensor(e, v->name);
	return 0;
}
