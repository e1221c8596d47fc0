#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/runtime.h"
#include "role/runtime.h"
#include "role/spawn_int.h"

#define BLANK_REFILL_MS 50	/* after an order: it goes first */
/* So long may functions that start hold up what nobody waits for. */
#define BLANK_PATIENCE_MS 2000
#define BLANK_CALM_MS 60000	/* then there are as few as before */
#define BLANK_GROWTH 4		/* times workers.blanks */
#define BLANK_RETRY_MS 1000	/* doubled by each failure in a row */
#define BLANK_DOUBLINGS 8
#define BLANK_UP_MS 20000
#define BLANK_MEMORY_MB 512	/* until it is bound */
#define BLANK_NEEDS (MECH_ROOT | MECH_MOUNT | MECH_NET)

static int64_t
now_ms(void)
{
	return env_mono_ms(env_system());
}

/* ---- kinds ---- */

/*
 * Variables that the loader, the C library or the interpreter reads at its
 * start: set later they would not count.
 */
static const char *const blank_early[] = {
	"AWS_LAMBDA_NODEJS_", "GCONV_PATH", "GLIBC_", "LANG", "LC_", "LD_",
	"LOCPATH", "MALLOC_", "NLSPATH", "NODE_", "OPENSSL_", "PATH=",
	"PYTHON", "SSL_", "TZ", "UV_", "V8_",
};

static int
is_early(const char *pair)
{
	size_t i;

	for (i = 0; i < sizeof(blank_early) / sizeof(*blank_early); i++)
		if (strncmp(pair, blank_early[i], strlen(blank_early[i])) == 0)
			return 1;
	return 0;
}

static int
has_any(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strstr(text, *words) != NULL)
			return 1;
	return 0;
}

/*
 * What it names is read, or run, when the interpreter starts.  A blank has no
 * code then, and is to run none (of a data: address) that nobody counts.
 */
static int
names_code(const char *pair)
{
	static const char *const always[] = { "LD_AUDIT=", "LD_PRELOAD=",
		"NODE_EXTRA_CA_CERTS=", "OPENSSL_CONF=", NULL };
	static const char *const loading[] = { "import", "loader", "require",
		"-r", NULL };
	static const char task[] = "/var/task";
	const char *at;
	size_t i;

	for (i = 0; always[i] != NULL; i++)
		if (strncmp(pair, always[i], strlen(always[i])) == 0)
			return 1;
	if (strncmp(pair, "NODE_OPTIONS=", 13) == 0 && has_any(pair, loading))
		return 1;
	if (strncmp(pair, "PYTHON", 6) == 0)
		return strstr(pair, task) != NULL;
	/* But for what has a place of its own before, /var/task/lib. */
	for (at = pair; (at = strstr(at, task)) != NULL; ) {
		at += sizeof(task) - 1;
		if (*at == '/' && (strncmp(at, "/lib", 4) != 0 ||
		    (at[4] != ':' && at[4] != '\0')))
			return 1;
	}
	return 0;
}

static int
wants_code(const struct order *o)
{
	uint32_t i;

	for (i = 0; i < o->nenvs; i++)
		if (is_early(o->envs[i]) && names_code(o->envs[i]))
			return 1;
	return 0;
}

static int
blanks_kept(const struct spawn *s)
{
	return (s->kit.mech & BLANK_NEEDS) == BLANK_NEEDS ?
	    (int)config_count(s->config, "workers.blanks") : 0;
}

/* With their lengths: a value of two lines is not two variables. */
static char *
kind_key(const struct order *o, uint32_t memory_mb)
{
	struct buf b = BUF_INIT;
	uint32_t i;

	buf_fmt(&b, "%s %u %u %d\n", o->runtime, memory_mb, o->tmp_mb,
	    o->snap != NULL);
	for (i = 0; i < o->nenvs; i++)
		if (is_early(o->envs[i]))
			buf_fmt(&b, "%zu %s\n", strlen(o->envs[i]),
			    o->envs[i]);
	return buf_steal(&b);
}

