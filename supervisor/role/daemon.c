#include <config.h>

#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "role/config.h"
#include "role/listen.h"
#include "role/netplan.h"
#include "role/out.h"
#include "role/parent.h"
#include "role/runtime.h"
#include "role/daemon.h"

#define DAEMON_FAILED 1
#define DAEMON_USAGE 2
#define DAEMON_CONFLICT 5

static const char daemon_help[] =
"usage: perdure serve [--dev] [OPTION...]\n"
"\n"
"  perdure serve --dev                    try it: own database, loopback only\n"
"  perdure serve --dev --data ./data --listen 127.0.0.1:0\n"
"  perdure serve --config /etc/perdure/perdure.conf\n"
"\n"
"  --dev                  one process tree, no authentication unless asked for\n"
"  --listen ADDR:PORT     the API (127.0.0.1:9080); port 0 picks a free one\n"
"  --admin ADDR:PORT      metrics and health (127.0.0.1:9081)\n"
"  --data DIR             everything that is written\n"
"  --database URL         use this PostgreSQL and start none\n"
"  --auth none|sigv4      who may call\n"
"  --region R             us-east-1\n"
"  --account N            000000000000\n"
"  --require-sandbox L    full, userns, process or none: the least to accept\n"
"  --runtime NAME=PATH    interpreter of a runtime; may be repeated\n"
"  --config FILE          instead of /etc/perdure/perdure.conf\n"
"  --set TABLE.KEY=VALUE  any setting\n";

/* Options that are settings under another name. */
static const struct {
	const char *option, *setting;
} daemon_settings[] = {
	{ "listen", "api.listen" },
	{ "admin", "admin.listen" },
	{ "data", "server.data_dir" },
	{ "database", "database.url" },
	{ "auth", "api.auth" },
	{ "region", "server.region" },
	{ "account", "server.account" },
	{ "require-sandbox", "sandbox.require" },
};

#define DAEMON_SETTINGS (sizeof(daemon_settings) / sizeof(*daemon_settings))

enum daemon_option {
	DAEMON_DEV = 256,
	DAEMON_RUNTIME,
	DAEMON_CONFIG,
	DAEMON_SET,
	DAEMON_HELP,
	DAEMON_FIRST_SETTING,
};

static void
daemon_options(struct option out[DAEMON_SETTINGS + 6])
{
	static const struct option own[] = {
		{ "dev", no_argument, NULL, DAEMON_DEV },
		{ "runtime", required_argument, NULL, DAEMON_RUNTIME },
		{ "config", required_argument, NULL, DAEMON_CONFIG },
		{ "set", required_argument, NULL, DAEMON_SET },
		{ "help", no_argument, NULL, DAEMON_HELP },
	};
	size_t i;

	memcpy(out, own, sizeof(own));
	out += sizeof(own) / sizeof(*own);
	for (i = 0; i < DAEMON_SETTINGS; i++)
		*out++ = (struct option){ daemon_settings[i].option,
			required_argument, NULL, DAEMON_FIRST_SETTING +
			(int)i };
	memset(out, 0, sizeof(*out));
}

/* 0: go on; 1: help was wanted; -1: wrong. */
static int
daemon_option(struct config *config, int option, const char *arg,
    const char **file, struct err *err)
{
	switch (option) {
	case DAEMON_DEV:
		return config_set(config, "server.dev", "true", CONFIG_OPTION,
		    err);
	case DAEMON_RUNTIME:
		return runtime_set(config, arg, err);
	case DAEMON_CONFIG:
		*file = arg;
		return 0;
	case DAEMON_SET:
		return config_set_pair(config, arg, err);
	case DAEMON_HELP:
		return 1;
	case '?':
		return err_set(err, ERR_INVALID,
		    "see perdure serve --help");
	default:
		return config_set(config, daemon_settings[option -
		    DAEMON_FIRST_SETTING].setting, arg, CONFIG_OPTION, err);
	}
}

static int
daemon_read_options(struct config *config, int argc, char **argv,
    const char **file, struct err *err)
{
	struct option options[DAEMON_SETTINGS + 6];
	int option, r = 0;

	daemon_options(options);
	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, "", options,
	    NULL)) >= 0)
		r = daemon_option(config, option, optarg, file, err);
	if (r == 0 && optind < argc)
		return err_set(err, ERR_INVALID, "%s: not an option",
		    argv[optind]);
	return r;
}

static bool
daemon_matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool yes;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	yes = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return yes;
}

