#include <config.h>

#include <ctype.h>
#include <string.h>

#include "api/sentence.h"
#include "base/digest.h"
#include "base/own.h"

/* ---- where in the input ---- */

void
check_free(struct check *c)
{
	buf_free(&c->path);
	buf_free(&c->text);
}

size_t
check_enter(struct check *c, const char *name)
{
	size_t before = c->path.len;

	if (before > 0)
		buf_char(&c->path, '.');
	buf_char(&c->path, (char)tolower((unsigned char)name[0]));
	buf_str(&c->path, name + 1);
	return before;
}

static size_t
enter_element(struct check *c, size_t i)
{
	size_t before = c->path.len;

	buf_fmt(&c->path, ".%zu.member", i + 1);
	return before;
}

void
check_leave(struct check *c, size_t before)
{
	c->path.len = before;
	if (c->path.data != NULL)
		c->path.data[before] = '\0';
}

void
check_missing(struct check *c)
{
	if (sentence_begin(c, NULL, NULL))
		buf_str(&c->text, "Member must not be null");
}

/* ---- values ---- */

/* Characters as AWS counts them: units of UTF-16. */
static int64_t
text_length(const char *s, size_t n)
{
	int64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)s[i];

		count += ((b & 0xc0) != 0x80) + (b >= 0xf0);
	}
	return count;
}

static bool
in_enum(const struct api_shape *s, const char *value, size_t len)
{
	for (int i = s->enums; api_enums[i] != NULL; i++)
		if (strlen(api_enums[i]) == len &&
		    memcmp(api_enums[i], value, len) == 0)
			return true;
	return false;
}

static double
number_of(const struct api_shape *s, const json_t *v)
{
	switch (s->type) {
	case API_STRING:
		return (double)text_length(json_string_value(v),
		    json_string_length(v));
	case API_BLOB:
		return (double)json_string_length(v);
	case API_LIST:
		return (double)json_array_size(v);
	case API_MAP:
		return (double)json_object_size(v);
	default:
		return json_number_value(v);
	}
}

/*
 * The one bound that the model does not set: how long a payload may be
 * depends on its operation, and the result of an execution may be longer than
 * any of them (core/durable_check.c).
 */
static bool
is_bounded_by_core(const struct api_shape *s)
{
	return strcmp(s->name, "OperationPayload") == 0;
}

static bool
too_much(const struct api_shape *s, const json_t *v)
{
	return s->has_max && number_of(s, v) > (double)s->max &&
	    !is_bounded_by_core(s);
}

static bool
too_little(const struct api_shape *s, const json_t *v)
{
	return s->has_min && number_of(s, v) < (double)s->min;
}

static bool
pattern_fails(const struct check *c, const struct api_shape *s,
    const json_t *v)
{
	return s->pattern >= 0 && json_is_string(v) &&
	    !rules_match(c->rules, s->pattern, json_string_value(v),
	    json_string_length(v));
}

static bool
enum_fails(const struct api_shape *s, const json_t *v)
{
	return s->enums >= 0 && json_is_string(v) &&
	    !in_enum(s, json_string_value(v), json_string_length(v));
}

/* Does a value by itself keep what its shape asks? */
static bool
holds(const struct check *c, const struct api_shape *s, const json_t *v)
{
	return !json_is_null(v) && !too_much(s, v) && !too_little(s, v) &&
	    !pattern_fails(c, s, v) && !enum_fails(s, v);
}

bool
check_text(const struct rules *rules, int shape, const char *text, size_t len)
{
	const struct api_shape *s = &api_shapes[shape];
	int64_t n = text_length(text, len);

	if (s->type != API_STRING || (s->has_min && n < s->min) ||
	    (s->has_max && n > s->max && !is_bounded_by_core(s)))
		return false;
	return (s->pattern < 0 || rules_match(rules, s->pattern, text, len)) &&
	    (s->enums < 0 || in_enum(s, text, len));
}

static void
check_bounds(struct check *c, const struct api_shape *s, const json_t *v)
{
	if (too_much(s, v) && sentence_begin(c, s, v))
		sentence_bound(&c->text, s, true);
	if (too_little(s, v) && sentence_begin(c, s, v))
		sentence_bound(&c->text, s, false);
	if (pattern_fails(c, s, v) && sentence_begin(c, s, v))
		sentence_pattern(&c->text, s);
	if (enum_fails(s, v) && sentence_begin(c, s, v))
		sentence_enum(&c->text, s);
}

