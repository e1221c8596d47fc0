#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/own.h"
#include "flow/error_object.h"

#define ERROR_TEXT_MOST (1024 * 1024)

struct blob *
error_object(const char *type, const char *message)
{
	own_buf struct buf b = BUF_INIT;

	buf_str(&b, "{\"ErrorType\":");
	buf_json(&b, type, strlen(type));
	buf_str(&b, ",\"ErrorMessage\":");
	buf_json(&b, message, strlen(message));
	buf_char(&b, '}');
	return blob_new(b.data, b.len);
}

struct blob *
error_object_fmt(const char *type, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_object(type, text);
}

static json_t *
error_load(const struct blob *b)
{
	if (b == NULL)
		return NULL;
	return json_loadb(b->data, b->len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}

static json_t *
error_string(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_string(v) ? json_incref(v) : NULL;
}

/* Traces may hold what is not text; a list of texts is asked for. */
static json_t *
error_trace(const json_t *o, const char *key, const char *other)
{
	json_t *from = json_object_get(o, key), *to, *item;
	size_t i;

	if (!json_is_array(from) && other != NULL)
		from = json_object_get(o, other);
	if (!json_is_array(from))
		return NULL;
	to = json_array();
	json_array_foreach(from, i, item) {
		char *text = NULL;

		if (json_is_string(item)) {
			json_array_append(to, item);
			continue;
		}
		text = json_dumps(item, JSON_ENCODE_ANY | JSON_COMPACT);
		json_array_append_new(to, json_string(text ? text : ""));
		free(text);
	}
	return to;
}

/* Takes o. */
static struct blob *
error_blob(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	struct blob *b = blob_str(text != NULL ? text : "{}");

	free(text);
	json_decref(o);
	return b;
}

static void
error_set(json_t *o, const char *key, json_t *value)
{
	if (value != NULL)
		json_object_set_new(o, key, value);
}

struct blob *
error_object_from(const struct blob *posted)
{
	json_t *in = error_load(posted), *out, *trace;
	struct blob *b;

	if (!json_is_object(in)) {
		/* Not the form of any runtime: kept as the message. */
		own_buf struct buf text = BUF_INIT;
		size_t len = posted != NULL ? posted->len : 0;

		json_decref(in);
		buf_str(&text, "{\"ErrorType\":\"Unhandled\","
		    "\"ErrorMessage\":");
		buf_json(&text, len ? posted->data : "",
		    len < ERROR_TEXT_MOST ? len : ERROR_TEXT_MOST);
		buf_char(&text, '}');
		return blob_new(text.data, text.len);
	}
	out = json_object();
	error_set(out, "ErrorType", error_string(in, "errorType"));
	error_set(out, "ErrorMessage", error_string(in, "errorMessage"));
	trace = error_trace(in, "stackTrace", "trace");
	error_set(out, "StackTrace", trace);
	json_decref(in);
	b = error_blob(out);
	if (b->len <= ERROR_TEXT_MOST || trace == NULL)
		return b;
	/* The trace is what can be done without. */
	in = error_load(b);
	blob_unref(b);
	json_object_del(in, "StackTrace");
	return error_blob(in);
}

struct blob *
error_object_body(const struct blob *error)
{
	json_t *in = error_load(error), *out = json_object();
	json_t *message, *type;

	message = error_string(in, "ErrorMessage");
	type = error_string(in, "ErrorType");
	error_set(out, "errorMessage",
	    message != NULL ? message : json_string(""));
	error_set(out, "errorType", type != NULL ? type : json_string(""));
	error_set(out, "errorData", error_string(in, "ErrorData"));
	message = error_trace(in, "StackTrace", NULL);
	error_set(out, "stackTrace",
	    message != NULL ? message : json_array());
	json_decref(in);
	return error_blob(out);
}
