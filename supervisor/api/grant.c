/*
 * What the code in a worker may call.  Its own execution's operations are its
 * own; all else is as its role's policy says, resource by resource.
 */
#include <config.h>

#include <string.h>

#include "api/durable_call.h"
#include "api/model.h"
#include "api/private.h"
#include "base/mem.h"
#include "base/own.h"
#include "pool/pool.h"

#define INVOKE_ACTION "lambda:InvokeFunction"

static const struct policy *
grant_policy(const struct call *c)
{
	return policy_set_find(c->api->conf.roles, worker_role(c->worker));
}

static int
grant_decide(const struct call *c, const char *action, const char *resource,
    struct err *err)
{
	enum policy_verdict verdict = policy_decide(grant_policy(c), action,
	    resource);

	return verdict == POLICY_ALLOW ? 0 : policy_denied(verdict,
	    c->principal, action, resource, err);
}

/* The function as it was asked for; a name that is none is itself. */
static char *
grant_function(const struct call *c, const char *name, const char *qualifier)
{
	const struct engine *e = c->engine;
	struct arn_function fn;
	struct err err;

	if (arn_function_parse(name, &fn, &err) < 0)
		return xstrdup(name);
	if (qualifier == NULL || *qualifier == '\0')
		qualifier = fn.qualifier;
	return arn_function(fn.region[0] ? fn.region : e->region,
	    fn.account[0] ? fn.account : e->account, fn.name, qualifier);
}

static char *
grant_resource(const struct call *c)
{
	const char *execution = in_str(c->in, "DurableExecutionArn");
	const char *function = in_str(c->in, "FunctionName");
	const char *resource = in_str(c->in, "Resource");

	if (execution != NULL)
		return xstrdup(execution);
	/* ListFunctions and the like; what has its name in the body, too. */
	if (function == NULL)
		return xstrdup(resource != NULL ? resource : "*");
	return grant_function(c, function, in_str(c->in, "Qualifier"));
}

static char *
grant_action(const struct call *c)
{
	if (strcmp(c->action, "Invoke") == 0 ||
	    strcmp(c->action, "InvokeAsync") == 0)
		return xstrdup(INVOKE_ACTION);
	return xasprintf("lambda:%s", c->action);
}

/* Bound to its own execution by the token, or by its ARN. */
static bool
grant_is_own(const struct call *c, const struct op_row *row)
{
	const struct invocation *inv = worker_invocation(c->worker);
	const char *arn = in_str(c->in, "DurableExecutionArn");

	if (!(row->flags & OP_OWN_EXECUTION))
		return false;
	if (row->flags & OP_TOKEN)
		return true;
	return inv != NULL && !id_is_zero(&inv->execution) && arn != NULL &&
	    strcmp(arn, inv->execution_arn) == 0;
}

/*
 * What some members need besides: without it code could give itself another
 * role, or a way out by a tag.
 */
static int
grant_members(const struct call *c, const char *resource, struct err *err)
{
	const char *role = in_str(c->in, "Role");

	if (role != NULL && grant_decide(c, "iam:PassRole", role, err) < 0)
		return -1;
	if (strcmp(c->action, "CreateFunction") == 0 && in_has(c->in, "Tags"))
		return grant_decide(c, "lambda:TagResource", resource, err);
	return 0;
}

int
grant_check(const struct call *c, const struct op_row *row, struct err *err)
{
	own_free char *action = NULL, *resource = NULL;
	enum policy_verdict verdict;

	if (c->worker == NULL)
		return 0;
	action = grant_action(c);
	resource = grant_resource(c);
	if (row == NULL)
		return policy_denied(POLICY_NOTHING, c->principal, action,
		    resource, err);
	verdict = policy_decide(grant_policy(c), action, resource);
	if (verdict == POLICY_NOTHING && grant_is_own(c, row))
		return 0;
	/* Whose callback it is shows when its execution is read. */
	if (verdict != POLICY_DENY && row->flags & OP_CALLBACK)
		return 0;
	if (verdict != POLICY_ALLOW)
		return policy_denied(verdict, c->principal, action, resource,
		    err);
	return grant_members(c, resource, err);
}

/* The execution's own code starts what the role may invoke. */
int
grant_updates(const struct call *c, const struct op_update *u, size_t n,
    struct err *err)
{
	size_t i;

	if (c->worker == NULL)
		return 0;
	for (i = 0; i < n; i++) {
		own_free char *arn = NULL;

		if (u[i].type != OP_CHAINED_INVOKE || u[i].action != OP_START ||
		    u[i].target == NULL)
			continue;
		arn = grant_function(c, u[i].target, NULL);
		if (grant_decide(c, INVOKE_ACTION, arn, err) < 0)
			return -1;
	}
	return 0;
}

/* As flow calls it, with the execution that the callback belongs to. */
static int
grant_on_callback(const void *arg, const char *execution_arn,
    struct err *err)
{
	const struct call *c = arg;
	own_free char *action = grant_action(c);

	return grant_decide(c, action, execution_arn, err);
}

void
grant_callback(const struct call *c, struct durable_caller *caller)
{
	if (c->worker == NULL)
		return;
	caller->may = grant_on_callback;
	caller->may_arg = c;
}
