#include <config.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/map.h"
#include "base/mem.h"
#include "core/policy.h"

#define DEFAULT_ROLE "default"
#define ARN_FIELDS 5	/* each matches for itself, the rest as one */

struct patterns {
	char **list;
	size_t n;
	bool negated;		/* NotAction, NotResource */
};

struct statement {
	bool deny;
	struct patterns actions, resources;
};

struct policy {
	struct statement *statements;
	size_t n;
};

struct policy_set {
	struct map *by_role;
	struct policy nothing;
};

/* ---- reading ---- */

static int
malformed(struct err *err, const char *what)
{
	return err_code(err, ERR_INVALID, "MalformedPolicyDocument",
	    "Malformed policy document: %s", what);
}

static void
patterns_free(struct patterns *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->list[i]);
	free(p->list);
}

static int
patterns_add(struct patterns *p, const json_t *value, struct err *err)
{
	const char *s = json_string_value(value);

	if (s == NULL || *s == '\0')
		return malformed(err, "a pattern must be a text");
	/* Who is meant by a variable is not known here. */
	if (strstr(s, "${") != NULL)
		return malformed(err, "variables are not supported");
	p->list = xreallocarray(p->list, p->n + 1, sizeof(*p->list));
	p->list[p->n++] = xstrdup(s);
	return 0;
}

/* A text or a list of texts, under one of two names. */
static int
patterns_read(struct patterns *p, const json_t *o, const char *name,
    const char *not_name, struct err *err)
{
	const json_t *value = json_object_get(o, name);
	const json_t *other = json_object_get(o, not_name);
	size_t i;

	if ((value == NULL) == (other == NULL))
		return malformed(err, name);
	p->negated = value == NULL;
	if (value == NULL)
		value = other;
	if (!json_is_array(value))
		return patterns_add(p, value, err);
	for (i = 0; i < json_array_size(value); i++)
		if (patterns_add(p, json_array_get(value, i), err) < 0)
			return -1;
	return p->n > 0 ? 0 : malformed(err, name);
}

/* Every member must be one of those that are understood. */
static int
members_check(const json_t *o, const char *const *known, size_t n,
    struct err *err)
{
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)o, name, value) {
		for (i = 0; i < n; i++)
			if (strcmp(known[i], name) == 0)
				break;
		if (i == n)
			return err_code(err, ERR_INVALID,
			    "MalformedPolicyDocument", "Malformed policy "
			    "document: %.100s is not supported", name);
	}
	return 0;
}

static int
statement_read(struct statement *s, const json_t *o, struct err *err)
{
	static const char *const known[] = { "Sid", "Effect", "Action",
		"NotAction", "Resource", "NotResource" };
	const char *effect = json_string_value(json_object_get(o, "Effect"));

	if (!json_is_object(o) || effect == NULL)
		return malformed(err, "a statement needs an Effect");
	if (members_check(o, known, sizeof(known) / sizeof(*known), err) < 0)
		return -1;
	s->deny = strcmp(effect, "Deny") == 0;
	if (!s->deny && strcmp(effect, "Allow") != 0)
		return malformed(err, "Effect");
	if (patterns_read(&s->actions, o, "Action", "NotAction", err) < 0)
		return -1;
	return patterns_read(&s->resources, o, "Resource", "NotResource",
	    err);
}

static int
statements_read(struct policy *p, const json_t *value, struct err *err)
{
	size_t i, n = json_is_array(value) ? json_array_size(value) : 1;

	if (value == NULL)
		return malformed(err, "Statement");
	p->statements = xcalloc(n, sizeof(*p->statements));
	p->n = n;
	for (i = 0; i < n; i++)
		if (statement_read(&p->statements[i], json_is_array(value) ?
		    json_array_get(value, i) : value, err) < 0)
			return -1;
	return 0;
}

static int
document_read(struct policy *p, const json_t *o, struct err *err)
{
	static const char *const known[] = { "Version", "Id", "Statement" };
	const char *version = json_string_value(json_object_get(o,
	    "Version"));

	if (!json_is_object(o))
		return malformed(err, "not an object");
	if (version != NULL && strcmp(version, "2012-10-17") != 0 &&
	    strcmp(version, "2008-10-17") != 0)
		return malformed(err, "Version");
	if (members_check(o, known, sizeof(known) / sizeof(*known), err) < 0)
		return -1;
	return statements_read(p, json_object_get(o, "Statement"), err);
}

