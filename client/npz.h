/* NumPy's .npz: named arrays in one file, a zip archive whose members are .npy files. */
#ifndef CLIENT_NPZ_H
#define CLIENT_NPZ_H

#include "base/fs.h"
#include "base/names.h"
#include "client/ndarray.h"

struct npz_member {
	const char *name; /* without ".npy" */
	struct span npy;
};

struct npz {
	const char *path; /* for messages */
	struct map map;
	struct arena *arena; /* owns names and members */
	struct names index;
	struct npz_member *member;
	uint32_t count;
};

/* Stored members only, as numpy.savez writes them; E_NO_FILE, E_IO, E_INPUT_FILE. */
int npz_open(const char *path, struct npz *z, struct err *e);
/* The same of bytes, which must outlive *z. Safe on any bytes. */
int npz_parse(struct span file, const char *path, struct npz *z, struct err *e);
const struct npz_member *npz_find(const struct npz *z, const char *name); /* NULL: not there */
/* out->data borrows from the file. */
int npz_array(const struct npz *z, const struct npz_member *m, struct ndarray *out, struct err *e);
void npz_release(struct npz *z); /* also what failed to open */

#endif
