/*
 * The body of a compile request on its way to a folder of the store: the
 * model, and files that inputs are bound to. Hashed while it is written,
 * stopped at the limit. Raw, or multipart/form-data with a part "model".
 */
#ifndef DAEMON_UPLOAD_H
#define DAEMON_UPLOAD_H

#include "base/err.h"
#include "base/hash.h"
#include "daemon/multipart.h"

#define UPLOAD_FILES_MAX 64

struct upload_file {
	char part[MULTIPART_NAME_MAX + 1]; /* "model", or the part's name */
	char file[32];		 /* in the folder; after upload_end with the right ending */
	char digest[SHA256_HEX]; /* after upload_end */
	uint64_t bytes;
	uint8_t head[6];
	struct hash hash;
};

struct upload {
	char dir[1200]; /* "": not made yet, or given away */
	uint64_t bytes, limit;
	size_t nfiles;
	struct upload_file *files;
	int fd; /* of the last file */
	bool is_multipart;
	struct multipart multipart;
};

/* content_type NULL or any but multipart: raw. */
int upload_init(struct upload *u, const char *dir, uint64_t limit, const char *content_type,
		struct err *e);
int upload_feed(struct upload *u, const void *data, size_t len, struct err *e);
int upload_end(struct upload *u, struct err *e); /* E_EMPTY, E_USAGE */
const struct upload_file *upload_find(const struct upload *u, const char *part);
void upload_release(struct upload *u); /* removes the folder unless dir was set to "" */

#endif
