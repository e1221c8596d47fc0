#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/own.h"
#include "pool/egress.h"
#include "pool/inner.h"
#include "pool/report.h"
#include "pool/snapshot.h"
#include "pool/wlog.h"
#include "runtime-api/context.h"
#include "runtime-api/server.h"

#define UP_MS 30000		/* main gives up after 20 s and says so */
/*
 * An idle worker is frozen after this, not at once: under load the next event
 * is there sooner, and each freeze and thaw costs 0.05 to 0.2 ms.
 */
#define SETTLE_MS 50
#define COOL_FRESH_MS 50	/* so long it counts as good as idle */
#define COOL_LEAST_MS 2000
#define STOP_MS 2000
#define GONE_TICK_MS 1
#define GONE_TICKS_MOST 2000
#define INIT_LEAST_MS 100
#define API_BODY_MOST (40 * 1024 * 1024)
#define API_CONNECTIONS_MOST 64
#define API_IDLE_S 120
#define API_REQUEST_S 60
/*
 * What one worker may make us hold: for itself the greatest answer and the
 * greatest event, each as it grows; at most two of the greatest checkpoints.
 */
#define SHARE_BYTES_OWN (20 * 1024 * 1024)
#define SHARE_BYTES_MOST (96 * 1024 * 1024)
#define SHARE_CONNECTIONS_OWN 16

static const char *const state_names[WORKER_STATES] = {
	[WORKER_STARTING] = "starting",
	[WORKER_IDLE] = "idle",
	[WORKER_BUSY] = "busy",
	[WORKER_COOLING] = "cooling",
	[WORKER_STOPPING] = "stopping",
};

const char *
worker_state_name(enum worker_state state)
{
	return state_names[state];
}

enum worker_state
worker_state(const struct worker *w)
{
	return w->state;
}

const char *
worker_function(const struct worker *w)
{
	return w->group->version->function;
}

const char *
worker_version(const struct worker *w)
{
	return w->group->version->version;
}

const char *
worker_role(const struct worker *w)
{
	return w->group->version->role;
}

const char *
worker_log_stream(const struct worker *w)
{
	return w->log_stream;
}

const struct invocation *
worker_invocation(const struct worker *w)
{
	return w->invocation;
}

void *
worker_api_arg(const struct worker *w)
{
	return w->pool->conf.api_arg;
}

struct share *
worker_share(const struct worker *w)
{
	return w->share;
}

static int64_t
now_us(const struct worker *w)
{
	return w->pool->env->mono_us(w->pool->env);
}

static int64_t
limit_ms(const struct worker *w)
{
	return (int64_t)w->group->version->timeout_s * 1000;
}

/* ---- states ---- */

static void
worker_arm(struct worker *w, int64_t ms)
{
	struct timeval tv;

	if (w->gone != NULL)
		ms = GONE_TICK_MS;
	if (ms < 0)
		ms = 0;
	tv = (struct timeval){ ms / 1000, (ms % 1000) * 1000 };
	evtimer_add(w->timer, &tv);
}

static void
worker_kill(struct worker *w, bool hard)
{
	struct msg_out m = { 0 };
	struct err err;

	msg_begin(&m, MSG_WORKER_KILL);
	msg_put_u64(&m, w->id);
	msg_put_u32(&m, hard ? 1 : 0);
	broker_send(w->pool->broker, &m, &err);
}

/* From now on it has the CPU time of its function. */
static void
worker_send_ready(struct worker *w)
{
	struct msg_out m = { 0 };
	struct err err;

	msg_begin(&m, MSG_WORKER_READY);
	msg_put_u64(&m, w->id);
	broker_send(w->pool->broker, &m, &err);
}

static void
worker_close(struct worker *w)
{
	runtime_server_free(w->runtime);
	w->runtime = NULL;
	http_server_free(w->api);
	w->api = NULL;
	egress_close(w);
}

/* Idle: first a moment in which what was started may end. */
static void
worker_settle_down(struct worker *w)
{
	w->settles = wgroup_can_freeze(&w->cgroup);
	worker_arm(w, w->settles ? SETTLE_MS :
	    (int64_t)w->pool->conf.idle_s * 1000);
}

