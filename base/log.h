/* One line per event on standard error, logfmt: "level=info event=listen addr=127.0.0.1:8085". */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_level_set(enum log_level least);
/* For a value in quotes: '"' becomes '\'', so that text from outside can't end it. Cut to size. */
#define LOG_TEXT 512
const char *log_text(char out[LOG_TEXT], const char *s);
/* fmt gives "key=value ..." pairs; control bytes are escaped. Safe from any thread. */
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);

#endif
