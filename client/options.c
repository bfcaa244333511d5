/* Options of a verb: "--name VALUE", "--name=VALUE" or "--flag", then exactly one file. */
#include "client/client.h"

#include <string.h>

static const struct option_row *find(const struct option_row *rows, const char *word, size_t len)
{
	for (; rows->name; rows++)
		if (strlen(rows->name) == len && !strncmp(rows->name, word, len))
			return rows;
	return NULL;
}

static int store(const struct option_row *row, const char *value, struct err *e)
{
	if (row->flag) {
		if (value)
			return fail(e, E_USAGE, "%s takes no value", row->name);
		*row->flag = true;
		return 0;
	}
	if (!value)
		return fail(e, E_USAGE, "%s needs a value", row->name);
	if (row->words) {
		row->words->word[row->words->count++] = value;
		return 0;
	}
	if (*row->value)
		return fail(e, E_USAGE, "%s stands twice", row->name);
	*row->value = value;
	return 0;
}

static int take_file(const char *word, const char **file, struct err *e)
{
	if (*file)
		return fail(e, E_USAGE, "%s: one file is enough", word);
	*file = word;
	return 0;
}

/* The option at argv[*i], and its value there or in the next word. */
static int take_option(int argc, char **argv, int *i, const struct option_row *rows, struct err *e)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	const struct option_row *row =
		find(rows, word, equals ? (size_t)(equals - word) : strlen(word));
	const char *value = equals ? equals + 1 : NULL;

	if (!row)
		return fail(e, E_USAGE, "%s: unknown option of %s", word, argv[0]);
	if (!value && !row->flag && *i + 1 < argc)
		value = argv[++*i];
	return store(row, value, e);
}

int options_parse(int argc, char **argv, const struct option_row *rows, const char **file,
		  struct err *e)
{
	bool files_only = false;

	*file = NULL;
	for (int i = 1; i < argc; i++) {
		int ret = 0;

		if (files_only || argv[i][0] != '-' || !argv[i][1])
			ret = take_file(argv[i], file, e);
		else if (!strcmp(argv[i], "--"))
			files_only = true;
		else
			ret = take_option(argc, argv, &i, rows, e);
		if (ret < 0)
			return -1;
	}
	return *file ? 0 : fail(e, E_USAGE, "%s: which file?", argv[0]);
}
