#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metric.h"
#include "core/poolplan.h"
#include "pool/egress.h"
#include "pool/inner.h"
#include "pool/snapshot.h"
#include "pool/report.h"

#define STARTS_MOST 32		/* under way at once */
#define START_TRIES 3
/* So long it is said that no worker can be started; then it is tried. */
#define START_FAILED_US (30 * 1000000LL)
#define WATCH_MS 100
#define RETRY_MS 100		/* doubled twice with each try */
/* Crashes in a row that cost a function no pause, and the longest pause. */
#define CRASHES_FREE 4
#define CRASH_MS 50
#define CRASH_MOST_MS 2000
#define CALM_S 10		/* without one they are forgotten */
#define COMMON_BYTES ((size_t)256 * 1024 * 1024)
#define COMMON_CONNECTIONS 4096
/* Of the free places in the queue, a function may have so many times more. */
#define QUEUE_GREED 4
#define QUEUE_LEAST 16		/* and so many in any case */

static void group_run(struct group *);
static void group_free_unused(struct group *);
static bool state_is_watched(enum worker_state);
static void pool_arm_watch(struct pool *);

const char *
outcome_name(enum invocation_outcome o)
{
	switch (o) {
	case INVOCATION_RETURNED:
		return "returned";
	case INVOCATION_ERROR:
		return "function_error";
	case INVOCATION_CRASHED:
		return "crash";
	case INVOCATION_TIMED_OUT:
		return "timeout";
	case INVOCATION_INIT_ERROR:
		return "init_error";
	case INVOCATION_RESTORE_ERROR:
		return "restore_error";
	case INVOCATION_RESTORE_TIMED_OUT:
		return "restore_timeout";
	case INVOCATION_TOO_LARGE:
		return "too_large";
	case INVOCATION_LOST:
		return "lost";
	case INVOCATION_THROTTLED:
		return "throttled";
	}
	return "?";
}

/* ---- bad news, told in the loop's next turn ---- */

static struct pool_wait *
wait_new(struct pool *p, struct invocation *inv)
{
	struct pool_wait *w = xcalloc(1, sizeof(*w));

	w->inv = inv;
	w->seq = ++p->next_wait;
	inv->wait = w;
	inv->worker = NULL;
	return w;
}

static void
wait_free(struct pool_wait *w)
{
	w->inv->wait = NULL;
	blob_unref(w->body);
	free(w);
}

/* Takes body. */
static void
wait_finish(struct pool *p, struct pool_wait *w, enum invocation_outcome o,
    struct blob *body)
{
	w->outcome = o;
	w->body = body;
	w->group = NULL;
	TAILQ_INSERT_TAIL(&p->finished, w, link);
	event_active(p->finish, EV_TIMEOUT, 0);
}

static void
pool_on_finish(evutil_socket_t fd, short what, void *arg)
{
	struct invocation_result result;
	struct pool *p = arg;
	struct pool_wait *w;
	struct invocation *inv;

	(void)fd;
	(void)what;
	while ((w = TAILQ_FIRST(&p->finished)) != NULL) {
		TAILQ_REMOVE(&p->finished, w, link);
		inv = w->inv;
		result = (struct invocation_result){ .outcome = w->outcome,
			.reserved = w->reserved, .body = blob_ref(w->body), .log_tail = "" };
		wait_free(w);
		inv->done(inv, &result);
		blob_unref(result.body);
	}
	pool_check_drained(p);
}

/* ---- groups ---- */

static char *
group_key(const struct invocation *inv, size_t *len)
{
	const struct function_version *v = inv->version;
	const char *revision = json_string_value(json_object_get(v->config,
	    "RevisionId"));
	struct buf b = BUF_INIT;

	buf_str(&b, v->function);
	buf_char(&b, '\n');
	buf_str(&b, v->version);
	buf_char(&b, '\n');
	/* A change of $LATEST is a new revision; so is a new object. */
	if (revision != NULL)
		buf_str(&b, revision);
	else
		buf_fmt(&b, "%p", (const void *)v);
	buf_char(&b, '\n');
	if (v->per_tenant && inv->tenant != NULL)
		buf_str(&b, inv->tenant);
	*len = b.len;
	return buf_steal(&b);
}

