/*
 * Executed warp instructions by kind. Nothing is counted per instruction:
 * blocks count how often they ran, and each instruction of a block ran as
 * often as the block.
 */
#include "emulator/device.h"

#include "base/fs.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS_MAX 256

struct count {
	char kind[24];
	uint64_t n;
};

struct entry {
	char *name;
	uint32_t module;
	uint64_t launches;
	struct count *counts;
	size_t ncounts;
};

struct stats {
	struct entry *entries;
	size_t nentries;
};

static bool begins(const char *opcode, const char *const *words)
{
	for (; *words; words++)
		if (!strncmp(opcode, *words, strlen(*words)))
			return true;
	return false;
}

/* What comes behind the first word: the space of an access, the kind of numbers, or nothing. */
static const char *second_word(const char *opcode, const char *dot)
{
	static const char *const accesses[] = {"ld.", "st.", "atom.", "red.", NULL};
	static const char *const plain[] = {"bar", "mov.", "setp.", "cvt", "selp.", "bra", NULL};
	static const char *const spaces[] = {".global", ".shared", ".local", ".param", ".const"};
	const char *type = strrchr(dot, '.');

	if (begins(opcode, accesses)) {
		for (size_t i = 0; i < COUNT_OF(spaces); i++)
			if (strstr(dot, spaces[i]))
				return spaces[i];
		return ".generic";
	}
	if (begins(opcode, plain) || !strcmp(type, ".pred"))
		return "";
	if (type[1] == 'f')
		return type;
	return strchr("usb", type[1]) && ptx_type_bits(type + 1, strlen(type + 1)) ? ".int" : "";
}

/* "fma.rn.f32": fma.f32, "ld.global.nc.v4.f32": ld.global, "add.s32": add.int, "bar.sync": bar */
static void kind_of(const char *opcode, char *out, size_t size)
{
	const char *dot = strchr(opcode, '.');
	int len = dot ? (int)(dot - opcode) : (int)strlen(opcode);

	snprintf(out, size, "%.*s%s", len, opcode, dot ? second_word(opcode, dot) : "");
}

static void count(struct entry *e, const char *kind, uint64_t n)
{
	for (size_t i = 0; i < e->ncounts; i++)
		if (!strcmp(e->counts[i].kind, kind)) {
			e->counts[i].n += n;
			return;
		}
	if (!n || e->ncounts == KINDS_MAX)
		return;
	e->counts = mem_resize(e->counts, (e->ncounts + 1) * sizeof(*e->counts));
	snprintf(e->counts[e->ncounts].kind, sizeof(e->counts[0].kind), "%s", kind);
	e->counts[e->ncounts++].n = n;
}

static int by_kind(const void *a, const void *b)
{
	return strcmp(((const struct count *)a)->kind, ((const struct count *)b)->kind);
}

struct stats *stats_open(void)
{
	return mem_alloc(sizeof(struct stats));
}

void stats_add(struct stats *s, const struct CUmod_st *m)
{
	for (const struct CUfunc_st *f = m->funcs; f; f = f->next) {
		const struct kernel *k = &f->kernel;
		struct entry e = {mem_strdup(k->func->name), m->number, f->launches, NULL, 0};

		for (uint32_t b = 0; f->counters && b < k->nblocks; b++)
			for (uint32_t i = k->cfg->blocks[b].first; i < k->cfg->blocks[b].end; i++) {
				char kind[24];

				kind_of(k->func->insns[i].opcode, kind, sizeof(kind));
				count(&e, kind, f->counters[b]);
			}
		qsort(e.counts, e.ncounts, sizeof(*e.counts), by_kind);
		s->entries = mem_resize(s->entries, (s->nentries + 1) * sizeof(*s->entries));
		s->entries[s->nentries++] = e;
	}
}

static int by_module(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->module != y->module ? (x->module < y->module ? -1 : 1) : strcmp(x->name, y->name);
}

static void write_counts(struct json *j, const struct entry *e)
{
	uint64_t all = 0, fma = 0;

	for (size_t i = 0; i < e->ncounts; i++) {
		all += e->counts[i].n;
		if (!strncmp(e->counts[i].kind, "fma.", 4))
			fma += e->counts[i].n;
	}
	json_int(j, "launches", (int64_t)e->launches);
	json_int(j, "warp_instructions", (int64_t)all);
	json_int(j, "fma", (int64_t)fma);
	json_real(j, "fma_share", all ? (double)fma / (double)all : 0);
	json_open(j, "mix", '{');
	for (size_t i = 0; i < e->ncounts; i++)
		json_int(j, e->counts[i].kind, (int64_t)e->counts[i].n);
	json_close(j, '}');
}

int stats_write(const struct stats *s, const char *path, struct err *e)
{
	struct buf out = BUF_INIT;
	struct json j = json_begin(&out);
	struct entry all = {0};
	int ret;

	if (s->nentries)
		qsort(s->entries, s->nentries, sizeof(*s->entries), by_module);
	json_open(&j, NULL, '{');
	json_int(&j, "format", 1);
	json_open(&j, "kernels", '[');
	for (size_t i = 0; i < s->nentries; i++) {
		const struct entry *k = &s->entries[i];

		json_open(&j, NULL, '{');
		json_int(&j, "module", k->module);
		json_str(&j, "entry", k->name);
		write_counts(&j, k);
		json_close(&j, '}');
		all.launches += k->launches;
		for (size_t c = 0; c < k->ncounts; c++)
			count(&all, k->counts[c].kind, k->counts[c].n);
	}
	json_close(&j, ']');
	if (all.ncounts)
		qsort(all.counts, all.ncounts, sizeof(*all.counts), by_kind);
	json_open(&j, "total", '{');
	write_counts(&j, &all);
	json_close(&j, '}');
	json_close(&j, '}');
	buf_puts(&out, "\n");
	ret = fs_write_atomic(path, buf_span(&out), e);
	mem_free(all.counts);
	buf_release(&out);
	return ret;
}

void stats_close(struct stats *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nentries; i++) {
		mem_free(s->entries[i].name);
		mem_free(s->entries[i].counts);
	}
	mem_free(s->entries);
	mem_free(s);
}
