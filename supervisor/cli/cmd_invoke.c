/*
 * cmd_invoke - perdure invoke.
 */
#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/input.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/watch.h"

/* Does the word name a version or alias: "f:1", "arn:...:function:f:1"? */
static bool
name_is_qualified(const char *word)
{
	const char *f = strstr(word, ":function:");

	return strchr(f != NULL ? f + 10 : word, ':') != NULL;
}

/*
 * Durable functions must be invoked by version or alias; here $LATEST is
 * what an unqualified name means then.
 */
static int
invoke_qualifier(struct client *c, const struct args *args, char **qualifier,
    bool *durable, struct err *err)
{
	own_free char *path = url_fmt(
	    "/2015-03-31/functions/%s/configuration", args->words[0]);
	own_json json_t *f = NULL;

	*qualifier = xstrdup(args->qualifier);
	*durable = args->watch;
	if (args->qualifier != NULL || name_is_qualified(args->words[0]))
		return 0;
	f = client_json(c, "GET", path, NULL, NULL, err);
	if (f == NULL)
		return -1;
	*durable = json_object_get(f, "DurableConfig") != NULL;
	if (*durable)
		*qualifier = xstrdup("$LATEST");
	return 0;
}

static int
invoke_send(struct client *c, const struct args *args, const char *qualifier,
    const struct buf *payload, struct reply *reply, struct err *err)
{
	own_free char *path = url_fmt(
	    "/2015-03-31/functions/%s/invocations", args->words[0]);
	own_free char *query =
	    qualifier ? url_fmt("Qualifier=%s", qualifier) : NULL;
	own_free char *name = args->name
	    ? xasprintf("X-Amz-Durable-Execution-Name: %s", args->name)
	    : NULL;
	const char *headers[4] = { "Content-Type: application/json" };
	size_t n = 1;
	struct request r = { .method = "POST", .path = path, .query = query,
		.headers = headers, .body = payload->data,
		.body_len = payload->len };

	if (args->async || args->watch)
		headers[n++] = "X-Amz-Invocation-Type: Event";
	if (name != NULL)
		headers[n++] = name;
	headers[n] = NULL;
	return client_send(c, &r, reply, err);
}

static int
invoke_failed(const struct err *err)
{
	int code = cli_fail(err);

	if (strstr(err->text, "cannot synchronously invoke") != NULL)
		fputs("perdure: --watch waits as long as it takes, --async "
		      "does not wait\n", stderr);
	return code;
}

/* The end of a watched execution: its result is the command's output. */
static int
invoke_watch(struct client *c, const struct args *args, const char *arn)
{
	own_json json_t *execution = NULL;
	const char *result;
	int code = watch_execution(c, args, arn, true, &execution);

	if (execution == NULL)
		return code;
	watch_tell(args, execution);
	result = json_string_value(json_object_get(execution, "Result"));
	if (args->json)
		show_json(execution);
	else if (result != NULL)
		puts(result);
	return code;
}

static int
invoke_print(const struct args *args, const struct reply *reply,
    const char *arn, const char *failed)
{
	if (args->json && args->async) {
		own_json json_t *j =
		    json_pack("{s:I}", "StatusCode", (json_int_t)reply->status);

		if (arn[0] != '\0')
			json_object_set_new(j, "DurableExecutionArn",
			    json_string(arn));
		show_json(j);
	} else if (args->async) {
		if (arn[0] != '\0')
			puts(arn);
		else
			cli_say(args, "accepted");
	} else {
		fwrite(reply->body.data, 1, reply->body.len, stdout);
		if (reply->body.len > 0)
			putchar('\n');
	}
	if (failed[0] == '\0')
		return EXIT_DONE;
	fprintf(stderr, "perdure: the function failed: %s\n", failed);
	return EXIT_ITSELF_FAILED;
}

int
cmd_invoke(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_buf struct buf payload = BUF_INIT, arn = BUF_INIT,
			   failed = BUF_INIT;
	own_reply struct reply reply = REPLY_INIT;
	own_free char *qualifier = NULL;
	bool durable;

	if (c == NULL || input_payload(args->payload, &payload, &err) != 0 ||
	    invoke_qualifier(c, args, &qualifier, &durable, &err) != 0)
		return cli_fail(&err);
	if (!durable && (args->watch || args->name != NULL) &&
	    qualifier == NULL && !name_is_qualified(args->words[0]))
		return cli_usage("invoke", "%s is no durable function: it has "
		    "no executions to %s", args->words[0],
		    args->watch ? "watch" : "name");
	if (invoke_send(c, args, qualifier, &payload, &reply, &err) != 0)
		return invoke_failed(&err);
	reply_header(&reply, "X-Amz-Durable-Execution-Arn", &arn);
	reply_header(&reply, "X-Amz-Function-Error", &failed);
	buf_str(&arn, "");
	buf_str(&failed, "");
	if (args->watch && arn.len > 0)
		return invoke_watch(c, args, arn.data);
	return invoke_print(args, &reply, arn.data, failed.data);
}
