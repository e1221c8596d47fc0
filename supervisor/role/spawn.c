#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/runtime.h"
#include "role/sandbox.h"
#include "role/spawn_int.h"

/* A sandbox is up in milliseconds; this is for a machine that stands still. */
#define SPAWN_UP_MS 20000
/* AWS gives one CPU for so many MB. */
#define SPAWN_CPU_MB 1769

void
spawn_init(struct spawn *s, const struct config *config,
    const struct data *data, struct link *link, struct cgroups *groups,
    struct network *network)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	s->data = data;
	s->link = link;
	s->network = network;
	s->next_uid = SANDBOX_UID_FIRST;
	sandbox_kit_init(&s->kit, config);
	s->kit.groups = groups;
	starters_init(&s->starters, &s->kit, groups);
	warm_init(&s->warm);
	snaps_init(&s->snaps);
	fair_init(&s->fair, spec_leaves_out(s->kit.without, "turns"));
	LIST_INIT(&s->list);
}

void
spawned_drop(struct spawn *s, struct spawned *w)
{
	LIST_REMOVE(w, link);
	s->count--;
	if (w->channel >= 0)
		close(w->channel);
	network_ended(s->network, w->way);
	fair_leave(&s->fair, &w->seat);
	if (w->group != NULL)
		starters_drop(&s->starters, w->group);
	blank_close(w);
	free(w);
}

void
spawn_free(struct spawn *s)
{
	while (!LIST_EMPTY(&s->list))
		spawned_drop(s, LIST_FIRST(&s->list));
	blanks_free(s);
	warm_free(&s->warm);
	snaps_free(&s->snaps);
	fair_free(&s->fair);
	if (s->kit.program != NULL)
		starters_close(&s->starters);
	sandbox_kit_free(&s->kit);
}

static struct spawned *
spawn_find(struct spawn *s, uint64_t id)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link)
		if (w->kind == NULL && w->id == id)
			return w;
	return NULL;
}

int
spawn_is_code(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int order_check(const struct order *, struct err *);

int
order_read(struct order *o, struct msg_in *m, struct err *err)
{
	uint32_t i;

	memset(o, 0, sizeof(*o));
	o->id = msg_u64(m);
	o->function = msg_str(m);
	o->version = msg_str(m);
	o->runtime = msg_str(m);
	o->code = msg_str(m);
	o->memory_mb = msg_u32(m);
	o->tmp_mb = msg_u32(m);
	o->init_ms = msg_u32(m);
	o->nenvs = msg_u32(m);
	if (o->nenvs > SPEC_ENVS_MOST)
		return err_set(err, ERR_INVALID, "%u variables", o->nenvs);
	for (i = 0; i < o->nenvs && !m->bad; i++)
		o->envs[i] = msg_str(m);
	o->is_networked = msg_u32(m);
	o->snapshot = msg_str(m);
	return msg_done(m, err) < 0 ? -1 : order_check(o, err);
}

/* What no control of ours would ever send. */
static int
order_check(const struct order *o, struct err *err)
{
	uint32_t i;

	if (!spawn_is_code(o->code))
		return err_set(err, ERR_INVALID, "code %s", o->code);
	if (o->memory_mb < SPAWN_MEMORY_LEAST ||
	    o->memory_mb > SPAWN_MEMORY_MOST ||
	    o->tmp_mb < SPAWN_TMP_LEAST || o->tmp_mb > SPAWN_TMP_MOST ||
	    o->init_ms < SPAWN_INIT_LEAST_MS ||
	    o->init_ms > SPAWN_INIT_MOST_MS)
		return err_set(err, ERR_INVALID, "memory %u tmp %u init %u",
		    o->memory_mb, o->tmp_mb, o->init_ms);
	if (o->is_networked > 1)
		return err_set(err, ERR_INVALID, "network %u",
		    o->is_networked);
	if (o->snapshot[0] != '\0' && !spawn_is_code(o->snapshot))
		return err_set(err, ERR_INVALID, "snapshot %s", o->snapshot);
	for (i = 0; i < o->nenvs; i++)
		if (strchr(o->envs[i], '=') == NULL || o->envs[i][0] == '=')
			return err_set(err, ERR_INVALID, "variable %u", i);
	return 0;
}

/* One that no live worker has; there are far more than workers. */
static uint32_t
spawn_uid(struct spawn *s)
{
	struct spawned *w;
	uint32_t uid;

	do {
		uid = s->next_uid++;
		if (s->next_uid > SANDBOX_UID_LAST)
			s->next_uid = SANDBOX_UID_FIRST;
		LIST_FOREACH(w, &s->list, link)
			if (w->uid == uid)
				break;
	} while (w != NULL);
	return uid;
}

static int
way_is_used(const struct spawn *s, uint32_t way)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link)
		if (w->way == way)
			return 1;
	return 0;
}

