#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/durable_int.h"

struct blob *
error_make(const char *type, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	struct blob *blob;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_str(&b, "{\"ErrorMessage\":");
	buf_json(&b, text, strlen(text));
	buf_str(&b, ",\"ErrorType\":");
	buf_json(&b, type, strlen(type));
	buf_char(&b, '}');
	blob = blob_new(b.data, b.len);
	buf_free(&b);
	return blob;
}

static void
error_comma(struct buf *b)
{
	if (b->len > 1)
		buf_char(b, ',');
}

static void
error_text(struct buf *b, json_t *in, const char *name)
{
	json_t *v = json_object_get(in, name);

	if (!json_is_string(v))
		return;
	error_comma(b);
	buf_fmt(b, "\"%s\":", name);
	buf_json(b, json_string_value(v), json_string_length(v));
}

static void
error_trace(struct buf *b, json_t *in)
{
	json_t *v = json_object_get(in, "StackTrace"), *line;
	bool some = false;
	size_t i;

	if (!json_is_array(v))
		return;
	error_comma(b);
	buf_str(b, "\"StackTrace\":[");
	json_array_foreach(v, i, line) {
		if (!json_is_string(line))
			continue;
		if (some)
			buf_char(b, ',');
		some = true;
		buf_json(b, json_string_value(line),
		    json_string_length(line));
	}
	buf_char(b, ']');
}

struct blob *
error_clean(const struct blob *in)
{
	struct buf b = BUF_INIT;
	struct blob *blob;
	json_t *root = NULL;

	if (in != NULL)
		root = json_loadb(in->data, in->len, JSON_ALLOW_NUL, NULL);
	buf_char(&b, '{');
	if (json_is_object(root)) {
		error_text(&b, root, "ErrorMessage");
		error_text(&b, root, "ErrorType");
		error_text(&b, root, "ErrorData");
		error_trace(&b, root);
	}
	buf_char(&b, '}');
	json_decref(root);
	blob = blob_new(b.data, b.len);
	buf_free(&b);
	return blob;
}

static size_t
fields_size(json_t *root)
{
	static const char *const names[] = {
		"ErrorMessage", "ErrorType", "ErrorData",
	};
	json_t *trace = json_object_get(root, "StackTrace"), *line;
	size_t size = 0, i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		size += json_string_length(json_object_get(root, names[i]));
	json_array_foreach(trace, i, line)
		size += json_string_length(line);
	return size;
}

/*
 * The model bounds the fields together.  The service is said to refuse
 * errors from 32768 bytes on; a refusal costs the execution, so the larger
 * bound is used.
 */
int
durable_error_check(const struct blob *error, struct err *err)
{
	json_t *root;
	size_t size;

	/* Its JSON is no smaller than its fields. */
	if (error == NULL || error->len <= DURABLE_PAYLOAD_MOST)
		return 0;
	root = json_loadb(error->data, error->len, JSON_ALLOW_NUL, NULL);
	size = fields_size(root);
	json_decref(root);
	if (size <= DURABLE_PAYLOAD_MOST)
		return 0;
	return err_code(err, ERR_INVALID, INVALID_PARAMETER,
	    "Error object size must be less than or equal to %d bytes.",
	    DURABLE_PAYLOAD_MOST);
}
