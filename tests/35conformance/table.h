/* What is known of ONNX's node tests: the rows of tests.def. */
#ifndef CONFORMANCE_TABLE_H
#define CONFORMANCE_TABLE_H

#include "base/base.h"

enum corpus { DEBIAN_1_12, WHEEL_1_20_1, CORPORA };

/* What ONNX Runtime does with a test. */
enum onnxruntime { ABSENT, PASS, LOAD, RUN, MISMATCH };

/* CLASS(name, why a test of this class can't pass; NULL where it can) */
#define CLASSES                                                               \
	CLASS(STATIC, NULL)                                                   \
	CLASS(CONST_INPUT, NULL)                                              \
	CLASS(FOLD, NULL)                                                     \
	CLASS(SEQUENCES, "sequences and optionals are no tensors")            \
	CLASS(STRINGS, "strings, and what splits or counts them")             \
	CLASS(SMALL_TYPES, "float8, float4, int4 and int2 are no types here") \
	CLASS(TRAINING, "training")                                           \
	CLASS(RANDOM, "random numbers have no right answer")                  \
	CLASS(IMAGES, "decodes image files")                                  \
	CLASS(ML, "operators of ai.onnx.ml")

enum class {
#define CLASS(name, why) name,
	CLASSES
#undef CLASS
};

struct row {
	const char *name, *op; /* the operator that it is about */
	int tier;	       /* 1 to 5, 0 where it is in none */
	enum class class;
	enum onnxruntime onnxruntime[CORPORA];
};

const struct row *table_find(const char *name); /* NULL: not a test that we know */
const struct row *table_at(size_t i);		/* NULL past the end */
/* Why it is excluded; NULL: it applies. */
const char *table_excluded(const struct row *r);
const char *table_corpus(enum corpus c); /* "debian-1.12" */
/* In words what ONNX Runtime does with it; NULL where it passes. */
const char *table_onnxruntime(const struct row *r, enum corpus c);

#endif
