/*
 * Invocations: the claim of the next one and what the end of one means
 * (durable-protocol.md 5.3 and 12).
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/durable_int.h"
#include "core/retry.h"

#define IDLE_ANSWERS_MOST 3
#define AGAIN_FIRST_MS 100

bool
durable_wants_run(const struct execution *x, int64_t now)
{
	return x->status == EXECUTION_RUNNING && !x->running &&
	    x->retry_ms != 0 && x->retry_ms <= now;
}

void
durable_claim(const struct durable_env *e, struct execution *x,
    struct change *c)
{
	durable_changed(e, c);
	x->cluster_epoch = e->cluster_epoch;
	x->epoch++;
	x->seq = 0;
	x->running = true;
	x->owner = e->node;
	x->request_id = id_random(e->env);
	x->claimed_ms = e->now;
	x->retry_ms = 0;
	x->last_seq = -1;
	free(x->last_client_token);
	x->last_client_token = NULL;
	c->claimed = true;
}

/* ---- what the function answered ---- */

enum verdict {
	VERDICT_SUCCEEDED,
	VERDICT_FAILED,		/* error says why */
	VERDICT_PENDING,
	VERDICT_IDLE,		/* PENDING for nothing; error says so */
	VERDICT_BROKEN,		/* the invocation failed */
	VERDICT_LOST,
};

struct answer {
	enum verdict verdict;
	struct blob *result, *error;	/* owned; NULL: none */
};

static void
answer_clear(struct answer *a)
{
	blob_unref(a->result);
	blob_unref(a->error);
}

static void
answer_invalid(struct answer *a, const char *sentence)
{
	a->verdict = VERDICT_FAILED;
	a->error = error_make(INVALID_PARAMETER, "%s", sentence);
}

static void
answer_succeeded(struct answer *a, json_t *result, json_t *error)
{
	if (error != NULL) {
		answer_invalid(a,
		    "Cannot provide an Error for SUCCEEDED status.");
		return;
	}
	if (result != NULL && !json_is_string(result)) {
		answer_invalid(a, "Invalid Result in invocation output.");
		return;
	}
	a->verdict = VERDICT_SUCCEEDED;
	if (result != NULL)
		a->result = blob_new(json_string_value(result),
		    json_string_length(result));
}

static void
answer_failed(struct answer *a, json_t *result, json_t *error)
{
	struct blob *raw = NULL;
	char *text;

	if (result != NULL) {
		answer_invalid(a,
		    "Cannot provide a Result for FAILED status.");
		return;
	}
	a->verdict = VERDICT_FAILED;
	if (error != NULL) {
		text = json_dumps(error, JSON_COMPACT | JSON_ENCODE_ANY);
		raw = blob_str(text);
		free(text);
	}
	a->error = error_clean(raw);
	blob_unref(raw);
}

static bool
something_unseen(const struct execution *x)
{
	const struct operation *op;
	int32_t i;

	for (i = 0; (op = execution_live(x, i)) != NULL; i++)
		if (op->ord > 0 && op->dirty)
			return true;
	return false;
}

static bool
something_pending(const struct execution *x)
{
	const struct operation *op;
	int32_t i;

	for (i = 0; (op = execution_live(x, i)) != NULL; i++)
		if (op_pending(op))
			return true;
	return false;
}

static void
answer_pending(struct answer *a, const struct execution *x)
{
	a->verdict = VERDICT_PENDING;
	if (x->status != EXECUTION_RUNNING || x->pause_wants_run ||
	    something_unseen(x) || something_pending(x))
		return;
	a->verdict = VERDICT_IDLE;
	a->error = error_make(INVALID_PARAMETER,
	    "Cannot return PENDING status with no pending operations.");
}

static json_t *
member_get(json_t *root, const char *name)
{
	json_t *v = json_object_get(root, name);

	return json_is_null(v) ? NULL : v;
}

static void
answer_read(struct answer *a, const struct execution *x,
    const struct blob *body)
{
	json_t *root = NULL, *result, *error;
	const char *status;

	if (body != NULL)
		root = json_loadb(body->data, body->len, JSON_ALLOW_NUL,
		    NULL);
	status = json_string_value(json_object_get(root, "Status"));
	result = member_get(root, "Result");
	error = member_get(root, "Error");
	if (status != NULL && strcmp(status, "SUCCEEDED") == 0)
		answer_succeeded(a, result, error);
	else if (status != NULL && strcmp(status, "FAILED") == 0)
		answer_failed(a, result, error);
	else if (status != NULL && strcmp(status, "PENDING") == 0)
		answer_pending(a, x);
	else
		answer_invalid(a, "Invalid Status in invocation output.");
	json_decref(root);
}

