/*
 * SQL. A connection for writing, always in BEGIN IMMEDIATE, and one for
 * reading: WAL lets lookups go on during a commit. Statements are prepared
 * per call: 10 microseconds, against milliseconds of fsync.
 */
#include "cache/index.h"

#include "cache/schema_sql.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct link {
	sqlite3 *db;
	pthread_mutex_t lock;
};

struct index {
	struct link write, read;
};

static int sql_fail(sqlite3 *db, struct err *e)
{
	int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
	bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return fail(e, damaged ? E_ARTIFACT : E_IO, "cache index: %s",
		    db ? sqlite3_errmsg(db) : "out of memory");
}

/* One argument per letter: t text (copied), i int64_t. */
static sqlite3_stmt *prepare(sqlite3 *db, struct err *e, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st = NULL;
	va_list ap;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	va_start(ap, types);
	for (int i = 1; types[i - 1] && rc == SQLITE_OK; i++)
		rc = types[i - 1] == 't' ? sqlite3_bind_text(st, i, va_arg(ap, const char *), -1,
							     SQLITE_TRANSIENT)
					 : sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
	va_end(ap);
	if (rc == SQLITE_OK)
		return st;
	sql_fail(db, e);
	sqlite3_finalize(st);
	return NULL;
}

/* 1: a row, 0: no more, -1. NULL (prepare failed) passes through. */
static int step(sqlite3 *db, sqlite3_stmt *st, struct err *e)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	return st ? sql_fail(db, e) : -1;
}

/* Runs a statement that gives no rows. */
static int finish(sqlite3 *db, sqlite3_stmt *st, struct err *e)
{
	int ret = step(db, st, e);

	sqlite3_finalize(st);
	return ret < 0 ? -1 : 0;
}

static int exec(sqlite3 *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_fail(db, e);
}

static void copy_text(char *out, size_t size, sqlite3_stmt *st, int column)
{
	const unsigned char *s = sqlite3_column_text(st, column);

	snprintf(out, size, "%s", s ? (const char *)s : "");
}

/* ---- opening ---- */

