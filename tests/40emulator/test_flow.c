/*
 * Control flow: kernels as PTX text whose branches diverge lane by lane,
 * against the same program run lane by lane in C; barriers, shuffles, votes.
 */
#include "tests/40emulator/emu.h"

#include <stdio.h>
#include <string.h>

enum { THREADS = 96, BLOCKS = 3, ALL = THREADS * BLOCKS };

#define HEAD                                                                                \
	".version 9.0\n.target sm_87\n.address_size 64\n"                                   \
	".visible .entry f(.param .u64 in, .param .u64 out)\n{\n"                           \
	"\t.reg .b32 %r<40>;\n\t.reg .b64 %d<10>;\n\t.reg .pred %p<20>;\n"                  \
	"\t.shared .align 4 .b8 tile[1024];\n"                                              \
	"\tld.param.u64 %d0, [in];\n\tld.param.u64 %d1, [out];\n"                           \
	"\tmov.u32 %r0, %tid.x;\n\tmov.u32 %r1, %ctaid.x;\n\tmov.u32 %r2, %ntid.x;\n"       \
	"\tmad.lo.s32 %r3, %r1, %r2, %r0;\n\tmul.wide.u32 %d2, %r3, 4;\n"                   \
	"\tadd.s64 %d0, %d0, %d2;\n\tadd.s64 %d1, %d1, %d2;\n\tld.global.u32 %r4, [%d0];\n" \
	"\tmov.u32 %r5, 0;\n"
#define TAIL "\tst.global.u32 [%d1], %r5;\n\tret;\n}\n" FUNCTIONS
/* collatz(x) as a function with two ways out; twice(x) calls it twice and keeps a sum in memory. */
#define FUNCTIONS                                                                       \
	".func (.param .b32 result) collatz (.param .b32 x)\n{\n"                       \
	"\t.reg .b32 %r<8>;\n\t.reg .pred %p<3>;\n\tld.param.u32 %r4, [x];\n"           \
	"\tmov.u32 %r5, 0;\n"                                                           \
	"LOOP:\n\tsetp.ne.u32 %p0, %r4, 1;\n\t@%p0 bra GO;\n"                           \
	"\tst.param.b32 [result], %r5;\n\tret;\n"                                       \
	"GO:\n\tsetp.eq.u32 %p1, %r5, 20;\n\t@%p1 st.param.b32 [result+0], 1000;\n"     \
	"\t@%p1 ret;\n\tadd.u32 %r5, %r5, 1;\n\tand.b32 %r6, %r4, 1;\n"                 \
	"\tsetp.eq.u32 %p2, %r6, 0;\n\t@%p2 bra EVEN;\n\tmad.lo.u32 %r4, %r4, 3, 1;\n"  \
	"\tbra.uni LOOP;\n"                                                             \
	"EVEN:\n\tshr.u32 %r4, %r4, 1;\n\tbra LOOP;\n}\n"                               \
	".func (.param .align 4 .b8 both[8]) twice (.param .b32 a, .param .b32 b)\n{\n" \
	"\t.reg .b32 %r<8>;\n" CALL("a", "%r1")                                         \
		CALL("b", "%r2") "\tst.param.v2.b32 [both], {%r1, %r2};\n\tret.uni;\n}\n"
#define CALL(from, to)                                                                \
	"\t{\n\t.param .b32 p;\n\t.param .b32 q;\n\tld.param.u32 %r3, [" from "];\n"  \
	"\tst.param.b32 [p], %r3;\n\tcall.uni (q), collatz, (p);\n\tld.param.b32 " to \
	", [q];\n\t}\n"

/* %r4 is the input x, %r5 the result, 0 at first; %r0 the thread in its block. */
struct flow_case {
	const char *name, *body;
	uint32_t (*want)(uint32_t x, uint32_t thread);
};

