/*
 * An operator: one file in compiler/ops/ defines `const struct op op_NAME`,
 * ops.def lists it. Elementwise operators are rows of elementwise.def.
 */
#ifndef COMPILER_OPS_OP_H
#define COMPILER_OPS_OP_H

#include "compiler/ir.h"

/* Memory contract: what output 0 may share with an input. alias decides. */
enum share {
	SHARE_NONE,
	SHARE_INPLACE, /* same index: may overwrite input `in` where that dies here, sizes and
			  layouts equal */
	SHARE_VIEW,    /* output is input `in`, other shape: no kernel (input plain and dense) */
	SHARE_INTO     /* inputs are written straight into the output (Concat) */
};

struct mem_rule {
	enum share how;
	uint8_t in; /* ANY_INPUT: each of them is a candidate */
};
#define ANY_INPUT 255

/* Which layout the operator's kernels want; layout inserts copies where it must. */
enum op_layout {
	WANT_PLAIN,   /* all operands plain */
	WANT_BLOCKED, /* input 0 and output 0 are feature maps; graph inputs may be read and outputs
			 written plain */
	WANT_ANY      /* any mixture, kernels address by stride (Map, Concat copies) */
};

struct attr_rule { /* known attributes; an unknown one is an error */
	const char *name;
	enum attr_type type;
	bool required;
};

struct tensor { /* operand of eval: aligned, row-major */
	struct type type;
	void *data;
};

struct expand;

/* Sets of element types. */
#define DT_BIT(dt)  (1u << (dt))
#define DT_FLOATS   (DT_BIT(F32) | DT_BIT(F16) | DT_BIT(BF16) | DT_BIT(F64))
#define DT_SIGNED   (DT_BIT(I8) | DT_BIT(I16) | DT_BIT(I32) | DT_BIT(I64))
#define DT_UNSIGNED (DT_BIT(U8) | DT_BIT(U16) | DT_BIT(U32) | DT_BIT(U64))
#define DT_INTS	    (DT_SIGNED | DT_UNSIGNED)
#define DT_NUMBERS  (DT_FLOATS | DT_INTS)
#define DT_ANY	    (DT_NUMBERS | DT_BIT(BOOL))
#define DT_PRODUCTS                                                                   \
	(DT_FLOATS | DT_BIT(I32) | DT_BIT(I64) | DT_BIT(U32) | DT_BIT(U64)) /* MatMul \
									     */

struct expr_arg {	  /* operand of expr */
	const char *text; /* a C expression */
	enum dtype dt;	  /* of the value: a short float is computed with as float */
};

struct op {
	const char *name; /* ONNX name; internal ones begin with '.' (".Map") */
	int since, until; /* opsets, inclusive; until 0: still valid */
	uint8_t min_in, max_in, min_out, max_out; /* 255: any number */
	uint32_t types;				  /* of input 0, a DT_BIT mask; 0: any */
	const struct attr_rule *attrs;		  /* ends with name NULL; NULL: none */
	size_t attr_size;
	int (*parse)(struct graph *g, struct node *n,
		     struct err *e); /* attrs -> attr; NULL: nothing to do */
	int (*infer)(struct graph *g, struct node *n,
		     struct err *e); /* output types; resolves pads etc. in attr */
	/* Plain reference: also the constant folder. out[k].data is allocated. NULL: can't be
	 * folded. */
	int (*eval)(const struct graph *g, const struct node *n, const struct tensor *in,
		    struct tensor *out, struct err *e);
	/* Writes the node as others that stand for it (expand.h), once its inputs have types; it
	 * stays where nothing comes out. NULL: it is no composite. */
	int (*expand)(struct expand *x);
	bool fold_shape; /* result depends on input shapes only (Shape, Size): fold even when inputs
			    are not constant */
	/* elementwise: C text of one result, else NULL; its C type becomes the result's (put_step
	 * in lower/expr.c) */
	void (*expr)(const void *attr, const struct expr_arg *arg, struct buf *out);
	const struct elementwise *elementwise; /* its row of elementwise.def, else NULL */
	enum op_layout layout;
	bool head; /* its kernels can apply steps to what they load of input 0, for F32 */
	bool tail; /* its kernels end in the epilogue: elementwise successors may be fused */
	struct mem_rule mem[2];
	uint64_t (*scratch)(const struct graph *g,
			    const struct node *n); /* bytes for this step only */
	int (*lower)(struct graph *g, struct node *n,
		     struct err *e); /* NULL: none (views; what fuse rewrites
				      * or refuses) */
};

