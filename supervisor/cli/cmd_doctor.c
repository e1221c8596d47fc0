/*
 * cmd_doctor - perdure doctor: one line a check, with the reason and the
 * cure, then the sandbox level that this host can give.
 */
#include <config.h>

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/run.h"
#include "base/runtime.h"
#include "cli/client.h"
#include "cli/data.h"
#include "cli/host.h"
#include "cli/show.h"
#include "cli/table.h"

#define DOCTOR_POSTGRES_LEAST 15
#define DOCTOR_FREE_LEAST (1024LL * 1024 * 1024)
#define DOCTOR_FILES_LEAST 4096

enum verdict {
	OK,
	WARN,
	FAIL,
};

static const char *const verdict_names[] = { "ok", "warn", "fail" };

struct doctor {
	const struct args *args;
	struct host host;
	json_t *checks;
	bool failed;
};

static void doctor_say(struct doctor *, enum verdict, const char *name,
    const char *cure, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void
doctor_say(struct doctor *d, enum verdict v, const char *name,
    const char *cure, const char *fmt, ...)
{
	own_free char *reason = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&reason, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (v == FAIL)
		d->failed = true;
	json_array_append_new(d->checks,
	    json_pack("{s:s, s:s, s:s, s:s}", "Name", name, "Status",
		verdict_names[v], "Reason", reason, "Cure",
		v == OK ? "" : cure));
}

/* ---- kernel ---- */

static void
check_kernel(struct doctor *d)
{
	const struct host *h = &d->host;
	bool old = h->kernel[0] < 5 || (h->kernel[0] == 5 && h->kernel[1] < 12);

	doctor_say(d, old ? FAIL : OK, "kernel", "run Linux 5.12 or newer",
	    "Linux %s", h->release);
}

static void
check_namespaces(struct doctor *d)
{
	const struct host *h = &d->host;
	const int *tried = h->root ? h->ns : h->user_ns;
	int i;

	for (i = 0; i < HOST_NS_COUNT; i++) {
		own_free char *name =
		    xasprintf("namespace: %s", host_namespace_names[i]);
		bool user = i == HOST_NS_USER;
		int e = user ? h->user_ns[i] : tried[i];

		if (e == 0)
			doctor_say(d, OK, name, "", "%s",
			    h->root && !user ? "made as root" : "made");
		else
			doctor_say(d, user && h->root ? WARN : FAIL, name,
			    "sysctl kernel.unprivileged_userns_clone, "
			    "user.max_user_namespaces; AppArmor's "
			    "restriction; or start as root",
			    "%s", strerror(e));
	}
}

static void
check_errno(struct doctor *d, enum verdict bad, const char *name, int e,
    const char *good, const char *cure)
{
	if (e == 0)
		doctor_say(d, OK, name, "", "%s", good);
	else
		doctor_say(d, bad, name, cure, "%s", strerror(e));
}

static void
check_mechanisms(struct doctor *d)
{
	const struct host *h = &d->host;

	check_errno(d, WARN, "fresh /proc", h->proc, "mounted",
	    "unmask /proc of the outer container");
	check_errno(d, FAIL, "no_new_privs", h->no_new_privs, "set",
	    "use another kernel");
	check_errno(d, FAIL, "pidfd", h->pidfd, "opened",
	    "run Linux 5.3 or newer");
	check_errno(d, WARN, "seccomp", h->seccomp_notify,
	    "filters with user notification",
	    "a kernel with CONFIG_SECCOMP_FILTER");
	if (h->landlock > 0)
		doctor_say(d, h->landlock >= 6 ? OK : WARN, "landlock",
		    "Linux 6.12 has ABI 6", "ABI %d", h->landlock);
	else
		doctor_say(d, WARN, "landlock",
		    "boot with lsm=landlock,...", "%s",
		    strerror(-h->landlock));
}

/* ---- programs ---- */

static void
check_runtimes(struct doctor *d)
{
	own_buf struct buf names = BUF_INIT;
	struct runtime_list list;
	struct err err;
	size_t i;

	if (runtime_list_find(d->args->env, &list, &err) != 0) {
		doctor_say(d, FAIL, "runtimes", "correct --runtime", "%s",
		    err.text);
		return;
	}
	for (i = 0; i < list.n; i++)
		buf_fmt(&names, "%s%s%s%s", i > 0 ? ", " : "",
		    list.v[i].name->name,
		    list.v[i].version[0] != '\0' ? " " : "",
		    list.v[i].version);
	/* provided.al2023 needs nothing and is always there. */
	doctor_say(d, list.n > 1 ? OK : WARN, "runtimes",
	    "install python3 or nodejs, or name one: --runtime NAME=PATH",
	    "%s", names.data);
	runtime_list_free(&list);
}

static int
postgres_version(const char *program)
{
	const char *const argv[] = { program, "--version", NULL };
	own_buf struct buf out = BUF_INIT;
	struct err ignored;
	const char *digits;

	if (run_program(argv, &out, 1, &ignored) != 0 || out.len == 0)
		return 0;
	digits = strpbrk(out.data, "0123456789");
	return digits != NULL ? atoi(digits) : 0;
}

static void
postgres_try(const char *pattern, char **best, int *version)
{
	glob_t g;
	size_t i;

	if (glob(pattern, 0, NULL, &g) != 0)
		return;
	for (i = 0; i < g.gl_pathc; i++) {
		int v = postgres_version(g.gl_pathv[i]);

		if (v > *version) {
			free(*best);
			*best = xstrdup(g.gl_pathv[i]);
			*version = v;
		}
	}
	globfree(&g);
}

static void
check_postgres(struct doctor *d)
{
	own_free char *best = NULL;
	int version = 0;

	postgres_try("/usr/lib/postgresql/*/bin/postgres", &best, &version);
	postgres_try("/usr/pgsql-*/bin/postgres", &best, &version);
	postgres_try("/usr/bin/postgres", &best, &version);
	postgres_try("/usr/local/bin/postgres", &best, &version);
	if (version >= DOCTOR_POSTGRES_LEAST)
		doctor_say(d, OK, "postgres", "", "%d: %s", version, best);
	else
		doctor_say(d, WARN, "postgres",
		    "apt-get install postgresql, or serve --database URL",
		    version > 0 ? "%d is too old: 15 is needed"
				: "no server programs found%.0d",
		    version);
}

/* ---- resources ---- */

static void
check_data(struct doctor *d)
{
	own_free char *path = data_folder_path(d->args);
	own_free char *there = xstrdup(path);
	struct statvfs fs;
	char *slash;
	long long bytes;

	/* The nearest folder that is there already. */
	while (access(there, F_OK) != 0 &&
	    (slash = strrchr(there, '/')) != NULL && slash != there)
		*slash = '\0';
	if (access(there, W_OK) != 0 || statvfs(there, &fs) != 0) {
		doctor_say(d, FAIL, "data folder", "choose one with --data",
		    "%s: %s", path, strerror(errno));
		return;
	}
	bytes = (long long)fs.f_bavail * (long long)fs.f_frsize;
	doctor_say(d, bytes < DOCTOR_FREE_LEAST ? WARN : OK, "data folder",
	    "make room", "%s: %lld MiB and %llu inodes free", path,
	    bytes / (1024 * 1024), (unsigned long long)fs.f_favail);
}

static void
check_files(struct doctor *d)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	doctor_say(d, limit.rlim_max < DOCTOR_FILES_LEAST ? WARN : OK,
	    "open files", "LimitNOFILE= in the unit, or ulimit -n",
	    "%llu, at most %llu", (unsigned long long)limit.rlim_cur,
	    (unsigned long long)limit.rlim_max);
}

