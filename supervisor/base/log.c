#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static struct {
	const char *component;
	enum log_level least;
} log_state = { "perdure", LOG_INFO };

static const char *const log_names[] = { "debug", "info", "warn", "error" };

void
log_init(const char *component, enum log_level least)
{
	log_state.component = component;
	log_state.least = least;
}

int
log_level_parse(const char *s)
{
	int i;

	for (i = 0; i < 4; i++)
		if (strcmp(s, log_names[i]) == 0)
			return i;
	return -1;
}

static size_t
log_head(char *out, size_t size, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(out, size, "time=%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(out + n, size - n, ".%06ldZ level=%s component=%s ",
	    ts.tv_nsec / 1000, log_names[level], log_state.component);
	return n;
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	char text[2048], line[4096];
	int saved = errno;
	size_t n, i;
	va_list ap;

	if (level < log_state.least)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = log_head(line, sizeof(line), level);
	for (i = 0; text[i] != '\0' && n + 6 < sizeof(line); i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != 0x7f)
			line[n++] = (char)c;
		else
			n += (size_t)snprintf(line + n, 5, "\\x%02x", c);
	}
	line[n++] = '\n';
	/* One write, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, n) < 0)
		n = 0;
	errno = saved;
}
