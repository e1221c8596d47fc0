/*
 * May a function take part in a loop of destinations?
 */
#include <config.h>

#include "api/deploy_call.h"
#include "api/function_json.h"
#include "flow/registry.h"

void
op_get_recursion(struct call *c)
{
	struct arn_function fn;
	struct function *f;

	if (function_asked(c, &fn, &f) != NULL)
		call_ok(c, json_pack("{s:s}", "RecursiveLoop",
		    function_may_recur(f) ? "Allow" : "Terminate"));
}

static void
recursion_on_put(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	struct call *c = arg;

	(void)v, (void)a;
	if (err != NULL)
		call_fail(c, err);
	else
		call_ok(c, json_pack("{s:s}", "RecursiveLoop",
		    in_str(c->in, "RecursiveLoop")));
}

void
op_put_recursion(struct call *c)
{
	deploy_call(c, DEPLOY_PUT_RECURSION, recursion_on_put);
}
