#include <config.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "cli/table.h"

size_t
terminal_width(void)
{
	struct winsize size;

	if (!isatty(1) || ioctl(1, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

/*
 * Bytes of the character at s as it will be printed, and whether it may be:
 * controls (C0, DEL, C1) and what is no UTF-8 may not.
 */
static size_t
char_next(const char *s, bool *plain)
{
	size_t len = utf8_next(s, strnlen(s, 4));
	unsigned char c = (unsigned char)*s;

	*plain = len > 0 && c >= 0x20 && c != 0x7f &&
	    !(c == 0xc2 && (unsigned char)s[1] < 0xa0);
	return len > 0 ? len : 1;
}

static char *
text_clean(const char *text)
{
	struct buf out = BUF_INIT;
	size_t len;
	bool plain;

	for (; *text != '\0'; text += len) {
		len = char_next(text, &plain);
		if (plain)
			buf_add(&out, text, len);
		else
			buf_char(&out, *text == '\n' || *text == '\t' ? ' '
								      : '?');
	}
	return buf_steal(&out);
}

size_t
text_width(const char *text)
{
	size_t n = 0;
	bool plain;

	for (; *text != '\0'; n++)
		text += char_next(text, &plain);
	return n;
}

void
table_cell(struct table *t, const char *text)
{
	if (text == NULL || text[0] == '\0')
		text = "-";
	t->cells = xreallocarray(t->cells, t->n + 1, sizeof *t->cells);
	t->cells[t->n++] = text_clean(text);
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	own_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	table_cell(t, text);
}

void
table_begin(struct table *t, const char *const titles[])
{
	*t = (struct table){ 0, NULL, 0 };
	for (; titles[t->columns] != NULL; t->columns++)
		table_cell(t, titles[t->columns]);
}

static size_t
column_width(const struct table *t, size_t column)
{
	size_t i, w, most = 0;

	for (i = column; i < t->n; i += t->columns) {
		w = text_width(t->cells[i]);
		if (w > most)
			most = w;
	}
	return most;
}

static void
print_cut(const char *text, size_t room, FILE *out)
{
	bool plain;

	if (text_width(text) > room) {
		for (; room > 1; room--) {
			size_t len = char_next(text, &plain);

			fwrite(text, 1, len, out);
			text += len;
		}
		fputs("\xe2\x80\xa6", out);
		return;
	}
	fputs(text, out);
}

static void
print_row(const struct table *t, size_t at, const size_t *widths, FILE *out,
    size_t width)
{
	size_t c, used = 0;

	for (c = 0; c + 1 < t->columns; c++) {
		const char *text = t->cells[at + c];

		fprintf(out, "%s%*s", text,
		    (int)(widths[c] - text_width(text) + 2), "");
		used += widths[c] + 2;
	}
	if (width == 0)
		fputs(t->cells[at + c], out);
	else if (used < width)
		print_cut(t->cells[at + c], width - used, out);
	fputc('\n', out);
}

void
table_end(struct table *t, FILE *out, size_t width)
{
	size_t *widths = xcalloc(t->columns, sizeof *widths);
	size_t i;

	for (i = 0; i < t->columns; i++)
		widths[i] = column_width(t, i);
	for (i = 0; i + t->columns <= t->n; i += t->columns)
		print_row(t, i, widths, out, width);
	for (i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(widths);
	*t = (struct table){ 0, NULL, 0 };
}
