/*
 * The compiler as the daemon and occamyc see it. options.c (library target
 * compiler_options: base only) has the words of the command line and of the
 * HTTP query, and the cache key; compile() runs the passes.
 */
#ifndef COMPILER_COMPILER_H
#define COMPILER_COMPILER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

struct dim_binding {	  /* --dims NAME=N or INPUT:AXIS=N */
	const char *name; /* dim_param, or input name where axis >= 0; "*": every unbound one */
	int axis;	  /* -1: a named dimension */
	int64_t size;
};

struct value_binding { /* --bind NAME=FILE: input NAME becomes a constant */
	const char *name, *path;
	char digest[SHA256_HEX]; /* of the file's bytes */
};

struct compile_options {
	struct arena *arena;   /* owns the strings */
	const char *target;    /* "sm_87" */
	const char *precision; /* "fp32" */
	const char *code;      /* "both": cubin and PTX; "ptx" */
	uint32_t planner;      /* planner.h */
	bool streamed;	       /* weights are in the arena while their node runs; plan only */
	uint32_t off;	       /* rewrites.def: a bit per row */
	uint32_t ndims, nbinds;
	struct dim_binding *dims;
	struct value_binding *binds;
};

/* What besides model and options decides the bytes. Asked at run time. */
struct compile_identity {
	const char *build;  /* sha256 of the compiler's sources, fixed at build time */
	const char *nvrtc;  /* version of the NVRTC that serves the target, "12.9" */
	const char *passes; /* "onnx,bind,..." */
};

void compile_options_init(struct compile_options *o, struct arena *a); /* defaults */
/* word: "target", "precision", "code", "planner", "weights", "off" and "dims" (comma lists),
 * "bind"; E_USAGE or E_TARGET. value NULL: there is none. Binds' files are not opened. */
int compile_options_parse(struct compile_options *o, const char *word, const char *value,
			  struct err *e);
/* Fills the digest of every bind from its file. E_NO_FILE. */
int compile_options_hash_binds(struct compile_options *o, struct err *e);
const char *compile_options_off(const struct compile_options *o); /* "cse,view"; "" */
/* A bit per rewrite: those, and what the planner has not. */
uint32_t compile_options_rewrites_off(const struct compile_options *o);
const char *compile_options_planner(const struct compile_options *o); /* "occamy" */
const char *compile_options_words(void);			      /* "target, dims, ..." */
/* Key over format version, model digest, options with defaults written out, identity. */
void compile_key(const struct compile_options *o, const char *model_hex,
		 const struct compile_identity *id, char out[SHA256_HEX]);
/* Options as canonical JSON object text, for the manifest and for `explain`. */
void compile_options_json(const struct compile_options *o, struct buf *out);

/* ---- library target compiler ---- */

struct compile_job {
	const char *model_path; /* ONNX file, or text IR where it ends in .ir */
	const char *out_path;	/* NULL: compile only */
	const char
		*from_pass; /* NULL, or the pass to begin with: text IR that earlier passes wrote */
	const char *dump_pass;	  /* NULL, or print the IR after this pass and stop */
	bool plan_only;		  /* stop before emit: bytes and launches, no kernel */
	const char *svg_path;	  /* NULL, or where the picture of the plan goes */
	bool explain_peak;	  /* print which tensors make the peak */
	const char *kernel_cache; /* directory or NULL */
	int progress_fd;	  /* -1: none; "STAGE PERCENT\n" lines */
};

/* Writes out_path atomically on success. report: JSON text, filled on refusal, too. */
int compile(const struct compile_job *job, const struct compile_options *o, struct buf *report,
	    struct err *e);
const char *compile_passes(void); /* "onnx,bind,...": part of the identity */
/* Identity for a target: E_TARGET, E_NO_TOOLCHAIN. nvrtc_path may be NULL. */
int compile_identify(const char *target, struct arena *a, struct compile_identity *id,
		     const char **nvrtc_path, struct err *e);

#endif