/* In turn: what had one last is then long gone from the router. */
int
spawn_way(struct spawn *s, struct spawned *w, const struct order *o,
    struct spec *spec, struct err *err)
{
	uint32_t most = network_ways(s->network), i;

	if (!o->is_networked)
		return 0;
	for (i = 0; i < most && w->way == 0; i++) {
		s->network->next = s->network->next % most + 1;
		if (!way_is_used(s, s->network->next))
			w->way = s->network->next;
	}
	if (most > 0 && w->way == 0)
		return err_set(err, ERR_LIMIT, "egress.range has no address "
		    "left");
	return network_way(s->network, w->way, spec, err);
}

static void
spec_add_mount(struct spec *spec, const char *source, const char *target,
    uint32_t writable)
{
	spec->mounts[spec->nmounts++] = (struct spec_mount){ source, target,
		writable };
}

static void
spec_add_test_bind(const struct spawn *s, struct spec *spec)
{
#ifdef PD_FAILPOINTS
	const char *folder = config_text(s->config, "sandbox.test_bind");

	if (folder[0] == '/')
		spec_add_mount(spec, folder, "/mnt/ledger", 1);
#else
	(void)s;
	(void)spec;
#endif
}

/* What a function of that size gets of a CPU, in thousandths. */
static uint32_t
spawn_cpu_share(uint32_t memory_mb)
{
	return memory_mb * 1000 / SPAWN_CPU_MB;
}

/*
 * While it starts, and always unless sandbox.cpu is strict, a worker has as
 * many whole CPUs as its share touches: a handler that runs on one thread
 * then never waits for a period to end.
 */
static uint32_t
spawn_cpu_whole(uint32_t memory_mb)
{
	return (memory_mb + SPAWN_CPU_MB - 1) / SPAWN_CPU_MB * 1000;
}

/*
 * /tmp lies in memory, so the kernel's limit has room for all of it; that
 * the rest stays within MemorySize is watched by control.
 */
int
spawn_limit(struct spawn *s, struct spawned *w, uint32_t memory_mb,
    uint32_t tmp_mb, struct err *err)
{
	struct cgroup_limits limits = {
		.memory = ((uint64_t)memory_mb + tmp_mb) << 20,
		.pids = (uint32_t)config_count(s->config, "sandbox.pids"),
		.memory_mb = memory_mb,
	};

	w->memory_mb = memory_mb;
	if (cgroup_limit(w->group, &limits, err) < 0)
		return -1;
	return cgroup_cpu(w->group, spawn_cpu_whole(memory_mb), err);
}

int
spawn_fill(struct spawn *s, struct spec *spec, uint32_t memory_mb,
    struct spawned *w, struct err *err)
{
	struct starter one;

	if (starters_take(&s->starters, &one, err) < 0)
		return -1;
	w->group = one.group;
	if (spawn_limit(s, w, memory_mb, spec->tmp_mb, err) < 0 ||
	    sandbox_tell(&s->kit, one.channel, spec, err) < 0) {
		starters_give_up(&s->starters, &one);
		w->group = NULL;
		return -1;
	}
	w->starter = one.pid;
	w->channel = one.channel;
	return 0;
}

int
spawn_plan(struct spawn *s, const char *runtime, uint32_t memory_mb,
    struct spec *spec, struct runtime_plan *plan, struct err *err)
{
	spec_add_test_bind(s, spec);
	return runtime_plan(s->config, s->data, runtime, memory_mb, spec, plan,
	    err);
}

static int
spawn_start(struct spawn *s, const struct order *o, const char *code,
    struct spawned *w, struct err *err)
{
	own_free char *warm = warm_folder(s, o->code, o->runtime);
	struct runtime_plan plan = { .nkeep = 0 };
	struct spec spec = { .job = SPEC_RUN, .uid = w->uid,
		.tmp_mb = o->tmp_mb, .nenvs = o->nenvs };
	int r;

	memcpy(spec.envs, o->envs, sizeof(char *) * o->nenvs);
	if (spawn_way(s, w, o, &spec, err) < 0)
		return -1;
	spec_add_mount(&spec, code, "/var/task", 0);
	if (warm != NULL)
		spec_add_mount(&spec, warm, WARM_TARGET, 0);
	if (o->snap != NULL)
		spec_add_mount(&spec, o->snap, SNAP_TARGET, 0);
	r = spawn_plan(s, o->runtime, o->memory_mb, &spec, &plan, err);
	if (r == 0 && o->snap != NULL)
		snap_args(&spec, 0);
	if (r == 0)
		r = spawn_fill(s, &spec, o->memory_mb, w, err);
	if (r == 0)
		fair_join(&s->fair, &w->seat, o->function, w->group,
		    o->memory_mb);
	runtime_plan_free(&plan);
	return r;
}

