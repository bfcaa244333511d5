/* A corpus on disk: DIR/NAME/model.onnx, DIR/NAME/test_data_set_N/{input,output}_J.pb. */
#ifndef CONFORMANCE_CORPUS_H
#define CONFORMANCE_CORPUS_H

#include "client/ndarray.h"

struct corpus_list {
	const char **name;
	size_t n;
};

/* Folders of dir that hold a model.onnx, in the order of their names. E_NO_FILE. */
int corpus_walk(const char *dir, struct arena *a, struct corpus_list *list, struct err *e);

struct value {		  /* one tensor of a data set */
	const char *name; /* in the graph */
	const char *path;
	struct map file;
	struct ndarray array; /* elem NULL: the data set does not have it */
};

struct data_set {
	uint32_t ninputs, noutputs;
	struct value *inputs, *outputs; /* all of graph.input and graph.output, in order */
};

/* How many data sets there are beside the model. */
uint32_t corpus_sets(const char *folder);
/* Data set number k. E_NO_FILE, E_INPUT_FILE. Release it in both cases. */
int corpus_load(const char *folder, uint32_t k, struct arena *a, struct data_set *s, struct err *e);
void corpus_release(struct data_set *s);

#endif
