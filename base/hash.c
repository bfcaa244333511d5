/* SHA-256 over bytes and over length-prefixed fields. */
#include "base/hash.h"

#include <string.h>

void hash_init(struct hash *h)
{
	sha256_init(&h->ctx);
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	if (len)
		sha256_update(&h->ctx, len, data);
}

void hash_int(struct hash *h, int64_t v)
{
	uint8_t le[8];

	for (int i = 0; i < 8; i++)
		le[i] = (uint8_t)((uint64_t)v >> (8 * i));
	hash_add(h, le, sizeof(le));
}

void hash_field(struct hash *h, const void *data, size_t len)
{
	hash_int(h, (int64_t)len);
	hash_add(h, data, len);
}

void hash_str(struct hash *h, const char *s)
{
	hash_field(h, s, strlen(s));
}

void hash_hex(struct hash *h, char out[SHA256_HEX])
{
	static const char digit[] = "0123456789abcdef";
	uint8_t raw[SHA256_BYTES];

	sha256_digest(&h->ctx, sizeof(raw), raw);
	for (int i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digit[raw[i] >> 4];
		out[2 * i + 1] = digit[raw[i] & 15];
	}
	out[64] = 0;
}

void hash_bytes_hex(const void *data, size_t len, char out[SHA256_HEX])
{
	struct hash h;

	hash_init(&h);
	hash_add(&h, data, len);
	hash_hex(&h, out);
}

bool hash_is_hex(const char *s)
{
	return strspn(s, "0123456789abcdef") == 64 && s[64] == 0;
}
