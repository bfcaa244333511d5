/* SHA-256 (FIPS 180-4), by nettle. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

#include <nettle/sha2.h>

#define SHA256_BYTES 32
#define SHA256_HEX   65 /* with the terminating zero */

struct hash {
	struct sha256_ctx ctx;
};

void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t len);
/* Adds the length before the bytes, so that the borders between fields count. */
void hash_field(struct hash *h, const void *data, size_t len);
void hash_str(struct hash *h, const char *s); /* as a field */
void hash_int(struct hash *h, int64_t v);
void hash_hex(struct hash *h, char out[SHA256_HEX]); /* ends it */
void hash_bytes_hex(const void *data, size_t len, char out[SHA256_HEX]);
bool hash_is_hex(const char *s); /* exactly 64 lower-case hex digits */

#endif
