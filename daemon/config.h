/* Settings: the same words on the command line (--max-body 1G) and in a file (max_body = 1G). */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "base/err.h"

#include <stdio.h>

#define CONFIG_TEXT_MAX 1024

struct config {
	char listen[CONFIG_TEXT_MAX], store[CONFIG_TEXT_MAX], compiler[CONFIG_TEXT_MAX];
	char log[CONFIG_TEXT_MAX];
	int64_t jobs, queue, threads, connections;
	int64_t max_body, cache_bytes, memory;
	int64_t cpu_seconds, wall_seconds;
	int64_t insecure;
};

/* Defaults, then the file of --config, then the command line. 1: --help was asked for. */
int config_read(struct config *c, int argc, char **argv, struct err *e);
void config_help(FILE *to);

#endif