/* ops.c */
const struct op *op_find(const char *name, int opset); /* NULL: unknown, or none for this opset */
bool op_known(const char *name);		       /* in any opset */
const struct op *op_at(uint32_t i);		       /* all of them, NULL past the end */
uint32_t op_types(const struct op *op);		       /* what kernels of it take, a DT_BIT mask */

/* Attribute lookup for parse: typed, with default; E_ATTR where the type differs. */
const struct attr *attr_find(const struct node *n, const char *name);
int attr_int(const struct node *n, const char *name, int64_t def, int64_t *out, struct err *e);
int attr_float(const struct node *n, const char *name, float def, float *out, struct err *e);
const char *attr_string(const struct node *n, const char *name, const char *def);
/* Axis in [-rank, rank) to [0, rank); E_ATTR otherwise. */
int axis_normal(const struct node *n, int64_t axis, int rank, int *out, struct err *e);
/* Constant integer operand (int32/int64) as int64; E_SHAPE_DYNAMIC where it is not constant. */
int const_ints(const struct graph *g, const struct node *n, uint32_t k, const int64_t **v,
	       uint32_t *count, struct err *e);

/* ---- attribute structs that lowerings read, after infer (all resolved, defaults filled) ---- */

#define SPATIAL_MAX 3
struct window { /* Conv, ConvTranspose, pools: index 0 is the outermost spatial axis */
	int nd; /* spatial axes, 1..3 */
	int64_t kernel[SPATIAL_MAX], stride[SPATIAL_MAX], dilation[SPATIAL_MAX];
	int64_t pad_lo[SPATIAL_MAX],
		pad_hi[SPATIAL_MAX]; /* auto_pad and ceil_mode resolved by infer */
};
struct conv_store {	       /* .Conv: what becomes of the convolution's result on its way out */
	int64_t shuffle;       /* block of a DepthToSpace; 1: none */
	bool column_row_depth; /* its mode CRD */
	enum pool_kind { POOL_NONE, POOL_MAX, POOL_MEAN } pool;
	int64_t window[SPATIAL_MAX];		     /* of the pool; 1: none */
	bool overlaps;				     /* else the windows stand side by side */
	int64_t step[SPATIAL_MAX], pad[SPATIAL_MAX]; /* from one to the next; in front */
	int64_t before; /* steps of the tail that come before the pool */
};
struct conv_attr { /* Conv, ConvTranspose, .Conv: inputs x, w, [bias] */
	struct window win;
	int64_t group;
	int64_t out_pad[SPATIAL_MAX]; /* ConvTranspose */
	struct conv_store store;      /* .Conv */
};
struct pool_attr { /* MaxPool, AveragePool */
	struct window win;
	bool ceil, count_include_pad;
	bool column_major; /* MaxPool's storage_order */
};
struct gemm_attr { /* Gemm: y = alpha * op(a) op(b) + beta * c */
	float alpha, beta;
	bool trans_a, trans_b;
};
struct axis_attr { /* Softmax, LogSoftmax, Concat, Gather; Split: output k begins on the axis
		    * where the sizes of the outputs before it end */
	int axis;
	bool flat; /* Softmax before opset 13: over all axes from `axis` on */
};
struct reduce_attr {	   /* Reduce*, GlobalAveragePool, GlobalMaxPool */
	enum reduce_kind { /* the kernel has these numbers, too */
			   REDUCE_MEAN,
			   REDUCE_SUM,
			   REDUCE_MAX,
			   REDUCE_MIN,
			   REDUCE_PROD,
			   REDUCE_L1,
			   REDUCE_L2,
			   REDUCE_SUM_SQUARE,
			   REDUCE_LOG_SUM,
			   REDUCE_LOG_SUM_EXP
	} kind;
	uint32_t axes; /* bit per axis */
	bool keep;
};
struct pad_attr { /* Pad: elements in front of each axis; behind it: what is left */
	enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP } mode;
	int64_t before[RANK_MAX];
	double value;
	bool by_input; /* the value is input 2 */
};
struct arg_attr { /* ArgMax, ArgMin */
	int axis;
	bool max, last;
};
struct cumsum_attr { /* CumSum */
	int axis;
	bool exclusive, reverse;
};
struct topk_attr { /* TopK */
	int axis;
	int64_t k;
	bool largest;
};
struct scatter_attr { /* ScatterElements, ScatterND */
	int axis;
	enum scatter_how {
		SCATTER_REPLACE,
		SCATTER_ADD,
		SCATTER_MUL,
		SCATTER_MAX,
		SCATTER_MIN
	} how;
};
struct lrn_attr { /* LRN */
	float alpha, beta, bias;
	int64_t size;
};
struct perm_attr { /* Transpose */
	int perm[RANK_MAX];
};
struct depth_attr { /* DepthToSpace, SpaceToDepth: a transpose of x split into six axes */
	int64_t block;
	bool column_row_depth; /* DepthToSpace's mode CRD */
	struct type split;
	int perm[6];
};
struct matmul_attr { /* .MatMul: axes of the operands, as in Transpose; MatMul has none */
	int perm_a[RANK_MAX], perm_b[RANK_MAX];
};
#define ATTENTION_Q	 0
#define ATTENTION_K	 1
#define ATTENTION_V	 2
#define ATTENTION_SCORES 3
#define ATTENTION_SPACES 4
struct attention_attr { /* .Attention: whose coordinates q, k, v and the steps' operands are read
			   from */
	struct type space[ATTENTION_SPACES]; /* [batch axes, row, column] of each */
	int perm[RANK_MAX]; /* axis of [batch axes, row, column of v] that axis i of the result is
			     */
	float scale;
	bool guard; /* a row whose probabilities are NaN is 0 */
};
/* All spaces from the scores', columns of q and k, columns of v. */
void attention_spaces(struct attention_attr *a, const struct type *scores, int64_t depth,
		      int64_t width);
