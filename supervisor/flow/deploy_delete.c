/*
 * DeleteFunction, and its second half where durable executions go on.
 *
 * A durable function (or version) is marked first, so that nothing new is
 * started on it, and goes in the same write that sees that no execution of it
 * goes on.  Until then it is Deleting: executions run to their ends on it.
 * What a crash leaves is marked, so the sweep goes on with it.
 */
#include <config.h>

#include <string.h>

#include "core/arn.h"
#include "flow/deploy_int.h"
#include "flow/registry.h"
#include "pool/pool.h"

static bool
deploy_aliased(const struct function *f, const char *version)
{
	int i;

	for (i = 0; i < f->naliases; i++)
		if (strcmp(f->aliases[i]->version, version) == 0 ||
		    (f->aliases[i]->extra_version != NULL &&
		    strcmp(f->aliases[i]->extra_version, version) == 0))
			return true;
	return false;
}

/* The second write: all of it, or the version, if nothing goes on there. */
static enum deploy_next
deploy_set_drain(struct deploy *d)
{
	bool deleting = d->write.deleting;

	memset(&d->write, 0, sizeof(d->write));
	d->write.revision_before = d->revision_before;
	d->write.deleting = deleting;
	d->write.drained = true;
	if (d->qualifier == NULL) {
		d->write.drop = true;
		return DEPLOY_WRITE;
	}
	d->write.drop_version = d->qualifier;
	deploy_unset_qualifier(d, d->qualifier);
	return DEPLOY_WRITE;
}

enum deploy_next
deploy_marked(struct deploy *d)
{
	struct function *f = registry_get(d->engine->registry, d->name);

	d->marks = false;
	d->drains = true;
	/* What the caller hears of while it drains. */
	if (d->publish == NULL && f != NULL)
		d->latest = function_version_ref(f->latest);
	pool_retire(d->engine->pool, d->name, d->qualifier);
	return deploy_set_drain(d);
}

void
deploy_drained(struct deploy *d)
{
	function_version_unref(d->latest);
	function_version_unref(d->publish);
	d->latest = d->publish = NULL;
}

static enum deploy_next
deploy_mark(struct deploy *d, const struct function_version *v)
{
	json_t *config;
	char *revision;

	d->marks = true;
	if (d->qualifier == NULL) {
		d->write.deleting = true;
		return DEPLOY_WRITE;
	}
	config = json_deep_copy(v->config);
	revision = deploy_revision(d->engine);
	json_object_set_new(config, "RevisionId", json_string(revision));
	free(revision);
	function_set_deleting(config);
	d->publish = function_version_new(d->name, d->qualifier, config,
	    &d->err);
	d->write.publish = d->publish;
	return d->publish == NULL ? DEPLOY_FAILED : DEPLOY_WRITE;
}

static int
deploy_check_version(struct deploy *d, const struct function *f)
{
	if (strcmp(d->qualifier, "$LATEST") == 0)
		return deploy_refuse(d, "$LATEST version cannot be deleted "
		    "without deleting the function.");
	if (!arn_qualifier_is_version(d->qualifier))
		return deploy_refuse(d,
		    "Deletion of aliases is not currently supported.");
	if (function_find(f, d->qualifier) == NULL)
		return deploy_not_found(d, d->qualifier);
	if (deploy_aliased(f, d->qualifier))
		return err_code(&d->err, ERR_CONFLICT,
		    "ResourceConflictException",
		    "Version %s is referenced by an alias. Delete or update "
		    "the alias first.", d->qualifier);
	return 0;
}

enum deploy_next
deploy_delete(struct deploy *d)
{
	struct function *f = deploy_function(d);
	struct function_version *v;

	if (f == NULL ||
	    (d->qualifier != NULL && deploy_check_version(d, f) < 0))
		return DEPLOY_FAILED;
	v = d->qualifier != NULL ? function_find(f, d->qualifier) : f->latest;
	if (!v->durable) {
		deploy_set_drain(d);
		d->write.drained = false;
		return DEPLOY_WRITE;
	}
	/* Once more: it has no other effect than to look again. */
	if (f->deleting || v->deleting) {
		if (d->qualifier != NULL)
			d->publish = function_version_ref(v);
		return deploy_marked(d);
	}
	return deploy_mark(d, v);
}

/* ---- the sweep ---- */

enum deploy_next
deploy_drain(struct deploy *d)
{
	struct function *f = registry_get(d->engine->registry, d->name);
	struct function_version *v;

	if (f == NULL)
		return DEPLOY_DONE;
	v = d->qualifier != NULL ? function_find(f, d->qualifier) : NULL;
	if (d->qualifier != NULL ? v == NULL || !v->deleting : !f->deleting)
		return DEPLOY_DONE;
	if (deploy_function(d) == NULL)
		return DEPLOY_FAILED;
	d->drains = true;
	return deploy_set_drain(d);
}

static void
deploy_on_drain(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	(void)arg, (void)v, (void)a, (void)err;
}

static bool
deploy_same_qualifier(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Unless one is on its way already. */
static void
deploy_drain_begin(struct engine *g, const char *name, const char *version)
{
	struct deploy_in in = { .kind = DEPLOY_DRAIN, .name = name,
		.qualifier = version };
	const struct deploy *d;

	for (d = g->deploys; d != NULL; d = d->next)
		if (d->kind == DEPLOY_DRAIN && strcmp(d->name, name) == 0 &&
		    deploy_same_qualifier(d->qualifier, version))
			return;
	deploy_begin(g, &in, deploy_on_drain, NULL);
}

static void
deploy_drain_function(struct engine *g, const struct function *f)
{
	int i;

	if (f->deleting) {
		deploy_drain_begin(g, f->name, NULL);
		return;
	}
	for (i = 0; i < f->nversions; i++)
		if (f->versions[i]->deleting)
			deploy_drain_begin(g, f->name,
			    f->versions[i]->version);
}

void
deploy_drain_sweep(struct engine *g)
{
	const struct function *f = NULL;

	while ((f = registry_after(g->registry,
	    f != NULL ? f->name : NULL)) != NULL)
		deploy_drain_function(g, f);
}

void
deploy_drain_look(struct engine *g, const char *function)
{
	const struct function *f = registry_get(g->registry, function);

	if (g->pg != NULL && f != NULL)
		deploy_drain_function(g, f);
}
