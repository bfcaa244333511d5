#include "tests/40emulator/forms.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define LANES	 1536
#define SENTINEL 0x5a5a5a5a5a5a5a5au

enum mode { WHOLE, BRANCH, GUARD, MODES };

int form_count;

static const uint64_t ints[] = {0,
				1,
				2,
				3,
				5,
				7,
				8,
				15,
				16,
				17,
				24,
				31,
				32,
				33,
				40,
				63,
				64,
				65,
				100,
				127,
				128,
				129,
				255,
				256,
				257,
				0x7fff,
				0x8000,
				0x8001,
				0xffff,
				0x10000,
				0x7fffff,
				0x800000,
				0x7fffffff,
				0x80000000,
				0x80000001,
				0xfffffffe,
				0xffffffff,
				0x100000000,
				0x7fffffffffffffff,
				0x8000000000000000,
				0xfffffffffffffffe,
				0xffffffffffffffff,
				0xffffff80,
				0xffff8000};
static const float floats[] = {0,
			       -0.0f,
			       1,
			       -1,
			       0.5f,
			       -0.5f,
			       1.5f,
			       -1.5f,
			       2.5f,
			       -2.5f,
			       3.5f,
			       0.25f,
			       127,
			       128,
			       -128,
			       -129,
			       255,
			       255.5f,
			       256,
			       32767,
			       32768,
			       -32768,
			       -32769,
			       65535,
			       65536,
			       65504,
			       65519,
			       65520,
			       8388607,
			       8388608,
			       16777216,
			       2147483520.0f,
			       2147483648.0f,
			       -2147483648.0f,
			       4294967040.0f,
			       4294967296.0f,
			       9.2233720e18f,
			       1.8446744e19f,
			       -9.2233720e18f,
			       1e30f,
			       -1e30f,
			       3.4028235e38f,
			       -3.4028235e38f,
			       1.17549435e-38f,
			       -1.17549435e-38f,
			       1e-40f,
			       -1e-40f,
			       1.4e-45f,
			       -1.4e-45f,
			       5.9604645e-8f,
			       6.1035156e-5f,
			       3.0e-5f,
			       INFINITY,
			       -INFINITY,
			       NAN,
			       -NAN,
			       0.1f,
			       3.1415927f,
			       -0.33333334f,
			       2.9802322e-8f,
			       20,
			       -20,
			       88,
			       -88,
			       126,
			       -126,
			       149.5f,
			       -149.5f};

static uint32_t bits_in(const char *type)
{
	if (!strcmp(type, "pred"))
		return 1;
	if (strstr(type, "x2") || !strcmp(type, "small") || !strcmp(type, "finite"))
		return 32;
	return (uint32_t)strtoul(type + strcspn(type, "0123456789"), NULL, 10);
}

static uint64_t random64(void)
{
	return (uint64_t)emu_random() << 32 | emu_random();
}

static uint64_t random_float_bits(uint32_t bits, uint32_t pick)
{
	float f = pick < 3   ? floats[emu_random() % COUNT_OF(floats)]
		  : pick < 6 ? emu_random_float() * (float)(1 << pick)
			     : emu_random_float() * 1e6f;

	if (pick == 7)
		return random64();
	return bits == 32 ? bits32(f) : bits64((double)f + (pick == 4 ? 1e-9 : 0));
}

static uint64_t random_half_bits(bool pair)
{
	uint64_t v =
		half_nearest((long double)(emu_random_float() * (float)(1 << emu_random() % 12)));

	return pair ? v | half_nearest((long double)emu_random_float()) << 16 : v;
}

static uint64_t random_int_bits(uint32_t pick)
{
	return pick < 4 ? ints[emu_random() % COUNT_OF(ints)] : random64() >> emu_random() % 64;
}

static uint64_t random_value(const char *type)
{
	uint32_t bits = bits_in(type), pick = emu_random() % 8;
	bool half = !strncmp(type, "f16", 3), pair = !strcmp(type, "f16x2");
	uint64_t v;

	if (!strcmp(type, "small"))
		return bits32(emu_random_float() * 8);
	if (!strcmp(type, "finite"))
		return random64() & 0xbf7fffff;
	if (half)
		v = pick < 6 ? random_half_bits(pair) : random_int_bits(pick);
	else
		v = type[0] == 'f' ? random_float_bits(bits, pick) : random_int_bits(pick);
	return bits == 64 ? v : v & (((uint64_t)1 << bits) - 1);
}

/* %a and its predicate, for one operand; registers are of the type's width. */
static void operand(struct buf *out, char name, const char *type, int index)
{
	uint32_t bits = type ? bits_in(type) : 0;

	if (!type)
		return;
	if (bits == 1) {
		buf_printf(out, "\tld.global.u32 %%t, [%%in+%d];\n\tand.b32 %%t, %%t, 1;\n",
			   index * 8);
		buf_printf(out, "\tsetp.ne.u32 %%p%c, %%t, 0;\n", name);
	} else if (bits == 8) {
		buf_printf(out, "\tld.global.u8 %%%c, [%%in+%d];\n", name, index * 8);
	} else {
		buf_printf(out, "\tld.global.b%u %%%c, [%%in+%d];\n", bits, name, index * 8);
	}
}

