/*
 * main - arguments and choice of role.
 */
#include <config.h>

#include <fcntl.h>
#include <string.h>

#include "cli/ctl.h"
#include "role/control.h"
#include "role/daemon.h"
#include "role/probe.h"

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--role") == 0 &&
	    strcmp(argv[2], "control") == 0) {
		fcntl(CONTROL_LINK_FD, F_SETFD, FD_CLOEXEC);
		return control_main(CONTROL_LINK_FD, CONTROL_API_FD,
		    CONTROL_ADMIN_FD);
	}
	/* For perdure doctor. */
	if (argc == 3 && strcmp(argv[1], "--role") == 0 &&
	    strcmp(argv[2], "probe") == 0)
		return probe_main();
	if (argc >= 2 && strcmp(argv[1], "serve") == 0)
		return daemon_main(argc - 1, argv + 1);
	return cli_main(argc, argv);
}
