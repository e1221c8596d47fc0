/*
 * The three calls by which the outside completes a callback.
 */
#include <config.h>

#include "api/durable_call.h"
#include "base/mem.h"
#include "base/utf8.h"

static void
callback_call(struct call *c, struct durable_call *d, enum callback_kind kind)
{
	grant_callback(c, &d->caller);
	callback_begin(c->engine, &d->caller, in_str(c->in, "CallbackId"),
	    kind, d->blob, durable_call_done, d);
}

void
op_callback_success(struct call *c)
{
	struct durable_call *d = durable_call_new(c);
	struct err err;

	/* It becomes a JSON string, so other bytes could not come back. */
	if (!utf8_valid(c->payload, c->payload_len)) {
		err_code(&err, ERR_INVALID, "InvalidParameterValueException",
		    "Result must be valid UTF-8.");
		durable_call_fail(d, &err);
		return;
	}
	if (c->payload_len > 0)
		d->blob = blob_new(c->payload, c->payload_len);
	callback_call(c, d, CALLBACK_SUCCESS);
}

void
op_callback_failure(struct call *c)
{
	struct durable_call *d = durable_call_new(c);
	struct err err;

	d->blob = durable_error_text(in_object(c->in, "Error"));
	if (durable_error_check(d->blob, &err) < 0) {
		durable_call_fail(d, &err);
		return;
	}
	callback_call(c, d, CALLBACK_FAILURE);
}

void
op_callback_heartbeat(struct call *c)
{
	callback_call(c, durable_call_new(c), CALLBACK_HEARTBEAT);
}