/* The Collatz steps of a small number: every lane leaves its loop at another time. */
static const char collatz[] = "	and.b32 %r6, %r4, 255;\n"
			      "	add.u32 %r6, %r6, 1;\n"
			      "LOOP:\n"
			      "	setp.eq.u32 %p0, %r6, 1;\n"
			      "	@%p0 bra DONE;\n"
			      "	add.u32 %r5, %r5, 1;\n"
			      "	and.b32 %r7, %r6, 1;\n"
			      "	setp.eq.u32 %p1, %r7, 0;\n"
			      "	@%p1 bra EVEN;\n"
			      "	mad.lo.u32 %r6, %r6, 3, 1;\n"
			      "	bra.uni LOOP;\n"
			      "EVEN:\n"
			      "	shr.u32 %r6, %r6, 1;\n"
			      "	bra LOOP;\n"
			      "DONE:\n";

static uint32_t want_collatz(uint32_t x, uint32_t thread)
{
	uint32_t n = 0;

	(void)thread;
	for (x = (x & 255) + 1; x != 1; n++)
		x = x & 1 ? 3 * x + 1 : x / 2;
	return n;
}

/* A loop in a loop with break and continue, and values that live across both. */
static const char nested[] = "	and.b32 %r6, %r4, 7;\n"
			     "	mov.u32 %r7, 0;\n"
			     "OUTER:\n"
			     "	setp.ge.u32 %p0, %r7, %r6;\n"
			     "	@%p0 bra END;\n"
			     "	mov.u32 %r8, 0;\n"
			     "INNER:\n"
			     "	add.u32 %r9, %r7, %r8;\n"
			     "	xor.b32 %r10, %r9, %r4;\n"
			     "	and.b32 %r10, %r10, 3;\n"
			     "	setp.eq.u32 %p1, %r10, 3;\n"
			     "	@%p1 bra BREAK;\n"
			     "	add.u32 %r8, %r8, 1;\n"
			     "	setp.eq.u32 %p2, %r10, 1;\n"
			     "	@%p2 bra NEXT;\n"
			     "	mad.lo.u32 %r5, %r9, 5, %r5;\n"
			     "NEXT:\n"
			     "	setp.lt.u32 %p3, %r8, 6;\n"
			     "	@%p3 bra INNER;\n"
			     "BREAK:\n"
			     "	add.u32 %r5, %r5, %r8;\n"
			     "	add.u32 %r7, %r7, 1;\n"
			     "	bra.uni OUTER;\n"
			     "END:\n";

static uint32_t want_nested(uint32_t x, uint32_t thread)
{
	uint32_t r = 0;

	(void)thread;
	for (uint32_t i = 0; i < (x & 7); i++) {
		uint32_t j = 0;

		do {
			uint32_t s = i + j, k = (s ^ x) & 3;

			if (k == 3)
				break;
			j++;
			if (k != 1)
				r += s * 5;
		} while (j < 6);
		r += j;
	}
	return r;
}

/* Ifs in ifs, meeting at different places, with predicated instructions between. */
static const char ifs[] = "	and.b32 %r6, %r4, 1;\n	setp.eq.u32 %p0, %r6, 0;\n"
			  "	and.b32 %r7, %r4, 2;\n	setp.eq.u32 %p1, %r7, 0;\n"
			  "	and.b32 %r8, %r4, 4;\n	setp.eq.u32 %p2, %r8, 0;\n"
			  "	@%p0 bra B;\n"
			  "	add.u32 %r5, %r5, 1;\n"
			  "	@%p1 bra A1;\n"
			  "	add.u32 %r5, %r5, 10;\n"
			  "	@!%p2 add.u32 %r5, %r5, 10000;\n"
			  "	bra M;\n"
			  "A1:\n"
			  "	@%p2 bra M;\n"
			  "	add.u32 %r5, %r5, 100;\n"
			  "	bra M;\n"
			  "B:\n"
			  "	@%p2 mov.u32 %r5, 7;\n"
			  "	@%p1 bra M;\n"
			  "	add.u32 %r5, %r5, 1000;\n"
			  "M:\n"
			  "	mul.lo.u32 %r5, %r5, 3;\n";