/* Names that clients refuse, and that no ARN of the model can have. */
static int
daemon_check_names(const struct config *config, struct err *err)
{
	const char *region = config_text(config, "server.region");
	const char *account = config_text(config, "server.account");

	if (!daemon_matches("^(eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-[0-9]$",
	    region))
		return err_set(err, ERR_INVALID, "server.region = %s is no "
		    "name of a region, such as us-east-1 or xx-local-1",
		    region);
	if (!daemon_matches("^[0-9]{12}$", account))
		return err_set(err, ERR_INVALID, "server.account = %s is not "
		    "12 digits", account);
	return 0;
}

/* Rules across settings, and defaults that depend on others. */
static int
daemon_check(struct config *config, struct err *err)
{
	int dev = config_flag(config, "server.dev");
	const char *auth, *cpu, *roles;
	const char *listen = config_text(config, "api.listen");
	int loopback = listen_is_loopback(listen, err);

	if (loopback < 0 || daemon_check_names(config, err) < 0)
		return -1;
	if (config_text(config, "api.auth")[0] == '\0')
		config_set(config, "api.auth", dev ? "none" : "sigv4",
		    CONFIG_OPTION, err);
	/* Who names a level has thought of limits; who names none has not. */
	if (config_text(config, "sandbox.require")[0] == '\0') {
		config_set(config, "sandbox.require", dev ? "none" : "userns",
		    CONFIG_OPTION, err);
		config_default(config, "sandbox.require_limits",
		    dev ? "false" : "true");
	}
	if (dev)
		config_default(config, "egress.allow", "*");
	if (out_check(config, err) < 0 || netplan_check(config, err) < 0)
		return -1;
	if (config_text(config, "roles.default")[0] == '\0')
		config_set(config, "roles.default", dev ? "invoke" : "own",
		    CONFIG_OPTION, err);
	roles = config_text(config, "roles.default");
	if (strcmp(roles, "own") != 0 && strcmp(roles, "invoke") != 0)
		return err_set(err, ERR_INVALID, "roles.default = %s is "
		    "neither own nor invoke", roles);
	if (config_text(config, "sandbox.cpu")[0] == '\0')
		config_set(config, "sandbox.cpu", dev ? "share" : "strict",
		    CONFIG_OPTION, err);
	cpu = config_text(config, "sandbox.cpu");
	if (strcmp(cpu, "strict") != 0 && strcmp(cpu, "share") != 0)
		return err_set(err, ERR_INVALID, "sandbox.cpu = %s is neither "
		    "strict nor share", cpu);
	auth = config_text(config, "api.auth");
	if (strcmp(auth, "none") != 0 && strcmp(auth, "sigv4") != 0)
		return err_set(err, ERR_INVALID, "api.auth = %s is neither "
		    "none nor sigv4", auth);
	if (!loopback && (dev || strcmp(auth, "none") == 0))
		return err_set(err, ERR_INVALID, "%s is not a loopback "
		    "address: that needs --auth sigv4 and no --dev", listen);
	if (!loopback && !config_flag(config, "tls.insecure_ok"))
		return err_set(err, ERR_INVALID, "%s is not a loopback "
		    "address: without TLS that needs "
		    "--set tls.insecure_ok=true", listen);
	if (log_level_parse(config_text(config, "log.level")) < 0)
		return err_set(err, ERR_INVALID, "log.level = %s",
		    config_text(config, "log.level"));
	return 0;
}

/* 0: serve; 1: help was wanted; -1: wrong. */
static int
daemon_configure(struct config *config, int argc, char **argv,
    struct err *err)
{
	const char *file = NULL;
	int r;

	r = daemon_read_options(config, argc, argv, &file, err);
	if (r != 0)
		return r;
	if (config_read_files(config, file, err) < 0 ||
	    config_read_environ(config, err) < 0)
		return -1;
	return daemon_check(config, err);
}

int
daemon_main(int argc, char **argv)
{
	struct config *config = config_new();
	struct err err;
	int r;

	r = daemon_configure(config, argc, argv, &err);
	if (r > 0) {
		fputs(daemon_help, stdout);
		fputs("\nsettings and their defaults:\n", stdout);
		config_print(stdout);
		config_free(config);
		return 0;
	}
	if (r < 0) {
		fprintf(stderr, "perdure serve: %s\n", err.text);
		config_free(config);
		return DAEMON_USAGE;
	}
	log_init("main", (enum log_level)log_level_parse(
	    config_text(config, "log.level")));
	r = parent_run(config, &err);
	if (r < 0)
		fprintf(stderr, "perdure serve: %s\n", err.text);
	config_free(config);
	if (r < 0)
		return err.kind == ERR_CONFLICT ? DAEMON_CONFLICT :
		    DAEMON_FAILED;
	return r;
}
