/*
 * verify() lets a sound graph pass and aborts on each of these damages. Each
 * runs in a child process.
 */
#include "compiler/ops/op.h"
#include "compiler/passes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Node 0: conv %a; 1: conv %b; 2: concat %c; 3: conv %d with %b in its tail; 4: view; 5: softmax.
 */
static const char model[] = "graph \"sound\" opset 13\n"
			    "%x = input f32[1,8,4,4]\n"
			    "%w = const f32[8,8,1,1] fill=0000000000000001\n"
			    "%w2 = const f32[8,16,1,1] fill=0000000000000002\n"
			    "%shape = const i64[2] {8, 16}\n"
			    "%a = Conv %x %w\n"
			    "%b = Conv %a %w\n"
			    "%c = Concat %a %b {axis=1}\n"
			    "%d = Conv %c %w2\n"
			    "%e = Add %d %b\n"
			    "%f = Reshape %e %shape\n"
			    "%g = Softmax %f {axis=1}\n"
			    "output %g\n";

/* Node 0: a .Conv with a step before its pool and one behind; 1: one with windows that overlap. */
static const char pooling[] = "graph \"pooling\" opset 13\n"
			      "%x = input f32[1,8,4,4]\n"
			      "%w = const f32[8,8,1,1] fill=0000000000000001\n"
			      "%skip = input f32[1,8,2,2]\n"
			      "%slope = const f32[8,1,1] fill=0000000000000002\n"
			      "%h = Conv %x %w\n"
			      "%i = PRelu %h %slope\n"
			      "%j = MaxPool %i {kernel_shape=[2,2], strides=[2,2]}\n"
			      "%k = Add %j %skip\n"
			      "%l = Conv %k %w\n"
			      "%m = PRelu %l %slope\n"
			      "%n = MaxPool %m {kernel_shape=[2,2]}\n"
			      "output %n\n";

static struct graph *sound(const char *text)
{
	static int (*const passes[])(struct graph * g, struct err * e) = {
		pass_infer, pass_fuse, pass_layout, pass_order, pass_alias, pass_live, pass_plan};
	struct graph *g = graph_open();
	struct err e = ERR_INIT;

	CHECK(text_parse(g, text, &e) == 0);
	for (size_t i = 0; i < COUNT_OF(passes); i++)
		CHECK(passes[i](g, &e) == 0);
	return g;
}

static struct val *out(struct graph *g, uint32_t node)
{
	return &g->val[g->node[node].out[0]];
}

static void none(struct graph *g)
{
	(void)g;
}

static void use_before_definition(struct graph *g)
{
	g->node[0].in[0] = g->node[1].out[0];
}

static void undefined_value(struct graph *g)
{
	g->node[1].in[0] = val_add(g, "nothing", &g->val[g->input[0]].type);
}

static void wrong_definition(struct graph *g)
{
	out(g, 1)->def = 1;
}

static void dead_node(struct graph *g)
{
	g->node[2].dead = true;
}

static void lost_type(struct graph *g)
{
	out(g, 1)->type.dt = DT_NONE;
}

static void step_from_the_future(struct graph *g)
{
	g->node[3].tail[0].arg[0] = 1;
}

static void step_reads_main_input(struct graph *g)
{
	g->node[3].tail[0].arg[0] = TAIL_IN | 0;
}

static void read_out_of_range(struct graph *g)
{
	struct node *n = &g->node[3];
	struct access a = {.axis = {0, 1, 2, 3}, .start = {0, 0, 0, 1}, .step = {1, 1, 1, 1}};

	n->access = NEW(g->arena, n->nin, struct access *);
	n->access[n->nin - 1] = arena_copy(g->arena, &a, sizeof(a));
}

static void view_behind_the_end(struct graph *g)
{
	((struct view_attr *)g->node[4].attr)->offset = 4;
}

static void no_kernel(struct graph *g)
{
	g->node[5].op = op_find("Transpose", 13);
}

static void blocked_output(struct graph *g)
{
	out(g, 5)->layout = BLOCKED;
}

static void blocked_view(struct graph *g)
{
	out(g, 3)->layout = BLOCKED;
}

static void no_storage(struct graph *g)
{
	out(g, 1)->slot = 0;
}

static void beyond_the_slot(struct graph *g)
{
	g->slot[out(g, 0)->slot].size = 256;
}

static void leaf_elsewhere(struct graph *g)
{
	out(g, 1)->off -= 256;
}

