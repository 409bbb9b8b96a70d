/* log.h - the daemon's own log: one line an event on stderr, as JSON or for people.
 *
 * The access log is not here (see meter/access_log.h). Lines are written with one write(2), so threads do not mix
 * them; a log that can't be written is dropped, never waited for. Secrets must not be passed in: what goes through
 * here is names, addresses, numbers and error texts.
 */
#ifndef DSGATE_BASE_LOG_H
#define DSGATE_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* json: {"time":…,"level":…,"msg":…} lines; otherwise "07:52:21.123 warn …". Call before threads start. */
void log_setup(enum log_level level, bool json);
void log_set_level(enum log_level level); /* any thread, any time */
bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) (log_wants(LOG_DEBUG) ? log_line(LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
