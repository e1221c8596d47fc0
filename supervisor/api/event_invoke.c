/*
 * The five operations on FunctionEventInvokeConfig.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/deploy_call.h"
#include "core/event_invoke.h"
#include "flow/registry.h"

#define CONFIGS_PAGE 50

static const char *
qualifier_of(const struct arn_function *fn)
{
	return fn->qualifier[0] != '\0' ? fn->qualifier : NULL;
}

static json_t *
event_invoke_json(const struct call *c, const char *function,
    const char *qualifier, const json_t *config)
{
	char *arn = arn_function(c->engine->region, c->engine->account,
	    function, qualifier != NULL ? qualifier : "$LATEST");
	json_t *o = json_deep_copy(config);

	json_object_set_new(o, "LastModified", json_real((double)
	    json_integer_value(json_object_get(config, "LastModified")) /
	    1000));
	json_object_set_new(o, "FunctionArn", json_string(arn));
	free(arn);
	return o;
}

/* As it is now, or 404. */
static void
event_invoke_answer(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	json_t *config;
	struct err err;

	if (call_function(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	f = registry_get(c->engine->registry, fn.name);
	config = f == NULL ? NULL : event_invoke_config(f, fn.qualifier);
	if (config != NULL) {
		call_ok(c, event_invoke_json(c, fn.name, qualifier_of(&fn),
		    config));
		return;
	}
	event_invoke_missing(c->engine, fn.name, fn.qualifier, &err);
	call_fail(c, &err);
}

static void
event_invoke_on_set(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	(void)v, (void)a;
	if (err != NULL)
		call_fail(arg, err);
	else
		event_invoke_answer(arg);
}

void
op_put_event_invoke(struct call *c)
{
	deploy_call(c, DEPLOY_PUT_INVOKE, event_invoke_on_set);
}

void
op_update_event_invoke(struct call *c)
{
	deploy_call(c, DEPLOY_UPDATE_INVOKE, event_invoke_on_set);
}

void
op_delete_event_invoke(struct call *c)
{
	deploy_call(c, DEPLOY_DROP_INVOKE, deploy_call_dropped);
}

void
op_get_event_invoke(struct call *c)
{
	event_invoke_answer(c);
}

static int
key_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The qualifiers that have a configuration, in order; caller frees. */
static size_t
event_invoke_qualifiers(const struct function *f, const char ***out)
{
	size_t n = 0, skip = strlen(EVENT_INVOKE_KEY);
	const char **list = xcalloc(json_object_size(f->settings) + 1,
	    sizeof(*list));
	const char *key;
	json_t *value;

	json_object_foreach(f->settings, key, value)
		if (strncmp(key, EVENT_INVOKE_KEY, skip) == 0)
			list[n++] = key + skip;
	qsort(list, n, sizeof(*list), key_compare);
	*out = list;
	return n;
}

void
op_list_event_invokes(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	struct page page;
	struct err err;
	json_t *list, *o;
	const char **q, *last = NULL;
	size_t i, n;

	if (call_function(c, &fn, &err) < 0 ||
	    call_page(c, 'e', fn.name, CONFIGS_PAGE, &page, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	if ((f = registry_get(c->engine->registry, fn.name)) == NULL) {
		call_refuse(c, ERR_NOT_FOUND, NULL,
		    "The function doesn't exist.");
		return;
	}
	list = json_array();
	o = json_pack("{s:o}", "FunctionEventInvokeConfigs", list);
	n = event_invoke_qualifiers(f, &q);
	for (i = 0; i < n; i++) {
		if (*page.at != '\0' && strcmp(q[i], page.at) <= 0)
			continue;
		if ((int)json_array_size(list) >= page.limit) {
			json_object_set_new(o, "NextMarker", call_marker(c,
			    'e', fn.name, last));
			break;
		}
		json_array_append_new(list, event_invoke_json(c, f->name, q[i],
		    event_invoke_config(f, q[i])));
		last = q[i];
	}
	free(q);
	call_ok(c, o);
}
