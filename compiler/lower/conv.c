/*
 * Conv: chooses the kernel family, and lowers the main one, implicit GEMM:
 * packs the weights as [group][k][co].
 */
#include "compiler/lower/conv.h"
#include "compiler/lower/tile.h"
#include "compiler/ops/window.h"

#include <string.h>

static const char *const axis_names = "DHW";

void shape_of(struct shape *s, const struct graph *g, const struct node *n,
	      const struct window *win)
{
	*s = (struct shape){.x = node_in(g, n, 0),
			    .y = node_out(g, n, 0),
			    .groups = 1,
			    .shuffle = 1,
			    .window = {1, 1, 1},
			    .window_size = 1};
	s->batch = s->x->type.dim[0];
	s->ci = s->x->type.dim[1];
	s->co = s->y->type.dim[1];
	s->in_size = s->out_size = s->taps = 1;
	for (int k = 0; k < 3; k++) {
		int j = k - (3 - win->nd); /* axis of the operator, < 0: none */

		s->in[k] = j < 0 ? 1 : s->x->type.dim[2 + j];
		s->out[k] = j < 0 ? 1 : s->y->type.dim[2 + j];
		s->kernel[k] = j < 0 ? 1 : win->kernel[j];
		s->stride[k] = j < 0 ? 1 : win->stride[j];
		s->dilation[k] = j < 0 ? 1 : win->dilation[j];
		s->pad[k] = j < 0 ? 0 : win->pad_lo[j];
		s->in_size *= s->in[k];
		s->out_size *= s->out[k];
		s->taps *= s->kernel[k];
	}
}

void shape_weights(struct shape *s, const struct graph *g, const struct node *n)
{
	const struct conv_attr *a = n->attr;

	s->w = node_in(g, n, 1);
	s->b = n->nmain > 2 ? node_in(g, n, 2) : NULL;
	s->groups = a->group;
}

/* Of a .Conv: the results of the convolution, instead of what they become. */
static void shape_store(struct shape *s, const struct node *n)
{
	const struct conv_attr *a = n->attr;
	const struct window *w = &a->win;

	s->shuffle = a->store.shuffle;
	s->column_row_depth = a->store.column_row_depth;
	s->co = s->w->type.dim[0];
	s->out_size = 1;
	for (int j = 0; j < w->nd; j++) {
		int k = 3 - w->nd + j;

		s->out[k] = (s->in[k] + w->pad_lo[j] + w->pad_hi[j] - window_extent(w, j)) /
				    w->stride[j] +
			    1;
		if (a->store.overlaps)
			continue;
		s->window[k] = a->store.window[j];
		s->window_size *= s->window[k];
		s->out[k] /= s->window[k];
	}
	for (int k = 0; k < 3; k++)
		s->out_size *= s->out[k];
}

int64_t stored_count(const struct val *v)
{
	return (int64_t)(val_bytes(v) / dtype_size(v->type.dt));
}

int lanes_of(const struct val *v)
{
	return v->layout == BLOCKED ? BLOCK : 1;
}

bool shape_masked(const struct shape *s, int a)
{
	return s->pad[a] > 0 || (s->out[a] * s->window[a] - 1) * s->stride[a] +
						(s->kernel[a] - 1) * s->dilation[a] - s->pad[a] >=
					s->in[a];
}

void shape_defines(struct lower *l, const struct shape *s)
{
	const struct {
		char letter;
		const int64_t *v;
	} row[] = {{'I', s->in},     {'O', s->out},	 {'K', s->kernel},
		   {'S', s->stride}, {'D', s->dilation}, {'P', s->pad}};

	lower_define(l, "N", s->batch);
	for (size_t r = 0; r < COUNT_OF(row); r++)
		for (int k = 0; k < 3; k++) {
			char name[3] = {row[r].letter, axis_names[k], 0};

			lower_define(l, name, row[r].v[k]);
		}
	lower_define(l, "X_PITCH", s->x->pitch);
}

/* ---- implicit GEMM ---- */

static float weight_at(const struct shape *s, int64_t co, int64_t ci, int64_t tap)
{
	float f;

	memcpy(&f, (const char *)s->w->data + ((co * (s->ci / s->groups) + ci) * s->taps + tap) * 4,
	       4);
	return f;
}

/*
 * k of (input channel of the group, tap): [block][tap][channel of the block], so that the order of
 * summation is the same for either layout; a plain input's last block has no filling.
 */
static int64_t k_of(const struct shape *s, int64_t ci, int64_t tap)
{
	int64_t first = ci / BLOCK * BLOCK, width = BLOCK;

	if (s->x->layout == PLAIN)
		width = MIN(BLOCK, s->ci / s->groups - first);
	return first * s->taps + tap * width + ci - first;
}

static int64_t k_count(const struct shape *s)
{
	int64_t ci = s->ci / s->groups;

	return s->x->layout == PLAIN ? div_up(s->taps * ci, BLOCK) * BLOCK
				     : div_up(ci, BLOCK) * BLOCK * s->taps;
}