/* The only place that changes the state. */
static void
worker_enter(struct worker *w, enum worker_state state)
{
	enum worker_state from = w->state;
	int64_t left;

	/* Before it is told anything, and before its time runs. */
	if (from == WORKER_IDLE)
		wgroup_freeze(&w->cgroup, false);

	log_debug("worker id=%" PRIu64 " function=%s from=%s to=%s", w->id,
	    worker_function(w), state_names[from], state_names[state]);
	w->state = state;
	pool_worker_moved(w, from);
	switch (state) {
	case WORKER_STARTING:
		worker_arm(w, UP_MS);
		break;
	case WORKER_IDLE:
		worker_settle_down(w);
		break;
	case WORKER_BUSY:
		left = (w->deadline_us - now_us(w) + 999) / 1000;
		worker_arm(w, left);
		break;
	case WORKER_COOLING:
		worker_arm(w, COOL_FRESH_MS);
		break;
	case WORKER_STOPPING:
		/* Nothing it says counts any more, on either listener. */
		worker_close(w);
		worker_arm(w, STOP_MS);
		break;
	case WORKER_STATES:
		break;
	}
}

void
worker_stop(struct worker *w, bool hard, const char *reason)
{
	if (w->state == WORKER_STOPPING)
		return;
	metric_inc(METRIC_WORKER_EXITS, reason, NULL);
	worker_enter(w, WORKER_STOPPING);
	w->killed = hard;
	if (w->gone == NULL)
		worker_kill(w, hard);
}

void
worker_retire(struct worker *w)
{
	w->retiring = true;
	if (w->state == WORKER_IDLE || w->state == WORKER_COOLING)
		worker_stop(w, false, "retired");
}

/* ---- the end of an invocation ---- */

static uint64_t
memory_limit(const struct worker *w)
{
	return (uint64_t)w->group->version->memory_mb << 20;
}

static void
worker_report(struct worker *w, struct report *r, enum invocation_outcome o,
    const char *type)
{
	r->version = w->group->version;
	r->request = w->request;
	r->tenant = w->tenant;
	r->at_ms = env_now_ms(w->pool->env);
	r->init_ms = w->used ? -1 : w->init_ms;
	r->restored = w->restored;
	if (w->gone == NULL)
		w->memory_most = wgroup_peak(&w->cgroup, memory_limit(w));
	r->memory_most = w->memory_most;
	r->status = o == INVOCATION_RETURNED ? "success" :
	    o == INVOCATION_TIMED_OUT || o == INVOCATION_RESTORE_TIMED_OUT ?
	    "timeout" : "error";
	r->error_type = type;
}

static void
worker_count(struct worker *w, enum invocation_outcome o, double seconds)
{
	const char *function = worker_function(w);

	metric_observe(METRIC_INVOCATION_SECONDS, function, NULL, seconds);
	if (o != INVOCATION_RETURNED)
		metric_inc(METRIC_INVOCATION_ERRORS, function,
		    outcome_name(o));
}

/* Tells the caller last: what it does may come back to us. */
static void
worker_tell(struct worker *w, struct invocation *inv,
    struct invocation_result *result)
{
	struct pool *p = w->pool;
	own_free char *tail = NULL;
	size_t len;
	const char *t = wlog_tail(w->log, &len);

	tail = xmemdup(len == 0 ? "" : t, len == 0 ? 1 : len);
	result->log_tail = tail;
	result->log_tail_len = len;
	if (inv != NULL) {
		inv->worker = NULL;
		inv->done(inv, result);
	}
	pool_check_drained(p);
}

