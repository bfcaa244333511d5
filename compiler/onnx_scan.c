/*
 * The first look at an upload: a walk over all messages with a stack of our
 * own, driven by a table (message, field) -> kind. It allocates nothing, so
 * a hostile file costs no more than its bytes. An error carries the byte and
 * the path, like graph.node[17].attribute[2].
 */
#include "compiler/onnx_int.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX     100 /* messages inside each other, as protobuf's own readers */
#define NODES_MAX     100000
#define TENSORS_MAX   100000
#define FUNCTIONS_MAX 10000
#define MESSAGES_MAX  4000000
#define ARITY_MAX     16384 /* inputs, outputs, attributes of a node; values of an attribute */
#define NAME_MAX_     4096  /* bytes of a name */
#define SMALL_MAX     ((uint64_t)64 << 20)  /* bytes that are no tensor data */
#define DECODED_MAX   ((uint64_t)256 << 20) /* bytes of tensors stored as varints, decoded */

enum { GRAPH_NODE = 1, DATA_TYPE = 2, INT32_DATA = 5 }; /* field numbers */

enum kind {
	MODEL,
	GRAPH,
	NODE,
	ATTRIBUTE,
	TENSOR,
	SPARSE,
	VALUE,
	TYPE,
	TYPE_TENSOR,
	TYPE_OF, /* sequence, optional */
	TYPE_MAP,
	SHAPE,
	DIM,
	FUNCTION,
	OPSET,
	ENTRY,
	NMESSAGES,
	/* what is no message */
	INT,
	FLOAT32,
	BYTES,
	NAME,
	INTS, /* repeated, packed or not */
	FLOATS,
	DOUBLES,
};

enum {
	MANY = 1, /* may stand more than once */
	ARITY = 2,
	DATA = 4, /* content of a tensor */
};