/* Each answer that a processor waits for idle costs it the way back. */
static void
check_idle(struct doctor *d)
{
	long ns = d->host.halt_poll_ns;

	if (ns < 0)
		return;
	doctor_say(d, ns == 0 ? WARN : OK, "idle processors",
	    "for faster steps: echo 200000 > "
	    "/sys/module/haltpoll/parameters/guest_halt_poll_ns",
	    ns == 0 ? "given back to the host at once%.0ld" :
	    "wait %ld ns for work", ns);
}

/* ---- result ---- */

/*
 * What the server itself finds at its start: a sandbox is built with the
 * real code, and what runs in it tries to get out.
 */
static json_t *
doctor_sandbox(void)
{
	static const char *const argv[] = { "/proc/self/exe", "--role",
		"probe", NULL };
	own_buf struct buf out = BUF_INIT;
	struct err ignored;

	if (run_program(argv, &out, 1, &ignored) != 0)
		return NULL;
	return json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
}

static const char *
mechanism_cure(const char *name)
{
	if (strncmp(name, "cgroup_", 7) == 0)
		return "Delegate=yes in the unit, or systemd-run --user "
		    "--scope; in a container a writable cgroup";
	if (strcmp(name, "own_uid") == 0)
		return "start as root; it drops what it does not need";
	if (strcmp(name, "landlock") == 0)
		return "boot with lsm=landlock,...; Linux 6.12 has ABI 6";
	if (strcmp(name, "proc") == 0)
		return "unmask /proc of the outer container";
	return "see \"Sandbox\" in perdure(1)";
}

