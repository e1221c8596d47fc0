/*
 * world - time, chance, faults, supervisors and what the store answers when.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/own.h"
#include "flow/alarm.h"
#include "flow/exec.h"
#include "flow/registry.h"
#include "flow/start.h"
#include "sim.h"

#define EPOCH_US 1764000000000000LL
#define FAULTS_US (40 * SIM_SECOND)
/* All timeouts are over by then, and what they make run. */
/* Until it is seen that something has expired: a minute and a beat. */
#define EXPIRE_US (130 * SIM_SECOND)
#define QUIET_US (3600 * SIM_SECOND)

struct arena {
	struct arena *next;
	struct blob *blob;
	char data[];
};

/* ---- memory that lasts as long as the world ---- */

void *
sim_alloc(struct sim *m, size_t n)
{
	struct arena *a = xcalloc(1, sizeof(*a) + n);

	a->next = m->arena;
	m->arena = a;
	return a->data;
}

char *
sim_text(struct sim *m, const char *fmt, ...)
{
	char text[1400];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = (size_t)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return memcpy(sim_alloc(m, n + 1), text, n + 1);
}

struct blob *
sim_blob(struct sim *m, const char *text)
{
	sim_alloc(m, 0);
	return m->arena->blob = blob_str(text);
}

/* ---- the queue ---- */

void
sim_trace(struct sim *m, const char *fmt, ...)
{
	va_list ap;

	if (!m->conf.trace)
		return;
	printf("%10.3f ", (double)(m->now_us - m->start_us) / 1e6);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
sim_fail(struct sim *m, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "VIOLATION seed=%llu at %.3f s: ",
	    (unsigned long long)m->conf.seed,
	    (double)(m->now_us - m->start_us) / 1e6);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(stderr);
	_Exit(3);
}

static bool
event_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us :
	    a->order < b->order;
}

void
sim_at(struct sim *m, int64_t delay_us, sim_fn *fn, void *arg)
{
	struct sim_event e = { m->now_us + (delay_us > 0 ? delay_us : 0),
	    ((uint64_t)rng_below(&m->order, 1 << 20) << 40) + ++m->serial,
	    fn, arg };
	size_t i = m->nheap++;

	if (m->nheap > m->heap_room) {
		m->heap_room = m->heap_room ? m->heap_room * 2 : 256;
		m->heap = xreallocarray(m->heap, m->heap_room,
		    sizeof(*m->heap));
	}
	while (i > 0 && event_before(&e, &m->heap[(i - 1) / 2])) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = e;
}

static bool
sim_turn(struct sim *m)
{
	struct sim_event top, e;
	size_t i = 0, c;

	if (m->nheap == 0)
		return false;
	top = m->heap[0];
	e = m->heap[--m->nheap];
	for (;;) {
		c = 2 * i + 1;
		if (c >= m->nheap)
			break;
		if (c + 1 < m->nheap &&
		    event_before(&m->heap[c + 1], &m->heap[c]))
			c++;
		if (!event_before(&m->heap[c], &e))
			break;
		m->heap[i] = m->heap[c];
		i = c;
	}
	if (m->nheap > 0)
		m->heap[i] = e;
	if (top.at_us > m->now_us)
		m->now_us = top.at_us;
	m->happened++;
	top.fn(m, top.arg);
	return true;
}

bool
sim_fault(struct sim *m, enum fault kind, double per_cent)
{
	if (!rng_chance(&m->fault, per_cent))
		return false;
	if (m->healed || (m->kinds & kind) == 0 ||
	    (m->conf.faults_most >= 0 && m->faults >= m->conf.faults_most))
		return false;
	m->faults++;
	return true;
}

/* ---- clocks ---- */

static int64_t
super_mono(struct env *e)
{
	struct super *s = (struct super *)e;

	return s->sim->now_us - s->sim->start_us + s->skew_us;
}

static int64_t
super_wall(struct env *e)
{
	return super_mono(e) + ((struct super *)e)->wall_us;
}

