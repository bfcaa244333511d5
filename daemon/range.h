/* The Range header of RFC 9110, one range. */
#ifndef DAEMON_RANGE_H
#define DAEMON_RANGE_H

#include "base/base.h"

enum range_kind {
	RANGE_ALL,  /* no range, or one to ignore: another unit, several ranges, bad syntax */
	RANGE_PART, /* *first, *bytes */
	RANGE_NONE, /* nothing of it exists: 416 */
};

/* text may be NULL. total: size of the whole. */
enum range_kind range_parse(const char *text, uint64_t total, uint64_t *first, uint64_t *bytes);

#endif
