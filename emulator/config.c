/* The environment variables OCCAMY_EMULATOR and OCCAMY_EMULATOR_DEFAULTS, and the facts of the
 * chips. */
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

static int small(const char *key, const char *text, uint32_t least, uint32_t most, uint32_t *out,
		 struct err *e)
{
	uint64_t v = 0;

	if (number(key, text, least, most, &v, e) < 0)
		return -1;
	*out = (uint32_t)v;
	return 0;
}

static int item(const char *key, const char *value, struct config *c, struct err *e)
{
	const struct {
		const char *key;
		char **text;
	} texts[] = {{"stats", &c->stats}, {"isa", &c->isa}, {"plan", &c->plan}};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!strcmp(key, texts[i].key)) {
			mem_free(*texts[i].text);
			*texts[i].text = mem_strdup(value);
			return 0;
		}
	if (!strcmp(key, "memory"))
		return number(key, value, 1, UINT64_MAX / 4, &c->memory, e);
	if (!strcmp(key, "schedule"))
		return number(key, value, 0, UINT64_MAX - 1, &c->seed, e);
	if (!strcmp(key, "threads"))
		return small(key, value, 1, 1024, &c->threads, e);
	if (!strcmp(key, "sanitize"))
		return small(key, value, 0, 1, &c->sanitize, e);
	if (strcmp(key, "sm") != 0)
		return fail(e, E_USAGE,
			    "OCCAMY_EMULATOR: unknown key '%s'; known: sm, memory, threads, stats, "
			    "isa, sanitize, schedule, plan",
			    key);
	if (small(key, value, 1, 999, &c->sm, e) < 0)
		return -1;
	return config_chip(c->sm) ? 0
				  : fail(e, E_USAGE, "OCCAMY_EMULATOR: unknown chip sm=%s", value);
}

static int items(const char *text, struct config *c, struct err *e)
{
	char *copy = mem_strdup(text ? text : ""), *save = NULL;
	int ret = 0;

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
	return ret;
}

int config_parse(const char *defaults, const char *text, struct config *c, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	*c = (struct config){.sm = 87,
			     .threads = cores > 0 ? (uint32_t)MIN(cores, 1024) : 1,
			     .memory = (uint64_t)8 << 30};
	if (items(defaults, c, e) == 0 && items(text, c, e) == 0)
		return 0;
	config_release(c);
	return -1;
}

void config_release(struct config *c)
{
	mem_free(c->stats);
	mem_free(c->isa);
	mem_free(c->plan);
	*c = (struct config){0};
}
