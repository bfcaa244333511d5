/* Element types of graph inputs and outputs: one row per type. */
#ifndef RUNTIME_ELEM_H
#define RUNTIME_ELEM_H

#include "base/base.h"

struct elem {
	const char *name; /* in artifacts: "f32" */
	const char *npy;  /* in .npy headers: "<f4"; NULL: npy has no such type */
	int onnx;	  /* TensorProto.DataType */
	size_t size;	  /* bytes of one element */
	char kind;	  /* 'f' IEEE float, 'g' bfloat16, 'i' signed, 'u' unsigned, 'b' bool */
};

/* NULL if there is no such row. elem_npy takes '|' and '=' for '<' where that is the same. */
const struct elem *elem_find(const char *name);
const struct elem *elem_npy(const char *descr);
const struct elem *elem_onnx(int64_t code);

/* Bytes of a dense tensor; false where that is beyond 2^63 - 1 or a dimension is negative. */
bool elem_bytes(const struct elem *d, uint32_t rank, const int64_t *shape, uint64_t *bytes);

#endif
