/*
 * Functions: loaded all at once, changed one at a time under a guard.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "store/pgset.h"
#include "store/row.h"

/* ---- load ---- */

struct functions_call {
	struct pg_call call;
	pgstore_functions *done;
	void *arg;
};

struct function_list {
	struct function **list;
	size_t n;
};

/* All results are sorted by function: go on from where the last one was. */
static struct function *
function_at(const struct function_list *l, size_t *at, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		struct function *f = l->list[(*at + i) % l->n];

		if (strcmp(f->name, name) == 0) {
			*at = (*at + i) % l->n;
			return f;
		}
	}
	return NULL;
}

/* Takes the text. */
static json_t *
function_object(char *text)
{
	json_t *o = json_loads(text, JSON_ALLOW_NUL, NULL);

	free(text);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return json_object();
}

static void
function_rows(struct function_list *l, const PGresult *res)
{
	struct row r = { res, 0, 0 };
	struct function *f;

	l->n = (size_t)PQntuples(res);
	l->list = xcalloc(l->n, sizeof(struct function *));
	for (r.row = 0; r.row < (int)l->n; r.row++) {
		r.col = 0;
		f = l->list[r.row] = xcalloc(1, sizeof(*f));
		f->name = row_text(&r);
		f->tags = function_object(row_text(&r));
		f->last_version = row_i32(&r);
		f->deleting = row_bool(&r);
		f->settings = function_object(row_text(&r));
	}
}

static int
version_row(struct function_list *l, size_t *at, struct row *r,
    struct err *err)
{
	char *name = row_text(r), *version = row_text(r);
	char *config = row_text(r);
	struct function *f = function_at(l, at, name);
	struct function_version *v = NULL;
	json_t *json = json_loads(config, JSON_ALLOW_NUL, NULL);

	if (f == NULL)
		json_decref(json);
	else if (json == NULL)
		err_set(err, ERR_INTERNAL, "its configuration is damaged");
	else
		v = function_version_new(name, version, json, err);
	if (v != NULL && strcmp(version, "$LATEST") == 0) {
		f->latest = v;
	} else if (v != NULL) {
		f->versions = xreallocarray(f->versions,
		    (size_t)f->nversions + 1, sizeof(*f->versions));
		f->versions[f->nversions++] = v;
	} else if (f != NULL) {
		err_wrap(err, "function %s version %s", name, version);
	}
	free(name);
	free(version);
	free(config);
	return v == NULL && f != NULL ? -1 : 0;
}

static void
alias_row(struct function_list *l, size_t *at, struct row *r)
{
	char *name = row_text(r);
	struct function *f = function_at(l, at, name);
	struct function_alias *a;

	free(name);
	if (f == NULL)
		return;
	a = xcalloc(1, sizeof(*a));
	a->name = row_text(r);
	a->version = row_text(r);
	a->description = row_text(r);
	a->revision = row_text(r);
	a->extra_version = row_text(r);
	a->extra_weight = row_double(r);
	f->aliases = xreallocarray(f->aliases, (size_t)f->naliases + 1,
	    sizeof(*f->aliases));
	f->aliases[f->naliases++] = a;
}

static int
functions_fill(struct pg_call *call, struct function_list *l, struct err *err)
{
	struct row r = { 0 };
	size_t at = 0, i;

	function_rows(l, call->stmts[0].res);
	r.res = call->stmts[1].res;
	for (r.row = 0; r.row < PQntuples(r.res); r.row++) {
		r.col = 0;
		if (version_row(l, &at, &r, err) < 0)
			return -1;
	}
	for (i = 0; i < l->n; i++)
		if (l->list[i]->latest == NULL)
			return err_set(err, ERR_INTERNAL,
			    "function %s has no $LATEST", l->list[i]->name);
	at = 0;
	r.res = call->stmts[2].res;
	for (r.row = 0; r.row < PQntuples(r.res); r.row++) {
		r.col = 0;
		alias_row(l, &at, &r);
	}
	return 0;
}

