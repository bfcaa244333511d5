/*
 * Downloads an artifact with libcurl, which is opened only here and only
 * when a URL is given. The constants are libcurl's ABI; no header of it is
 * needed. The bytes go to a file without a name in $TMPDIR or /var/tmp, and
 * are checked afterwards like those of any file.
 */
#include "client/client.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LIBRARY		"libcurl.so.4"
#define STALL_SECONDS	30L
#define CONNECT_SECONDS 30L
#define PROBLEM_MAX	((size_t)64 << 10)

enum {
	OPT_LOW_SPEED_LIMIT = 19,
	OPT_LOW_SPEED_TIME = 20,
	OPT_FOLLOWLOCATION = 52,
	OPT_MAXREDIRS = 68,
	OPT_CONNECTTIMEOUT = 78,
	OPT_NOSIGNAL = 99,
	OPT_PROTOCOLS = 181,
	OPT_REDIR_PROTOCOLS = 182,
	OPT_WRITEDATA = 10001,
	OPT_URL = 10002,
	OPT_ERRORBUFFER = 10010,
	OPT_USERAGENT = 10018,
	OPT_WRITEFUNCTION = 20011,
	INFO_RESPONSE_CODE = 0x200002,
	PROTO_HTTP_HTTPS = 3,
	ERROR_SIZE = 256
};

typedef void CURL;

struct curl {
	CURL *(*easy_init)(void);
	int (*easy_setopt)(CURL *, int, ...);
	int (*easy_perform)(CURL *);
	int (*easy_getinfo)(CURL *, int, ...);
	const char *(*easy_strerror)(int);
	void (*easy_cleanup)(CURL *);
};

struct download {
	int fd;
	bool failed; /* to write; errno tells why */
};

static int open_curl(struct curl *c, struct err *e)
{
	static const struct {
		const char *name;
		size_t offset;
	} calls[] = {
		{"curl_easy_init", offsetof(struct curl, easy_init)},
		{"curl_easy_setopt", offsetof(struct curl, easy_setopt)},
		{"curl_easy_perform", offsetof(struct curl, easy_perform)},
		{"curl_easy_getinfo", offsetof(struct curl, easy_getinfo)},
		{"curl_easy_strerror", offsetof(struct curl, easy_strerror)},
		{"curl_easy_cleanup", offsetof(struct curl, easy_cleanup)},
	};
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; lib && i < COUNT_OF(calls); i++) {
		void *call = dlsym(lib, calls[i].name);

		if (!call)
			lib = NULL;
		memcpy((char *)c + calls[i].offset, &call, sizeof(call));
	}
	if (lib)
		return 0;
	fail(e, E_NETWORK, "a URL needs libcurl: %s", dlerror());
	return err_hint(e, "apt-get install libcurl4, or download the artifact and give its file");
}

static size_t receive(char *data, size_t size, size_t n, void *user)
{
	struct download *d = user;
	size_t left = size * n;

	while (left) {
		ssize_t done = write(d->fd, data, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			d->failed = true;
			return 0;
		}
		data += done;
		left -= (size_t)done;
	}
	return size * n;
}

static int open_temporary(struct err *e)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/occamy.XXXXXX", dir && dir[0] ? dir : "/var/tmp") >=
	    (int)sizeof(path))
		return fail(e, E_IO, "TMPDIR is too long");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return fail(e, E_IO, "%s: %s", path, strerror(errno));
	unlink(path);
	return fd;
}

/* The daemon's problem body, where the answer is one: its code and its words. */
static int refused(const char *url, long status, int fd, struct err *e)
{
	char *text = mem_alloc(PROBLEM_MAX);
	ssize_t n = pread(fd, text, PROBLEM_MAX, 0);
	json_t *o = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	const char *name = json_string_value(json_object_get(o, "code"));
	const char *detail = json_string_value(json_object_get(o, "detail"));
	const char *hint = json_string_value(json_object_get(o, "hint"));
	enum err_code code = name ? err_parse(name) : E_NETWORK;

	/* err_parse says E_INTERNAL for a name that it does not know */
	if (name && code == E_INTERNAL && strcmp(name, err_name(E_INTERNAL)) != 0)
		code = E_NETWORK;
	fail(e, code, "%s: HTTP status %ld%s%s%s%s", url, status, name ? ": " : "",
	     name ? name : "", detail ? ": " : "", detail ? detail : "");
	if (hint)
		err_hint(e, "%s", hint);
	json_decref(o);
	mem_free(text);
	return -1;
}

static int perform(const struct curl *c, CURL *h, const char *url, struct download *d,
		   struct err *e)
{
	char why[ERROR_SIZE] = "";
	long status = 0;
	int r;

	c->easy_setopt(h, OPT_URL, url);
	c->easy_setopt(h, OPT_ERRORBUFFER, why);
	c->easy_setopt(h, OPT_WRITEFUNCTION, receive);
	c->easy_setopt(h, OPT_WRITEDATA, d);
	c->easy_setopt(h, OPT_USERAGENT, PROGRAM "/" VERSION);
	c->easy_setopt(h, OPT_NOSIGNAL, 1L);
	c->easy_setopt(h, OPT_PROTOCOLS, (long)PROTO_HTTP_HTTPS);
	c->easy_setopt(h, OPT_REDIR_PROTOCOLS, (long)PROTO_HTTP_HTTPS);
	c->easy_setopt(h, OPT_FOLLOWLOCATION, 1L);
	c->easy_setopt(h, OPT_MAXREDIRS, 5L);
	c->easy_setopt(h, OPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	c->easy_setopt(h, OPT_LOW_SPEED_LIMIT, 1L); /* bytes per second */
	c->easy_setopt(h, OPT_LOW_SPEED_TIME, STALL_SECONDS);
	r = c->easy_perform(h);
	c->easy_setopt(h, OPT_ERRORBUFFER, NULL);
	if (d->failed)
		return fail(e, E_IO, "%s: writing the download: %s", url, strerror(errno));
	if (r != 0)
		return fail(e, E_NETWORK, "%s: %s", url, why[0] ? why : c->easy_strerror(r));
	c->easy_getinfo(h, INFO_RESPONSE_CODE, &status);
	return status >= 400 ? refused(url, status, d->fd, e) : 0;
}

/* An artifact's own address answers with its manifest; the file has .occ after it. */
static void artifact_address(struct buf *out, const char *url)
{
	size_t path = strcspn(url, "?#");

	buf_append(out, url, path);
	if (path < 4 || strncmp(url + path - 4, ".occ", 4) != 0)
		buf_puts(out, ".occ");
	buf_puts(out, url + path);
}

bool fetch_is_url(const char *text)
{
	return !strncasecmp(text, "http://", 7) || !strncasecmp(text, "https://", 8);
}

int fetch(const char *url, struct err *e)
{
	struct buf address = BUF_INIT;
	struct download d = {-1, false};
	struct curl c;
	CURL *h = NULL;
	int ret = -1;

	artifact_address(&address, url);
	if (open_curl(&c, e) < 0)
		goto done;
	d.fd = open_temporary(e);
	if (d.fd < 0)
		goto done;
	h = c.easy_init();
	ret = h ? perform(&c, h, buf_str(&address), &d, e)
		: fail(e, E_NETWORK, LIBRARY " does not start");
	if (h)
		c.easy_cleanup(h);
done:
	if (ret < 0 && d.fd >= 0)
		close(d.fd);
	buf_release(&address);
	return ret < 0 ? -1 : d.fd;
}