void
check_bytes(struct check *c, int shape, size_t len)
{
	const struct api_shape *s = &api_shapes[shape];

	if (s->has_max && (double)len > (double)s->max) {
		if (++c->count <= VIOLATIONS_MOST) {
			buf_fmt(&c->text, "Value at '%s' failed to satisfy "
			    "constraint: ", c->path.data);
			sentence_bound(&c->text, s, true);
		}
	}
}

/* ---- types ---- */

static int
wrong(struct check *c, const json_t *v, const char *to)
{
	static const struct {
		const char *to, *of_text, *of_number, *of_true, *of_false;
	} said[] = {
#define SAID(to) { to, "STRING_VALUE cannot be converted to " to, \
		"NUMBER_VALUE cannot be converted to " to, \
		"TRUE_VALUE cannot be converted to " to, \
		"FALSE_VALUE cannot be converted to " to }
		SAID("String"), SAID("Integer"), SAID("Long"), SAID("Double"),
		SAID("Boolean"), SAID("Blob"), SAID("Timestamp"),
		SAID("List"), SAID("Map"),
#undef SAID
	};
	size_t i = 0;

	if (json_is_array(v)) {
		c->serialization = "Start of list found where not expected";
		return -1;
	}
	if (json_is_object(v)) {
		c->serialization =
		    "Start of structure or map found where not expected.";
		return -1;
	}
	while (strcmp(said[i].to, to) != 0)
		i++;
	c->serialization = json_is_string(v) ? said[i].of_text :
	    json_is_true(v) ? said[i].of_true :
	    json_is_false(v) ? said[i].of_false : said[i].of_number;
	return -1;
}

/* Text that is only ever passed on may hold NUL; no other may. */
static bool
is_opaque(const struct api_shape *s)
{
	static const char *const names[] = {
		"ErrorData", "ErrorMessage", "ErrorType", "OperationPayload",
		"StackTraceEntry",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(s->name, names[i]) == 0)
			return true;
	return false;
}

static int
take_string(struct check *c, const struct api_shape *s, json_t *v)
{
	if (!json_is_string(v))
		return wrong(c, v, "String");
	if (memchr(json_string_value(v), '\0', json_string_length(v)) != NULL &&
	    !is_opaque(s)) {
		c->serialization = "NUL is not allowed in this member";
		return -1;
	}
	return 0;
}

static int
take_whole(struct check *c, const struct api_shape *s, json_t **value)
{
	double least = s->type == API_LONG ? -9.2e18 : -2147483648.0;
	double most = s->type == API_LONG ? 9.2e18 : 2147483647.0;
	double d;

	if (!json_is_number(*value))
		return wrong(c, *value,
		    s->type == API_LONG ? "Long" : "Integer");
	d = json_number_value(*value);
	if (!(d >= least && d <= most)) {
		c->serialization = "Number is out of range";
		return -1;
	}
	if (json_is_real(*value)) {
		json_decref(*value);
		*value = json_integer((json_int_t)d);
	}
	return 0;
}

static int
take_real(struct check *c, json_t **value)
{
	double d;

	if (!json_is_number(*value))
		return wrong(c, *value, "Double");
	d = json_number_value(*value);
	if (json_is_integer(*value)) {
		json_decref(*value);
		*value = json_real(d);
	}
	return 0;
}

static int
take_blob(struct check *c, json_t **value)
{
	own_buf struct buf bytes = BUF_INIT;

	if (!json_is_string(*value))
		return wrong(c, *value, "Blob");
	if (digest_unbase64(&bytes, json_string_value(*value),
	    json_string_length(*value)) < 0) {
		c->serialization = "Blob is not valid base64";
		return -1;
	}
	json_decref(*value);
	*value = json_stringn_nocheck(bytes.data ? bytes.data : "", bytes.len);
	return 0;
}

static int
take_scalar(struct check *c, const struct api_shape *s, json_t **value)
{
	switch (s->type) {
	case API_STRING:
		return take_string(c, s, *value);
	case API_INTEGER:
	case API_LONG:
		return take_whole(c, s, value);
	case API_DOUBLE:
		return take_real(c, value);
	case API_BOOLEAN:
		return json_is_boolean(*value) ? 0 :
		    wrong(c, *value, "Boolean");
	case API_BLOB:
		return take_blob(c, value);
	default:
		return json_is_number(*value) ? take_real(c, value) :
		    wrong(c, *value, "Timestamp");
	}
}

