#include <config.h>

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/own.h"
#include "core/arn.h"
#include "flow/alarm.h"
#include "flow/async.h"
#include "flow/child.h"
#include "flow/destination.h"
#include "flow/durable_start.h"
#include "flow/error_object.h"
#include "flow/registry.h"
#include "pool/pool.h"

/* Events in memory; more stay rows until there is room. */
#define ASYNC_HELD_MOST 1000
#define ASYNC_TAKE_MOST 100
/* Of one function beyond its reserved concurrency; more wait as rows. */
#define ASYNC_PATIENCE 100
#define ASYNC_BACKOFF_MS 100
/* A statement whose answer is lost may be at work for as long. */
#define ASYNC_OWN_MS 20000
#define ASYNC_BACKOFF_MOST_MS 2000

struct async {
	struct engine *engine;
	struct map *by_id;
	bool taking, again;	/* a sweep is under way; one more is wanted */
	/* Until then a lost take may come through: ask for those too. */
	int64_t own_ms;
	struct alarm alarm;	/* the next sweep */
	int64_t next_ms;
};

enum async_next {
	ASYNC_PUT,
	ASYNC_RETRY,
	ASYNC_DROP,
	ASYNC_END,	/* with the records that follow */
};

struct async_run {
	struct keep keep;
	struct engine *engine;
	struct async_event *event;
	enum async_next next;	/* what is being written */
	bool unknown;		/* a try of that may have happened */
	int tries;
	struct alarm alarm;
	struct invocation inv;
	char *function_arn;
	bool pooled;
	struct starting *starting;	/* a durable destination */
	struct async_event *follow[DESTINATIONS_MOST];
	size_t nfollow;
	void (*done)(void *arg, const struct err *);
	void *arg;
};

static void async_write(struct async_run *);
static void async_start(struct async_run *);

struct async *
async_new(struct engine *g)
{
	struct async *a = xcalloc(1, sizeof(*a));

	a->engine = g;
	a->by_id = map_new(env_random_u64(g->env));
	return a;
}

void
async_free(struct async *a)
{
	if (a == NULL)
		return;
	alarm_clear(a->engine->alarms, &a->alarm);
	map_free(a->by_id);
	free(a);
}

static void
async_run_free(struct async_run *r)
{
	struct engine *g = r->engine;

	keep_remove(&g->kept, &r->keep);
	map_del(g->async->by_id, &r->event->id, sizeof(r->event->id));
	alarm_clear(g->alarms, &r->alarm);
	if (r->pooled)
		pool_cancel(g->pool, &r->inv);
	if (r->starting != NULL)
		durable_start_forget(r->starting);
	while (r->nfollow > 0)
		async_event_free(r->follow[--r->nfollow]);
	if (r->inv.version != NULL)
		function_version_unref(r->inv.version);
	free(r->function_arn);
	async_event_free(r->event);
	free(r);
}

static void
async_run_drop(struct keep *k)
{
	async_run_free((struct async_run *)k);
}

/* Takes the event; NULL (and the event is released) when it is held. */
static struct async_run *
async_hold(struct engine *g, struct async_event *e)
{
	struct async_run *r;

	if (map_get(g->async->by_id, &e->id, sizeof(e->id)) != NULL) {
		async_event_free(e);
		return NULL;
	}
	r = xcalloc(1, sizeof(*r));
	r->engine = g;
	r->event = e;
	keep_add(&g->kept, &r->keep, async_run_drop);
	map_put(g->async->by_id, &e->id, sizeof(e->id), r);
	return r;
}

/* ---- sweeps ---- */

static void
async_on_sweep(void *arg)
{
	async_sweep(((struct async *)arg)->engine);
}

static void
async_sweep_at(struct engine *g, int64_t at_ms)
{
	struct async *a = g->async;
	int64_t now = env_now_ms(g->env);

	if (alarm_is_set(&a->alarm) && a->next_ms <= at_ms)
		return;
	a->next_ms = at_ms;
	alarm_set(g->alarms, &a->alarm, at_ms > now ? at_ms - now + 1 : 0,
	    async_on_sweep, a);
}

