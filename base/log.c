/* Log lines: formatted whole, written with one call, so that threads do not mix. */
#include "base/log.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level least = LOG_INFO; /* set once in main, before threads */

void log_level_set(enum log_level level)
{
	least = level;
}

const char *log_text(char out[LOG_TEXT], const char *s)
{
	snprintf(out, LOG_TEXT, "%s", s);
	for (char *p = out; *p; p++)
		*p = *p == '"' ? '\'' : *p;
	return out;
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	char text[2048], safe[2048], line[2304];
	va_list ap;
	int n;

	if (level < least)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_escape(safe, sizeof(safe), text);
	n = snprintf(line, sizeof(line), "level=%s event=%s %s\n", names[level], event, safe);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
