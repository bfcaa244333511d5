/*
 * Device memory as private mappings. Large ones map a small file of 0xff
 * over and over, so that a page costs memory only once it is written. Behind
 * every mapping lies a page that belongs to nobody, so that blocks never touch.
 */
#include "emulator/vram.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POISON	 0xff
#define TEMPLATE ((uint64_t)16 << 20)
#define PAGE	 4096u

static bool overlay(uint8_t *p, uint64_t size)
{
	int fd = memfd_create("occ_emulator", MFD_CLOEXEC);
	void *t = MAP_FAILED;
	bool ok = false;

	if (fd < 0)
		return false;
	if (!ftruncate(fd, (off_t)TEMPLATE))
		t = mmap(NULL, TEMPLATE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (t != MAP_FAILED) {
		memset(t, POISON, TEMPLATE);
		munmap(t, TEMPLATE);
		ok = true;
		for (uint64_t at = 0; at < size && ok; at += TEMPLATE)
			ok = mmap(p + at, MIN(TEMPLATE, size - at), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, 0) != MAP_FAILED;
	}
	close(fd);
	return ok;
}

static uint8_t *map_poisoned(uint64_t bytes)
{
	uint64_t size = round_up(bytes, PAGE);
	uint8_t *p = mmap(NULL, size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p, size, PROT_READ | PROT_WRITE)) {
		munmap(p, size + PAGE);
		return NULL;
	}
	if (size < 2 * TEMPLATE) {
		memset(p, POISON, size);
	} else if (!overlay(p, size)) {
		munmap(p, size + PAGE);
		return NULL;
	}
	return p;
}

/* Index of the first block that begins behind `at`. */
static size_t behind(const struct vram *v, uint64_t at)
{
	size_t lo = 0, hi = v->nblocks;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v->blocks[mid].at > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void insert(struct vram *v, struct vram_block b)
{
	size_t i = behind(v, b.at);

	if (v->nblocks == v->capacity) {
		v->capacity = v->capacity ? v->capacity * 2 : 64;
		v->blocks = mem_resize(v->blocks, v->capacity * sizeof(*v->blocks));
	}
	memmove(&v->blocks[i + 1], &v->blocks[i], (v->nblocks - i) * sizeof(*v->blocks));
	v->blocks[i] = b;
	v->nblocks++;
	v->used += b.bytes;
}

static void unmap_pages(uint8_t *p, uint64_t bytes)
{
	munmap(p, round_up(bytes, PAGE) + PAGE);
}

/* The program writes to host and managed memory without asking: it counts as written. */
static bool shadow(const struct vram *v, uint64_t at, uint64_t bytes, enum vram_kind kind,
		   struct shadow **s)
{
	uint64_t odd = at % SHADOW_WORD;

	*s = v->shadowed ? shadow_open(at - odd, bytes + odd, kind != VRAM_DEVICE) : NULL;
	return *s || !v->shadowed;
}

bool vram_take(struct vram *v, enum vram_kind kind, uint64_t bytes, uint64_t *at)
{
	struct shadow *s;
	uint8_t *p;

	if (bytes > v->total - v->used || !(p = map_poisoned(bytes)))
		return false;
	*at = (uint64_t)(uintptr_t)p;
	if (!shadow(v, *at, bytes, kind, &s)) {
		unmap_pages(p, bytes);
		return false;
	}
	insert(v, (struct vram_block){*at, bytes, kind, s});
	return true;
}

bool vram_register(struct vram *v, uint64_t at, uint64_t bytes)
{
	struct shadow *s;

	if (bytes > v->total - v->used || !shadow(v, at, bytes, VRAM_REGISTERED, &s))
		return false;
	insert(v, (struct vram_block){at, bytes, VRAM_REGISTERED, s});
	return true;
}

static void unmap(const struct vram_block *b)
{
	shadow_close(b->shadow);
	if (b->kind != VRAM_REGISTERED)
		unmap_pages((uint8_t *)(uintptr_t)b->at, b->bytes);
}

bool vram_drop(struct vram *v, enum vram_kind kind, uint64_t at)
{
	size_t i = behind(v, at);

	if (!i || v->blocks[i - 1].at != at || v->blocks[i - 1].kind != kind)
		return false;
	i--;
	unmap(&v->blocks[i]);
	v->used -= v->blocks[i].bytes;
	v->nblocks--;
	memmove(&v->blocks[i], &v->blocks[i + 1], (v->nblocks - i) * sizeof(*v->blocks));
	return true;
}

const struct vram_block *vram_find(const struct vram *v, uint64_t at, uint64_t bytes)
{
	size_t i = behind(v, at);
	const struct vram_block *b;

	if (!i)
		return NULL;
	b = &v->blocks[i - 1];
	return bytes <= b->bytes && at - b->at <= b->bytes - bytes ? b : NULL;
}

void vram_reset(struct vram *v)
{
	for (size_t i = 0; i < v->nblocks; i++)
		unmap(&v->blocks[i]);
	mem_free(v->blocks);
	v->blocks = NULL;
	v->nblocks = v->capacity = 0;
	v->used = 0;
}