void
async_missed(struct engine *g)
{
	g->async->own_ms = env_mono_ms(g->env) + ASYNC_OWN_MS;
	async_sweep_at(g, env_now_ms(g->env) + 1000);
}

static void
async_on_taken(void *arg, enum store_result result,
    struct async_event **events, size_t n, const struct err *err)
{
	struct async *a = arg;
	struct engine *g = a->engine;
	size_t i;

	a->taking = false;
	switch (result) {
	case STORE_OK:
		break;
	case STORE_UNKNOWN:
		async_missed(g);
		return;
	case STORE_CONFLICT:
	case STORE_RETRY:
		async_sweep_at(g, env_now_ms(g->env) + 1000);
		return;
	case STORE_FATAL:
		log_error("events not taken error=%s",
		    err != NULL ? err->text : "");
		return;
	}
	for (i = 0; i < n; i++)
		async_adopt(g, events[i]);
	if (n >= ASYNC_TAKE_MOST || a->again)
		async_sweep_at(g, env_now_ms(g->env));
	else if (env_mono_ms(g->env) < a->own_ms)
		async_sweep_at(g, env_now_ms(g->env) + ASYNC_OWN_MS / 4);
	a->again = false;
}

void
async_sweep(struct engine *g)
{
	struct async *a = g->async;
	size_t held = map_count(a->by_id), room;
	bool own;

	if (a->taking) {
		a->again = true;
		return;
	}
	if (!g->ready || g->draining || held >= ASYNC_HELD_MOST)
		return;
	room = ASYNC_HELD_MOST - held;
	a->taking = true;
	/* Once more when the time is over: that is the one that counts. */
	own = a->own_ms != 0;
	if (env_mono_ms(g->env) >= a->own_ms)
		a->own_ms = 0;
	store_event_take(g->store, g->node, env_now_ms(g->env),
	    room < ASYNC_TAKE_MOST ? (int)room : ASYNC_TAKE_MOST,
	    own, async_on_taken, a);
}

/* ---- what is written about an event ---- */

static void
async_answer(struct async_run *r, const struct err *err)
{
	void (*done)(void *, const struct err *) = r->done;

	r->done = NULL;
	if (done != NULL)
		done(r->arg, err);
}

static void
async_on_again(void *arg)
{
	async_write(arg);
}

static void
async_again(struct async_run *r)
{
	int64_t ms = ASYNC_BACKOFF_MS << (r->tries < 6 ? r->tries : 6);

	r->tries++;
	alarm_set(r->engine->alarms, &r->alarm,
	    ms < ASYNC_BACKOFF_MOST_MS ? ms : ASYNC_BACKOFF_MOST_MS,
	    async_on_again, r);
}

/* What the end wrote is this node's and runs now. */
static void
async_follow(struct async_run *r)
{
	struct engine *g = r->engine;
	struct async_event *e;

	while (r->nfollow > 0) {
		e = r->follow[--r->nfollow];
		if (e->owner == g->node)
			async_adopt(g, e);
		else
			async_event_free(e);
	}
}

static void
async_written(struct async_run *r, enum store_result result)
{
	struct engine *g = r->engine;
	bool unknown = r->unknown;

	r->tries = 0;
	r->unknown = false;
	switch (r->next) {
	case ASYNC_PUT:
		/* A try before may come through when it has run and gone. */
		if (unknown)
			async_missed(g);
		metric_inc(METRIC_ASYNC_RECEIVED, r->event->function, NULL);
		(void)PD_FAIL("flow.event.before_answer");
		async_answer(r, NULL);
		(void)PD_FAIL("flow.event.after_answer");
		if (r->event->owner == g->node)
			async_start(r);
		else
			async_run_free(r);
		return;
	case ASYNC_RETRY:
		async_sweep_at(g, r->event->due_ms);
		async_run_free(r);
		return;
	case ASYNC_DROP:
		async_run_free(r);
		/* There may be rows that waited for the room. */
		if (map_count(g->async->by_id) + ASYNC_TAKE_MOST >=
		    ASYNC_HELD_MOST)
			async_sweep_at(g, env_now_ms(g->env));
		return;
	case ASYNC_END:
		if (result == STORE_OK)
			async_follow(r);
		else if (unknown)
			async_missed(g);	/* by a try before, perhaps */
		async_run_free(r);
		return;
	}
}

