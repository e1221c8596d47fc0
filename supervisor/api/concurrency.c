/*
 * Reserved concurrency of functions.
 */
#include <config.h>

#include <stdlib.h>

#include "api/ops.h"
#include "flow/deploy.h"
#include "flow/registry.h"

static json_t *
concurrency_json(const struct function *f)
{
	int n = f == NULL ? -1 : function_reserved(f);

	return n < 0 ? json_object() :
	    json_pack("{s:i}", "ReservedConcurrentExecutions", n);
}

static void
concurrency_on_put(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	struct call *c = arg;

	(void)v, (void)a;
	if (err != NULL)
		call_fail(c, err);
	else
		call_ok(c, json_pack("{s:I}", "ReservedConcurrentExecutions",
		    (json_int_t)in_int(c->in, "ReservedConcurrentExecutions",
		    0)));
}

static void
concurrency_on_dropped(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	(void)v, (void)a;
	if (err != NULL)
		call_fail(arg, err);
	else
		call_ok(arg, NULL);
}

static void
concurrency_change(struct call *c, enum deploy_kind kind, deploy_done *done)
{
	struct deploy_in in = { .kind = kind, .input = c->in };
	struct arn_function fn;
	struct err err;

	if (call_function(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	in.name = fn.name;
	deploy_begin(c->engine, &in, done, c);
}

void
op_put_concurrency(struct call *c)
{
	concurrency_change(c, DEPLOY_PUT_RESERVED, concurrency_on_put);
}

void
op_delete_concurrency(struct call *c)
{
	concurrency_change(c, DEPLOY_DROP_RESERVED, concurrency_on_dropped);
}

void
op_get_concurrency(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	struct err err;
	char *arn;

	if (call_function(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	f = registry_get(c->engine->registry, fn.name);
	if (f != NULL) {
		call_ok(c, concurrency_json(f));
		return;
	}
	arn = arn_function(c->engine->region, c->engine->account, fn.name,
	    NULL);
	call_refuse(c, ERR_NOT_FOUND, NULL, "Function not found: %s", arn);
	free(arn);
}
