#include <config.h>

#include "api/deploy_call.h"
#include "flow/registry.h"

/* Only functions have tags here, and those as a whole. */
static int
tag_function(const struct call *c, struct arn_function *fn, struct err *err)
{
	if (call_function_named(c, in_str(c->in, "Resource"), fn, err) < 0)
		return -1;
	if (*fn->qualifier == '\0')
		return 0;
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "Tags on function aliases and versions are not supported. "
	    "Please specify a function ARN.");
}

void
op_list_tags(struct call *c)
{
	struct arn_function fn;
	struct function *f;
	struct err err;

	if (tag_function(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	f = registry_get(c->engine->registry, fn.name);
	if (f == NULL)
		call_refuse(c, ERR_NOT_FOUND, NULL, "Function not found: %s",
		    in_str(c->in, "Resource"));
	else
		call_ok(c, json_pack("{s:O}", "Tags", f->tags));
}

static void
tag_change(struct call *c, enum deploy_kind kind)
{
	struct deploy_in in = { .kind = kind, .input = c->in };
	struct arn_function fn;
	struct err err;

	if (tag_function(c, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	in.name = fn.name;
	deploy_begin(c->engine, &in, deploy_call_dropped, c);
}

void
op_tag_resource(struct call *c)
{
	tag_change(c, DEPLOY_TAG);
}

void
op_untag_resource(struct call *c)
{
	tag_change(c, DEPLOY_UNTAG);
}