static uint32_t want_ifs(uint32_t x, uint32_t thread)
{
	uint32_t r = 0;

	(void)thread;
	if (x & 1) {
		r += 1;
		if (x & 2) {
			r += 10;
			if (x & 4)
				r += 10000;
		} else if (x & 4) {
			r += 100;
		}
	} else {
		if (!(x & 4))
			r = 7;
		if (x & 2)
			r += 1000;
	}
	return r * 3;
}

/* Lanes return early, some under a predicate, some in a loop; the others go on. */
static const char early[] = "	and.b32 %r6, %r4, 15;\n"
			    "	setp.eq.u32 %p0, %r6, 3;\n"
			    "	@%p0 ret;\n"
			    "	mov.u32 %r7, 0;\n"
			    "LOOP:\n"
			    "	setp.eq.u32 %p1, %r7, %r6;\n"
			    "	@%p1 bra OUT;\n"
			    "	add.u32 %r7, %r7, 1;\n"
			    "	setp.ne.u32 %p2, %r7, 9;\n"
			    "	@%p2 bra LOOP;\n"
			    "	st.global.u32 [%d1], %r7;\n"
			    "	exit;\n"
			    "OUT:\n"
			    "	add.u32 %r5, %r7, 100;\n";

static uint32_t want_early(uint32_t x, uint32_t thread)
{
	(void)thread;
	x &= 15;
	return x == 3 ? 0xffffffff : x < 9 ? x + 100 : 9;
}

/* Four ways by a table. */
static const char table[] = "	and.b32 %r6, %r4, 3;\n"
			    "	brx.idx %r6, WAYS;\n"
			    "WAYS:	.branchtargets W0, W1, W2, W1;\n"
			    "W0:	mov.u32 %r5, 10;\n	bra M;\n"
			    "W1:	add.u32 %r5, %r6, 20;\n	bra M;\n"
			    "W2:	mov.u32 %r5, 30;\n"
			    "M:	add.u32 %r5, %r5, 1;\n";

static uint32_t want_table(uint32_t x, uint32_t thread)
{
	(void)thread;
	x &= 3;
	return 1 + (x == 0 ? 10 : x == 2 ? 30 : 20 + x);
}

/* Values go round the block through shared memory; the barrier stands in a loop of all. */
static const char rounds[] = "	mov.u32 %r10, tile;\n"
			     "	shl.b32 %r11, %r0, 2;\n"
			     "	add.u32 %r12, %r10, %r11;\n"
			     "	mov.u32 %r6, 0;\n"
			     "	mov.u32 %r5, %r0;\n"
			     "	add.u32 %r13, %r0, 37;\n"
			     "	setp.ge.u32 %p1, %r13, 96;\n"
			     "	@%p1 sub.u32 %r13, %r13, 96;\n"
			     "	shl.b32 %r13, %r13, 2;\n"
			     "	add.u32 %r13, %r10, %r13;\n"
			     "LOOP:\n"
			     "	st.shared.u32 [%r12], %r5;\n"
			     "	bar.sync 0;\n"
			     "	ld.shared.u32 %r5, [%r13];\n"
			     "	barrier.sync.aligned 3, 96;\n"
			     "	add.u32 %r6, %r6, 1;\n"
			     "	setp.lt.u32 %p0, %r6, 5;\n"
			     "	@%p0 bra LOOP;\n";

static uint32_t want_rounds(uint32_t x, uint32_t thread)
{
	(void)x;
	return (thread + 5 * 37) % 96;
}

