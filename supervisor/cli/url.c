#include <config.h>

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "cli/client.h"

void
url_add(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (isascii((unsigned char)*text) &&
		    (isalnum((unsigned char)*text) ||
			strchr("-._~", *text) != NULL))
			buf_char(out, *text);
		else
			buf_fmt(out, "%%%02X", (unsigned char)*text);
}

char *
url_fmt(const char *fmt, ...)
{
	struct buf out = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++)
		if (fmt[0] == '%' && fmt[1] == 's') {
			url_add(&out, va_arg(ap, const char *));
			fmt++;
		} else {
			buf_char(&out, *fmt);
		}
	va_end(ap);
	return buf_steal(&out);
}
