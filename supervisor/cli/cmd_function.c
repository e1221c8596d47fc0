/*
 * cmd_function - perdure functions ls|show|rm.
 */
#include <config.h>

#include <string.h>

#include "base/own.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/target.h"

static void
functions_table(const json_t *functions)
{
	static const char *const titles[] = { "NAME", "RUNTIME", "HANDLER",
		"MEMORY", "TIMEOUT", "DURABLE", "MODIFIED", NULL };
	struct table t;
	const json_t *f;
	size_t i;

	table_begin(&t, titles);
	json_array_foreach(functions, i, f) {
		table_cell(&t, show_str(f, "FunctionName"));
		table_cell(&t, show_str(f, "Runtime"));
		table_cell(&t, show_str(f, "Handler"));
		table_cellf(&t, "%lld MB", show_int(f, "MemorySize"));
		table_cellf(&t, "%lld s", show_int(f, "Timeout"));
		table_cell(&t,
		    json_object_get(f, "DurableConfig") != NULL ? "yes" : "");
		table_cell(&t, show_str(f, "LastModified"));
	}
	table_end(&t, stdout, terminal_width());
}

int
cmd_functions_ls(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_json json_t *list = NULL;

	if (c == NULL)
		return cli_fail(&err);
	list = target_functions(c, &err);
	if (list == NULL)
		return cli_fail(&err);
	if (args->json)
		return show_json(list);
	functions_table(json_object_get(list, "Functions"));
	return EXIT_DONE;
}

int
cmd_functions_show(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_free char *path = NULL, *query = NULL;
	own_json json_t *f = NULL;

	if (c == NULL)
		return cli_fail(&err);
	path = url_fmt("/2015-03-31/functions/%s", args->words[0]);
	if (args->qualifier != NULL)
		query = url_fmt("Qualifier=%s", args->qualifier);
	f = client_json(c, "GET", path, query, NULL, &err);
	if (f == NULL)
		return cli_fail(&err);
	if (args->json)
		return show_json(f);
	show_members(json_object_get(f, "Configuration"), args->utc);
	return EXIT_DONE;
}

int
cmd_functions_rm(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_free char *path = NULL, *query = NULL;
	own_json json_t *answer = NULL;

	if (c == NULL)
		return cli_fail(&err);
	if (!cli_confirm(args, "Delete function %s%s%s?", args->words[0],
		args->qualifier != NULL ? ":" : "",
		args->qualifier != NULL ? args->qualifier : ""))
		return cli_usage("functions rm",
		    "nothing was deleted: --yes was not given");
	path = url_fmt("/2015-03-31/functions/%s", args->words[0]);
	if (args->qualifier != NULL)
		query = url_fmt("Qualifier=%s", args->qualifier);
	answer = client_json(c, "DELETE", path, query, NULL, &err);
	if (answer == NULL)
		return cli_fail(&err);
	cli_say(args, "deleted %s", args->words[0]);
	return EXIT_DONE;
}
