/* What the ONNX reader's files share: onnx_tensor.c, onnx_node.c, onnx.c. */
#ifndef COMPILER_ONNX_INT_H
#define COMPILER_ONNX_INT_H

#include "compiler/ir.h"
#include "compiler/onnx_wire.h"
#include "onnx/onnx.pb-c.h"

#define ONNX_ELEMENTS_MAX ((int64_t)1 << 38)
#define ONNX_META_MAX	  ((size_t)1 << 20)

/* ---- onnx_scan.c ---- */

enum root { ROOT_MODEL, ROOT_TENSOR };

/*
 * Checks all of a file's bytes, in bounded memory and without recursion: another format, wire
 * errors, depth, counts, names. What passes can be read without checks of that kind.
 */
int onnx_scan(struct span file, enum root root, struct err *e);

/* ---- onnx_tensor.c ---- */

struct onnx_tensor {
	const char *name;
	struct type type;
	const void *data; /* into the map where the encoding allows, else the arena */
};

int onnx_tensor(struct graph *g, struct span message, struct onnx_tensor *t, struct err *e);
/* Tensor type of an input, output or value_info; sym: per axis, as struct val has it. */
int onnx_value_type(struct graph *g, const Onnx__ValueInfoProto *v, struct type *t,
		    const char ***sym, struct err *e);

/* ---- onnx_node.c ---- */

/* A message's bytes through protobuf-c with an allocator capped at 32 times the bytes + 1 MiB. */
void *onnx_unpack(struct graph *g, const ProtobufCMessageDescriptor *d, struct span bytes,
		  struct err *e);

struct body;
struct onnx_node { /* one NodeProto, attributes copied */
	const char *name, *op, *domain, *overload;
	uint32_t nin, nout, nattrs;
	char **in, **out;
	struct attr *attrs;
	struct span *graph;	   /* per attribute: of ATTR_GRAPH its message */
	const struct op *found;	   /* onnx.c */
	const struct body *callee; /* of .Call */
};

/* refs: it stands in a function, whose attributes its own may name. */
int onnx_node(struct graph *g, struct span message, struct onnx_node *n, bool refs, struct err *e);
int onnx_attr(struct graph *g, struct attr *a, struct span message, bool refs, struct err *e);
/* The value of a Constant node. */
int onnx_constant(const struct onnx_node *n, struct onnx_tensor *t, struct err *e);

#endif
