/*
 * One table says every setting: word, kind, range, default, meaning. The file
 * has lines "word = value"; '#' begins a comment; unknown words are refused.
 */
#include "daemon/config.h"

#include "base/fs.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 65536

enum kind { TEXT, COUNT, SIZE, FLAG };

/* The sanitizer's shadow memory counts as data, in the compiler, too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY 0
#else
#define MEMORY ((int64_t)4 << 30)
#endif

#define AT(field) offsetof(struct config, field)
#define T	  ((int64_t)1 << 40)

static const struct setting {
	const char *word;
	enum kind kind;
	size_t at;
	int64_t least, most, value;
	const char *text, *help;
} settings[] = {
	{"listen", TEXT, AT(listen), 0, 0, 0, "127.0.0.1:8085", "HOST:PORT; port 0 picks one"},
	{"store", TEXT, AT(store), 0, 0, 0, "", "folder of the cache (default: see README)"},
	{"compiler", TEXT, AT(compiler), 0, 0, 0, "", "occamyc (default: beside occamyd)"},
	{"log", TEXT, AT(log), 0, 0, 0, "info", "debug, info, warn or error"},
	{"jobs", COUNT, AT(jobs), 0, 1024, 0, "", "compilations at once; 0: one per core"},
	{"queue", COUNT, AT(queue), 0, 100000, 64, "", "compilations that may wait"},
	{"threads", COUNT, AT(threads), 1, 64, 2, "", "event loops"},
	{"connections", COUNT, AT(connections), 16, 100000, 4096, "", "connections at once"},
	{"max_body", SIZE, AT(max_body), 1, T, (int64_t)2 << 30, "", "largest upload"},
	{"cache_bytes", SIZE, AT(cache_bytes), 0, T * 1024, 0, "",
	 "size of the cache; 0: no limit"},
	{"memory", SIZE, AT(memory), 0, T, MEMORY, "", "of one compiler; 0: no limit"},
	{"cpu_seconds", COUNT, AT(cpu_seconds), 1, 1000000, 600, "", "of one compiler"},
	{"wall_seconds", COUNT, AT(wall_seconds), 1, 1000000, 900, "", "of one compiler"},
	{"insecure", FLAG, AT(insecure), 0, 1, 0, "",
	 "listen beyond loopback without access control"},
};

static int set_number(const struct setting *s, const char *value, int64_t *out, struct err *e)
{
	static const char units[] = "kMGT";
	char *end;
	long long n = strtoll(value, &end, 10);
	const char *unit = s->kind == SIZE && *end ? strchr(units, *end) : NULL;
	int64_t scale = unit ? (int64_t)1 << (10 * (unit - units + 1)) : 1, scaled;

	end += unit != NULL;
	if (!isdigit((unsigned char)value[0]) || *end || !mul_ok(n, scale, &scaled) ||
	    scaled < s->least || scaled > s->most)
		return fail(e, E_USAGE, "%s: '%.40s' is not a number from %lld to %lld", s->word,
			    value, (long long)s->least, (long long)s->most);
	*out = scaled;
	return 0;
}

static int set(struct config *c, const struct setting *s, const char *value, struct err *e)
{
	void *to = (char *)c + s->at;

	if (s->kind != TEXT)
		return set_number(s, value, to, e);
	if (!*value || snprintf(to, CONFIG_TEXT_MAX, "%s", value) >= CONFIG_TEXT_MAX)
		return fail(e, E_USAGE, "%s: the value is empty or too long", s->word);
	return 0;
}

/* '-' and '_' are the same in a word of the command line. */
static const struct setting *find(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const char *a = settings[i].word, *b = word;

		while (*a && (*a == *b || (*a == '_' && *b == '-')))
			a++, b++;
		if (!*a && !*b)
			return &settings[i];
	}
	return NULL;
}

