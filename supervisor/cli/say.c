#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static int
exit_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case ERR_DENIED:
		return EXIT_DENIED;
	case ERR_CONFLICT:
	case ERR_EXISTS:
		return EXIT_CONFLICT;
	case ERR_UNAVAILABLE:
		return EXIT_UNREACHABLE;
	case ERR_LIMIT:
		return EXIT_THROTTLED;
	case ERR_TIMEOUT:
		return EXIT_TIMED_OUT;
	default:
		return EXIT_FAILED;
	}
}

int
cli_fail(const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "perdure: %s\n", err->text);
	if (err->code != NULL && strcmp(err->code, CLI_WRONG) == 0)
		return EXIT_USAGE;
	return exit_of(err->kind);
}

int
cli_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "perdure %s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry: perdure %s%s--help\n", command,
	    command[0] != '\0' ? " " : "");
	return EXIT_USAGE;
}

void
cli_say(const struct args *args, const char *fmt, ...)
{
	va_list ap;

	if (args->quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
cli_done(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("perdure: standard output");
	return EXIT_FAILED;
}

bool
cli_confirm(const struct args *args, const char *fmt, ...)
{
	char answer[16] = "";
	va_list ap;

	if (args->yes)
		return true;
	if (!isatty(0))
		return false;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" [y/N] ", stderr);
	if (fgets(answer, sizeof answer, stdin) == NULL)
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}
