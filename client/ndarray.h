/* Tensors in files: .npy and ONNX TensorProto. */
#ifndef CLIENT_NDARRAY_H
#define CLIENT_NDARRAY_H

#include "base/err.h"
#include "runtime/artifact.h"
#include "runtime/elem.h"

struct ndarray {
	const struct elem *elem;
	uint32_t rank;
	int64_t shape[ARTIFACT_RANK_MAX];
	struct span data; /* dense, row-major, little endian; in the file's bytes or in own */
	void *own;	  /* ndarray_release frees it */
};

/*
 * Reads either format, told apart by the first bytes. name is for messages.
 * Safe on any bytes; E_INPUT_FILE. out->data borrows from file.
 */
int ndarray_parse(struct span file, const char *name, struct ndarray *out, struct err *e);
int npy_parse(struct span file, const char *name, struct ndarray *out, struct err *e);
int pb_parse(struct span file, const char *name, struct ndarray *out, struct err *e);
void ndarray_release(struct ndarray *a);

/* What stands before the data in a file: .npy 1.0, or a TensorProto that ends with raw_data. */
void npy_header(struct buf *out, const struct ndarray *a);
void pb_header(struct buf *out, const struct ndarray *a, const char *name);

/* Element i as a double. */
double ndarray_value(const struct ndarray *a, size_t i);

#endif
