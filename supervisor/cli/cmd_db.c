/*
 * cmd_db - perdure db check.
 */
#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/client.h"
#include "cli/data.h"
#include "cli/show.h"
#include "store/check.h"

/* --database, or what the server on this data folder wrote down. */
static char *
db_conninfo(const struct args *args, struct err *err)
{
	own_free char *data = data_folder_path(args);
	own_free char *path = xasprintf("%s/conninfo", data);
	own_file FILE *f = NULL;
	char line[4096] = "";

	if (args->database != NULL)
		return xstrdup(args->database);
	f = fopen(path, "re");
	if (f == NULL) {
		err_sys(err, "%s (--data or --database names another)", path);
		return NULL;
	}
	if (fgets(line, sizeof line, f) == NULL) {
		err_set(err, ERR_INVALID, "%s is empty", path);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line);
}

/* A line for each invariant, what was found below it. */
static void
db_show(const json_t *found)
{
	const json_t *one, *example;
	json_t *examples;
	size_t i, j;
	long long n;

	json_array_foreach(found, i, one) {
		n = show_int(one, "Violations");
		printf("%-4s %6lld  %s\n", show_str(one, "Invariant"), n,
		    show_str(one, "Text"));
		examples = json_object_get(one, "Examples");
		json_array_foreach(examples, j, example)
			printf("       - %s\n", json_string_value(example));
		if (n > (long long)json_array_size(examples))
			printf("       ... and %lld more\n",
			    n - (long long)json_array_size(examples));
	}
}

int
cmd_db_check(struct args *args)
{
	struct err err;
	own_free char *conninfo = db_conninfo(args, &err);
	own_json json_t *found = NULL;
	const json_t *one;
	long long violations = 0;
	size_t i;

	if (conninfo == NULL)
		return cli_fail(&err);
	found = db_check(conninfo, &err);
	if (found == NULL)
		return cli_fail(&err);
	if (args->json)
		show_json(found);
	else
		db_show(found);
	json_array_foreach(found, i, one)
		violations += show_int(one, "Violations");
	cli_say(args, "%lld violations", violations);
	return violations == 0 ? EXIT_DONE : EXIT_FAILED;
}
