/* Atomics: each against a loop in the lanes' order, then all threads of the host on one word. */
#include "tests/40emulator/emu.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

struct atom {
	const char *op, *type;
	uint64_t (*want)(uint64_t old, uint64_t v);
};

static uint64_t a_add(uint64_t x, uint64_t y)
{
	return x + y;
}
static uint64_t a_and(uint64_t x, uint64_t y)
{
	return x & y;
}
static uint64_t a_or(uint64_t x, uint64_t y)
{
	return x | y;
}
static uint64_t a_xor(uint64_t x, uint64_t y)
{
	return x ^ y;
}
static uint64_t a_minu(uint64_t x, uint64_t y)
{
	return x < y ? x : y;
}
static uint64_t a_maxu(uint64_t x, uint64_t y)
{
	return x > y ? x : y;
}
static uint64_t a_mins32(uint64_t x, uint64_t y)
{
	return (int32_t)x < (int32_t)y ? x : y;
}
static uint64_t a_maxs32(uint64_t x, uint64_t y)
{
	return (int32_t)x > (int32_t)y ? x : y;
}
static uint64_t a_mins64(uint64_t x, uint64_t y)
{
	return (int64_t)x < (int64_t)y ? x : y;
}
static uint64_t a_exch(uint64_t x, uint64_t y)
{
	(void)x;
	return y;
}
static uint64_t a_inc(uint64_t x, uint64_t y)
{
	return x >= y ? 0 : x + 1;
}
static uint64_t a_dec(uint64_t x, uint64_t y)
{
	return !x || x > y ? y : x - 1;
}
static uint64_t a_addf(uint64_t x, uint64_t y)
{
	float a, b;
	uint32_t u = (uint32_t)x, v = (uint32_t)y;

	memcpy(&a, &u, 4), memcpy(&b, &v, 4);
	a += b;
	memcpy(&u, &a, 4);
	return u;
}

/* One warp, each lane on one of 8 places, in the order of the lanes. */
struct run {
	const struct atom *atom;
	const char *space; /* "": generic */
	bool red, wide;
	uint64_t in[32], old[32], ends[8];
};

static uint64_t random_operand(const struct run *r, int lane)
{
	float v = (float)(lane % 7) + 0.5f;
	uint32_t u;

	memcpy(&u, &v, 4);
	if (r->atom->type[0] == 'f')
		return u;
	if (r->wide)
		return (uint64_t)emu_random() << 32 | emu_random();
	return r->atom->type[0] == 's' ? emu_random() : emu_random() % 40;
}

/* What every lane finds and what is left in the end; ends holds what was there at first. */
static void expected(struct run *r)
{
	for (int i = 0; i < 32; i++) {
		uint64_t *place = &r->ends[i % 8];

		r->old[i] = r->red ? 0 : *place;
		*place = r->atom->want(*place, r->in[i]);
		if (!r->wide)
			*place &= UINT32_MAX;
	}
}

static void write_ptx(const struct run *r, struct buf *out)
{
	const char *bits = r->wide ? "64" : "32", *dot = *r->space ? "." : "";
	bool near = strcmp(r->space, "global") != 0; /* the places lie in shared memory */

	buf_printf(out,
		   ".version 9.0\n.target sm_87\n.address_size 64\n"
		   ".visible .entry f(.param .u64 in, .param .u64 old, .param .u64 ends)\n{\n"
		   "\t.reg .b32 %%i, %%k;\n\t.reg .b64 %%in, %%old, %%ends, %%x, %%y, %%z, %%q;\n"
		   "\t.reg .b%s %%v, %%d;\n\t.shared .align 8 .b8 tile[64];\n"
		   "\tld.param.u64 %%in, [in];\n\tld.param.u64 %%old, [old];\n"
		   "\tld.param.u64 %%ends, [ends];\n\tmov.u32 %%i, %%tid.x;\n"
		   "\tmul.wide.u32 %%x, %%i, 8;\n\tadd.s64 %%in, %%in, %%x;\n"
		   "\tadd.s64 %%old, %%old, %%x;\n\tand.b32 %%k, %%i, 7;\n"
		   "\tmul.wide.u32 %%x, %%k, 8;\n\tadd.s64 %%z, %%ends, %%x;\n"
		   "\tld.global.b%s %%v, [%%in];\n\tmov.u64 %%y, %%z;\n",
		   bits, bits);
	if (near)
		buf_puts(out, "\tmov.u64 %y, tile;\n\tadd.s64 %y, %y, %x;\n"
			      "\tld.global.b64 %q, [%z];\n\tst.shared.b64 [%y], %q;\n"
			      "\tbar.sync 0;\n");
	if (!*r->space)
		buf_puts(out, "\tcvta.shared.u64 %y, %y;\n");
	buf_printf(out, "\t%s%s%s.%s.%s %s[%%y], %%v;\n", r->red ? "red" : "atom", dot, r->space,
		   r->atom->op, r->atom->type, r->red ? "" : "%d, ");
	if (!r->red)
		buf_printf(out, "\tst.global.b%s [%%old], %%d;\n", bits);
	if (near)
		buf_printf(out,
			   "\tbar.sync 0;\n\tld%s.b64 %%q, [%%y];\n\tst.global.b64 [%%z], %%q;\n",
			   *r->space ? ".shared" : "");
	buf_puts(out, "\tret;\n}\n");
}

