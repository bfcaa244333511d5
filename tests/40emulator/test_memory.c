/*
 * Loads and stores of every type, vector length and state space, contiguous,
 * scattered, the same for all lanes, under masks; atomics. The data goes from
 * global memory through the space under test and back.
 */
#include "tests/40emulator/emu.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 64, SPAN = LANES * 64 };

static const char *const types[] = {"b8",  "u8",  "s8",	 "b16", "u16", "s16", "b32",
				    "u32", "s32", "f32", "b64", "u64", "s64", "f64"};

/* How lanes find their elements. */
struct pattern {
	const char *name, *ptx; /* %i -> %k */
	uint32_t (*index)(uint32_t lane);
};

static uint32_t straight(uint32_t i)
{
	return i;
}

static uint32_t scattered(uint32_t i)
{
	return (i * 29 + 7) % LANES;
}

static uint32_t constant(uint32_t i)
{
	(void)i;
	return 5;
}

static uint32_t halves(uint32_t i)
{
	return i / 16;
}

static const struct pattern patterns[] = {
	{"straight", "\tmov.u32 %k, %i;\n", straight},
	{"scattered", "\tmad.lo.u32 %k, %i, 29, 7;\n\trem.u32 %k, %k, 64;\n", scattered},
	{"constant", "\tmov.u32 %k, 5;\n", constant},
	{"halves", "\tshr.u32 %k, %i, 4;\n", halves},
};

struct access {
	const char *space; /* of the load; "" is generic */
	const char *type;
	uint32_t bytes, count, reg; /* reg: bits of the data registers */
	const struct pattern *pattern;
	bool masked;
};

static uint32_t bytes_of(const char *type)
{
	return (uint32_t)strtoul(type + 1, NULL, 10) / 8;
}

static void vector(struct buf *out, uint32_t count)
{
	for (uint32_t k = 0; k < count; k++)
		buf_printf(out, "%s%%v%u", k ? ", " : count > 1 ? "{" : "", k);
	buf_puts(out, count > 1 ? "}" : "");
}

/* Copies the whole input into the space, so that any lane may load what another one stored. */
static void fill(struct buf *out, const struct access *a)
{
	if (!strcmp(a->space, "global"))
		return;
	buf_puts(out, "\tmov.u32 %n, 0;\nFILL:\n"
		      "\tmul.wide.u32 %x, %n, 4;\n\tadd.s64 %y, %in, %x;\n"
		      "\tld.global.u32 %t, [%y];\n");
	if (!strcmp(a->space, "local"))
		buf_puts(out,
			 "\tmov.u64 %y, near;\n\tadd.s64 %y, %y, %x;\n\tst.local.u32 [%y], %t;\n");
	else
		buf_puts(out,
			 "\tmov.u64 %y, tile;\n\tadd.s64 %y, %y, %x;\n\tst.shared.u32 [%y], %t;\n");
	buf_puts(out, "\tadd.u32 %n, %n, 1;\n\tsetp.lt.u32 %p, %n, 512;\n\t@%p bra FILL;\n"
		      "\tbar.sync 0;\n");
	if (!strcmp(a->space, "local"))
		buf_puts(out, "\tmov.u64 %in, near;\n");
	else if (!strcmp(a->space, "shared"))
		buf_puts(out, "\tmov.u64 %in, tile;\n");
	else
		buf_puts(out, "\tmov.u64 %in, tile;\n\tcvta.shared.u64 %in, %in;\n");
}

static void write_ptx(struct buf *out, const struct access *a)
{
	const char *dot = *a->space ? "." : "", *v = a->count == 1   ? ""
						     : a->count == 2 ? ".v2"
								     : ".v4";

	buf_printf(out,
		   ".version 9.0\n.target sm_87\n.address_size 64\n"
		   ".visible .entry f(.param .u64 in, .param .u64 out)\n{\n"
		   "\t.reg .b32 %%i, %%k, %%n, %%t;\n\t.reg .b64 %%in, %%out, %%x, %%y;\n"
		   "\t.reg .b%u %%v<4>;\n\t.reg .pred %%p;\n"
		   "\t.shared .align 16 .b8 tile[2048];\n\t.local .align 16 .b8 near[2048];\n"
		   "\tld.param.u64 %%in, [in];\n\tld.param.u64 %%out, [out];\n"
		   "\tmov.u32 %%i, %%tid.x;\n",
		   a->reg);
	fill(out, a);
	buf_puts(out, a->pattern->ptx);
	buf_printf(out, "\tmul.wide.u32 %%x, %%k, %u;\n\tadd.s64 %%in, %%in, %%x;\n",
		   a->bytes * a->count);
	if (a->masked)
		buf_puts(out, "\tand.b32 %t, %i, 3;\n\tsetp.eq.u32 %p, %t, 2;\n\t@%p bra END;\n");
	buf_printf(out, "\tld%s%s%s.%s ", dot, a->space, v, a->type);
	vector(out, a->count);
	buf_puts(out, ", [%in];\n");
	/* results as whole registers */
	buf_printf(out, "\tmul.wide.u32 %%x, %%i, %u;\n\tadd.s64 %%out, %%out, %%x;\n",
		   a->reg / 8 * a->count);
	buf_printf(out, "\tst.global%s.b%u [%%out], ", v, a->reg);
	vector(out, a->count);
	buf_puts(out, ";\nEND:\n\tret;\n}\n");
}

