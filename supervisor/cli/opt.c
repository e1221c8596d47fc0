#include <config.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/cli.h"

/* What every command takes. */
static const struct opt opt_common[] = {
	{ "endpoint", 0, OPT_TEXT, OPT_AT(endpoint), "URL",
	    "address of the server" },
	{ "profile", 0, OPT_TEXT, OPT_AT(profile), "NAME",
	    "section of ~/.aws/config and credentials" },
	{ "region", 0, OPT_TEXT, OPT_AT(region), "NAME",
	    "region to sign for" },
	{ "json", 0, OPT_FLAG, OPT_AT(json), NULL,
	    "print JSON with the API's names" },
	{ "utc", 0, OPT_FLAG, OPT_AT(utc), NULL, "print times in UTC" },
	{ "quiet", 'q', OPT_FLAG, OPT_AT(quiet), NULL,
	    "no progress on standard error" },
	{ "no-color", 0, OPT_FLAG, OPT_AT(no_color), NULL,
	    "no colours; NO_COLOR does the same" },
	{ "help", 'h', OPT_FLAG, OPT_AT(help), NULL, "print this" },
	{ NULL, 0, OPT_FLAG, 0, NULL, NULL },
};

/* getopt's tables for the options of one command. */
struct opt_set {
	const struct opt **opts;
	struct option *longs;
	char *letters;
	size_t n;
};

static void
opt_set_add(struct opt_set *set, const struct opt *opts)
{
	size_t len;

	for (; opts != NULL && opts->name != NULL; opts++) {
		set->opts = xreallocarray(
		    set->opts, set->n + 1, sizeof(set->opts[0]));
		set->longs = xreallocarray(
		    set->longs, set->n + 2, sizeof(set->longs[0]));
		set->letters = xrealloc(set->letters, 4 * set->n + 8);
		if (set->n == 0)
			strcpy(set->letters, ":");
		set->opts[set->n] = opts;
		set->longs[set->n] = (struct option){ opts->name,
			opts->kind == OPT_FLAG	    ? no_argument
			    : opts->kind == OPT_MAYBE ? optional_argument
						      : required_argument,
			NULL, 256 + (int)set->n };
		if (opts->letter != 0) {
			len = strlen(set->letters);
			set->letters[len++] = opts->letter;
			if (opts->kind != OPT_FLAG)
				set->letters[len++] = ':';
			set->letters[len] = '\0';
		}
		set->n++;
		set->longs[set->n] = (struct option){ 0 };
	}
}

static void
opt_set_free(struct opt_set *set)
{
	free(set->opts);
	free(set->longs);
	free(set->letters);
}

static const struct opt *
opt_set_find(const struct opt_set *set, int c)
{
	size_t i;

	if (c >= 256)
		return set->opts[c - 256];
	for (i = 0; i < set->n; i++)
		if (set->opts[i]->letter == c)
			return set->opts[i];
	return NULL;
}

static int
opt_store(const struct opt *o, const char *value, struct args *args)
{
	char *at = (char *)args + o->at;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = true;
		return 0;
	case OPT_TEXT:
		*(const char **)at = value;
		return 0;
	case OPT_MAYBE:
		*(const char **)at = value != NULL ? value : "";
		return 0;
	case OPT_ENV:
		if (args->nenv == CLI_ENV_MOST)
			return -1;
		args->env[args->nenv++] = value;
		return 0;
	}
	return -1;
}

static int
opt_read_words(const struct command *c, int argc, char **argv,
    struct args *args)
{
	args->words = argv + optind;
	args->nwords = argc - optind;
	if (args->help)
		return 0;
	if (args->nwords < c->words_least) {
		cli_usage(c->name, "something is missing: %s", c->words);
		return -1;
	}
	if (args->nwords > c->words_most) {
		cli_usage(c->name, "unexpected %s",
		    args->words[c->words_most]);
		return -1;
	}
	return 0;
}

int
opt_read(const struct command *command, int argc, char **argv,
    struct args *args)
{
	struct opt_set set = { NULL, NULL, NULL, 0 };
	const struct opt *o;
	int c, r = 0;

	memset(args, 0, sizeof *args);
	opt_set_add(&set, command->opts);
	opt_set_add(&set, opt_common);
	opterr = 0;
	optind = 0;	/* glibc: begin anew, words may stand between */
	while (r == 0 &&
	    (c = getopt_long(argc, argv, set.letters, set.longs, NULL)) != -1)
		if (c == '?') {
			cli_usage(command->name, "unknown option %s",
			    argv[optind - 1]);
			r = -1;
		} else if (c == ':') {
			cli_usage(command->name, "%s needs a value",
			    argv[optind - 1]);
			r = -1;
		} else {
			o = opt_set_find(&set, c);
			if (o == NULL || opt_store(o, optarg, args) != 0) {
				cli_usage(command->name, "too many options");
				r = -1;
			}
		}
	if (r == 0)
		r = opt_read_words(command, argc, argv, args);
	opt_set_free(&set);
	return r;
}

static void
opt_print(const struct opt *o, FILE *out)
{
	own_free char *name = NULL;

	for (; o != NULL && o->name != NULL; o++) {
		free(name);
		name = xasprintf("--%s%s%s%s", o->name,
		    o->value == NULL		 ? ""
			: o->kind == OPT_MAYBE	 ? "[="
						 : " ",
		    o->value != NULL ? o->value : "",
		    o->kind == OPT_MAYBE ? "]" : "");
		if (o->letter != 0)
			fprintf(out, "  -%c, %-24s", o->letter, name);
		else
			fprintf(out, "      %-24s", name);
		fprintf(out, " %s\n", o->help);
	}
}

void
opt_help(const struct command *c, FILE *out)
{
	const char *line = c->examples;

	fputs("Examples:\n", out);
	for (; *line != '\0'; line += strcspn(line, "\n"), line += *line != 0)
		fprintf(out, "  %.*s\n", (int)strcspn(line, "\n"), line);
	fprintf(out, "\nUsage: perdure %s%s%s [options]\n%s.\n", c->name,
	    c->words[0] != '\0' ? " " : "", c->words, c->summary);
	if (c->alias != NULL)
		fprintf(out, "Short: perdure %s\n", c->alias);
	fputs("\nOptions:\n", out);
	opt_print(c->opts, out);
	opt_print(opt_common, out);
}
