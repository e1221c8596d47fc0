#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

void
buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_grow(struct buf *b, size_t more)
{
	size_t need, cap;

	if (__builtin_add_overflow(b->len, more, &need) ||
	    __builtin_add_overflow(need, 1, &need))
		abort();
	if (need <= b->cap)
		return;
	cap = b->cap < 64 ? 64 : b->cap;
	while (cap < need)
		cap += cap / 2 + 1;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

/* The first try fits nearly always: to print twice costs twice. */
#define FMT_ROOM 128

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	buf_reserve(b, FMT_ROOM);
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(b->data + b->len, FMT_ROOM, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	if (n >= FMT_ROOM) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	b->len += (size_t)n;
}

static size_t
buf_json_plain(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == '"' ||
		    s[i] == '\\' || (unsigned char)s[i] >= 0x7f)
			break;
	return i;
}

static size_t
buf_json_one(struct buf *b, const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	size_t len;

	switch (c) {
	case '"':
	case '\\':
		buf_char(b, '\\');
		buf_char(b, (char)c);
		return 1;
	case '\n':
		buf_str(b, "\\n");
		return 1;
	case '\r':
		buf_str(b, "\\r");
		return 1;
	case '\t':
		buf_str(b, "\\t");
		return 1;
	}
	if (c < 0x20 || c == 0x7f) {
		buf_fmt(b, "\\u%04x", c);
		return 1;
	}
	len = utf8_next(s, n);
	if (len == 0) {
		buf_str(b, "\xef\xbf\xbd");
		return 1;
	}
	buf_add(b, s, len);
	return len;
}

void
buf_json(struct buf *b, const char *s, size_t n)
{
	size_t i = 0, plain;

	buf_reserve(b, n + 2);
	buf_char(b, '"');
	while (i < n) {
		plain = buf_json_plain(s + i, n - i);
		if (plain > 0) {
			buf_add(b, s + i, plain);
			i += plain;
		} else {
			i += buf_json_one(b, s + i, n - i);
		}
	}
	buf_char(b, '"');
}

char *
buf_steal(struct buf *b)
{
	char *s;

	if (b->data == NULL)
		buf_add(b, "", 0);
	s = b->data;
	b->data = NULL;
	b->len = b->cap = 0;
	return s;
}

void
buf_time(struct buf *b, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_fmt(b, "%s.%03dZ", text, (int)(ms % 1000));
}
