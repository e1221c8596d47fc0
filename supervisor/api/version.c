#include <config.h>

#include <stdlib.h>

#include "api/deploy_call.h"
#include "api/function_json.h"
#include "flow/registry.h"

#define VERSIONS_PAGE 50

static void
version_on_published(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	struct call *c = arg;

	(void)a;
	if (err != NULL)
		call_fail(c, err);
	else
		call_ok(c, function_json(c, v, v->version, REPLY_READ));
}

void
op_publish_version(struct call *c)
{
	deploy_call(c, DEPLOY_PUBLISH, version_on_published);
}

/* Position 0 is $LATEST, then the published ones, ascending. */
void
op_list_versions(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	struct page page;
	struct err err;
	json_t *list, *o;
	char next[32];
	int at, last = -1;

	if (call_function(c, &fn, &err) < 0 ||
	    call_page(c, 'v', fn.name, VERSIONS_PAGE, &page, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	f = registry_get(c->engine->registry, fn.name);
	if (f == NULL) {
		char *arn = arn_function(c->engine->region,
		    c->engine->account, fn.name, NULL);

		call_refuse(c, ERR_NOT_FOUND, NULL, "Function not found: %s",
		    arn);
		free(arn);
		return;
	}
	list = json_array();
	at = *page.at != '\0' ? atoi(page.at) : -1;
	if (at < 0)
		json_array_append_new(list, function_json_listed(c, f->latest,
		    "$LATEST"));
	/* The marker is the last number shown: stable when versions go. */
	for (int i = 0; i < f->nversions; i++) {
		const char *v = f->versions[i]->version;

		if (atoi(v) <= at)
			continue;
		if ((int)json_array_size(list) >= page.limit)
			break;
		json_array_append_new(list, function_json_listed(c,
		    f->versions[i], v));
		last = atoi(v);
	}
	o = json_pack("{s:o}", "Versions", list);
	if (f->nversions > 0 && (int)json_array_size(list) >= page.limit &&
	    atoi(f->versions[f->nversions - 1]->version) > last) {
		snprintf(next, sizeof(next), "%d", last < 0 ? 0 : last);
		json_object_set_new(o, "NextMarker", call_marker(c, 'v',
		    fn.name, next));
	}
	call_ok(c, o);
}
