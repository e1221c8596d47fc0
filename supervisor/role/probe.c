#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/network.h"
#include "role/probe.h"
#include "role/snap.h"
#include "worker/landlock.h"
#include "worker/selftest.h"

#define PROBE_MS 10000
#define PROBE_OUTPUT_MOST 8192
#define PROBE_TMP_MB 1
#define MECH_LOCKS (MECH_SECCOMP | MECH_LANDLOCK)
/* Landlock that also holds signals and abstract sockets. */
#define PROBE_PROCESS_ABI 6

/* From most to least; a host without user namespaces may still be root's. */
static const struct {
	uint32_t mech;
	int needs_root;
} probe_choices[] = {
	{ MECH_LOCKS | MECH_SPACES | MECH_PROC, 0 },
	{ MECH_LOCKS | MECH_SPACES, 0 },
	{ MECH_LOCKS | (MECH_SPACES & ~MECH_USER) | MECH_PROC, 1 },
	{ MECH_LOCKS | (MECH_SPACES & ~MECH_USER), 1 },
	{ MECH_LOCKS, 0 },
	{ 0, 0 },
};

#define PROBE_CHOICES (sizeof(probe_choices) / sizeof(*probe_choices))

static const char *const probe_levels[] = {
	"none", "process", "userns", "full",
};

static const struct {
	const char *name;
	uint32_t mech;
} probe_mechs[] = {
	{ "own_uid", MECH_ROOT },
	{ "userns", MECH_USER },
	{ "mountns", MECH_MOUNT },
	{ "pidns", MECH_PID },
	{ "netns", MECH_NET },
	{ "ipcns", MECH_IPC },
	{ "utsns", MECH_UTS },
	{ "cgroupns", MECH_CGROUP },
	{ "proc", MECH_PROC },
	{ "seccomp", MECH_SECCOMP },
};

#define PROBE_MECHS (sizeof(probe_mechs) / sizeof(*probe_mechs))

/* What lies outside for the try, and what came of it. */
struct try {
	struct sandbox_kit *kit;
	struct cgroups *groups;
	char limits[48];	/* in force: words */
	char folder[40], file[48], port[8], abstract[48];
	int listener, named;
	char output[PROBE_OUTPUT_MOST];
	size_t len;
};

int
probe_rank(const char *level)
{
	int i;

	for (i = 0; i < 4; i++)
		if (strcmp(level, probe_levels[i]) == 0)
			return i;
	return -1;
}

static const char *
probe_limit(const struct config *config, const char *what)
{
	char fact[48];
	const char *how;

	snprintf(fact, sizeof(fact), "sandbox.cgroup_%s", what);
	how = config_fact(config, fact);
	return how == NULL ? "off: not looked for" : how;
}

int
probe_has_limit(const struct config *config, const char *what)
{
	return strncmp(probe_limit(config, what), "off", 3) != 0;
}

/* The canaries */

static int
try_file(struct try *t, struct err *err)
{
	own_fd int fd = -1;

	snprintf(t->folder, sizeof(t->folder), "/tmp/perdure-canary-XXXXXX");
	if (mkdtemp(t->folder) == NULL) {
		t->folder[0] = '\0';
		return err_sys(err, "canary folder");
	}
	snprintf(t->file, sizeof(t->file), "%s/file", t->folder);
	fd = open(t->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || chmod(t->folder, 0755) < 0)
		return err_sys(err, "canary file");
	return 0;
}

static int
try_listener(struct try *t, struct err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->listener < 0 ||
	    bind(t->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(t->listener, 8) < 0 ||
	    getsockname(t->listener, (struct sockaddr *)&at, &len) < 0)
		return err_sys(err, "canary listener");
	snprintf(t->port, sizeof(t->port), "%u",
	    (unsigned int)ntohs(at.sin_port));
	return 0;
}

