#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/check.h"
#include "api/input.h"
#include "api/zipfile.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "net/http.h"

/*
 * A value costs about 130 bytes of memory however short it is in the text;
 * the largest batch that an SDK sends has a few thousand.
 */
#define TOKENS_MOST 300000
#define TOKENS_WORKER_MOST 50000	/* several thousand updates; 10 ms */

static int
fault(struct input_fault *f, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What it quotes may be cut in the middle of a character. */
static void
mend_text(char *s)
{
	size_t n;

	for (; *s != '\0'; s += n) {
		n = utf8_next(s, strlen(s));
		if (n == 0) {
			*s = '?';
			n = 1;
		}
	}
}

static int
fault(struct input_fault *f, const char *code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mend_text(text);
	f->code = code;
	buf_reset(&f->text);
	buf_str(&f->text, text);
	return -1;
}

/* ---- body ---- */

static bool
is_blank(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' &&
		    s[i] != '\n')
			return false;
	return true;
}

/* About how many values the text holds, before any memory is spent. */
static size_t
count_tokens(const char *s, size_t n)
{
	size_t count = 0;
	bool text = false;

	for (size_t i = 0; i < n; i++) {
		if (text) {
			if (s[i] == '\\')
				i++;
			else
				text = s[i] != '"';
		} else if (s[i] == '"') {
			text = true;
		} else if (s[i] == ',' || s[i] == '[' || s[i] == '{') {
			count++;
		}
	}
	return count;
}

#define BODY_FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

/* NULL: none was cut out, or there is something wrong. */
static json_t *
body_load_archive(const struct input_source *in)
{
	own_buf struct buf rest = BUF_INIT;
	struct zipfile z;
	json_t *body;

	if (!zipfile_cut(in->body, in->body_len, &z, &rest))
		return NULL;
	body = json_loadb(rest.data, rest.len, BODY_FLAGS, NULL);
	if (body != NULL && zipfile_put(&z, body))
		return body;
	json_decref(body);
	return NULL;
}

static int
body_load(const struct input_source *in, json_t **out, struct input_fault *f)
{
	json_error_t e;

	if (is_blank(in->body, in->body_len)) {
		*out = json_object();
		return 0;
	}
	if (count_tokens(in->body, in->body_len) > (in->is_worker ?
	    TOKENS_WORKER_MOST : TOKENS_MOST))
		return fault(f, "SerializationException",
		    "The request body has too many values");
	*out = body_load_archive(in);
	if (*out == NULL)
		*out = json_loadb(in->body, in->body_len, BODY_FLAGS, &e);
	if (*out == NULL)
		return fault(f, "SerializationException",
		    "Could not parse request body into json: %s", e.text);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return fault(f, "SerializationException",
		    "Could not parse request body into json: an object was "
		    "expected");
	}
	return 0;
}

static const struct api_member *
payload_member(const struct api_op *op)
{
	const struct api_shape *s = &api_shapes[op->input];

	for (int i = s->first; i < s->first + s->count; i++)
		if (op->payload && !strcmp(api_members[i].name, op->payload))
			return &api_members[i];
	return NULL;
}

/* Members of the body go into `to`; a payload of JSON is one member. */
static int
take_body(const struct input_source *in, json_t *to, struct input_fault *f)
{
	const struct api_op *op = in->route->op;
	const struct api_member *payload = payload_member(op);
	const struct api_shape *s = &api_shapes[op->input];
	json_t *body, *value;

	if (payload != NULL && api_shapes[payload->shape].type == API_BLOB)
		return 0;
	if (strcmp(op->method, "GET") == 0 ||
	    strcmp(op->method, "DELETE") == 0)
		return 0;
	if (body_load(in, &body, f) < 0)
		return -1;
	if (payload != NULL) {
		if (!is_blank(in->body, in->body_len))
			json_object_set(to, payload->name, body);
		json_decref(body);
		return 0;
	}
	for (int i = s->first; i < s->first + s->count; i++) {
		if (api_members[i].location != API_BODY)
			continue;
		value = json_object_get(body, api_members[i].name);
		if (value != NULL)
			json_object_set(to, api_members[i].name, value);
	}
	json_decref(body);
	return 0;
}

/* ---- text to values ---- */

static int
digits(const char **s, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)**s))
			return -1;
		*out = *out * 10 + *(*s)++ - '0';
	}
	return 0;
}

static int
literal(const char **s, char c)
{
	return *(*s)++ == c ? 0 : -1;
}

/* "Z" or "+hh:mm" or "+hhmm" or nothing; seconds east. */
static int
zone(const char *s, int *east)
{
	int sign = *s == '-' ? -1 : 1, h, m;

	*east = 0;
	if (*s == '\0' || strcmp(s, "Z") == 0 || strcmp(s, "z") == 0)
		return 0;
	if (*s != '+' && *s != '-')
		return -1;
	s++;
	if (digits(&s, 2, &h) < 0)
		return -1;
	if (*s == ':')
		s++;
	if (digits(&s, 2, &m) < 0 || *s != '\0')
		return -1;
	*east = sign * (h * 3600 + m * 60);
	return 0;
}

