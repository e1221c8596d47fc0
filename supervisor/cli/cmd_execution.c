/*
 * cmd_execution - perdure executions ls|show|history|watch|stop.
 */
#include <config.h>

#include <string.h>

#include "base/own.h"
#include "cli/history.h"
#include "cli/input.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/watch.h"
#include "cli/when.h"

/* ---- ls ---- */

static char *
executions_query(const struct args *args)
{
	struct buf q = BUF_INIT;

	buf_str(&q, "MaxItems=1000");
	if (args->name != NULL) {
		buf_str(&q, "&DurableExecutionName=");
		url_add(&q, args->name);
	}
	if (args->status != NULL) {
		buf_str(&q, "&Statuses=");
		url_add(&q, args->status);
	}
	if (args->qualifier != NULL) {
		buf_str(&q, "&Qualifier=");
		url_add(&q, args->qualifier);
	}
	return buf_steal(&q);
}

static int
executions_add(struct client *c, const struct args *args,
    const char *function, size_t most, json_t *all, struct err *err)
{
	own_free char *query = executions_query(args);
	own_free char *path = url_fmt(
	    "/2025-12-01/functions/%s/durable-executions", function);
	own_json json_t *list =
	    client_list(c, path, query, "DurableExecutions", most, err);

	if (list == NULL)
		return -1;
	json_array_extend(all, json_object_get(list, "DurableExecutions"));
	return 0;
}

/* Of one function, or of all that are durable. */
static json_t *
executions_all(struct client *c, const struct args *args, size_t most,
    struct err *err)
{
	json_t *all = json_array();
	own_json json_t *functions = NULL;
	const json_t *f;
	size_t i;
	int r = 0;

	if (args->nwords > 0) {
		r = executions_add(c, args, args->words[0], most, all, err);
	} else if ((functions = target_functions(c, err)) == NULL) {
		r = -1;
	} else {
		json_array_foreach(
		    json_object_get(functions, "Functions"), i, f)
			if (r == 0 && json_object_get(f, "DurableConfig"))
				r = executions_add(c, args,
				    show_str(f, "FunctionName"), most, all,
				    err);
	}
	if (r == 0)
		return json_pack("{s:o}", "DurableExecutions", all);
	json_decref(all);
	return NULL;
}

static void
executions_table(const json_t *list, int utc)
{
	static const char *const titles[] = { "NAME", "FUNCTION", "STATUS",
		"STARTED", "ENDED", "ID", NULL };
	char when[WHEN_TEXT];
	struct table t;
	const json_t *e;
	size_t i;

	table_begin(&t, titles);
	json_array_foreach(list, i, e) {
		const char *arn = show_str(e, "DurableExecutionArn");
		const char *id = strrchr(arn, '/');
		const char *f = strstr(arn, ":function:");
		int len = f != NULL ? (int)strcspn(f + 10, "/") : 0;

		table_cell(&t, show_str(e, "DurableExecutionName"));
		table_cellf(&t, "%.*s", len, f != NULL ? f + 10 : "");
		table_cell(&t, show_str(e, "Status"));
		when_json(json_object_get(e, "StartTimestamp"), utc, when);
		table_cell(&t, when);
		when_json(json_object_get(e, "EndTimestamp"), utc, when);
		table_cell(&t, when);
		table_cell(&t, id != NULL ? id + 1 : "");
	}
	table_end(&t, stdout, terminal_width());
}

int
cmd_executions_ls(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_json json_t *list = NULL;
	size_t most = args->limit != NULL ? strtoul(args->limit, NULL, 10)
					  : 100;

	if (c == NULL)
		return cli_fail(&err);
	list = executions_all(c, args, most, &err);
	if (list == NULL)
		return cli_fail(&err);
	if (args->json)
		return show_json(list);
	executions_table(json_object_get(list, "DurableExecutions"),
	    args->utc);
	return EXIT_DONE;
}

/* ---- one execution ---- */

/* The client, and the ARN that the first word means. */
static char *
execution_begin(struct args *args, struct client **c, struct err *err)
{
	*c = client_new(args, err);
	return *c == NULL ? NULL : target_execution(*c, args->words[0], err);
}

int
cmd_executions_show(struct args *args)
{
	struct err err;
	own_client struct client *c = NULL;
	own_free char *arn = execution_begin(args, &c, &err), *path = NULL;
	own_json json_t *e = NULL;

	if (arn == NULL)
		return cli_fail(&err);
	path = target_path(arn, "");
	e = client_json(c, "GET", path,
	    args->no_data ? "IncludeExecutionData=false" : NULL, NULL, &err);
	if (e == NULL)
		return cli_fail(&err);
	if (args->json)
		return show_json(e);
	show_members(e, args->utc);
	return EXIT_DONE;
}

static void
history_table(const json_t *events, int utc)
{
	static const char *const titles[] = { "ID", "TIME", "TYPE", "NAME",
		"DETAIL", NULL };
	char when[WHEN_TEXT];
	struct table t;
	const json_t *e;
	size_t i;

	table_begin(&t, titles);
	json_array_foreach(events, i, e) {
		own_buf struct buf detail = BUF_INIT;

		history_detail(e, utc, &detail);
		when_json(json_object_get(e, "EventTimestamp"), utc, when);
		table_cellf(&t, "%lld", show_int(e, "EventId"));
		table_cell(&t, when);
		table_cell(&t, show_str(e, "EventType"));
		table_cell(&t, history_name(e));
		table_cell(&t, detail.data);
	}
	table_end(&t, stdout, terminal_width());
}

int
cmd_executions_history(struct args *args)
{
	struct err err;
	own_client struct client *c = NULL;
	own_free char *arn = execution_begin(args, &c, &err);
	own_json json_t *events = NULL, *whole = NULL;

	if (arn == NULL)
		return cli_fail(&err);
	events = watch_events(c, arn, !args->no_data, 0, &err);
	if (events == NULL)
		return cli_fail(&err);
	if (args->json) {
		whole = json_pack("{s:O}", "Events", events);
		return show_json(whole);
	}
	history_table(events, args->utc);
	return EXIT_DONE;
}

int
cmd_executions_watch(struct args *args)
{
	struct err err;
	own_client struct client *c = NULL;
	own_free char *arn = execution_begin(args, &c, &err);
	own_json json_t *execution = NULL;
	int code;

	if (arn == NULL)
		return cli_fail(&err);
	code = watch_execution(c, args, arn, false, &execution);
	if (execution != NULL)
		watch_tell(args, execution);
	return code;
}

int
cmd_executions_stop(struct args *args)
{
	struct err err;
	own_client struct client *c = NULL;
	own_free char *arn = execution_begin(args, &c, &err), *path = NULL;
	own_json json_t *error = NULL, *answer = NULL;

	if (arn == NULL)
		return cli_fail(&err);
	if (!cli_confirm(args, "Stop execution %s?", arn))
		return cli_usage("executions stop",
		    "nothing was stopped: --yes was not given");
	path = target_path(arn, "/stop");
	error = input_error(args);
	answer = client_json(c, "POST", path, NULL, error, &err);
	if (answer == NULL)
		return cli_fail(&err);
	if (args->json)
		return show_json(answer);
	cli_say(args, "stopped %s", arn);
	return EXIT_DONE;
}