static void
group_on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	group_run(arg);
}

static void
group_on_calm(evutil_socket_t fd, short what, void *arg)
{
	struct group *g = arg;

	(void)fd;
	(void)what;
	g->crashes = 0;
	group_free_unused(g);
}

static struct group *
group_get(struct pool *p, const struct invocation *inv)
{
	size_t len;
	char *key = group_key(inv, &len);
	struct group *g = map_get(p->groups, key, len);

	if (g != NULL) {
		free(key);
		return g;
	}
	g = xcalloc(1, sizeof(*g));
	g->pool = p;
	g->key = key;
	g->version = function_version_ref(inv->version);
	if (inv->version->per_tenant)
		g->tenant = xstrdup(inv->tenant);
	scope_look_up(g);
	TAILQ_INIT(&g->waits);
	TAILQ_INIT(&g->workers);
	TAILQ_INIT(&g->idle);
	g->retry = evtimer_new(p->base, group_on_retry, g);
	g->calm = evtimer_new(p->base, group_on_calm, g);
	map_put(p->groups, key, len, g);
	TAILQ_INSERT_TAIL(&p->group_list, g, link);
	return g;
}

static void
group_free(struct group *g)
{
	struct pool *p = g->pool;

	unpack_cancel(p->unpack, g);
	map_del(p->groups, g->key, strlen(g->key));
	TAILQ_REMOVE(&p->group_list, g, link);
	event_free(g->retry);
	event_free(g->calm);
	function_version_unref(g->version);
	free(g->tenant);
	free(g->key);
	free(g);
}

/* One that crashes is kept a while: its next start has to wait its turn. */
static void
group_free_unused(struct group *g)
{
	if (g->nwaits == 0 && TAILQ_EMPTY(&g->workers) &&
	    !evtimer_pending(g->calm, NULL))
		group_free(g);
}

static struct pool_wait *
group_take(struct group *g, struct pool_wait *w)
{
	TAILQ_REMOVE(&g->waits, w, link);
	g->nwaits--;
	g->pool->nwaits--;
	return w;
}

static void
group_fail_all(struct group *g, const char *why)
{
	struct pool_wait *w;
	const char *type;

	while ((w = TAILQ_FIRST(&g->waits)) != NULL)
		wait_finish(g->pool, group_take(g, w), INVOCATION_INIT_ERROR,
		    report_start_error(&w->inv->request_id, why, &type));
}

/*
 * The archive lacks its program or it cannot run, or the function asks for
 * what is not there: no try will mend that.
 */
static bool
start_is_hopeless(const char *why)
{
	return strncmp(why, "/var/task/", 10) == 0 ||
	    strncmp(why, POOL_REFUSED, strlen(POOL_REFUSED)) == 0 ||
	    strncmp(why, EGRESS_NOT_GIVEN, strlen(EGRESS_NOT_GIVEN)) == 0;
}

/* Ours to mend: some tries, then whoever waits is told why. */
static void
group_start_failed(struct group *g, const char *why)
{
	struct timeval tv = { 0, 0 };
	int ms;

	if (start_is_hopeless(why)) {
		group_fail_all(g, why);
		return;
	}
	/* Several that failed together are one failure. */
	if (evtimer_pending(g->retry, NULL))
		return;
	g->start_failures++;
	log_warn("worker start failed function=%s try=%d why=\"%s\"",
	    g->version->function, g->start_failures, why);
	unpack_forget(g->pool->unpack, g->version->code);
	if (g->start_failures >= START_TRIES) {
		g->start_failures = 0;
		group_fail_all(g, why);
		return;
	}
	ms = RETRY_MS << (2 * (g->start_failures - 1));
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	evtimer_add(g->retry, &tv);
}

static void
group_on_code(void *arg, int64_t bytes, const struct err *err)
{
	struct group *g = arg;

	(void)bytes;
	g->unpacking = false;
	if (err != NULL)
		group_start_failed(g, err->text);
	else
		group_run(g);
	group_free_unused(g);
}

/* ---- demand meets workers ---- */

static int
pool_alive(const struct pool *p)
{
	int i, n = 0;

	for (i = 0; i < WORKER_STATES; i++)
		n += p->n[i];
	return n;
}

