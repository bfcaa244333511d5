/*
 * NVRTC labels its PTX with its own newest version, which old drivers
 * refuse. The text needs only what its target and its opcodes ask for;
 * runtime/ptx.def says since when each opcode exists (ptxas agrees: a test).
 */
#include "compiler/ptx.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *prefix;
	int isa; /* 74: PTX 7.4 */
} opcodes[] = {
#define PTX_OP(prefix, isa) {prefix, isa},
#include "runtime/ptx.def"
#undef PTX_OP
};

static const struct {
	int arch, isa;
} targets[] = {
	{50, 40}, {52, 41},  {53, 42},	{60, 50},  {61, 50},  {62, 50},	 {70, 60},
	{72, 61}, {75, 63},  {80, 70},	{86, 71},  {87, 74},  {88, 90},	 {89, 78},
	{90, 78}, {100, 86}, {101, 86}, {103, 88}, {110, 90}, {120, 87}, {121, 88},
};

static int target_isa(const char *target)
{
	int arch = (int)strtol(target + strcspn(target, "0123456789"), NULL, 10);

	for (size_t i = 0; i < COUNT_OF(targets); i++)
		if (targets[i].arch == arch)
			return targets[i].isa;
	return 0;
}

/* Version of the longest row that begins the opcode and ends at a dot; 0: none. */
static int opcode_isa(const char *op, size_t len)
{
	size_t best = 0;
	int isa = 0;

	for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
		size_t n = strlen(opcodes[i].prefix);

		if (n > len || n <= best || memcmp(op, opcodes[i].prefix, n) != 0 ||
		    (n < len && op[n] != '.'))
			continue;
		best = n;
		isa = opcodes[i].isa;
	}
	return isa;
}

static const char *skip(const char *p, const char *chars)
{
	return p + strspn(p, chars);
}

/* The opcode of a line, *len 0 where the line holds none: a directive, label, comment, brace. */
static const char *opcode_of(const char *line, size_t *len)
{
	const char *p = skip(line, " \t");

	if (*p == '@') /* guard */
		p = skip(p + strcspn(p, " \t\n"), " \t");
	*len = *p >= 'a' && *p <= 'z' ? strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_.:") : 0;
	return p;
}

/* Lowest version for all opcodes and the target; 0 where one opcode is not in the table. */
static int needed_isa(const char *ptx, const char *target)
{
	int need = target_isa(target);

	for (const char *line = ptx, *end; need && *line; line = *end ? end + 1 : end) {
		size_t len;
		const char *op;
		int isa;

		end = line + strcspn(line, "\n");
		op = opcode_of(line, &len);
		if (!len)
			continue;
		isa = opcode_isa(op, len);
		need = isa ? MAX(need, isa) : 0;
	}
	return need;
}

void ptx_relabel(const char *ptx, const char *target, struct buf *out)
{
	static const char directive[] = "\n.version ";
	const char *at = strstr(ptx, directive), *rest;
	int need = needed_isa(ptx, target);

	CHECK(at);
	at += strlen(directive);
	rest = at + strcspn(at, "\n");
	if (!need) {
		buf_puts(out, ptx);
		return;
	}
	buf_append(out, ptx, (size_t)(at - ptx));
	buf_printf(out, "%d.%d", need / 10, need % 10);
	buf_puts(out, rest);
}