/* Channels of one pixel of a shuffled result, as its layout has them. */
static int64_t pixel_channels(const struct shape *s)
{
	int64_t c = s->co / (s->shuffle * s->shuffle);

	return s->y->layout == BLOCKED ? div_up(c, BLOCK) * BLOCK : c;
}

/* Columns of a group: its channels. Shuffled: those of one pixel stand together. */
static int64_t columns(const struct shape *s)
{
	return s->shuffle > 1 ? s->shuffle * s->shuffle * pixel_channels(s) : s->co / s->groups;
}

static int64_t column_of(const struct shape *s, int64_t c)
{
	int64_t pixels = s->shuffle * s->shuffle, channels = s->co / pixels;

	if (s->shuffle == 1)
		return c % (s->co / s->groups);
	return s->column_row_depth ? c % pixels * pixel_channels(s) + c / pixels
				   : c / channels * pixel_channels(s) + c % channels;
}

static void pack_weights(struct lower *l, const struct shape *s, int64_t co_pad)
{
	int64_t ci = s->ci / s->groups, co = s->co / s->groups, k = k_count(s);
	int64_t count = s->groups * (k + 1) * co_pad;
	float *out = NEW(l->g->arena, count, float), *bias = out + s->groups * k * co_pad;

	for (int64_t c = 0; c < s->co; c++) {
		float *to = out + c / co * k * co_pad + column_of(s, c);

		for (int64_t i = 0; i < ci; i++)
			for (int64_t t = 0; t < s->taps; t++)
				to[k_of(s, i, t) * co_pad] = weight_at(s, c, i, t);
		if (s->b)
			memcpy(&bias[c / co * co_pad + column_of(s, c)],
			       (const char *)s->b->data + c * 4, 4);
	}
	lower_weight(l, out, (uint64_t)count * sizeof(float));
}

/* Plain input: per k the offset of its element from the pixel's tap 0, and its tap's place. */
#define TAB_Z_MAX 31
#define TAB_MAX	  8191

static void pack_table(struct lower *l, const struct shape *s)
{
	int64_t count = k_count(s);
	int32_t(*tab)[2] = arena_alloc(l->g->arena, (size_t)count * sizeof(*tab));

	for (int64_t k = s->taps * s->ci; k < count; k++)
		tab[k][1] = TAB_MAX << 13; /* filling: outside of every image */
	for (int64_t tap = 0; tap < s->taps; tap++) {
		int64_t x = tap % s->kernel[2] * s->dilation[2],
			y = tap / s->kernel[2] % s->kernel[1] * s->dilation[1],
			z = tap / s->kernel[2] / s->kernel[1] * s->dilation[0];

		for (int64_t ci = 0; ci < s->ci; ci++) {
			int32_t *to = tab[k_of(s, ci, tap)];

			to[0] = (int32_t)(ci * s->in_size + (z * s->in[1] + y) * s->in[2] + x);
			to[1] = (int32_t)(z << 26 | y << 13 | x);
		}
	}
	lower_weight(l, tab, (uint64_t)count * sizeof(*tab));
}

static bool table_fits(const struct shape *s)
{
	return (s->kernel[0] - 1) * s->dilation[0] <= TAB_Z_MAX &&
	       (s->kernel[1] - 1) * s->dilation[1] < TAB_MAX &&
	       (s->kernel[2] - 1) * s->dilation[2] < TAB_MAX && s->in[1] <= TAB_MAX / 2 &&
	       s->groups == 1;
}

static bool gemm_fits(const struct shape *s)
{
	if (!val_is_const(s->w) || (s->b && !val_is_const(s->b)))
		return false;
	if (s->x->layout == PLAIN)
		return table_fits(s);
	for (int k = 0; k < 3; k++)
		if (s->kernel[k] > 32)
			return false;
	return s->groups == 1 || (s->ci / s->groups % BLOCK == 0 && s->co / s->groups % BLOCK == 0);
}

/* The tail ends with no number below zero. */
static bool is_non_negative(const struct node *n)
{
	static const char *const ops[] = {"Relu", "Sigmoid", "HardSigmoid", "Abs"};
	size_t i = n->ntail ? 0 : COUNT_OF(ops);

	while (i < COUNT_OF(ops) && strcmp(ops[i], n->tail[n->ntail - 1].op->name))
		i++;
	return i < COUNT_OF(ops);
}

/* Windows that overlap, of a pool that the results raise. */
static void define_overlap(struct lower *l, const struct node *n, const struct shape *s)
{
	const struct conv_attr *a = n->attr;

	lower_define(l, "NON_NEGATIVE", is_non_negative(n));
	for (int k = 0; k < 3; k++) {
		int j = k - (3 - a->win.nd);
		const struct {
			char letter;
			int64_t v;
		} row[] = {{'U', j < 0 ? 1 : s->y->type.dim[2 + j]},
			   {'R', j < 0 ? 1 : a->store.window[j]},
			   {'T', j < 0 ? 1 : a->store.step[j]},
			   {'Q', j < 0 ? 0 : a->store.pad[j]}};

		for (size_t r = 0; r < COUNT_OF(row); r++) {
			char name[3] = {row[r].letter, axis_names[k], 0};

			lower_define(l, name, row[r].v);
		}
	}
}