static uint64_t element(const struct access *a, const uint8_t *in, uint32_t lane, uint32_t k)
{
	uint32_t at = (a->pattern->index(lane) * a->count + k) * a->bytes;
	uint64_t v = 0;

	for (uint32_t b = 0; b < a->bytes; b++)
		v |= (uint64_t)in[at + b] << (8 * b);
	if (a->type[0] == 's' && in[at + a->bytes - 1] > 127)
		for (uint32_t b = a->bytes; b < 8; b++)
			v |= (uint64_t)255 << (8 * b);
	return v;
}

static void run_access(const struct access *a)
{
	static uint8_t in[SPAN], out[SPAN];
	CUdeviceptr din, dout = emu_memory(sizeof(out));
	void *params[] = {&din, &dout};
	struct buf ptx = BUF_INIT;
	CUmodule m;
	CUfunction f;
	bool bad = false;

	for (int i = 0; i < SPAN; i++)
		in[i] = (uint8_t)emu_random();
	din = emu_copy(in, sizeof(in));
	write_ptx(&ptx, a);
	f = emu_load(&m, buf_str(&ptx), "f");
	if (!f)
		goto done;
	EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, LANES, 1, 1, 0, NULL, params, NULL), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(out, dout, sizeof(out)), CUDA_SUCCESS);
	for (uint32_t i = 0; i < LANES; i++)
		for (uint32_t k = 0; k < a->count; k++) {
			uint64_t want =
				a->masked && i % 4 == 2 ? ~(uint64_t)0 : element(a, in, i, k);

			bad |= memcmp(out + (i * a->count + k) * a->reg / 8, &want, a->reg / 8) !=
			       0;
		}
	if (bad)
		fprintf(stderr, "ld %s v%u.%s into %u bits, %s%s: wrong\n", a->space, a->count,
			a->type, a->reg, a->pattern->name, a->masked ? ", masked" : "");
	emu_failures += bad;
	EXPECT_IS(cuModuleUnload(m), CUDA_SUCCESS);
done:
	EXPECT_IS(cuMemFree_v2(din), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(dout), CUDA_SUCCESS);
	buf_release(&ptx);
}

static int run_accesses(void)
{
	static const char *const spaces[] = {"global", "shared", "local", ""};
	int n = 0;

	for (size_t s = 0; s < COUNT_OF(spaces); s++)
		for (size_t t = 0; t < COUNT_OF(types); t++)
			for (uint32_t count = 1; count <= 4; count *= 2) {
				uint32_t bytes = bytes_of(types[t]);
				struct access a = {spaces[s], types[t], bytes, count,
						   0,	      NULL,	false};

				if (bytes * count > 16)
					continue;
				for (a.reg = MAX(bytes * 8, 16); a.reg <= 64; a.reg *= 2) {
					if (a.reg * count > 128 ||
					    (types[t][0] == 'f' && a.reg != bytes * 8))
						continue;
					a.pattern = &patterns[n++ % COUNT_OF(patterns)];
					a.masked = n / 4 % 3 == 1;
					run_access(&a);
					a.pattern = &patterns[n++ % COUNT_OF(patterns)];
					a.masked = false;
					run_access(&a);
				}
			}
	return n;
}

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

/* One warp, each lane on one of 8 places, in the order of the lanes; compared old values and ends.
 */