static void
kind_clear(struct blank_kind *k)
{
	while (k->nenvs > 0)
		free(k->envs[--k->nenvs]);
	free(k->envs);
	free(k->runtime);
	free(k->key);
	memset(k, 0, sizeof(*k));
}

static void
kind_set(struct blank_kind *k, const struct order *o, char *key,
    uint32_t memory_mb)
{
	uint32_t i;

	k->key = key;
	k->runtime = xstrdup(o->runtime);
	k->memory_mb = memory_mb;
	k->tmp_mb = o->tmp_mb;
	k->is_snapshot = o->snap != NULL;
	k->envs = xcalloc(o->nenvs + 1, sizeof(*k->envs));
	for (i = 0; i < o->nenvs; i++)
		if (is_early(o->envs[i]))
			k->envs[k->nenvs++] = xstrdup(o->envs[i]);
}

/* The one to replace: free, or not asked for the longest time. */
static struct blank_kind *
kind_oldest(struct blanks *b)
{
	struct blank_kind *k, *oldest = NULL;

	for (k = b->kinds; k < b->kinds + BLANK_KINDS_MOST; k++)
		if (k->n == 0 && (oldest == NULL || k->key == NULL ||
		    (oldest->key != NULL && k->used_ms < oldest->used_ms)))
			oldest = k;
	return oldest;
}

/* NULL: there are none of that kind, or no room for one more. */
static struct blank_kind *
kind_get(struct spawn *s, const struct order *o)
{
	const struct runtime_name *row = runtime_name_find(o->runtime);
	own_free char *key = NULL;
	struct blank_kind *k;
	uint32_t memory_mb;

	if (row == NULL || row->kind == RUNTIME_PROVIDED ||
	    blanks_kept(s) == 0 || wants_code(o))
		return NULL;
	/* Node's heap has its size from the command line. */
	memory_mb = row->kind == RUNTIME_NODE ? o->memory_mb : 0;
	key = kind_key(o, memory_mb);
	for (k = s->blanks.kinds; k < s->blanks.kinds + BLANK_KINDS_MOST; k++)
		if (k->key != NULL && strcmp(k->key, key) == 0)
			return k;
	k = kind_oldest(&s->blanks);
	if (k == NULL)
		return NULL;
	kind_clear(k);
	kind_set(k, o, steal_ptr(&key), memory_mb);
	return k;
}

static void
kind_failed(struct blank_kind *k)
{
	if (k->failures < BLANK_DOUBLINGS)
		k->failures++;
	k->next_ms = now_ms() + ((int64_t)BLANK_RETRY_MS << k->failures);
}

/*
 * An order found none.  All kinds together never have more than if each had
 * its own.
 */
static void
kind_missed(const struct spawn *s, struct blank_kind *k)
{
	int kept = blanks_kept(s);
	int room = BLANK_KINDS_MOST * kept - s->nblanks;

	if (!k->had)
		return;
	k->missed_ms = now_ms();
	if (k->want < kept)
		k->want = kept;
	if (room > 0 && k->want < BLANK_GROWTH * kept)
		k->want = k->want * 2 < k->n + room ? k->want * 2 :
		    k->n + room;
}

static int
kind_wants(const struct spawn *s, const struct blank_kind *k)
{
	int kept = blanks_kept(s);

	return k->want > kept ? k->want : kept;
}

/* ---- making ---- */

static int
binder_make(struct spawn *s, struct starter *b, struct err *err)
{
	b->pid = sandbox_launch(&s->kit, NULL, &b->channel, err);
	if (b->pid > 0)
		return 0;
	b->pid = 0;
	b->channel = -1;
	return -1;
}

static void
binder_end(struct starter *b)
{
	kill(b->pid, SIGKILL);
	while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(b->channel);
}

static int
blank_start(struct spawn *s, struct blank_kind *k, struct spawned *w,
    struct err *err)
{
	struct runtime_plan plan = { .nkeep = 0 };
	struct spec spec = { .job = SPEC_BLANK, .uid = w->uid,
		.tmp_mb = k->tmp_mb, .nenvs = k->nenvs };
	int r;