static void
super_random(struct env *e, void *to, size_t n)
{
	struct rng *r = &((struct super *)e)->sim->ids;
	unsigned char *p = to;
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++, v >>= 8) {
		if (i % 8 == 0)
			v = rng_next(r);
		p[i] = (unsigned char)v;
	}
}

static int64_t
db_clock(struct env *e)
{
	struct sim *m = e->arg;

	return m->now_us + m->db_shift_us;
}

static void
db_random(struct env *e, void *to, size_t n)
{
	struct super s = { .sim = e->arg };

	super_random(&s.env, to, n);
}

int64_t
sim_db_ms(const struct sim *m)
{
	return (m->now_us + m->db_shift_us) / 1000;
}

/* ---- supervisors ---- */

bool
super_there(const struct super *s, int life)
{
	return s->engine != NULL && s->life == life;
}

bool
super_ready(struct super *s, int life, sim_fn *fn, void *arg)
{
	struct sim *m = s->sim;

	if (!super_there(s, life))
		return false;
	if (s->paused_us > m->now_us) {
		sim_at(m, s->paused_us - m->now_us +
		    rng_below(&m->order, 1000), fn, arg);
		return false;
	}
	return true;
}

struct alarm_wake {
	struct super *s;
	int life;
	int64_t at_us;
};

static void
super_on_wake(struct sim *m, void *arg)
{
	struct alarm_wake *w = arg;
	struct super *s = w->s;

	(void)m;
	if (!super_ready(s, w->life, super_on_wake, arg))
		return;
	if (s->wake_us == w->at_us)
		s->wake_us = 0;
	alarms_run(s->engine->alarms);
	super_leave(s);
}

static void
super_arm(struct super *s)
{
	struct sim *m = s->sim;
	int64_t ms = alarms_next(s->engine->alarms), at;
	struct alarm_wake *w;

	if (ms < 0)
		return;
	at = m->now_us + ms * 1000;
	if (s->wake_us != 0 && s->wake_us <= at)
		return;
	s->wake_us = at;
	w = sim_alloc(m, sizeof(*w));
	w->s = s;
	w->life = s->life;
	w->at_us = at;
	sim_at(m, at - m->now_us + rng_below(&m->order, 50), super_on_wake,
	    w);
}

/* ---- the store: when a call happens, and when that is known ---- */

struct task {
	struct super *s;
	int life;
	struct mem_task *t;
	bool late;
	int refs;	/* the answer, and a commit that comes late */
	enum store_result result;
	struct err err;
};

static void
task_free(struct task *k)
{
	if (--k->refs > 0)
		return;
	if (k->t->clear != NULL)
		k->t->clear(k->t);
	free(k->t);
}

static void
task_run(struct sim *m, struct task *k)
{
	enum store_result result = k->t->run(m->mem, k->t, &k->err);

	if (!k->late)
		k->result = result;
	if (k->t->commits) {
		m->commits++;
		check_commit(m, "commit");
	}
}

static void
task_late(struct sim *m, void *arg)
{
	struct task *k = arg;

	sim_trace(m, "store: a commit happens late");
	task_run(m, k);
	task_free(k);
}

static void
task_answer(struct sim *m, void *arg)
{
	struct task *k = arg;
	struct super *s = k->s;

	if (!super_there(s, k->life)) {
		task_free(k);
		return;
	}
	if (!super_ready(s, k->life, task_answer, k))
		return;
	/* Each round trip tells the clock. */
	s->env.db_offset_us = m->now_us + m->db_shift_us - super_mono(&s->env);
	if (k->result == STORE_UNKNOWN)
		err_set(&k->err, ERR_UNCERTAIN, "the answer was lost");
	k->t->answer(m->mem, k->t, k->result,
	    k->result == STORE_OK ? NULL : &k->err);
	task_free(k);
	super_leave(s);
}

