/*
 * cli - what all commands share: options, exit codes, how errors are told.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_DENIED = 4,
	EXIT_CONFLICT = 5,
	EXIT_UNREACHABLE = 6,
	EXIT_THROTTLED = 7,
	EXIT_ITSELF_FAILED = 8,	/* the function or execution, not the call */
	EXIT_TIMED_OUT = 124,
};

#define CLI_ENV_MOST 256

/* Every option of every command; a command's table says which it takes. */
struct args {
	/* all commands */
	const char *endpoint, *profile, *region;
	bool json, quiet, utc, no_color, help;
	/* some */
	const char *name, *runtime, *handler, *role, *durable, *timeout;
	const char *memory, *alias, *payload, *qualifier, *since, *data;
	const char *database, *status, *message, *type, *limit, *description;
	bool publish, async, watch, follow, yes, no_data;
	const char *env[CLI_ENV_MOST];
	size_t nenv;
	/* the words that are no options */
	char **words;
	int nwords;
};

enum opt_kind {
	OPT_FLAG,	/* bool */
	OPT_TEXT,	/* const char * */
	OPT_MAYBE,	/* const char *; "" when given without =VALUE */
	OPT_ENV,	/* another element of env */
};

struct opt {
	const char *name;	/* NULL ends a table */
	char letter;		/* or 0 */
	enum opt_kind kind;
	size_t at;		/* offsetof(struct args, ...) */
	const char *value;	/* what the help calls the value */
	const char *help;
};

#define OPT_AT(member) offsetof(struct args, member)

struct command {
	const char *name;	/* "executions ls"; NULL ends the table */
	const char *alias;	/* "ex ls", or NULL */
	const char *summary;
	const char *words;	/* usage behind the name */
	const char *examples;	/* lines, each beginning with "perdure " */
	const struct opt *opts;
	int words_least, words_most;
	int (*run)(struct args *);
};

/*
 * Reads argv into *args.  -1: a message was printed, exit with EXIT_USAGE.
 */
int opt_read(const struct command *, int argc, char **argv, struct args *);
void opt_help(const struct command *, FILE *);

/* err->code of a wrong value on the command line or around it. */
#define CLI_WRONG "usage"
/* Prints "perdure: ..." and returns the exit code that fits the error. */
int cli_fail(const struct err *);
/* A wrong word or value: prints it and where the help is; EXIT_USAGE. */
int cli_usage(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Progress for people, on standard error unless --quiet. */
void cli_say(const struct args *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Dangerous verbs ask on a terminal; elsewhere only --yes agrees.
 */
bool cli_confirm(const struct args *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Standard output was written whole; else a message and EXIT_FAILED. */
int cli_done(int code);

/* One table for each noun, and the whole. */
extern const struct command cli_commands[];

int cmd_deploy(struct args *);
int cmd_functions_ls(struct args *);
int cmd_functions_show(struct args *);
int cmd_functions_rm(struct args *);
int cmd_invoke(struct args *);
int cmd_executions_ls(struct args *);
int cmd_executions_show(struct args *);
int cmd_executions_history(struct args *);
int cmd_executions_watch(struct args *);
int cmd_executions_stop(struct args *);
int cmd_callbacks_ls(struct args *);
int cmd_callbacks_succeed(struct args *);
int cmd_callbacks_fail(struct args *);
int cmd_callbacks_heartbeat(struct args *);
int cmd_logs(struct args *);
int cmd_doctor(struct args *);
int cmd_db_check(struct args *);
int cmd_runtimes_ls(struct args *);
int cmd_runtimes_install(struct args *);
int cmd_version(struct args *);

#endif