static void run_atom(const struct atom *a, const char *space, bool red)
{
	bool wide = strstr(a->type, "64"), is_float = a->type[0] == 'f';
	uint64_t in[32], old[32], ends[8], want_old[32], mem[8] = {3, 5, 7, 11, 13, 17, 19, 23};
	CUdeviceptr din, dold = emu_memory(sizeof(old)), dends = emu_memory(sizeof(ends));
	void *params[] = {&din, &dold, &dends};
	struct buf ptx = BUF_INIT;
	CUmodule m;
	CUfunction f;

	for (int i = 0; i < 32; i++) {
		float v = (float)(i % 7) + 0.5f;
		uint32_t u;

		memcpy(&u, &v, 4);
		in[i] = is_float ? u
			: wide	 ? (uint64_t)emu_random() << 32 | emu_random()
				 : emu_random() % 40;
		if (!wide && a->type[0] == 's')
			in[i] = emu_random();
	}
	for (int k = 0; k < 8 && is_float; k++)
		mem[k] = 0x3f800000 + (uint64_t)k;
	din = emu_copy(in, sizeof(in));
	EXPECT_IS(cuMemcpyHtoD_v2(dends, mem, sizeof(mem)), CUDA_SUCCESS);
	EXPECT_IS(cuMemsetD8_v2(dold, 0, sizeof(old)), CUDA_SUCCESS);
	for (int i = 0; i < 32; i++) {
		want_old[i] = red ? 0 : mem[i % 8];
		mem[i % 8] = a->want(mem[i % 8], in[i]);
		if (!wide)
			mem[i % 8] &= UINT32_MAX;
	}
	buf_printf(
		&ptx,
		".version 9.0\n.target sm_87\n.address_size 64\n"
		".visible .entry f(.param .u64 in, .param .u64 old, .param .u64 ends)\n{\n"
		"\t.reg .b32 %%i, %%k;\n\t.reg .b64 %%in, %%old, %%ends, %%x, %%y, %%z, %%q;\n"
		"\t.reg .b%s %%v, %%d;\n\t.shared .align 8 .b8 tile[64];\n"
		"\tld.param.u64 %%in, [in];\n\tld.param.u64 %%old, [old];\n"
		"\tld.param.u64 %%ends, [ends];\n\tmov.u32 %%i, %%tid.x;\n"
		"\tmul.wide.u32 %%x, %%i, 8;\n\tadd.s64 %%in, %%in, %%x;\n\tadd.s64 %%old, %%old, "
		"%%x;\n"
		"\tand.b32 %%k, %%i, 7;\n\tmul.wide.u32 %%x, %%k, 8;\n\tadd.s64 %%z, %%ends, %%x;\n"
		"\tld.global.b%s %%v, [%%in];\n",
		wide ? "64" : "32", wide ? "64" : "32");
	if (strcmp(space, "global") != 0) {
		buf_puts(&ptx,
			 "\tmov.u64 %y, tile;\n\tadd.s64 %y, %y, %x;\n"
			 "\tld.global.b64 %q, [%z];\n\tst.shared.b64 [%y], %q;\n\tbar.sync 0;\n");
		if (!*space)
			buf_puts(&ptx, "\tcvta.shared.u64 %y, %y;\n");
	} else {
		buf_puts(&ptx, "\tmov.u64 %y, %z;\n");
	}
	buf_printf(&ptx, "\t%s%s%s.%s.%s %s[%%y], %%v;\n", red ? "red" : "atom", *space ? "." : "",
		   space, a->op, a->type, red ? "" : "%d, ");
	if (!red)
		buf_printf(&ptx, "\tst.global.b%s [%%old], %%d;\n", wide ? "64" : "32");
	if (strcmp(space, "global") != 0)
		buf_printf(&ptx,
			   "\tbar.sync 0;\n%s\tld.b64 %%q, [%%y];\n\tst.global.b64 [%%z], %%q;\n",
			   *space ? "\tcvta.shared.u64 %y, %y;\n" : "");
	buf_puts(&ptx, "\tret;\n}\n");
	f = emu_load(&m, buf_str(&ptx), "f");
	if (f) {
		EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 0, NULL, params, NULL),
			  CUDA_SUCCESS);
		EXPECT_IS(cuMemcpyDtoH_v2(old, dold, sizeof(old)), CUDA_SUCCESS);
		EXPECT_IS(cuMemcpyDtoH_v2(ends, dends, sizeof(ends)), CUDA_SUCCESS);
		if (memcmp(ends, mem, sizeof(mem)) || memcmp(old, want_old, sizeof(old))) {
			fprintf(stderr, "%s.%s.%s.%s: wrong\n", red ? "red" : "atom", space, a->op,
				a->type);
			emu_failures++;
		}
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
	int n;

	emu_start("threads=4");
	n = run_accesses();
	for (size_t i = 0; i < COUNT_OF(atoms); i++)
		for (size_t s = 0; s < COUNT_OF(spaces); s++) {
			run_atom(&atoms[i], spaces[s], false);
			if (strcmp(atoms[i].op, "exch") != 0)
				run_atom(&atoms[i], spaces[s], true);
		}
	run_contention();
	emu_stop();
	printf("%d loads, %d failures\n", n, emu_failures);
	return emu_failures != 0;
}
