/*
 * cmd_callback - perdure callbacks ls|succeed|fail|heartbeat.
 */
#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/history.h"
#include "cli/input.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/watch.h"
#include "cli/when.h"

static void
callback_length(struct table *t, const json_t *c, const char *member)
{
	char text[WHEN_TEXT] = "";

	if (show_int(c, member) > 0)
		when_length((long)show_int(c, member), text);
	table_cell(t, text);
}

static void
callbacks_table(const json_t *callbacks, int utc)
{
	static const char *const titles[] = { "NAME", "STARTED", "TIMEOUT",
		"HEARTBEAT", "CALLBACK ID", NULL };
	char when[WHEN_TEXT];
	struct table t;
	const json_t *c;
	size_t i;

	table_begin(&t, titles);
	json_array_foreach(callbacks, i, c) {
		table_cell(&t, history_name(c));
		when_json(json_object_get(c, "StartTimestamp"), utc, when);
		table_cell(&t, when);
		callback_length(&t, c, "Timeout");
		callback_length(&t, c, "HeartbeatTimeout");
		table_cell(&t, show_str(c, "CallbackId"));
	}
	/* Never cut: an id is there to be copied. */
	table_end(&t, stdout, 0);
}

int
cmd_callbacks_ls(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_free char *arn = NULL;
	own_json json_t *events = NULL, *list = NULL;

	if (c == NULL)
		return cli_fail(&err);
	arn = target_execution(c, args->words[0], &err);
	if (arn == NULL)
		return cli_fail(&err);
	events = watch_events(c, arn, false, 0, &err);
	if (events == NULL)
		return cli_fail(&err);
	list = json_pack(
	    "{s:o}", "Callbacks", history_open_callbacks(events));
	if (args->json)
		return show_json(list);
	callbacks_table(json_object_get(list, "Callbacks"), args->utc);
	return EXIT_DONE;
}

static int
callback_send(struct args *args, const char *what, const void *body,
    size_t len)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL
	};
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_reply struct reply reply = REPLY_INIT;
	own_free char *path = url_fmt(
	    "/2025-12-01/durable-execution-callbacks/%s", args->words[0]);
	own_free char *whole = NULL;
	struct request r = { .method = "POST", .headers = headers,
		.body = body, .body_len = len };

	if (c == NULL)
		return cli_fail(&err);
	r.path = whole = xasprintf("%s/%s", path, what);
	if (client_send(c, &r, &reply, &err) != 0)
		return cli_fail(&err);
	if (args->json)
		puts("{}");
	return EXIT_DONE;
}

int
cmd_callbacks_succeed(struct args *args)
{
	own_buf struct buf payload = BUF_INIT;
	struct err err;

	if (input_payload(args->payload, &payload, &err) != 0)
		return cli_fail(&err);
	return callback_send(args, "succeed", payload.data, payload.len);
}

int
cmd_callbacks_fail(struct args *args)
{
	own_json json_t *error = input_error(args);
	own_free char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;

	return callback_send(args, "fail", text, text ? strlen(text) : 0);
}

int
cmd_callbacks_heartbeat(struct args *args)
{
	return callback_send(args, "heartbeat", NULL, 0);
}