static void run_atom(const struct atom *a, const char *space, bool red)
{
	struct run r = {
		a, space, red, strstr(a->type, "64"), {0}, {0}, {3, 5, 7, 11, 13, 17, 19, 23}};
	uint64_t old[32] = {0}, ends[8];
	CUdeviceptr din, dold = emu_copy(old, sizeof(old)), dends;
	void *params[] = {&din, &dold, &dends};
	struct buf ptx = BUF_INIT;
	CUmodule m;
	CUfunction f;

	for (int i = 0; i < 32; i++)
		r.in[i] = random_operand(&r, i);
	for (int k = 0; k < 8 && a->type[0] == 'f'; k++)
		r.ends[k] += 0x3f800000;
	din = emu_copy(r.in, sizeof(r.in));
	dends = emu_copy(r.ends, sizeof(r.ends));
	expected(&r);
	write_ptx(&r, &ptx);
	f = emu_load(&m, buf_str(&ptx), "f");
	if (f)
		EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 0, NULL, params, NULL),
			  CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(old, dold, sizeof(old)), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(ends, dends, sizeof(ends)), CUDA_SUCCESS);
	if (memcmp(ends, r.ends, sizeof(ends)) || memcmp(old, r.old, sizeof(old))) {
		fprintf(stderr, "%s.%s.%s.%s: wrong\n", red ? "red" : "atom", space, a->op,
			a->type);
		emu_failures++;
	}
	EXPECT_IS(cuMemFree_v2(din), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(dold), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(dends), CUDA_SUCCESS);
	buf_release(&ptx);
}

/* All blocks on all threads add to one place, and take a lock-free maximum by compare-and-swap. */
static void run_contention(void)
{
	static const char text[] = ".version 9.0\n.target sm_87\n.address_size 64\n"
				   ".global .align 4 .u32 seen = 7;\n"
				   ".visible .entry f(.param .u64 out)\n{\n"
				   "\t.reg .b32 %r<10>;\n\t.reg .b64 %d<5>;\n\t.reg .pred %p<4>;\n"
				   "\tld.param.u64 %d0, [out];\n"
				   "\tatom.global.add.u32 %r0, [%d0], 1;\n"
				   "\tred.relaxed.gpu.global.add.u32 [seen], 1;\n"
				   "\tmov.u32 %r1, %ctaid.x;\n"
				   "\tmul.lo.u32 %r1, %r1, 7919;\n"
				   "\trem.u32 %r1, %r1, 1000;\n"
				   "\tld.global.u32 %r2, [%d0+4];\n"
				   "AGAIN:\n"
				   "\tsetp.ge.u32 %p0, %r2, %r1;\n"
				   "\t@%p0 bra DONE;\n"
				   "\tmov.u32 %r3, %r2;\n"
				   "\tatom.global.cas.b32 %r2, [%d0+4], %r3, %r1;\n"
				   "\tsetp.ne.u32 %p1, %r2, %r3;\n"
				   "\t@%p1 bra AGAIN;\n"
				   "DONE:\n"
				   "\tld.global.u32 %r4, [seen];\n"
				   "\tatom.global.max.u32 %r5, [%d0+8], %r4;\n"
				   "\tret;\n}\n";
	enum { BLOCKS = 400, THREADS = 64 };
	uint32_t out[3] = {0, 0, 0}, most = 0;
	CUdeviceptr d = emu_copy(out, sizeof(out));
	void *params[] = {&d};
	CUmodule m;
	CUfunction f = emu_load(&m, text, "f");

	for (uint32_t b = 0; b < BLOCKS; b++)
		most = MAX(most, b * 7919 % 1000);
	if (!f)
		return;
	EXPECT_IS(cuLaunchKernel(f, BLOCKS, 1, 1, THREADS, 1, 1, 0, NULL, &params[0], NULL),
		  CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(out, d, sizeof(out)), CUDA_SUCCESS);
	EXPECT(out[0] == BLOCKS * THREADS);
	EXPECT(out[1] == most);
	EXPECT(out[2] == BLOCKS * THREADS + 7);
}

int main(void)
{
	static const struct atom atoms[] = {
		{"add", "u32", a_add},	  {"add", "s32", a_add},    {"add", "u64", a_add},
		{"and", "b32", a_and},	  {"or", "b32", a_or},	    {"xor", "b64", a_xor},
		{"min", "u32", a_minu},	  {"max", "u64", a_maxu},   {"min", "s32", a_mins32},
		{"max", "s32", a_maxs32}, {"min", "s64", a_mins64}, {"exch", "b32", a_exch},
		{"exch", "b64", a_exch},  {"inc", "u32", a_inc},    {"dec", "u32", a_dec},
		{"add", "f32", a_addf},
	};
	static const char *const spaces[] = {"global", "shared", ""};

	emu_start("threads=4");
	for (size_t i = 0; i < COUNT_OF(atoms); i++)
		for (size_t s = 0; s < COUNT_OF(spaces); s++) {
			run_atom(&atoms[i], spaces[s], false);
			if (strcmp(atoms[i].op, "exch") != 0)
				run_atom(&atoms[i], spaces[s], true);
		}
	run_contention();
	emu_stop();
	printf("%d failures\n", emu_failures);
	return emu_failures != 0;
}
