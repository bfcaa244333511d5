/* Shared by the commands: one cmd_x.c per verb, each 0 or -1 with *e filled. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/err.h"
#include "runtime/artifact.h"

#include <stdio.h>

#define PROGRAM "occamy-client"

int cmd_run(int argc, char **argv, struct err *e);
int cmd_inspect(int argc, char **argv, struct err *e);
int cmd_verify(int argc, char **argv, struct err *e);

/* ---- options.c ---- */

struct words { /* values of an option that may stand several times */
	const char **word;
	size_t count;
};

struct option_row {	  /* one of value, words, flag is set */
	const char *name; /* "--input" */
	const char **value;
	struct words *words;
	bool *flag;
};

/* argv[0] is the verb. Takes exactly one word that is no option: *file. Ends with a row of NULLs.
 */
int options_parse(int argc, char **argv, const struct option_row *rows, const char **file,
		  struct err *e);

/* ---- print.c ---- */

/* Model names and values are not ours: control bytes are printed as \xNN, except those in keep. */
void print_text(FILE *f, const char *text, const char *keep);
/* "f32[1,3,48,320]" */
void print_type(struct buf *out, const char *dtype, uint32_t rank, const int64_t *shape);
/* "1.50 MiB", "512 B" */
void print_bytes(struct buf *out, uint64_t bytes);

/* ---- fetch.c ---- */

bool fetch_is_url(const char *text);
/* Downloads into a file that has no name any more; returns its descriptor, or -1 with *e filled. */
int fetch(const char *url, struct err *e);

#endif
