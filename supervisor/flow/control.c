/*
 * Stop, pause, resume and delete: one decision each, from outside.
 */
#include <config.h>

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/own.h"
#include "flow/call.h"
#include "flow/exec_part.h"

struct control {
	struct call call;
	struct blob *text;	/* error or reason */
	char *client_token;
	bool timeout_paused;
};

static void
control_release(struct call *c)
{
	struct control *o = (struct control *)c;

	blob_unref(o->text);
	free(o->client_token);
}

static void
control_begin(struct engine *g, const struct exec_kind *kind,
    const struct durable_caller *caller, const struct arn_execution *arn,
    const char *client_token, struct blob *text, bool timeout_paused,
    durable_done *done, void *arg)
{
	struct control *o = xcalloc(1, sizeof(*o));

	call_init(&o->call, g, kind, caller, arn, done, arg);
	o->call.release = control_release;
	o->text = blob_ref(text);
	o->client_token = xstrdup(client_token);
	o->timeout_paused = timeout_paused;
	call_submit(&o->call);
}

static enum exec_decision
control_conflict(struct err *err)
{
	if (err->code == NULL && err->kind == ERR_CONFLICT)
		err->code = "ResourceConflictException";
	return EXEC_REFUSE;
}

/* ---- stop ---- */

static enum exec_decision
stop_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct control *o = (struct control *)in;

	if (call_check(&o->call, x, err) != 0)
		return EXEC_REFUSE;
	if (durable_stop(denv, x, o->text, c, err) != 0) {
		if (err->kind == ERR_CONFLICT)
			call_invalid(err, "Durable Execution is not running");
		return EXEC_REFUSE;
	}
	return EXEC_WRITE;
}

static void
stop_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct control *o = (struct control *)in;

	(void)c;
	if (err == NULL) {
		buf_str(&o->call.body, "{\"StopTimestamp\":");
		call_time(&o->call.body, x->end_ms);
		buf_char(&o->call.body, '}');
	}
	call_end(&o->call, err);
}

static const struct exec_kind stop_kind = {
	.name = "stop",
	.cause = CAUSE_API,
	.due_first = true,
	.points = EXEC_POINTS("stop"),
	.decide = stop_decide,
	.finish = stop_finish,
};

void
stop_begin(struct engine *g, const struct durable_caller *caller,
    const struct arn_execution *arn, struct blob *error, durable_done *done,
    void *arg)
{
	control_begin(g, &stop_kind, caller, arn, NULL, error, false, done,
	    arg);
}

/* ---- pause and resume ---- */

static enum exec_decision
pause_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct control *o = (struct control *)in;

	if (call_check(&o->call, x, err) != 0)
		return EXEC_REFUSE;
	if (durable_pause(denv, x, o->client_token, o->text,
	    o->timeout_paused, c, err) != 0)
		return control_conflict(err);
	return EXEC_NOTHING;	/* writes what the core changed, if anything */
}

static enum exec_decision
resume_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct control *o = (struct control *)in;

	if (call_check(&o->call, x, err) != 0)
		return EXEC_REFUSE;
	if (durable_resume(denv, x, o->client_token, o->text, c, err) != 0)
		return control_conflict(err);
	return EXEC_NOTHING;
}

static const struct exec_kind pause_kind = {
	.name = "pause",
	.cause = CAUSE_API,
	.due_first = true,
	.points = EXEC_POINTS("pause"),
	.decide = pause_decide,
	.finish = call_finish,
};

static const struct exec_kind resume_kind = {
	.name = "resume",
	.cause = CAUSE_API,
	.due_first = true,
	.points = EXEC_POINTS("resume"),
	.decide = resume_decide,
	.finish = call_finish,
};

void
pause_begin(struct engine *g, const struct durable_caller *caller,
    const struct arn_execution *arn, const char *client_token,
    struct blob *reason, bool timeout_paused, durable_done *done, void *arg)
{
	control_begin(g, &pause_kind, caller, arn, client_token, reason,
	    timeout_paused, done, arg);
}

void
resume_begin(struct engine *g, const struct durable_caller *caller,
    const struct arn_execution *arn, const char *client_token,
    struct blob *reason, durable_done *done, void *arg)
{
	control_begin(g, &resume_kind, caller, arn, client_token, reason,
	    false, done, arg);
}

/* ---- delete ---- */

struct drop {
	struct keep keep;
	struct engine *engine;
	struct id id;
	struct alarm alarm;
};

static void
drop_free(struct keep *k)
{
	struct drop *d = (struct drop *)k;

	keep_remove(&d->engine->kept, k);
	alarm_clear(d->engine->alarms, &d->alarm);
	free(d);
}

static void drop_write(void *arg);

static void
drop_on_written(void *arg, enum store_result result, const struct err *err)
{
	struct drop *d = arg;

	switch (result) {
	case STORE_OK:
	case STORE_CONFLICT:	/* gone already */
		exec_forget(d->engine, &d->id);
		drop_free(&d->keep);
		return;
	case STORE_FATAL:
		log_error("execution not deleted error=%s",
		    err != NULL ? err->text : "");
		break;
	case STORE_RETRY:
	case STORE_UNKNOWN:
		break;
	}
	alarm_set(d->engine->alarms, &d->alarm, 1000, drop_write, d);
}

static void
drop_write(void *arg)
{
	struct drop *d = arg;

	store_drop(d->engine->store, &d->id, drop_on_written, d);
}

void
exec_drop(struct engine *g, const struct id *id)
{
	struct drop *d = xcalloc(1, sizeof(*d));

	d->engine = g;
	d->id = *id;
	keep_add(&g->kept, &d->keep, drop_free);
	alarm_set(g->alarms, &d->alarm, 0, drop_write, d);
}

static enum exec_decision
delete_decide(struct exec_input *in, const struct durable_env *denv,
    struct execution *x, struct change *c, struct err *err)
{
	struct control *o = (struct control *)in;

	if (call_check(&o->call, x, err) != 0)
		return EXEC_REFUSE;
	if (durable_delete(denv, x, c, err) != 0)
		return control_conflict(err);
	return EXEC_WRITE;
}

static void
delete_finish(struct exec_input *in, struct execution *x,
    const struct change *c, const struct err *err)
{
	struct control *o = (struct control *)in;

	(void)x, (void)c;
	if (err == NULL) {
		buf_str(&o->call.body, "{\"DeletionRequestTimestamp\":");
		call_time(&o->call.body, env_now_ms(in->engine->env));
		buf_char(&o->call.body, '}');
	}
	call_end(&o->call, err);
}

static const struct exec_kind delete_kind = {
	.name = "delete",
	.cause = CAUSE_API,
	.points = EXEC_POINTS("delete"),
	.decide = delete_decide,
	.finish = delete_finish,
};

void
delete_begin(struct engine *g, const struct durable_caller *caller,
    const struct arn_execution *arn, durable_done *done, void *arg)
{
	control_begin(g, &delete_kind, caller, arn, NULL, NULL, false, done,
	    arg);
}