/* What becomes of the results: sizes and the epilogue. */
static void define_store(struct lower *l, const struct node *n, const struct shape *s)
{
	const struct conv_store *store = &((const struct conv_attr *)n->attr)->store;
	bool plain = s->y->layout == PLAIN;
	bool single = n->op == &op__Conv || s->out_size % 4; /* where neighbours go apart */

	lower_define(l, "Y_PLAIN", plain);
	lower_define(l, "SHUFFLE", s->shuffle);
	lower_define(l, "YC", s->shuffle > 1 ? pixel_channels(s) : columns(s) * s->groups);
	lower_define(l, "WD", s->window[0]);
	lower_define(l, "WH", s->window[1]);
	lower_define(l, "WW", s->window[2]);
	lower_define(l, "IS_MAX", store->pool == POOL_MAX);
	lower_define(l, "BEFORE", store->before > 0);
	lower_define(l, "OVERLAP", store->overlaps);
	if (store->overlaps)
		define_overlap(l, n, s);
	lower_epilogue_split(l, plain && single ? 1 : lower_vec(s->y), (uint32_t)store->before);
}

#define FILL_THREADS 128

/* What the maxima of a pool begin with. */
static int lower_fill(struct graph *g, struct node *n, const struct shape *s, struct err *e)
{
	int64_t count = stored_count(s->y);
	int vec = lower_vec(s->y);
	struct lower l;

	lower_begin(&l, g, n, "fill");
	lower_value(&l, n->out[0], 2);
	lower_define(&l, "COUNT", count);
	lower_define(&l, "THREADS", FILL_THREADS);
	buf_printf(&l.text, "#define VALUE %s\n", is_non_negative(n) ? "0.0f" : "least(0.0f)");
	lower_out(&l, vec);
	return lower_end(&l, div_up(count / vec, FILL_THREADS), 1, 1, FILL_THREADS, e);
}

static int lower_gemm_conv(struct graph *g, struct node *n, const struct shape *s, struct err *e)
{
	int64_t co = columns(s), co_pad = div_up(co, BLOCK) * BLOCK;
	int64_t pixels = s->batch * s->out_size * s->window_size;
	const struct tile *t = tile_choose(pixels, co, s->groups, 2 * n->nhead);
	bool x_plain = s->x->layout == PLAIN;
	bool raises = ((const struct conv_attr *)n->attr)->store.overlaps;
	struct lower l;

	if (raises && lower_fill(g, n, s, e) < 0)
		return -1;
	lower_begin(&l, g, n, "conv");
	lower_value(&l, n->out[0], raises ? 3 : 2);
	lower_value(&l, n->in[0], 1);
	pack_weights(&l, s, co_pad);
	if (x_plain)
		pack_table(&l, s);
	tile_defines(&l, t);
	shape_defines(&l, s);
	lower_define(&l, "GROUPS", s->groups);
	lower_define(&l, "CI", s->ci / s->groups);
	lower_define(&l, "CO", co);
	lower_define(&l, "CO_PAD", co_pad);
	lower_define(&l, "MASK_D", shape_masked(s, 0));
	lower_define(&l, "MASK_H", shape_masked(s, 1) || (x_plain && s->taps * s->ci % BLOCK != 0));
	lower_define(&l, "MASK_W", shape_masked(s, 2));
	lower_define(&l, "X_PLAIN", x_plain);
	lower_head(&l, x_plain ? 1 : 4);
	define_store(&l, n, s);
	return lower_end(&l, div_up(pixels, t->bm), s->groups * div_up(co, t->bn), 1,
			 tile_threads(t), e);
}

static bool is_pointwise(const struct shape *s)
{
	return s->in_size == 1 && s->out_size == 1 && s->taps == 1 && s->groups == 1 &&
	       s->x->layout == PLAIN && s->y->layout == PLAIN;
}

static bool is_depthwise(const struct shape *s)
{
	return s->groups == s->ci && s->ci == s->co && s->x->layout == BLOCKED &&
	       s->y->layout == BLOCKED && val_is_const(s->w) && (!s->b || val_is_const(s->b));
}

int lower_conv(struct graph *g, struct node *n, struct err *e)
{
	const struct conv_attr *a = n->attr;
	struct shape s;

	shape_of(&s, g, n, &a->win);
	shape_weights(&s, g, n);
	if (n->op == &op__Conv) {
		shape_store(&s, n);
		return lower_gemm_conv(g, n, &s, e);
	}
	if (s.y->type.dt != F32)
		return lower_conv_direct(g, n, &s, e);
	if (is_pointwise(&s))
		return lower_pointwise(g, n, &s, e);
	if (is_depthwise(&s))
		return lower_depthwise(g, n, &s, e);
	if (gemm_fits(&s))
		return lower_gemm_conv(g, n, &s, e);
	return lower_conv_direct(g, n, &s, e);
}
