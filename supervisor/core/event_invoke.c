#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsontext.h"
#include "core/event_invoke.h"

#define RECORD_MOST (6 * 1024 * 1024)
#define MESSAGE_MOST 1024

char *
event_invoke_key(const char *qualifier)
{
	return function_setting_key(EVENT_INVOKE_KEY, qualifier);
}

json_t *
event_invoke_config(const struct function *f, const char *qualifier)
{
	char *key = event_invoke_key(qualifier);
	json_t *config = json_object_get(f->settings, key);

	free(key);
	return config;
}

static const char *
destination_of(const json_t *config, const char *which)
{
	const char *arn = json_string_value(json_object_get(json_object_get(
	    json_object_get(config, "DestinationConfig"), which),
	    "Destination"));

	return arn != NULL && *arn != '\0' ? arn : NULL;
}

struct event_invoke
event_invoke_of(const struct function *f, const char *qualifier)
{
	struct event_invoke e = { .policy = retry_default };
	json_t *config = f == NULL ? NULL : event_invoke_config(f, qualifier);
	json_t *v;

	v = json_object_get(config, "MaximumRetryAttempts");
	if (json_is_integer(v))
		e.policy.retries_most = (int32_t)json_integer_value(v);
	v = json_object_get(config, "MaximumEventAgeInSeconds");
	if (json_is_integer(v))
		e.policy.age_most_ms = json_integer_value(v) * 1000;
	e.on_success = destination_of(config, "OnSuccess");
	e.on_failure = destination_of(config, "OnFailure");
	return e;
}

/* ---- records ---- */

bool
event_end_succeeded(const struct event_end *end)
{
	return strcmp(end->condition, "Success") == 0;
}

/* Payloads are handed on as they are; what is no JSON becomes a string. */
static void
add_payload(struct buf *b, const struct blob *p)
{
	size_t at;

	if (p == NULL || p->len == 0)
		buf_str(b, "null");
	else if (jsontext_valid(p->data, p->len, &at))
		buf_add(b, p->data, p->len);
	else
		buf_json(b, p->data, p->len);
}

static void
add_text(struct buf *b, const char *s)
{
	buf_json(b, s, strlen(s));
}

static void
add_time(struct buf *b, int64_t ms)
{
	buf_char(b, '"');
	buf_time(b, ms);
	buf_char(b, '"');
}

struct blob *
event_record(const struct async_event *e, const char *function_arn,
    const struct event_end *end)
{
	own_buf struct buf b = BUF_INIT;
	char id[ID_TEXT];

	id_text(e->id, id);
	buf_str(&b, "{\"version\":\"1.0\",\"timestamp\":");
	add_time(&b, end->now);
	buf_fmt(&b, ",\"requestContext\":{\"requestId\":\"%s\","
	    "\"functionArn\":", id);
	add_text(&b, function_arn);
	buf_fmt(&b, ",\"condition\":\"%s\",\"approximateInvokeCount\":%d},"
	    "\"requestPayload\":", end->condition, (int)end->attempts);
	add_payload(&b, e->payload);
	if (end->version != NULL) {
		buf_str(&b, ",\"responseContext\":{\"statusCode\":200,"
		    "\"executedVersion\":");
		add_text(&b, end->version);
		if (!event_end_succeeded(end))
			buf_str(&b, ",\"functionError\":\"Unhandled\"");
		buf_char(&b, '}');
		if (end->response == NULL ||
		    b.len + end->response->len < RECORD_MOST) {
			buf_str(&b, ",\"responsePayload\":");
			add_payload(&b, end->response);
		}
	}
	buf_char(&b, '}');
	return blob_new(b.data, b.len);
}

static void
add_attribute(struct buf *b, const char *name, const char *type,
    const char *value, size_t len)
{
	buf_fmt(b, "\"%s\":{\"stringValue\":", name);
	buf_json(b, value, len);
	buf_fmt(b, ",\"stringListValues\":[],\"binaryListValues\":[],"
	    "\"dataType\":\"%s\"}", type);
}

struct blob *
dead_letter_record(const struct dead_letter *d)
{
	const char *message = d->message != NULL ? d->message : "";
	size_t len = strlen(message);
	own_buf struct buf b = BUF_INIT;
	char id[ID_TEXT];

	id_text(d->request_id, id);
	buf_fmt(&b, "{\"Records\":[{\"messageId\":\"%s\","
	    "\"receiptHandle\":\"%s\",\"body\":", id, id);
	if (d->payload == NULL)
		buf_str(&b, "\"\"");
	else
		buf_json(&b, d->payload->data, d->payload->len);
	buf_fmt(&b, ",\"attributes\":{\"ApproximateReceiveCount\":\"1\","
	    "\"SentTimestamp\":\"%lld\",\"SenderId\":\"%s\","
	    "\"ApproximateFirstReceiveTimestamp\":\"%lld\"},"
	    "\"messageAttributes\":{", (long long)d->now, d->account,
	    (long long)d->now);
	add_attribute(&b, "RequestID", "String", id, strlen(id));
	buf_char(&b, ',');
	add_attribute(&b, "ErrorCode", "Number", "200", 3);
	buf_char(&b, ',');
	add_attribute(&b, "ErrorMessage", "String", message,
	    len < MESSAGE_MOST ? len : MESSAGE_MOST);
	buf_str(&b, "},\"eventSource\":\"aws:sqs\",\"eventSourceARN\":");
	add_text(&b, d->target_arn);
	buf_fmt(&b, ",\"awsRegion\":\"%s\"}]}", d->region);
	return blob_new(b.data, b.len);
}
