/*
 * The resource policy of functions.
 */
#include <config.h>

#include <string.h>

#include "api/deploy_call.h"
#include "base/buf.h"
#include "core/permission.h"
#include "flow/registry.h"

/* The policy as it is now, or NULL. */
static const json_t *
permission_asked(const struct call *c, struct err *err)
{
	struct arn_function fn;
	struct function *f;

	if (call_function(c, &fn, err) < 0)
		return NULL;
	f = registry_get(c->engine->registry, fn.name);
	if (f != NULL && permission_policy(f, fn.qualifier) != NULL)
		return permission_policy(f, fn.qualifier);
	err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
	    "The resource you requested does not exist.");
	return NULL;
}

static void
permission_on_added(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *err)
{
	struct call *c = arg;
	const json_t *policy;
	struct err gone;

	(void)v, (void)a;
	policy = err != NULL ? NULL : permission_asked(c, &gone);
	if (policy == NULL)
		call_fail(c, err != NULL ? err : &gone);
	else
		call_ok(c, json_pack("{s:s}", "Statement",
		    permission_text(policy, in_str(c->in, "StatementId"))));
}

void
op_add_permission(struct call *c)
{
	struct arn_function fn;
	struct err err;

	if (call_function(c, &fn, &err) < 0)
		call_fail(c, &err);
	else if (strcmp(fn.qualifier, "$LATEST") == 0)
		call_refuse(c, ERR_INVALID, "InvalidParameterValueException",
		    "We currently do not support adding policies for "
		    "$LATEST.");
	else
		deploy_call(c, DEPLOY_ADD_PERMISSION, permission_on_added);
}

void
op_remove_permission(struct call *c)
{
	deploy_call(c, DEPLOY_REMOVE_PERMISSION, deploy_call_dropped);
}

void
op_get_policy(struct call *c)
{
	own_buf struct buf text = BUF_INIT;
	const json_t *policy;
	struct err err;

	if ((policy = permission_asked(c, &err)) == NULL) {
		call_fail(c, &err);
		return;
	}
	permission_document(policy, &text);
	call_ok(c, json_pack("{s:s, s:s}", "Policy", text.data, "RevisionId",
	    permission_revision(policy, "")));
}
