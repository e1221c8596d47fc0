#include <config.h>

#include "api/ops.h"
#include "flow/registry.h"

void
op_list_tags(struct call *c)
{
	struct arn_function fn;
	const char *arn = in_str(c->in, "Resource");
	struct function *f;
	struct err err;

	if (arn_function_parse(arn, &fn, &err) < 0) {
		call_fail(c, &err);
		return;
	}
	if (*fn.qualifier != '\0') {
		call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
		    "Tags on function aliases and versions are not supported. "
		    "Please specify a function ARN.");
		return;
	}
	f = registry_get(c->engine->registry, fn.name);
	if (f == NULL)
		call_refuse(c, ERR_NOT_FOUND, NULL, "Function not found: %s",
		    arn);
	else
		call_ok(c, json_pack("{s:O}", "Tags", f->tags));
}
