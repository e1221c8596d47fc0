#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "flow/alarm.h"
#include "flow/exec.h"
#include "flow/registry.h"
#include "flow/start.h"
#include "flow_kit.h"

/* ---- the environment ---- */

static int64_t
kit_clock(struct env *e)
{
	return ((struct world *)e->arg)->clock_us;
}

static uint64_t
kit_next(struct world *w)
{
	uint64_t z = (w->seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void
kit_random(struct env *e, void *to, size_t n)
{
	unsigned char *p = to;
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (unsigned char)kit_next(e->arg);
}

/* ---- a worker that follows a program ---- */

struct hand {
	struct world *world;
	struct invocation *inv;
	const struct program *program;
	json_t *ops;		/* id -> operation */
	char *token;
	char arn[1100];
	int at;			/* line */
	int64_t start_ms;
	bool asking;		/* a checkpoint is under way */
	bool gone;		/* the process ended; answers are ignored */
	char client_token[40];
	struct op_update updates[4];
	size_t nupdates;
	struct blob *blob;
	char id[16];
	bool closing;		/* the update that is sent ends a step */
	bool result_sent;
	int tries;
	int64_t until_us;	/* does nothing before */
};

static const struct program *
kit_program(const struct world *w, const char *function)
{
	size_t i;

	for (i = 0; i < w->nprograms; i++)
		if (strcmp(w->programs[i].function, function) == 0)
			return &w->programs[i];
	fail_msg("no program %s", function);
	return NULL;
}

static void
hand_free(struct hand *h)
{
	json_decref(h->ops);
	free(h->token);
	blob_unref(h->blob);
	free(h);
}

static void
hand_remove(struct hand *h)
{
	struct world *w = h->world;
	int i;

	for (i = 0; i < w->nhands; i++)
		if (w->hands[i] == h)
			break;
	assert_true(i < w->nhands);
	w->hands[i] = w->hands[--w->nhands];
	hand_free(h);
}

static void
hand_result(struct hand *h, enum invocation_outcome outcome,
    const char *body)
{
	struct invocation_result res;
	struct invocation *inv = h->inv;
	struct blob *b = body != NULL ? blob_str(body) : NULL;

	memset(&res, 0, sizeof(res));
	res.outcome = outcome;
	res.body = b;
	res.start_ms = h->start_ms;
	hand_remove(h);
	inv->done(inv, &res);
	blob_unref(b);
}

static void
hand_learn(struct hand *h, json_t *list)
{
	json_t *op;
	size_t i;

	json_array_foreach(list, i, op)
		json_object_set(h->ops,
		    json_string_value(json_object_get(op, "Id")), op);
}

static const char *
hand_status(struct hand *h, const char **detail, const char *key)
{
	json_t *op = json_object_get(h->ops, h->id);
	json_t *d;

	if (op == NULL)
		return "";
	if (detail != NULL) {
		d = json_object_get(op, key);
		*detail = json_string_value(json_object_get(d, "Result"));
	}
	return json_string_value(json_object_get(op, "Status"));
}

static void
hand_key(const struct hand *h, char *key, size_t size)
{
	snprintf(key, size, "%s %s", h->arn, h->id);
}

static void hand_send(struct hand *);

static void
hand_on_answer(void *arg, const char *body, size_t len,
    const struct err *err)
{
	struct hand *h = arg;
	json_t *root, *token;
	char key[1200];

	h->asking = false;
	if (h->gone)
		return;
	if (err != NULL && err->kind == ERR_UNAVAILABLE && h->tries++ < 20) {
		hand_send(h);	/* as botocore does, with its ClientToken */
		return;
	}
	if (err != NULL) {
		if (err->kind != ERR_UNAVAILABLE)
			assert_string_equal(err->text,
			    "Invalid checkpoint token");
		hand_result(h, INVOCATION_ERROR,
		    "{\"errorType\":\"InvocationError\","
		    "\"errorMessage\":\"stale\",\"stackTrace\":[]}");
		return;
	}
	if (h->closing) {
		hand_key(h, key, sizeof(key));
		json_object_set_new(h->world->done, key, json_true());
	}
	root = json_loadb(body, len, 0, NULL);
	assert_non_null(root);
	token = json_object_get(root, "CheckpointToken");
	free(h->token);
	h->token = token != NULL ? strdup(json_string_value(token)) : NULL;
	hand_learn(h, json_object_get(json_object_get(root,
	    "NewExecutionState"), "Operations"));
	json_decref(root);
}

static void
hand_send(struct hand *h)
{
	struct durable_caller who;
	struct arn_execution arn;
	struct err err;

	memset(&who, 0, sizeof(who));
	memset(&err, 0, sizeof(err));
	who.worker = true;
	who.execution = h->inv->execution;
	who.epoch = h->inv->epoch;
	assert_int_equal(arn_execution_parse(h->arn, &arn, &err), 0);
	h->asking = true;
	checkpoint_begin(h->world->engine, &who, &arn, h->token,
	    h->client_token, h->updates, h->nupdates, hand_on_answer, h);
}

static struct op_update *
hand_update(struct hand *h, enum op_type type, enum op_action action,
    const char *name)
{
	struct op_update *u = &h->updates[h->nupdates++];

	memset(u, 0, sizeof(*u));
	u->id = h->id;
	u->type = type;
	u->action = action;
	u->name = name;
	return u;
}

static void
hand_begin(struct hand *h)
{
	h->nupdates = 0;
	h->tries = 0;
	h->closing = false;
	snprintf(h->client_token, sizeof(h->client_token), "%llx",
	    (unsigned long long)kit_next(h->world));
}

static void
hand_blob(struct hand *h, const char *text)
{
	blob_unref(h->blob);
	h->blob = blob_str(text);
}

/* The body of a step: what is recorded as done never comes here again. */
static int
hand_body(struct hand *h)
{
	struct world *w = h->world;
	char key[1200];
	int n;

	hand_key(h, key, sizeof(key));
	assert_null(json_object_get(w->done, key));
	n = (int)json_integer_value(json_object_get(w->ran, key)) + 1;
	json_object_set_new(w->ran, key, json_integer(n));
	return n;
}

static void
hand_step(struct hand *h, const struct line *l)
{
	const char *status = hand_status(h, NULL, NULL);
	struct op_update *u;
	json_t *op = json_object_get(h->ops, h->id);
	int attempt = (int)json_integer_value(json_object_get(
	    json_object_get(op, "StepDetails"), "Attempt"));

	hand_begin(h);
	if (strcmp(status, "SUCCEEDED") == 0) {
		h->at++;
		return;
	}
	if (strcmp(status, "PENDING") == 0) {
		hand_result(h, INVOCATION_RETURNED,
		    "{\"Status\":\"PENDING\"}");
		return;
	}
	if (l->kind == LINE_ONCE && strcmp(status, "STARTED") != 0) {
		hand_update(h, OP_STEP, OP_START, "once");
		hand_send(h);
		return;
	}
	if (strcmp(status, "STARTED") != 0)
		hand_update(h, OP_STEP, OP_START,
		    l->kind == LINE_ONCE ? "once" : "step");
	hand_body(h);
	if (attempt < l->n) {
		u = hand_update(h, OP_STEP, OP_RETRY, "step");
		hand_blob(h, "{\"ErrorType\":\"Flaky\"}");
		u->error = h->blob;
		u->has_step = true;
		u->delay_s = 2;
	} else {
		u = hand_update(h, OP_STEP, OP_SUCCEED,
		    l->kind == LINE_ONCE ? "once" : "step");
		hand_blob(h, "\"done\"");
		u->payload = h->blob;
		h->closing = true;
	}
	hand_send(h);
}

static void
hand_wait(struct hand *h, const struct line *l)
{
	const char *status = hand_status(h, NULL, NULL);
	struct world *w = h->world;
	struct op_update *u;
	const char *id;

	hand_begin(h);
	if (strcmp(status, "STARTED") == 0) {
		if (l->kind == LINE_CALLBACK || l->kind == LINE_POLL) {
			id = json_string_value(json_object_get(
			    json_object_get(json_object_get(h->ops, h->id),
			    "CallbackDetails"), "CallbackId"));
			assert_non_null(id);
			if (strcmp(w->callback, id) != 0) {
				strcpy(w->callback_2, w->callback);
				snprintf(w->callback, sizeof(w->callback),
				    "%s", id);
			}
		}
		if (l->kind == LINE_POLL) {
			h->until_us = w->clock_us + 1000000;
			hand_send(h);
			return;
		}
		hand_result(h, INVOCATION_RETURNED,
		    "{\"Status\":\"PENDING\"}");
		return;
	}
	if (status[0] != '\0') {
		h->at++;
		return;
	}
	switch (l->kind) {
	case LINE_WAIT:
		u = hand_update(h, OP_WAIT, OP_START, "wait");
		u->has_wait = true;
		u->wait_s = l->n;
		break;
	case LINE_CALLBACK:
	case LINE_POLL:
		u = hand_update(h, OP_CALLBACK, OP_START, "callback");
		u->has_callback = true;
		u->timeout_s = l->n;
		break;
	default:
		u = hand_update(h, OP_CHAINED_INVOKE, OP_START, "invoke");
		u->has_invoke = true;
		u->target = l->text;
		hand_blob(h, "{\"from\":\"parent\"}");
		u->payload = h->blob;
		break;
	}
	hand_send(h);
}

static void
hand_large(struct hand *h)
{
	struct op_update *u;

	hand_begin(h);
	if (h->result_sent) {
		hand_result(h, INVOCATION_RETURNED,
		    "{\"Status\":\"SUCCEEDED\",\"Result\":\"\"}");
		return;
	}
	u = hand_update(h, OP_EXECUTION, OP_SUCCEED, NULL);
	u->id = "execution-result-1";
	hand_blob(h, "\"large\"");
	u->payload = h->blob;
	h->result_sent = true;
	hand_send(h);
}

static void
hand_end(struct hand *h)
{
	own_buf struct buf b = BUF_INIT;
	const char *detail, *status;
	own_buf struct buf r = BUF_INIT;
	int i;

	/* What callbacks and children gave is the result. */
	for (i = 0; h->program->lines[i].kind != LINE_END; i++) {
		snprintf(h->id, sizeof(h->id), "op%d", i);
		if (h->program->lines[i].kind == LINE_CALLBACK) {
			status = hand_status(h, &detail, "CallbackDetails");
			buf_fmt(&r, "%s:%s;", status, detail ? detail : "");
		} else if (h->program->lines[i].kind == LINE_INVOKE) {
			status = hand_status(h, &detail,
			    "ChainedInvokeDetails");
			buf_fmt(&r, "%s:%s;", status, detail ? detail : "");
		}
	}
	buf_str(&b, "{\"Status\":\"SUCCEEDED\",\"Result\":");
	buf_json(&b, r.data != NULL ? r.data : "ok", r.len ? r.len : 2);
	buf_char(&b, '}');
	hand_result(h, INVOCATION_RETURNED, b.data);
}

static void
hand_turn(struct hand *h)
{
	const struct line *l;

	if (h->program->lines == NULL) {
		if (h->program->answer != NULL)
			hand_result(h, INVOCATION_RETURNED,
			    h->program->answer);
		else
			hand_result(h, INVOCATION_ERROR,
			    "{\"errorType\":\"ValueError\","
			    "\"errorMessage\":\"no\",\"stackTrace\":[\"a\"]}");
		return;
	}
	l = &h->program->lines[h->at];
	if (h->token == NULL && l->kind != LINE_LARGE) {
		hand_result(h, INVOCATION_RETURNED,
		    "{\"Status\":\"PENDING\"}");
		return;
	}
	snprintf(h->id, sizeof(h->id), "op%d", h->at);
	switch (l->kind) {
	case LINE_STEP:
	case LINE_ONCE:
		hand_step(h, l);
		return;
	case LINE_WAIT:
	case LINE_CALLBACK:
	case LINE_POLL:
	case LINE_INVOKE:
		hand_wait(h, l);
		return;
	case LINE_LARGE:
		hand_large(h);
		return;
	case LINE_FAIL:
		hand_result(h, INVOCATION_RETURNED, "{\"Status\":\"FAILED\","
		    "\"Error\":{\"ErrorType\":\"ValueError\","
		    "\"ErrorMessage\":\"bad\",\"StackTrace\":[\"x\"]}}");
		return;
	case LINE_RAISE:
		if (h->world->raised++ < l->n)
			hand_result(h, INVOCATION_CRASHED,
			    "{\"errorType\":\"Runtime.ExitError\","
			    "\"errorMessage\":\"exit status 1\"}");
		else
			h->at++;
		return;
	case LINE_END:
		hand_end(h);
		return;
	}
}

static void
hand_take(struct world *w)
{
	struct invocation *inv = w->queue[0];
	struct hand *h = xcalloc(1, sizeof(*h));
	struct blob *payload;
	json_t *root;

	memmove(w->queue, w->queue + 1,
	    sizeof(w->queue[0]) * (size_t)--w->nqueue);
	h->world = w;
	h->inv = inv;
	h->program = kit_program(w, inv->version->function);
	h->start_ms = env_now_ms(&w->env);
	h->ops = json_object();
	w->invocations++;
	assert_true(w->nhands < WORKERS_MOST);
	w->hands[w->nhands++] = h;
	if (inv->build == NULL)
		return;
	payload = inv->build(inv);
	root = json_loadb(payload->data, payload->len, 0, NULL);
	assert_non_null(root);
	h->token = strdup(json_string_value(json_object_get(root,
	    "CheckpointToken")));
	snprintf(h->arn, sizeof(h->arn), "%s",
	    json_string_value(json_object_get(root, "DurableExecutionArn")));
	assert_string_equal(h->arn, inv->execution_arn);
	hand_learn(h, json_object_get(json_object_get(root,
	    "InitialExecutionState"), "Operations"));
	json_decref(root);
	blob_unref(payload);
}

/* ---- the pool ---- */

void
pool_invoke(struct pool *p, struct invocation *inv)
{
	struct world *w = (struct world *)p;

	assert_true(w->nqueue < WORKERS_MOST);
	w->queue[w->nqueue++] = inv;
}

void
pool_cancel(struct pool *p, struct invocation *inv)
{
	struct world *w = (struct world *)p;
	int i;

	for (i = 0; i < w->nqueue; i++)
		if (w->queue[i] == inv) {
			w->queue[i] = w->queue[--w->nqueue];
			return;
		}
	for (i = 0; i < w->nhands; i++)
		if (w->hands[i]->inv == inv) {
			w->hands[i]->gone = true;
			return;
		}
}

/* ---- the world ---- */

static void
kit_on_up(void *arg, const struct err *err)
{
	assert_null(err);
	((struct world *)arg)->up = true;
}

static void
kit_function(struct world *w, const struct program *p)
{
	json_t *config = json_pack("{s:s,s:s,s:s,s:i}",
	    "CodeSha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	    "Runtime", "python3.12", "Handler", "a.b", "Timeout", 60);
	struct function_version *v, *one;
	struct function_write fw;
	struct err err;

	if (p->lines != NULL)
		json_object_set_new(config, "DurableConfig",
		    json_pack("{s:i}", "ExecutionTimeout",
		    strcmp(p->function, "slow") == 0 ? 90000 : 600));
	memset(&fw, 0, sizeof(fw));
	memset(&err, 0, sizeof(err));
	v = function_version_new(p->function, "$LATEST",
	    json_deep_copy(config), &err);
	one = function_version_new(p->function, "1", config, &err);
	assert_non_null(v);
	assert_non_null(one);
	fw.name = p->function;
	fw.latest = v;
	fw.publish = one;
	fw.last_version = 1;
	registry_apply(w->engine->registry, &fw);
	function_version_unref(v);
	function_version_unref(one);
}

static void
kit_start(struct world *w)
{
	struct engine_conf conf;
	size_t i;

	memset(&conf, 0, sizeof(conf));
	conf.env = &w->env;
	conf.store = memstore_store(w->mem);
	conf.pool = (struct pool *)w;
	conf.region = "us-east-1";
	conf.account = "123456789012";
	conf.held_most = 2;	/* so that loads are tested too */
	conf.waits_most = 3;
	w->engine = engine_new(&conf);
	for (i = 0; i < w->nprograms; i++)
		kit_function(w, &w->programs[i]);
	w->up = false;
	engine_store_ready(w->engine, true, kit_on_up, w);
}

void
world_new(struct world *w, const struct program *p, size_t n, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->env.mono_us = kit_clock;
	w->env.wall_us = kit_clock;
	w->env.random = kit_random;
	w->env.arg = w;
	w->clock_us = 1764000000000000;
	w->seed = seed;
	w->programs = p;
	w->nprograms = n;
	w->done = json_object();
	w->ran = json_object();
	w->mem = memstore_new(&w->env);
	kit_start(w);
	assert_true(world_until(w, &w->up, 10));
}

static void
kit_end(struct world *w)
{
	int i;

	for (i = 0; i < w->nhands; i++)
		w->hands[i]->gone = true;
	engine_free(w->engine);
	w->engine = NULL;
	while (w->nhands > 0)
		hand_remove(w->hands[0]);
	w->nqueue = 0;
}

void
world_free(struct world *w)
{
	memstore_forget(w->mem);
	kit_end(w);
	memstore_free(w->mem);
	json_decref(w->done);
	json_decref(w->ran);
}

void
world_crash(struct world *w)
{
	w->crashes++;
	memstore_forget(w->mem);
	kit_end(w);
	kit_start(w);
}

/* Workers whose program can go on. */
static bool
kit_hands(struct world *w)
{
	int i, from = w->nhands > 0 && !w->ordered ?
	    (int)(kit_next(w) % (unsigned)w->nhands) : 0;
	struct hand *h;

	for (i = 0; i < w->nhands; i++) {
		h = w->hands[(from + i) % w->nhands];
		if (h->gone && !h->asking) {
			hand_remove(h);
			return true;
		}
		if (!h->asking && h->until_us <= w->clock_us) {
			hand_turn(h);
			return true;
		}
	}
	return false;
}

static bool
kit_do(struct world *w, int what)
{
	switch (what) {
	case 0:
		return memstore_run(w->mem);
	case 1:
		return alarms_run(w->engine->alarms);
	case 2:
		return kit_hands(w);
	default:
		if (w->nqueue == 0 || w->busy)
			return false;
		hand_take(w);
		return true;
	}
}

bool
world_turn(struct world *w)
{
	int i, from = w->ordered ? 0 : (int)(kit_next(w) % 4);

	w->turns++;
	if (w->crash_at == w->turns) {
		world_crash(w);
		return true;
	}
	if (w->unknown_at == w->turns)
		memstore_unknown(w->mem, 1, w->unknown_happens);
	for (i = 0; i < 4; i++)
		if (kit_do(w, (from + i) % 4))
			return true;
	return false;
}

bool
world_until(struct world *w, const bool *flag, int seconds)
{
	int64_t end = w->clock_us + seconds * 1000000LL, ms;
	int i;

	for (i = 0; i < 1000000; i++) {
		if (flag != NULL && *flag)
			return true;
		if (world_turn(w))
			continue;
		ms = alarms_next(w->engine->alarms);
		if (ms < 0 || (w->nhands > 0 && ms > 1000))
			ms = 1000;
		if (w->clock_us + ms * 1000 > end) {
			w->clock_us = end;
			return false;
		}
		w->clock_us += ms * 1000;
	}
	fail_msg("the world does not come to rest");
	return false;
}

void
world_run(struct world *w, int seconds)
{
	world_until(w, NULL, seconds);
}

/* ---- calls ---- */

void
reply_free(struct reply *r)
{
	free(r->body);
	memset(r, 0, sizeof(*r));
}

static void
kit_invoked(void *arg, const struct invoke_out *out, const struct err *err)
{
	struct reply *r = arg;

	assert_false(r->done);
	r->done = true;
	if (err != NULL) {
		r->err = *err;
		return;
	}
	r->status = out->status;
	if (out->execution_arn != NULL)
		snprintf(r->arn, sizeof(r->arn), "%s", out->execution_arn);
	if (out->function_error != NULL)
		snprintf(r->function_error, sizeof(r->function_error), "%s",
		    out->function_error);
	if (out->body != NULL)
		r->body = strndup(out->body->data, out->body->len);
}

struct invoke *
world_invoke(struct world *w, const char *function, const char *qualifier,
    const char *name, enum invoke_type type, const char *payload,
    struct reply *r)
{
	struct invoke_in in;
	struct invoke *v;

	reply_free(r);
	memset(&in, 0, sizeof(in));
	in.request_id = id_random(&w->env);
	in.type = type;
	in.function = function;
	in.qualifier = qualifier;
	in.name = name;
	in.payload = payload != NULL ? blob_str(payload) : NULL;
	v = invoke_begin(w->engine, &in, kit_invoked, r);
	assert_false(r->done);
	blob_unref(in.payload);
	return v;
}

void
durable_reply(void *arg, const char *body, size_t len, const struct err *err)
{
	struct reply *r = arg;

	assert_false(r->done);
	r->done = true;
	if (err != NULL)
		r->err = *err;
	else
		r->body = strndup(body, len);
}

void
world_callback(struct world *w, const char *id, enum callback_kind kind,
    const char *payload, struct reply *r)
{
	struct durable_caller who;
	struct blob *b = payload != NULL ? blob_str(payload) : NULL;

	reply_free(r);
	memset(&who, 0, sizeof(who));
	callback_begin(w->engine, &who, id, kind, b, durable_reply, r);
	blob_unref(b);
}

static void
kit_arn(const char *text, struct arn_execution *arn)
{
	struct err err;

	memset(&err, 0, sizeof(err));
	assert_int_equal(arn_execution_parse(text, arn, &err), 0);
}

void
world_stop(struct world *w, const char *text, struct reply *r)
{
	struct durable_caller who;
	struct arn_execution arn;

	reply_free(r);
	memset(&who, 0, sizeof(who));
	kit_arn(text, &arn);
	stop_begin(w->engine, &who, &arn, NULL, durable_reply, r);
}

char *
world_get(struct world *w, const char *text)
{
	struct arn_execution arn;
	struct reply r = { 0 };

	kit_arn(text, &arn);
	do {
		reply_free(&r);
		execution_get_begin(w->engine, &arn, true, durable_reply, &r);
		world_until(w, &r.done, 60);
	} while (r.err.kind == ERR_UNAVAILABLE);
	if (r.body == NULL)
		fail_msg("get: %s", r.err.text);
	return r.body;
}

char *
world_end(struct world *w, const char *text, int seconds)
{
	int64_t end = w->clock_us + seconds * 1000000LL;
	char *body, *status;
	json_t *root;

	for (;;) {
		body = world_get(w, text);
		root = json_loads(body, 0, NULL);
		free(body);
		assert_non_null(root);
		status = strdup(json_string_value(json_object_get(root,
		    "Status")));
		json_decref(root);
		if (strcmp(status, "RUNNING") != 0 || w->clock_us >= end)
			return status;
		free(status);
		world_run(w, 1);
	}
}

char *
world_history(struct world *w, const char *text)
{
	struct arn_execution arn;
	struct reply r = { 0 };
	own_buf struct buf b = BUF_INIT;
	json_t *root, *list, *event;
	size_t i;

	kit_arn(text, &arn);
	history_get_begin(w->engine, &arn, true, 1000, NULL, false,
	    durable_reply, &r);
	world_until(w, &r.done, 60);
	assert_non_null(r.body);
	root = json_loads(r.body, 0, NULL);
	assert_non_null(root);
	list = json_object_get(root, "Events");
	json_array_foreach(list, i, event) {
		assert_int_equal(json_integer_value(json_object_get(event,
		    "EventId")), i + 1);
		buf_fmt(&b, "%s%s", i ? " " : "",
		    json_string_value(json_object_get(event, "EventType")));
	}
	json_decref(root);
	reply_free(&r);
	return buf_steal(&b);
}

int
world_ran(struct world *w, const char *arn, const char *op)
{
	char key[1200];

	snprintf(key, sizeof(key), "%s %s", arn, op);
	return (int)json_integer_value(json_object_get(w->ran, key));
}
