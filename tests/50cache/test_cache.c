/*
 * The store through its header, and through what a crash, a disk or a person
 * does to its files: each case starts with an empty store below argv[1].
 */
#include "base/fs.h"
#include "cache/cache.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EXPECT(cond) ((cond) ? (void)0 : expect_failed(#cond, __LINE__))

static int failures;
static char root[3000];
static struct err err = {.offset = -1};

static void expect_failed(const char *cond, int line)
{
	fprintf(stderr, "test_cache.c:%d: %s (%s)\n", line, cond, err.detail);
	failures++;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static struct cache *open_store(void)
{
	struct cache *c = NULL;

	err_release(&err);
	EXPECT(cache_open(root, &c, &err) == 0);
	if (!c)
		exit(1);
	return c;
}

static struct cache *fresh(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return open_store();
}

/* Key number n; all of them hex. */
static const char *key(int n)
{
	static char text[8][SHA256_HEX];

	snprintf(text[n % 8], SHA256_HEX, "%064x", n);
	return text[n % 8];
}

static void write_file(const char *path, const char *text, size_t bytes)
{
	struct buf b = BUF_INIT;

	while (b.len < bytes)
		buf_puts(&b, text);
	EXPECT(fs_write_atomic(path, (struct span){b.data, bytes}, &err) == 0);
	buf_release(&b);
}

/* An entry of two files and a range: bytes of text, "report n", and bytes 2..5 of the first. */
static int put(struct cache *c, int n, const char *text, size_t bytes)
{
	struct cache_source from[3] = {{.part.name = "artifact"}, {.part.name = "report"}};
	char a[4000], r[4000], report[32];

	snprintf(a, sizeof(a), "%s/a%d", cache_dir(c, "tmp"), n);
	snprintf(r, sizeof(r), "%s/r%d", cache_dir(c, "tmp"), n);
	snprintf(report, sizeof(report), "report %d", n);
	write_file(a, text, bytes);
	write_file(r, report, strlen(report));
	from[0].path = a;
	from[1].path = r;
	from[2].part = (struct cache_part){.name = "plan", .offset = 2, .bytes = 4};
	hash_bytes_hex(text + 2, 4, from[2].part.digest);
	return cache_put(c, key(n), from, 3, &err);
}

static void blob_file(const char *digest, char out[4096])
{
	snprintf(out, 4096, "%s/blobs/sha256/%.2s/%s", root, digest, digest);
}

static bool part_is(struct cache *c, const struct cache_part *p, const char *text)
{
	char got[64] = "";
	int fd = cache_read(c, p);
	ssize_t n = fd < 0 ? -1 : read(fd, got, MIN(p->bytes, sizeof(got) - 1));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(got, text, strlen(text));
}

static bool has(struct cache *c, int n)
{
	struct cache_entry en;

	return cache_get(c, key(n), &en, &err) == 1;
}

static void test_put_get(void)
{
	struct cache *c = fresh();
	struct cache_entry en;
	struct cache_part p;
	struct cache_stats st;

	EXPECT(cache_get(c, key(1), &en, &err) == 0);
	EXPECT(cache_get(c, "../../etc/passwd", &en, &err) == 0);
	EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
	EXPECT(cache_get(c, key(1), &en, &err) == 1);
	EXPECT(en.nparts == 3 && !strcmp(en.parts[2].name, "plan"));
	EXPECT(en.parts[0].bytes == 16 && !strcmp(en.parts[0].file, en.parts[0].digest));
	EXPECT(part_is(c, &en.parts[0], "hello artifact!!"));
	EXPECT(part_is(c, &en.parts[1], "report 1"));
	EXPECT(part_is(c, &en.parts[2], "llo "));
	EXPECT(cache_find(c, en.parts[2].digest, &p, &err) == 1 && p.offset == 2 && p.bytes == 4);
	EXPECT(cache_find(c, key(9), &p, &err) == 0);
	EXPECT(cache_find(c, "x", &p, &err) == 0);
	EXPECT(cache_stats(c, &st, &err) == 0 && st.entries == 1 && st.blobs == 3);
	p.offset = 14; /* a range that leaves its file */
	EXPECT(cache_read(c, &p) < 0);
	/* the same key again, other bytes: replaced */
	EXPECT(put(c, 1, "another artifact", 16) == 0);
	EXPECT(cache_get(c, key(1), &en, &err) == 1);
	EXPECT(part_is(c, &en.parts[0], "another artifact"));
	cache_close(c);
}

static void test_restart(void)
{
	struct cache *c = fresh(), *second = NULL;
	struct cache_entry en, old;
	struct err e = ERR_INIT;
	char stale[4096];

	EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
	EXPECT(cache_get(c, key(1), &old, &err) == 1);
	EXPECT(cache_open(root, &second, &e) < 0 && strstr(e.detail, "another process"));
	cache_close(c);
	snprintf(stale, sizeof(stale), "%s/tmp/job", root);
	mkdir(stale, 0700);
	snprintf(stale, sizeof(stale), "%s/tmp/job/model", root);
	write_file(stale, "x", 1);
	c = open_store();
	EXPECT(!fs_exists(stale));
	EXPECT(cache_get(c, key(1), &en, &err) == 1 && !memcmp(&en, &old, sizeof(en)));
	cache_close(c);
}

/* A blob that is gone or short is a miss, the entry goes, and a new put heals it. */
static void test_damaged_blob(void)
{
	struct cache *c = fresh();
	struct cache_entry en;
	struct cache_stats st;
	char path[4096];

	for (int i = 0; i < 4; i++) {
		EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
		EXPECT(cache_get(c, key(1), &en, &err) == 1);
		blob_file(en.parts[i % 2].file, path);
		EXPECT((i < 2 ? unlink(path) : truncate(path, 3)) == 0);
		EXPECT(!has(c, 1));
	}
	EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
	blob_file(en.parts[0].file, path);
	EXPECT(cache_stats(c, &st, &err) == 0 && st.damaged == 4);
	cache_close(c);
	/* the same while nobody looks: dropped at the next start */
	EXPECT(truncate(path, 5) == 0);
	c = open_store();
	EXPECT(cache_stats(c, &st, &err) == 0 && st.entries == 0 && st.blobs == 0);
	EXPECT(!fs_exists(path));
	cache_close(c);
}

static void spoil_index(const char *how)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/index.db", root);
	if (!strcmp(how, "lost"))
		EXPECT(unlink(path) == 0);
	else if (!strcmp(how, "garbage"))
		write_file(path, "this is no database", 40000);
	else
		EXPECT(truncate(path, 4096 + 100) == 0);
}

