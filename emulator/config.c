/* The environment variable OCCAMY_EMULATOR, and the facts of the chips. */
#include "emulator/device.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct chip *config_chip(uint32_t sm)
{
	/* 87, 110, 72, 62, 53 are Jetson modules; the others' counts are those of a small part */
	static const struct chip chips[] = {
		{50, 5, 1000000, 49152},   {53, 1, 921600, 49152},    {62, 2, 1300000, 49152},
		{72, 6, 1109250, 98304},   {75, 8, 1000000, 65536},   {80, 8, 1000000, 166912},
		{86, 8, 1000000, 101376},  {87, 8, 918000, 166912},   {88, 8, 1000000, 101376},
		{89, 8, 1000000, 101376},  {90, 8, 1000000, 232448},  {100, 8, 1000000, 232448},
		{101, 8, 1000000, 232448}, {103, 8, 1000000, 232448}, {110, 20, 1575000, 232448},
		{120, 8, 1000000, 101376}, {121, 8, 1000000, 101376}};

	for (size_t i = 0; i < COUNT_OF(chips); i++)
		if (chips[i].sm == sm)
			return &chips[i];
	return NULL;
}

static int number(const char *key, const char *text, uint64_t least, uint64_t most, uint64_t *out,
		  struct err *e)
{
	char *end;
	uint64_t v = strtoull(text, &end, 10);

	if (!*text || *end || *text == '-' || v < least || v > most)
		return fail(e, E_USAGE, "OCCAMY_EMULATOR: %s=%s is not a valid number", key, text);
	*out = v;
	return 0;
}

static int item(const char *key, const char *value, struct config *c, struct err *e)
{
	uint64_t v = 0;

	if (!strcmp(key, "memory"))
		return number(key, value, 1, UINT64_MAX / 4, &c->memory, e);
	if (!strcmp(key, "stats")) {
		mem_free(c->stats);
		c->stats = mem_strdup(value);
		return 0;
	}
	if (!strcmp(key, "isa")) {
		mem_free(c->isa);
		c->isa = mem_strdup(value);
		return 0;
	}
	if (!strcmp(key, "threads")) {
		if (number(key, value, 1, 1024, &v, e) < 0)
			return -1;
		c->threads = (uint32_t)v;
		return 0;
	}
	if (!strcmp(key, "sanitize")) {
		if (number(key, value, 0, 1, &v, e) < 0)
			return -1;
		c->sanitize = v;
		return 0;
	}
	if (!strcmp(key, "schedule"))
		return number(key, value, 0, UINT64_MAX - 1, &c->seed, e);
	if (!strcmp(key, "sm")) {
		if (number(key, value, 1, 999, &v, e) < 0)
			return -1;
		c->sm = (uint32_t)v;
		return config_chip(c->sm)
			       ? 0
			       : fail(e, E_USAGE, "OCCAMY_EMULATOR: unknown chip sm=%s", value);
	}
	return fail(e, E_USAGE,
		    "OCCAMY_EMULATOR: unknown key '%s'; known: sm, memory, threads, stats, isa, "
		    "sanitize, schedule",
		    key);
}

int config_parse(const char *text, struct config *c, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char *copy = mem_strdup(text ? text : ""), *save = NULL;
	int ret = 0;

	*c = (struct config){.sm = 87,
			     .threads = cores > 0 ? (uint32_t)MIN(cores, 1024) : 1,
			     .memory = (uint64_t)8 << 30};
	for (char *p = strtok_r(copy, ",", &save); p && !ret; p = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(p, '=');

		if (!eq) {
			ret = fail(e, E_USAGE, "OCCAMY_EMULATOR: '%s' is not KEY=VALUE", p);
			break;
		}
		*eq = 0;
		ret = item(p, eq + 1, c, e);
	}
	mem_free(copy);
	if (ret < 0)
		config_release(c);
	return ret;
}

void config_release(struct config *c)
{
	mem_free(c->stats);
	mem_free(c->isa);
	*c = (struct config){0};
}
