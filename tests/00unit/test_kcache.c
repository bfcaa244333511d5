/* The kernel cache: a hit gives what was put, any damage is a miss. */
#include "base/fs.h"
#include "compiler/kcache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;

#define EXPECT(cond) ((cond) ? (void)0 : (void)(printf("failed: %s\n", #cond), failures++))

static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] = "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static bool hit(const char *dir, const char *k)
{
	struct nvrtc_result r;
	bool got = kcache_get(dir, k, &r);

	if (got) {
		EXPECT(r.ptx.len == 7 && !memcmp(r.ptx.data, "the ptx", 7));
		EXPECT(r.cubin.len == 5 && !memcmp(r.cubin.data, "cubin", 5));
		EXPECT(r.registers == 40 && r.spill_bytes == 8 && r.shared_bytes == 4096);
	}
	nvrtc_release(&r);
	return got;
}

static void put(const char *dir)
{
	struct nvrtc_result r = {.registers = 40, .spill_bytes = 8, .shared_bytes = 4096};

	buf_puts(&r.ptx, "the ptx");
	buf_puts(&r.cubin, "cubin");
	kcache_put(dir, key, &r);
	nvrtc_release(&r);
}

static void damage(const char *dir, const char *path)
{
	struct buf file = BUF_INIT;
	struct err e = ERR_INIT;

	EXPECT(fs_read(path, 1 << 20, &file, &e) == 0);
	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= 1;
		EXPECT(fs_write_atomic(path, buf_span(&file), &e) == 0 && !hit(dir, key));
		file.data[i] ^= 1;
	}
	for (size_t len = 0; len < file.len; len += 7) {
		struct span part = {file.data, len};

		EXPECT(fs_write_atomic(path, part, &e) == 0 && !hit(dir, key));
	}
	buf_release(&file);
	err_release(&e);
}

int main(void)
{
	char dir[] = "/tmp/kcache-XXXXXX", sub[64], path[256], moved[256];

	EXPECT(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/sub/%s.k", dir, key);
	snprintf(moved, sizeof(moved), "%s/sub/%s.k", dir, other);

	snprintf(sub, sizeof(sub), "%s/sub", dir);
	EXPECT(!hit(sub, key));
	put(sub);
	EXPECT(hit(sub, key));
	EXPECT(!hit(sub, other));
	damage(sub, path);
	put(sub);
	EXPECT(hit(sub, key));
	EXPECT(rename(path, moved) == 0); /* a good file under another key */
	EXPECT(!hit(sub, other));
	unlink(moved);
	rmdir(sub);
	rmdir(dir);
	return failures != 0;
}