static const struct field {
	uint8_t number, kind, flags;
	const char *name;
} model[] = {{1, INT, 0, "ir_version"},
	     {2, BYTES, 0, "producer_name"},
	     {3, BYTES, 0, "producer_version"},
	     {4, BYTES, 0, "domain"},
	     {5, INT, 0, "model_version"},
	     {6, BYTES, 0, "doc_string"},
	     {7, GRAPH, 0, "graph"},
	     {8, OPSET, MANY, "opset_import"},
	     {14, ENTRY, MANY, "metadata_props"},
	     {25, FUNCTION, MANY, "functions"},
	     {0}},
  graph[] = {{1, NODE, MANY, "node"},
	     {2, NAME, 0, "name"},
	     {5, TENSOR, MANY, "initializer"},
	     {10, BYTES, 0, "doc_string"},
	     {11, VALUE, MANY, "input"},
	     {12, VALUE, MANY, "output"},
	     {13, VALUE, MANY, "value_info"},
	     {15, SPARSE, MANY, "sparse_initializer"},
	     {0}},
  node[] = {{1, NAME, MANY | ARITY, "input"},
	    {2, NAME, MANY | ARITY, "output"},
	    {3, NAME, 0, "name"},
	    {4, NAME, 0, "op_type"},
	    {5, ATTRIBUTE, MANY | ARITY, "attribute"},
	    {6, BYTES, 0, "doc_string"},
	    {7, NAME, 0, "domain"},
	    {8, NAME, 0, "overload"},
	    {0}},
  attribute[] = {{1, NAME, 0, "name"},
		 {2, FLOAT32, 0, "f"},
		 {3, INT, 0, "i"},
		 {4, BYTES, 0, "s"},
		 {5, TENSOR, 0, "t"},
		 {6, GRAPH, 0, "g"},
		 {7, FLOATS, MANY | ARITY, "floats"},
		 {8, INTS, MANY | ARITY, "ints"},
		 {9, BYTES, MANY | ARITY, "strings"},
		 {10, TENSOR, MANY, "tensors"},
		 {11, GRAPH, MANY, "graphs"},
		 {13, BYTES, 0, "doc_string"},
		 {14, TYPE, 0, "tp"},
		 {15, TYPE, MANY, "type_protos"},
		 {20, INT, 0, "type"},
		 {21, NAME, 0, "ref_attr_name"},
		 {22, SPARSE, 0, "sparse_tensor"},
		 {23, SPARSE, MANY, "sparse_tensors"},
		 {0}},
  tensor[] = {{1, INTS, MANY | ARITY, "dims"},
	      {2, INT, 0, "data_type"},
	      {3, BYTES, 0, "segment"},
	      {4, FLOATS, MANY | DATA, "float_data"},
	      {5, INTS, MANY | DATA, "int32_data"},
	      {6, BYTES, MANY | DATA, "string_data"},
	      {7, INTS, MANY | DATA, "int64_data"},
	      {8, NAME, 0, "name"},
	      {9, BYTES, DATA, "raw_data"},
	      {10, DOUBLES, MANY | DATA, "double_data"},
	      {11, INTS, MANY | DATA, "uint64_data"},
	      {12, BYTES, 0, "doc_string"},
	      {13, ENTRY, MANY | ARITY, "external_data"},
	      {14, INT, 0, "data_location"},
	      {0}},
  sparse[] = {{1, TENSOR, 0, "values"},
	      {2, TENSOR, 0, "indices"},
	      {3, INTS, MANY | ARITY, "dims"},
	      {0}},
  value[] = {{1, NAME, 0, "name"}, {2, TYPE, 0, "type"}, {3, BYTES, 0, "doc_string"}, {0}},
  type[] = {{1, TYPE_TENSOR, 0, "tensor_type"},
	    {4, TYPE_OF, 0, "sequence_type"},
	    {5, TYPE_MAP, 0, "map_type"},
	    {6, BYTES, 0, "denotation"},
	    {8, TYPE_TENSOR, 0, "sparse_tensor_type"},
	    {9, TYPE_OF, 0, "optional_type"},
	    {0}},
  type_tensor[] = {{1, INT, 0, "elem_type"}, {2, SHAPE, 0, "shape"}, {0}},
  type_of[] = {{1, TYPE, 0, "elem_type"}, {0}},
  type_map[] = {{1, INT, 0, "key_type"}, {2, TYPE, 0, "value_type"}, {0}},
  shape[] = {{1, DIM, MANY | ARITY, "dim"}, {0}},
  dim[] = {{1, INT, 0, "dim_value"}, {2, NAME, 0, "dim_param"}, {3, BYTES, 0, "denotation"}, {0}},
  function[] = {{1, NAME, 0, "name"},
		{4, NAME, MANY | ARITY, "input"},
		{5, NAME, MANY | ARITY, "output"},
		{6, NAME, MANY | ARITY, "attribute"},
		{7, NODE, MANY, "node"},
		{8, BYTES, 0, "doc_string"},
		{9, OPSET, MANY, "opset_import"},
		{10, NAME, 0, "domain"},
		{11, ATTRIBUTE, MANY | ARITY, "attribute_proto"},
		{12, VALUE, MANY, "value_info"},
		{13, NAME, 0, "overload"},
		{0}},
  opset[] = {{1, NAME, 0, "domain"}, {2, INT, 0, "version"}, {0}},
  entry[] = {{1, BYTES, 0, "key"}, {2, BYTES, 0, "value"}, {0}};

static const struct field *const tables[NMESSAGES] = {
	[MODEL] = model,     [GRAPH] = graph,
	[NODE] = node,	     [ATTRIBUTE] = attribute,
	[TENSOR] = tensor,   [SPARSE] = sparse,
	[VALUE] = value,     [TYPE] = type,
	[TYPE_OF] = type_of, [TYPE_TENSOR] = type_tensor,
	[SHAPE] = shape,     [TYPE_MAP] = type_map,
	[DIM] = dim,	     [FUNCTION] = function,
	[OPSET] = opset,     [ENTRY] = entry,
};

struct frame {
	enum kind kind;
	const uint8_t *start, *end, *tag; /* tag: of the field that is being read */
	uint64_t seen;			  /* fields of number < 64 that stood already */
	uint64_t arity;
};

struct walk {
	struct span file;
	struct wire w;
	struct frame frame[DEPTH_MAX];
	int depth;
	uint64_t nodes, tensors, functions, messages, data, decoded;
	struct err *e;
};

