#include <config.h>

#include <string.h>

#include "api/zipfile.h"

#define ZIPFILE_LEAST (64 * 1024)

static const char zipfile_name[] = "\"ZipFile\"";
static const char zipfile_mark[] = "<archive>";

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' ||
	    *at == '\n'))
		at++;
	return at;
}

/* What would need the parser, such as an escape, ends it. */
static const char *
skip_base64(const char *at, const char *end)
{
	while (at < end && ((*at >= 'A' && *at <= 'Z') ||
	    (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
	    *at == '+' || *at == '/' || *at == '='))
		at++;
	return at;
}

/*
 * Within a text the name's quotes would have backslashes before them, so it
 * is a name, or the body is no JSON, with a mark or without.
 */
bool
zipfile_cut(const char *body, size_t len, struct zipfile *z,
    struct buf *rest)
{
	const char *end = body + len, *at;

	if (len < ZIPFILE_LEAST)
		return false;
	at = memmem(body, len, zipfile_name, strlen(zipfile_name));
	if (at == NULL)
		return false;
	at = skip_blanks(at + strlen(zipfile_name), end);
	if (at == end || *at != ':')
		return false;
	at = skip_blanks(at + 1, end);
	if (at == end || *at != '"')
		return false;
	z->data = ++at;
	at = skip_base64(at, end);
	z->len = (size_t)(at - z->data);
	if (at == end || *at != '"' || z->len < ZIPFILE_LEAST)
		return false;
	buf_add(rest, body, (size_t)(z->data - body));
	buf_str(rest, zipfile_mark);
	buf_add(rest, at, (size_t)(end - at));
	return true;
}

static bool
put_in(const struct zipfile *z, json_t *in)
{
	const char *text = json_string_value(json_object_get(in, "ZipFile"));

	return text != NULL && strcmp(text, zipfile_mark) == 0 &&
	    json_object_set_new(in, "ZipFile",
	    json_stringn_nocheck(z->data, z->len)) == 0;
}

bool
zipfile_put(const struct zipfile *z, json_t *root)
{
	/* Those of UpdateFunctionCode and of CreateFunction. */
	return put_in(z, root) || put_in(z, json_object_get(root, "Code"));
}
