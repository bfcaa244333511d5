/*
 * The artifact (.occ): header, manifest (JSON), then blobs, each with its
 * SHA-256. Written by the compiler, read by the client. runtime/README.md
 * has the bytes.
 *
 *	0    magic "OCCAMY\r\n"            8 bytes
 *	8    format version, little endian 4 bytes (ARTIFACT_VERSION)
 *	12   zero                          4 bytes
 *	16   length of the manifest        8 bytes
 *	24   length of the whole file      8 bytes
 *	32   SHA-256 of the manifest       32 bytes
 *	64   manifest, padded with zeros to the first blob
 *	     blobs in the manifest's order at the offsets it names (from the
 *	     file's start), each aligned to ARTIFACT_ALIGN, zeros between
 *
 * Every byte is covered: the header's fields are checked against the file,
 * the manifest by the header, the blobs by the manifest, padding is zero.
 */
#ifndef RUNTIME_ARTIFACT_H
#define RUNTIME_ARTIFACT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"

#define ARTIFACT_MAGIC	      "OCCAMY\r\n"
#define ARTIFACT_VERSION      1
#define ARTIFACT_PLAN_FORMAT  2
#define ARTIFACT_HEADER	      64
#define ARTIFACT_ALIGN	      4096
#define ARTIFACT_NAME_MAX     64
#define ARTIFACT_BLOBS_MAX    16
#define ARTIFACT_RANK_MAX     8
#define ARTIFACT_BLOCK	      8	  /* channels that lie together in a blocked tensor */
#define ARTIFACT_ARGS_MAX     512 /* pointer arguments of one launch: 4 KB of parameters */
#define ARTIFACT_MANIFEST_MAX ((size_t)16 << 20)
#define ARTIFACT_PLAN_MAX     ((size_t)256 << 20)

/* ---- writing (compiler) ---- */

struct artifact_blob {
	const char *name; /* "plan", "code", "weights", "plan.svg" */
	struct span data;
};

/*
 * Writes PATH atomically. fields: the manifest's members before "blobs", as
 * JSON text without the outer braces ("\"format\":1,..."), written by the
 * caller with json_*; the writer appends "blobs":[{name,digest,bytes,offset}].
 */
int artifact_write(const char *path, const char *fields, const struct artifact_blob *blobs,
		   size_t nblobs, struct err *e);

/* ---- reading (client, daemon) ---- */

enum artifact_space { ARG_ARENA, ARG_WEIGHTS };

struct artifact_tensor {	  /* a graph input or output, plain row-major in the arena */
	const char *name, *dtype; /* dtype: a row of runtime/elem.h */
	uint32_t rank;
	int64_t shape[ARTIFACT_RANK_MAX];
	uint64_t offset, bytes;
};

struct artifact_arg {
	enum artifact_space space;
	uint64_t offset, bytes; /* the region: offset + bytes <= that space's size */
	uint64_t pitch, rows;	/* arena: bytes of it are in that many runs, pitch apart */
	int32_t value;		/* arena: index into values; -1: scratch memory */
	uint8_t access;		/* 1 read, 2 write, 3 both */
};

/* Argument `arg`, an output, may lie over a value that is read at the same index only. */
struct artifact_over {
	uint32_t arg, value;
};

struct artifact_kernel {
	const char *entry;	/* function name in its module */
	struct span ptx, cubin; /* into the map; ptx includes a terminating zero byte */
	uint32_t registers, spill_bytes, shared_bytes;
};

struct artifact_launch {
	uint32_t kernel, grid[3], block[3], shared, nargs, nover;
	const struct artifact_arg *args;
	const struct artifact_over *over;
	const char *node, *op; /* for messages: ONNX node name and operator */
};

enum artifact_role { VALUE_INNER, VALUE_INPUT, VALUE_OUTPUT };

/*
 * A tensor that stands in the arena at some time, at `rows` runs of `width`
 * bytes, `pitch` bytes apart, from `offset`. It is there as soon as
 * first + made launches have run, and until launch `last` has begun.
 */
struct artifact_value {
	const char *name, *dtype;
	const char *node, *op; /* what makes it; "" for graph inputs and copies of ours */
	uint32_t rank;
	int64_t shape[ARTIFACT_RANK_MAX];
	bool blocked; /* N, ceil(C / 8), spatial axes, 8 channels; else row-major */
	uint64_t offset, pitch, width, rows;
	uint32_t first, last, made; /* made: launches that compute it; 0: an input, or in place */
	enum artifact_role role;
	/* It is other values' bytes: of view_of (-1: none) from view_at on; of a concatenation
	 * along `axis` those of its inputs that stand in their places (-1 - n: a constant of n
	 * along the axis). */
	int32_t view_of;
	uint64_t view_at;
	uint32_t axis, nparts;
	const int32_t *parts;
};

struct artifact {
	struct arena *arena; /* owns all below */
	const char *path;    /* for messages */
	int fd;
	uint64_t file_bytes;
	const char *manifest; /* JSON text, zero-terminated */
	const char *key, *name, *target, *certificate;
	uint64_t arena_bytes, arena_lower_bound_bytes, weights_bytes, input_bytes, output_bytes;
	uint64_t device_bytes, module_bytes;
	uint32_t ninputs, noutputs;
	struct artifact_tensor *inputs, *outputs;
	uint32_t nblobs;
	struct {
		const char *name;
		char digest[SHA256_HEX];
		uint64_t offset, bytes;
	} blobs[ARTIFACT_BLOBS_MAX];
	uint32_t nkernels, nlaunches; /* as the manifest says; the plan must agree */
	/* after artifact_load_plan: */
	struct map map;	  /* the file */
	struct span code; /* the code blob in it */
	struct artifact_kernel *kernels;
	struct artifact_launch *launches;
	uint32_t nvalues;
	struct artifact_value *values; /* in no particular order */
};

/*
 * Header and manifest only: what `inspect` needs. Reads no blob. A file that
 * is not as the format says is E_ARTIFACT, here and below; of another version
 * E_ARTIFACT_VERSION. *a is set only on success.
 */
int artifact_open(const char *path, struct artifact **a, struct err *e);
/* The same of an open file; name is for messages. Takes fd, on failure too. */
int artifact_open_fd(int fd, const char *name, struct artifact **a, struct err *e);
/* Every blob's digest and the padding, in chunks of 64 KiB. */
int artifact_verify(struct artifact *a, struct err *e);
/* Parses the plan and maps the code; checks every index, offset and bound. Once. */
int artifact_load_plan(struct artifact *a, struct err *e);
/* Unmaps the code when the driver has it; kernels' spans are gone after it. */
void artifact_drop_code(struct artifact *a);
/* Reads bytes of a blob; name as in the manifest. */
int artifact_read_blob(struct artifact *a, const char *name, uint64_t offset, void *to,
		       size_t bytes, struct err *e);
void artifact_close(struct artifact *a); /* NULL is fine */

#endif