/* ---- errors ---- */

static const struct field *find_field(enum kind kind, uint32_t number)
{
	for (const struct field *f = tables[kind]; f->number; f++)
		if (f->number == number)
			return f;
	return NULL;
}

/* "node[17]": the field that the frame is at; its index is found by counting once more. */
static size_t path_step(const struct frame *f, char *out, size_t size)
{
	struct wire w = {f->start, f->end};
	const struct field *field = NULL;
	struct wire_field at;
	uint32_t index = 0, number;
	int n;

	if (wire_read(&w, &at) || !f->tag)
		return 0;
	w.p = f->tag;
	if (wire_read(&w, &at) && !at.number)
		return 0;
	number = at.number;
	field = find_field(f->kind, number);
	for (w.p = f->start; w.p < f->tag && !wire_read(&w, &at);)
		index += at.number == number && at.at < f->tag;
	if (!field)
		n = snprintf(out, size, ".%u", number);
	else if (field->flags & MANY)
		n = snprintf(out, size, ".%s[%u]", field->name, index);
	else
		n = snprintf(out, size, ".%s", field->name);
	return (size_t)n;
}

/* Head and tail of a deep path, with dots in between. */
static void path_of(const struct walk *s, char *out, size_t size)
{
	size_t n = 0;

	for (int i = 0; i < s->depth && n + 64 < size; i++) {
		if (i == 4 && s->depth > 8) {
			i = s->depth - 3;
			n += (size_t)snprintf(out + n, size - n, "...");
		}
		n += path_step(&s->frame[i], out + n, size - n);
	}
	out[MIN(n, size - 1)] = 0;
	if (out[0] == '.')
		memmove(out, out + 1, strlen(out));
	if (!out[0])
		snprintf(out, size, "the file");
}

static int refuse(struct walk *s, enum err_code code, const char *why)
{
	char path[384];
	int64_t at = s->w.p - s->file.data;

	path_of(s, path, sizeof(path));
	fail(s->e, code, "byte %lld, %s: %s", (long long)at, path, why);
	return err_offset(s->e, at);
}

/* ---- checks ---- */

static int count(struct walk *s, uint64_t *counter, uint64_t max, enum err_code code,
		 const char *what)
{
	char why[96];

	if (++*counter <= max)
		return 0;
	snprintf(why, sizeof(why), "more than %llu %s", (unsigned long long)max, what);
	return refuse(s, code, why);
}

static int count_arity(struct walk *s, uint64_t n)
{
	char why[96];
	struct frame *f = &s->frame[s->depth - 1];

	f->arity += n;
	if (f->arity <= ARITY_MAX)
		return 0;
	snprintf(why, sizeof(why), "more than %d of them in one message", ARITY_MAX);
	return refuse(s, E_LIMIT_ARITY, why);
}

static int check_name(struct walk *s, struct span name)
{
	char why[96];

	if (name.len > NAME_MAX_) {
		snprintf(why, sizeof(why), "a name of %zu bytes, more than %d", name.len,
			 NAME_MAX_);
		return refuse(s, E_LIMIT_NAME, why);
	}
	if (!wire_is_text(name))
		return refuse(s, E_NAME, "a name is not UTF-8 or holds a zero byte");
	return 0;
}

/* Varints end with a byte below 128. */
static int count_varints(struct walk *s, struct span packed, uint64_t *n)
{
	struct wire w = wire_of(packed);
	uint64_t v;

	*n = 0;
	for (size_t i = 0; i < packed.len; i++)
		*n += packed.data[i] < 128;
	if (*n == packed.len)
		return 0; /* one byte each: none is too long */
	while (w.p < w.end)
		if (!wire_varint(&w, &v))
			return refuse(s, E_PROTOBUF, "a packed varint is cut off or too long");
	return 0;
}