/* Idle workers of others end, those that were idle longest first. */
static void
pool_give_up(struct pool *p, const struct group *g, int count)
{
	struct worker *w, *before;

	for (w = TAILQ_LAST(&p->in[WORKER_IDLE], worker_list);
	    w != NULL && count > 0; w = before) {
		before = TAILQ_PREV(w, worker_list, link);
		if (w->group == g || !scope_same(w->group, g))
			continue;
		worker_stop(w, false, "room");
		count--;
	}
}

/* Workers that it may have; 0: no bound of its own. */
static int
group_most(const struct group *g)
{
	const struct pool_conf *conf = &g->pool->conf;
	int share = g->reserved >= 0 ? 0 : g->version->durable ?
	    conf->durable_share : conf->group_share;

	if (conf->group_most <= 0 || share <= 0)
		return conf->group_most > 0 ? conf->group_most : share;
	return conf->group_most < share ? conf->group_most : share;
}

/* Invocations that may still get a worker of their own. */
static int
group_wants(const struct group *g)
{
	int i, alive = 0, most = group_most(g), room;

	if (most <= 0)
		return g->nwaits;
	for (i = 0; i < WORKER_STATES; i++)
		alive += g->n[i];
	room = most - alive + g->n[WORKER_STARTING] + g->fresh;
	return room < g->nwaits ? room : g->nwaits;
}

static void
group_start_workers(struct group *g)
{
	struct pool *p = g->pool;
	struct poolplan_in in = {
		.waiting = group_wants(g),
		.starting = g->n[WORKER_STARTING] + g->fresh,
		.starts_most = STARTS_MOST,
		.starts = p->n[WORKER_STARTING],
	};
	struct poolplan plan;
	struct scope s;

	scope_of(g, &s);
	in.alive = s.alive;
	in.most = s.most;
	in.stopping = s.stopping;
	in.idle_elsewhere = s.idle - g->n[WORKER_IDLE];
	plan = poolplan_make(&in);
	if (in.waiting > in.starting && plan.start == 0)
		plan.start = scope_extra(g, &s);
	if ((plan.start > 0 || plan.give_up > 0) &&
	    !unpack_has(p->unpack, g->version->code)) {
		g->unpacking = true;
		unpack_need(p->unpack, g->version->code, group_on_code, g);
		return;
	}
	while (plan.start-- > 0) {
		worker_start(g, g->late > 0);
		if (g->late > 0)
			g->late--;
	}
	pool_give_up(p, g, plan.give_up);
}

/* Hands over what can be, orders what is missing. */
static void
group_run(struct group *g)
{
	struct pool *p = g->pool;
	struct pool_wait *wait;
	struct worker *w;

	if (p->closing || p->lost || g->handing)
		return;
	/* What is handed over may bring the next ones: they come below. */
	g->handing = true;
	while ((wait = TAILQ_FIRST(&g->waits)) != NULL &&
	    (w = TAILQ_FIRST(&g->idle)) != NULL) {
		if (!worker_hand(w, wait->inv))
			continue;	/* it is not idle any more */
		wait_free(group_take(g, wait));
	}
	g->handing = false;
	if (g->nwaits > 0 && !g->unpacking && !evtimer_pending(g->retry, NULL))
		group_start_workers(g);
}

/* Room came free: whoever waits longest without a worker goes first. */
static void
pool_balance(struct pool *p)
{
	struct group *g, *next;

	if (p->nwaits == 0)
		return;
	for (g = TAILQ_FIRST(&p->group_list); g != NULL; g = next) {
		next = TAILQ_NEXT(g, link);
		if (g->nwaits > 0 && TAILQ_EMPTY(&g->workers))
			group_run(g);
	}
	TAILQ_FOREACH(g, &p->group_list, link)
		if (g->nwaits > 0 && !TAILQ_EMPTY(&g->workers))
			group_run(g);
	/* Next time somebody else is asked first. */
	g = TAILQ_FIRST(&p->group_list);
	TAILQ_REMOVE(&p->group_list, g, link);
	TAILQ_INSERT_TAIL(&p->group_list, g, link);
}

/*
 * All workers are taken, and a group has none while its first invocation
 * came before the next one of g: g's worker makes room.
 */
