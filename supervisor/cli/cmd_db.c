/*
 * cmd_db - perdure db check.
 */
#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/data.h"
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

int
cmd_db_check(struct args *args)
{
	struct err err;
	own_free char *conninfo = db_conninfo(args, &err);
	int violations;

	if (conninfo == NULL)
		return cli_fail(&err);
	violations = db_check(conninfo, stdout, &err);
	if (violations < 0)
		return cli_fail(&err);
	cli_say(args, "%d violations", violations);
	return violations == 0 ? EXIT_DONE : EXIT_FAILED;
}