static void declare(struct buf *out, char name, const char *type)
{
	uint32_t bits = type ? bits_in(type) : 1;

	if (bits > 1)
		buf_printf(out, "\t.reg .b%u %%%c;\n", bits < 16 ? 16 : bits, name);
}

static void write_ptx(const struct form_case *f, enum mode mode, struct buf *out)
{
	bool pred = !strcmp(f->d, "pred");
	uint32_t bits = pred ? 32 : bits_in(f->d);

	buf_puts(out, ".version 9.0\n.target sm_87\n.address_size 64\n"
		      ".visible .entry f(.param .u64 in, .param .u64 out)\n{\n"
		      "\t.reg .b32 %i, %t, %r;\n\t.reg .b64 %in, %out, %at;\n"
		      "\t.reg .pred %pa, %pb, %pc, %pd, %qd, %on;\n");
	if (!pred)
		declare(out, 'd', f->d);
	declare(out, 'a', f->a);
	declare(out, 'b', f->b);
	declare(out, 'c', f->c);
	buf_puts(out, "\tld.param.u64 %in, [in];\n\tld.param.u64 %out, [out];\n"
		      "\tmov.u32 %i, %tid.x;\n\tmov.u32 %t, %ctaid.x;\n\tmov.u32 %r, %ntid.x;\n"
		      "\tmad.lo.s32 %i, %t, %r, %i;\n"
		      "\tmul.wide.u32 %at, %i, 24;\n\tadd.s64 %in, %in, %at;\n"
		      "\tmul.wide.u32 %at, %i, 8;\n\tadd.s64 %out, %out, %at;\n"
		      "\trem.u32 %t, %i, 3;\n\tsetp.ne.u32 %on, %t, 1;\n");
	operand(out, 'a', f->a, 0);
	operand(out, 'b', f->b, 1);
	operand(out, 'c', f->c, 2);
	if (pred)
		buf_puts(out, "\tsetp.ne.u32 %pd, %i, %i;\n\tsetp.ne.u32 %qd, %i, %i;\n");
	else
		buf_printf(out, "\tmov.b%u %%d, %s;\n", MAX(bits, 16),
			   bits == 64	? "0x5a5a5a5a5a5a5a5a"
			   : bits == 32 ? "0x5a5a5a5a"
					: "0x5a5a");
	if (mode == BRANCH)
		buf_puts(out, "\t@!%on bra SKIP;\n");
	buf_printf(out, "\t%s%s;\n", mode == GUARD ? "@%on " : "", f->insn);
	if (mode == BRANCH)
		buf_puts(out, "SKIP:\n");
	if (pred) {
		buf_puts(out, "\tselp.b32 %r, 1, 0, %pd;\n\tselp.b32 %t, 2, 0, %qd;\n"
			      "\tadd.u32 %r, %r, %t;\n\tst.global.u32 [%out], %r;\n");
	} else {
		buf_printf(out, "\tst.global.b%u [%%out], %%d;\n", MAX(bits, 16));
	}
	buf_puts(out, "\tret;\n}\n");
}

static double number(const char *type, uint64_t bits)
{
	if (!strncmp(type, "f16", 3))
		return half_value(bits);
	return !strcmp(type, "f32") ? (double)f32_of(bits) : f64_of(bits);
}

static bool same_number(const struct form_case *f, uint64_t got, uint64_t want)
{
	double g = number(f->d, got), w = number(f->d, want);

	if (isnan(w) || isnan(g))
		return isnan(w) && isnan(g);
	return f->compare == CLOSE && fabs(g - w) <= f->tolerance * fabs(w) + 1e-44;
}

static bool matches(const struct form_case *f, uint64_t got, uint64_t want)
{
	if (got == want || f->d[0] != 'f')
		return got == want;
	if (strcmp(f->d, "f16x2") != 0)
		return same_number(f, got, want);
	for (int k = 0; k < 32; k += 16)
		if ((got >> k & 0xffff) != (want >> k & 0xffff) &&
		    !same_number(f, got >> k & 0xffff, want >> k & 0xffff))
			return false;
	return true;
}

