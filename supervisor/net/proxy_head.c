/*
 * Strict, as net/head.c is.  What is sent on says the target's own name as
 * Host, and that the connection ends with the answer: a second request would
 * pass without a look.
 */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/own.h"
#include "net/proxy_int.h"

static bool
is_graphic(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

/* "name", "name:port", "[v6]:port"; the text is cut up. */
static int
authority_parse(char *s, int port, struct proxy_target *t)
{
	char *colon, *end;
	long n;

	if (*s == '[') {
		end = strchr(++s, ']');
		if (end == NULL)
			return -1;
		*end++ = '\0';
		colon = *end == ':' ? end : NULL;
		if (*end != ':' && *end != '\0')
			return -1;
	} else {
		colon = strchr(s, ':');
	}
	t->port = port;
	if (colon != NULL) {
		*colon++ = '\0';
		n = strtol(colon, &end, 10);
		if (!isdigit((unsigned char)*colon) || *end != '\0' || n < 1 ||
		    n > 65535)
			return -1;
		t->port = (int)n;
	}
	if (*s == '\0' || strlen(s) >= sizeof(t->host) || t->port == 0 ||
	    strchr(s, '@') != NULL)
		return -1;
	strcpy(t->host, s);
	return 0;
}

static bool
is_of_the_hop(const char *line)
{
	static const char *const names[] = { "connection:", "host:",
		"keep-alive:", "proxy-authorization:", "proxy-connection:",
		"te:", "upgrade:" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncasecmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int
fields_copy(char *at, const struct proxy_target *t, struct buf *out)
{
	bool v6 = strchr(t->host, ':') != NULL;
	char *end;

	buf_fmt(out, v6 ? "Host: [%s]" : "Host: %s", t->host);
	if (t->port != 80)
		buf_fmt(out, ":%d", t->port);
	buf_str(out, "\r\nConnection: close\r\n");
	for (; (end = strstr(at, "\r\n")) != NULL; at = end + 2) {
		*end = '\0';
		if (*at == ' ' || *at == '\t')
			return -1;
		if (*at != '\0' && !is_of_the_hop(at))
			buf_fmt(out, "%s\r\n", at);
	}
	buf_str(out, "\r\n");
	return 0;
}

static int
plain_parse(const char *method, char *target, char *rest,
    struct proxy_target *t, struct buf *out)
{
	own_free char *authority = NULL;
	char *path;

	if (strncasecmp(target, "http://", 7) != 0)
		return -1;
	target += 7;
	path = target + strcspn(target, "/?");
	authority = xstrndup(target, (size_t)(path - target));
	if (authority_parse(authority, 80, t) < 0)
		return -1;
	buf_fmt(out, "%s %s%s HTTP/1.1\r\n", method, *path == '/' ? "" : "/",
	    path);
	return fields_copy(rest, t, out);
}

int
proxy_head(const char *data, size_t len, struct proxy_target *t,
    struct buf *out)
{
	own_free char *text = NULL;
	char *target, *version, *rest;

	memset(t, 0, sizeof(*t));
	if (memchr(data, '\0', len) != NULL)
		return -1;
	text = xstrndup(data, len);
	rest = strstr(text, "\r\n");
	target = strchr(text, ' ');
	if (rest == NULL || target == NULL || target > rest)
		return -1;
	*rest = '\0';
	rest += 2;
	*target++ = '\0';
	version = strchr(target, ' ');
	if (version == NULL)
		return -1;
	*version++ = '\0';
	if (!is_graphic(text) || !is_graphic(target) || *text == '\0' ||
	    (strcmp(version, "HTTP/1.1") != 0 &&
	    strcmp(version, "HTTP/1.0") != 0))
		return -1;
	t->tunnel = strcmp(text, "CONNECT") == 0;
	if (t->tunnel)
		return authority_parse(target, 0, t);
	return plain_parse(text, target, rest, t, out);
}
