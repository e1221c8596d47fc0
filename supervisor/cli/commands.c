/*
 * commands - every command with its options: parser and help read these.
 */
#include <config.h>

#include <stdio.h>

#include "cli/cli.h"

#define OPT_END { NULL, 0, OPT_FLAG, 0, NULL, NULL }
#define OPT_PAYLOAD \
	{ "payload", 'p', OPT_TEXT, OPT_AT(payload), "JSON", \
	    "the value, @FILE, or - for standard input" }
#define OPT_QUALIFIER \
	{ "qualifier", 0, OPT_TEXT, OPT_AT(qualifier), "Q", \
	    "a version or alias" }
#define OPT_YES \
	{ "yes", 'y', OPT_FLAG, OPT_AT(yes), NULL, "do not ask" }
#define OPT_NO_DATA \
	{ "no-data", 0, OPT_FLAG, OPT_AT(no_data), NULL, \
	    "leave out inputs, results and errors" }
#define OPT_DATA \
	{ "data", 0, OPT_TEXT, OPT_AT(data), "DIR", \
	    "the server's data folder" }
#define OPT_RUNTIME_PATH \
	{ "runtime", 0, OPT_ENV, OPT_AT(env), "NAME=PATH", \
	    "an interpreter to use; may repeat" }
#define OPT_MESSAGE \
	{ "message", 'm', OPT_TEXT, OPT_AT(message), "TEXT", \
	    "the error's message" }
#define OPT_TYPE \
	{ "type", 0, OPT_TEXT, OPT_AT(type), "NAME", "the error's type" }

static const struct opt deploy_opts[] = {
	{ "name", 0, OPT_TEXT, OPT_AT(name), "NAME",
	    "the function's name; else the folder's" },
	{ "runtime", 0, OPT_TEXT, OPT_AT(runtime), "NAME",
	    "such as python3.12 or nodejs22.x" },
	{ "handler", 0, OPT_TEXT, OPT_AT(handler), "FILE.FUNC",
	    "what is called" },
	{ "role", 0, OPT_TEXT, OPT_AT(role), "ARN",
	    "the execution role" },
	{ "durable", 0, OPT_MAYBE, OPT_AT(durable), "TIMEOUT",
	    "durable; limit of an execution (1y)" },
	{ "timeout", 0, OPT_TEXT, OPT_AT(timeout), "TIME",
	    "limit of one invocation, such as 30s" },
	{ "memory", 0, OPT_TEXT, OPT_AT(memory), "MB", "memory" },
	{ "env", 'e', OPT_ENV, OPT_AT(env), "NAME=VALUE",
	    "environment; may repeat, replaces all" },
	{ "description", 0, OPT_TEXT, OPT_AT(description), "TEXT",
	    "what it is for" },
	{ "publish", 0, OPT_FLAG, OPT_AT(publish), NULL,
	    "publish a version" },
	{ "alias", 0, OPT_TEXT, OPT_AT(alias), "NAME",
	    "publish, and move this alias to it" },
	OPT_END,
};

static const struct opt functions_show_opts[] = { OPT_QUALIFIER, OPT_END };
static const struct opt functions_rm_opts[] = { OPT_QUALIFIER, OPT_YES,
	OPT_END };

static const struct opt invoke_opts[] = {
	OPT_PAYLOAD,
	{ "name", 0, OPT_TEXT, OPT_AT(name), "NAME",
	    "name of the durable execution" },
	{ "async", 0, OPT_FLAG, OPT_AT(async), NULL,
	    "do not wait for the result" },
	{ "watch", 'w', OPT_FLAG, OPT_AT(watch), NULL,
	    "show a durable execution to its end" },
	OPT_QUALIFIER,
	OPT_NO_DATA,
	OPT_END,
};

static const struct opt executions_ls_opts[] = {
	{ "name", 0, OPT_TEXT, OPT_AT(name), "NAME", "only this name" },
	{ "status", 0, OPT_TEXT, OPT_AT(status), "STATUS",
	    "RUNNING, SUCCEEDED, FAILED, ..." },
	{ "limit", 'n', OPT_TEXT, OPT_AT(limit), "N",
	    "at most N of a function (100)" },
	OPT_QUALIFIER,
	OPT_END,
};
static const struct opt no_data_opts[] = { OPT_NO_DATA, OPT_END };
static const struct opt error_opts[] = { OPT_MESSAGE, OPT_TYPE,
	{ "payload", 'p', OPT_TEXT, OPT_AT(payload), "TEXT",
	    "the error's data" },
	OPT_END };
static const struct opt stop_opts[] = { OPT_MESSAGE, OPT_TYPE,
	{ "payload", 'p', OPT_TEXT, OPT_AT(payload), "TEXT",
	    "the error's data" },
	OPT_YES, OPT_END };
static const struct opt payload_opts[] = { OPT_PAYLOAD, OPT_END };

static const struct opt logs_opts[] = {
	{ "follow", 'f', OPT_FLAG, OPT_AT(follow), NULL,
	    "go on with what comes" },
	{ "since", 0, OPT_TEXT, OPT_AT(since), "TIME",
	    "not older than, such as 10m" },
	OPT_END,
};