static void
async_on_written(void *arg, enum store_result result, const struct err *err)
{
	struct async_run *r = arg;
	struct err out;

	if (result == STORE_OK && PD_FAIL("flow.event.after_write"))
		result = STORE_UNKNOWN;
	switch (result) {
	case STORE_OK:
	case STORE_CONFLICT:	/* it was there, or was gone, already */
		async_written(r, result);
		return;
	case STORE_UNKNOWN:
		/* The same row by its id: a repetition does no harm. */
		r->unknown = true;
		async_again(r);
		return;
	case STORE_RETRY:
	case STORE_FATAL:
		break;
	}
	if (result == STORE_FATAL)
		log_error("event not written error=%s",
		    err != NULL ? err->text : "");
	if (r->next != ASYNC_PUT || r->unknown) {
		async_again(r);
		return;
	}
	memset(&out, 0, sizeof(out));
	err_set(&out, result == STORE_FATAL ? ERR_INTERNAL : ERR_UNAVAILABLE,
	    "The event could not be stored: %s", err != NULL ? err->text : "");
	async_answer(r, &out);
	async_run_free(r);
}

static void
async_write(struct async_run *r)
{
	struct store *s = r->engine->store;

	if (PD_FAIL("flow.event.before_write")) {
		async_on_written(r, STORE_RETRY, NULL);
		return;
	}
	switch (r->next) {
	case ASYNC_PUT:
		store_event_put(s, r->event, async_on_written, r);
		return;
	case ASYNC_RETRY:
		store_event_retry(s, r->event, async_on_written, r);
		return;
	case ASYNC_DROP:
		store_event_drop(s, &r->event->id, async_on_written, r);
		return;
	case ASYNC_END:
		store_event_end(s, &r->event->id, r->follow, r->nfollow,
		    async_on_written, r);
		return;
	}
}

static void
async_finish(struct async_run *r, enum async_next next)
{
	r->next = next;
	r->tries = 0;
	async_write(r);
}

void
async_put(struct engine *g, struct async_event *e,
    void (*done)(void *arg, const struct err *), void *arg)
{
	struct async_run *r;

	if (map_count(g->async->by_id) < ASYNC_HELD_MOST && !g->draining)
		e->owner = g->node;
	r = async_hold(g, e);
	if (r == NULL)
		return;		/* ids are made here, once */
	r->done = done;
	r->arg = arg;
	r->next = ASYNC_PUT;
	alarm_set(g->alarms, &r->alarm, 0, async_on_again, r);
}

/* ---- its end ---- */

/*
 * Nobody will run it again.  `ran`: the last attempt was one of the function,
 * and its answer is in response (or NULL).
 */
static void
async_conclude(struct async_run *r, const char *condition, bool ran,
    const struct blob *response)
{
	struct engine *g = r->engine;
	struct event_end end = {
		.condition = condition,
		.version = ran ? r->inv.version->version : NULL,
		.response = response,
		.attempts = r->event->attempt,
		.now = env_now_ms(g->env),
	};
	char id[ID_TEXT];

	if (event_end_succeeded(&end)) {
		end.attempts++;
	} else {
		id_text(r->event->id, id);
		log_warn("asynchronous event given up function=%s "
		    "request_id=%s condition=%s", r->event->function, id,
		    condition);
		metric_inc(METRIC_ASYNC_DROPPED, r->event->function, NULL);
		if (r->event->hops > 0)
			metric_inc(METRIC_DESTINATION_FAILURES,
			    r->event->function, NULL);
	}
	r->nfollow = destination_events(g, r->event, &end, r->follow);
	async_finish(r, r->nfollow > 0 ? ASYNC_END : ASYNC_DROP);
}

static void
async_ended(struct async_run *r, enum op_status status, struct blob *payload,
    struct blob *error)
{
	child_event_ended(r->engine, r->event, status, payload, error);
}