/* The slot of a dead value must not be taken while another lane still needs it. */
static const char reuse[] = "	and.b32 %r6, %r4, 1;\n"
			    "	setp.eq.u32 %p0, %r6, 0;\n"
			    "	mul.lo.u32 %r7, %r4, 3;\n"
			    "	mul.lo.u32 %r8, %r4, 5;\n"
			    "	@%p0 bra ELSE;\n"
			    "	add.u32 %r9, %r7, 1;\n"
			    "	mul.lo.u32 %r10, %r9, %r9;\n"
			    "	add.u32 %r5, %r10, %r9;\n"
			    "	bra M;\n"
			    "ELSE:\n"
			    "	add.u32 %r11, %r8, 2;\n"
			    "	mul.lo.u32 %r12, %r11, %r8;\n"
			    "	add.u32 %r5, %r12, %r11;\n"
			    "M:\n";

static uint32_t want_reuse(uint32_t x, uint32_t thread)
{
	(void)thread;
	if (x & 1)
		return (x * 3 + 1) * (x * 3 + 1) + x * 3 + 1;
	return (x * 5 + 2) * (x * 5) + x * 5 + 2;
}

/* Registers of inner scopes hide those of outer ones. */
static const char scopes[] =
	"	{\n	.reg .b32 %r4, low;\n	mov.u32 %r4, 5;\n	mov.u32 low, %r4;\n"
	"	{\n	.reg .b32 low;\n	mov.u32 low, 9;\n	add.u32 %r5, %r5, "
	"low;\n	}\n"
	"	add.u32 %r5, %r5, low;\n	}\n"
	"	add.u32 %r5, %r5, %r4;\n";

static uint32_t want_scopes(uint32_t x, uint32_t thread)
{
	(void)thread;
	return x + 14;
}

/* Lanes of a divergent path vote and add among themselves; %r7 names the other path's lanes, too.
 */
static const char votes[] = "	and.b32 %r6, %r0, 1;\n"
			    "	setp.eq.u32 %p0, %r6, 0;\n"
			    "	vote.sync.ballot.b32 %r7, %p0, 0xffffffff;\n"
			    "	@%p0 bra EVEN;\n"
			    "	not.b32 %r10, %r7;\n"
			    "	activemask.b32 %r8;\n"
			    "	bar.warp.sync %r10;\n"
			    "	redux.sync.add.u32 %r9, %r0, %r10;\n"
			    "	redux.sync.max.u32 %r11, %r0, %r10;\n"
			    "	vote.sync.any.pred %p1, %p0, %r10;\n"
			    "	bra M;\n"
			    "EVEN:\n"
			    "	activemask.b32 %r8;\n"
			    "	redux.sync.add.u32 %r9, %r0, %r7;\n"
			    "	redux.sync.min.s32 %r11, %r0, %r7;\n"
			    "	vote.sync.all.pred %p1, %p0, %r7;\n"
			    "M:\n"
			    "	popc.b32 %r8, %r8;\n"
			    "	mad.lo.u32 %r5, %r8, 100000, %r9;\n"
			    "	mad.lo.u32 %r5, %r11, 10000000, %r5;\n"
			    "	@%p1 add.u32 %r5, %r5, 1000000000;\n"
			    "	vote.sync.uni.pred %p2, %p1, -1;\n"
			    "	@%p2 mov.u32 %r5, 0;\n";

static uint32_t want_votes(uint32_t x, uint32_t thread)
{
	uint32_t first = thread / 32 * 32, sum = 0;

	(void)x;
	for (uint32_t t = first + thread % 2; t < first + 32; t += 2)
		sum += t;
	if (thread % 2)
		return (first + 31) * 10000000 + 1600000 + sum;
	return 1000000000 + first * 10000000 + 1600000 + sum;
}