static void
functions_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct functions_call *c = (struct functions_call *)call;
	struct function_list l = { 0 };
	struct row r = { 0 };
	struct err bad;
	size_t i;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, 0, 0, err);
		return;
	}
	if (functions_fill(call, &l, &bad) < 0) {
		for (i = 0; i < l.n; i++)
			function_free(l.list[i]);
		c->done(c->arg, STORE_FATAL, NULL, 0, 0, &bad);
	} else {
		r.res = call->stmts[3].res;
		c->done(c->arg, STORE_OK, l.list, l.n,
		    PQntuples(r.res) > 0 ? row_i64(&r) : 0, NULL);
	}
	free(l.list);
}

void
pgstore_functions_load(struct pgstore *s, pgstore_functions *done, void *arg)
{
	struct functions_call *c = pg_call_new(sizeof(*c), POINT_NONE,
	    functions_done);

	c->done = done;
	c->arg = arg;
	c->call.snapshot = true;
	pg_call_stmt(&c->call, STMT_FUNCTION_LIST);
	pg_call_stmt(&c->call, STMT_FUNCTION_VERSION_LIST);
	pg_call_stmt(&c->call, STMT_FUNCTION_ALIAS_LIST);
	pg_call_stmt(&c->call, STMT_FUNCTION_REGISTRY_REV);
	pgset_read(s, &c->call);
}

/* ---- write ---- */

struct function_call {
	struct pg_call call;
	store_done *done;
	void *arg;
};

static void
function_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct function_call *c = (struct function_call *)call;
	struct err stale;

	if (result == STORE_OK && pg_call_rows(call, 0) == 0) {
		err_set(&stale, ERR_CONFLICT, "the function was changed");
		c->done(c->arg, STORE_CONFLICT, &stale);
		return;
	}
	c->done(c->arg, result, err);
}

static void
param_json(struct params *p, const json_t *json)
{
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

	param_text(p, text);
	free(text);
}

static void
param_versions(struct params *p, const struct function_write *w)
{
	const struct function_version *list[2];
	char *text;
	int i, n = 0;

	if (w->latest != NULL)
		list[n++] = w->latest;
	if (w->publish != NULL)
		list[n++] = w->publish;
	array_begin(p, PARAM_TEXT, n);
	for (i = 0; i < n; i++)
		array_text(p, list[i]->version);
	array_end(p);
	array_begin(p, PARAM_TEXT, n);
	for (i = 0; i < n; i++) {
		text = json_dumps(list[i]->config, JSON_COMPACT);
		array_text(p, text);
		free(text);
	}
	array_end(p);
}

static void
param_alias(struct params *p, const struct function_alias *a)
{
	int i;

	if (a == NULL) {
		for (i = 0; i < 6; i++)
			param_null(p);
		return;
	}
	param_text(p, a->name);
	param_text(p, a->version);
	param_text(p, a->description);
	param_text(p, a->revision);
	param_text(p, a->extra_version);
	param_double(p, a->extra_weight);
}

static const char *
revision_after(const struct function_write *w)
{
	const char *s = w->latest == NULL ? NULL : json_string_value(
	    json_object_get(w->latest->config, "RevisionId"));

	return s != NULL ? s : w->revision_before;
}

void
pgstore_function_write(struct pgstore *s, const struct function_write *w,
    store_done *done, void *arg)
{
	struct function_call *c = pg_call_new(sizeof(*c),
	    POINT_FUNCTION_WRITE, function_done);
	struct params *p = pg_call_stmt(&c->call,
	    w->drop ? STMT_FUNCTION_DROP : STMT_FUNCTION_WRITE);

	c->done = done;
	c->arg = arg;
	param_text(p, w->name);
	param_text(p, w->revision_before);
	if (w->drop) {
		param_bool(p, w->drained);
	} else {
		param_text(p, revision_after(w));
		param_json(p, w->tags);
		param_i32(p, w->last_version);
		param_bool(p, w->deleting);
		param_versions(p, w);
		param_text(p, w->drop_version);
		param_alias(p, w->put_alias);
		param_text(p, w->drop_alias);
		param_json(p, w->settings);
		param_bool(p, w->drained);
		param_text(p, w->code);
	}
	batch_add(s, &c->call);
}