static int
try_named(struct try *t, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n;

	/* The folder's name is nobody else's. */
	snprintf(t->abstract, sizeof(t->abstract), "%s", t->folder);
	n = strlen(t->abstract);
	memcpy(at.sun_path + 1, t->abstract, n);
	t->named = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->named < 0 || bind(t->named, (struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ||
	    listen(t->named, 8) < 0)
		return err_sys(err, "canary socket");
	return 0;
}

static void
try_close(struct try *t)
{
	if (t->listener >= 0)
		close(t->listener);
	if (t->named >= 0)
		close(t->named);
	if (t->file[0] != '\0')
		unlink(t->file);
	if (t->folder[0] != '\0')
		rmdir(t->folder);
}

static int
try_open(struct try *t, struct sandbox_kit *kit, struct cgroups *groups,
    const struct config *config, struct err *err)
{
	memset(t, 0, sizeof(*t));
	t->kit = kit;
	t->groups = groups;
	snprintf(t->limits, sizeof(t->limits), "%s%s",
	    probe_has_limit(config, "memory") ? "memory " : "",
	    probe_has_limit(config, "pids") ? "pids" : "");
	t->listener = t->named = -1;
	if (try_file(t, err) == 0 && try_listener(t, err) == 0 &&
	    try_named(t, err) == 0)
		return 0;
	try_close(t);
	return -1;
}

/* One throw-away sandbox */

struct thrown {
	pid_t starter, first;
	int channel, output;
	int64_t until_ms;
};

static int
thrown_wait(const struct thrown *w, int fd, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left = w->until_ms - env_mono_ms(env_system());

	if (left < 0 || poll(&p, 1, (int)left) <= 0)
		return err_set(err, ERR_TIMEOUT, "no answer");
	return 0;
}

static int
thrown_up(struct thrown *w, struct err *err)
{
	struct spec_report report;
	int fds[SPEC_UP_FDS], nfds, gone = 0, i, r;

	while (!gone) {
		if (thrown_wait(w, w->channel, err) < 0)
			return -1;
		r = spec_report_recv(w->channel, &report, fds, &nfds, &gone,
		    err);
		if (r < 0)
			return -1;
		if (r == 0)
			continue;
		if (report.kind == REPORT_UP && nfds == SPEC_UP_FDS)
			w->output = fds[2];
		for (i = 0; i < nfds; i++)
			if (fds[i] != w->output)
				close(fds[i]);
		if (w->output >= 0)
			return 0;
		if (report.kind != REPORT_PID)
			return err_set(err, ERR_SYSTEM, "%s", report.text);
		w->first = (pid_t)report.value;
	}
	return err_set(err, ERR_SYSTEM, "ended without a word");
}

static int
thrown_read(struct thrown *w, struct try *t, struct err *err)
{
	ssize_t n;

	t->len = 0;
	for (;;) {
		if (thrown_wait(w, w->output, err) < 0)
			return -1;
		n = read(w->output, t->output + t->len,
		    sizeof(t->output) - 1 - t->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read the self-test");
		t->len += (size_t)n;
		t->output[t->len] = '\0';
		if (n == 0 && t->len == 0)
			return err_set(err, ERR_SYSTEM, "no self-test");
		if (n == 0)
			return 0;
	}
}

static void
thrown_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* With less than any worker has, so that it is soon exceeded. */
static int
try_group(struct try *t, struct cgroup **group, struct err *err)
{
	const struct cgroup_limits limits = { .memory = SELFTEST_MEMORY,
		.pids = SELFTEST_PIDS, .memory_mb = 128 };

	if (t->limits[0] == '\0')
		return 0;
	*group = cgroup_new(t->groups, err);
	if (*group == NULL)
		return -1;
	return cgroup_limit(*group, &limits, err);
}

static void
group_end(struct cgroup *group)
{
	int i;

	if (group == NULL)
		return;
	cgroup_kill(group);
	/* What was ended may take a moment to be gone. */
	for (i = 0; i < 200 && !cgroup_remove(group); i++)
		poll(NULL, 0, 5);
	if (i == 200)
		log_warn("the group of the self-test stays");
}

static int
try_run(struct try *t, struct err *err)
{
	struct spec spec = { .job = SPEC_PROBE, .tmp_mb = PROBE_TMP_MB,
		.uid = SANDBOX_UID_LAST, .nargs = SELFTEST_ARGS,
		.args = { [SELFTEST_CANARY] = t->file,
		    [SELFTEST_PORT] = t->port,
		    [SELFTEST_ABSTRACT] = t->abstract,
		    [SELFTEST_LIMITS] = t->limits } };
	own_fd int channel = -1, output = -1;
	struct thrown w = { .channel = -1, .output = -1 };
	struct cgroup *group = NULL;
	int r;

	w.until_ms = env_mono_ms(env_system()) + PROBE_MS;
	if (try_group(t, &group, err) < 0)
		return -1;
	w.starter = sandbox_launch(t->kit, group, &channel, err);
	r = w.starter < 0 ? -1 : sandbox_tell(t->kit, channel, &spec, err);
	w.channel = channel;
	if (r == 0)
		r = thrown_up(&w, err);
	output = w.output;
	if (r == 0)
		r = thrown_read(&w, t, err);
	thrown_end(w.first);
	thrown_end(w.starter);
	group_end(group);
	return r;
}

/* The first line that says open, as far as its name; NULL: all is held. */
static const char *
try_hole(const struct try *t, char name[32])
{
	const char *line, *end, *space;

	for (line = t->output; *line != '\0'; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		space = line + strcspn(line, " \n");
		if (strncmp(space, " held", 5) == 0)
			continue;
		snprintf(name, 32, "%.*s", (int)(space - line), line);
		return name;
	}
	return NULL;
}

/* What that amounts to */

static int
has_all(uint32_t mech, uint32_t wanted)
{
	return (mech & wanted) == wanted;
}

static const char *
level_of(uint32_t mech, const struct config *config)
{
	const uint32_t spaces = MECH_MOUNT | MECH_PID | MECH_NET;

	if (!(mech & MECH_SECCOMP))
		return "none";
	if (has_all(mech, spaces | MECH_ROOT | MECH_IPC | MECH_UTS |
	    MECH_CGROUP | MECH_LANDLOCK) && probe_has_limit(config, "memory") &&
	    probe_has_limit(config, "pids"))
		return "full";
	if (has_all(mech, spaces) && mech & (MECH_USER | MECH_ROOT))
		return "userns";
	if (mech & MECH_LANDLOCK && landlock_abi() >= PROBE_PROCESS_ABI)
		return "process";
	return "none";
}

static void
report_text(struct buf *b, const char *key, const char *value)
{
	if (b->len > 0 && b->data[b->len - 1] != '{')
		buf_char(b, ',');
	buf_json(b, key, strlen(key));
	buf_char(b, ':');
	buf_json(b, value, strlen(value));
}

static void
report_one(struct probe *p, const char *name, const char *how)
{
	report_text(&p->report, name, how);
	if (strncmp(how, "off", 3) == 0)
		buf_fmt(&p->lacks, "%s%s %s", p->lacks.len > 0 ? "; " : "",
		    name, how);
}

static void
report_mechanisms(struct probe *p, const struct sandbox_kit *kit,
    const struct config *config, const char *why)
{
	char text[300], name[48];
	size_t i;

	for (i = 0; i < PROBE_MECHS; i++) {
		snprintf(text, sizeof(text), "off: %s",
		    probe_mechs[i].mech == MECH_ROOT ? "not started by root" :
		    why);
		report_one(p, probe_mechs[i].name,
		    kit->mech & probe_mechs[i].mech ? "on" : text);
	}
	snprintf(text, sizeof(text), kit->mech & MECH_LANDLOCK ? "abi %d" :
	    "off: abi %d", landlock_abi());
	report_one(p, "landlock", text);
	for (i = 0; i < CGROUP_WHATS; i++) {
		snprintf(name, sizeof(name), "cgroup_%s",
		    cgfind_name((enum cgroup_what)i));
		report_one(p, name, probe_limit(config,
		    cgfind_name((enum cgroup_what)i)));
	}
}

static void
report_tries(struct buf *b, const struct try *t)
{
	const char *line, *end;
	char name[32];
	size_t n;

	for (line = t->output; *line != '\0'; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		n = strcspn(line, " \n");
		snprintf(name, sizeof(name), "%.*s", (int)n, line);
		report_text(b, name, strncmp(line + n, " held", 5) == 0 ?
		    "held" : "open");
	}
}

static void
probe_report(struct probe *p, const struct try *t,
    const struct config *config, const char *why)
{
	struct buf *b = &p->report;

	buf_char(b, '{');
	report_text(b, "level", p->level);
	buf_str(b, ",\"mechanisms\":{");
	report_mechanisms(p, t->kit, config, why);
	buf_str(b, "},\"tries\":{");
	report_tries(b, t);
	buf_str(b, "}}");
}

/*
 * 1: it works and holds what is needed for its level; 0: it does not, with
 * the reason.
 */
static int
probe_choice(struct probe *p, struct try *t, const struct config *config,
    struct err *err)
{
	char hole[32];

	if (sandbox_kit_compile(t->kit, err) < 0 || try_run(t, err) < 0)
		return 0;
	p->level = level_of(t->kit->mech, config);
	if (!(t->kit->mech & MECH_LOCKS))
		return 1;
	/* Tests that leave out a mechanism want to see what gets through. */
	if (try_hole(t, hole) != NULL &&
	    !spec_leaves_out(t->kit->without, "selftest")) {
		err_set(err, ERR_DENIED, "the self-test could do: %s", hole);
		return 0;
	}
	if (probe_rank(p->level) > 0)
		return 1;
	err_set(err, ERR_UNAVAILABLE, "too little for a level");
	return 0;
}

static int
probe_choose(struct probe *p, struct try *t, const struct config *config,
    int is_root, struct err *err)
{
	uint32_t usable = landlock_abi() > 0 ? ~0U : ~(uint32_t)MECH_LANDLOCK;
	char why[200] = "not tried";
	size_t i;

	usable &= ~sandbox_kit_left_out(t->kit);
	for (i = 0; i < PROBE_CHOICES; i++) {
		if (probe_choices[i].needs_root && !is_root)
			continue;
		t->kit->mech = (probe_choices[i].mech |
		    (is_root ? MECH_ROOT : 0)) & usable;
		if (probe_choice(p, t, config, err)) {
			probe_report(p, t, config, why);
			return 0;
		}
		log_warn("sandbox refused mechanisms=%#x reason=\"%s\"",
		    t->kit->mech, err->text);
		snprintf(why, sizeof(why), "%.199s", err->text);
	}
	return err_wrap(err, "no sandbox at all");
}

int
probe_run(struct probe *p, struct sandbox_kit *kit, struct cgroups *groups,
    const struct config *config, int is_root, struct err *err)
{
	own_free struct try *t = xcalloc(1, sizeof(*t));
	int r;

	memset(p, 0, sizeof(*p));
	if (try_open(t, kit, groups, config, err) < 0)
		return -1;
	r = probe_choose(p, t, config, is_root, err);
	try_close(t);
	return r;
}

void
probe_free(struct probe *p)
{
	buf_free(&p->report);
	buf_free(&p->lacks);
}

void
probe_limits(struct cgroups *groups, struct config *config)
{
	const char *without = "";
	char name[64];
	int i;

#ifdef PD_FAILPOINTS
	without = config_text(config, "sandbox.without");
#endif
	cgroups_open(groups, without);
	for (i = 0; i < CGROUP_WHATS; i++) {
		snprintf(name, sizeof(name), "sandbox.cgroup_%s",
		    cgfind_name((enum cgroup_what)i));
		config_put_fact(config, name, cgroups_how(groups,
		    (enum cgroup_what)i));
	}
}

/* Not at each start: only who asks for it pays for it. */
static void
probe_more(struct probe *p, const struct config *config, uint32_t mech)
{
	const char *lack = snap_lack(mech);
	char how[400];

	network_probe(config, mech, how);
	p->report.len--;
	report_text(&p->report, "network", how);
	snprintf(how, sizeof(how), "%s%s", lack == NULL ? "on" : "off: ",
	    lack == NULL ? "" : lack);
	report_text(&p->report, "snapstart", how);
	buf_char(&p->report, '}');
}

int
probe_main(void)
{
	struct config *config = config_new();
	struct sandbox_kit kit;
	struct cgroups groups;
	struct probe probe;
	struct err err;
	int r;

	log_init("probe", LOG_WARN);
	/* What a server would start with; defaults do where that is wrong. */
	if (config_read_files(config, NULL, &err) < 0 ||
	    config_read_environ(config, &err) < 0)
		log_warn("settings: %s", err.text);
	sandbox_kit_init(&kit, config);
	probe_limits(&groups, config);
	r = probe_run(&probe, &kit, &groups, config, geteuid() == 0, &err);
	if (r == 0) {
		probe_more(&probe, config, kit.mech);
		printf("%s\n", probe.report.data);
	} else
		fprintf(stderr, "%s\n", err.text);
	probe_free(&probe);
	cgroups_close(&groups);
	sandbox_kit_free(&kit);
	config_free(config);
	return r < 0 ? 1 : 0;
}
