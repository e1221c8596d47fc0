/*
 * control - the unprivileged role: builds the modules and wires them.
 */
#ifndef ROLE_CONTROL_H
#define ROLE_CONTROL_H

/* Exit status that tells main not to try again. */
#define CONTROL_EXIT_FATAL 78
#define CONTROL_EXIT_REFUSED 79	/* a database that is not to be used */

/* Where main puts them. */
#define CONTROL_LINK_FD 3
#define CONTROL_API_FD 4
#define CONTROL_ADMIN_FD 5

/* Takes the descriptors; returns the exit status. */
int control_main(int link_fd, int api_fd, int admin_fd);

#endif