	memcpy(spec.envs, k->envs, sizeof(char *) * k->nenvs);
	w->memory_mb = k->memory_mb > 0 ? k->memory_mb : BLANK_MEMORY_MB;
	r = spawn_plan(s, k->runtime, w->memory_mb, &spec, &plan, err);
	if (r == 0 && k->is_snapshot)
		snap_args(&spec, 1);
	else if (r == 0)
		spec.args[spec.nargs++] = "--blank";
	if (r == 0)
		r = spawn_fill(s, &spec, w->memory_mb, w, err);
	/* Nobody waits for it yet. */
	if (r == 0 && !s->fair.is_off)
		cgroup_turn(w->group, 1);
	runtime_plan_free(&plan);
	return r;
}

static void
blank_make(struct spawn *s, struct blank_kind *k)
{
	struct spawned *w = spawned_new(s, 0);
	struct err err;

	w->kind = k;
	w->up_by_ms = now_ms() + BLANK_UP_MS;
	k->n++;
	s->nblanks++;
	s->blanks.starting++;
	if (blank_start(s, k, w, &err) == 0)
		return;
	log_warn("no blank worker runtime=%s err=\"%s\"", k->runtime,
	    err.text);
	blank_gone(s, w);
	spawned_drop(s, w);
}

static int
kind_is_idle(const struct spawn *s, const struct blank_kind *k, int64_t now)
{
	return now - k->used_ms > config_ms(s->config,
	    "workers.idle_timeout");
}

/* Nobody asked for its kind for a long time, or not for so many. */
static void
blanks_end_idle(struct spawn *s, int64_t now)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link) {
		if (w->kind == NULL || w->is_ending)
			continue;
		if (now - w->kind->missed_ms > BLANK_CALM_MS)
			w->kind->want = 0;
		if (!kind_is_idle(s, w->kind, now) &&
		    w->kind->n - w->kind->ending <= kind_wants(s, w->kind))
			continue;
		w->is_ending = 1;
		w->kind->ending++;
		spawned_kill(w);
	}
}

static void
least(int64_t *ms, int64_t other)
{
	if (*ms < 0 || other < *ms)
		*ms = other < 0 ? 0 : other;
}

/* When its number is to be looked at again. */
static int64_t
kind_look_ms(const struct spawn *s, const struct blank_kind *k, int64_t now)
{
	int64_t idle = config_ms(s->config, "workers.idle_timeout") -
	    (now - k->used_ms) + 1;
	int64_t calm = BLANK_CALM_MS - (now - k->missed_ms) + 1;

	return k->want > blanks_kept(s) && calm < idle ? calm : idle;
}

static int
spawn_is_starting(const struct spawn *s)
{
	struct spawned *w;

	LIST_FOREACH(w, &s->list, link)
		if (w->kind == NULL && !w->is_ready)
			return 1;
	return 0;
}

/* Ms until one may be made; 0: now; -1: none is missing. */
static int64_t
kind_due_ms(const struct spawn *s, struct blank_kind *k, int64_t now)
{
	if (k->n >= kind_wants(s, k)) {
		k->lacks_ms = 0;
		return -1;
	}
	if (k->lacks_ms == 0)
		k->lacks_ms = now;
	if (now < k->next_ms)
		return k->next_ms - now;
	return now < k->lacks_ms + BLANK_PATIENCE_MS && spawn_is_starting(s) ?
	    BLANK_REFILL_MS : 0;
}

static int64_t
binders_tick(struct spawn *s, int64_t now)
{
	struct blanks *b = &s->blanks;
	struct err err;

	if (s->nblanks == 0 || b->nbinders == BINDERS_KEPT)
		return -1;
	if (now < b->binder_ms)
		return b->binder_ms - now;
	if (binder_make(s, &b->binders[b->nbinders], &err) == 0) {
		b->nbinders++;
		return b->nbinders == BINDERS_KEPT ? -1 : 0;
	}
	log_warn("no binder ahead of time: %s", err.text);
	b->binder_ms = now + BLANK_RETRY_MS;
	return BLANK_RETRY_MS;
}