static bool
pool_owes_room(struct pool *p, struct group *g)
{
	struct pool_wait *own = TAILQ_FIRST(&g->waits), *other;
	struct group *h;
	struct scope s;

	if (g->reserved < 0 && p->nwaits == g->nwaits)
		return false;
	scope_of(g, &s);
	if (s.alive - s.stopping > s.most && g->reserved >= 0)
		return true;	/* there were more before */
	if (s.waits == g->nwaits || s.stopping > 0 || s.alive < s.most)
		return false;
	TAILQ_FOREACH(h, &p->group_list, link) {
		other = TAILQ_FIRST(&h->waits);
		if (h != g && other != NULL && scope_same(g, h) &&
		    TAILQ_EMPTY(&h->workers) &&
		    (own == NULL || other->seq < own->seq))
			return true;
	}
	return false;
}

/* ---- what workers report ---- */

void
pool_worker_moved(struct worker *w, enum worker_state from)
{
	struct pool *p = w->pool;
	struct group *g = w->group;

	if (from != WORKER_STATES) {
		TAILQ_REMOVE(&p->in[from], w, link);
		p->n[from]--;
		g->n[from]--;
		metric_set(METRIC_WORKER_SLOTS, worker_state_name(from), NULL,
		    p->n[from]);
	}
	if (from == WORKER_IDLE)
		TAILQ_REMOVE(&g->idle, w, warm);
	if (from == WORKER_COOLING && !w->stale)
		g->fresh--;
	if (w->state == WORKER_STATES)
		return;
	TAILQ_INSERT_HEAD(&p->in[w->state], w, link);
	p->n[w->state]++;
	g->n[w->state]++;
	metric_set(METRIC_WORKER_SLOTS, worker_state_name(w->state), NULL,
	    p->n[w->state]);
	if (state_is_watched(w->state))
		pool_arm_watch(p);
	if (w->state == WORKER_IDLE)
		TAILQ_INSERT_HEAD(&g->idle, w, warm);
	if (w->state == WORKER_COOLING) {
		w->stale = false;
		g->fresh++;
	}
}

void
pool_worker_ready(struct worker *w)
{
	struct group *g = w->group;

	g->start_failures = 0;
	if (w->retiring && g->nwaits == 0)
		worker_stop(w, false, "retired");
	else if (pool_owes_room(g->pool, g))
		worker_stop(w, false, "room");
	else
		group_run(g);
}

void
pool_worker_stale(struct worker *w)
{
	w->stale = true;
	w->group->fresh--;
	group_run(w->group);
}

void
pool_worker_unstartable(struct worker *w, const char *why)
{
	struct pool *p = w->pool;

	if (!start_is_hopeless(why)) {
		p->starts_failed++;
		p->start_failed_us = p->env->mono_us(p->env);
	}
	group_start_failed(w->group, why);
}

bool
pool_can_start(const struct pool *p)
{
	return p->starts_failed < START_TRIES ||
	    p->n[WORKER_IDLE] + p->n[WORKER_BUSY] > 0 ||
	    p->env->mono_us(p->env) - p->start_failed_us > START_FAILED_US;
}

void
pool_worker_init_failed(struct worker *w, enum invocation_outcome o,
    struct blob *body, const char *type)
{
	struct pool_wait *wait = TAILQ_FIRST(&w->group->waits);
	struct invocation *inv;
	struct blob *made = NULL;

	if (wait == NULL)
		return;
	inv = wait->inv;
	wait_free(group_take(w->group, wait));
	if (body == NULL && o == INVOCATION_TIMED_OUT)
		body = made = report_timeout_error(&inv->request_id,
		    w->group->version->timeout_s, &type);
	else if (body == NULL && o == INVOCATION_RESTORE_TIMED_OUT)
		body = made = report_restore_timeout_error(&type);
	else if (body == NULL)
		body = made = report_exit_error(&inv->request_id, w->gone,
		    &type);
	worker_fail_start(w, inv, o, body, type);
	blob_unref(made);
}

/*
 * A start costs far more than an invocation that ends its process at once,
 * so who does nothing else waits for the next one.
 */
