/*
 * PutFunctionConcurrency, DeleteFunctionConcurrency and
 * PutFunctionRecursionConfig.
 */
#include <config.h>

#include <string.h>

#include "flow/deploy_int.h"
#include "flow/registry.h"

/* It is the whole function's, and AWS says of none that $LATEST is missing. */
static struct function *
deploy_reserved_function(struct deploy *d)
{
	if (d->qualifier != NULL) {
		deploy_refuse(d, "This operation is permitted on Lambda "
		    "functions only. Aliases and versions do not support this "
		    "operation. Please specify either a function name or an "
		    "unqualified function ARN.");
		return NULL;
	}
	if (registry_get(d->engine->registry, d->name) == NULL) {
		deploy_not_found(d, "$LATEST");
		return NULL;
	}
	return deploy_function(d);
}

static enum deploy_next
deploy_set_one(struct deploy *d, const char *key, json_t *value)
{
	d->settings = json_pack("{s:o}", key, value);
	d->write.settings = d->settings;
	return DEPLOY_WRITE;
}

enum deploy_next
deploy_put_reserved(struct deploy *d)
{
	json_int_t n = json_integer_value(json_object_get(d->input,
	    "ReservedConcurrentExecutions"));
	struct engine *g = d->engine;
	struct function *f = deploy_reserved_function(d);
	int64_t others;

	if (f == NULL)
		return DEPLOY_FAILED;
	others = registry_reserved_all(g->registry);
	if (function_reserved(f) > 0)
		others -= function_reserved(f);
	if (n > 0 && g->concurrency - others - n < g->unreserved_least) {
		err_code(&d->err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "Specified ReservedConcurrentExecutions for function "
		    "decreases account's UnreservedConcurrentExecution below "
		    "its minimum value of [%d].", g->unreserved_least);
		return DEPLOY_FAILED;
	}
	return deploy_set_one(d, FUNCTION_CONCURRENCY, json_integer(n));
}

enum deploy_next
deploy_drop_reserved(struct deploy *d)
{
	if (deploy_reserved_function(d) == NULL)
		return DEPLOY_FAILED;
	return deploy_set_one(d, FUNCTION_CONCURRENCY, json_null());
}

/* Terminate is what it is when nothing was said. */
enum deploy_next
deploy_put_recursion(struct deploy *d)
{
	const char *loop = json_string_value(json_object_get(d->input,
	    "RecursiveLoop"));

	if (deploy_function(d) == NULL)
		return DEPLOY_FAILED;
	return deploy_set_one(d, FUNCTION_RECURSION,
	    strcmp(loop, "Allow") == 0 ? json_string(loop) : json_null());
}
