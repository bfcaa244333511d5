/* Reading subgraphs and functions: onnx_body.c, onnx_func.c. */
#ifndef COMPILER_ONNX_BODY_H
#define COMPILER_ONNX_BODY_H

#include "base/names.h"
#include "compiler/body.h"
#include "compiler/onnx_int.h"

struct function {
	struct span message;
	struct body *body;
	uint32_t nin;
	uint64_t nodes; /* expanded, saturated beyond the limit */
	bool called, read;
	enum { WHITE_FUNCTION, GREY_FUNCTION, BLACK_FUNCTION } color;
};

struct bodies {
	struct graph *g;
	struct err *e;
	const char **domain; /* that the model imports, other than the default */
	uint32_t ndomain;
	struct names names; /* domain, name, overload -> index + 1 */
	struct function *f;
	uint32_t n;
	bool refs;	  /* inside a function: attributes may refer to its own */
	uint32_t missing; /* nodes whose operator is not there */
};

/* The subgraphs of a node of the main graph, whose names are in `main`. */
int onnx_subgraphs(struct bodies *s, const struct names *main, int opset, struct onnx_node *n);
/* One function; opset: of the model. */
int onnx_function(struct bodies *s, struct span message, int opset, struct body *b);

/*
 * The model's functions, as far as they are dangerous: circles, and few bytes that stand for a huge
 * graph. E_FUNC_CYCLE, E_LIMIT_NODES, E_ARITY.
 */
int onnx_functions(struct bodies *s, struct span file, struct span graph);
/* Reads all that are called, and that those call. */
int onnx_read_called(struct bodies *s, int opset);
/* The operator of a node, .Call where it is a function; else NULL with one more finding. */
const struct op *onnx_find_op(struct bodies *s, const struct onnx_node *n, int opset,
			      const struct body **callee);

#endif