struct policy *
policy_parse(const char *text, size_t len, struct err *err)
{
	struct policy *p = xcalloc(1, sizeof(*p));
	json_error_t e;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	int r = o == NULL ? malformed(err, e.text) : document_read(p, o, err);

	json_decref(o);
	if (r == 0)
		return p;
	policy_free(p);
	return NULL;
}

void
policy_free(struct policy *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		patterns_free(&p->statements[i].actions);
		patterns_free(&p->statements[i].resources);
	}
	free(p->statements);
	free(p);
}

/* ---- deciding ---- */

static bool
same(char a, char b, bool fold)
{
	return fold ? tolower((unsigned char)a) == tolower((unsigned char)b) :
	    a == b;
}

/* '*' is any text, '?' any character; goes back to the last star only. */
static bool
glob(const char *p, size_t np, const char *s, size_t ns, bool fold)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < ns) {
		if (i < np && p[i] == '*') {
			star = i++;
			from = j;
		} else if (i < np && (p[i] == '?' ||
		    same(p[i], s[j], fold))) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else
			return false;
	}
	while (i < np && p[i] == '*')
		i++;
	return i == np;
}

static bool
resource_match(const char *pattern, const char *resource)
{
	size_t np, nr;
	int i;

	if (strcmp(pattern, "*") == 0)
		return true;
	for (i = 0; i < ARN_FIELDS; i++) {
		np = strcspn(pattern, ":");
		nr = strcspn(resource, ":");
		if (pattern[np] == '\0' || resource[nr] == '\0' ||
		    !glob(pattern, np, resource, nr, false))
			return false;
		pattern += np + 1;
		resource += nr + 1;
	}
	return glob(pattern, strlen(pattern), resource, strlen(resource),
	    false);
}

static bool
patterns_match(const struct patterns *p, const char *s, bool is_action)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (is_action ? glob(p->list[i], strlen(p->list[i]), s,
		    strlen(s), true) : resource_match(p->list[i], s))
			return !p->negated;
	return p->negated;
}

enum policy_verdict
policy_decide(const struct policy *p, const char *action,
    const char *resource)
{
	enum policy_verdict verdict = POLICY_NOTHING;
	const struct statement *s;
	size_t i;

	for (i = 0; i < p->n; i++) {
		s = &p->statements[i];
		if (!patterns_match(&s->actions, action, true) ||
		    !patterns_match(&s->resources, resource, false))
			continue;
		if (s->deny)
			return POLICY_DENY;
		verdict = POLICY_ALLOW;
	}
	return verdict;
}

int
policy_denied(enum policy_verdict verdict, const char *principal,
    const char *action, const char *resource, struct err *err)
{
	if (verdict == POLICY_DENY)
		return err_code(err, ERR_DENIED, "AccessDeniedException",
		    "User: %.150s is not authorized to perform: %s on "
		    "resource: %.200s with an explicit deny in an "
		    "identity-based policy", principal, action, resource);
	return err_code(err, ERR_DENIED, "AccessDeniedException",
	    "User: %.150s is not authorized to perform: %s on resource: "
	    "%.200s because no identity-based policy allows the %s action",
	    principal, action, resource, action);
}

/* ---- by role ---- */

struct policy_set *
policy_set_new(uint64_t seed)
{
	struct policy_set *s = xcalloc(1, sizeof(*s));

	s->by_role = map_new(seed);
	return s;
}

void
policy_set_free(struct policy_set *s)
{
	const void *key;
	size_t at = 0, len;
	void *p;

	if (s == NULL)
		return;
	while (map_next(s->by_role, &at, &key, &len, &p))
		policy_free(p);
	map_free(s->by_role);
	free(s);
}

void
policy_set_put(struct policy_set *s, const char *role, struct policy *p)
{
	policy_free(map_puts(s->by_role, role, p));
}

const struct policy *
policy_set_find(const struct policy_set *s, const char *arn)
{
	const char *role = arn == NULL ? NULL : strstr(arn, ":role/");
	const struct policy *p = NULL;

	if (role != NULL)
		p = map_gets(s->by_role, role + strlen(":role/"));
	if (p == NULL)
		p = map_gets(s->by_role, DEFAULT_ROLE);
	return p != NULL ? p : &s->nothing;
}