static void
task_due(struct sim *m, void *arg)
{
	struct task *k = arg;
	bool alive = super_there(k->s, k->life);
	int64_t back;

	/* What was on its way when the process died may still arrive. */
	if (!alive && (m->healed || rng_chance(&m->fault, 50))) {
		task_free(k);
		return;
	}
	back = rng_delay(&m->order, 400);
	if (sim_fault(m, FAULT_SLOW, 3))
		back += rng_below(&m->fault, 300000);
	if (alive && sim_fault(m, FAULT_RETRY, 2)) {
		k->result = STORE_RETRY;
		err_set(&k->err, ERR_UNAVAILABLE, "busy");
		sim_at(m, back, task_answer, k);
		return;
	}
	if (alive && k->t->commits && sim_fault(m, FAULT_UNKNOWN, 3)) {
		m->unknowns++;
		sim_trace(m, "s%d: a commit is unknown", k->s->index);
		if (sim_fault(m, FAULT_LATE, 30)) {
			/* Runs when it was answered, or before. */
			k->late = true;
			k->refs++;
			sim_at(m, back + 1 + rng_below(&m->fault, 200000),
			    task_late, k);
		} else if (rng_chance(&m->fault, 50)) {
			task_run(m, k);
		}
		k->result = STORE_UNKNOWN;
		sim_at(m, k->late ? 0 : back, task_answer, k);
		return;
	}
	task_run(m, k);
	sim_at(m, back, task_answer, k);
}

void
super_leave(struct super *s)
{
	struct sim *m = s->sim;
	struct mem_task *t;
	struct task *k;
	int64_t there;

	while ((t = TAILQ_FIRST(&m->mem->tasks)) != NULL) {
		TAILQ_REMOVE(&m->mem->tasks, t, link);
		m->mem->ntasks--;
		k = sim_alloc(m, sizeof(*k));
		k->s = s;
		k->life = s->life;
		k->t = t;
		k->refs = 1;
		there = 50 + rng_delay(&m->order, 400);
		if (sim_fault(m, FAULT_SLOW, 3))
			there += rng_below(&m->fault, 300000);
		sim_at(m, there, task_due, k);
	}
	super_arm(s);
}

/* ---- life and death of supervisors ---- */

static void
super_on_up(void *arg, const struct err *err)
{
	struct super *s = arg;

	if (err != NULL)
		sim_fail(s->sim, "s%d does not come up: %s", s->index,
		    err->text);
	s->up = true;
	sim_trace(s->sim, "s%d: is up", s->index);
}

