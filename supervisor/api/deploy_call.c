#include <config.h>

#include "api/deploy_call.h"

void
deploy_call(struct call *c, enum deploy_kind kind, deploy_done *done)
{
	struct deploy_in in = { .kind = kind, .input = c->in };
	struct arn_function fn;
	struct err err;

	if (call_function(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	in.name = fn.name;
	if (fn.qualifier[0] != '\0')
		in.qualifier = fn.qualifier;
	deploy_begin(c->engine, &in, done, c);
}

void
deploy_call_dropped(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	(void)v, (void)a;
	if (err != NULL)
		call_fail(arg, err);
	else
		call_ok(arg, NULL);
}