/* Functions in functions, entered by some lanes only. */
static const char calls[] = "	and.b32 %r6, %r4, 127;\n	add.u32 %r6, %r6, 1;\n"
			    "	and.b32 %r7, %r4, 128;\n	setp.eq.u32 %p0, %r7, 0;\n"
			    "	@%p0 bra SKIP;\n"
			    "	{\n	.param .b32 p0;\n	.param .b32 p1;\n"
			    "	.param .align 4 .b8 sum[8];\n"
			    "	st.param.b32 [p0+0], %r6;\n	add.u32 %r8, %r6, 5;\n"
			    "	st.param.b32 [p1+0], %r8;\n"
			    "	call (sum), twice, (p0, p1);\n"
			    "	ld.param.b32 %r9, [sum+0];\n	ld.param.b32 %r10, [sum+4];\n	}\n"
			    "	mad.lo.u32 %r5, %r10, 10000, %r9;\n"
			    "SKIP:\n"
			    "	add.u32 %r5, %r5, 3;\n";

static uint32_t steps_to_20(uint32_t x)
{
	for (uint32_t n = 0;; n++) {
		if (x == 1)
			return n;
		if (n == 20)
			return 1000;
		x = x & 1 ? 3 * x + 1 : x / 2;
	}
}

static uint32_t want_calls(uint32_t x, uint32_t thread)
{
	uint32_t first = (x & 127) + 1;

	(void)thread;
	return 3 + (x & 128 ? steps_to_20(first + 5) * 10000 + steps_to_20(first) : 0);
}

/* 96-bit numbers from 32-bit ones: x * x * 2^32 + x * 0xfffffffd, minus x, on some lanes only. */
static const char carries[] = "	mov.u32 %r6, -3;\n	setp.lt.u32 %p0, %r4, 0x40000000;\n"
			      "	mul.lo.u32 %r7, %r4, %r6;\n"
			      "	mul.hi.u32 %r8, %r4, %r6;\n"
			      "	mov.u32 %r9, 0;\n"
			      "	@%p0 bra SKIP;\n"
			      "	mad.lo.cc.u32 %r8, %r4, %r4, %r8;\n"
			      "	madc.hi.u32 %r9, %r4, %r4, 0;\n"
			      "	sub.cc.u32 %r7, %r7, %r4;\n"
			      "	subc.cc.s32 %r8, %r8, 0;\n"
			      "	subc.u32 %r9, %r9, 0;\n"
			      "	add.cc.u32 %r7, %r7, %r8;\n"
			      "	addc.cc.u32 %r8, %r8, %r9;\n"
			      "	addc.u32 %r9, %r9, 7;\n"
			      "	mov.b64 %d5, {%r7, %r8};\n"
			      "	mad.hi.cc.u64 %d6, %d5, %d5, %d5;\n"
			      "	madc.lo.s64 %d6, %d5, %d6, 1;\n"
			      "	mov.b64 {%r10, %r11}, %d6;\n"
			      "	xor.b32 %r7, %r7, %r10;\n	xor.b32 %r8, %r8, %r11;\n"
			      "SKIP:\n"
			      "	mad.lo.u32 %r5, %r7, 3, %r8;\n"
			      "	mad.lo.u32 %r5, %r5, 5, %r9;\n";

static uint32_t want_carries(uint32_t x, uint32_t thread)
{
	unsigned __int128 v = (unsigned __int128)x * 0xfffffffdu, low, m;
	uint64_t d;

	(void)thread;
	if (x >= 0x40000000) {
		v += ((unsigned __int128)((uint64_t)x * x) << 32) - x;
		low = (v & 0xffffffffu) + (v >> 32 & 0xffffffffu);
		m = (v >> 32 & 0xffffffffu) + (v >> 64 & 0xffffffffu) + (low >> 32);
		d = (uint64_t)(low & 0xffffffffu) | (uint64_t)m << 32;
		v = ((v >> 64) + 7 + (m >> 32)) << 64 | d;
		m = (unsigned __int128)(uint64_t)((unsigned __int128)d * d >> 64) + d;
		v ^= (uint64_t)(d * (uint64_t)m + 1 + (uint64_t)(m >> 64));
	}
	return ((uint32_t)v * 3 + (uint32_t)(v >> 32)) * 5 + (uint32_t)(v >> 64);
}