static void test_rebuild(void)
{
	static const char *const how[] = {"lost", "garbage", "cut"};
	struct cache_entry old, en;
	struct cache_stats st;

	for (size_t i = 0; i < COUNT_OF(how); i++) {
		struct cache *c = fresh();
		char aside[4096];

		EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
		EXPECT(put(c, 2, "yet another file", 16) == 0);
		EXPECT(cache_get(c, key(2), &old, &err) == 1);
		cache_close(c);
		spoil_index(how[i]);
		c = open_store();
		EXPECT(cache_get(c, key(2), &en, &err) == 1 && !memcmp(&en, &old, sizeof(en)));
		EXPECT(part_is(c, &en.parts[2], "t an"));
		EXPECT(has(c, 1));
		EXPECT(cache_stats(c, &st, &err) == 0 && st.entries == 2 && st.blobs == 6);
		snprintf(aside, sizeof(aside), "%s/index.db.broken-1", root);
		EXPECT(fs_exists(aside) == (i > 0));
		cache_close(c);
	}
}

/* What a crash between files and row leaves: a complete entry is adopted, parts are swept. */
static void test_crash_leftovers(void)
{
	struct cache *c = fresh();
	struct cache_entry en;
	struct cache_stats st;
	char path[4096], index[4096];

	EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
	EXPECT(put(c, 2, "yet another file", 16) == 0);
	EXPECT(cache_get(c, key(2), &en, &err) == 1);
	cache_close(c);
	snprintf(index, sizeof(index), "%s/index.db", root);
	EXPECT(unlink(index) == 0);
	blob_file(en.parts[1].file, path); /* the second entry's report never arrived */
	EXPECT(unlink(path) == 0);
	snprintf(path, sizeof(path), "%s/blobs/sha256/00/stray", root);
	write_file(path, "x", 1);
	c = open_store();
	EXPECT(has(c, 1) && !has(c, 2));
	EXPECT(!fs_exists(path));
	EXPECT(cache_stats(c, &st, &err) == 0 && st.entries == 1 && st.blobs == 3);
	blob_file(en.parts[0].file, path);
	EXPECT(!fs_exists(path));
	cache_close(c);
}

/* A record whose bytes do not match its name, or that points outside, is not believed. */
static void test_forged_record(void)
{
	static const char text[] =
		"{\"occamy_entry\":1,\"key\":"
		"\"0000000000000000000000000000000000000000000000000000000000000007\","
		"\"parts\":[{\"name\":\"a\",\"digest\":\"../../../../etc/passwd\","
		"\"file\":\"../../../../etc/passwd\",\"offset\":0,\"bytes\":1}]}";
	struct cache *c = fresh();
	char digest[SHA256_HEX], path[4096];

	cache_close(c);
	hash_bytes_hex(text, sizeof(text) - 1, digest);
	blob_file(digest, path);
	write_file(path, text, sizeof(text) - 1);
	c = open_store();
	EXPECT(!has(c, 7) && !fs_exists(path));
	cache_close(c);
}