static void check(const struct form_case *f, enum mode mode, const uint64_t *in,
		  const uint64_t *out)
{
	static const char *const names[] = {"whole", "branch", "guard"};
	uint32_t bits = !strcmp(f->d, "pred") ? 2 : bits_in(f->d);
	uint64_t mask = bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
	int bad = 0;

	for (int i = 0; i < LANES; i++) {
		bool on = mode == WHOLE || i % 3 != 1;
		uint64_t off = !strcmp(f->d, "pred") ? 0 : SENTINEL;
		uint64_t want = on ? f->want(f, in[3 * i], in[3 * i + 1], in[3 * i + 2]) : off;
		uint64_t got = out[i] & mask;

		if (on ? matches(f, got, want & mask) : got == (off & mask))
			continue;
		if (!bad++)
			fprintf(stderr, "%s (%s): a=%llx b=%llx c=%llx: %llx, not %llx\n", f->insn,
				names[mode], (unsigned long long)in[3 * i],
				(unsigned long long)in[3 * i + 1],
				(unsigned long long)in[3 * i + 2], (unsigned long long)got,
				(unsigned long long)(want & mask));
	}
	if (bad) {
		fprintf(stderr, "%s (%s): %d of %d lanes are wrong\n", f->insn, names[mode], bad,
			LANES);
		emu_failures++;
	}
}

/* The compiler labels PTX by this table: an opcode that is run here must be in it. */
static void expect_row(const char *insn)
{
	static const char *const rows[] = {
#define PTX_OP(prefix, version) prefix,
#include "runtime/ptx.def"
#undef PTX_OP
	};
	size_t len = strcspn(insn, ". ");

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strlen(rows[i]) == len && !memcmp(rows[i], insn, len))
			return;
	emu_fail(insn, 0, "is not in runtime/ptx.def");
}

void form_run(const struct form_case *f)
{
	static uint64_t in[3 * LANES], out[LANES];
	const char *types[3] = {f->a, f->b, f->c};
	static CUdeviceptr din, dout;
	void *params[] = {&din, &dout};

	if (!din) {
		din = emu_memory(sizeof(in));
		dout = emu_memory(sizeof(out));
	}
	for (int i = 0; i < 3 * LANES; i++)
		in[i] = types[i % 3] ? random_value(types[i % 3]) : 0;
	EXPECT_IS(cuMemcpyHtoD_v2(din, in, sizeof(in)), CUDA_SUCCESS);
	form_count++;
	expect_row(f->insn);
	for (enum mode mode = WHOLE; mode < MODES; mode++) {
		struct buf ptx = BUF_INIT;
		CUmodule m;
		CUfunction k;

		write_ptx(f, mode, &ptx);
		if (cuModuleLoadData(&m, buf_str(&ptx))) {
			emu_fail(f->insn, 0, "does not load");
			buf_release(&ptx);
			return;
		}
		EXPECT_IS(cuModuleGetFunction(&k, m, "f"), CUDA_SUCCESS);
		EXPECT_IS(cuMemsetD8_v2(dout, 0, sizeof(out)), CUDA_SUCCESS);
		EXPECT_IS(cuLaunchKernel(k, LANES / 128, 1, 1, 128, 1, 1, 0, NULL, params, NULL),
			  CUDA_SUCCESS);
		EXPECT_IS(cuMemcpyDtoH_v2(out, dout, sizeof(out)), CUDA_SUCCESS);
		EXPECT_IS(cuModuleUnload(m), CUDA_SUCCESS);
		check(f, mode, in, out);
		buf_release(&ptx);
	}
}

double half_value(uint64_t bits)
{
	uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
	double v = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
		   : exponent	  ? ldexp(1024 + fraction, (int)exponent - 25)
				  : ldexp(fraction, -24);

	return bits & 0x8000 ? -v : v;
}

/* Halves of one sign are ordered like their bits: the two around v, then the nearer or even one. */
uint64_t half_nearest(long double v)
{
	uint64_t sign = signbit(v) ? 0x8000 : 0, lo = 0, hi = 0x7c00;
	long double a = fabsl(v), below, above;

	if (isnan(v))
		return 0x7fff;
	if (a >= 65520)
		return sign | 0x7c00;
	while (hi - lo > 1) {
		uint64_t mid = (lo + hi) / 2;

		if ((long double)half_value(mid) <= a)
			lo = mid;
		else
			hi = mid;
	}
	below = a - (long double)half_value(lo);
	above = (hi == 0x7c00 ? 65536 : (long double)half_value(hi)) - a;
	return sign | (below < above || (below == above && !(lo & 1)) ? lo : hi);
}

void form_start(void)
{
	const char *isa = getenv("EMULATOR_ISA");
	char config[64] = "threads=1";

	if (isa)
		snprintf(config, sizeof(config), "threads=1,isa=%s", isa);
	unsetenv("OCCAMY_EMULATOR_DEFAULTS");
	setenv("OCCAMY_EMULATOR", config, 1);
	if (isa && cuInit(0)) {
		printf("this machine has no %s\n", isa);
		exit(77);
	}
	emu_start(config);
}

int form_end(void)
{
	emu_stop();
	printf("%d instructions, %d failures\n", form_count, emu_failures);
	return emu_failures != 0;
}