void
pool_worker_crashed(struct worker *w)
{
	struct group *g = w->group;
	struct timeval tv;
	int ms, over = ++g->crashes - CRASHES_FREE;

	tv = (struct timeval){ CALM_S, 0 };
	evtimer_add(g->calm, &tv);
	if (over <= 0 || evtimer_pending(g->retry, NULL))
		return;
	ms = over > 6 ? CRASH_MOST_MS : CRASH_MS << (over - 1);
	if (ms > CRASH_MOST_MS)
		ms = CRASH_MOST_MS;
	tv = (struct timeval){ ms / 1000, (ms % 1000) * 1000 };
	evtimer_add(g->retry, &tv);
}

void
pool_worker_init_slow(struct worker *w)
{
	w->group->late++;
	group_run(w->group);
}

void
pool_worker_gone(struct worker *w)
{
	struct group *g = w->group;
	struct pool *p = w->pool;
	enum worker_state from = w->state;

	w->state = WORKER_STATES;
	pool_worker_moved(w, from);
	TAILQ_REMOVE(&g->workers, w, all);
	map_del(p->workers, &w->id, sizeof(w->id));
	worker_free(w);
	group_run(g);
	group_free_unused(g);
	pool_balance(p);
	pool_check_drained(p);
}

/* ---- memory ---- */

/* They can have memory that nobody gave them; an idle one is frozen. */
static bool
state_is_watched(enum worker_state state)
{
	return state == WORKER_STARTING || state == WORKER_BUSY ||
	    state == WORKER_COOLING;
}

static void
pool_arm_watch(struct pool *p)
{
	struct timeval tv = { 0, WATCH_MS * 1000 };

	if (!evtimer_pending(p->watch, NULL))
		evtimer_add(p->watch, &tv);
}

/*
 * The kernel's limit has room for /tmp, which lies in memory: that the rest
 * stays within MemorySize is looked after here.
 */
static void
pool_on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	struct worker *w, *next;
	int state, n = 0;

	(void)fd;
	(void)what;
	for (state = 0; state < WORKER_STATES; state++) {
		if (!state_is_watched((enum worker_state)state))
			continue;
		n += p->n[state];
		for (w = TAILQ_FIRST(&p->in[state]); w != NULL; w = next) {
			next = TAILQ_NEXT(w, link);
			worker_watch(w);
		}
	}
	if (n > 0)
		pool_arm_watch(p);
}

/* ---- what main says ---- */

static struct worker *
pool_worker(struct pool *p, uint64_t id)
{
	return map_get(p->workers, &id, sizeof(id));
}

static void
pool_on_up(void *arg, uint64_t id, bool restored, int fds[BROKER_UP_FDS])
{
	struct worker *w = pool_worker(arg, id);

	if (w != NULL)
		worker_on_up(w, restored, fds);
	else
		broker_close_fds(fds);
}

static void
pool_on_group(void *arg, uint64_t id, const struct broker_group *is)
{
	struct worker *w = pool_worker(arg, id);
	struct wgroup unwanted = { .taken = false };

	if (w != NULL) {
		worker_on_group(w, is);
		return;
	}
	wgroup_take(&unwanted, is);
	wgroup_close(&unwanted);
}

static void
pool_on_gone(void *arg, uint64_t id, const struct broker_gone *gone)
{
	struct worker *w = pool_worker(arg, id);

	if (w != NULL)
		worker_on_gone(w, gone);
}

static void
pool_on_unpacked(void *arg, uint64_t id, int64_t bytes, const struct err *err)
{
	struct pool *p = arg;

	unpack_on_unpacked(p->unpack, id, bytes, err);
}

static void
pool_on_code(void *arg, const char *hex)
{
	unpack_there(((struct pool *)arg)->unpack, hex);
}

static void
pool_on_stop(void *arg, int ms)
{
	struct pool *p = arg;

	p->conf.stop(p->conf.stop_arg, ms);
}

static void
pool_on_lost(void *arg)
{
	struct pool *p = arg;

	/* Whoever runs or waits is not told: they go on after the restart. */
	p->lost = true;
	p->conf.stop(p->conf.stop_arg, 0);
}

static void
pool_on_snapshot(void *arg, const char *name, bool is_made, const char *why)
{
	struct pool *p = arg;

	snapshots_answer(p->snapshots, name, is_made, why);
}