struct slice_attr { /* Slice: in[i] = start[i] + step[i] * out[i] */
	int64_t start[RANK_MAX], step[RANK_MAX];
};
struct resize_attr { /* Resize, Upsample: per axis: in = f(out) */
	enum resize_mode { RESIZE_NEAREST, RESIZE_LINEAR } mode;
	enum resize_coord {
		COORD_HALF_PIXEL,
		COORD_ASYMMETRIC,
		COORD_ALIGN_CORNERS,
		COORD_PYTORCH_HALF
	} coord;
	enum resize_round {
		ROUND_PREFER_FLOOR,
		ROUND_PREFER_CEIL,
		ROUND_FLOOR,
		ROUND_CEIL,
		ROUND_OUTWARD /* before opset 11: up where the axis gets smaller, else down */
	} round;
	float scale[RANK_MAX];
};
struct cast_attr { /* Cast */
	enum dtype to;
};
struct norm_attr { /* BatchNormalization: x, scale, bias, mean, var */
	float epsilon;
};
struct view_attr {	/* .View; attribute offset */
	int64_t offset; /* elements of input 0 in front of output 0 */
};

/* Internal operators made by fuse and layout: */
extern const struct op op__Map;	 /* tail only: out[i] = tail(inputs at access); reads any layout */
extern const struct op op__View; /* output = input 0, other shape, plain, dense */
extern const struct op op__Conv; /* Conv that stores its result shuffled or pooled */
extern const struct op op_Conv;	 /* which infers for it */
extern const struct op op__MatMul;    /* MatMul of operands whose axes change places first */
extern const struct op op__Attention; /* MatMul, Softmax, MatMul */

/* ---- lowerings, one file per kernel family in compiler/lower/ ---- */
int lower_map(struct graph *g, struct node *n, struct err *e);
int lower_conv(struct graph *g, struct node *n,
	       struct err *e); /* implicit GEMM, depthwise, direct */
int lower_conv_transpose(struct graph *g, struct node *n, struct err *e);
int lower_matmul(struct graph *g, struct node *n, struct err *e); /* Gemm and MatMul */
int lower_attention(struct graph *g, struct node *n, struct err *e);
int lower_pool(struct graph *g, struct node *n, struct err *e);
int lower_reduce(struct graph *g, struct node *n, struct err *e);
int lower_softmax(struct graph *g, struct node *n, struct err *e);
int lower_resize(struct graph *g, struct node *n, struct err *e);
int lower_gather(struct graph *g, struct node *n, struct err *e);
int lower_gather_elements(struct graph *g, struct node *n, struct err *e);
int lower_gather_nd(struct graph *g, struct node *n, struct err *e);
int lower_pad(struct graph *g, struct node *n, struct err *e); /* Pad, Tile: struct pad_attr */
int lower_lrn(struct graph *g, struct node *n, struct err *e);
int lower_arg(struct graph *g, struct node *n, struct err *e);
int lower_cumsum(struct graph *g, struct node *n, struct err *e);
int lower_topk(struct graph *g, struct node *n, struct err *e);
int lower_scatter_elements(struct graph *g, struct node *n, struct err *e);
int lower_scatter_nd(struct graph *g, struct node *n, struct err *e);
int lower_concat(struct graph *g, struct node *n,
		 struct err *e); /* copies of the inputs that are not INTO */
int lower_view(struct graph *g, struct node *n, struct err *e); /* a copy where it does not share */

#endif
