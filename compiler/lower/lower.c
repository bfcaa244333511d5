/*
 * Lower: each node becomes launches: a template, the text in front of it,
 * arguments with the exact regions they touch, a grid. Constants become
 * packed weights. Needs plan (offsets inside slots, pitches); sets
 * graph.launch, graph.weight, node.launch, node.nlaunch.
 */
#include "compiler/lower/lower.h"

#include "compiler/passes.h"
#include "compiler/rewrites.h"

#include <string.h>

#define WEIGHT_ALIGN 256
#define ELEMENTS_MAX INT32_MAX /* kernels count elements in 32 bits */
#define GRID_X_MAX   INT32_MAX
#define GRID_YZ_MAX  65535

void lower_begin(struct lower *l, struct graph *g, struct node *n, const char *kernel)
{
	*l = (struct lower){.g = g, .n = n, .launch = {.kernel = kernel}};
	l->launch.arg = NEW(g->arena, LOWER_ARGS_MAX, struct karg);
	l->launch.node = (uint32_t)(n - g->node);
}

void lower_define(struct lower *l, const char *name, int64_t value)
{
	buf_printf(&l->text, "#define %s %lld\n", name, (long long)value);
}

void lower_type(struct lower *l, const char *name, enum dtype dt)
{
	buf_printf(&l->text, "typedef %s %s;\n", dtype_name(dt), name);
}

enum dtype lower_move_type(enum dtype dt)
{
	return dt == F16 || dt == BF16 ? U16 : dt;
}

static void add_arg(struct lower *l, const struct karg *k)
{
	if (l->launch.nargs < LOWER_ARGS_MAX)
		l->launch.arg[l->launch.nargs++] = *k;
	else
		l->too_many = true;
}

void lower_region(struct lower *l, val_id v, uint8_t access, const struct region *r)
{
	bool dense = r->rows <= 1 || r->pitch == r->width;

	add_arg(l, &(struct karg){.kind = KARG_VAL,
				  .access = access,
				  .val = v,
				  .offset = r->offset,
				  .pitch = dense ? 0 : r->pitch,
				  .width = dense ? r->width * r->rows : r->width,
				  .rows = dense ? 1 : r->rows});
}

void lower_value(struct lower *l, val_id v, uint8_t access)
{
	const struct val *val = &l->g->val[v];
	uint64_t size = dtype_size(val->type.dt);

	lower_region(l, v, access,
		     &(struct region){.pitch = (uint64_t)val->pitch * size,
				      .width = (uint64_t)val_item(val) * size,
				      .rows = val->type.rank ? (uint64_t)val->type.dim[0] : 1});
}

/* Equal bytes are stored once. */
static uint32_t find_weight(const struct graph *g, const void *data, uint64_t bytes)
{
	uint32_t i = rewrite_on(g, REWRITE_CONSTANTS) ? 0 : g->nweight;

	while (i < g->nweight &&
	       (g->weight[i].bytes != bytes || memcmp(g->weight[i].data, data, bytes) != 0))
		i++;
	return i;
}

void lower_weight(struct lower *l, const void *data, uint64_t bytes)
{
	struct graph *g = l->g;
	uint32_t i = find_weight(g, data, bytes);

	if (i == g->nweight) {
		g->weight = GROW(g->arena, g->weight, g->nweight);
		g->weight[g->nweight++] =
			(struct weight){data, bytes, round_up(g->weights_bytes, WEIGHT_ALIGN)};
		g->weights_bytes = g->weight[i].offset + bytes;
	}
	add_arg(l,
		&(struct karg){
			.kind = KARG_WEIGHT, .access = 1, .weight = i, .width = bytes, .rows = 1});
}

void lower_operand(struct lower *l, val_id v)
{
	const struct val *val = &l->g->val[v];

	if (val_is_const(val))
		lower_weight(l, val->data, type_bytes(&val->type));
	else
		lower_value(l, v, 1);
}

int lower_drop(struct lower *l)
{
	buf_release(&l->text);
	return -1;
}

static uint64_t arg_elements(const struct graph *g, const struct karg *k)
{
	uint64_t bytes = k->offset + (k->rows - 1) * k->pitch + k->width;

	return bytes / (k->kind == KARG_VAL ? dtype_size(g->val[k->val].type.dt) : 4);
}

int lower_end(struct lower *l, int64_t gx, int64_t gy, int64_t gz, uint32_t threads, struct err *e)
{
	struct graph *g = l->g;
	const struct node *n = l->n;
	uint64_t largest = 0;

	for (uint32_t i = 0; i < l->launch.nargs; i++)
		largest = MAX(largest, arg_elements(g, &l->launch.arg[i]));
	if (l->too_many || largest > ELEMENTS_MAX || gx > GRID_X_MAX || gy > GRID_YZ_MAX ||
	    gz > GRID_YZ_MAX) {
		fail(e, E_LIMIT_KERNEL,
		     "node '%s' needs a kernel of %u operands, the largest of %llu elements, grid "
		     "%lld x %lld x %lld",
		     n->name, l->launch.nargs, (unsigned long long)largest, (long long)gx,
		     (long long)gy, (long long)gz);
		node_blame(n, e);
		return lower_drop(l);
	}
	if (gx && gy && gz) { /* nothing to do for tensors without elements */
		l->launch.grid[0] = (uint32_t)gx;
		l->launch.grid[1] = (uint32_t)gy;
		l->launch.grid[2] = (uint32_t)gz;
		l->launch.block[0] = threads;
		l->launch.block[1] = l->launch.block[2] = 1;
		l->launch.defines = arena_strdup(g->arena, buf_str(&l->text));
		l->launch.arg =
			arena_copy(g->arena, l->launch.arg, l->launch.nargs * sizeof(struct karg));
		g->launch = GROW(g->arena, g->launch, g->nlaunch);
		g->launch[g->nlaunch++] = l->launch;
	}
	buf_release(&l->text);
	return 0;
}

/* Results without elements need no kernel. */
static bool is_empty(const struct graph *g, const struct node *n)
{
	for (uint32_t k = 0; k < n->nout; k++)
		if (n->out[k] && type_count(&g->val[n->out[k]].type))
			return false;
	return true;
}

int pass_lower(struct graph *g, struct err *e)
{
	for (uint32_t i = 0; i < g->nnode; i++) {
		struct node *n = &g->node[i];

		n->launch = g->nlaunch;
		if (n->op->lower && !is_empty(g, n) && n->op->lower(g, n, e) < 0)
			return -1;
		n->nlaunch = g->nlaunch - n->launch;
	}
	return 0;
}
