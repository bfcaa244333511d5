/* PTX labels: the lowest version that target and opcodes allow. */
#include "compiler/ptx.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void expect(const char *body, const char *target, const char *version)
{
	struct buf in = BUF_INIT, out = BUF_INIT, want = BUF_INIT;

	buf_printf(&in, "//\n.version 9.0\n.target %s\n%s", target, body);
	buf_printf(&want, "//\n.version %s\n.target %s\n%s", version, target, body);
	ptx_relabel(buf_str(&in), target, &out);
	if (strcmp(buf_str(&out), buf_str(&want)) != 0) {
		fprintf(stderr, "failed: %s for %s, got\n%s\n", version, target, buf_str(&out));
		failures++;
	}
	buf_release(&in);
	buf_release(&out);
	buf_release(&want);
}

int main(void)
{
	expect("\tadd.s32 %r1, %r2, %r3;\n", "sm_53", "4.2");
	expect("\tadd.s32 %r1, %r2, %r3;\n", "sm_75", "6.3");
	expect("\tadd.s32 %r1, %r2, %r3;\n", "sm_87", "7.4");
	expect("\tadd.s32 %r1, %r2, %r3;\n", "sm_110", "9.0");
	/* the longest row counts, behind a guard, too */
	expect("\tshfl.sync.bfly.b32 %r1, %r2, 1, 31, -1;\n", "sm_53", "6.0");
	expect("\t@%p1 shfl.sync.bfly.b32 %r1, %r2, 1, 31, -1;\n", "sm_53", "6.0");
	expect("\tld.global.f32 %f1, [%rd1];\n", "sm_50", "4.0");
	/* labels, directives, comments and braces are no opcodes */
	expect("$L__BB0_1:\n{\n\t.reg .b32 %r<3>;\n// nonsense\n}\n", "sm_53", "4.2");
	/* an unknown opcode keeps its label, as does an unknown chip */
	expect("\tfrobnicate.b32 %r1;\n", "sm_53", "9.0");
	expect("\tadd.s32 %r1, %r2, %r3;\n", "sm_999", "9.0");
	return failures != 0;
}