/* Ends what a busy worker runs; the worker goes to `next`. */
static void
worker_settle(struct worker *w, enum invocation_outcome o, struct blob *body,
    const char *type, enum worker_state next)
{
	struct invocation *inv = w->invocation;
	struct invocation_result result = { .outcome = o, .body = body };
	struct report r;

	result.start_ms = w->start_ms;
	result.seconds = (double)(now_us(w) - w->handed_us) / 1e6;
	worker_report(w, &r, o, type);
	r.ms = result.seconds * 1000;
	wlog_drain(w->log);
	if (o == INVOCATION_TIMED_OUT)
		report_timed_out(w->log, &r);
	report_end(w->log, &r);
	wlog_end(w->log);
	worker_count(w, o, result.seconds);
	if ((o == INVOCATION_RETURNED || o == INVOCATION_ERROR) &&
	    w->group->crashes > 0)
		w->group->crashes--;
	metric_add(METRIC_CONCURRENT, worker_function(w), NULL, -1);
	if (inv != NULL)
		w->pool->heard--;
	w->invocation = NULL;
	w->used = true;
	if (next == WORKER_STOPPING)
		worker_stop(w, true, outcome_name(o));
	else if (w->retiring)
		worker_stop(w, false, "retired");
	else
		worker_enter(w, next);
	worker_tell(w, inv, &result);
}

void
worker_fail_start(struct worker *w, struct invocation *inv,
    enum invocation_outcome o, struct blob *body, const char *type)
{
	struct invocation_result result = { .outcome = o, .body = body };
	struct report r;

	w->request = inv->request_id;
	worker_report(w, &r, o, type);
	r.ms = (double)(now_us(w) - w->up_us) / 1000;
	r.init_ms = -1;
	wlog_drain(w->log);
	wlog_begin_failed(w->log, inv->request_id);
	report_start(w->log, &r);
	if (o == INVOCATION_TIMED_OUT)
		report_timed_out(w->log, &r);
	report_end(w->log, &r);
	wlog_end(w->log);
	metric_inc(METRIC_INVOCATIONS, worker_function(w),
	    id_is_zero(&inv->execution) ? "plain" : "durable");
	worker_count(w, o, r.ms / 1000);
	worker_tell(w, inv, &result);
}

void
worker_forget_invocation(struct worker *w)
{
	if (w->invocation == NULL)
		return;
	w->invocation = NULL;
	w->pool->heard--;
	/* Whoever drains waits no longer for it. */
	event_active(w->pool->finish, EV_TIMEOUT, 0);
}

/* ---- what the runtime says ---- */

static void
worker_on_ready(void *arg)
{
	struct worker *w = arg;

	if (w->gone != NULL)
		return;
	if (w->state == WORKER_STARTING) {
		w->init_ms = (double)(now_us(w) - w->up_us) / 1000;
		metric_observe(METRIC_INIT_SECONDS, worker_function(w), NULL,
		    (double)(now_us(w) - w->started_us) / 1e6);
		if (w->restored)
			report_restored(w->log, w->group->version, NULL,
			    w->init_ms, env_now_ms(w->pool->env));
		worker_send_ready(w);
		snapshots_again(w->pool->snapshots, w->group->version);
	} else if (w->state != WORKER_COOLING)
		return;
	worker_enter(w, WORKER_IDLE);
	pool_worker_ready(w);
}

static void
worker_on_left(void *arg)
{
	struct worker *w = arg;

	if (w->state == WORKER_IDLE)
		worker_enter(w, WORKER_COOLING);
}

static void
worker_on_answered(void *arg, enum runtime_answer what, struct blob *body)
{
	struct worker *w = arg;
	const char *type = NULL;

	if (w->state != WORKER_BUSY)
		return;
	switch (what) {
	case RUNTIME_RESPONSE:
		worker_settle(w, INVOCATION_RETURNED, body, NULL,
		    WORKER_COOLING);
		break;
	case RUNTIME_ERROR:
		worker_settle(w, INVOCATION_ERROR, body, NULL, WORKER_COOLING);
		break;
	case RUNTIME_TOO_LARGE:
		body = report_too_large_error(RUNTIME_RESPONSE_MOST, &type);
		worker_settle(w, INVOCATION_TOO_LARGE, body, type,
		    WORKER_COOLING);
		blob_unref(body);
		break;
	}
}

static void
worker_restore_failed(struct worker *w, enum invocation_outcome o,
    struct blob *body)
{
	double ms = (double)(now_us(w) - w->up_us) / 1000;

	report_restored(w->log, w->group->version,
	    o == INVOCATION_RESTORE_TIMED_OUT ? "timeout" : "error", ms,
	    env_now_ms(w->pool->env));
	pool_worker_init_failed(w, o, body, NULL);
}