int64_t
blanks_tick(struct spawn *s, int64_t now)
{
	struct blank_kind *k;
	int64_t next = -1, due;

	for (k = s->blanks.kinds; k < s->blanks.kinds + BLANK_KINDS_MOST;
	    k++) {
		if (k->key == NULL || kind_is_idle(s, k, now))
			continue;
		if (k->n > 0)
			least(&next, kind_look_ms(s, k, now));
		due = kind_due_ms(s, k, now);
		if (due < 0 || s->blanks.starting > 0 || s->is_ending)
			continue;
		if (due > 0)
			least(&next, due);
		else
			blank_make(s, k);
	}
	if (s->nblanks > 0)
		blanks_end_idle(s, now);
	due = s->is_ending ? -1 : binders_tick(s, now);
	if (due >= 0)
		least(&next, due);
	return next;
}

/* ---- binding ---- */

struct spawned *
blank_take(struct spawn *s, const struct order *o)
{
	struct blank_kind *k = kind_get(s, o);
	struct spawned *w, *oldest = NULL;

	if (k == NULL)
		return NULL;
	k->used_ms = now_ms();
	/* Later ones do not put it off for ever. */
	if (k->next_ms < k->used_ms)
		k->next_ms = k->used_ms + BLANK_REFILL_MS;
	/* The last in the list: it is the likeliest to have imported all. */
	LIST_FOREACH(w, &s->list, link)
		if (w->kind == k && w->variables >= 0 && w->channel >= 0 &&
		    w->fds[0] >= 0 && !w->is_ending)
			oldest = w;
	if (oldest == NULL)
		kind_missed(s, k);
	return oldest;
}

/* It is no blank any more, whatever becomes of it. */
static void
blank_leave(struct spawn *s, struct spawned *w)
{
	if (w->kind == NULL)
		return;
	w->kind->n--;
	w->kind->ending -= w->is_ending;
	w->kind = NULL;
	s->nblanks--;
}

/* The next one is made when this one is done. */
static int
binder_take(struct spawn *s, struct starter *out, struct err *err)
{
	struct blanks *b = &s->blanks;

	if (b->binder_ms < now_ms())
		b->binder_ms = now_ms() + BLANK_REFILL_MS / 2;
	if (b->nbinders == 0)
		return binder_make(s, out, err);
	*out = b->binders[--b->nbinders];
	return 0;
}

int
blank_bind(struct spawn *s, struct spawned *w, const struct order *o,
    struct err *err)
{
	own_free char *code = xasprintf("%s/code/%s", s->data->path, o->code);
	own_free char *warm = warm_folder(s, o->code, o->runtime);
	struct spec spec = { .job = SPEC_BIND, .peer = (uint32_t)w->first,
		.nmounts = warm != NULL ? 2 : 1,
		.mounts = { { code, "/var/task", 0 },
		    { warm, WARM_TARGET, 0 } } };
	uint32_t i;

	w->kind->failures = 0;
	blank_leave(s, w);
	w->id = o->id;
	w->up_by_ms = now_ms() + BLANK_UP_MS;
	for (i = 0; i < o->nenvs; i++)
		buf_add(&w->binding, o->envs[i], strlen(o->envs[i]) + 1);
	if (w->binding.len > SPEC_BLANK_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "variables of %zu bytes",
		    w->binding.len);
	if (binder_take(s, &w->binder, err) < 0)
		return -1;
	if (spawn_limit(s, w, o->memory_mb, o->tmp_mb, err) < 0 ||
	    spawn_way(s, w, o, &spec, err) < 0)
		return -1;
	if (o->snap != NULL)
		spec.mounts[spec.nmounts++] = (struct spec_mount){
		    o->snap, SNAP_TARGET, 0 };
	if (w->way != 0)
		spec.mounts[spec.nmounts++] = (struct spec_mount){
		    s->network->resolv, "/etc/resolv.conf", 0 };
	fair_join(&s->fair, &w->seat, o->function, w->group, o->memory_mb);
	return sandbox_tell(&s->kit, w->binder.channel, &spec, err);
}

static void
blank_close_fds(struct spawned *w)
{
	int i;

	for (i = 0; i < SPEC_UP_FDS; i++) {
		if (w->fds[i] >= 0)
			close(w->fds[i]);
		w->fds[i] = -1;
	}
}

