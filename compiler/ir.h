/*
 * The compiler's one data structure. Passes (compiler.c lists them) fill it
 * from left to right; each field says which pass sets it. Ids are indices
 * into graph.val / .slot, 0 is none; arrays may grow, so keep ids, not
 * pointers, across calls that add values or nodes.
 */
#ifndef COMPILER_IR_H
#define COMPILER_IR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct artifact;

#define RANK_MAX     8
#define REWRITES_MAX 32

enum dtype { DT_NONE, F32, F16, BF16, F64, I8, I16, I32, I64, U8, U16, U32, U64, BOOL, DT_COUNT };

#define RANK_UNKNOWN 255 /* of an input declared without shape (until bind), or a declared type */

struct type {
	enum dtype dt;
	uint8_t rank;
	int64_t dim[RANK_MAX];
};

typedef uint32_t val_id, slot_id;

/*
 * PLAIN: row-major, as ONNX has it.
 * BLOCKED: feature maps N, C, spatial...: [N][ceil(C/8)][spatial][8] floats; lanes >= C are zero.
 */
enum layout { PLAIN, BLOCKED };
#define BLOCK 8

struct val { /* one tensor, defined once */
	const char *name;
	struct type
		type; /* onnx for inputs and constants; infer for the rest (dt DT_NONE before) */
	uint32_t def; /* index of the defining node + 1; 0: graph input or constant */
	const void *data; /* constant: row-major little-endian bytes, maybe unaligned; else NULL */
	uint64_t fill;	  /* text: tag of a constant that was written as fill=TAG, else 0 */
	const char **sym; /* onnx: dim_param per axis of a graph input ("": anonymous); such a dim
			     is -1 until bind */
	bool input, output;
	enum layout layout; /* layout */
	slot_id slot;	    /* alias: storage, 0 for constants and dead values */
	uint64_t off;	    /* alias: bytes from the slot's start */
	int64_t pitch; /* alias: elements from one batch item (dim 0) to the next; dense unless INTO
			*/
	uint32_t first, last; /* live: indices into graph.node; first of an input is 0 */
};

struct slot {		      /* one region of the arena */
	uint64_t size;	      /* alias */
	uint32_t first, last; /* live */
	uint64_t offset;      /* plan */
};

/* ---- nodes ---- */

struct closure;

struct attr { /* one ONNX attribute as read, kept for printing */
	const char *name;
	enum attr_type {
		ATTR_INT,
		ATTR_FLOAT,
		ATTR_STRING,
		ATTR_INTS,
		ATTR_FLOATS,
		ATTR_STRINGS,
		ATTR_TENSOR,
		ATTR_GRAPH
	} type;
	int64_t i;
	float f;
	const char *s;
	uint32_t n; /* length of ints, floats or strings */
	const int64_t *ints;
	const float *floats;
	const char *const *strings;
	struct type ttype; /* tensor */
	const void *tdata;
	uint64_t fill;		     /* as in val */
	const struct closure *graph; /* body.h */
	const char *ref; /* in a function: the attribute of the call whose value it has */
};

/*
 * How a node reads one input, from the output's logical coordinates (a head's operand: from those
 * of input 0):
 * coordinate j of the input = start[j] + step[j] * out[axis[j]], or just start[j] where axis[j] <
 * 0. Says broadcasting, Transpose, Slice, Expand in one form.
 */
struct access {
	int8_t axis[RANK_MAX];
	int64_t start[RANK_MAX], step[RANK_MAX];
};

/* One elementwise operator fused behind a node (its tail) or in front of it (its head). Operand: 0
 * = the node's own result ("main"), in a head the element of input 0; 1..n = result of step 1..n
 * before, TAIL_IN | k = node input k. The last step's result is stored, or what the operator reads.
 */
#define TAIL_IN	  0x8000u
#define TAIL_ARGS 4
struct tail_step {
	const struct op *op; /* an elementwise one */
	const void *attr;
	uint32_t nattrs; /* as the node had them, for printing */
	const struct attr *attrs;
	int version;
	enum dtype dt; /* of the result */
	uint8_t nargs;
	uint16_t arg[TAIL_ARGS];
};

