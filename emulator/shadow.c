/* Shadow memory in private mappings: pages that nobody touched cost nothing. */
#include "emulator/shadow.h"

#include <string.h>
#include <sys/mman.h>

static void *map(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint64_t words(const struct shadow *s)
{
	return s->bytes / SHADOW_WORD + 1;
}

/* By unit, and a unit may be a byte. */
static uint64_t tag_bytes(const struct shadow *s)
{
	return (s->bytes + SHADOW_WORD) * sizeof(uint32_t);
}

struct shadow *shadow_open(uint64_t at, uint64_t bytes, bool written)
{
	struct shadow *s = mem_alloc(sizeof(*s));

	*s = (struct shadow){.at = at, .bytes = bytes, .full = written};
	s->written = map(words(s));
	s->writer = map(tag_bytes(s));
	s->reader = map(tag_bytes(s));
	if (!s->written || !s->writer || !s->reader) {
		shadow_close(s);
		return NULL;
	}
	return s;
}

static void unmap(void *p, uint64_t bytes)
{
	if (p)
		munmap(p, bytes);
}

void shadow_close(struct shadow *s)
{
	if (!s)
		return;
	unmap(s->written, words(s));
	unmap(s->writer, tag_bytes(s));
	unmap(s->reader, tag_bytes(s));
	mem_free(s);
}

void shadow_restart(struct shadow *s)
{
	madvise(s->writer, tag_bytes(s), MADV_DONTNEED);
	madvise(s->reader, tag_bytes(s), MADV_DONTNEED);
}

/* Bits of the bytes [from, to) of one word. */
static uint8_t bits(uint64_t from, uint64_t to)
{
	return (uint8_t)((SHADOW_FULL >> (SHADOW_WORD - (to - from))) << from);
}

enum change { WRITTEN, HELD };

static void change(struct shadow *s, uint64_t at, uint64_t bytes, enum change c)
{
	uint64_t from = at - s->at, end = from + bytes;

	while (from < end) {
		uint64_t in = from % SHADOW_WORD, n = MIN(SHADOW_WORD - in, end - from);
		uint8_t *w = &s->written[from / SHADOW_WORD], b = bits(in, in + n);

		*w |= (uint8_t)(c == WRITTEN ? b : b << SHADOW_HELD);
		from += n;
	}
}

/* The same for whole words in a row, and before and behind them by bytes. */
static void change_all(struct shadow *s, uint64_t at, uint64_t bytes, enum change c)
{
	uint64_t first = round_up(at - s->at, SHADOW_WORD), end = at - s->at + bytes;
	uint64_t last = end / SHADOW_WORD;
	uint8_t set = (uint8_t)(c == WRITTEN ? SHADOW_FULL : SHADOW_FULL << SHADOW_HELD);

	if (first >= end) {
		change(s, at, bytes, c);
		return;
	}
	change(s, at, first - (at - s->at), c);
	for (uint64_t i = first / SHADOW_WORD; i < last; i++)
		s->written[i] |= set;
	change(s, s->at + last * SHADOW_WORD, end - last * SHADOW_WORD, c);
}

void shadow_write(struct shadow *s, uint64_t at, uint64_t bytes)
{
	if (s)
		change_all(s, at, bytes, WRITTEN);
}

void shadow_hold(struct shadow *s, uint64_t at, uint64_t bytes)
{
	change_all(s, at, bytes, HELD);
}

void shadow_release(struct shadow *s)
{
	uint64_t n = words(s);

	if (s->full)
		memset(s->written, SHADOW_FULL, n);
	s->full = false;
	for (uint64_t i = 0; i < n; i++)
		s->written[i] &= SHADOW_FULL;
}

/* Eight words at a time: almost all have nothing to bury. */
void shadow_bury(struct shadow *s)
{
	uint8_t *data = (uint8_t *)(uintptr_t)s->at;

	for (uint64_t i = 0; i * SHADOW_WORD < s->bytes; i += 8) {
		uint64_t n = MIN(words(s) - i, 8), v = 0;

		memcpy(&v, s->written + i, n);
		if (!(v & ~(v >> SHADOW_HELD) & 0x0f0f0f0f0f0f0f0f))
			continue;
		for (uint64_t at = i * SHADOW_WORD; at < MIN((i + n) * SHADOW_WORD, s->bytes);
		     at++) {
			uint8_t *w = &s->written[at / SHADOW_WORD],
				bit = (uint8_t)(1u << at % SHADOW_WORD);

			if (!(*w & bit) || *w & bit << SHADOW_HELD)
				continue;
			*w &= (uint8_t)~bit;
			data[at] = 0xff;
		}
	}
}

static bool range(const struct shadow *s, uint64_t from, uint64_t end)
{
	const uint8_t *w = s->written;
	uint64_t i = from / SHADOW_WORD, last = end / SHADOW_WORD;
	uint8_t all = SHADOW_FULL;

	if (i == last)
		return (w[i] & bits(from % SHADOW_WORD, end % SHADOW_WORD)) ==
		       bits(from % SHADOW_WORD, end % SHADOW_WORD);
	if (from % SHADOW_WORD) {
		uint8_t b = bits(from % SHADOW_WORD, SHADOW_WORD);

		if ((w[i++] & b) != b)
			return false;
	}
	for (; last - i >= 4096 && all == SHADOW_FULL; i += 4096)
		for (uint64_t k = 0; k < 4096; k++)
			all &= w[i + k];
	for (; i < last; i++)
		all &= w[i];
	if (end % SHADOW_WORD)
		all &= (uint8_t)(w[last] | (uint8_t)~bits(0, end % SHADOW_WORD));
	return all == SHADOW_FULL;
}

bool shadow_is_written(struct shadow *s, uint64_t at, uint64_t bytes)
{
	if (!s || s->full || !bytes)
		return true;
	if (!range(s, at - s->at, at - s->at + bytes))
		return false;
	if (bytes == s->bytes)
		s->full = true;
	return true;
}