/* %a and %b change places in the Concat: both are still inside it. */
static void leaves_swapped(struct graph *g)
{
	uint64_t off = out(g, 0)->off;

	CHECK(out(g, 0)->slot == out(g, 1)->slot);
	out(g, 0)->off = out(g, 1)->off;
	out(g, 1)->off = off;
}

static void view_elsewhere(struct graph *g)
{
	out(g, 4)->off += 16;
	g->slot[out(g, 4)->slot].size += 256;
}

static void dies_early(struct graph *g)
{
	out(g, 0)->last = 1;
}

static void slot_dies_early(struct graph *g)
{
	g->slot[out(g, 0)->slot].last--;
}

static void view_comes_late(struct graph *g)
{
	CHECK(out(g, 4)->slot == out(g, 3)->slot);
	out(g, 4)->first++;
}

/* %d's main input is read at other indices than its result is written. */
static void over_a_main_input(struct graph *g)
{
	struct val *c = out(g, 2), *d = out(g, 3), *f = out(g, 4), *s = out(g, 5);

	d->slot = f->slot = s->slot = c->slot;
	d->off = f->off = s->off = c->off;
	g->slot[c->slot].last = 5;
}

static void slots_overlap(struct graph *g)
{
	slot_id a = out(g, 0)->slot, b = out(g, 3)->slot;

	CHECK(a != b);
	g->slot[b].offset = g->slot[a].offset;
}

/* Where %b will stand, %x may; where %a is made while %x is read, it may not. */
static void over_a_born_part(struct graph *g)
{
	struct slot *x = &g->slot[g->val[g->input[0]].slot], *c = &g->slot[out(g, 2)->slot];

	CHECK(x->offset == c->offset + out(g, 1)->off);
	x->offset = c->offset + out(g, 0)->off;
}

static void outside_the_arena(struct graph *g)
{
	g->arena_bytes -= 256;
	g->lower_bound -= 256;
}

static void step_past_the_pool(struct graph *g)
{
	g->node[0].tail[1].arg[0] = 0;
}

static void pool_behind_the_tail(struct graph *g)
{
	((struct conv_attr *)g->node[0].attr)->store.before = 3;
}

static void pixel_before_the_pool(struct graph *g)
{
	((struct conv_attr *)g->node[0].attr)->store.before = 2;
}

static void step_behind_what_is_raised(struct graph *g)
{
	((struct conv_attr *)g->node[1].attr)->store.before = 0;
}

static const struct {
	const char *name, *model, *pass;
	void (*damage)(struct graph *g);
} cases[] = {
#define CASE_OF(model, pass, name)       \
	{                                \
#name, model, pass, name \
	}
#define CASE(pass, name) CASE_OF(model, pass, name)
	CASE("plan", none),
	CASE("onnx", use_before_definition),
	CASE("onnx", undefined_value),
	CASE("onnx", wrong_definition),
	CASE("onnx", dead_node),
	CASE("infer", lost_type),
	CASE("fuse", step_from_the_future),
	CASE("fuse", step_reads_main_input),
	CASE("fuse", read_out_of_range),
	CASE("fuse", view_behind_the_end),
	CASE("fuse", no_kernel),
	CASE_OF(pooling, "plan", none),
	CASE_OF(pooling, "fuse", step_past_the_pool),
	CASE_OF(pooling, "fuse", pool_behind_the_tail),
	CASE_OF(pooling, "fuse", pixel_before_the_pool),
	CASE_OF(pooling, "fuse", step_behind_what_is_raised),
	CASE("layout", blocked_output),
	CASE("layout", blocked_view),
	CASE("alias", no_storage),
	CASE("alias", beyond_the_slot),
	CASE("alias", leaf_elsewhere),
	CASE("alias", leaves_swapped),
	CASE("alias", view_elsewhere),
	CASE("live", dies_early),
	CASE("live", slot_dies_early),
	CASE("live", view_comes_late),
	CASE("live", over_a_main_input),
	CASE("plan", slots_overlap),
	CASE("plan", over_a_born_part),
	CASE("plan", outside_the_arena),
};

/* Signal that ended verify(), 0 if it let the graph pass. */
static int run(size_t i)
{
	int status, quiet;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct graph *g = sound(cases[i].model);

		quiet = open("/dev/null", O_WRONLY);
		dup2(quiet, 2);
		cases[i].damage(g);
		verify(g, cases[i].pass);
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

int main(void)
{
	int failures = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int want = cases[i].damage == none ? 0 : SIGABRT, have = run(i);

		if (have != want) {
			failures++;
			printf("%s: ended with %d, not %d\n", cases[i].name, have, want);
		}
	}
	printf("%zu cases\n", COUNT_OF(cases));
	return failures != 0;
}
