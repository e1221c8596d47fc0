#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "flow/call.h"

void
call_init(struct call *c, struct engine *g, const struct exec_kind *kind,
    const struct durable_caller *caller, const struct arn_execution *arn,
    durable_done *done, void *arg)
{
	c->in.kind = kind;
	c->in.engine = g;
	c->caller = *caller;
	if (arn != NULL)
		c->arn = *arn;
	c->done = done;
	c->arg = arg;
	snprintf(c->request_id, sizeof(c->request_id), "%s",
	    caller->request_id != NULL ? caller->request_id : "");
	c->caller.request_id = c->request_id;
	c->in.cause_id = c->request_id;
	c->start_us = g->env->mono_us(g->env);
}

static void
call_free(struct call *c)
{
	if (c->release != NULL)
		c->release(c);
	buf_free(&c->body);
	free(c);
}

void
call_end(struct call *c, const struct err *err)
{
	durable_done *done = c->done;

	if (err != NULL)
		done(c->arg, NULL, 0, err);
	else
		done(c->arg, c->body.data != NULL ? c->body.data : "",
		    c->body.len, NULL);
	call_free(c);
}

static void
call_on_alarm(void *arg)
{
	struct call *c = arg;

	call_end(c, &c->err);
}

void
call_end_refused(struct call *c)
{
	alarm_set(c->in.engine->alarms, &c->alarm, 0, call_on_alarm, c);
}

static void
call_drop(struct keep *k)
{
	struct call *c = (struct call *)((char *)k -
	    offsetof(struct call, keep));

	call_unkeep(c);
	call_free(c);
}

void
call_keep(struct call *c)
{
	keep_add(&c->in.engine->kept, &c->keep, call_drop);
}

void
call_unkeep(struct call *c)
{
	keep_remove(&c->in.engine->kept, &c->keep);
}

/* False: it was refused. */
static bool
call_begins(struct call *c)
{
	if (!c->in.engine->ready) {
		err_set(&c->err, ERR_UNAVAILABLE,
		    "The service is waiting for its database");
		call_end_refused(c);
		return false;
	}
	if (id_is_zero(&c->arn.id)) {
		call_unknown(&c->err);
		call_end_refused(c);
		return false;
	}
	return true;
}

void
call_submit(struct call *c)
{
	if (call_begins(c))
		exec_submit(c->in.engine, &c->arn.id, &c->in);
}

static void
call_on_head(void *arg, enum store_result result, struct execution *x,
    const struct err *err)
{
	struct call *c = arg;
	struct durable_env denv = engine_durable(c->in.engine,
	    c->in.kind->cause, c->in.cause_id);
	struct err out;

	call_unkeep(c);
	memset(&out, 0, sizeof(out));
	if (result != STORE_OK)
		err_set(&out, result == STORE_FATAL ? ERR_INTERNAL :
		    ERR_UNAVAILABLE, "The execution could not be read: %s",
		    err != NULL ? err->text : "");
	else if (x == NULL)
		call_unknown(&out);
	else
		c->in.kind->decide(&c->in, &denv, x, NULL, &out);
	c->in.kind->finish(&c->in, x, NULL,
	    out.kind != ERR_NONE ? &out : NULL);
	execution_free(x);
}

void
call_submit_head(struct call *c)
{
	struct engine *g = c->in.engine;

	if (!call_begins(c))
		return;
	if (exec_held(g, &c->arn.id)) {
		exec_submit(g, &c->arn.id, &c->in);
		return;
	}
	call_keep(c);
	store_head(g->store, &c->arn.id, call_on_head, c);
}

int
call_unknown(struct err *err)
{
	return err_code(err, ERR_NOT_FOUND, "ResourceNotFoundException",
	    "Durable Execution does not exist");
}

int
call_invalid(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "%s", text);
}

int
call_stale(const struct call *c, struct err *err)
{
	/* The SDKs differ in what they recognise (section 15.1). */
	return call_invalid(err, c->caller.capital_token ?
	    "Invalid Checkpoint Token" : "Invalid checkpoint token");
}

int
call_check(const struct call *c, const struct execution *x, struct err *err)
{
	int64_t expires = execution_expires(x);

	/* No longer shown, though its state may still be in memory. */
	if (expires != 0 && expires <= env_now_ms(c->in.engine->env))
		return call_unknown(err);
	return exec_is(x, &c->arn) ? 0 : call_unknown(err);
}

void
call_finish(struct exec_input *in, struct execution *x,
    const struct change *change, const struct err *err)
{
	(void)x, (void)change;
	call_end((struct call *)in, err);
}

void
call_time(struct buf *b, int64_t ms)
{
	buf_fmt(b, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}
