/*
 * log - one line a record on stderr: constant text plus key=value.
 *
 * No payloads and no secrets.  Text from outside goes through %s in a
 * key=value part; control characters and line ends are escaped when written.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

/* The component names the process (main, control, worker, cli). */
void log_init(const char *component, enum log_level least);
int log_level_parse(const char *);	/* -1: no such level */
void log_write(enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
