/*
 * The path is split at '/' before anything is decoded: ARNs arrive whole in
 * one label.  Hand-written clients send them raw, so the variables that may
 * hold a slash take everything between the labels around them.
 */
#include <config.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/router.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "net/http.h"

#define LABELS_MOST 9	/* of a template */
#define PATH_LABELS_MOST 32

struct label {
	const char *s;
	size_t len;
};

struct rule {
	const struct api_op *op;
	struct label labels[LABELS_MOST];
	int nlabels;
	int wide;		/* label that may hold slashes; -1: none */
	int literals;		/* more of them wins */
	struct label need;	/* "key=value" that the query must have */
};

struct router {
	struct rule *rules;
	int nrules;
};

static bool
is_variable(const struct label *l)
{
	return l->len > 2 && l->s[0] == '{';
}

static bool
may_hold_slashes(const struct label *l)
{
	static const char *const names[] = {
		"{CallbackId}", "{DurableExecutionArn}",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == l->len &&
		    memcmp(names[i], l->s, l->len) == 0)
			return true;
	return false;
}

/* At most `most` labels; the number there are. */
static int
split(const char *path, size_t len, struct label *out, int most)
{
	int n = 0;

	while (len > 0 && path[0] == '/') {
		const char *end = memchr(path + 1, '/', len - 1);
		size_t label = end ? (size_t)(end - path - 1) : len - 1;

		if (n < most)
			out[n] = (struct label){ path + 1, label };
		n++;
		path += label + 1;
		len -= label + 1;
	}
	/* One slash at the end means nothing. */
	if (n > 1 && n <= most && out[n - 1].len == 0)
		n--;
	return n;
}

static void
rule_make(struct rule *r, const struct api_op *op)
{
	const char *query = strchr(op->uri, '?');
	size_t len = query ? (size_t)(query - op->uri) : strlen(op->uri);

	r->op = op;
	r->nlabels = split(op->uri, len, r->labels, LABELS_MOST);
	r->wide = -1;
	if (query != NULL)
		r->need = (struct label){ query + 1, strlen(query + 1) };
	for (int i = 0; i < r->nlabels; i++) {
		if (!is_variable(&r->labels[i]))
			r->literals++;
		else if (may_hold_slashes(&r->labels[i]))
			r->wide = i;
	}
}

struct router *
router_new(void)
{
	struct router *r = xcalloc(1, sizeof(*r));

	r->rules = xcalloc((size_t)api_nops, sizeof(*r->rules));
	r->nrules = api_nops;
	for (int i = 0; i < api_nops; i++)
		rule_make(&r->rules[i], &api_ops[i]);
	return r;
}

void
router_free(struct router *r)
{
	if (r == NULL)
		return;
	free(r->rules);
	free(r);
}

static bool
query_has(const char *query, const struct label *need)
{
	while (query != NULL && *query != '\0') {
		size_t n = strcspn(query, "&");

		if (n == need->len && memcmp(query, need->s, n) == 0)
			return true;
		query += n;
		query += *query == '&';
	}
	return false;
}

/* The path's label that template label i stands for. */
static bool
rule_match(const struct rule *r, const struct label *path, int n,
    const char *query, struct label *vars)
{
	int more = n - r->nlabels;

	if (more < 0 || (more > 0 && r->wide < 0))
		return false;
	for (int i = 0; i < r->nlabels; i++) {
		const struct label *l = &r->labels[i];
		const struct label *have =
		    &path[r->wide >= 0 && i > r->wide ? i + more : i];

		if (is_variable(l)) {
			const struct label *last = i == r->wide ?
			    have + more : have;

			vars[i] = (struct label){ have->s,
			    (size_t)(last->s + last->len - have->s) };
		} else if (l->len != have->len ||
		    memcmp(l->s, have->s, l->len) != 0) {
			return false;
		}
	}
	return r->need.s == NULL || query_has(query, &r->need);
}

static int
route_fill(struct route *out, const struct rule *r, const struct label *vars,
    struct err *err)
{
	out->op = r->op;
	for (int i = 0; i < r->nlabels; i++) {
		const struct label *l = &r->labels[i];
		char *value;
		size_t len;

		if (!is_variable(l))
			continue;
		if (!http_unescape(vars[i].s, vars[i].len, &value, &len))
			return err_code(err, ERR_INVALID,
			    "SerializationException",
			    "The path cannot be decoded.");
		out->vars[out->nvars].name = l->s;
		out->vars[out->nvars++].value = value;
		if (!utf8_valid(value, len))
			return err_code(err, ERR_INVALID,
			    "SerializationException",
			    "The path is not valid UTF-8.");
	}
	return 0;
}

int
router_find(const struct router *r, const char *method, const char *path,
    const char *query, struct route *out, struct err *err)
{
	struct label labels[PATH_LABELS_MOST];
	struct label vars[LABELS_MOST], best_vars[LABELS_MOST];
	const struct rule *best = NULL;
	int n;

	memset(out, 0, sizeof(*out));
	n = split(path, strlen(path), labels, PATH_LABELS_MOST);
	if (n > PATH_LABELS_MOST)
		n = 0;
	for (int i = 0; i < r->nrules && n > 0; i++) {
		const struct rule *rule = &r->rules[i];

		if (strcmp(rule->op->method, method) != 0 ||
		    !rule_match(rule, labels, n, query, vars))
			continue;
		if (best != NULL && (best->literals > rule->literals ||
		    (best->literals == rule->literals && best->need.s)))
			continue;
		best = rule;
		memcpy(best_vars, vars, sizeof(vars));
	}
	if (best == NULL)
		return err_code(err, ERR_NOT_FOUND,
		    "UnknownOperationException",
		    "No operation has this method and path.");
	return route_fill(out, best, best_vars, err);
}

void
route_free(struct route *r)
{
	for (int i = 0; i < r->nvars; i++)
		free(r->vars[i].value);
	r->nvars = 0;
}