void
async_settled(struct engine *g, const struct id *id)
{
	struct async_run *r = map_get(g->async->by_id, id, sizeof(*id));

	if (r != NULL)
		async_run_free(r);
}

void
async_drop(struct engine *g, const struct id *id)
{
	struct async_run *r = map_get(g->async->by_id, id, sizeof(*id));

	if (r != NULL)
		async_finish(r, ASYNC_DROP);
}

static struct retry_policy
async_policy(const struct async_run *r)
{
	struct engine *g = r->engine;
	struct event_invoke conf = event_invoke_of(registry_get(g->registry,
	    r->event->function), r->event->qualifier);

	conf.policy.delay_ms = g->retry_ms;
	return conf.policy;
}

static const char *
async_condition(enum retry_verdict verdict)
{
	return verdict == RETRY_EXHAUSTED ? "RetriesExhausted" :
	    "EventAgeExceeded";
}

/* The function had it and failed. */
static void
async_failed(struct async_run *r, const struct blob *body)
{
	struct retry_policy policy = async_policy(r);
	enum retry_verdict verdict = retry_failed(&policy, r->event,
	    env_now_ms(r->engine->env));
	struct blob *error;

	if (verdict == RETRY_AGAIN) {
		async_finish(r, ASYNC_RETRY);
		return;
	}
	if (id_is_zero(&r->event->parent)) {
		async_conclude(r, async_condition(verdict), true, body);
		return;
	}
	error = error_object_from(body);
	async_ended(r, OP_FAILED, NULL, error);
	blob_unref(error);
}

static void
async_returned(struct async_run *r, struct blob *body)
{
	struct blob *error;

	if (id_is_zero(&r->event->parent)) {
		async_conclude(r, "Success", true, body);
		return;
	}
	if (body == NULL || body->len <= DURABLE_PAYLOAD_MOST) {
		async_ended(r, OP_SUCCEEDED, body, NULL);
		return;
	}
	error = error_object_fmt("InvalidParameterValueException",
	    "Execution output payload size must be less than or equal to %d "
	    "bytes.", DURABLE_PAYLOAD_MOST);
	async_ended(r, OP_FAILED, NULL, error);
	blob_unref(error);
}

/* How often it was put off, as its age tells: no row counts that. */
static int
async_deferred(const struct async_event *e, int64_t now)
{
	int times = 1;

	while (times < 20 && now - e->accepted_ms >= 1000LL << times)
		times++;
	return times;
}

/* It could not be run now. */
static void
async_put_off(struct async_run *r)
{
	struct retry_policy policy = async_policy(r);
	int64_t now = env_now_ms(r->engine->env);
	enum retry_verdict verdict = retry_deferred(&policy, r->event,
	    async_deferred(r->event, now), now);
	struct blob *error;

	if (verdict == RETRY_AGAIN) {
		async_finish(r, ASYNC_RETRY);
		return;
	}
	if (id_is_zero(&r->event->parent)) {
		async_conclude(r, async_condition(verdict), false, NULL);
		return;
	}
	error = error_object("TooManyRequestsException", "Rate Exceeded.");
	async_ended(r, OP_FAILED, NULL, error);
	blob_unref(error);
}

static void
async_on_result(struct invocation *inv, const struct invocation_result *res)
{
	struct async_run *r = inv->arg;

	r->pooled = false;
	alarm_clear(r->engine->alarms, &r->alarm);
	switch (res->outcome) {
	case INVOCATION_RETURNED:
		async_returned(r, res->body);
		return;
	case INVOCATION_LOST:
	case INVOCATION_THROTTLED:
		async_put_off(r);
		return;
	case INVOCATION_ERROR:
	case INVOCATION_CRASHED:
	case INVOCATION_TIMED_OUT:
	case INVOCATION_INIT_ERROR:
	case INVOCATION_RESTORE_ERROR:
	case INVOCATION_RESTORE_TIMED_OUT:
	case INVOCATION_TOO_LARGE:
		break;
	}
	async_failed(r, res->body);
}

