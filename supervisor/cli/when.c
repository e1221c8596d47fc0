#include <config.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/when.h"

void
when_text(double at, int utc, char out[WHEN_TEXT])
{
	double whole = floor(at);
	time_t t = (time_t)whole;
	struct tm tm;
	size_t n;
	int ms = (int)((at - whole) * 1000 + 0.5);

	if (ms > 999)
		ms = 999;
	if ((utc ? gmtime_r(&t, &tm) : localtime_r(&t, &tm)) == NULL) {
		snprintf(out, WHEN_TEXT, "?");
		return;
	}
	n = strftime(out, WHEN_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out + n, WHEN_TEXT - n, ".%03d", ms);
}

void
when_json(const json_t *value, int utc, char out[WHEN_TEXT])
{
	if (json_is_number(value))
		when_text(json_number_value(value), utc, out);
	else
		snprintf(out, WHEN_TEXT, "%s",
		    json_is_string(value) ? json_string_value(value) : "");
}

static long
unit_seconds(const char *unit)
{
	if (strcmp(unit, "") == 0 || strcmp(unit, "s") == 0)
		return 1;
	if (strcmp(unit, "m") == 0)
		return 60;
	if (strcmp(unit, "h") == 0)
		return 3600;
	return strcmp(unit, "d") == 0 ? 86400 : 0;
}

int
when_duration(const char *text, long *seconds, struct err *err)
{
	char *unit;
	long n, each;

	errno = 0;
	n = strtol(text, &unit, 10);
	each = unit_seconds(unit);
	if (unit == text || errno != 0 || n < 0 || each == 0 ||
	    n > 1000000000 / each)
		return err_code(err, ERR_INVALID, CLI_WRONG,
		    "%s is no duration: 90, 90s, 10m, 2h and 1d are", text);
	*seconds = n * each;
	return 0;
}

void
when_length(long s, char out[WHEN_TEXT])
{
	static const struct {
		long each;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i, n = 0;

	if (s <= 0)
		n = (size_t)snprintf(out, WHEN_TEXT, "0s");
	for (i = 0; i < sizeof units / sizeof units[0] && s > 0; i++)
		if (s >= units[i].each) {
			n += (size_t)snprintf(out + n, WHEN_TEXT - n, "%ld%c",
			    s / units[i].each, units[i].unit);
			s %= units[i].each;
		}
	out[n] = '\0';
}
