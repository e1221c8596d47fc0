/*
 * daemon - `perdure serve`: options into settings, then main's work.
 */
#ifndef ROLE_DAEMON_H
#define ROLE_DAEMON_H

/* argv[0] is "serve".  Returns the exit status. */
int daemon_main(int argc, char **argv);

#endif
