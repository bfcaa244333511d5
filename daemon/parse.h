/* Reads the JSON that the compiler writes. The only place here that knows jansson. */
#ifndef DAEMON_PARSE_H
#define DAEMON_PARSE_H

#include "base/arena.h"
#include "base/err.h"

#define REPORT_STAGES_MAX 32

struct identity_text {
	const char *build, *nvrtc, *nvrtc_path, *passes; /* of the arena */
};

struct report_facts {
	int64_t kernels_cached, kernels_compiled;
	size_t nstages;
	struct {
		char name[32];
		double seconds;
	} stages[REPORT_STAGES_MAX];
};

bool parse_identity(const char *text, struct arena *a, struct identity_text *out);
/* A problem object: its code's status. 0: the text is none. */
int parse_problem(const char *text);
/* false: not one JSON object. Members that are missing count as zero. */
bool parse_report(const char *text, size_t len, struct report_facts *out);

#endif
