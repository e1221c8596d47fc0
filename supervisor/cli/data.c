#include <config.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/data.h"

#define DATA_SERVICE "/var/lib/perdure"

char *
data_folder_path(const struct args *args)
{
	const char *set = getenv("PERDURE_SERVER_DATA_DIR");
	const char *share = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (args->data != NULL)
		return xstrdup(args->data);
	if (set != NULL && set[0] != '\0')
		return xstrdup(set);
	/* Root's own only where a service was started once. */
	if (geteuid() == 0 && access(DATA_SERVICE "/conninfo", F_OK) == 0)
		return xstrdup(DATA_SERVICE);
	if (share != NULL && share[0] == '/')
		return xasprintf("%s/perdure", share);
	return xasprintf(
	    "%s/.local/share/perdure", home != NULL ? home : "");
}