static void
function_put(struct super *s, const char *name, int durable_s)
{
	json_t *config = json_pack("{s:s,s:s,s:s,s:i}",
	    "CodeSha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	    "Runtime", "python3.12", "Handler", "a.b", "Timeout", 60);
	static const char told[] = "arn:aws:lambda:" SIM_REGION ":"
	    SIM_ACCOUNT ":function:told";
	struct function_version *latest, *one;
	struct function_write w;
	json_t *settings = NULL;
	struct err err;

	memset(&w, 0, sizeof(w));
	if (durable_s > 0) {
		/* Some are kept for a day only. */
		json_object_set_new(config, "DurableConfig", json_pack(
		    "{s:i, s:i}", "ExecutionTimeout", durable_s,
		    "RetentionPeriodInDays", name[1] & 1 ? 1 : 30));
		json_object_set_new(config, "DeadLetterConfig",
		    json_pack("{s:s}", "TargetArn", told));
	} else if (strcmp(name, "told") != 0) {
		w.settings = settings = json_pack("{s:{s:{s:{s:s}, s:{s:s}}}}",
		    "invoke $LATEST", "DestinationConfig", "OnSuccess",
		    "Destination", told, "OnFailure", "Destination", told);
	}
	memset(&err, 0, sizeof(err));
	latest = function_version_new(name, "$LATEST", json_deep_copy(config),
	    &err);
	one = function_version_new(name, "1", config, &err);
	if (latest == NULL || one == NULL)
		sim_fail(s->sim, "function %s: %s", name, err.text);
	w.name = name;
	w.latest = latest;
	w.publish = one;
	w.last_version = 1;
	registry_apply(s->engine->registry, &w);
	json_decref(settings);
	function_version_unref(latest);
	function_version_unref(one);
}

static void
super_start(struct super *s)
{
	struct sim *m = s->sim;
	struct engine_conf conf;
	int i;

	s->life++;
	s->up = s->dying = false;
	s->paused_us = s->wake_us = 0;
	s->env.mono_us = super_mono;
	s->env.wall_us = super_wall;
	s->env.random = super_random;
	s->skew_us = m->kinds & FAULT_CLOCK ?
	    (int64_t)(rng_next(&m->fault) % 1000000000000u) : 0;
	/* Until the database tells it, the host's own clock. */
	s->env.db_offset_us = m->now_us - super_mono(&s->env);
	memset(&conf, 0, sizeof(conf));
	conf.env = &s->env;
	conf.store = memstore_store(m->mem);
	conf.pool = (struct pool *)s;
	conf.region = SIM_REGION;
	conf.account = SIM_ACCOUNT;
	conf.held_most = rng_below(&m->order, 6);
	s->engine = engine_new(&conf);
	for (i = 0; i < SIM_SCRIPTS; i++)
		function_put(s, m->scripts[i].name, m->scripts[i].timeout_s);
	function_put(s, "p0", 0);
	function_put(s, "p1", 0);
	function_put(s, "told", 0);
	sim_trace(m, "s%d: starts", s->index);
	engine_store_ready(s->engine, true, super_on_up, s);
	super_leave(s);
}

static void
super_on_start(struct sim *m, void *arg)
{
	(void)m;
	super_start(arg);
}

static void
super_end(struct super *s)
{
	s->dying = true;
	hands_super_died(s);
	engine_free(s->engine);
	s->engine = NULL;
	s->up = false;
	clients_super_died(s);
	s->dying = false;
	/* What engine_free asked for was never sent. */
	memstore_forget(s->sim->mem);
}

void
super_crash(struct super *s)
{
	struct sim *m = s->sim;

	if (s->engine == NULL)
		return;
	m->crashes++;
	sim_trace(m, "s%d: crashes", s->index);
	super_end(s);
	sim_at(m, 10000 + rng_below(&m->fault, 3000000), super_on_start, s);
}

struct super *
super_any(struct sim *m)
{
	struct super *s = &m->supers[0];
	int i;

	/* Clients mostly find the same one. */
	if (m->nsupers > 1 && rng_chance(&m->client, 20))
		s = &m->supers[rng_below(&m->client, m->nsupers)];
	for (i = 0; i < m->nsupers && (s->engine == NULL || !s->up); i++)
		s = &m->supers[(s->index + 1) % m->nsupers];
	return s->engine != NULL && s->up ? s : NULL;
}

/* ---- faults that come by themselves ---- */

static void
fault_clock(struct sim *m)
{
	static const int jumps[] = { 3, -3, 60, -60, 3600 };

	m->db_shift_us += jumps[rng_below(&m->fault, 5)] * SIM_SECOND;
	sim_trace(m, "the database's clock jumps to %+.0f s",
	    (double)m->db_shift_us / 1e6);
}

static void
fault_tick(struct sim *m, void *arg)
{
	struct super *s = &m->supers[rng_below(&m->fault, m->nsupers)];

	(void)arg;
	if (m->healed)
		return;
	if (sim_fault(m, FAULT_CRASH, 4))
		super_crash(s);
	else if (s->engine != NULL && sim_fault(m, FAULT_PAUSE, 3)) {
		s->paused_us = m->now_us +
		    rng_below(&m->fault, 15 * SIM_SECOND);
		sim_trace(m, "s%d: stands still for %.1f s", s->index,
		    (double)(s->paused_us - m->now_us) / 1e6);
	}
	if (sim_fault(m, FAULT_WORKER, 10))
		hand_crash_any(m);
	if (sim_fault(m, FAULT_CLOCK, 1))
		fault_clock(m);
	if (sim_fault(m, FAULT_CLOCK, 2))
		s->wall_us += rng_below(&m->fault, 7200) * SIM_SECOND;
	sim_at(m, 200000 + rng_below(&m->fault, 600000), fault_tick, NULL);
}

static void
sim_on_heal(struct sim *m, void *arg)
{
	int i;

	(void)arg;
	sim_trace(m, "faults stop");
	m->healed = true;
	for (i = 0; i < m->nsupers; i++)
		m->supers[i].paused_us = 0;
	clients_heal(m);
}

/* ---- a world ---- */

static void
sim_new(struct sim *m, const struct sim_conf *conf)
{
	struct rng root = { conf->seed * 0x2545f4914f6cdd1du + 1 }, scripts;
	int i;

	memset(m, 0, sizeof(*m));
	m->conf = *conf;
	m->order.s = rng_next(&root);
	m->fault.s = rng_next(&root);
	m->client.s = rng_next(&root);
	m->ids.s = rng_next(&root);
	scripts.s = rng_next(&root);
	/* Not all kinds at once in each world; some have none. */
	m->kinds = rng_chance(&root, 10) ? 0 :
	    (uint32_t)rng_next(&root) | (uint32_t)rng_next(&root);
	m->kinds &= conf->faults;
	/* Less is promised then: a waiter is told by its own process only. */
	if (rng_chance(&root, 60))
		m->kinds &= ~(uint32_t)FAULT_MANY;
	m->now_us = m->start_us = EPOCH_US;
	m->heal_us = m->now_us + FAULTS_US;
	m->env.mono_us = m->env.wall_us = db_clock;
	m->env.random = db_random;
	m->env.arg = m;
	m->mem = memstore_new(&m->env);
	m->ledger = map_new(rng_next(&m->ids));
	m->acked = map_new(rng_next(&m->ids));
	m->plain_ran = map_new(rng_next(&m->ids));
	m->told = map_new(rng_next(&m->ids));
	for (i = 0; i < SIM_SCRIPTS; i++)
		script_make(&m->scripts[i], &scripts, i, conf->depth);
	m->nsupers = m->kinds & FAULT_MANY ? 2 + rng_below(&root, 2) : 1;
}

static void
sim_free(struct sim *m)
{
	struct arena *a;
	size_t i;
	int k;

	for (k = 0; k < m->nsupers; k++)
		if (m->supers[k].engine != NULL)
			super_end(&m->supers[k]);
	for (i = 0; i < m->nheap; i++)
		if (m->heap[i].fn == task_due ||
		    m->heap[i].fn == task_late ||
		    m->heap[i].fn == task_answer)
			task_free(m->heap[i].arg);
	hands_free(m);
	clients_free(m);
	check_free(m);
	memstore_free(m->mem);
	map_free(m->ledger);
	map_free(m->acked);
	map_free(m->plain_ran);
	map_free(m->told);
	while ((a = m->arena) != NULL) {
		m->arena = a->next;
		blob_unref(a->blob);
		free(a);
	}
	free(m->heap);
}

static bool
sim_quiet(struct sim *m)
{
	return m->healed && m->open_actors == 0 && check_quiet(m, false);
}

/* Two days later, when everything was looked at. */
static void
sim_expire(struct sim *m)
{
	int64_t end_us = m->now_us + EXPIRE_US;

	m->expiring = true;
	m->db_shift_us += 2 * 86400 * SIM_SECOND;
	while (m->now_us < end_us && sim_turn(m))
		;
	check_expired(m);
}

void
sim_run(const struct sim_conf *conf, struct sim *m)
{
	int64_t look_us = 0;
	int i;

	sim_new(m, conf);
	if (conf->trace)
		for (i = 0; i < SIM_SCRIPTS; i++)
			script_print(&m->scripts[i]);
	for (i = 0; i < m->nsupers; i++) {
		m->supers[i].sim = m;
		m->supers[i].index = i;
		super_start(&m->supers[i]);
	}
	clients_start(m);
	sim_at(m, SIM_SECOND, fault_tick, NULL);
	sim_at(m, FAULTS_US, sim_on_heal, NULL);
	while (sim_turn(m)) {
		if (m->now_us < look_us)
			continue;
		look_us = m->now_us + SIM_SECOND;
		if (sim_quiet(m))
			break;
		if (m->now_us > m->heal_us + QUIET_US) {
			check_quiet(m, true);
			sim_fail(m, "clients wait for ever (%d)",
			    m->open_actors);
		}
	}
	check_end(m);
	clients_check(m);
	m->rows = m->mem->nrows + m->deletions;
	sim_expire(m);
	sim_free(m);
}