struct node {
	const struct op *op;
	const char *name; /* ONNX name, "" if none; for messages */
	const char *was; /* fuse: the ONNX operator that became a .Map or .View; NULL if none did */
	int version;	 /* opset in force */
	uint32_t nin, nout;
	val_id *in, *out; /* 0: an omitted optional */
	uint32_t nattrs;
	struct attr *attrs;
	void *attr;		  /* op->attr_size bytes, filled by op->parse / op->infer */
	uint32_t nmain;		  /* fuse: inputs [0, nmain) are the operator's own, then follow */
	uint32_t nhead_in;	  /* fuse: the head's operands; the rest are the tail's */
	uint32_t nhead;		  /* fuse: steps on each element of input 0 as it is loaded */
	struct tail_step *head;	  /* fuse */
	uint32_t ntail;		  /* fuse */
	struct tail_step *tail;	  /* fuse */
	struct access **access;	  /* fuse: per input or NULL; NULL entry: numpy broadcasting */
	const struct type *space; /* infer: per input of its own, then for the tail's: the type from
				     whose coordinates it is read, where it is not output 0's */
	slot_id scratch;	  /* live: for op->scratch bytes */
	uint32_t launch, nlaunch; /* lower */
	bool dead;		  /* removed; compacted away after each pass */
};

/* ---- lowered form ---- */

enum arg_kind { KARG_VAL, KARG_SCRATCH, KARG_WEIGHT };

struct karg { /* one pointer parameter */
	enum arg_kind kind;
	uint8_t access;		     /* 1 read, 2 write, 3 both */
	val_id val;		     /* KARG_VAL */
	uint32_t weight;	     /* KARG_WEIGHT: index into graph.weight */
	uint64_t offset;	     /* bytes added to the operand's start */
	uint64_t pitch, width, rows; /* region from there: rows runs of width bytes, pitch apart */
};

struct weight { /* packed constant on the device */
	const void *data;
	uint64_t bytes, offset; /* offset: in the weights blob, in first-use order, 256-aligned */
};

struct launch {
	const char *kernel;  /* template: kernels/KERNEL.cu, entry "KERNEL" */
	const char *defines; /* "#define A 1\n..." and generated functions, put in front of the
				template */
	uint32_t grid[3], block[3], shared;
	uint32_t nargs;
	struct karg *arg;
	uint32_t node; /* index */
	uint32_t code; /* emit: index into graph.code */
};

struct code {			    /* one compiled kernel */
	const char *entry, *source; /* whole text given to NVRTC */
	const char *ptx;
	uint64_t ptx_bytes; /* with the terminating zero */
	const void *cubin;
	uint64_t cubin_bytes; /* 0: none */
	uint32_t registers, spill_bytes, shared_bytes;
};

struct keyval {
	const char *key, *value;
};

/* What the model itself says of a value; compared once types are known. */
struct declared {
	val_id val;
	struct type type; /* dim -1: not said; rank RANK_UNKNOWN: no shape said */
};

struct graph {
	struct arena *arena; /* owns everything below */
	const char *name;
	int ir_version, opset; /* onnx: opset of the default domain */
	uint32_t nmeta;	       /* onnx: metadata_props */
	struct keyval *meta;
	struct val *val; /* val[0] is unused */
	uint32_t nval;
	struct node *node; /* in execution order (onnx sorts; order may change it) */
	uint32_t nnode;
	val_id *input, *output; /* graph inputs and outputs in ONNX order */
	uint32_t ninput, noutput;
	const char **output_name; /* per output: its name in the model, which graph_replace keeps */
	uint32_t ndeclared;	  /* onnx: types of outputs and value_info, in file order */
	struct declared *declared;
	struct slot *slot; /* slot[0] is unused */
	uint32_t nslot;
	uint64_t folded_bytes;		   /* fold: constants made so far */
	uint32_t body_nodes, body_depth;   /* infer: nodes made of bodies (body.h) so far */
	const char *order_certificate;	   /* order: "exact" or "gap: 1.25 %" */
	uint64_t arena_bytes, lower_bound; /* plan */
	const char *certificate;	   /* plan: "optimal: max-live" or "gap: 1.25 %" */
	struct launch *launch;		   /* lower */
	uint32_t nlaunch;
	struct weight *weight; /* lower */
	uint32_t nweight;
	uint64_t weights_bytes;
	struct artifact *shipped; /* check: tensors and launches as the artifact has them */
	struct code *code;	  /* emit */
	uint32_t ncode;
	uint32_t planner;		     /* planner.h */
	bool streamed;			     /* weights are in the arena while their node runs */
	uint32_t rewrites_off;		     /* a bit per row of rewrites.def */
	uint32_t rewrites_did[REWRITES_MAX]; /* how often each changed something */
};