static int unknown(const char *where, const char *word, struct err *e)
{
	struct buf known = BUF_INIT;

	for (size_t i = 0; i < COUNT_OF(settings); i++)
		buf_printf(&known, "%s%s", i ? ", " : "", settings[i].word);
	fail(e, E_USAGE, "%s: '%.60s' is not a setting", where, word);
	err_hint(e, "known: %s", buf_str(&known));
	buf_release(&known);
	return -1;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int read_line(struct config *c, const char *path, int number, char *line, struct err *e)
{
	char where[CONFIG_TEXT_MAX + 16], *comment = strchr(line, '#'), *eq;
	const struct setting *s;

	if (comment)
		*comment = 0;
	line = trim(line);
	if (!*line)
		return 0;
	snprintf(where, sizeof(where), "%s:%d", path, number);
	eq = strchr(line, '=');
	if (!eq)
		return fail(e, E_USAGE, "%s: a line is written word = value", where);
	*eq = 0;
	s = find(trim(line));
	return s ? set(c, s, trim(eq + 1), e) : unknown(where, trim(line), e);
}

static int read_file(struct config *c, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = fs_read(path, FILE_MAX, &text, e), number = 1;
	char *rest = (char *)text.data, *line;

	while (ret == 0 && (line = strsep(&rest, "\n")))
		ret = read_line(c, path, number++, line, e);
	buf_release(&text);
	return ret;
}

/* The beginning of a default path: where the executable lies, where caches lie. */
static int set_paths(struct config *c, struct err *e)
{
	char self[CONFIG_TEXT_MAX - 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (!c->compiler[0]) {
		if (n <= 0)
			return fail(e, E_USAGE, "--compiler is needed: /proc is not readable");
		self[n] = 0;
		*strrchr(self, '/') = 0;
		snprintf(c->compiler, sizeof(c->compiler), "%s/occamyc", self);
	}
	if (c->store[0])
		return 0;
	if (cache && cache[0] == '/')
		snprintf(c->store, sizeof(c->store), "%s/occamy/store", cache);
	else if (getuid() == 0 || !home || home[0] != '/')
		snprintf(c->store, sizeof(c->store), "/var/lib/occamy");
	else
		snprintf(c->store, sizeof(c->store), "%s/.cache/occamy/store", home);
	return 0;
}

static int read_args(struct config *c, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		bool dashes = !strncmp(argv[i], "--", 2);
		const struct setting *s = dashes ? find(argv[i] + 2) : NULL;

		if (!strcmp(argv[i], "--config") && i + 1 < argc) {
			i++; /* read before */
		} else if (!s) {
			return unknown("command line", argv[i], e);
		} else if (s->kind == FLAG) {
			*(int64_t *)(void *)((char *)c + s->at) = 1;
		} else if (i + 1 == argc) {
			return fail(e, E_USAGE, "%s needs a value", argv[i]);
		} else if (set(c, s, argv[++i], e) < 0) {
			return -1;
		}
	}
	return 0;
}

int config_read(struct config *c, int argc, char **argv, struct err *e)
{
	*c = (struct config){.jobs = 0};
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const struct setting *s = &settings[i];

		if (s->kind == TEXT)
			snprintf((char *)c + s->at, CONFIG_TEXT_MAX, "%s", s->text);
		else
			*(int64_t *)(void *)((char *)c + s->at) = s->value;
	}
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return 1;
		if (!strcmp(argv[i], "--config") && i + 1 < argc &&
		    read_file(c, argv[i + 1], e) < 0)
			return -1;
	}
	return read_args(c, argc, argv, e) < 0 ? -1 : set_paths(c, e);
}

void config_help(FILE *to)
{
	fputs("usage: occamyd [--config FILE] [--WORD VALUE]...\n\n", to);
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const struct setting *s = &settings[i];
		char word[32], value[48];

		snprintf(word, sizeof(word), "%s", s->word);
		for (char *p = word; *p; p++)
			*p = *p == '_' ? '-' : *p;
		snprintf(value, sizeof(value), "%lld", (long long)s->value);
		fprintf(to, "  --%-14s %s (%s)\n", word, s->help,
			s->kind == TEXT ? s->text : value);
	}
	fputs("\nIn FILE: lines 'word = value', with _ for -. Sizes may end in k, M, G, T.\n", to);
}
