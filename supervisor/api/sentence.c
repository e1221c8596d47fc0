#include <config.h>

#include <math.h>
#include <string.h>

#include "api/sentence.h"
#include "base/utf8.h"

#define SHOWN_MOST 256		/* bytes of a wrong value that are repeated */

/* As Java prints it, which is what AWS's sentences hold. */
static void
show(struct buf *out, const json_t *v)
{
	const char *key, *between = "";
	json_t *item;
	size_t i;

	if (out->len > SHOWN_MOST)
		return;
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		buf_char(out, '{');
		json_object_foreach((json_t *)v, key, item) {
			buf_fmt(out, "%s%s=", between, key);
			show(out, item);
			between = ", ";
		}
		buf_char(out, '}');
		break;
	case JSON_ARRAY:
		buf_char(out, '[');
		json_array_foreach((json_t *)v, i, item) {
			buf_str(out, between);
			show(out, item);
			between = ", ";
		}
		buf_char(out, ']');
		break;
	case JSON_STRING:
		buf_add(out, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		buf_fmt(out, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		if (json_real_value(v) == floor(json_real_value(v)) &&
		    fabs(json_real_value(v)) < 1e7)
			buf_fmt(out, "%.1f", json_real_value(v));
		else
			buf_fmt(out, "%.17g", json_real_value(v));
		break;
	case JSON_TRUE:
		buf_str(out, "true");
		break;
	case JSON_FALSE:
		buf_str(out, "false");
		break;
	default:
		buf_str(out, "null");
	}
}

bool
sentence_begin(struct check *c, const struct api_shape *s, const json_t *value)
{
	own_buf struct buf shown = BUF_INIT;
	size_t n;

	if (++c->count > VIOLATIONS_MOST)
		return false;
	if (c->count > 1)
		buf_str(&c->text, "; ");
	buf_str(&c->text, "Value ");
	if (value == NULL) {
		buf_str(&c->text, "null ");
	} else if (!s->sensitive) {
		show(&shown, value);
		for (n = 0; n < shown.len && n < SHOWN_MOST;) {
			size_t step = utf8_next(shown.data + n,
			    shown.len - n);

			n += step ? step : 1;
		}
		buf_char(&c->text, '\'');
		buf_add(&c->text, shown.data, n < shown.len ? n : shown.len);
		buf_str(&c->text, n < shown.len ? "...' " : "' ");
	}
	buf_fmt(&c->text, "at '%s' failed to satisfy constraint: ",
	    c->path.data ? c->path.data : "");
	return true;
}

void
sentence_bound(struct buf *out, const struct api_shape *s, bool upper)
{
	const char *what = s->type >= API_INTEGER && s->type <= API_DOUBLE ?
	    "value" : "length";

	buf_fmt(out, "Member must have %s %s than or equal to %lld%s", what,
	    upper ? "less" : "greater", (long long)(upper ? s->max : s->min),
	    s->type == API_DOUBLE ? ".0" : "");
}

void
sentence_pattern(struct buf *out, const struct api_shape *s)
{
	buf_fmt(out, "Member must satisfy regular expression pattern: %s",
	    api_patterns[s->pattern]);
}

void
sentence_enum(struct buf *out, const struct api_shape *s)
{
	buf_str(out, "Member must satisfy enum value set: [");
	for (int i = s->enums; api_enums[i] != NULL; i++)
		buf_fmt(out, "%s%s", i == s->enums ? "" : ", ", api_enums[i]);
	buf_char(out, ']');
}

void
sentence_all(struct buf *out, const struct api_shape *s, bool key)
{
	const char *between = "";

	buf_char(out, '[');
	if (s->has_max) {
		sentence_bound(out, s, true);
		between = ", ";
	}
	if (s->has_min) {
		buf_str(out, between);
		sentence_bound(out, s, false);
		between = ", ";
	}
	if (s->pattern >= 0) {
		buf_str(out, between);
		sentence_pattern(out, s);
		between = ", ";
	}
	if (s->enums >= 0) {
		buf_str(out, between);
		sentence_enum(out, s);
		between = ", ";
	}
	/* No key of JSON can be null, and AWS does not say so of one. */
	if (!key)
		buf_fmt(out, "%sMember must not be null", between);
	buf_char(out, ']');
}