/* ---- ir.c: building and asking ---- */

struct graph *graph_open(void); /* with its own arena */
void graph_close(struct graph *g);
val_id val_add(struct graph *g, const char *name, const struct type *t); /* t NULL: not known yet */
val_id val_const(struct graph *g, const char *name, const struct type *t, const void *data);
struct node *node_add(struct graph *g, const struct op *op, const char *name, uint32_t nin,
		      uint32_t nout);
/* The same in front of node `at`: the nodes from there on move up by one. */
struct node *node_insert(struct graph *g, uint32_t at, const struct op *op, const char *name,
			 uint32_t nin, uint32_t nout);
void node_set_out(struct graph *g, struct node *n, uint32_t k, val_id v); /* sets val.def too */
void graph_compact(struct graph *g); /* drops dead nodes, keeps order, renumbers val.def */
void graph_replace(struct graph *g, val_id from, val_id to); /* all uses, outputs included */
uint32_t *graph_uses(const struct graph *g,
		     struct arena *a); /* per val: node inputs + 1 if an output */

const char *dtype_name(enum dtype dt); /* "f32" */
size_t dtype_size(enum dtype dt);
enum dtype dtype_parse(const char *name);      /* DT_NONE if unknown */
enum dtype dtype_from_onnx(int32_t data_type); /* DT_NONE if not supported */

int64_t type_count(const struct type *t); /* elements; CHECKs overflow (infer has refused it) */
bool type_count_ok(const struct type *t, int64_t *count);
uint64_t type_bytes(const struct type *t); /* plain */
bool type_equal(const struct type *a, const struct type *b);
void type_print(struct buf *out, const struct type *t); /* f32[1,3,224,224] */
const char *type_text(struct arena *a, const struct type *t);

uint64_t val_bytes(const struct val *v); /* in its layout, dense */
int64_t
val_item(const struct val *v); /* elements of one batch item in its layout, padding included */
static inline bool val_is_const(const struct val *v)
{
	return v->data != NULL;
}

static inline struct val *node_in(const struct graph *g, const struct node *n, uint32_t k)
{
	return k < n->nin && n->in[k] ? &g->val[n->in[k]] : NULL;
}

static inline struct val *node_out(const struct graph *g, const struct node *n, uint32_t k)
{
	return k < n->nout && n->out[k] ? &g->val[n->out[k]] : NULL;
}

/* The first input of the tail. */
static inline uint32_t node_tail_in(const struct node *n)
{
	return n->nmain + n->nhead_in;
}

/* Input k is an operand of the head, read at the coordinates of input 0's element. */
static inline bool node_in_head(const struct node *n, uint32_t k)
{
	return k >= n->nmain && k < node_tail_in(n);
}

/* The type from whose coordinates input k is read: output 0's but for the head's operands, and
 * where the node says otherwise. */
static inline const struct type *node_space(const struct graph *g, const struct node *n, uint32_t k)
{
	if (n->space)
		return &n->space[MIN(k, n->nmain)];
	return &g->val[node_in_head(n, k) ? n->in[0] : n->out[0]].type;
}

/* The model's declarations against the types found: E_TYPE, E_SHAPE_CONFLICT. For infer's end. */
int graph_check_declared(const struct graph *g, struct err *e);

/* ---- node.c ---- */

/*
 * Arity, attribute names and types by the operator's rules, then op->parse. The readers (onnx.c,
 * text_parse.c) call it once per node; later passes make nodes with attr filled. E_ARITY, E_ATTR.
 */
int node_check(struct graph *g, struct node *n, struct err *e);

/* The operator that the model's author knows, of fused maps the last one; "" for a copy of ours. */
const char *node_op(const struct node *n);
/* err_node with that. */
int node_blame(const struct node *n, struct err *e);

/* ---- text_*.c: the same text out and in ---- */

void text_print(const struct graph *g, struct buf *out);
int text_parse(struct graph *g, const char *text, struct err *e); /* E_USAGE with line number */

/* ---- verify.c: the spec of the IR, after pass `stage` (index into the pass list) ---- */

void verify(const struct graph *g, const char *pass);

#endif
