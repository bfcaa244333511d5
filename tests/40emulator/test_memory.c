/*
 * Loads and stores of every type, vector length and state space, contiguous,
 * scattered, the same for all lanes, under masks. The data goes from global
 * memory through the space under test and back.
 */
#include "tests/40emulator/emu.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Input, then the results; behind them, and in the upper half of the spaces, what is stored again.
 */
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

static void vector(struct buf *out, char name, uint32_t count)
{
	for (uint32_t k = 0; k < count; k++)
		buf_printf(out, "%s%%%c%u", k ? ", " : count > 1 ? "{" : "", name, k);
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
		   "\t.reg .b%u %%v<4>, %%w<4>;\n\t.reg .b64 %%z;\n\t.reg .pred %%p;\n"
		   "\t.shared .align 16 .b8 tile[4096];\n\t.local .align 16 .b8 near[4096];\n"
		   "\tld.param.u64 %%in, [in];\n\tld.param.u64 %%out, [out];\n"
		   "\tmov.u32 %%i, %%tid.x;\n",
		   a->reg);
	fill(out, a);
	buf_printf(out, "\tmul.wide.u32 %%z, %%i, %u;\n\tadd.s64 %%z, %%z, %s;\n",
		   a->bytes * a->count, strcmp(a->space, "global") ? "%in" : "%out");
	buf_printf(out, "\tadd.s64 %%z, %%z, %d;\n", strcmp(a->space, "global") ? 2048 : SPAN);
	buf_puts(out, a->pattern->ptx);
	buf_printf(out, "\tmul.wide.u32 %%x, %%k, %u;\n\tadd.s64 %%in, %%in, %%x;\n",
		   a->bytes * a->count);
	if (a->masked)
		buf_puts(out, "\tand.b32 %t, %i, 3;\n\tsetp.eq.u32 %p, %t, 2;\n\t@%p bra END;\n");
	buf_printf(out, "\tld%s%s%s.%s ", dot, a->space, v, a->type);
	vector(out, 'v', a->count);
	/* there and back through a store of the same form */
	buf_printf(out, ", [%%in];\n\tst%s%s%s.%s [%%z], ", dot, a->space, v, a->type);
	vector(out, 'v', a->count);
	buf_printf(out, ";\n\tld%s%s%s.%s ", dot, a->space, v, a->type);
	vector(out, 'w', a->count);
	buf_puts(out, ", [%z];\n");
	/* results as whole registers */
	buf_printf(out, "\tmul.wide.u32 %%x, %%i, %u;\n\tadd.s64 %%out, %%out, %%x;\n",
		   a->reg / 8 * a->count);
	buf_printf(out, "\tst.global%s.b%u [%%out], ", v, a->reg);
	vector(out, 'w', a->count);
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
	static uint8_t in[SPAN], out[2 * SPAN];
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
					a.pattern = &patterns[(size_t)n++ % COUNT_OF(patterns)];
					a.masked = n / 4 % 3 == 1;
					run_access(&a);
					a.pattern = &patterns[(size_t)n++ % COUNT_OF(patterns)];
					a.masked = false;
					run_access(&a);
				}
			}
	return n;
}

int main(void)
{
	int n;

	emu_start("threads=4");
	n = run_accesses();
	emu_stop();
	printf("%d accesses, %d failures\n", n, emu_failures);
	return emu_failures != 0;
}
