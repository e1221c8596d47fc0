#include <config.h>

#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "core/arn.h"
#include "flow/async.h"
#include "flow/child.h"
#include "flow/error_object.h"
#include "flow/exec.h"
#include "flow/registry.h"

/* ---- what the target means ---- */

struct child_target {
	struct function_version *version;
	struct blob *error;
	char *function_arn;
};

struct child_targets {
	size_t n;
	struct child_target list[];
};

static void
child_refuse(struct child_target *t, struct invoke_target *out,
    struct blob *error)
{
	t->error = error;
	out->kind = TARGET_REFUSED;
	out->error = error;
}

static int
child_parse(struct engine *g, const char *text, struct arn_function *a,
    struct err *err)
{
	if (text == NULL || arn_function_parse(text, a, err) != 0)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "Invalid function name");
	if (a->region[0] != '\0' && strcmp(a->region, g->region) != 0)
		return err_code(err, ERR_NOT_FOUND,
		    "ResourceNotFoundException",
		    "Functions from '%s' are not reachable in this region "
		    "('%s')", a->region, g->region);
	if (a->account[0] != '\0' && strcmp(a->account, g->account) != 0)
		return err_code(err, ERR_DENIED, "AccessDeniedException",
		    "Functions of account %s are not reachable from here",
		    a->account);
	return 0;
}

static int
child_check(const struct function_version *v, const struct arn_function *a,
    const struct op_update *u, struct err *err)
{
	if (v->durable && a->qualifier[0] == '\0')
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "You cannot invoke a durable function using an "
		    "unqualified ARN.");
	if (v->per_tenant && (u->tenant == NULL || *u->tenant == '\0'))
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "The invoked function is enabled with tenancy "
		    "configuration. Add a valid tenant ID in your request "
		    "and try again.");
	if (u->payload != NULL && u->payload->len > DURABLE_PAYLOAD_MOST)
		return err_code(err, ERR_TOO_LARGE,
		    "InvalidParameterValueException",
		    "CHAINED_INVOKE input payload size must be less than or "
		    "equal to %d bytes.", DURABLE_PAYLOAD_MOST);
	return 0;
}

static void
child_target_find(struct engine *g, struct op_update *u,
    struct child_target *t)
{
	struct invoke_target *out = &u->resolved;
	struct arn_function a;
	struct err err;

	memset(&a, 0, sizeof(a));
	memset(&err, 0, sizeof(err));
	if (child_parse(g, u->target, &a, &err) != 0 ||
	    (t->version = registry_resolve(g->registry, a.name,
	    a.qualifier[0] != '\0' ? a.qualifier : NULL, &err)) == NULL ||
	    child_check(t->version, &a, u, &err) != 0) {
		child_refuse(t, out, error_object(err.code != NULL ?
		    err.code : err.kind == ERR_NOT_FOUND ?
		    "ResourceNotFoundException" :
		    "InvalidParameterValueException", err.text));
		return;
	}
	t->function_arn = arn_function(g->region, g->account, a.name,
	    a.qualifier);
	out->kind = t->version->durable ? TARGET_DURABLE : TARGET_PLAIN;
	out->function = t->version->function;
	out->version = t->version->version;
	out->function_arn = t->function_arn;
	out->timeout_s = t->version->execution_timeout_s;
	out->retention_days = t->version->retention_days;
	out->kms_key_arn = t->version->kms_key_arn;
}

static bool
child_wanted(const struct op_update *u)
{
	return u->type == OP_CHAINED_INVOKE && u->action == OP_START;
}

struct child_targets *
child_targets_find(struct engine *g, struct op_update *updates, size_t n)
{
	struct child_targets *t;
	size_t i, most = 0;

	for (i = 0; i < n; i++)
		most += child_wanted(&updates[i]);
	if (most == 0)
		return NULL;
	t = xcalloc(1, sizeof(*t) + most * sizeof(t->list[0]));
	for (i = 0; i < n; i++) {
		if (child_wanted(&updates[i]))
			child_target_find(g, &updates[i], &t->list[t->n++]);
	}
	return t;
}

void
child_targets_free(struct child_targets *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++) {
		if (t->list[i].version != NULL)
			function_version_unref(t->list[i].version);
		blob_unref(t->list[i].error);
		free(t->list[i].function_arn);
	}
	free(t);
}

