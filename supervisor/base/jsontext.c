#include <config.h>

#include <string.h>

#include "base/jsontext.h"
#include "base/utf8.h"

struct text {
	const char *s;
	size_t len, at;
	size_t depth;
	bool object[JSONTEXT_DEPTH];	/* what is open at each depth */
};

static void
skip_space(struct text *t)
{
	while (t->at < t->len && (t->s[t->at] == ' ' || t->s[t->at] == '\t' ||
	    t->s[t->at] == '\n' || t->s[t->at] == '\r'))
		t->at++;
}

static bool
take(struct text *t, char c)
{
	if (t->at == t->len || t->s[t->at] != c)
		return false;
	t->at++;
	return true;
}

static bool
word(struct text *t, const char *w)
{
	for (; *w != '\0'; w++)
		if (!take(t, *w))
			return false;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
some_digits(struct text *t)
{
	size_t from = t->at;

	while (t->at < t->len && is_digit(t->s[t->at]))
		t->at++;
	return t->at > from;
}

static bool
number(struct text *t)
{
	take(t, '-');
	if (!take(t, '0') && !some_digits(t))
		return false;
	if (take(t, '.') && !some_digits(t))
		return false;
	if (take(t, 'e') || take(t, 'E')) {
		if (!take(t, '+'))
			take(t, '-');
		return some_digits(t);
	}
	return true;
}

static bool
escape(struct text *t)
{
	if (take(t, 'u')) {
		for (int i = 0; i < 4; i++, t->at++)
			if (t->at == t->len || !is_hex(t->s[t->at]))
				return false;
		return true;
	}
	if (t->at == t->len || t->s[t->at] == '\0' ||
	    strchr("\"\\/bfnrt", t->s[t->at]) == NULL)
		return false;
	t->at++;
	return true;
}

static bool
string(struct text *t)
{
	if (!take(t, '"'))
		return false;
	while (t->at < t->len) {
		unsigned char c = (unsigned char)t->s[t->at];
		size_t n;

		if (c == '"') {
			t->at++;
			return true;
		}
		if (c == '\\') {
			t->at++;
			if (!escape(t))
				return false;
			continue;
		}
		if (c < 0x20)
			return false;
		n = c < 0x80 ? 1 : utf8_next(t->s + t->at, t->len - t->at);
		if (n == 0)
			return false;
		t->at += n;
	}
	return false;
}

/* Behind an opening bracket or a comma of an object. */
static bool
key(struct text *t)
{
	skip_space(t);
	if (!string(t))
		return false;
	skip_space(t);
	return take(t, ':');
}

static bool
open(struct text *t, bool object)
{
	if (t->depth == JSONTEXT_DEPTH)
		return false;
	t->object[t->depth++] = object;
	t->at++;
	return true;
}

/*
 * One value, or the opening of one (*more: a value must follow).  An empty
 * list or object is closed here.
 */
static bool
value(struct text *t, bool *more)
{
	*more = false;
	skip_space(t);
	if (t->at == t->len)
		return false;
	switch (t->s[t->at]) {
	case '{':
		if (!open(t, true))
			return false;
		skip_space(t);
		if (take(t, '}')) {
			t->depth--;
			return true;
		}
		*more = true;
		return key(t);
	case '[':
		if (!open(t, false))
			return false;
		skip_space(t);
		if (take(t, ']')) {
			t->depth--;
			return true;
		}
		*more = true;
		return true;
	case '"':
		return string(t);
	case 't':
		return word(t, "true");
	case 'f':
		return word(t, "false");
	case 'n':
		return word(t, "null");
	default:
		return number(t);
	}
}

/* Behind a value: closes what ends here; *more: another one follows. */
static bool
after(struct text *t, bool *more)
{
	*more = false;
	while (t->depth > 0) {
		bool object = t->object[t->depth - 1];

		skip_space(t);
		if (take(t, ',')) {
			*more = true;
			return object ? key(t) : true;
		}
		if (!take(t, object ? '}' : ']'))
			return false;
		t->depth--;
	}
	return true;
}

bool
jsontext_valid(const char *s, size_t len, size_t *at)
{
	struct text t;
	bool more, good;

	t.s = s;
	t.len = len;
	t.at = t.depth = 0;
	do {
		good = value(&t, &more);
		if (good && !more)
			good = after(&t, &more);
	} while (good && more);
	if (good)
		skip_space(&t);
	*at = t.at;
	return good && t.at == t.len;
}
