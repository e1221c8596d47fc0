#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/head.h"

long
head_find(const char *data, size_t len, size_t *seen)
{
	const char *nl;
	size_t at;

	while ((nl = memchr(data + *seen, '\n', len - *seen)) != NULL) {
		at = (size_t)(nl - data);
		if (at == 0 || data[at - 1] != '\r')
			return -1;
		if (at == 1 || (at >= 3 && data[at - 2] == '\n'))
			return (long)at + 1;
		*seen = at + 1;
	}
	*seen = len;
	return 0;
}

static bool
head_is_token(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= 'a' && *s <= 'z') ||
		    strchr("!#$%&'*+-.^_`|~", *s) != NULL))
			return false;
	return true;
}

/* Cuts the line at *at off; NULL at the end.  Only CR LF gets here. */
static char *
head_line(char **at, char *end)
{
	char *line = *at, *nl;

	if (line >= end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(end - line));
	if (nl == NULL || nl == line || nl[-1] != '\r')
		return NULL;
	nl[-1] = '\0';
	*at = nl + 1;
	return line;
}

static bool
head_is_text(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static int
head_field(char *line, struct head_field *f)
{
	char *colon = strchr(line, ':'), *end;

	if (colon == NULL)
		return 400;
	*colon = '\0';
	if (!head_is_token(line))
		return 400;
	f->name = line;
	for (colon++; *colon == ' ' || *colon == '\t'; colon++)
		;
	for (end = colon + strlen(colon);
	    end > colon && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	f->value = colon;
	return head_is_text(colon) ? 0 : 400;
}

int
head_fields(char *text, size_t len, struct head_field **fields, int *n)
{
	char *at = text, *end = text + len, *line;
	struct head_field room[HEAD_FIELDS_MOST];
	int status, count = 0;

	while ((line = head_line(&at, end)) != NULL && *line != '\0') {
		if (count == HEAD_FIELDS_MOST)
			return 431;
		status = head_field(line, &room[count]);
		if (status != 0)
			return status;
		count++;
	}
	if (line == NULL)
		return 400;
	if (count > 0)
		*fields = xmemdup(room, sizeof(*room) * (size_t)count);
	*n = count;
	return 0;
}

const char *
head_get(const struct head_field *fields, int n, const char *name)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcasecmp(fields[i].name, name) == 0)
			return fields[i].value;
	return NULL;
}

/* "GET /path?query HTTP/1.1"; the absolute form loses scheme and host. */
static int
head_request_line(struct head *h, char *line)
{
	char *target, *version, *slash, *mark;

	target = strchr(line, ' ');
	if (target == NULL)
		return 400;
	*target++ = '\0';
	version = strchr(target, ' ');
	if (version == NULL)
		return 400;
	*version++ = '\0';
	if (!head_is_token(line) || !head_is_text(target))
		return 400;
	if (strncmp(version, "HTTP/", 5) != 0)
		return 400;
	if (strcmp(version, "HTTP/1.1") == 0)
		h->minor = 1;
	else if (strcmp(version, "HTTP/1.0") != 0)
		return 505;
	if (strncasecmp(target, "http://", 7) == 0) {
		slash = strchr(target + 7, '/');
		if (slash == NULL)
			return 400;
		target = slash;
	}
	if (*target != '/')
		return 400;
	mark = strchr(target, '#');
	if (mark != NULL)
		return 400;
	mark = strchr(target, '?');
	if (mark != NULL) {
		*mark = '\0';
		h->query = mark + 1;
	}
	h->method = line;
	h->path = target;
	return 0;
}

static int
head_length(struct head *h, const char *s)
{
	uint64_t n = 0;

	if (*s == '\0')
		return 400;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || n > UINT64_MAX / 100)
			return 400;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	h->length = n;
	return 0;
}

/* Is `word` one of the comma-separated words of s? */
static bool
head_has_word(const char *s, const char *word)
{
	size_t n = strlen(word), len;

	while (*s != '\0') {
		s += strspn(s, " \t,");
		len = strcspn(s, " \t,");
		if (len == n && strncasecmp(s, word, n) == 0)
			return true;
		s += len;
	}
	return false;
}

static int
head_framing(struct head *h)
{
	bool length = false;
	const char *v;
	int i;

	for (i = 0; i < h->nfields; i++) {
		v = h->fields[i].value;
		if (strcasecmp(h->fields[i].name, "Content-Length") == 0) {
			if (length || head_length(h, v) != 0)
				return 400;
			length = true;
		} else if (strcasecmp(h->fields[i].name,
		    "Transfer-Encoding") == 0) {
			if (h->chunked || strcasecmp(v, "chunked") != 0)
				return 501;
			h->chunked = true;
		} else if (strcasecmp(h->fields[i].name, "Connection") == 0) {
			if (head_has_word(v, "close"))
				h->keep = false;
			else if (head_has_word(v, "keep-alive"))
				h->keep = true;
		} else if (strcasecmp(h->fields[i].name, "Expect") == 0) {
			if (strcasecmp(v, "100-continue") != 0)
				return 417;
			h->expects = h->minor > 0;
		}
	}
	if (h->chunked && (length || h->minor == 0))
		return 400;
	return 0;
}

int
head_parse(struct head *h, const char *data, size_t len)
{
	char *at, *line;
	int status;

	memset(h, 0, sizeof(*h));
	if (memchr(data, '\0', len) != NULL)
		return 400;
	h->text = at = xstrndup(data, len);
	line = head_line(&at, at + len);
	status = line == NULL ? 400 : head_request_line(h, line);
	if (status == 0)
		status = head_fields(at, len - (size_t)(at - h->text),
		    &h->fields, &h->nfields);
	h->keep = h->minor > 0;
	if (status == 0)
		status = head_framing(h);
	return status;
}

void
head_free(struct head *h)
{
	free(h->text);
	free(h->fields);
	memset(h, 0, sizeof(*h));
}