/* ---- the end ---- */

struct child_end {
	struct exec_input in;
	struct id child;	/* execution or event */
	char cause[ID_TEXT];
	bool event;
	bool listed;		/* the event's row goes with the change */
	int32_t ord;
	enum op_status status;
	struct blob *payload, *error;
};

static enum exec_decision
child_end_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct child_end *m = (struct child_end *)in;

	(void)err;
	m->listed = false;
	durable_child_done(denv, x, m->ord, m->status, m->payload, m->error,
	    c);
	if (!change_any(c))
		return EXEC_NOTHING;
	if (m->event) {
		c->settled = xreallocarray(c->settled,
		    (size_t)c->nsettled + 1, sizeof(*c->settled));
		c->settled[c->nsettled++] = m->child;
		m->listed = true;
	}
	return EXEC_WRITE;
}

static void child_told(struct engine *, const struct id *);

static void
child_end_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct child_end *m = (struct child_end *)in;
	struct engine *g = in->engine;

	(void)x, (void)c;
	/* No such parent: nobody is left to be told. */
	if (err == NULL || err->kind == ERR_NOT_FOUND) {
		if (!m->event)
			child_told(g, &m->child);
		else if (m->listed)
			async_settled(g, &m->child);
		else
			async_drop(g, &m->child);
	}
	blob_unref(m->payload);
	blob_unref(m->error);
	free(m);
}

static const struct exec_kind child_end_kind = {
	.name = "child",
	.cause = CAUSE_CHILD,
	.internal = true,
	.due_first = true,
	.waits = true,
	.points = EXEC_POINTS("child"),
	.decide = child_end_decide,
	.finish = child_end_finish,
};

static struct child_end *
child_end_new(const struct id *child, int32_t ord)
{
	struct child_end *m = xcalloc(1, sizeof(*m));

	m->in.kind = &child_end_kind;
	m->child = *child;
	id_text(*child, m->cause);
	m->in.cause_id = m->cause;
	m->ord = ord;
	return m;
}

void
child_event_ended(struct engine *g, const struct async_event *e,
    enum op_status status, struct blob *payload, struct blob *error)
{
	struct child_end *m = child_end_new(&e->id, e->parent_ord);

	m->event = true;
	m->status = status;
	m->payload = blob_ref(payload);
	m->error = blob_ref(error);
	exec_submit(g, &e->parent, &m->in);
}

static void
child_end_fill(struct child_end *m, const struct execution *x)
{
	switch (x->status) {
	case EXECUTION_SUCCEEDED:
		m->status = OP_SUCCEEDED;
		m->payload = blob_ref(x->result);
		return;
	case EXECUTION_TIMED_OUT:
		m->status = OP_TIMED_OUT;
		m->error = error_object_fmt("ChainedInvoke.Timeout",
		    "CHAINED_INVOKE timed out after %lld seconds.",
		    (long long)x->timeout_s);
		return;
	case EXECUTION_STOPPED:
		m->status = OP_STOPPED;
		m->error = blob_ref(x->error);
		return;
	default:
		m->status = OP_FAILED;
		m->error = blob_ref(x->error);
		return;
	}
}

void
child_ended(struct engine *g, const struct execution *x)
{
	struct child_end *m = child_end_new(&x->id, x->parent_ord);

	child_end_fill(m, x);
	exec_submit(g, &x->parent, &m->in);
}

/* ---- the mark in the child's row ---- */

static enum exec_decision
told_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	(void)in, (void)denv, (void)c, (void)err;
	if (x->parent_told)
		return EXEC_NOTHING;
	x->parent_told = true;
	return EXEC_WRITE;
}

static void
told_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	(void)x, (void)c, (void)err;
	free(in);
}

static const struct exec_kind told_kind = {
	.name = "told",
	.cause = CAUSE_CHILD,
	.internal = true,
	.points = EXEC_POINTS("told"),
	.decide = told_decide,
	.finish = told_finish,
};

static void
child_told(struct engine *g, const struct id *child)
{
	struct exec_input *in = xcalloc(1, sizeof(*in));

	in->kind = &told_kind;
	exec_submit(g, child, in);
}