static int
spawned_lacked_memory(const struct spawned *w)
{
	return w->group != NULL && WIFSIGNALED(w->status) &&
	    WTERMSIG(w->status) == SIGKILL && cgroup_ooms(w->group) > 0;
}

static void
spawned_gone(struct spawn *s, struct spawned *w)
{
	uint64_t peak = w->group == NULL ? 0 : cgroup_peak(w->group);
	struct msg_out m = { 0 };
	struct err err;

	if (w->kind != NULL) {
		blank_gone(s, w);
		spawned_drop(s, w);
		return;
	}

	msg_begin(&m, MSG_WORKER_GONE);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, (uint32_t)w->status);
	msg_put_u32(&m, (uint32_t)spawned_lacked_memory(w));
	msg_put_u64(&m, w->cpu_us);
	msg_put_u64(&m, peak > 0 ? peak : w->resident);
	msg_put_str(&m, w->is_up ? "" : w->why[0] != '\0' ? w->why :
	    "ended before it was up");
	link_send(s->link, &m, &err);
	log_debug("worker gone id=%llu up=%d status=%#x why=%s",
	    (unsigned long long)w->id, w->is_up, (unsigned int)w->status,
	    w->why);
	spawned_drop(s, w);
}

struct spawned *
spawned_new(struct spawn *s, uint64_t id)
{
	struct spawned *w = xcalloc(1, sizeof(*w));
	int i;

	w->id = id;
	w->channel = w->variables = w->binder.channel = -1;
	for (i = 0; i < SPEC_UP_FDS; i++)
		w->fds[i] = -1;
	w->uid = spawn_uid(s);
	LIST_INSERT_HEAD(&s->list, w, link);
	s->count++;
	return w;
}

/* By a blank that is ready, or from the beginning. */
static int
spawn_serve(struct spawn *s, const struct order *o, struct spawned **out,
    struct err *err)
{
	own_free char *code = xasprintf("%s/code/%s", s->data->path, o->code);
	struct spawned *w = blank_take(s, o);
	int is_blank = w != NULL;

	if (!is_blank)
		w = spawned_new(s, o->id);
	w->is_restored = o->snap != NULL;
	*out = w;
	if (access(code, F_OK) < 0) {
		err_sys(err, "code %.12s", o->code);
		if (is_blank)
			*out = spawned_new(s, o->id);
		return -1;
	}
	if (spawn_busy(s) > config_count(s->config, "workers.max"))
		return err_set(err, ERR_LIMIT, "there are %d workers already",
		    spawn_busy(s) - 1);
	if (is_blank)
		return blank_bind(s, w, o, err);
	w->up_by_ms = env_mono_ms(env_system()) + SPAWN_UP_MS;
	return spawn_start(s, o, code, w, err);
}

static const char *
order_handler(const struct order *o)
{
	uint32_t i;

	for (i = 0; i < o->nenvs; i++)
		if (strncmp(o->envs[i], "_HANDLER=", 9) == 0)
			return o->envs[i] + 9;
	return "";
}

int
spawn_on_start(struct spawn *s, struct msg_in *m, struct err *err)
{
	struct order o;
	struct spawned *w;
	struct err why;
	int r;

	if (order_read(&o, m, err) < 0)
		return -1;
	if (spawn_find(s, o.id) != NULL)
		return err_set(err, ERR_INVALID, "worker %llu is there",
		    (unsigned long long)o.id);
	o.snap = snap_folder(s, &o);
	r = spawn_serve(s, &o, &w, &why);
	free(o.snap);
	if (r == 0) {
		warm_ask(s, o.code, o.runtime, order_handler(&o), o.memory_mb);
		return 0;
	}
	snprintf(w->why, sizeof(w->why), "%.239s", why.text);
	if (w->first > 0 || w->starter > 0)
		spawned_kill(w);
	else
		spawned_gone(s, w);
	return 0;
}

/* The first process takes its whole namespace along; frozen or not. */
void
spawned_kill(struct spawned *w)
{
	if (w->first > 0)
		kill(w->first, SIGKILL);
	if (w->starter > 0)
		kill(w->starter, SIGKILL);
	if (w->group != NULL)
		cgroup_kill(w->group);
}