static void
answer_make(struct answer *a, const struct execution *x,
    const struct durable_end *end)
{
	switch (end->outcome) {
	case OUTCOME_RETURNED:
		answer_read(a, x, end->body);
		return;
	case OUTCOME_ERROR:
		a->verdict = VERDICT_BROKEN;
		break;
	case OUTCOME_LOST:
		a->verdict = VERDICT_LOST;
		if (end->error == NULL)
			a->error = error_make("Sandbox.Lost",
			    "The invocation was lost before it ended.");
		break;
	case OUTCOME_GONE:
		a->verdict = VERDICT_FAILED;
		if (end->error == NULL)
			a->error = error_make("ResourceNotFoundException",
			    "Function not found: %s:%s", x->function,
			    x->version);
		break;
	}
	if (a->error == NULL)
		a->error = error_clean(end->error);
}

/* ---- what it means ---- */

static void
completed_event(const struct durable_env *e, struct execution *x,
    const struct durable_end *end, struct blob *error, struct change *c)
{
	char id[ID_TEXT];
	struct event *ev;

	ev = durable_event(e, x, EVENT_INVOCATION_COMPLETED, NULL, c);
	ev->start_ms = end->start_ms > 0 ? end->start_ms : x->claimed_ms;
	id_text(x->request_id, id);
	ev->ref = xstrdup(id);
	ev->payload = blob_ref(error);
}

/* Not ended: the function is to be invoked again, now or when resumed. */
static void
run_again(const struct durable_env *e, struct execution *x, int64_t delay_ms,
    struct change *c)
{
	if (x->status == EXECUTION_RUNNING) {
		x->retry_ms = e->now + delay_ms;
		x->pause_wants_run = false;
		return;
	}
	x->pause_wants_run = true;
	if (x->status == EXECUTION_PAUSING)
		durable_enter_paused(e, x, c);
}

static void
settle_pending(const struct durable_env *e, struct execution *x,
    struct change *c)
{
	x->failures = 0;
	x->idle_answers = 0;
	if (x->pause_wants_run || something_unseen(x) ||
	    !something_pending(x))
		run_again(e, x, 0, c);
	else if (x->status == EXECUTION_PAUSING)
		durable_enter_paused(e, x, c);
}

/*
 * A pause takes the token away, which makes some handlers fail: such a
 * failure says nothing about the function.
 */
static bool
cut_by_pause(const struct execution *x)
{
	return x->status != EXECUTION_RUNNING || x->pause_wants_run;
}

/*
 * Soon after the first failure, which most often is a worker that was killed
 * and says nothing about the next one.
 */
static int64_t
again_ms(const struct execution *x)
{
	return x->failures == 1 ? AGAIN_FIRST_MS :
	    retry_backoff_ms(x->failures - 1, MINUTE_MS);
}

static void
settle_broken(const struct durable_env *e, struct execution *x,
    const struct answer *a, struct change *c)
{
	bool idle = a->verdict == VERDICT_IDLE;

	if (!idle && cut_by_pause(x)) {
		run_again(e, x, 0, c);
		return;
	}
	x->failures++;
	x->idle_answers = idle ? x->idle_answers + 1 : 0;
	x->metered++;
	x->stored_bytes += (int64_t)a->error->len;
	if (x->idle_answers >= IDLE_ANSWERS_MOST ||
	    (e->failures_most > 0 && x->failures >= e->failures_most))
		durable_close(e, x, EXECUTION_FAILED, NULL, a->error, c);
	else
		durable_count(e, x, NULL, NULL, c);
	if (!execution_closed(x))
		run_again(e, x, again_ms(x), c);
}

static void
settle_open(const struct durable_env *e, struct execution *x,
    const struct answer *a, struct change *c)
{
	switch (a->verdict) {
	case VERDICT_SUCCEEDED:
		durable_succeed(e, x, a->result, c);
		break;
	case VERDICT_FAILED:
		durable_close(e, x, EXECUTION_FAILED, NULL, a->error, c);
		break;
	case VERDICT_PENDING:
		settle_pending(e, x, c);
		break;
	case VERDICT_IDLE:
	case VERDICT_BROKEN:
		settle_broken(e, x, a, c);
		break;
	case VERDICT_LOST:
		run_again(e, x, 0, c);
		break;
	}
}

int
durable_settle(const struct durable_env *e, struct execution *x,
    const struct durable_end *end, struct change *c)
{
	struct answer a = { VERDICT_LOST, NULL, NULL };
	bool failed;

	if (!x->running || end->epoch != x->epoch ||
	    x->status == EXECUTION_DELETING)
		return 0;
	answer_make(&a, x, end);
	failed = end->outcome != OUTCOME_RETURNED ||
	    a.verdict == VERDICT_IDLE;
	durable_changed(e, c);
	x->running = false;
	x->owner = 0;
	/* One that no function ever had is not an invocation. */
	if (end->outcome != OUTCOME_LOST || end->start_ms > 0)
		completed_event(e, x, end, failed ? a.error : NULL, c);
	if (!execution_closed(x)) {
		settle_open(e, x, &a, c);
		timers_fire(e, x, true, c);
	}
	answer_clear(&a);
	return 0;
}