/* RFC 3339, or seconds since 1970. */
static int
parse_time(const char *s, double *out)
{
	int y, mo, d, h, mi, se, east;
	double fraction = 0, unit = 0.1;
	struct tm tm = { 0 };
	char *end;

	errno = 0;
	*out = strtod(s, &end);
	if (*s != '\0' && *end == '\0' && !isalpha((unsigned char)*s) &&
	    errno == 0 && *out > -1e11 && *out < 1e11)
		return 0;
	if (digits(&s, 4, &y) < 0 || literal(&s, '-') < 0 ||
	    digits(&s, 2, &mo) < 0 || literal(&s, '-') < 0 ||
	    digits(&s, 2, &d) < 0 || (*s != 'T' && *s != 't' && *s != ' '))
		return -1;
	s++;
	if (digits(&s, 2, &h) < 0 || literal(&s, ':') < 0 ||
	    digits(&s, 2, &mi) < 0 || literal(&s, ':') < 0 ||
	    digits(&s, 2, &se) < 0)
		return -1;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++, unit /= 10)
			fraction += (*s - '0') * unit;
	if (zone(s, &east) < 0 || mo < 1 || mo > 12 || d < 1 || d > 31 ||
	    h > 23 || mi > 59 || se > 60)
		return -1;
	tm.tm_year = y - 1900;
	tm.tm_mon = mo - 1;
	tm.tm_mday = d;
	tm.tm_hour = h;
	tm.tm_min = mi;
	tm.tm_sec = se;
	*out = (double)timegm(&tm) - east + fraction;
	return 0;
}

static const char *
type_name(int type)
{
	switch (type) {
	case API_INTEGER:
		return "Integer";
	case API_LONG:
		return "Long";
	case API_DOUBLE:
		return "Double";
	case API_BOOLEAN:
		return "Boolean";
	default:
		return "Timestamp";
	}
}

/* NULL: not of that type. */
static json_t *
from_text(int type, const char *s)
{
	long long whole;
	double real;
	char *end;

	switch (type) {
	case API_STRING:
		return json_string(s);
	case API_BOOLEAN:
		if (strcasecmp(s, "true") == 0)
			return json_true();
		return strcasecmp(s, "false") == 0 ? json_false() : NULL;
	case API_TIMESTAMP:
		return parse_time(s, &real) < 0 ? NULL : json_real(real);
	case API_INTEGER:
	case API_LONG:
		errno = 0;
		whole = strtoll(s, &end, 10);
		if (errno != 0 || *end != '\0' ||
		    !(isdigit((unsigned char)*s) || *s == '-') ||
		    (type == API_INTEGER &&
		    (whole < INT32_MIN || whole > INT32_MAX)))
			return NULL;
		return json_integer(whole);
	default:
		errno = 0;
		real = strtod(s, &end);
		return errno || *end || !isdigit((unsigned char)*s) ? NULL :
		    json_real(real);
	}
}

static int
put_text(json_t *to, const struct api_member *m, int type, const char *s,
    bool list, struct input_fault *f)
{
	json_t *value, *have;

	/* An empty text is no number; absent, as a client without it. */
	if (*s == '\0' && type != API_STRING)
		return 0;
	if (!utf8_valid(s, strlen(s)))
		return fault(f, "SerializationException",
		    "'%s' is not valid UTF-8", m->wire);
	value = from_text(type, s);
	if (value == NULL)
		return fault(f, "SerializationException",
		    "'%.200s' can not be converted to %s", s, type_name(type));
	if (!list) {
		json_object_set_new(to, m->name, value);
		return 0;
	}
	have = json_object_get(to, m->name);
	if (have == NULL) {
		json_object_set_new(to, m->name, json_array());
		have = json_object_get(to, m->name);
	}
	json_array_append_new(have, value);
	return 0;
}

/* ---- query and headers ---- */

static const struct api_member *
query_member(const struct api_op *op, const char *name)
{
	const struct api_shape *s = &api_shapes[op->input];

	for (int i = s->first; i < s->first + s->count; i++)
		if (api_members[i].location == API_QUERY &&
		    strcmp(api_members[i].wire, name) == 0)
			return &api_members[i];
	return NULL;
}

