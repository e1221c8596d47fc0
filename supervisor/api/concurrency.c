/*
 * Reserved concurrency of functions.
 */
#include <config.h>

#include "api/deploy_call.h"
#include "api/function_json.h"
#include "flow/registry.h"

static json_t *
concurrency_json(const struct function *f)
{
	int n = function_reserved(f);

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

void
op_put_concurrency(struct call *c)
{
	deploy_call(c, DEPLOY_PUT_RESERVED, concurrency_on_put);
}

void
op_delete_concurrency(struct call *c)
{
	deploy_call(c, DEPLOY_DROP_RESERVED, deploy_call_dropped);
}

void
op_get_concurrency(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	if (function_asked(c, &fn, &f) != NULL)
		call_ok(c, concurrency_json(f));
}