/* By what its runtime said, or by its end without a word (body NULL). */
static void
worker_start_failed(struct worker *w, struct blob *body)
{
	pool_worker_crashed(w);
	if (w->restored)
		worker_restore_failed(w, INVOCATION_RESTORE_ERROR, body);
	else
		pool_worker_init_failed(w, INVOCATION_INIT_ERROR, body, NULL);
}

static void
worker_on_init_failed(void *arg, struct blob *body)
{
	struct worker *w = arg;

	if (w->state != WORKER_STARTING)
		return;
	worker_start_failed(w, body);
	worker_stop(w, false, w->restored ? "restore_error" : "init_error");
}

static const struct runtime_ops worker_runtime_ops = {
	.ready = worker_on_ready,
	.left = worker_on_left,
	.answered = worker_on_answered,
	.init_failed = worker_on_init_failed,
};

/* ---- handing over ---- */

/* A payload of NULL or from a builder that has none is an empty object. */
static struct blob *
invocation_payload(struct invocation *inv)
{
	struct blob *b = inv->build != NULL ? inv->build(inv) :
	    blob_ref(inv->payload);

	return b != NULL ? b : blob_str("{}");
}

bool
worker_hand(struct worker *w, struct invocation *inv)
{
	struct env *env = w->pool->env;
	struct blob *payload;
	struct context c;
	struct report r;

	if (!runtime_server_waits(w->runtime)) {
		worker_enter(w, WORKER_COOLING);
		return false;
	}
	w->request = inv->request_id;
	free(w->tenant);
	w->tenant = xstrdup(inv->tenant);
	w->start_ms = env_now_ms(env);
	/* A late init is part of its first invocation. */
	w->handed_us = w->late && !w->used ? w->up_us : now_us(w);
	w->deadline_us = w->handed_us + limit_ms(w) * 1000;
	w->invocation = inv;
	w->pool->heard++;
	inv->worker = w;
	turn_wanted(w->share);
	/* Nobody else may take it while the payload is made. */
	worker_enter(w, WORKER_BUSY);
	payload = invocation_payload(inv);
	c = (struct context){
		.request = inv->request_id,
		.deadline_ms = env_wall_ms(env) +
		    (w->deadline_us - now_us(w)) / 1000,
		.function_arn = inv->function_arn,
		.trace = inv->trace,
		.client_context = inv->client_context,
		.cognito = inv->cognito,
		.tenant = inv->tenant,
		.payload = payload,
	};
	wlog_drain(w->log);
	wlog_begin(w->log, inv->request_id, inv->log_tail);
	worker_report(w, &r, INVOCATION_RETURNED, NULL);
	report_start(w->log, &r);
	metric_inc(METRIC_INVOCATIONS, worker_function(w),
	    id_is_zero(&inv->execution) ? "plain" : "durable");
	metric_add(METRIC_CONCURRENT, worker_function(w), NULL, 1);
	runtime_server_hand(w->runtime, &c);
	blob_unref(payload);
	return true;
}

/* ---- starting ---- */

static void
worker_on_line(void *arg, char stream, int64_t at_ms, const struct id *request,
    const char *text, size_t len)
{
	struct worker *w = arg;
	const struct pool_conf *conf = &w->pool->conf;

	conf->log(conf->log_arg, w, stream, at_ms, request, text, len);
}

static void
random_text(struct env *env, char *out, size_t n, const char *alphabet,
    size_t letters)
{
	unsigned char b;
	size_t i;

	for (i = 0; i < n; i++) {
		env->random(env, &b, 1);
		out[i] = alphabet[b % letters];
	}
	out[n] = '\0';
}

/* As AWS makes them: day, version and 32 hex digits. */
static char *
stream_name(const struct pool *p, const char *version)
{
	time_t now = (time_t)(env_wall_ms(p->env) / 1000);
	char day[16], hex[33];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y/%m/%d", &tm);
	random_text(p->env, hex, 32, "0123456789abcdef", 16);
	return xasprintf("%s/[%s]%s", day, version, hex);
}

static int32_t
clamp(int32_t v, int32_t least, int32_t most)
{
	return v < least ? least : v > most ? most : v;
}

