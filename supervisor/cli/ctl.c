#include <config.h>

#include <locale.h>
#include <string.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/cli.h"
#include "cli/ctl.h"

static void
ctl_help(FILE *out)
{
	const struct command *c;

	fputs("Examples:\n"
	      "  perdure serve --dev\n"
	      "  perdure deploy ./order --runtime python3.12 "
	      "--handler app.handler --durable\n"
	      "  perdure invoke order --name order-7 -p '{\"id\": 7}' --watch\n"
	      "  perdure executions history order-7\n"
	      "\nUsage: perdure COMMAND [options]\n\nCommands:\n"
	      "  serve                The server; perdure serve --help\n",
	    out);
	for (c = cli_commands; c->name != NULL; c++)
		fprintf(out, "  %-20s %s\n", c->name, c->summary);
	fputs("\nShort: ex is executions, cb is callbacks. "
	      "COMMAND --help says more.\n"
	      "The server is http://127.0.0.1:9080, AWS_ENDPOINT_URL, or "
	      "--endpoint.\n",
	    out);
}

/*
 * Words of argv that a name like "executions ls" takes, or 0: it is not the
 * one meant.
 */
static int
ctl_match(const char *name, int argc, char **argv)
{
	size_t len;
	int n = 1;

	for (; name != NULL; name = name[len] == ' ' ? name + len + 1 : NULL) {
		len = strcspn(name, " ");
		if (n >= argc || strlen(argv[n]) != len ||
		    strncmp(argv[n], name, len) != 0)
			return 0;
		n++;
	}
	return n - 1;
}

static const struct command *
ctl_find(int argc, char **argv, int *words)
{
	const struct command *c;

	for (c = cli_commands; c->name != NULL; c++) {
		*words = ctl_match(c->name, argc, argv);
		if (*words == 0 && c->alias != NULL)
			*words = ctl_match(c->alias, argc, argv);
		if (*words > 0)
			return c;
	}
	return NULL;
}

/* "executions" without a verb, or with a wrong one: the verbs it has. */
static int
ctl_noun(const char *word)
{
	const struct command *c;
	size_t len = strlen(word);
	int n = 0;

	for (c = cli_commands; c->name != NULL; c++)
		if ((strncmp(c->name, word, len) == 0 &&
			c->name[len] == ' ') ||
		    (c->alias != NULL && strncmp(c->alias, word, len) == 0 &&
			c->alias[len] == ' ')) {
			fprintf(stderr, "%sperdure %s%s%s\n",
			    n++ == 0 ? "Usage: " : "       ", c->name,
			    c->words[0] != '\0' ? " " : "", c->words);
		}
	return n;
}

static int
ctl_run(const struct command *c, int argc, char **argv)
{
	struct args args;

	if (opt_read(c, argc, argv, &args) != 0)
		return EXIT_USAGE;
	if (args.help) {
		opt_help(c, stdout);
		return EXIT_DONE;
	}
	return c->run(&args);
}

static bool
is_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
	    strcmp(word, "-h") == 0;
}

/* "help invoke" is "invoke --help". */
static int
ctl_help_on(int argc, char **argv)
{
	const struct command *c;
	int words;

	if (argc < 3) {
		ctl_help(stdout);
		return EXIT_DONE;
	}
	c = ctl_find(argc - 1, argv + 1, &words);
	if (c != NULL) {
		opt_help(c, stdout);
		return EXIT_DONE;
	}
	if (ctl_noun(argv[2]) == 0)
		return cli_usage("", "there is no command %s", argv[2]);
	return EXIT_USAGE;
}

int
cli_main(int argc, char **argv)
{
	const struct command *c;
	int words, code;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	if (argc < 2) {
		ctl_help(stderr);
		return EXIT_USAGE;
	}
	if (is_help(argv[1]))
		return cli_done(ctl_help_on(argc, argv));
	if (strcmp(argv[1], "--version") == 0)
		argv[1] += 2;
	c = ctl_find(argc, argv, &words);
	if (c == NULL) {
		if (ctl_noun(argv[1]) > 0)
			return EXIT_USAGE;
		fprintf(stderr, "perdure: there is no command %s\n"
		    "Try: perdure --help\n", argv[1]);
		return EXIT_USAGE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = ctl_run(c, argc - words, argv + words);
	curl_global_cleanup();
	return cli_done(code);
}
