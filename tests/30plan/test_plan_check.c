/*
 * The proof of a plan made by hand: it passes, and counts what is needed at
 * once; each damage to one place of it is found.
 */
#include "runtime/plan_check.h"

#include <stdio.h>
#include <string.h>

enum { X, A, B, C, D, V, E, VALUES };
#define LAUNCHES 5
#define ARGS	 3

struct plan {
	struct artifact a;
	struct artifact_value v[VALUES];
	struct artifact_launch l[LAUNCHES];
	struct artifact_arg arg[LAUNCHES][ARGS];
	struct artifact_over over[LAUNCHES];
	struct artifact_kernel k[LAUNCHES];
	struct artifact_tensor input, output;
	int32_t parts[3];
};

static void value(struct plan *p, int i, int64_t width, uint64_t offset, uint32_t first,
		  uint32_t last)
{
	static const char *const names[VALUES] = {"x", "a", "b", "c", "d", "v", "e"};

	p->v[i] = (struct artifact_value){.name = names[i],
					  .dtype = "f32",
					  .node = "",
					  .op = "",
					  .rank = 2,
					  .shape = {1, width},
					  .offset = offset,
					  .width = (uint64_t)width * 4,
					  .rows = 1,
					  .first = first,
					  .last = last,
					  .made = 1,
					  .view_of = -1};
}

static struct artifact_arg whole(const struct plan *p, int v, uint8_t access)
{
	return (struct artifact_arg){.space = ARG_ARENA,
				     .offset = p->v[v].offset,
				     .bytes = p->v[v].width,
				     .rows = 1,
				     .value = v,
				     .access = access};
}

/* One launch: writes y, reads x. */
static void launch(struct plan *p, uint32_t i, const char *entry, int y, int x)
{
	p->k[i].entry = entry;
	p->arg[i][0] = whole(p, y, 2);
	p->arg[i][1] = whole(p, x, 1);
	p->l[i] = (struct artifact_launch){.kernel = i,
					   .nargs = 2,
					   .args = p->arg[i],
					   .over = &p->over[i],
					   .node = "",
					   .op = ""};
}

/* a = conv x; b = conv a; c = a, b, x side by side; d = map c, over it; e = gemv of a view of d. */
static void sound(struct plan *p)
{
	*p = (struct plan){.parts = {A, B, X}};
	value(p, X, 16, 0, 0, 2);
	value(p, A, 16, 256, 0, 3);
	value(p, B, 16, 320, 1, 3);
	value(p, C, 48, 256, 2, 3);
	value(p, D, 48, 256, 3, 4);
	value(p, V, 32, 320, 4, 4);
	value(p, E, 16, 0, 4, 5);
	p->v[X].role = VALUE_INPUT;
	p->v[E].role = VALUE_OUTPUT;
	p->v[C].axis = 1;
	p->v[C].nparts = 3;
	p->v[C].parts = p->parts;
	p->v[V].view_of = D;
	p->v[V].view_at = 64;
	launch(p, 0, "conv", A, X);
	launch(p, 1, "conv", B, A);
	launch(p, 2, "copy", C, X);
	p->arg[2][0].offset = 384;
	p->arg[2][0].bytes = 64;
	launch(p, 3, "map", D, C);
	p->l[3].nover = 1;
	p->over[3] = (struct artifact_over){0, C};
	launch(p, 4, "gemv", E, V);
	p->input = (struct artifact_tensor){.name = "x", .offset = 0, .bytes = 64};
	p->output = (struct artifact_tensor){.name = "e", .offset = 0, .bytes = 64};
	p->a = (struct artifact){.arena_bytes = 448,
				 .arena_lower_bound_bytes = 256,
				 .ninputs = 1,
				 .noutputs = 1,
				 .inputs = &p->input,
				 .outputs = &p->output,
				 .nkernels = LAUNCHES,
				 .nlaunches = LAUNCHES,
				 .kernels = p->k,
				 .launches = p->l,
				 .nvalues = VALUES,
				 .values = p->v};
}

/* ---- damages ---- */

static void move(struct plan *p, int v, uint64_t to)
{
	for (int i = 0; i < LAUNCHES; i++)
		for (int k = 0; k < ARGS; k++)
			if (p->arg[i][k].value == v && p->arg[i][k].rows)
				p->arg[i][k].offset += to - p->v[v].offset;
	p->v[v].offset = to;
}

static void licence(struct plan *p, uint32_t i, int v)
{
	p->l[i].nover = 1;
	p->over[i] = (struct artifact_over){0, (uint32_t)v};
}

