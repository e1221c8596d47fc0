#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/function_json.h"
#include "api/ops.h"
#include "flow/deploy.h"
#include "flow/registry.h"

#define ALIASES_PAGE 50

struct alias_call {
	struct arn_function fn;
	const char *name;
};

static int
alias_begin(struct call *c, struct alias_call *a)
{
	struct err err;

	a->name = in_str(c->in, "Name");
	if (call_function(c, &a->fn, &err) < 0) {
		call_fail(c, &err);
		return -1;
	}
	return 0;
}

static void
alias_on_changed(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	struct call *c = arg;
	struct arn_function fn;
	struct err ignored;

	(void)v;
	if (err != NULL) {
		call_fail(c, err);
	} else if (a == NULL) {
		call_ok(c, NULL);
	} else {
		call_function(c, &fn, &ignored);
		call_ok(c, alias_json(c, fn.name, a));
	}
}

static void
alias_change(struct call *c, enum deploy_kind kind, bool fresh)
{
	struct deploy_in in = { .kind = kind, .input = c->in,
		.alias_new = fresh };
	struct alias_call a;

	if (alias_begin(c, &a) < 0)
		return;
	in.name = a.fn.name;
	in.alias = a.name;
	deploy_begin(c->engine, &in, alias_on_changed, c);
}

void
op_create_alias(struct call *c)
{
	alias_change(c, DEPLOY_PUT_ALIAS, true);
}

void
op_update_alias(struct call *c)
{
	alias_change(c, DEPLOY_PUT_ALIAS, false);
}

void
op_delete_alias(struct call *c)
{
	alias_change(c, DEPLOY_DROP_ALIAS, false);
}

static struct function *
alias_function(struct call *c, const struct arn_function *fn)
{
	struct function *f = registry_get(c->engine->registry, fn->name);
	char *arn;

	if (f != NULL)
		return f;
	arn = arn_function(c->engine->region, c->engine->account, fn->name,
	    NULL);
	call_refuse(c, ERR_NOT_FOUND, NULL, "Function not found: %s", arn);
	free(arn);
	return NULL;
}

void
op_get_alias(struct call *c)
{
	struct function_alias *found;
	struct alias_call a;
	struct function *f;
	char *arn;

	if (alias_begin(c, &a) < 0 ||
	    (f = alias_function(c, &a.fn)) == NULL)
		return;
	found = function_find_alias(f, a.name);
	if (found != NULL) {
		call_ok(c, alias_json(c, f->name, found));
		return;
	}
	arn = arn_function(c->engine->region, c->engine->account, f->name,
	    a.name);
	call_refuse(c, ERR_NOT_FOUND, NULL, "Cannot find alias arn: %s", arn);
	free(arn);
}

static bool
alias_points_to(const struct function_alias *a, const char *version)
{
	return version == NULL || strcmp(a->version, version) == 0 ||
	    (a->extra_version != NULL &&
	    strcmp(a->extra_version, version) == 0);
}

void
op_list_aliases(struct call *c)
{
	const char *version = in_str(c->in, "FunctionVersion"), *last = NULL;
	struct arn_function fn;
	struct function *f;
	struct page page;
	struct err err;
	json_t *list, *o;
	int i;

	if (call_function(c, &fn, &err) < 0 ||
	    call_page(c, 'a', fn.name, ALIASES_PAGE, &page, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	if ((f = alias_function(c, &fn)) == NULL)
		return;
	list = json_array();
	o = json_pack("{s:o}", "Aliases", list);
	for (i = 0; i < f->naliases; i++) {
		if (strcmp(f->aliases[i]->name, page.at) <= 0 ||
		    !alias_points_to(f->aliases[i], version))
			continue;
		if ((int)json_array_size(list) >= page.limit) {
			json_object_set_new(o, "NextMarker", call_marker(c,
			    'a', fn.name, last));
			break;
		}
		json_array_append_new(list, alias_json(c, f->name,
		    f->aliases[i]));
		last = f->aliases[i]->name;
	}
	call_ok(c, o);
}
