#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/durable_call.h"
#include "api/model.h"
#include "base/mem.h"
#include "base/own.h"
#include "pool/pool.h"

/* Each SDK looks for its own spelling of the stale token (15.1). */
static bool
wants_capital(const struct call *c)
{
	const char *agent = call_request_header(c, "User-Agent");

	return agent != NULL &&
	    (strstr(agent, "aws-durable-execution-sdk-js/") != NULL ||
	    strstr(agent, "aws-durable-execution-sdk-java/") != NULL);
}

struct durable_call *
durable_call_new(struct call *c)
{
	struct durable_call *d = xcalloc(1, sizeof(*d));
	const struct invocation *inv;

	d->c = c;
	d->caller.request_id = c->request_text;
	d->caller.capital_token = wants_capital(c);
	d->caller.worker = c->worker != NULL;
	inv = c->worker != NULL ? worker_invocation(c->worker) : NULL;
	if (inv != NULL) {
		d->caller.execution = inv->execution;
		d->caller.epoch = inv->epoch;
	}
	return d;
}

static void
durable_call_free(struct durable_call *d)
{
	updates_free(d->updates, d->nupdates);
	blob_unref(d->blob);
	free(d->fn_arn);
	free(d);
}

void
durable_call_done(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct durable_call *d = arg;

	if (err != NULL)
		call_fail(d->c, err);
	else if (body == NULL || len == 0)
		call_ok(d->c, NULL);
	else
		call_text(d->c, d->c->op->status, body, len);
	durable_call_free(d);
}

void
durable_call_fail(struct durable_call *d, const struct err *err)
{
	call_fail(d->c, err);
	durable_call_free(d);
}

struct blob *
durable_error_text(const json_t *error)
{
	static const char *const names[] = {
		"ErrorMessage", "ErrorType", "ErrorData", "StackTrace",
	};
	own_free char *text = NULL;
	json_t *o;

	if (error == NULL || json_object_size(error) == 0)
		return NULL;
	o = json_object();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (in_has(error, names[i]))
			json_object_set(o, names[i],
			    json_object_get(error, names[i]));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return blob_str(text);
}