/* ---- its run ---- */

static void
async_gone(struct async_run *r, const struct err *err)
{
	struct blob *error;

	if (id_is_zero(&r->event->parent)) {
		async_conclude(r, "FunctionNotFound", false, NULL);
		return;
	}
	error = error_object("ResourceNotFoundException", err->text);
	async_ended(r, OP_FAILED, NULL, error);
	blob_unref(error);
}

static void
async_on_started(void *arg, const struct id *id, bool existing,
    const char *arn, const struct err *err)
{
	struct async_run *r = arg;

	(void)id, (void)existing, (void)arn;
	r->starting = NULL;
	if (err != NULL)
		async_put_off(r);
	else
		async_finish(r, ASYNC_DROP);
}

/*
 * A durable destination: the execution bears the event's id as its name, so
 * that it starts once, however often this is done.
 */
static void
async_start_durable(struct async_run *r)
{
	const struct function_version *v = r->inv.version;
	const struct async_event *e = r->event;
	char name[ID_TEXT];
	struct durable_start start = {
		.function = e->function,
		.version = v->version,
		.function_arn = r->function_arn,
		.name = name,
		.input = e->payload,
		.timeout_s = v->execution_timeout_s,
		.retention_days = v->retention_days,
		.kms_key_arn = v->kms_key_arn,
		.trace = e->trace,
		.tenant = e->tenant,
	};

	id_text(e->id, name);
	r->starting = durable_start_begin(r->engine, &start, name,
	    async_on_started, r);
}

/* It waited for a worker until it was too old. */
static void
async_on_age(void *arg)
{
	struct async_run *r = arg;

	if (!r->pooled || !pool_waits(&r->inv))
		return;
	pool_cancel(r->engine->pool, &r->inv);
	r->pooled = false;
	async_conclude(r, "EventAgeExceeded", false, NULL);
}

/* Not for chained invokes: their parent decides how long it waits. */
static bool
async_is_late(struct async_run *r)
{
	struct retry_policy policy = async_policy(r);
	int64_t left = r->event->accepted_ms + policy.age_most_ms -
	    env_now_ms(r->engine->env);

	if (!id_is_zero(&r->event->parent))
		return false;
	if (left < 0) {
		async_conclude(r, "EventAgeExceeded", false, NULL);
		return true;
	}
	alarm_set(r->engine->alarms, &r->alarm, left + 1, async_on_age, r);
	return false;
}

static void
async_start(struct async_run *r)
{
	struct engine *g = r->engine;
	struct async_event *e = r->event;
	struct invocation *inv = &r->inv;
	struct err err;

	memset(&err, 0, sizeof(err));
	if (async_is_late(r))
		return;
	inv->version = registry_resolve(g->registry, e->function,
	    e->qualifier, &err);
	if (inv->version == NULL) {
		async_gone(r, &err);
		return;
	}
	r->function_arn = arn_function(g->region, g->account, e->function,
	    e->qualifier);
	if (id_is_zero(&e->parent) &&
	    registry_reserved(g->registry, e->function) == 0) {
		async_conclude(r, "ZeroReservedConcurrency", false, NULL);
		return;
	}
	if (inv->version->durable && !id_is_zero(&e->parent)) {
		err_set(&err, ERR_NOT_FOUND, "Function not found: %s: it was "
		    "plain when it was invoked", r->function_arn);
		async_gone(r, &err);
		return;
	}
	if (inv->version->durable) {
		async_start_durable(r);
		return;
	}
	inv->request_id = e->id;
	inv->function_arn = r->function_arn;
	inv->payload = e->payload;
	inv->client_context = e->client_context;
	inv->trace = e->trace;
	inv->tenant = e->tenant;
	inv->patience = id_is_zero(&e->parent) ? ASYNC_PATIENCE : -1;
	inv->done = async_on_result;
	inv->arg = r;
	r->pooled = true;
	pool_invoke(g->pool, inv);
}

void
async_adopt(struct engine *g, struct async_event *e)
{
	struct async_run *r = async_hold(g, e);

	if (r != NULL)
		async_start(r);
}