static const struct flow_case cases[] = {
	{"calls", calls, want_calls},
	{"carries", carries, want_carries},
	{"collatz", collatz, want_collatz},
	{"nested", nested, want_nested},
	{"ifs", ifs, want_ifs},
	{"early", early, want_early},
	{"table", table, want_table},
	{"rounds", rounds, want_rounds},
	{"reuse", reuse, want_reuse},
	{"scopes", scopes, want_scopes},
	{"votes", votes, want_votes},
};

static void run_case(const struct flow_case *c)
{
	static uint32_t in[ALL], out[ALL];
	char text[8192];
	CUmodule m;
	CUfunction f;
	CUdeviceptr din, dout = emu_memory(sizeof(out));
	void *params[] = {&din, &dout};
	int bad = 0;

	for (int i = 0; i < ALL; i++)
		in[i] = emu_random();
	din = emu_copy(in, sizeof(in));
	snprintf(text, sizeof(text), "%s%s%s", HEAD, c->body, TAIL);
	f = emu_load(&m, text, "f");
	if (!f)
		return;
	EXPECT_IS(cuLaunchKernel(f, BLOCKS, 1, 1, THREADS, 1, 1, 0, NULL, params, NULL),
		  CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(out, dout, sizeof(out)), CUDA_SUCCESS);
	for (int i = 0; i < ALL; i++) {
		uint32_t want = c->want(in[i], (uint32_t)i % THREADS);

		if (out[i] != want && !bad++)
			fprintf(stderr, "%s: thread %d: %u, not %u\n", c->name, i, out[i], want);
	}
	EXPECT(!bad);
	EXPECT_IS(cuMemFree_v2(din), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(dout), CUDA_SUCCESS);
}

/* Shuffles with every mode, width and distance, against the manual's formula. */
static uint32_t shuffled(const char *mode, uint32_t lane, uint32_t b, uint32_t c, uint32_t *from)
{
	uint32_t segment = c >> 8 & 31, bval = b & 31, cval = c & 31;
	int low = (int)(lane & segment), most = (int)((lane & segment) | (cval & ~segment)), j;
	bool ok;

	if (!strcmp(mode, "up"))
		j = (int)lane - (int)bval, ok = j >= most;
	else if (!strcmp(mode, "down"))
		j = (int)lane + (int)bval, ok = j <= most;
	else if (!strcmp(mode, "bfly"))
		j = (int)(lane ^ bval), ok = j <= most;
	else
		j = low | (int)(bval & ~segment), ok = j <= most;
	*from = ok ? (uint32_t)j : lane;
	return ok;
}

static void run_shuffle(const char *mode, uint32_t b, uint32_t c)
{
	static uint32_t in[32], out[32];
	char text[4096], body[128];
	CUmodule m;
	CUfunction f;
	CUdeviceptr din, dout = emu_memory(sizeof(out));
	void *params[] = {&din, &dout};

	for (int i = 0; i < 32; i++)
		in[i] = emu_random() & ~1u;
	din = emu_copy(in, sizeof(in));
	snprintf(body, sizeof(body), "\tshfl.sync.%s.b32 %%r5|%%p0, %%r4, %u, %u, -1;\n", mode, b,
		 c);
	snprintf(text, sizeof(text), "%s%s%s%s", HEAD, body, "\t@%p0 add.u32 %r5, %r5, 1;\n", TAIL);
	f = emu_load(&m, text, "f");
	if (!f)
		return;
	EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 0, NULL, params, NULL), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(out, dout, sizeof(out)), CUDA_SUCCESS);
	for (uint32_t i = 0; i < 32; i++) {
		uint32_t from, ok = shuffled(mode, i, b, c, &from);

		if (out[i] != in[from] + ok) {
			fprintf(stderr, "shfl.%s %u %u: lane %u\n", mode, b, c, i);
			emu_failures++;
			break;
		}
	}
	EXPECT_IS(cuModuleUnload(m), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(din), CUDA_SUCCESS);
	EXPECT_IS(cuMemFree_v2(dout), CUDA_SUCCESS);
}

