#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/arn.h"
#include "flow/registry.h"
#include "pool/pool.h"

struct registry_waiter {
	void (*done)(void *arg, const struct err *);
	void *arg;
};

struct registry_waiters {
	struct registry_waiter *list;
	size_t n;
};

struct registry {
	struct engine *engine;
	struct function **list;	/* by name */
	size_t n, room;
	int64_t rev;
	uint64_t applied;	/* writes of our own, ever */
	uint64_t loading_mark;	/* how many when the read began */
	bool loading;
	/* Who is told by the read under way, and who by the one after it. */
	struct registry_waiters now, next;
};

struct registry *
registry_new(struct engine *e)
{
	struct registry *r = xcalloc(1, sizeof(*r));

	r->engine = e;
	r->rev = -1;
	return r;
}

static void
registry_clear(struct registry *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		function_free(r->list[i]);
	r->n = 0;
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	registry_clear(r);
	free(r->now.list);
	free(r->next.list);
	free(r->list);
	free(r);
}

/* The place of `name`, or where it would be. */
static size_t
registry_place(const struct registry *r, const char *name, bool *found)
{
	size_t lo = 0, hi = r->n, mid;
	int c;

	*found = false;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(r->list[mid]->name, name);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct function *
registry_get(const struct registry *r, const char *name)
{
	bool found;
	size_t at = registry_place(r, name, &found);

	return found ? r->list[at] : NULL;
}

struct function *
registry_after(const struct registry *r, const char *after)
{
	bool found = false;
	size_t at = 0;

	if (after != NULL)
		at = registry_place(r, after, &found) + (found ? 1 : 0);
	return at < r->n ? r->list[at] : NULL;
}

size_t
registry_count(const struct registry *r)
{
	return r->n;
}

static bool
registry_function_has(const struct function *f, const char *hex)
{
	int v;

	for (v = 0; v < f->nversions; v++)
		if (strcmp(f->versions[v]->code, hex) == 0)
			return true;
	return strcmp(f->latest->code, hex) == 0;
}

bool
registry_has_code(const struct registry *r, const char *hex)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (registry_function_has(r->list[i], hex))
			return true;
	return false;
}

int64_t
registry_code_bytes(const struct registry *r)
{
	int64_t sum = 0;
	size_t i;
	int v;

	for (i = 0; i < r->n; i++) {
		sum += r->list[i]->latest->code_size;
		for (v = 0; v < r->list[i]->nversions; v++)
			sum += r->list[i]->versions[v]->code_size;
	}
	return sum;
}

int
registry_reserved(const struct registry *r, const char *name)
{
	const struct function *f = registry_get(r, name);

	return f == NULL ? -1 : function_reserved(f);
}

int64_t
registry_reserved_all(const struct registry *r)
{
	int64_t sum = 0;
	size_t i;
	int n;

	for (i = 0; i < r->n; i++)
		if ((n = function_reserved(r->list[i])) > 0)
			sum += n;
	return sum;
}

static void
registry_insert(struct registry *r, struct function *f)
{
	bool found;
	size_t at = registry_place(r, f->name, &found);

	if (r->n == r->room) {
		r->room = r->room == 0 ? 16 : r->room * 2;
		r->list = xreallocarray(r->list, r->room, sizeof(*r->list));
	}
	memmove(r->list + at + 1, r->list + at,
	    (r->n - at) * sizeof(*r->list));
	r->list[at] = f;
	r->n++;
}

static void
registry_remove(struct registry *r, const char *name)
{
	bool found;
	size_t at = registry_place(r, name, &found);

	if (!found)
		return;
	function_free(r->list[at]);
	r->n--;
	memmove(r->list + at, r->list + at + 1,
	    (r->n - at) * sizeof(*r->list));
}

/* ---- load ---- */

uint64_t
registry_mark(const struct registry *r)
{
	return r->applied;
}

bool
registry_take(struct registry *r, struct function **list, size_t n,
    int64_t rev, uint64_t mark)
{
	bool fresh = mark == r->applied;
	size_t i;

	if (fresh)
		registry_clear(r);
	for (i = 0; i < n; i++)
		if (fresh)
			registry_insert(r, list[i]);
		else
			function_free(list[i]);
	if (!fresh)
		return false;
	r->rev = rev;
	if (r->engine->pool != NULL)
		pool_reserve(r->engine->pool);
	return true;
}

static void
registry_wait(struct registry_waiters *w, struct registry_waiter one)
{
	w->list = xreallocarray(w->list, w->n + 1, sizeof(*w->list));
	w->list[w->n++] = one;
}

static void registry_on_loaded(void *, enum store_result, struct function **,
    size_t, int64_t, const struct err *);

static void
registry_read(struct registry *r)
{
	r->loading = true;
	r->loading_mark = registry_mark(r);
	pgstore_functions_load(r->engine->pg, registry_on_loaded, r);
}

static void
registry_on_loaded(void *arg, enum store_result result, struct function **list,
    size_t n, int64_t rev, const struct err *err)
{
	struct registry *r = arg;
	struct registry_waiters told;
	size_t i;

	if (result == STORE_OK) {
		if (!registry_take(r, list, n, rev, r->loading_mark)) {
			registry_read(r);
			return;
		}
		err = NULL;
	} else {
		log_warn("functions not loaded err=\"%s\"", err->text);
	}
	r->loading = false;
	told = r->now;
	r->now = r->next;
	memset(&r->next, 0, sizeof(r->next));
	if (r->now.n > 0)
		registry_read(r);
	for (i = 0; i < told.n; i++)
		told.list[i].done(told.list[i].arg, err);
	free(told.list);
}