/* The number of entries in a repeated number field, packed or single. */
static int count_numbers(struct walk *s, const struct field *field, const struct wire_field *f,
			 uint64_t *n)
{
	size_t size = field->kind == FLOATS ? 4 : 8;
	enum wire_type single = field->kind == FLOATS	 ? WIRE_32
				: field->kind == DOUBLES ? WIRE_64
							 : WIRE_VARINT;

	*n = 1;
	if (f->type == single)
		return 0;
	if (f->type != WIRE_BYTES)
		return refuse(s, E_PROTOBUF, "the wire type does not belong to this field");
	if (field->kind == INTS)
		return count_varints(s, f->bytes, n);
	*n = f->bytes.len / size;
	return f->bytes.len % size ? refuse(s, E_PROTOBUF, "packed numbers are cut off") : 0;
}

static int scan_numbers(struct walk *s, const struct field *field, const struct wire_field *f)
{
	uint64_t n;

	if (count_numbers(s, field, f, &n) < 0)
		return -1;
	if (field->kind == INTS && field->flags & DATA) {
		s->decoded += n * (field->number == INT32_DATA ? 4 : 8);
		if (s->decoded > DECODED_MAX)
			return refuse(s, E_LIMIT_MEMORY,
				      "more than 256 MiB of tensors stored as varints; store them "
				      "as raw_data");
	}
	return field->flags & ARITY ? count_arity(s, n) : 0;
}

static int push(struct walk *s, enum kind kind, struct span bytes)
{
	if (s->depth == DEPTH_MAX)
		return refuse(s, E_DEPTH, "more than 100 messages inside each other");
	if (count(s, &s->messages, MESSAGES_MAX, E_LIMIT_NODES, "messages") < 0 ||
	    (kind == NODE && count(s, &s->nodes, NODES_MAX, E_LIMIT_NODES, "nodes") < 0) ||
	    (kind == TENSOR && count(s, &s->tensors, TENSORS_MAX, E_LIMIT_NODES, "tensors") < 0) ||
	    (kind == FUNCTION &&
	     count(s, &s->functions, FUNCTIONS_MAX, E_LIMIT_NODES, "functions") < 0))
		return -1;
	s->frame[s->depth++] =
		(struct frame){.kind = kind, .start = bytes.data, .end = bytes.data + bytes.len};
	s->w = wire_of(bytes);
	return 0;
}

static int scan_single(struct walk *s, const struct field *field, const struct wire_field *f)
{
	enum wire_type want = field->kind == INT       ? WIRE_VARINT
			      : field->kind == FLOAT32 ? WIRE_32
						       : WIRE_BYTES;

	if (f->type != want)
		return refuse(s, E_PROTOBUF, "the wire type does not belong to this field");
	if (field->flags & ARITY && count_arity(s, 1) < 0)
		return -1;
	if (field->kind == NAME)
		return check_name(s, f->bytes);
	return field->kind < NMESSAGES ? push(s, field->kind, f->bytes) : 0;
}

static int scan_field(struct walk *s)
{
	struct frame *top = &s->frame[s->depth - 1];
	const struct field *field;
	struct wire_field f;
	const char *wrong;

	top->tag = s->w.p;
	wrong = wire_read(&s->w, &f);
	if (wrong)
		return refuse(s, E_PROTOBUF, wrong);
	field = find_field(top->kind, f.number);
	if (!field)
		return 0; /* of a later version: ignored, as protobuf wants it */
	if (!(field->flags & MANY)) {
		if (top->seen >> f.number & 1)
			return refuse(s, E_DUP_FIELD, "a field that may stand once stands twice");
		top->seen |= (uint64_t)1 << f.number;
	}
	if (field->flags & DATA)
		s->data += (uint64_t)(s->w.p - f.at);
	if (field->kind >= INTS)
		return scan_numbers(s, field, &f);
	return scan_single(s, field, &f);
}

static int walk(struct span file, enum kind root, struct err *e)
{
	struct walk s = {.file = file, .e = e};

	if (push(&s, root, file) < 0)
		return -1;
	while (s.depth) {
		if (s.w.p < s.w.end) {
			if (scan_field(&s) < 0)
				return -1;
			continue;
		}
		if (--s.depth)
			s.w.end = s.frame[s.depth - 1]
					  .end; /* its fields go on where the child's end */
	}
	if (file.len - s.data > SMALL_MAX)
		return fail(e, E_LIMIT_BYTES, "%llu bytes besides tensor data, more than 64 MiB",
			    (unsigned long long)(file.len - s.data));
	return 0;
}