int
spawn_on_kill(struct spawn *s, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m);
	uint32_t how = msg_u32(m);
	struct spawned *w;

	if (msg_done(m, err) < 0)
		return -1;
	if (how > 1)
		return err_set(err, ERR_INVALID, "WORKER_KILL how %u", how);
	w = spawn_find(s, id);
	if (w == NULL)
		return 0;	/* its WORKER_GONE is on the way */
	if (how == 1 || w->first == 0) {
		spawned_kill(w);
	} else {
		kill(w->first, SIGTERM);
		cgroup_thaw(w->group);
	}
	return 0;
}

int
spawn_on_ready(struct spawn *s, struct msg_in *m, struct err *err)
{
	uint64_t id = msg_u64(m);
	struct spawned *w;
	struct err why;

	if (msg_done(m, err) < 0)
		return -1;
	w = spawn_find(s, id);
	if (w != NULL)
		w->is_ready = 1;
	if (w == NULL || w->group == NULL ||
	    strcmp(config_text(s->config, "sandbox.cpu"), "strict") != 0)
		return 0;
	if (cgroup_cpu(w->group, spawn_cpu_share(w->memory_mb), &why) == 0)
		return 0;
	/* Never with less than was promised. */
	log_error("worker without its limit ends: %s", why.text);
	spawned_kill(w);
	return 0;
}

void
spawn_kill_all(struct spawn *s, int blanks_too)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link)
		if (blanks_too || w->kind == NULL)
			spawned_kill(w);
}

int
spawn_busy(const struct spawn *s)
{
	return s->count - s->nblanks;
}

int
spawn_poll(struct spawn *s, struct pollfd *p, int most)
{
	struct spawned *w;
	int n = 0;

	LIST_FOREACH(w, &s->list, link) {
		if (w->channel >= 0 && n < most)
			p[n++] = (struct pollfd){ w->channel, POLLIN, 0 };
		if (w->binder.channel >= 0 && n < most)
			p[n++] = (struct pollfd){ w->binder.channel, POLLIN,
				0 };
	}
	n += warm_poll(s, p + n, most - n);
	return n + snap_poll(s, p + n, most - n);
}

static int
spawned_send_group(struct spawn *s, struct spawned *w, struct err *err)
{
	struct cgroup_watch watch;
	struct msg_out m = { 0 };
	int i, r;

	if (cgroup_watch(w->group, &watch, err) < 0)
		return -1;
	msg_begin(&m, MSG_WORKER_GROUP);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, watch.freezer);
	msg_put_u32(&m, watch.memory);
	for (i = 0; i < 4; i++)
		msg_put_fd(&m, watch.fds[i]);
	r = link_send(s->link, &m, err);
	for (i = 0; i < 4; i++)
		close(watch.fds[i]);
	return r;
}

void
spawned_up(struct spawn *s, struct spawned *w, const int *fds)
{
	struct msg_out m = { 0 };
	struct err err;
	int i;

	if (spawned_send_group(s, w, &err) < 0) {
		snprintf(w->why, sizeof(w->why), "%.239s", err.text);
		spawned_kill(w);
		return;
	}
	w->is_up = 1;
	msg_begin(&m, MSG_WORKER_UP);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, (uint32_t)w->is_restored);
	for (i = 0; i < SPEC_UP_FDS; i++)
		msg_put_fd(&m, fds[i]);
	link_send(s->link, &m, &err);
}

/* Its interface is there; nothing carries its packets yet. */
static void
spawned_tun(struct spawn *s, struct spawned *w, int tun)
{
	struct err err;

	w->stack = network_stack(s->network, w->way, tun, w->group, &err);
	if (w->stack > 0)
		return;
	w->stack = 0;
	snprintf(w->why, sizeof(w->why), "%.239s", err.text);
	spawned_kill(w);
}

static void
spawned_report(struct spawn *s, struct spawned *w,
    const struct spec_report *report, int *fds, int *nfds)
{
	switch (report->kind) {
	case REPORT_PID:
		w->first = w->had_first ? 0 : (pid_t)report->value;
		w->had_first = 1;
		break;
	case REPORT_UP:
		log_debug("sandbox up id=%llu us=%llu",
		    (unsigned long long)w->id,
		    (unsigned long long)report->bytes);
		if (w->kind != NULL)
			blank_report(s, w, report, fds, nfds);
		else if (!w->is_up && *nfds == SPEC_UP_FDS)
			spawned_up(s, w, fds);
		break;
	case REPORT_TUN:
		if (w->way != 0 && w->stack == 0 && *nfds == 1)
			spawned_tun(s, w, fds[0]);
		break;
	case REPORT_BLANK:
		if (w->kind != NULL)
			blank_report(s, w, report, fds, nfds);
		break;
	case REPORT_GONE:
		w->is_reported = 1;
		w->status = (int)report->value;
		break;
	case REPORT_FAILED:
		if (w->why[0] == '\0')
			memcpy(w->why, report->text, sizeof(w->why));
		break;
	default:
		log_error("worker report kind=%u", report->kind);
	}
}

