#include <config.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/arn.h"

#define PARTS_MOST 9

struct part {
	const char *s;
	size_t n;
};

static bool
part_is(struct part p, const char *s)
{
	return p.n == strlen(s) && memcmp(p.s, s, p.n) == 0;
}

static bool
part_all(struct part p, bool (*ok)(char), size_t most)
{
	size_t i;

	if (p.n == 0 || p.n > most)
		return false;
	for (i = 0; i < p.n; i++)
		if (!ok(p.s[i]))
			return false;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_word(char c)
{
	return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
}

static bool
is_partition(char c)
{
	return is_alpha(c) || c == '-';
}

static bool
part_account(struct part p)
{
	return p.n == 12 && part_all(p, is_digit, 12);
}

/* [a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-[0-9] */
static bool
part_region(struct part p)
{
	size_t i = 2, n;

	if (p.n < 6 || p.n > 31 || !islower((unsigned char)p.s[0]) ||
	    !islower((unsigned char)p.s[1]))
		return false;
	if (p.n > 7 && memcmp(p.s + 2, "-gov-", 5) == 0)
		i = 6;
	else if (p.n > 7 && memcmp(p.s + 2, "-iso", 4) == 0)
		i = p.s[6] == '-' ? 6 : 7;
	if (i >= p.n || p.s[i++] != '-')
		return false;
	for (n = 0; i < p.n && islower((unsigned char)p.s[i]); n++)
		i++;
	return n > 0 && i + 2 == p.n && p.s[i] == '-' && is_digit(p.s[i + 1]);
}

static bool
part_version(struct part p)
{
	return part_is(p, "$LATEST") || part_is(p, "$LATEST.PUBLISHED") ||
	    part_all(p, is_digit, 20);
}

static bool
part_qualifier(struct part p)
{
	return part_version(p) || part_all(p, is_word, 128);
}

int
arn_qualifier_valid(const char *s)
{
	struct part p = { s, strlen(s) };

	/* All digits is a version; longer than any version is nothing. */
	return part_version(p) ||
	    (part_all(p, is_word, 128) && !part_all(p, is_digit, 128));
}

int
arn_qualifier_is_version(const char *s)
{
	struct part p = { s, strlen(s) };

	return part_is(p, "$LATEST") || part_all(p, is_digit, 20);
}

int
arn_qualifier_is_alias(const char *s)
{
	return *s != '\0' && strchr(s, '$') == NULL &&
	    !arn_qualifier_is_version(s);
}

static void
part_copy(struct part p, char *out, size_t room)
{
	snprintf(out, room, "%.*s", (int)p.n, p.s);
}

/* Number of parts between colons, or -1 for too many. */
static int
parts_split(const char *s, size_t n, struct part out[PARTS_MOST])
{
	const char *end = s + n, *colon;
	int k = 0;

	for (;;) {
		if (k == PARTS_MOST)
			return -1;
		colon = memchr(s, ':', (size_t)(end - s));
		out[k].s = s;
		out[k++].n = (size_t)((colon ? colon : end) - s);
		if (colon == NULL)
			return k;
		s = colon + 1;
	}
}

static int
function_read(const char *s, size_t len, struct arn_function *out)
{
	struct part p[PARTS_MOST];
	int i = 0, n;

	memset(out, 0, sizeof(*out));
	snprintf(out->partition, sizeof(out->partition), "aws");
	n = parts_split(s, len, p);
	if (n < 1)
		return -1;
	if (n >= 4 && part_is(p[0], "arn")) {
		if (p[1].n < 3 || memcmp(p[1].s, "aws", 3) != 0 ||
		    !part_all(p[1], is_partition, 15) ||
		    !part_is(p[2], "lambda"))
			return -1;
		part_copy(p[1], out->partition, sizeof(out->partition));
		i = 3;
	}
	if (n - i >= 2 && part_region(p[i]))
		part_copy(p[i++], out->region, sizeof(out->region));
	if (n - i >= 2 && part_account(p[i]))
		part_copy(p[i++], out->account, sizeof(out->account));
	if (n - i >= 2 && part_is(p[i], "function"))
		i++;
	if (n - i < 1 || n - i > 2 || !part_all(p[i], is_word, 140))
		return -1;
	part_copy(p[i++], out->name, sizeof(out->name));
	if (i == n)
		return 0;
	if (!part_qualifier(p[i]))
		return -1;
	part_copy(p[i], out->qualifier, sizeof(out->qualifier));
	return 0;
}

int
arn_function_parse(const char *s, struct arn_function *out, struct err *err)
{
	size_t n = strlen(s);

	if (n > 256 || function_read(s, n, out) < 0)
		return err_set(err, ERR_INVALID, "not a function name: %.200s",
		    s);
	return 0;
}

static int
execution_read(const char *s, struct arn_execution *out)
{
	static const char middle[] = "/durable-execution/";
	const char *at = strstr(s, middle), *slash;
	struct part name, id;
	struct part p[PARTS_MOST];

	if (at == NULL || parts_split(s, (size_t)(at - s), p) != 8 ||
	    !part_is(p[0], "arn") || !part_is(p[5], "function") ||
	    !part_version(p[7]))
		return -1;
	if (function_read(s, (size_t)(at - s), &out->function) < 0 ||
	    out->function.region[0] == '\0' ||
	    out->function.account[0] == '\0')
		return -1;
	name.s = at + sizeof(middle) - 1;
	slash = strchr(name.s, '/');
	if (slash == NULL)
		return -1;
	name.n = (size_t)(slash - name.s);
	id.s = slash + 1;
	id.n = strlen(id.s);
	if (!part_all(name, is_word, 64) || !part_all(id, is_word, 64))
		return -1;
	part_copy(name, out->name, sizeof(out->name));
	part_copy(id, out->id_text, sizeof(out->id_text));
	if (id_parse(id.s, id.n, &out->id) < 0)
		memset(&out->id, 0, sizeof(out->id));
	return 0;
}

int
arn_execution_parse(const char *s, struct arn_execution *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	if (strlen(s) > 1024 || execution_read(s, out) < 0)
		return err_set(err, ERR_INVALID,
		    "not a durable execution ARN: %.200s", s);
	return 0;
}

char *
arn_function(const char *region, const char *account, const char *name,
    const char *qualifier)
{
	bool some = qualifier != NULL && qualifier[0] != '\0';

	return xasprintf("arn:aws:lambda:%s:%s:function:%s%s%s", region,
	    account, name, some ? ":" : "", some ? qualifier : "");
}

char *
arn_execution(const char *region, const char *account, const char *function,
    const char *version, const char *name, const struct id *id)
{
	char text[ID_TEXT];

	id_text(*id, text);
	return xasprintf(
	    "arn:aws:lambda:%s:%s:function:%s:%s/durable-execution/%s/%s",
	    region, account, function, version, name, text);
}