static int
take_pair(const struct input_source *in, const char *s, size_t len,
    json_t *to, struct input_fault *f)
{
	const char *eq = memchr(s, '=', len);
	size_t n = eq != NULL ? (size_t)(eq - s) : len;
	own_free char *name = NULL, *value = NULL;
	const struct api_member *m;
	const struct api_shape *shape;
	size_t ignored;

	if (!http_unescape(s, n, &name, &ignored))
		return fault(f, "SerializationException",
		    "The query cannot be decoded");
	m = query_member(in->route->op, name);
	if (m == NULL)
		return 0;
	if (!http_unescape(eq ? eq + 1 : "", eq ? len - n - 1 : 0, &value,
	    &ignored))
		return fault(f, "SerializationException",
		    "The query cannot be decoded");
	shape = &api_shapes[m->shape];
	if (shape->type == API_LIST)
		return put_text(to, m, api_shapes[shape->elem].type, value,
		    true, f);
	return put_text(to, m, shape->type, value, false, f);
}

static int
take_query(const struct input_source *in, json_t *to, struct input_fault *f)
{
	for (const char *s = in->query; s != NULL && *s != '\0';) {
		size_t len = strcspn(s, "&");

		if (len > 0 && take_pair(in, s, len, to, f) < 0)
			return -1;
		s += len;
		s += *s == '&';
	}
	return 0;
}

static const char *
path_value(const struct route *r, const char *wire)
{
	size_t n = strlen(wire);

	/* Templates say {Name} or, where it may be long, {Name+}. */
	for (int i = 0; i < r->nvars; i++)
		if (strncmp(r->vars[i].name + 1, wire, n) == 0 &&
		    strchr("}+", r->vars[i].name[n + 1]) != NULL)
			return r->vars[i].value;
	return NULL;
}

static int
take_outside(const struct input_source *in, json_t *to, struct input_fault *f)
{
	const struct api_shape *s = &api_shapes[in->route->op->input];

	for (int i = s->first; i < s->first + s->count; i++) {
		const struct api_member *m = &api_members[i];
		const char *value = NULL;

		if (m->location == API_PATH)
			value = path_value(in->route, m->wire);
		else if (m->location == API_HEADER)
			value = in->header(in->arg, m->wire);
		if (value != NULL && put_text(to, m,
		    api_shapes[m->shape].type, value, false, f) < 0)
			return -1;
	}
	return take_query(in, to, f);
}

/* ---- the whole ---- */

static void
check_payload(struct check *c, const struct input_source *in)
{
	const struct api_member *m = payload_member(in->route->op);
	size_t before;

	if (m == NULL || api_shapes[m->shape].type != API_BLOB)
		return;
	before = check_enter(c, m->name);
	check_bytes(c, m->shape, in->body_len);
	check_leave(c, before);
}

static int
check_all(const struct rules *rules, const struct input_source *in,
    json_t **value, struct input_fault *f)
{
	struct check c = { .rules = rules };
	int done = -1;

	if (check_value(&c, in->route->op->input, value) < 0) {
		fault(f, "SerializationException", "%s", c.serialization);
		goto out;
	}
	check_payload(&c, in);
	if (c.count > 0) {
		f->code = "ValidationException";
		buf_reset(&f->text);
		buf_fmt(&f->text, "%d validation error%s detected: ", c.count,
		    c.count == 1 ? "" : "s");
		buf_add(&f->text, c.text.data, c.text.len);
		goto out;
	}
	done = 0;
out:
	check_free(&c);
	return done;
}

/* A payload of raw bytes is no member of the object, so not missing. */
static void
stand_in(const struct api_op *op, json_t *to)
{
	const struct api_member *m = payload_member(op);

	if (m != NULL && api_shapes[m->shape].type == API_BLOB)
		json_object_set_new(to, m->name, json_string(""));
}

json_t *
input_read(const struct rules *rules, const struct input_source *in,
    struct input_fault *f)
{
	const struct api_op *op = in->route->op;
	json_t *to = json_object();

	if (op->input < 0)
		return to;
	stand_in(op, to);
	if (take_outside(in, to, f) < 0 || take_body(in, to, f) < 0 ||
	    check_all(rules, in, &to, f) < 0) {
		json_decref(to);
		return NULL;
	}
	if (op->payload != NULL &&
	    json_is_string(json_object_get(to, op->payload)))
		json_object_del(to, op->payload);
	return to;
}

json_t *
input_read_path(const struct rules *rules, const struct input_source *in)
{
	const struct api_shape *s = &api_shapes[in->route->op->input];
	json_t *to = json_object();
	const char *value;

	if (in->query != NULL && in->query[0] != '\0')
		goto left;
	for (int i = s->first; i < s->first + s->count; i++) {
		const struct api_member *m = &api_members[i];

		if (m->location == API_BODY || m->location == API_QUERY)
			continue;
		value = m->location == API_PATH ?
		    path_value(in->route, m->wire) : NULL;
		if (value == NULL || !utf8_valid(value, strlen(value)) ||
		    !check_text(rules, m->shape, value, strlen(value)))
			goto left;
		json_object_set_new_nocheck(to, m->name,
		    json_string_nocheck(value));
	}
	return to;
left:
	json_decref(to);
	return NULL;
}
