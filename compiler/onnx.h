/*
 * The ONNX reader's inside. The file's bytes stay mapped; a message is a
 * span of them, and only small ones are copied, by protobuf-c.
 */
#ifndef COMPILER_ONNX_H
#define COMPILER_ONNX_H

#include "base/names.h"
#include "compiler/ir.h"
#include "compiler/onnx_wire.h"

#include <protobuf-c/protobuf-c.h>

/* Field numbers of onnx.proto that are read by hand. */
enum {
	MODEL_IR_VERSION = 1,
	MODEL_GRAPH = 7,
	MODEL_OPSET = 8,
	MODEL_META = 14,
	MODEL_FUNCTIONS = 25,
	OPSET_DOMAIN = 1,
	OPSET_VERSION = 2,
	META_KEY = 1,
	META_VALUE = 2,
	GRAPH_NODE = 1,
	GRAPH_NAME = 2,
	GRAPH_INITIALIZER = 5,
	GRAPH_INPUT = 11,
	GRAPH_OUTPUT = 12,
	GRAPH_VALUE_INFO = 13,
	GRAPH_SPARSE = 15,
	NODE_INPUT = 1,
	NODE_OUTPUT = 2,
	NODE_NAME = 3,
	NODE_OP = 4,
	NODE_ATTRIBUTE = 5,
	NODE_DOMAIN = 7,
	NODE_OVERLOAD = 8,
	ATTRIBUTE_TENSOR = 5,
	ATTRIBUTE_GRAPH = 6,
	ATTRIBUTE_TENSORS = 10,
	ATTRIBUTE_GRAPHS = 11,
	ATTRIBUTE_SPARSE = 22,
	ATTRIBUTE_SPARSES = 23,
	FUNCTION_NAME = 1,
	FUNCTION_INPUT = 4,
	FUNCTION_NODE = 7,
	FUNCTION_DOMAIN = 10,
	FUNCTION_OVERLOAD = 13,
	TENSOR_DIMS = 1,
	TENSOR_TYPE = 2,
	TENSOR_SEGMENT = 3,
	TENSOR_FLOAT = 4,
	TENSOR_INT32 = 5,
	TENSOR_STRING = 6,
	TENSOR_INT64 = 7,
	TENSOR_NAME = 8,
	TENSOR_RAW = 9,
	TENSOR_DOUBLE = 10,
	TENSOR_UINT64 = 11,
	TENSOR_EXTERNAL = 13,
	TENSOR_LOCATION = 14,
};

enum root { ROOT_MODEL, ROOT_TENSOR };

/*
 * Checks all of a file's bytes, in bounded memory and without recursion: another format, wire
 * errors, depth, counts, names. What passes can be read without checks of that kind.
 */
int onnx_scan(struct span file, enum root root, struct err *e);

/* One model being read. */
struct model {
	struct graph *g;
	struct err *e;
	struct span graph;
	struct names domains; /* name ("" is ai.onnx) -> version + 1 */
	struct names values;  /* -> val_id */
};

/* What protobuf-c allocates for one message: an arena with a limit of 32 x the message + 1 MiB. */
struct scratch {
	struct arena *arena;
	ProtobufCAllocator allocator;
};

void scratch_open(struct scratch *s, size_t message_bytes);
void scratch_close(struct scratch *s);

/* A string field's content in the arena; "" where it is absent. */
const char *onnx_text(struct arena *a, struct span message, uint32_t number);
/* Is it one of ai.onnx's two names? */
bool onnx_default_domain(const char *domain);

/* onnx_tensor.c. *data is in the file, or in g's arena where it had to be decoded. */
int onnx_tensor(struct graph *g, struct span tensor, const char *what, struct type *t,
		const void **data, struct err *e);
int onnx_external(struct span tensor, const char *what, const struct type *t, struct err *e);

/* onnx_value.c: graph inputs, outputs and value_info. */
int onnx_inputs(struct model *m);
int onnx_outputs(struct model *m);
int onnx_declared(struct model *m);

/* onnx_node.c: one node whose operator is known, or a Constant. */
int onnx_node(struct model *m, struct span node);
int onnx_attributes(struct model *m, struct span node, struct node *n);

/* onnx_check.c */
/* Calls among the model's functions: E_FUNC_CYCLE, E_ARITY, E_LIMIT_NODES. */
int onnx_functions(struct model *m, struct span file);
/* Domains, and one error that lists all nodes whose operator is not there. */
int onnx_operators(struct model *m);

/* onnx_sort.c: nodes behind those they read; order of the file otherwise. E_CYCLE. */
int onnx_sort(struct graph *g, struct err *e);

#endif
