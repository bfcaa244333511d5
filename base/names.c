/* Open addressing, linear probing, at most half full; the hash is kept, so growing compares
 * nothing. */
#include "base/names.h"

#include <string.h>

struct names_entry {
	const char *name;
	size_t len;
	uint64_t hash;
	uint32_t number;
};

/* Folded 128-bit products of eight bytes at a time: no short recipe for colliding names. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t hash_of(const uint8_t *s, size_t len)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ len;

	while (len) {
		uint64_t word = 0;
		size_t n = MIN(len, sizeof(word));

		memcpy(&word, s, n);
		h = mix(h ^ word ^ 0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu ^ (h >> 32));
		s += n;
		len -= n;
	}
	return mix(h, 0x8ebc6af09c88c6e3u);
}

static struct names_entry *slot_of(const struct names *t, const void *name, size_t len,
				   uint64_t hash)
{
	size_t i = hash & (t->cap - 1);

	for (;; i = (i + 1) & (t->cap - 1)) {
		struct names_entry *e = &t->entry[i];

		if (!e->name || (e->hash == hash && e->len == len && !memcmp(e->name, name, len)))
			return e;
	}
}

static void grow(struct names *t)
{
	struct names bigger = {t->arena, NULL, t->cap ? t->cap * 2 : 64, t->n};

	bigger.entry = NEW(t->arena, bigger.cap, struct names_entry);
	for (size_t i = 0; i < t->cap; i++) {
		const struct names_entry *e = &t->entry[i];

		if (e->name)
			*slot_of(&bigger, e->name, e->len, e->hash) = *e;
	}
	*t = bigger;
}

struct names names_begin(struct arena *a)
{
	return (struct names){.arena = a};
}

uint32_t *names_at(struct names *t, const void *name, size_t len)
{
	uint64_t hash = hash_of(name, len);
	struct names_entry *e;

	if (2 * t->n >= t->cap)
		grow(t);
	e = slot_of(t, name, len, hash);
	if (!e->name) {
		*e = (struct names_entry){arena_strndup(t->arena, name, len), len, hash, 0};
		t->n++;
	}
	return &e->number;
}

uint32_t names_find(const struct names *t, const void *name, size_t len)
{
	return t->cap ? slot_of(t, name, len, hash_of(name, len))->number : 0;
}