static bool
is_scalar(int shape)
{
	return api_shapes[shape].type >= API_STRING;
}

static const struct api_member *
member_find(const struct api_shape *s, const char *name)
{
	for (int i = s->first; i < s->first + s->count; i++)
		if (strcmp(api_members[i].name, name) == 0)
			return &api_members[i];
	return NULL;
}

static void
drop_unknown(const struct api_shape *s, json_t *object)
{
	const char *key;
	json_t *item;
	void *next;

	json_object_foreach_safe(object, next, key, item)
		if (json_is_null(item) || member_find(s, key) == NULL)
			json_object_del(object, key);
}

static int
check_structure(struct check *c, const struct api_shape *s, json_t *object)
{
	if (!json_is_object(object))
		return wrong(c, object, "Map");
	drop_unknown(s, object);
	for (int i = s->first; i < s->first + s->count; i++) {
		const struct api_member *m = &api_members[i];
		json_t *value = json_object_get(object, m->name);
		size_t before = check_enter(c, m->name);

		if (value == NULL) {
			if (m->required)
				check_missing(c);
		} else {
			json_incref(value);
			if (check_value(c, m->shape, &value) < 0) {
				json_decref(value);
				return -1;
			}
			json_object_set_new(object, m->name, value);
		}
		check_leave(c, before);
	}
	return 0;
}

static int
check_list(struct check *c, const struct api_shape *s, json_t *list)
{
	const struct api_shape *elem = &api_shapes[s->elem];
	bool all_hold = true;
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return wrong(c, list, "List");
	json_array_foreach(list, i, item) {
		size_t before = enter_element(c, i);
		int done = 0;

		json_incref(item);
		if (json_is_null(item)) {
			if (is_scalar(s->elem))
				all_hold = false;
			else
				check_missing(c);
		} else if (is_scalar(s->elem)) {
			done = take_scalar(c, elem, &item);
			all_hold = all_hold && done == 0 &&
			    holds(c, elem, item);
		} else {
			done = check_value(c, s->elem, &item);
		}
		json_array_set_new(list, i, item);
		if (done < 0)
			return -1;
		check_leave(c, before);
	}
	check_bounds(c, s, list);
	if (!all_hold && sentence_begin(c, s, list)) {
		buf_str(&c->text, "Member must satisfy constraint: ");
		sentence_all(&c->text, elem, false);
	}
	return 0;
}

static bool
key_holds(const struct check *c, const struct api_shape *s, const char *key)
{
	json_t *text = json_string_nocheck(key);
	bool good = holds(c, s, text);

	json_decref(text);
	return good;
}

static int
check_map(struct check *c, const struct api_shape *s, json_t *map)
{
	const struct api_shape *elem = &api_shapes[s->elem];
	bool keys = true, values = true;
	const char *key;
	json_t *item;
	void *next;

	if (!json_is_object(map))
		return wrong(c, map, "Map");
	json_object_foreach_safe(map, next, key, item) {
		int done;

		keys = keys && key_holds(c, &api_shapes[s->key], key);
		if (json_is_null(item)) {
			values = false;
			continue;
		}
		json_incref(item);
		done = is_scalar(s->elem) ? take_scalar(c, elem, &item) :
		    check_value(c, s->elem, &item);
		values = values && (done < 0 || !is_scalar(s->elem) ||
		    holds(c, elem, item));
		json_object_set_new_nocheck(map, key, item);
		if (done < 0)
			return -1;
	}
	check_bounds(c, s, map);
	if (!keys && sentence_begin(c, s, map)) {
		buf_str(&c->text, "Map keys must satisfy constraint: ");
		sentence_all(&c->text, &api_shapes[s->key], true);
	}
	if (!values && sentence_begin(c, s, map)) {
		buf_str(&c->text, "Map value must satisfy constraint: ");
		sentence_all(&c->text, elem, false);
	}
	return 0;
}

int
check_value(struct check *c, int shape, json_t **value)
{
	const struct api_shape *s = &api_shapes[shape];

	switch (s->type) {
	case API_STRUCTURE:
		return check_structure(c, s, *value);
	case API_LIST:
		return check_list(c, s, *value);
	case API_MAP:
		return check_map(c, s, *value);
	default:
		if (take_scalar(c, s, value) < 0)
			return -1;
		check_bounds(c, s, *value);
		return 0;
	}
}