void
registry_load(struct registry *r, void (*done)(void *arg, const struct err *),
    void *arg)
{
	struct registry_waiter one = { done, arg };

	/* A read under way may have begun before what the caller asks for. */
	if (done != NULL)
		registry_wait(r->loading ? &r->next : &r->now, one);
	if (!r->loading)
		registry_read(r);
}

void
registry_seen_rev(struct registry *r, int64_t rev)
{
	if (rev != r->rev && !r->loading)
		registry_load(r, NULL, NULL);
}

/* ---- apply what was written ---- */

static struct function_version *
registry_copy(const struct function_version *v)
{
	/* Objects of versions are never changed, so sharing is a copy. */
	return function_version_ref((struct function_version *)(uintptr_t)v);
}

static struct function_alias *
registry_copy_alias(const struct function_alias *a)
{
	struct function_alias *c = xcalloc(1, sizeof(*c));

	c->name = xstrdup(a->name);
	c->version = xstrdup(a->version);
	c->description = xstrdup(a->description);
	c->revision = xstrdup(a->revision);
	c->extra_version = xstrdup(a->extra_version);
	c->extra_weight = a->extra_weight;
	return c;
}

static void
registry_drop_version(struct function *f, const char *version)
{
	int i;

	for (i = 0; i < f->nversions; i++) {
		if (strcmp(f->versions[i]->version, version) != 0)
			continue;
		function_version_unref(f->versions[i]);
		f->nversions--;
		memmove(f->versions + i, f->versions + i + 1,
		    (size_t)(f->nversions - i) * sizeof(*f->versions));
		return;
	}
}

static void
registry_add_version(struct function *f, const struct function_version *v)
{
	int i;

	/* It may be there: changed, or read between write and answer. */
	registry_drop_version(f, v->version);
	f->versions = xreallocarray(f->versions, (size_t)f->nversions + 1,
	    sizeof(*f->versions));
	for (i = f->nversions; i > 0 &&
	    atoi(f->versions[i - 1]->version) > atoi(v->version); i--)
		f->versions[i] = f->versions[i - 1];
	f->versions[i] = registry_copy(v);
	f->nversions++;
}

static void
registry_drop_alias(struct function *f, const char *name)
{
	int i;

	for (i = 0; i < f->naliases; i++) {
		if (strcmp(f->aliases[i]->name, name) != 0)
			continue;
		function_alias_free(f->aliases[i]);
		f->naliases--;
		memmove(f->aliases + i, f->aliases + i + 1,
		    (size_t)(f->naliases - i) * sizeof(*f->aliases));
		return;
	}
}

static void
registry_put_alias(struct function *f, const struct function_alias *a)
{
	int i;

	registry_drop_alias(f, a->name);
	f->aliases = xreallocarray(f->aliases, (size_t)f->naliases + 1,
	    sizeof(*f->aliases));
	for (i = f->naliases; i > 0 &&
	    strcmp(f->aliases[i - 1]->name, a->name) > 0; i--)
		f->aliases[i] = f->aliases[i - 1];
	f->aliases[i] = registry_copy_alias(a);
	f->naliases++;
}

/* As the statement does it: by key, and null takes one away. */
static void
registry_set(json_t *settings, const json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)patch, key, value) {
		if (json_is_null(value))
			json_object_del(settings, key);
		else
			json_object_set(settings, key, value);
	}
}

void
registry_apply(struct registry *r, const struct function_write *w)
{
	struct function *f = registry_get(r, w->name);

	r->applied++;
	if (w->drop) {
		registry_remove(r, w->name);
		return;
	}
	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->name = xstrdup(w->name);
		f->tags = json_object();
		f->settings = json_object();
		registry_insert(r, f);
	}
	if (w->latest != NULL) {
		function_version_unref(f->latest);
		f->latest = registry_copy(w->latest);
	}
	if (w->publish != NULL)
		registry_add_version(f, w->publish);
	if (w->drop_version != NULL)
		registry_drop_version(f, w->drop_version);
	if (w->put_alias != NULL)
		registry_put_alias(f, w->put_alias);
	if (w->drop_alias != NULL)
		registry_drop_alias(f, w->drop_alias);
	if (w->tags != NULL) {
		json_decref(f->tags);
		f->tags = json_deep_copy(w->tags);
	}
	registry_set(f->settings, w->settings);
	if (w->last_version > f->last_version)
		f->last_version = w->last_version;
	f->deleting = w->deleting;
}

/* ---- resolve ---- */

static void
registry_not_found(const struct registry *r, const char *name,
    const char *qualifier, struct err *err)
{
	char *arn = arn_function(r->engine->region, r->engine->account, name,
	    qualifier);

	err_set(err, ERR_NOT_FOUND, "Function not found: %s", arn);
	free(arn);
}

int
registry_deleting(struct err *err)
{
	return err_code(err, ERR_CONFLICT, "ResourceConflictException",
	    "The operation cannot be performed at this time. The function is "
	    "currently in the following state: Deleting");
}

struct function_version *
registry_resolve(const struct registry *r, const char *name,
    const char *qualifier, struct err *err)
{
	struct function *f = registry_get(r, name);
	struct function_version *v = NULL;
	double roll = (double)(env_random_u64(r->engine->env) >> 11) /
	    9007199254740992.0;

	if (f != NULL)
		v = function_resolve(f, qualifier, roll);
	if (v == NULL) {
		registry_not_found(r, name, qualifier == NULL ||
		    *qualifier == '\0' ? "$LATEST" : qualifier, err);
		return NULL;
	}
	if (f->deleting || v->deleting) {
		registry_deleting(err);
		return NULL;
	}
	return function_version_ref(v);
}
