/* Counters for GET /metrics, in Prometheus' text format. Safe from any thread. */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "base/buf.h"
#include "daemon/parse.h"

struct metrics;

enum metrics_count { COUNT_HITS, COUNT_MISSES, COUNT_JOINED, COUNT_DONE, COUNT_FAILED, COUNTS };

/* What is asked for at the moment of reading. */
struct metrics_gauges {
	uint64_t cache_bytes, cache_entries, cache_damaged, queue_depth, running;
};

struct metrics *metrics_open(void);
void metrics_close(struct metrics *m);
void metrics_add(struct metrics *m, enum metrics_count which);
/* route and method: of a fixed set, not the client's text. */
void metrics_request(struct metrics *m, const char *route, const char *method, int status);
void metrics_hit_seconds(struct metrics *m, double seconds);
void metrics_report(struct metrics *m, const struct report_facts *facts);
void metrics_write(struct metrics *m, const struct metrics_gauges *now, struct buf *out);

#endif
