/*
 * ctl - the command line: `perdure <command> ...`, everything but serve.
 */
#ifndef CLI_CTL_H
#define CLI_CTL_H

/*
 * Runs the command in argv[1]; returns the exit code.  `serve` and the
 * internal roles are the caller's; cli_main only lists serve in its help.
 */
int cli_main(int argc, char **argv);

#endif