static void
check_sandbox(struct doctor *d, const json_t *report)
{
	const char *name;
	json_t *how;

	if (report == NULL) {
		doctor_say(d, FAIL, "sandbox", "see the log of perdure serve",
		    "the self-test did not run");
		return;
	}
	json_object_foreach(json_object_get(report, "mechanisms"), name, how) {
		const char *text = json_string_value(how);
		own_free char *row = xasprintf("sandbox: %s", name);

		if (text == NULL)
			continue;
		doctor_say(d, strncmp(text, "off", 3) == 0 ? WARN : OK, row,
		    mechanism_cure(name), "%s", text);
	}
	json_object_foreach(json_object_get(report, "tries"), name, how) {
		own_free char *row = xasprintf("self-test: %s", name);

		doctor_say(d, strcmp(json_string_value(how), "held") == 0 ?
		    OK : WARN, row, "a higher sandbox level", "%s",
		    json_string_value(how));
	}
}

/* What functions may ask for: "on", "on; but", "off: why". */
static void
check_offer(struct doctor *d, const json_t *report, const char *member,
    const char *name, const char *cure)
{
	const char *how = report == NULL ? NULL :
	    json_string_value(json_object_get(report, member));
	bool good = how != NULL && strncmp(how, "on", 2) == 0;

	if (how != NULL)
		doctor_say(d, good && strchr(how, ';') == NULL ? OK : WARN,
		    name, cure, "%s", how);
}

static void
doctor_table(const struct doctor *d)
{
	static const char *const titles[] = { "CHECK", "", "REASON", NULL };
	struct table t;
	const json_t *c;
	size_t i;

	table_begin(&t, titles);
	json_array_foreach(d->checks, i, c) {
		const char *cure = show_str(c, "Cure");

		table_cell(&t, show_str(c, "Name"));
		table_cell(&t, show_str(c, "Status"));
		table_cellf(&t, "%s%s%s", show_str(c, "Reason"),
		    cure[0] != '\0' ? "; cure: " : "", cure);
	}
	table_end(&t, stdout, 0);
}

int
cmd_doctor(struct args *args)
{
	struct doctor d = { .args = args, .checks = json_array() };
	own_json json_t *all = NULL;
	own_json json_t *report = NULL;
	const char *level;

	host_look(&d.host);
	check_kernel(&d);
	check_namespaces(&d);
	check_mechanisms(&d);
	report = doctor_sandbox();
	check_sandbox(&d, report);
	check_offer(&d, report, "network", "perdure:egress=full",
	    "see \"Outgoing network\" in perdure(1)");
	check_offer(&d, report, "snapstart", "SnapStart",
	    "a sandbox level with namespaces; published versions start "
	    "without it");
	check_runtimes(&d);
	check_postgres(&d);
	check_data(&d);
	check_files(&d);
	check_idle(&d);
	level = report == NULL ? "none" : show_str(report, "level");
	all = json_pack("{s:o, s:s, s:O?}", "Checks", d.checks, "Sandbox",
	    level, "SandboxReport", report);
	if (args->json)
		show_json(all);
	else {
		doctor_table(&d);
		printf("sandbox level: %s\n", level);
	}
	return d.failed ? EXIT_FAILED : EXIT_DONE;
}