/* ---- what else it could be ---- */

static const struct magic {
	size_t at;
	const char *bytes, *what;
	size_t len;
} magics[] = {
#define MAGIC(at, bytes, what)                     \
	{                                          \
		at, bytes, what, sizeof(bytes) - 1 \
	}
	MAGIC(0, "\x1f\x8b", "gzip data; send the model uncompressed"),
	MAGIC(0, "PK\3\4", "a zip archive (a PyTorch file, perhaps); export the model to ONNX"),
	MAGIC(0, "\x80\2", "a Python pickle (PyTorch); export the model to ONNX"),
	MAGIC(0, "\x80\3", "a Python pickle (PyTorch); export the model to ONNX"),
	MAGIC(0, "\x80\4", "a Python pickle (PyTorch); export the model to ONNX"),
	MAGIC(0, "\x80\5", "a Python pickle (PyTorch); export the model to ONNX"),
	MAGIC(4, "TFL3", "a TensorFlow Lite model"),
	MAGIC(0, "\x89HDF", "an HDF5 file (Keras)"),
	MAGIC(0, "version https://git-lfs", "a git-LFS pointer, not the file it stands for"),
	MAGIC(0, "<ir_version", "ONNX text syntax; send the binary form"),
	MAGIC(0, "<\n", "ONNX text syntax; send the binary form"),
	MAGIC(0, "< \n", "ONNX text syntax; send the binary form"),
	MAGIC(0, "ir_version:", "protobuf text; send the binary form"),
	MAGIC(0, "{", "JSON"),
	MAGIC(8, "{\"", "a safetensors file"),
	MAGIC(0,
	      "\xfd"
	      "7zXZ",
	      "xz data; send the model uncompressed"),
	MAGIC(0, "\x28\xb5\x2f\xfd", "zstd data; send the model uncompressed"),
	MAGIC(0, "BZh", "bzip2 data; send the model uncompressed"),
	MAGIC(257, "ustar", "a tar archive"),
#undef MAGIC
};

static bool is_html(struct span file)
{
	static const char *const heads[] = {"<!doctype", "<html", "<?xml", "<head", "<body"};
	size_t n = 0;

	while (n < file.len && file.data[n] && strchr(" \t\r\n", file.data[n]))
		n++;
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (file.len - n >= strlen(heads[i]) &&
		    !strncasecmp((const char *)file.data + n, heads[i], strlen(heads[i])))
			return true;
	return false;
}

static int sniff(struct span file, struct err *e)
{
	const char *what = is_html(file) ? "an HTML or XML page, not a model" : NULL;

	for (size_t i = 0; i < COUNT_OF(magics) && !what; i++) {
		const struct magic *m = &magics[i];

		if (file.len >= m->at + m->len && !memcmp(file.data + m->at, m->bytes, m->len))
			what = m->what;
	}
	return what ? fail(e, E_FORMAT, "the file is %s", what) : 0;
}

/* The bytes are no model: do they read as one of the other messages that get sent by mistake? */
static bool reads_as(struct span file, enum kind kind, uint32_t needs)
{
	struct err none = ERR_INIT;
	struct wire_field f;
	bool ok = walk(file, kind, &none) == 0 && wire_find(file, needs, &f);

	err_release(&none);
	return ok;
}

int onnx_scan(struct span file, enum root root, struct err *e)
{
	struct err found = ERR_INIT;
	const char *other = NULL;

	if (!file.len)
		return fail(e, E_EMPTY, "the file has no bytes");
	if (sniff(file, e) < 0)
		return -1;
	if (walk(file, root == ROOT_MODEL ? MODEL : TENSOR, &found) == 0)
		return 0;
	if (root == ROOT_MODEL && (found.code == E_PROTOBUF || found.code == E_DUP_FIELD))
		other = reads_as(file, TENSOR, DATA_TYPE)   ? "a tensor (TensorProto)"
			: reads_as(file, GRAPH, GRAPH_NODE) ? "a graph (GraphProto)"
							    : NULL;
	if (other) {
		err_release(&found);
		return fail(e, E_NOT_MODEL, "the file is %s, not a model", other);
	}
	*e = found;
	return -1;
}