static void
put_environment(const struct pool *p, const struct function_version *v,
    const char *log_stream, bool proxy, struct msg_out *m)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567abcdefghijklmnopqrstuvwxyz";
	struct env *env = p->env;
	char key[21] = "ASIA", secret[41], token[65], **list;
	struct context_env in = {
		.version = v,
		.region = p->conf.region,
		.log_stream = log_stream,
		.access_key = key,
		.secret_key = secret,
		.session_token = token,
		.proxy = proxy,
		.fast_off = p->conf.fast_off,
	};
	int i, n;

	/* To sign with; the listener says who it is, not these. */
	random_text(env, key + 4, 16, letters, 32);
	random_text(env, secret, 40, letters, 58);
	random_text(env, token, 64, letters, 58);
	list = context_environment(&in, &n);
	msg_put_u32(m, (uint32_t)n);
	for (i = 0; i < n; i++)
		msg_put_str(m, list[i]);
	context_environment_free(list, n);
}

static int64_t
worker_init_ms(const struct worker *w)
{
	return w->late ? limit_ms(w) : w->pool->conf.init_ms;
}

/* Main ends a control that asks for what it never gives. */
static void
put_version(uint64_t id, const struct function_version *v, int64_t init_ms,
    struct msg_out *m)
{
	msg_put_u64(m, id);
	msg_put_str(m, v->function);
	msg_put_str(m, v->version);
	msg_put_str(m, v->runtime);
	msg_put_str(m, v->code);
	msg_put_u32(m, (uint32_t)clamp(v->memory_mb, 128, 10240));
	msg_put_u32(m, (uint32_t)clamp(v->tmp_mb, 512, 10240));
	msg_put_u32(m, (uint32_t)clamp((int32_t)init_ms, INIT_LEAST_MS,
	    900000));
}

/* Nobody answers it, and no way leads out: it is written down and ends. */
int
worker_order_snapshot(struct pool *p, const struct function_version *v,
    struct err *err)
{
	const char *why = p->conf.refused == NULL ? NULL :
	    p->conf.refused(p->conf.refused_arg, v->function);
	own_free char *stream = NULL;
	struct msg_out m = { 0 };

	if (why != NULL)
		return err_set(err, ERR_UNAVAILABLE, "%s", why);
	stream = stream_name(p, v->version);
	msg_begin(&m, MSG_SNAPSHOT);
	put_version(0, v, p->conf.init_ms, &m);
	put_environment(p, v, stream, false, &m);
	msg_put_u32(&m, 0);
	msg_put_str(&m, v->snapshot);
	return broker_send(p->broker, &m, err);
}

static int
worker_order(struct worker *w, struct err *err)
{
	const struct function_version *v = w->group->version;
	const struct pool_conf *conf = &w->pool->conf;
	const char *why = conf->refused == NULL ? NULL :
	    conf->refused(conf->refused_arg, v->function);
	struct msg_out m = { 0 };

	if (why != NULL)
		return err_set(err, ERR_UNAVAILABLE, "%s", why);
	if (egress_choose(w, err) < 0)
		return -1;
	msg_begin(&m, MSG_WORKER_START);
	put_version(w->id, v, worker_init_ms(w), &m);
	put_environment(w->pool, v, w->log_stream, w->egress == EGRESS_PROXY,
	    &m);
	msg_put_u32(&m, w->egress == EGRESS_FULL);
	msg_put_str(&m, v->snapshot);
	return broker_send(w->pool->broker, &m, err);
}

static void worker_on_timer(evutil_socket_t, short, void *);