static void beside(struct plan *p)
{
	p->arg[1][0].offset += 32;
}

static void moved(struct plan *p)
{
	move(p, B, 128);
}

static void on_a_live_one(struct plan *p)
{
	move(p, B, 0); /* where x is, until step 2 */
}

static void cut_short(struct plan *p)
{
	p->v[X].last = 1;
}

static void born_late(struct plan *p)
{
	p->v[A].first = 1;
}

static void unwritten(struct plan *p)
{
	p->arg[0][1] = whole(p, B, 1);
	p->v[B].first = 0;
}

static void no_copy(struct plan *p)
{
	p->l[2].nargs = 0;
}

static void half_a_copy(struct plan *p)
{
	p->arg[2][0].bytes = 32;
}

static void reordered(struct plan *p)
{
	p->parts[0] = B;
	p->parts[1] = A;
}

static void another_axis(struct plan *p)
{
	p->v[C].axis = 0;
}

static void another_type(struct plan *p)
{
	p->v[B].dtype = "i32";
}

static void constant_in_front(struct plan *p)
{
	p->parts[0] = -1 - 8;
}

static void no_licence(struct plan *p)
{
	p->l[3].nover = 0;
}

static void another_shape(struct plan *p)
{
	p->v[D].shape[0] = 48;
	p->v[D].shape[1] = 1;
}

static void another_place(struct plan *p)
{
	p->v[D].width = p->arg[3][0].bytes = 128;
	p->v[D].shape[1] = 32;
}

static void reads_neighbours(struct plan *p)
{
	p->k[3].entry = "conv";
}

static void unknown_template(struct plan *p)
{
	p->k[3].entry = "new";
}

static void licensed_conv(struct plan *p)
{
	move(p, A, 0);
	licence(p, 0, X);
}

static void view_elsewhere(struct plan *p)
{
	p->v[V].view_at = 60;
}

static void over_what_it_reads(struct plan *p)
{
	move(p, E, 320);
	p->output.offset = 320;
}

static void scratch(struct plan *p)
{
	p->arg[1][2] = (struct artifact_arg){
		.space = ARG_ARENA, .offset = 0, .bytes = 32, .rows = 1, .value = -1, .access = 2};
	p->l[1].nargs = 3;
}

static void swapped(struct plan *p)
{
	move(p, A, 320);
	move(p, B, 256);
}

static void output_elsewhere(struct plan *p)
{
	p->output.offset = 64;
}

static void output_dies(struct plan *p)
{
	p->v[E].last = 4;
}

static void goes_on_with_nothing(struct plan *p)
{
	p->arg[0][0].access = 3;
}

static void below_its_bound(struct plan *p)
{
	p->a.arena_lower_bound_bytes = 449;
}

#define DAMAGE(f)     \
	{             \
#f, f \
	}
static const struct damage {
	const char *name;
	void (*apply)(struct plan *p);
} damages[] = {
	DAMAGE(beside),
	DAMAGE(moved),
	DAMAGE(on_a_live_one),
	DAMAGE(cut_short),
	DAMAGE(born_late),
	DAMAGE(unwritten),
	DAMAGE(no_copy),
	DAMAGE(half_a_copy),
	DAMAGE(reordered),
	DAMAGE(another_axis),
	DAMAGE(another_type),
	DAMAGE(constant_in_front),
	DAMAGE(no_licence),
	DAMAGE(another_shape),
	DAMAGE(another_place),
	DAMAGE(reads_neighbours),
	DAMAGE(unknown_template),
	DAMAGE(licensed_conv),
	DAMAGE(view_elsewhere),
	DAMAGE(over_what_it_reads),
	DAMAGE(scratch),
	DAMAGE(swapped),
	DAMAGE(output_elsewhere),
	DAMAGE(output_dies),
	DAMAGE(goes_on_with_nothing),
	DAMAGE(below_its_bound),
};

int main(void)
{
	struct err e = ERR_INIT;
	struct plan p;
	uint64_t live;
	int failed = 0;

	sound(&p);
	if (plan_check(&p.a, &live, &e) < 0 || live != 256) {
		printf("the sound plan: %llu bytes at once, %s (%s)\n", (unsigned long long)live,
		       e.detail, e.hint);
		failed = 1;
	}
	err_release(&e);
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		sound(&p);
		damages[i].apply(&p);
		e = ERR_INIT;
		if (plan_check(&p.a, &live, &e) == 0 || e.code != E_PLAN_CHECK) {
			printf("%s: %s\n", damages[i].name, err_name(e.code));
			failed = 1;
		}
		err_release(&e);
	}
	return failed;
}
