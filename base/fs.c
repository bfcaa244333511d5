/* Files. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_error(struct err *e, const char *path)
{
	enum err_code code = errno == ENOENT || errno == ENOTDIR ? E_NO_FILE : E_IO;

	return fail(e, code, "%s: %s", path, strerror(errno));
}

int fs_map_fd(int fd, const char *name, struct map *m, struct err *e)
{
	struct stat st;
	void *p;

	*m = (struct map){NULL, 0};
	if (fstat(fd, &st) < 0)
		return open_error(e, name);
	if (!S_ISREG(st.st_mode))
		return fail(e, E_NO_FILE, "%s: not a regular file", name);
	if (st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fail(e, E_IO, "%s: mmap: %s", name, strerror(errno));
	*m = (struct map){p, (size_t)st.st_size};
	return 0;
}

int fs_map(const char *path, struct map *m, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	*m = (struct map){NULL, 0};
	if (fd < 0)
		return open_error(e, path);
	ret = fs_map_fd(fd, path, m, e);
	close(fd);
	return ret;
}

void fs_unmap(struct map *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->len);
	*m = (struct map){NULL, 0};
}

int fs_read(const char *path, size_t limit, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	uint8_t part[65536];
	ssize_t n;

	if (fd < 0)
		return open_error(e, path);
	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = fail(e, E_IO, "%s: %s", path, strerror(errno));
		else if (out->len + (size_t)n > limit)
			ret = fail(e, E_LIMIT_BYTES, "%s: larger than %zu bytes", path, limit);
		if (ret < 0)
			break;
		buf_append(out, part, (size_t)n);
	}
	close(fd);
	return ret;
}

static int write_all(int fd, struct span data)
{
	while (data.len) {
		ssize_t n = write(fd, data.data, data.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data.data += n;
		data.len -= (size_t)n;
	}
	return 0;
}

static int sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];
	int fd, ret;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = fsync(fd);
	close(fd);
	return ret;
}

int fs_write_parts(const char *path, const struct span *parts, size_t nparts, struct err *e)
{
	char temp[4096];
	int fd, bad = 0;

	if (snprintf(temp, sizeof(temp), "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof(temp))
		return fail(e, E_IO, "%s: path too long", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail(e, E_IO, "%s: cannot be written: %s", path, strerror(errno));
	for (size_t i = 0; i < nparts && !bad; i++)
		bad = write_all(fd, parts[i]);
	bad = bad || fsync(fd) < 0;
	if (close(fd) < 0 || bad) {
		fail(e, E_IO, "%s: cannot be written: %s", path, strerror(errno));
		goto undo;
	}
	if (rename(temp, path) < 0 || sync_dir(path) < 0) {
		fail(e, E_IO, "%s: %s", path, strerror(errno));
		goto undo;
	}
	return 0;
undo:
	unlink(temp);
	return -1;
}

int fs_write_atomic(const char *path, struct span data, struct err *e)
{
	return fs_write_parts(path, &data, 1, e);
}

int fs_mkdirs(const char *path, struct err *e)
{
	char part[4096];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return fail(e, E_IO, "%s: path empty or too long", path);
	memcpy(part, path, n + 1);
	for (char *p = part + 1; p <= part + n; p++) {
		if (*p && *p != '/')
			continue;
		*p = 0;
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return fail(e, E_IO, "%s: %s", part, strerror(errno));
		if (p < part + n)
			*p = '/';
	}
	return 0;
}

bool fs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int fs_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = fd < 0 ? -1 : fsync(fd);

	if (ret < 0)
		fail(e, E_IO, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

int fs_move(const char *from, const char *to, struct err *e)
{
	if (rename(from, to) < 0 || sync_dir(to) < 0)
		return fail(e, E_IO, "%s: %s", to, strerror(errno));
	return 0;
}
