/* Upload: files in the order of the parts, one open at a time. */
#include "daemon/upload.h"

#include "daemon/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static int io(const char *what, struct err *e)
{

	return fail(e, E_IO, "the upload can't be stored: %s: %s", what, strerror(errno));
}

static int close_file(struct upload *u, struct err *e)
{
	int fd = u->fd;

	u->fd = -1;
	return fd >= 0 && close(fd) < 0 ? io("close", e) : 0;
}

static int begin_file(void *ctx, const char *part, struct err *e)
{
	struct upload *u = ctx;
	struct upload_file *f;
	char path[1300];

	if (upload_find(u, part))
		return fail(e, E_USAGE, "multipart: there are two parts named '%s'", part);
	CHECK(u->nfiles < UPLOAD_FILES_MAX);
	if (close_file(u, e) < 0)
		return -1;
	if (u->nfiles == 0 && mkdir(u->dir, 0700) < 0)
		return io("mkdir", e);
	u->files = mem_resize(u->files, (u->nfiles + 1) * sizeof(*u->files));
	f = &u->files[u->nfiles];
	memset(f, 0, sizeof(*f));
	snprintf(f->part, sizeof(f->part), "%s", part);
	if (strcmp(part, "model") != 0)
		snprintf(f->file, sizeof(f->file), "bind%zu", u->nfiles);
	else
		snprintf(f->file, sizeof(f->file), WORK_MODEL);
	u->nfiles++;
	hash_init(&f->hash);
	snprintf(path, sizeof(path), "%s/%s", u->dir, f->file);
	u->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return u->fd < 0 ? io("open", e) : 0;
}

static int write_file(void *ctx, struct span data, struct err *e)
{
	struct upload *u = ctx;
	struct upload_file *f = &u->files[u->nfiles - 1];

	for (size_t i = 0; i < data.len && f->bytes + i < sizeof(f->head); i++)
		f->head[f->bytes + i] = data.data[i];
	f->bytes += data.len;
	hash_add(&f->hash, data.data, data.len);
	while (data.len) {
		ssize_t n = write(u->fd, data.data, data.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io("write", e);
		data.data += n;
		data.len -= (size_t)n;
	}
	return 0;
}

int upload_init(struct upload *u, const char *dir, uint64_t limit, const char *content_type,
		struct err *e)
{
	static const char kind[] = "multipart/form-data";
	struct multipart_sink sink = {u, begin_file, write_file};

	*u = (struct upload){.limit = limit, .fd = -1};
	if (snprintf(u->dir, sizeof(u->dir), "%s", dir) >= (int)sizeof(u->dir))
		return fail(e, E_IO, "the store's path is too long");
	u->is_multipart = content_type && !strncasecmp(content_type, kind, sizeof(kind) - 1);
	return u->is_multipart ? multipart_init(&u->multipart, content_type, sink, e) : 0;
}

int upload_feed(struct upload *u, const void *data, size_t len, struct err *e)
{
	if (len > u->limit - u->bytes) {
		fail(e, E_LIMIT_BYTES, "the upload is larger than %llu bytes",
		     (unsigned long long)u->limit);
		return err_hint(e, "the service's setting max_body says how much it takes");
	}
	u->bytes += len;
	if (u->is_multipart)
		return multipart_feed(&u->multipart, data, len, e);
	if (u->nfiles == 0 && begin_file(u, "model", e) < 0)
		return -1;
	return write_file(u, (struct span){data, len}, e);
}

/* The compiler tells .npy from .pb by the name; we tell it by the first bytes. */
static int name_file(struct upload *u, struct upload_file *f, struct err *e)
{
	const char *ending = !memcmp(f->head, "\x93NUMPY", 6) ? ".npy" : ".pb";
	char from[1300], to[1300];

	snprintf(from, sizeof(from), "%s/%s", u->dir, f->file);
	strncat(f->file, ending, sizeof(f->file) - strlen(f->file) - 1);
	snprintf(to, sizeof(to), "%s/%s", u->dir, f->file);
	return rename(from, to) < 0 ? io("rename", e) : 0;
}

int upload_end(struct upload *u, struct err *e)
{
	const struct upload_file *model;

	if (u->bytes == 0)
		return fail(e, E_EMPTY, "the request has no body");
	if ((u->is_multipart && multipart_end(&u->multipart, e) < 0) || close_file(u, e) < 0)
		return -1;
	for (size_t i = 0; i < u->nfiles; i++) {
		struct upload_file *f = &u->files[i];

		hash_hex(&f->hash, f->digest);
		if (strcmp(f->part, "model") != 0 && name_file(u, f, e) < 0)
			return -1;
	}
	model = upload_find(u, "model");
	if (!model)
		return fail(e, E_USAGE, "multipart: there is no part named 'model'");
	return model->bytes ? 0 : fail(e, E_EMPTY, "the part 'model' is empty");
}

const struct upload_file *upload_find(const struct upload *u, const char *part)
{
	for (size_t i = 0; i < u->nfiles; i++)
		if (!strcmp(u->files[i].part, part))
			return &u->files[i];
	return NULL;
}

void upload_release(struct upload *u)
{
	struct err e = ERR_INIT;

	close_file(u, &e);
	err_release(&e);
	if (u->dir[0] && u->nfiles)
		work_remove_dir(u->dir);
	multipart_release(&u->multipart);
	mem_free(u->files);
	*u = (struct upload){.fd = -1};
}