static int link_open(const char *path, struct link *l, struct err *e)
{
	static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
				      "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
				      "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;";

	pthread_mutex_init(&l->lock, NULL);
	if (sqlite3_open_v2(path, &l->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return sql_fail(l->db, e);
	sqlite3_busy_timeout(l->db, 5000);
	return exec(l->db, pragmas, e);
}

static void link_close(struct link *l)
{
	sqlite3_close(l->db);
	pthread_mutex_destroy(&l->lock);
}

static int check(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *st = prepare(db, e, "PRAGMA quick_check(1)", "");
	char text[128] = "";
	int ret = step(db, st, e);

	if (ret == 1)
		copy_text(text, sizeof(text), st, 0);
	sqlite3_finalize(st);
	if (ret < 0)
		return -1;
	return !strcmp(text, "ok") ? 0 : fail(e, E_ARTIFACT, "cache index: %s", text);
}

static int user_version(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *st = prepare(db, e, "PRAGMA user_version", "");
	int ret = step(db, st, e) == 1 ? sqlite3_column_int(st, 0) : -1;

	sqlite3_finalize(st);
	return ret;
}

/* Runs every section "-- migration N" of schema.sql above the index's version. */
static int migrate(sqlite3 *db, struct err *e)
{
	static const char mark[] = "-- migration ";
	int have = user_version(db, e), number = 0;
	const char *at = strstr(schema_sql, mark);
	struct buf sql = BUF_INIT;
	int ret = have < 0 ? -1 : 0;

	for (const char *next; ret == 0 && at; at = next) {
		next = strstr(at + 1, mark);
		number = (int)strtol(at + sizeof(mark) - 1, NULL, 10);
		if (number <= have)
			continue;
		buf_puts(&sql, "BEGIN IMMEDIATE;");
		buf_append(&sql, at, next ? (size_t)(next - at) : strlen(at));
		buf_printf(&sql, "PRAGMA user_version=%d; COMMIT;", number);
		ret = exec(db, buf_str(&sql), e);
		buf_release(&sql);
	}
	if (ret == 0 && have > number)
		return fail(e, E_IO, "cache index: version %d is newer than this program's %d",
			    have, number);
	return ret;
}

int index_open(const char *path, struct index **out, struct err *e)
{
	struct index *x = mem_alloc(sizeof(*x));

	if (link_open(path, &x->write, e) < 0 || check(x->write.db, e) < 0 ||
	    migrate(x->write.db, e) < 0 || link_open(path, &x->read, e) < 0) {
		index_close(x);
		return -1;
	}
	*out = x;
	return 0;
}

void index_close(struct index *x)
{
	if (!x)
		return;
	link_close(&x->read);
	link_close(&x->write);
	mem_free(x);
}

/* ---- reading ---- */

static void read_part(sqlite3_stmt *st, struct cache_part *p)
{
	copy_text(p->name, sizeof(p->name), st, 0);
	copy_text(p->digest, sizeof(p->digest), st, 1);
	copy_text(p->file, sizeof(p->file), st, 2);
	p->offset = (uint64_t)sqlite3_column_int64(st, 3);
	p->bytes = (uint64_t)sqlite3_column_int64(st, 4);
}

int index_get(struct index *x, const char *key, struct cache_entry *out, struct err *e)
{
	sqlite3_stmt *st;
	int row;

	*out = (struct cache_entry){.nparts = 0};
	snprintf(out->key, sizeof(out->key), "%s", key);
	pthread_mutex_lock(&x->read.lock);
	st = prepare(x->read.db, e,
		     "SELECT name,digest,file,start,bytes FROM part WHERE key=? ORDER BY position",
		     "t", key);
	while ((row = step(x->read.db, st, e)) == 1 && out->nparts < CACHE_PARTS_MAX)
		read_part(st, &out->parts[out->nparts++]);
	sqlite3_finalize(st);
	pthread_mutex_unlock(&x->read.lock);
	return row < 0 ? -1 : out->nparts > 0;
}

int index_find(struct index *x, const char *digest, struct cache_part *out, struct err *e)
{
	sqlite3_stmt *st;
	int row;

	pthread_mutex_lock(&x->read.lock);
	st = prepare(x->read.db, e,
		     "SELECT name,digest,file,start,bytes FROM part WHERE digest=? ORDER BY "
		     "key,position "
		     "LIMIT 1",
		     "t", digest);
	row = step(x->read.db, st, e);
	if (row == 1)
		read_part(st, out);
	sqlite3_finalize(st);
	pthread_mutex_unlock(&x->read.lock);
	return row;
}

int index_blob(struct index *x, const char *digest, uint64_t *bytes, struct err *e)
{
	sqlite3_stmt *st;
	int row;

	pthread_mutex_lock(&x->read.lock);
	st = prepare(x->read.db, e, "SELECT bytes FROM blob WHERE digest=?", "t", digest);
	row = step(x->read.db, st, e);
	if (row == 1)
		*bytes = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	pthread_mutex_unlock(&x->read.lock);
	return row;
}

int index_stats(struct index *x, struct cache_stats *out, struct err *e)
{
	sqlite3_stmt *st;
	int row;

	pthread_mutex_lock(&x->read.lock);
	st = prepare(
		x->read.db, e,
		"SELECT (SELECT coalesce(sum(bytes),0) FROM blob), (SELECT count(*) FROM blob),"
		"(SELECT count(*) FROM artifact)",
		"");
	row = step(x->read.db, st, e);
	if (row == 1) {
		out->bytes = (uint64_t)sqlite3_column_int64(st, 0);
		out->blobs = (uint64_t)sqlite3_column_int64(st, 1);
		out->entries = (uint64_t)sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&x->read.lock);
	return row == 1 ? 0 : -1;
}

/* The first column of the first row as a digest or key. */
static int one_hex(struct link *l, sqlite3_stmt *st, char out[SHA256_HEX], struct err *e)
{
	int row = step(l->db, st, e);

	if (row == 1)
		copy_text(out, SHA256_HEX, st, 0);
	sqlite3_finalize(st);
	return row;
}

int index_record(struct index *x, const char *key, char record[SHA256_HEX], struct err *e)
{
	int row;

	pthread_mutex_lock(&x->read.lock);
	row = one_hex(&x->read,
		      prepare(x->read.db, e, "SELECT record FROM artifact WHERE key=?", "t", key),
		      record, e);
	pthread_mutex_unlock(&x->read.lock);
	return row;
}

int index_oldest(struct index *x, int64_t before, char key[SHA256_HEX], struct err *e)
{
	int row;

	pthread_mutex_lock(&x->read.lock);
	row = one_hex(&x->read,
		      prepare(x->read.db, e,
			      "SELECT key FROM artifact WHERE pinned=0 AND used<=? "
			      "ORDER BY used,key LIMIT 1",
			      "i", before),
		      key, e);
	pthread_mutex_unlock(&x->read.lock);
	return row;
}

/* Appends the first column of every row, 65 bytes each. */
static int all_hex(struct link *l, sqlite3_stmt *st, struct buf *out, struct err *e)
{
	int row;

	while ((row = step(l->db, st, e)) == 1)
		copy_text(buf_extend(out, SHA256_HEX), SHA256_HEX, st, 0);
	sqlite3_finalize(st);
	return row;
}

int index_keys(struct index *x, struct buf *keys, struct err *e)
{
	int ret;

	pthread_mutex_lock(&x->read.lock);
	ret = all_hex(&x->read, prepare(x->read.db, e, "SELECT key FROM artifact ORDER BY key", ""),
		      keys, e);
	pthread_mutex_unlock(&x->read.lock);
	return ret;
}

/* ---- writing ---- */

/* COMMIT, or ROLLBACK where something failed before. */
static int end(sqlite3 *db, int ret, struct err *e)
{
	if (ret == 0)
		ret = exec(db, "COMMIT", e);
	if (ret < 0)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int add_blob(sqlite3 *db, const char *digest, uint64_t bytes, struct err *e)
{
	return finish(db,
		      prepare(db, e,
			      "INSERT INTO blob(digest,bytes) VALUES(?,?) "
			      "ON CONFLICT(digest) DO UPDATE SET bytes=excluded.bytes",
			      "ti", digest, (int64_t)bytes),
		      e);
}

static int add_part(sqlite3 *db, const char *key, size_t position, const struct cache_part *p,
		    struct err *e)
{
	if (!strcmp(p->digest, p->file) && add_blob(db, p->file, p->bytes, e) < 0)
		return -1;
	return finish(db,
		      prepare(db, e, "INSERT INTO part VALUES(?,?,?,?,?,?,?)", "titttii", key,
			      (int64_t)position, p->name, p->digest, p->file, (int64_t)p->offset,
			      (int64_t)p->bytes),
		      e);
}

int index_put(struct index *x, const struct cache_entry *en, const char *record,
	      uint64_t record_bytes, struct err *e)
{
	sqlite3 *db = x->write.db;
	int ret;

	pthread_mutex_lock(&x->write.lock);
	ret = exec(db, "BEGIN IMMEDIATE", e);
	if (ret == 0)
		ret = finish(db, prepare(db, e, "DELETE FROM part WHERE key=?", "t", en->key), e);
	if (ret == 0)
		ret = add_blob(db, record, record_bytes, e);
	if (ret == 0)
		ret = finish(db,
			     prepare(db, e,
				     "INSERT INTO artifact(key,record,used) VALUES(?,?,?) "
				     "ON CONFLICT(key) DO UPDATE SET record=excluded.record,"
				     "used=excluded.used",
				     "tti", en->key, record, (int64_t)time(NULL)),
			     e);
	for (size_t i = 0; i < en->nparts && ret == 0; i++)
		ret = add_part(db, en->key, i, &en->parts[i], e);
	ret = end(db, ret, e);
	pthread_mutex_unlock(&x->write.lock);
	return ret;
}

int index_pin(struct index *x, const char *key, bool pinned, struct err *e)
{
	sqlite3 *db = x->write.db;
	int ret;

	pthread_mutex_lock(&x->write.lock);
	ret = finish(db,
		     prepare(db, e, "UPDATE artifact SET pinned=? WHERE key=?", "it",
			     (int64_t)pinned, key),
		     e);
	if (ret == 0 && sqlite3_changes(db) == 0)
		ret = fail(e, E_NOT_FOUND, "no artifact has the key %s", key);
	pthread_mutex_unlock(&x->write.lock);
	return ret;
}

int index_used(struct index *x, const struct index_use *uses, size_t n, struct err *e)
{
	static const char sql[] = "UPDATE artifact SET used=max(used,?),hits=hits+? WHERE key=?";
	sqlite3 *db = x->write.db;
	int64_t now = (int64_t)time(NULL);
	int ret;

	pthread_mutex_lock(&x->write.lock);
	ret = exec(db, "BEGIN IMMEDIATE", e);
	for (size_t i = 0; i < n && ret == 0; i++)
		ret = finish(db, prepare(db, e, sql, "iit", now, uses[i].hits, uses[i].key), e);
	ret = end(db, ret, e);
	pthread_mutex_unlock(&x->write.lock);
	return ret;
}

int index_drop(struct index *x, const char *key, struct buf *gone, struct err *e)
{
	static const char unused[] = "FROM blob WHERE digest NOT IN (SELECT file FROM part) "
				     "AND digest NOT IN (SELECT record FROM artifact)";
	char sql[256];
	sqlite3 *db = x->write.db;
	int ret;

	pthread_mutex_lock(&x->write.lock);
	ret = exec(db, "BEGIN IMMEDIATE", e);
	if (ret == 0)
		ret = finish(db, prepare(db, e, "DELETE FROM artifact WHERE key=?", "t", key), e);
	snprintf(sql, sizeof(sql), "SELECT digest %s", unused);
	if (ret == 0)
		ret = all_hex(&x->write, prepare(db, e, sql, ""), gone, e);
	snprintf(sql, sizeof(sql), "DELETE %s", unused);
	if (ret == 0)
		ret = exec(db, sql, e);
	ret = end(db, ret, e);
	pthread_mutex_unlock(&x->write.lock);
	return ret;
}