struct worker *
worker_start(struct group *g, bool late)
{
	struct pool *p = g->pool;
	struct worker *w = xcalloc(1, sizeof(*w));
	struct err err;

	w->pool = p;
	w->group = g;
	w->id = ++p->next_worker;
	w->late = late;
	w->started_us = now_us(w);
	w->log_stream = stream_name(p, g->version->version);
	w->share = share_new(&p->common, SHARE_BYTES_OWN, SHARE_BYTES_MOST,
	    SHARE_CONNECTIONS_OWN);
	w->share->owner = g;
	w->log = wlog_new(p->base, p->env, -1, -1, worker_on_line, w);
	w->timer = evtimer_new(p->base, worker_on_timer, w);
	TAILQ_INSERT_HEAD(&g->workers, w, all);
	map_put(p->workers, &w->id, sizeof(w->id), w);
	w->state = WORKER_STARTING;
	pool_worker_moved(w, WORKER_STATES);
	metric_inc(METRIC_WORKER_STARTS, late ? "late" : "cold", NULL);
	worker_arm(w, UP_MS);
	if (worker_order(w, &err) < 0) {
		/* Main has not heard of it: ends in the loop's next turn. */
		w->gone = xcalloc(1, sizeof(*w->gone));
		w->gone->why = xstrdup(err.text);
		worker_arm(w, GONE_TICK_MS);
	}
	return w;
}

void
worker_free(struct worker *w)
{
	worker_close(w);
	wgroup_close(&w->cgroup);
	wlog_free(w->log);
	egress_list_free(w->egress_list);
	share_unref(w->share);
	event_free(w->timer);
	if (w->gone != NULL)
		free((char *)(uintptr_t)w->gone->why);
	free(w->gone);
	free(w->log_stream);
	free(w->tenant);
	free(w);
}

void
worker_on_group(struct worker *w, const struct broker_group *is)
{
	wgroup_take(&w->cgroup, is);
}

void
worker_watch(struct worker *w)
{
	uint64_t limit = memory_limit(w);

	if (w->out_of_memory || w->gone != NULL ||
	    wgroup_used(&w->cgroup, limit) <= limit)
		return;
	log_info("worker is out of memory id=%" PRIu64 " function=%s", w->id,
	    worker_function(w));
	w->out_of_memory = true;
	worker_kill(w, true);
}

void
worker_on_up(struct worker *w, bool restored, int fds[BROKER_UP_FDS])
{
	struct pool *p = w->pool;
	struct http_conf api = {
		.body_most = p->conf.api_body_most > 0 ?
		    p->conf.api_body_most : API_BODY_MOST,
		.idle_s = API_IDLE_S,
		.request_s = API_REQUEST_S,
		.share = w->share,
		.connections_most = API_CONNECTIONS_MOST,
		.own_user = true,
		.handle = p->conf.api,
		.too_large = p->conf.api_too_large,
		.arg = w,
	};
	struct err err;

	/* Room for one of the greatest and many small ones. */
	api.bodies_most = api.body_most + API_BODY_MOST;
	if (w->state != WORKER_STARTING || w->up) {
		broker_close_fds(fds);
		return;
	}
	w->up = true;
	w->restored = restored;
	p->starts_failed = 0;
	w->up_us = now_us(w);
	wlog_free(w->log);
	w->log = wlog_new(p->base, p->env, fds[2], fds[3], worker_on_line, w);
	wlog_share(w->log, w->share);
	report_start_up(w->log, w->group->version, restored ? NULL :
	    w->late ? "invoke" : "init", env_now_ms(p->env));
	w->runtime = runtime_server_new(p->base, fds[0], w->share,
	    &worker_runtime_ops, w, &err);
	w->api = http_server_new(p->base, fds[1], &api, &err);
	if (egress_open(w, fds[4], &err) < 0 || w->runtime == NULL ||
	    w->api == NULL) {
		log_error("worker listener id=%" PRIu64 " err=\"%s\"", w->id,
		    err.text);
		pool_worker_unstartable(w, err.text);
		worker_stop(w, true, "start");
		return;
	}
	worker_arm(w, worker_init_ms(w));
}

/* ---- ends ---- */

static void
worker_timed_out(struct worker *w)
{
	const char *type;
	struct blob *body = report_timeout_error(&w->request,
	    w->group->version->timeout_s, &type);

	worker_settle(w, INVOCATION_TIMED_OUT, body, type, WORKER_STOPPING);
	blob_unref(body);
}