static const struct opt data_opts[] = { OPT_DATA, OPT_RUNTIME_PATH, OPT_END };
static const struct opt db_opts[] = {
	OPT_DATA,
	{ "database", 0, OPT_TEXT, OPT_AT(database), "URL",
	    "this database" },
	OPT_END,
};

static const struct opt no_opts[] = { OPT_END };

const struct command cli_commands[] = {
	{ "deploy", NULL, "Creates a function from a folder, or updates it",
	    "DIR",
	    "perdure deploy ./order --runtime python3.12 --handler app.handler"
	    "\nperdure deploy ./order --durable=7d --timeout 60"
	    "\nperdure deploy ./order --alias live -e STAGE=prod",
	    deploy_opts, 1, 1, cmd_deploy },
	{ "functions ls", NULL, "Lists functions", "",
	    "perdure functions ls\nperdure functions ls --json", no_opts, 0,
	    0, cmd_functions_ls },
	{ "functions show", NULL, "Shows a function's configuration", "NAME",
	    "perdure functions show order"
	    "\nperdure functions show order --qualifier live",
	    functions_show_opts, 1, 1, cmd_functions_show },
	{ "functions rm", NULL, "Deletes a function or one version", "NAME",
	    "perdure functions rm order --yes"
	    "\nperdure functions rm order --qualifier 3 --yes",
	    functions_rm_opts, 1, 1, cmd_functions_rm },
	{ "invoke", NULL, "Invokes a function and prints what it answers",
	    "NAME",
	    "perdure invoke order -p '{\"id\": 7}'"
	    "\nperdure invoke order --async --name order-7 -p @event.json"
	    "\nperdure invoke order --watch -p -",
	    invoke_opts, 1, 1, cmd_invoke },
	{ "executions ls", "ex ls", "Lists durable executions, newest first",
	    "[FUNCTION]",
	    "perdure executions ls"
	    "\nperdure executions ls order --status RUNNING",
	    executions_ls_opts, 0, 1, cmd_executions_ls },
	{ "executions show", "ex show", "Shows one execution", "EXECUTION",
	    "perdure executions show order-7"
	    "\nperdure ex show 0197f3 --json",
	    no_data_opts, 1, 1, cmd_executions_show },
	{ "executions history", "ex history",
	    "Shows the events of an execution", "EXECUTION",
	    "perdure executions history order-7"
	    "\nperdure ex history order-7 --no-data",
	    no_data_opts, 1, 1, cmd_executions_history },
	{ "executions watch", "ex watch",
	    "Shows events as they come, to the end", "EXECUTION",
	    "perdure executions watch order-7", no_data_opts, 1, 1,
	    cmd_executions_watch },
	{ "executions stop", "ex stop", "Stops a running execution",
	    "EXECUTION",
	    "perdure executions stop order-7 -m 'customer left'"
	    "\nperdure ex stop order-7 --yes",
	    stop_opts, 1, 1, cmd_executions_stop },
	{ "callbacks ls", "cb ls", "Lists the open callbacks of an execution",
	    "EXECUTION", "perdure callbacks ls order-7", no_opts, 1, 1,
	    cmd_callbacks_ls },
	{ "callbacks succeed", "cb succeed", "Completes a callback",
	    "CALLBACK-ID",
	    "perdure callbacks succeed $ID -p '{\"approved\": true}'",
	    payload_opts, 1, 1, cmd_callbacks_succeed },
	{ "callbacks fail", "cb fail", "Completes a callback with an error",
	    "CALLBACK-ID", "perdure callbacks fail $ID -m 'not approved'",
	    error_opts, 1, 1, cmd_callbacks_fail },
	{ "callbacks heartbeat", "cb heartbeat",
	    "Starts a callback's heartbeat time-out anew", "CALLBACK-ID",
	    "perdure callbacks heartbeat $ID", no_opts, 1, 1,
	    cmd_callbacks_heartbeat },
	{ "logs", NULL, "Prints what functions wrote",
	    "[FUNCTION or EXECUTION]",
	    "perdure logs order --since 10m\nperdure logs order-7"
	    "\nperdure logs -f",
	    logs_opts, 0, 1, cmd_logs },
	{ "runtimes ls", NULL, "Lists the runtimes that this host has", "",
	    "perdure runtimes ls", data_opts, 0, 0, cmd_runtimes_ls },
	{ "runtimes install", NULL,
	    "Puts the SDKs into runtimes, as on AWS",
	    "[NAME...]",
	    "perdure runtimes install"
	    "\nperdure runtimes install python3.12 --data /var/lib/perdure",
	    data_opts, 0, 64, cmd_runtimes_install },
	{ "doctor", NULL, "Checks what this host gives", "",
	    "perdure doctor\nperdure doctor --json", data_opts, 0, 0,
	    cmd_doctor },
	{ "db check", NULL, "Checks the database's invariants", "",
	    "perdure db check"
	    "\nperdure db check --database postgresql://db/perdure",
	    db_opts, 0, 0, cmd_db_check },
	{ "version", NULL, "Prints the version", "", "perdure version",
	    no_opts, 0, 0, cmd_version },
	{ NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};

int
cmd_version(struct args *args)
{
	if (args->json)
		puts("{\"Version\": \"" PACKAGE_VERSION "\"}");
	else
		puts("perdure " PACKAGE_VERSION);
	return EXIT_DONE;
}