static const struct broker_ops pool_broker_ops = {
	.group = pool_on_group,
	.up = pool_on_up,
	.gone = pool_on_gone,
	.unpacked = pool_on_unpacked,
	.code = pool_on_code,
	.snapshot = pool_on_snapshot,
	.stop = pool_on_stop,
	.lost = pool_on_lost,
};

/* ---- what everybody else may ask ---- */

struct pool *
pool_new(struct event_base *base, struct env *env, int link_fd,
    const struct pool_conf *conf)
{
	struct pool *p = xcalloc(1, sizeof(*p));
	int i;

	p->base = base;
	p->env = env;
	p->conf = *conf;
	p->common.bytes_most = conf->bytes_most > 0 ? conf->bytes_most :
	    COMMON_BYTES;
	p->common.conns_most = conf->connections_most > 0 ?
	    conf->connections_most : COMMON_CONNECTIONS;
	turns_open(&p->common, base);
	p->workers = map_new(env_random_u64(env));
	p->groups = map_new(env_random_u64(env));
	TAILQ_INIT(&p->group_list);
	for (i = 0; i < WORKER_STATES; i++)
		TAILQ_INIT(&p->in[i]);
	TAILQ_INIT(&p->finished);
	p->finish = event_new(base, -1, 0, pool_on_finish, p);
	p->watch = evtimer_new(base, pool_on_watch, p);
	p->broker = broker_new(base, link_fd, &pool_broker_ops, p);
	p->unpack = unpack_new(p->broker, &p->conf, env_random_u64(env));
	p->snapshots = snapshots_new(p, env_random_u64(env));
	return p;
}

void
pool_set_api_arg(struct pool *p, void *api_arg)
{
	p->conf.api_arg = api_arg;
}

static void
pool_free_waits(struct wait_list *list)
{
	struct pool_wait *w;

	while ((w = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, w, link);
		wait_free(w);
	}
}

void
pool_free(struct pool *p)
{
	struct group *g;
	struct worker *w;

	if (p == NULL)
		return;
	p->closing = true;
	while ((g = TAILQ_FIRST(&p->group_list)) != NULL) {
		while ((w = TAILQ_FIRST(&g->workers)) != NULL) {
			TAILQ_REMOVE(&g->workers, w, all);
			worker_free(w);
		}
		pool_free_waits(&g->waits);
		group_free(g);
	}
	pool_free_waits(&p->finished);
	turns_close(&p->common);
	event_free(p->finish);
	event_free(p->watch);
	unpack_free(p->unpack);
	snapshots_free(p->snapshots);
	broker_free(p->broker);
	map_free(p->workers);
	map_free(p->groups);
	free(p);
}

/*
 * A function may take a multiple of what is still free, so the last places
 * are left to those that have none.
 */
static bool
pool_is_full(const struct pool *p, const struct group *g)
{
	int room = p->conf.queue_most - p->nwaits;

	return p->draining || room <= 0 ||
	    g->nwaits > QUEUE_GREED * room + QUEUE_LEAST;
}

void
pool_invoke(struct pool *p, struct invocation *inv)
{
	struct pool_wait *w = wait_new(p, inv);
	struct group *g = group_get(p, inv);

	scope_look_up(g);
	w->reserved = scope_refuses(g, inv);
	if (w->reserved || pool_is_full(p, g)) {
		metric_inc(METRIC_THROTTLES, inv->version->function,
		    w->reserved ? "reserved" : p->draining ? "draining" :
		    "queue");
		wait_finish(p, w, INVOCATION_THROTTLED, NULL);
		group_free_unused(g);
		return;
	}
	w->group = g;
	TAILQ_INSERT_TAIL(&g->waits, w, link);
	g->nwaits++;
	p->nwaits++;
	group_run(g);
}

/* Idle workers that are too many now end. */
static void
group_shrink(struct group *g)
{
	struct worker *w, *next;
	struct scope s;

	scope_of(g, &s);
	for (w = TAILQ_FIRST(&g->idle); w != NULL && g->reserved >= 0 &&
	    s.alive - s.stopping > s.most; w = next) {
		next = TAILQ_NEXT(w, warm);
		worker_stop(w, false, "room");
		s.stopping++;
	}
}