static void test_newer_index(void)
{
	struct cache *c = fresh(), *newer = NULL;
	struct err e = ERR_INIT;
	char path[4096];
	sqlite3 *db;

	cache_close(c);
	snprintf(path, sizeof(path), "%s/index.db", root);
	EXPECT(sqlite3_open(path, &db) == SQLITE_OK);
	EXPECT(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	EXPECT(cache_open(root, &newer, &e) < 0 && strstr(e.detail, "newer"));
	EXPECT(fs_exists(path)); /* refused, not set aside */
}

static void age(int n, int seconds)
{
	char path[4096], sql[256];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/index.db", root);
	snprintf(sql, sizeof(sql), "UPDATE artifact SET used=%lld WHERE key='%s'",
		 (long long)time(NULL) - seconds, key(n));
	EXPECT(sqlite3_open(path, &db) == SQLITE_OK);
	EXPECT(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

static void test_gc(void)
{
	struct cache *c = fresh();
	struct cache_entry en;
	struct cache_stats st;
	char path[4096];
	int fd;

	for (int i = 1; i <= 5; i++) {
		char text[20];

		snprintf(text, sizeof(text), "artifact %d ......", i);
		EXPECT(put(c, i, text, 10000) == 0);
		age(i, 1000 - i);
	}
	EXPECT(cache_get(c, key(2), &en, &err) == 1);
	fd = cache_read(c, &en.parts[0]);
	EXPECT(cache_pin(c, key(1), true, &err) == 0);
	for (int i = 0; i < 3000; i++)
		EXPECT(cache_hit(c, key(i % 2 ? 3 : 3 + 1000 * (i % 7)), &err) == 0);
	EXPECT(cache_gc(c, 35000, 100, &err) == 0); /* 2 and 4 are the oldest that may go */
	EXPECT(has(c, 1) && !has(c, 2) && has(c, 3) && !has(c, 4) && has(c, 5));
	EXPECT(cache_stats(c, &st, &err) == 0 && st.bytes <= 35000 && st.entries == 3);
	blob_file(en.parts[0].file, path);
	EXPECT(!fs_exists(path));
	EXPECT(read(fd, path, 8) == 8 && !memcmp(path, "artifact", 8)); /* readers finish */
	close(fd);
	EXPECT(cache_gc(c, 0, 0, &err) == 0);
	EXPECT(has(c, 1) && !has(c, 3) && !has(c, 5));
	EXPECT(cache_pin(c, key(1), false, &err) == 0);
	EXPECT(cache_gc(c, 0, 0, &err) == 0 && !has(c, 1));
	EXPECT(cache_stats(c, &st, &err) == 0 && st.blobs == 0);
	EXPECT(cache_pin(c, key(1), true, &err) < 0);
	err_release(&err);
	cache_close(c);
}

/* Files shared by two entries go with the last of them. */
static void test_shared_blob(void)
{
	struct cache *c = fresh();

	EXPECT(put(c, 1, "hello artifact!!", 16) == 0);
	age(1, 50);
	EXPECT(put(c, 2, "hello artifact!!", 16) == 0);
	EXPECT(cache_pin(c, key(2), true, &err) == 0);
	EXPECT(cache_gc(c, 0, 10, &err) == 0);
	EXPECT(!has(c, 1) && has(c, 2));
	cache_close(c);
}

static void *churn(void *arg)
{
	struct cache *c = arg;
	struct err e = ERR_INIT;

	for (int i = 0; i < 20; i++)
		if (cache_gc(c, 0, 0, &e) < 0)
			return c;
	return NULL;
}

/* Eviction of everything while entries are published: never a row without its files. */
static void test_race(void)
{
	struct cache *c = fresh();
	pthread_t thread;
	void *bad;

	EXPECT(pthread_create(&thread, NULL, churn, c) == 0);
	for (int i = 0; i < 40; i++)
		EXPECT(put(c, i % 3, "hello artifact!!", 16) == 0);
	pthread_join(thread, &bad);
	EXPECT(!bad);
	EXPECT(put(c, 1, "hello artifact!!", 16) == 0 && has(c, 1));
	cache_close(c);
	c = open_store();
	EXPECT(has(c, 1));
	cache_close(c);
}

int main(int argc, char **argv)
{
	snprintf(root, sizeof(root), "%s/store", argc > 1 ? argv[1] : "/tmp");
	test_put_get();
	test_restart();
	test_damaged_blob();
	test_rebuild();
	test_crash_leftovers();
	test_forged_record();
	test_newer_index();
	test_gc();
	test_shared_blob();
	test_race();
	err_release(&err);
	fprintf(stderr, "%d failures\n", failures);
	return failures != 0;
}