static void
spawned_read(struct spawn *s, struct spawned *w)
{
	struct spec_report report;
	struct err err;
	int fds[SPEC_UP_FDS], nfds, gone = 0, r;

	while (w->channel >= 0) {
		r = spec_report_recv(w->channel, &report, fds, &nfds, &gone,
		    &err);
		if (r > 0) {
			spawned_report(s, w, &report, fds, &nfds);
			while (nfds > 0)
				close(fds[--nfds]);
			continue;
		}
		if (r == 0 && !gone)
			return;
		close(w->channel);
		w->channel = -1;
	}
}

void
spawn_read(struct spawn *s)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link) {
		spawned_read(s, w);
		blank_read(s, w);
	}
	warm_read(s);
	snap_read(s);
}

static void
spawned_usage(struct spawned *w, const struct rusage *ru)
{
	w->cpu_us = (uint64_t)ru->ru_utime.tv_sec * 1000000 +
	    (uint64_t)ru->ru_utime.tv_usec +
	    (uint64_t)ru->ru_stime.tv_sec * 1000000 +
	    (uint64_t)ru->ru_stime.tv_usec;
	w->resident = (uint64_t)ru->ru_maxrss * 1024;
}

static struct spawned *
spawn_by_pid(struct spawn *s, pid_t pid)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link)
		if (w->starter == pid || w->first == pid || w->stack == pid)
			return w;
	return NULL;
}

/* What a worker that outlives its stack sent would go nowhere. */
static void
spawned_lost_network(struct spawned *w, int status)
{
	if (w->starter == 0 && w->first == 0)
		return;
	log_info("the network of a worker ended id=%llu status=%#x",
	    (unsigned long long)w->id, (unsigned int)status);
	if (w->why[0] == '\0')
		snprintf(w->why, sizeof(w->why), "its network ended");
	spawned_kill(w);
}

/*
 * A process that ended has said all it had to say, so its reports are read
 * first: they tell which first process is whose.
 */
int
spawn_reaped(struct spawn *s, pid_t pid, int status, const struct rusage *ru)
{
	struct spawned *w = spawn_by_pid(s, pid);

	if (w == NULL && (starters_reaped(&s->starters, pid) ||
	    blank_reaped(s, pid) || warm_reaped(s, pid, status) ||
	    snap_reaped(s, pid, status)))
		return 1;
	if (w == NULL) {
		spawn_read(s);
		w = spawn_by_pid(s, pid);
	}
	if (w == NULL)
		return 0;
	spawned_read(s, w);
	if (w->starter == pid) {
		w->starter = 0;
		if (!w->had_first)
			w->status = status;
	} else if (w->stack == pid) {
		w->stack = 0;
		spawned_lost_network(w, status);
	} else {
		w->first = 0;
		spawned_usage(w, ru);
		if (!w->is_reported)
			w->status = status;
	}
	if (w->starter != 0 || w->first != 0)
		return 1;
	/* Last, so that the worker never runs without. */
	if (w->stack != 0)
		kill(w->stack, SIGKILL);
	else
		spawned_gone(s, w);
	return 1;
}

int64_t
spawn_tick(struct spawn *s, int64_t now_ms)
{
	struct spawned *w;
	int64_t left = blanks_tick(s, now_ms);
	int64_t least = starters_tick(&s->starters, now_ms);

	if (left >= 0 && (least < 0 || left < least))
		least = left;
	left = fair_tick(&s->fair, now_ms);
	if (left >= 0 && (least < 0 || left < least))
		least = left;
	left = snap_tick(s, now_ms);
	if (left >= 0 && (least < 0 || left < least))
		least = left;
	left = warm_tick(s, now_ms);
	if (left >= 0 && (least < 0 || left < least))
		least = left;
	LIST_FOREACH(w, &s->list, link) {
		if (w->is_up || w->up_by_ms == 0)
			continue;
		left = w->up_by_ms - now_ms;
		if (left <= 0) {
			snprintf(w->why, sizeof(w->why),
			    "the sandbox was not up in time");
			w->up_by_ms = 0;
			spawned_kill(w);
		} else if (least < 0 || left < least) {
			least = left;
		}
	}
	return least;
}