void
pool_reserve(struct pool *p)
{
	struct group *g, *next;

	TAILQ_FOREACH(g, &p->group_list, link)
		scope_look_up(g);
	for (g = TAILQ_FIRST(&p->group_list); g != NULL; g = next) {
		next = TAILQ_NEXT(g, link);
		group_shrink(g);
		if (g->nwaits > 0)
			group_run(g);
	}
}

void
pool_cancel(struct pool *p, struct invocation *inv)
{
	struct pool_wait *w = inv->wait;
	struct group *g;

	if (w == NULL) {
		if (inv->worker != NULL)
			worker_forget_invocation(inv->worker);
		inv->worker = NULL;
		return;
	}
	g = w->group;
	if (g == NULL)
		TAILQ_REMOVE(&p->finished, w, link);
	else
		group_take(g, w);
	wait_free(w);
	if (g != NULL)
		group_free_unused(g);
}

void
pool_unpack(struct pool *p, const char *hex, const void *data, size_t len,
    void (*done)(void *, int64_t, const struct err *), void *arg)
{
	unpack_request(p->unpack, hex, data, len, done, arg);
}

void
pool_warm(struct pool *p, const struct function_version *v)
{
	struct msg_out m = { 0 };
	struct err err;

	if (v->runtime == NULL || v->code[0] == '\0')
		return;
	msg_begin(&m, MSG_CODE_WARM);
	msg_put_str(&m, v->code);
	msg_put_str(&m, v->runtime);
	msg_put_str(&m, v->handler == NULL ? "" : v->handler);
	msg_put_u32(&m, (uint32_t)v->memory_mb);
	/* Without it starts are only slower. */
	broker_send(p->broker, &m, &err);
}

struct pool_sweep {
	struct pool *pool;
	bool (*wanted)(void *arg, const char *hex);
	void *arg;
};

/* Also an old version may still run, or be about to. */
static bool
pool_wants_code(void *arg, const char *hex)
{
	struct pool_sweep *s = arg;
	struct group *g;

	TAILQ_FOREACH(g, &s->pool->group_list, link)
		if (strcmp(g->version->code, hex) == 0)
			return true;
	return s->wanted(s->arg, hex);
}

int
pool_sweep_code(struct pool *p, bool (*wanted)(void *arg, const char *hex),
    void *arg)
{
	struct pool_sweep s = { p, wanted, arg };

	return unpack_sweep(p->unpack, pool_wants_code, &s);
}

void
pool_retire(struct pool *p, const char *function, const char *version)
{
	struct worker *w, *next;
	struct group *g;

	TAILQ_FOREACH(g, &p->group_list, link) {
		if (strcmp(g->version->function, function) != 0 ||
		    (version != NULL &&
		    strcmp(g->version->version, version) != 0))
			continue;
		for (w = TAILQ_FIRST(&g->workers); w != NULL; w = next) {
			next = TAILQ_NEXT(w, all);
			worker_retire(w);
		}
	}
}

void
pool_check_drained(struct pool *p)
{
	void (*drained)(void *) = p->drained;

	if (drained == NULL || p->heard > 0 ||
	    !TAILQ_EMPTY(&p->finished))
		return;
	p->drained = NULL;
	drained(p->drained_arg);
}

void
pool_drain(struct pool *p, void (*done)(void *), void *arg)
{
	struct pool_wait *w;
	struct group *g;

	p->draining = true;
	p->drained = done;
	p->drained_arg = arg;
	TAILQ_FOREACH(g, &p->group_list, link)
		while ((w = TAILQ_FIRST(&g->waits)) != NULL)
			wait_finish(p, group_take(g, w), INVOCATION_THROTTLED,
			    NULL);
	event_active(p->finish, EV_TIMEOUT, 0);
}

void
pool_send_ready(struct pool *p)
{
	struct msg_out m = { 0 };
	struct err err;

	msg_begin(&m, MSG_READY);
	broker_send(p->broker, &m, &err);
}

int
pool_count(const struct pool *p, const char *state)
{
	int i;

	if (strcmp(state, "waiting") == 0)
		return p->nwaits;
	if (strcmp(state, "all") == 0)
		return pool_alive(p);
	for (i = 0; i < WORKER_STATES; i++)
		if (strcmp(state, worker_state_name(i)) == 0)
			return p->n[i];
	return 0;
}