/* What must be refused while it runs; each leaves an error that stays until the context ends. */
static void expect_error(const char *body, unsigned threads, CUresult want)
{
	char text[8192];
	CUmodule m;
	CUfunction f;
	CUdeviceptr din = emu_memory(4096), dout = emu_memory(4096);
	void *params[] = {&din, &dout};

	snprintf(text, sizeof(text), "%s%s%s", HEAD, body, TAIL);
	f = emu_load(&m, text, "f");
	if (f)
		EXPECT_IS(cuLaunchKernel(f, 1, 1, 1, threads, 1, 1, 0, NULL, params, NULL), want);
	EXPECT_IS(cuCtxSynchronize(), want);
	emu_restart();
}

/* One warp writes for the others and no barrier is there: some block must show it. */
static void expect_lost_barrier(unsigned writer)
{
	uint32_t out[2][96];
	char text[4096], body[512];
	CUmodule m;
	CUfunction f;
	CUdeviceptr din = emu_memory(sizeof(out)), dout = emu_memory(sizeof(out));
	void *params[] = {&din, &dout};
	int wrong = 0;

	snprintf(body, sizeof(body),
		 "	shr.u32 %%r6, %%r0, 5;\n	setp.ne.u32 %%p0, %%r6, %u;\n"
		 "	@%%p0 bra READ;\n	st.shared.u32 [tile], 77;\n"
		 "READ:\n	ld.shared.u32 %%r5, [tile];\n",
		 writer);
	snprintf(text, sizeof(text), "%s%s%s", HEAD, body, TAIL);
	f = emu_load(&m, text, "f");
	if (!f)
		return;
	EXPECT_IS(cuLaunchKernel(f, 2, 1, 1, 96, 1, 1, 0, NULL, params, NULL), CUDA_SUCCESS);
	EXPECT_IS(cuMemcpyDtoH_v2(out, dout, sizeof(out)), CUDA_SUCCESS);
	for (int i = 0; i < 192; i++)
		wrong += out[i / 96][i % 96] != 77;
	EXPECT(wrong > 0);
	emu_restart();
}

int main(void)
{
	static const uint32_t clamps[] = {0x1f, 0x101f, 0x181f, 0x1c1f, 0x1000, 0x7, 0x1807};
	static const char *const modes[] = {"up", "down", "bfly", "idx"};
	static const char missing[] = "	setp.lt.u32 %p0, %r0, 32;\n	@%p0 bra OUT;\n"
				      "	bar.sync 0;\nOUT:\n";
	static const char divergent[] = "	setp.lt.u32 %p0, %r0, 5;\n	@%p0 bra OUT;\n"
					"	bar.sync 0;\nOUT:\n";
	static const char absent[] = "	setp.lt.u32 %p0, %r0, 5;\n	@%p0 bra OUT;\n"
				     "	shfl.sync.down.b32 %r5, %r4, 1, 31, -1;\nOUT:\n";

	emu_start("threads=2");
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
	for (size_t k = 0; k < COUNT_OF(modes); k++)
		for (size_t c = 0; c < COUNT_OF(clamps); c++)
			for (uint32_t b = 0; b < 32; b += 1 + b / 3)
				run_shuffle(modes[k], b, clamps[c]);
	expect_lost_barrier(0);
	expect_lost_barrier(2);
	expect_error(missing, 96, CUDA_ERROR_LAUNCH_FAILED);
	expect_error(divergent, 32, CUDA_ERROR_LAUNCH_FAILED);
	expect_error(absent, 32, CUDA_ERROR_LAUNCH_FAILED);
	expect_error("	trap;\n", 32, CUDA_ERROR_LAUNCH_FAILED);
	emu_stop();
	printf("%d failures\n", emu_failures);
	return emu_failures != 0;
}