/* The code is there: the runtime may know whose it is. */
static void
blank_bound(struct spawn *s, struct spawned *w)
{
	ssize_t n = write(w->variables, w->binding.data, w->binding.len);

	if (n != (ssize_t)w->binding.len) {
		snprintf(w->why, sizeof(w->why), "variables: %.200s",
		    n < 0 ? strerror(errno) : "cut short");
		spawned_kill(w);
		return;
	}
	close(w->variables);
	w->variables = -1;
	log_info("blank worker is bound id=%llu",
	    (unsigned long long)w->id);
	spawned_up(s, w, w->fds);
	/* Ours would keep a listener open that control closes. */
	blank_close_fds(w);
}

void
blank_report(struct spawn *s, struct spawned *w,
    const struct spec_report *report, int *fds, int *nfds)
{
	int i;

	if (report->kind == REPORT_UP && *nfds == SPEC_UP_FDS &&
	    w->fds[0] < 0) {
		for (i = 0; i < SPEC_UP_FDS; i++)
			w->fds[i] = fds[i];
		*nfds = 0;
		return;
	}
	if (report->kind != REPORT_BLANK || *nfds != 1 || w->variables >= 0)
		return;
	w->variables = fds[0];
	*nfds = 0;
	fcntl(w->variables, F_SETFL, O_NONBLOCK);
	w->up_by_ms = 0;
	s->blanks.starting--;
	w->kind->had = 1;
	log_info("blank worker is ready runtime=%s", w->kind->runtime);
}

void
blank_read(struct spawn *s, struct spawned *w)
{
	struct spec_report report;
	struct err err;
	int fds[SPEC_UP_FDS], nfds, gone = 0, r;

	while (w->binder.channel >= 0) {
		r = spec_report_recv(w->binder.channel, &report, fds, &nfds,
		    &gone, &err);
		while (nfds > 0)
			close(fds[--nfds]);
		if (r == 0 && !gone)
			return;
		if (r > 0 && report.kind == REPORT_BOUND) {
			blank_bound(s, w);
			continue;
		}
		if (w->variables >= 0 && w->why[0] == '\0') {
			snprintf(w->why, sizeof(w->why), "not bound: %.220s",
			    r > 0 ? report.text : "its binder is gone");
			spawned_kill(w);
		}
		close(w->binder.channel);
		w->binder.channel = -1;
	}
}

/* ---- ends ---- */

void
blank_gone(struct spawn *s, struct spawned *w)
{
	if (w->variables < 0)
		s->blanks.starting--;
	/* We kill them too; whatever else ends one will do it again. */
	w->kind->next_ms = now_ms() + BLANK_RETRY_MS;
	if (w->why[0] != '\0' || !WIFSIGNALED(w->status)) {
		log_warn("blank worker ended runtime=%s status=%#x why=\"%s\"",
		    w->kind->runtime, (unsigned int)w->status, w->why);
		kind_failed(w->kind);
	}
	blank_leave(s, w);
}

void
blank_close(struct spawned *w)
{
	blank_close_fds(w);
	if (w->variables >= 0)
		close(w->variables);
	if (w->binder.channel >= 0)
		close(w->binder.channel);
	buf_free(&w->binding);
}

int
blank_reaped(struct spawn *s, pid_t pid)
{
	struct blanks *b = &s->blanks;
	struct spawned *w;
	int i;

	for (i = 0; i < b->nbinders; i++)
		if (b->binders[i].pid == pid) {
			close(b->binders[i].channel);
			b->binders[i] = b->binders[--b->nbinders];
			b->binder_ms = now_ms() + BLANK_RETRY_MS;
			return 1;
		}
	LIST_FOREACH(w, &s->list, link) {
		if (w->binder.pid != pid)
			continue;
		blank_read(s, w);
		w->binder.pid = 0;
		return 1;
	}
	return 0;
}

void
blanks_free(struct spawn *s)
{
	struct blanks *b = &s->blanks;
	int i;

	while (b->nbinders > 0)
		binder_end(&b->binders[--b->nbinders]);
	for (i = 0; i < BLANK_KINDS_MOST; i++)
		kind_clear(&b->kinds[i]);
}