/* Its time for init is over. */
static void
worker_init_over(struct worker *w)
{
	if (!w->up) {
		pool_worker_unstartable(w, "the sandbox did not come up");
		worker_stop(w, true, "start");
	} else if (w->restored) {
		worker_restore_failed(w, INVOCATION_RESTORE_TIMED_OUT, NULL);
		worker_stop(w, true, "restore_timeout");
	} else if (w->late) {
		/* The body names the request: the pool makes it. */
		pool_worker_init_failed(w, INVOCATION_TIMED_OUT, NULL, NULL);
		worker_stop(w, true, "init_timeout");
	} else {
		worker_stop(w, true, "init_timeout");
		pool_worker_init_slow(w);
	}
}

/* Everything a dead worker had said was read: what was it? */
static void
worker_end(struct worker *w)
{
	const struct broker_gone *g = w->gone;
	const char *type = NULL;
	struct blob *body;

	if (*g->why != '\0') {
		log_warn("worker did not start id=%" PRIu64 " function=%s "
		    "why=\"%s\"", w->id, worker_function(w), g->why);
		pool_worker_unstartable(w, g->why);
	} else if (w->state == WORKER_STARTING) {
		worker_start_failed(w, NULL);
	} else if (w->state == WORKER_BUSY) {
		pool_worker_crashed(w);
		body = report_exit_error(&w->request, g, &type);
		worker_settle(w, INVOCATION_CRASHED, body, type,
		    WORKER_STOPPING);
		blob_unref(body);
	}
	if (w->state != WORKER_STOPPING)
		metric_inc(METRIC_WORKER_EXITS, "exit", NULL);
	wlog_drain(w->log);
	pool_worker_gone(w);
}

void
worker_on_gone(struct worker *w, const struct broker_gone *g)
{
	if (w->gone != NULL)
		return;
	w->gone = xmemdup(g, sizeof(*g));
	w->gone->why = xstrdup(g->why);
	w->gone->out_of_memory |= w->out_of_memory;
	if (w->gone->out_of_memory)
		metric_inc(METRIC_WORKER_OOMS, worker_function(w), NULL);
	w->memory_most = g->resident_most;
	if (w->cgroup.is.memory != 0 && w->memory_most > memory_limit(w))
		w->memory_most = memory_limit(w);
	/*
	 * Its last request may still lie in a socket, behind this frame:
	 * what it posted before it ended counts.
	 */
	if ((w->state == WORKER_STARTING || w->state == WORKER_BUSY) &&
	    w->runtime != NULL)
		worker_arm(w, GONE_TICK_MS);
	else
		worker_end(w);
}

static void
worker_gone_tick(struct worker *w)
{
	w->gone_ticks++;
	if (w->runtime != NULL && w->state != WORKER_STOPPING &&
	    (w->gone_ticks < 2 || runtime_server_connections(w->runtime) > 0) &&
	    w->gone_ticks < GONE_TICKS_MOST)
		worker_arm(w, GONE_TICK_MS);
	else
		worker_end(w);
}

static void
worker_cool_over(struct worker *w)
{
	int64_t left = (w->deadline_us - now_us(w)) / 1000;

	if (!w->stale) {
		pool_worker_stale(w);
		worker_arm(w, left < COOL_LEAST_MS ? COOL_LEAST_MS : left);
	} else
		worker_stop(w, true, "hung");
}

static void
worker_idle_over(struct worker *w)
{
	if (!w->settles) {
		worker_stop(w, false, "idle");
		return;
	}
	w->settles = false;
	if (wgroup_freeze(&w->cgroup, true))
		worker_arm(w, (int64_t)w->pool->conf.idle_s * 1000);
	else
		worker_stop(w, true, "freeze");
}

static void
worker_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (w->gone != NULL) {
		worker_gone_tick(w);
		return;
	}
	switch (w->state) {
	case WORKER_STARTING:
		worker_init_over(w);
		break;
	case WORKER_IDLE:
		worker_idle_over(w);
		break;
	case WORKER_BUSY:
		worker_timed_out(w);
		break;
	case WORKER_COOLING:
		worker_cool_over(w);
		break;
	case WORKER_STOPPING:
		if (w->killed)
			log_error("worker does not end id=%" PRIu64, w->id);
		w->killed = true;
		worker_kill(w, true);
		worker_arm(w, 5 * STOP_MS);
		break;
	case WORKER_STATES:
		break;
	}
}
