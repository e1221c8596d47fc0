#include <config.h>

#include <string.h>

#include "base/own.h"
#include "base/mem.h"
#include "cli/history.h"
#include "cli/when.h"

static const char *
member_str(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s != NULL ? s : "";
}

/* The one member whose name ends in "Details". */
static const json_t *
event_details(const json_t *event)
{
	own_free char *name =
	    xasprintf("%sDetails", member_str(event, "EventType"));

	return json_object_get(event, name);
}

const char *
history_name(const json_t *event)
{
	const char *name = member_str(event, "Name");

	return name[0] != '\0' ? name : member_str(event, "Id");
}

void
history_error(const json_t *error, struct buf *out)
{
	const char *type = member_str(error, "ErrorType");
	const char *message = member_str(error, "ErrorMessage");

	buf_fmt(out, "%s%s%s", type, type[0] && message[0] ? ": " : "",
	    message);
}

static void
detail_sep(struct buf *out)
{
	if (out->len > 0)
		buf_str(out, ", ");
}

/* Input, Result and Error wrap their payload. */
static void
detail_payload(const json_t *details, const char *member, struct buf *out)
{
	const json_t *value = json_object_get(details, member);
	const json_t *payload = json_object_get(value, "Payload");

	if (json_is_object(payload)) {
		detail_sep(out);
		history_error(payload, out);
	} else if (json_is_string(payload) && json_string_length(payload)) {
		detail_sep(out);
		buf_str(out, json_string_value(payload));
	}
}

static void
detail_length(const json_t *details, const char *member, const char *word,
    struct buf *out)
{
	const json_t *value = json_object_get(details, member);
	char text[WHEN_TEXT];

	if (!json_is_integer(value))
		return;
	when_length((long)json_integer_value(value), text);
	detail_sep(out);
	buf_fmt(out, "%s%s", word, text);
}

static void
detail_text(const json_t *details, const char *member, const char *word,
    struct buf *out)
{
	const char *text = member_str(details, member);

	if (text[0] == '\0')
		return;
	detail_sep(out);
	buf_fmt(out, "%s%s", word, text);
}

static void
detail_retry(const json_t *details, struct buf *out)
{
	const json_t *retry = json_object_get(details, "RetryDetails");
	const json_t *n = json_object_get(retry, "CurrentAttempt");
	const json_t *next = json_object_get(retry, "NextAttemptDelaySeconds");

	if (!json_is_integer(n) ||
	    (json_integer_value(n) <= 1 && !json_is_integer(next)))
		return;
	detail_sep(out);
	buf_fmt(out, "attempt %lld", (long long)json_integer_value(n));
	detail_length(retry, "NextAttemptDelaySeconds", "next in ", out);
}

static void
detail_invocation(const json_t *details, struct buf *out)
{
	const json_t *from = json_object_get(details, "StartTimestamp");
	const json_t *to = json_object_get(details, "EndTimestamp");

	detail_text(details, "RequestId", "", out);
	if (!json_is_number(from) || !json_is_number(to))
		return;
	detail_sep(out);
	buf_fmt(out, "%.0f ms",
	    (json_number_value(to) - json_number_value(from)) * 1000);
}

void
history_detail(const json_t *event, int utc, struct buf *out)
{
	const json_t *d = event_details(event);
	const json_t *until = json_object_get(d, "ScheduledEndTimestamp");
	char text[WHEN_TEXT];

	detail_text(d, "CallbackId", "", out);
	detail_text(d, "FunctionName", "", out);
	detail_invocation(d, out);
	detail_length(d, "Duration", "", out);
	if (until != NULL) {
		when_json(until, utc, text);
		detail_sep(out);
		buf_fmt(out, "until %s", text);
	}
	detail_length(d, "Timeout", "timeout ", out);
	detail_length(d, "HeartbeatTimeout", "heartbeat ", out);
	detail_retry(d, out);
	detail_payload(d, "Error", out);
	detail_payload(d, "Reason", out);
	detail_payload(d, "Input", out);
	detail_payload(d, "Result", out);
	buf_str(out, "");
}

/* ---- open callbacks ---- */

static void
callback_copy(json_t *to, const char *name, const json_t *from,
    const char *member)
{
	json_t *value = json_object_get(from, member);

	if (value != NULL)
		json_object_set(to, name, value);
}

static json_t *
callback_of(const json_t *event)
{
	const json_t *d = event_details(event);
	json_t *c = json_object();

	callback_copy(c, "CallbackId", d, "CallbackId");
	callback_copy(c, "Name", event, "Name");
	callback_copy(c, "Id", event, "Id");
	callback_copy(c, "StartTimestamp", event, "EventTimestamp");
	callback_copy(c, "Timeout", d, "Timeout");
	callback_copy(c, "HeartbeatTimeout", d, "HeartbeatTimeout");
	return c;
}

static bool
callback_ends(const char *type)
{
	return strncmp(type, "Callback", 8) == 0 &&
	    strcmp(type, "CallbackStarted") != 0;
}

static void
callback_remove(json_t *open, const char *id)
{
	size_t i;

	for (i = 0; i < json_array_size(open); i++)
		if (strcmp(member_str(json_array_get(open, i), "Id"), id) ==
		    0) {
			json_array_remove(open, i);
			return;
		}
}

json_t *
history_open_callbacks(const json_t *events)
{
	json_t *open = json_array();
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		const char *type = member_str(event, "EventType");

		if (strcmp(type, "CallbackStarted") == 0)
			json_array_append_new(open, callback_of(event));
		else if (callback_ends(type))
			callback_remove(open, member_str(event, "Id"));
		else if (strncmp(type, "Execution", 9) == 0 &&
		    strcmp(type, "ExecutionStarted") != 0 &&
		    strcmp(type, "ExecutionPaused") != 0 &&
		    strcmp(type, "ExecutionResumed") != 0)
			json_array_clear(open);
	}
	return open;
}
