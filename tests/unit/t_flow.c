/* Whole workflows through the engine, the store in memory and a fake pool. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arn.h"
#include "core/token.h"
#include "flow/registry.h"
#include "flow_kit.h"

static const struct line lines_order[] = {
	{ LINE_STEP, 0, NULL },
	{ LINE_WAIT, 5, NULL },
	{ LINE_STEP, 0, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_flaky[] = {
	{ LINE_STEP, 2, NULL },
	{ LINE_ONCE, 0, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_approval[] = {
	{ LINE_CALLBACK, 300, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_parent[] = {
	{ LINE_INVOKE, 0, "order:$LATEST" },
	{ LINE_INVOKE, 0, "plain" },
	{ LINE_INVOKE, 0, "order" },	/* no qualifier: refused */
	{ LINE_INVOKE, 0, "nobody" },
	{ LINE_INVOKE, 0, "broken" },
	{ LINE_END, 0, NULL },
};
static const struct line lines_raise[] = {
	{ LINE_STEP, 0, NULL },
	{ LINE_RAISE, 2, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_fail[] = {
	{ LINE_FAIL, 0, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_large[] = {
	{ LINE_STEP, 0, NULL },
	{ LINE_LARGE, 0, NULL },
	{ LINE_END, 0, NULL },
};
static const struct line lines_all[] = {
	{ LINE_STEP, 1, NULL },
	{ LINE_WAIT, 3, NULL },
	{ LINE_CALLBACK, 0, NULL },
	{ LINE_ONCE, 0, NULL },
	{ LINE_POLL, 0, NULL },
	{ LINE_INVOKE, 0, "order:1" },
	{ LINE_INVOKE, 0, "plain" },
	{ LINE_STEP, 0, NULL },
	{ LINE_END, 0, NULL },
};

static const struct program programs[] = {
	{ "order", lines_order, NULL },
	{ "slow", lines_order, NULL },
	{ "flaky", lines_flaky, NULL },
	{ "approval", lines_approval, NULL },
	{ "parent", lines_parent, NULL },
	{ "raise", lines_raise, NULL },
	{ "fail", lines_fail, NULL },
	{ "large", lines_large, NULL },
	{ "all", lines_all, NULL },
	{ "plain", NULL, "{\"sum\":42}" },
	{ "broken", NULL, NULL },
	{ "told", NULL, "null" },
};

static struct world w;
static struct reply r;

static int
setup(void **state)
{
	(void)state;
	world_new(&w, programs, sizeof(programs) / sizeof(programs[0]), 7);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	reply_free(&r);
	world_free(&w);
	return 0;
}

static void
invoke(const char *function, const char *qualifier, enum invoke_type type)
{
	world_invoke(&w, function, qualifier, NULL, type, "{\"k\":1}", &r);
	assert_true(world_until(&w, &r.done, 900));
}

static void
history_is(const char *arn, const char *expected)
{
	char *events = world_history(&w, arn);

	assert_string_equal(events, expected);
	free(events);
}

static void
ends(const char *arn, const char *expected)
{
	char *status = world_end(&w, arn, 600);

	assert_string_equal(status, expected);
	free(status);
}

/* ---- plain ---- */

static void
plain_function_answers(void **state)
{
	(void)state;
	invoke("plain", NULL, INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "{\"sum\":42}");
	invoke("broken", NULL, INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.function_error, "Unhandled");
	invoke("plain", NULL, INVOKE_DRY_RUN);
	assert_int_equal(r.status, 204);
	invoke("nobody", NULL, INVOKE_SYNC);
	assert_int_equal(r.err.kind, ERR_NOT_FOUND);
}

static void
event_is_tried_three_times(void **state)
{
	(void)state;
	invoke("broken", NULL, INVOKE_EVENT);
	assert_int_equal(r.status, 202);
	world_run(&w, 50);
	assert_int_equal(w.invocations, 1);
	world_run(&w, 20);
	assert_int_equal(w.invocations, 2);
	world_run(&w, 100);
	assert_int_equal(w.invocations, 2);
	world_run(&w, 40);
	assert_int_equal(w.invocations, 3);
	world_run(&w, 1000);
	assert_int_equal(w.invocations, 3);
}

static void
event_survives_a_crash(void **state)
{
	(void)state;
	invoke("plain", NULL, INVOKE_EVENT);
	assert_int_equal(r.status, 202);
	w.invocations = 0;
	world_crash(&w);
	world_run(&w, 20);
	assert_int_equal(w.invocations, 1);
}

/* What is told of the ends of a function's events goes to "told". */
static void
tell(const char *function, json_int_t age_s, json_int_t retries)
{
	struct function_write fw = { .name = function };
	char *arn = arn_function(w.engine->region, w.engine->account, "told",
	    NULL);
	json_t *settings = json_pack("{s:{s:I, s:I, s:{s:{s:s}, s:{s:s}}}}",
	    "invoke $LATEST", "MaximumEventAgeInSeconds", age_s,
	    "MaximumRetryAttempts", retries, "DestinationConfig",
	    "OnSuccess", "Destination", arn, "OnFailure", "Destination", arn);

	fw.settings = settings;
	registry_apply(w.engine->registry, &fw);
	json_decref(settings);
	free(arn);
}

static void
event_ends_when_it_is_too_old(void **state)
{
	(void)state;
	tell("broken", 100, 2);
	invoke("broken", NULL, INVOKE_EVENT);
	world_run(&w, 50);
	assert_int_equal(w.invocations, 1);
	/* The third attempt would come 180 s behind the start. */
	world_run(&w, 20);
	assert_int_equal(w.invocations, 3);
	world_run(&w, 1000);
	assert_int_equal(w.invocations, 3);
}

static void
event_without_retries_ends_at_once(void **state)
{
	(void)state;
	tell("broken", 21600, 0);
	invoke("broken", NULL, INVOKE_EVENT);
	world_run(&w, 20);
	assert_int_equal(w.invocations, 2);
	world_run(&w, 1000);
	assert_int_equal(w.invocations, 2);
}

/* ---- durable ---- */

static void
unqualified_durable_invoke_is_refused(void **state)
{
	(void)state;
	invoke("order", NULL, INVOKE_SYNC);
	assert_string_equal(r.err.code, "InvalidParameterValueException");
	assert_string_equal(r.err.text, "You cannot invoke a durable "
	    "function using an unqualified ARN.");
	invoke("order", NULL, INVOKE_DRY_RUN);
	assert_string_equal(r.err.code, "InvalidParameterValueException");
	invoke("slow", "$LATEST", INVOKE_SYNC);
	assert_string_equal(r.err.text, "You cannot synchronously invoke a "
	    "durable function with an executionTimeout greater than 15 "
	    "minutes.");
}

static void
steps_and_a_wait_run_to_the_end(void **state)
{
	int64_t start = w.clock_us;

	(void)state;
	invoke("order", "$LATEST", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "ok");
	assert_true(w.clock_us - start >= 5000000);
	assert_true(w.clock_us - start < 5100000);
	history_is(r.arn, "ExecutionStarted StepStarted StepSucceeded "
	    "WaitStarted InvocationCompleted WaitSucceeded StepStarted "
	    "StepSucceeded InvocationCompleted ExecutionSucceeded");
	assert_int_equal(world_ran(&w, r.arn, "op0"), 1);
}

static void
failing_step_is_retried_when_due(void **state)
{
	(void)state;
	invoke("flaky", "1", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_int_equal(world_ran(&w, r.arn, "op0"), 3);
	history_is(r.arn, "ExecutionStarted StepStarted StepFailed "
	    "InvocationCompleted StepStarted StepFailed InvocationCompleted "
	    "StepStarted StepSucceeded StepStarted StepSucceeded "
	    "InvocationCompleted ExecutionSucceeded");
}

static void
callback_result_reaches_the_function(void **state)
{
	char arn[1100];

	(void)state;
	invoke("approval", "$LATEST", INVOKE_EVENT);
	assert_int_equal(r.status, 202);
	strcpy(arn, r.arn);
	world_run(&w, 10);
	assert_true(w.callback[0] != '\0');
	world_callback(&w, "garbage", CALLBACK_SUCCESS, "1", &r);
	world_until(&w, &r.done, 1);
	assert_string_equal(r.err.text, "Invalid callback id");
	world_callback(&w, w.callback, CALLBACK_HEARTBEAT, NULL, &r);
	assert_true(world_until(&w, &r.done, 1));
	assert_int_equal(r.err.kind, ERR_NONE);
	world_callback(&w, w.callback, CALLBACK_SUCCESS, "\"yes\"", &r);
	assert_true(world_until(&w, &r.done, 1));
	assert_int_equal(r.err.kind, ERR_NONE);
	ends(arn, "SUCCEEDED");
	world_callback(&w, w.callback, CALLBACK_SUCCESS, "\"no\"", &r);
	assert_true(world_until(&w, &r.done, 1));
	assert_string_equal(r.err.code, "CallbackTimeoutException");
	history_is(arn, "ExecutionStarted CallbackStarted "
	    "InvocationCompleted CallbackSucceeded InvocationCompleted "
	    "ExecutionSucceeded");
}

static void
callback_times_out(void **state)
{
	(void)state;
	invoke("approval", "$LATEST", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "TIMED_OUT:;");
}

static void
children_of_all_kinds_come_back(void **state)
{
	char arn[1100];

	(void)state;
	invoke("parent", "$LATEST", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "SUCCEEDED:ok;SUCCEEDED:{\"sum\":42};"
	    "FAILED:;FAILED:;FAILED:;");
	strcpy(arn, r.arn);
	history_is(arn, "ExecutionStarted ChainedInvokeStarted "
	    "InvocationCompleted ChainedInvokeSucceeded ChainedInvokeStarted "
	    "InvocationCompleted ChainedInvokeSucceeded ChainedInvokeStarted "
	    "ChainedInvokeFailed ChainedInvokeStarted ChainedInvokeFailed "
	    "ChainedInvokeStarted InvocationCompleted ChainedInvokeFailed "
	    "InvocationCompleted ExecutionSucceeded");
}

static void
raised_invocation_is_repeated(void **state)
{
	(void)state;
	invoke("raise", "$LATEST", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_int_equal(world_ran(&w, r.arn, "op0"), 1);
	history_is(r.arn, "ExecutionStarted StepStarted StepSucceeded "
	    "InvocationCompleted InvocationCompleted InvocationCompleted "
	    "ExecutionSucceeded");
}

static void
failure_is_told_to_the_caller(void **state)
{
	(void)state;
	invoke("fail", "$LATEST", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.function_error, "Unhandled");
	assert_non_null(strstr(r.body, "\"errorType\":\"ValueError\""));
	assert_non_null(strstr(r.body, "\"errorMessage\":\"bad\""));
}

static void
end_by_checkpoint_is_answered_after_the_invocation(void **state)
{
	(void)state;
	invoke("large", "$LATEST", INVOKE_SYNC);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "\"large\"");
	history_is(r.arn, "ExecutionStarted StepStarted StepSucceeded "
	    "ExecutionSucceeded InvocationCompleted");
}

static void
same_name_is_the_same_execution(void **state)
{
	struct reply second = { 0 };

	(void)state;
	world_invoke(&w, "order", "$LATEST", "n1", INVOKE_SYNC, "{\"a\":1}",
	    &r);
	world_run(&w, 1);
	assert_false(r.done);
	world_invoke(&w, "order", "$LATEST", "n1", INVOKE_SYNC, "{\"a\":1}",
	    &second);
	assert_true(world_until(&w, &r.done, 60));
	assert_true(world_until(&w, &second.done, 60));
	assert_string_equal(r.arn, second.arn);
	assert_string_equal(second.body, "ok");
	world_invoke(&w, "order", "$LATEST", "n1", INVOKE_EVENT,
	    "{\"a\":1}", &second);
	assert_true(world_until(&w, &second.done, 60));
	assert_string_equal(r.arn, second.arn);
	world_invoke(&w, "order", "$LATEST", "n1", INVOKE_EVENT,
	    "{\"a\":2}", &second);
	assert_true(world_until(&w, &second.done, 60));
	assert_string_equal(second.err.code,
	    "DurableExecutionAlreadyStartedException");
	reply_free(&second);
}

static void
stopped_execution_changes_no_more(void **state)
{
	struct reply stop = { 0 };
	char arn[1100];

	(void)state;
	invoke("order", "$LATEST", INVOKE_EVENT);
	strcpy(arn, r.arn);
	world_run(&w, 1);
	world_stop(&w, arn, &stop);
	assert_true(world_until(&w, &stop.done, 1));
	assert_non_null(strstr(stop.body, "StopTimestamp"));
	world_run(&w, 30);
	ends(arn, "STOPPED");
	world_stop(&w, arn, &stop);
	assert_true(world_until(&w, &stop.done, 1));
	assert_string_equal(stop.err.code, "InvalidParameterValueException");
	history_is(arn, "ExecutionStarted StepStarted StepSucceeded "
	    "WaitStarted InvocationCompleted ExecutionStopped");
	reply_free(&stop);
}

static void
stop_before_a_worker_is_found_runs_nothing(void **state)
{
	struct reply stop = { 0 };
	char arn[1100];

	(void)state;
	w.busy = true;
	invoke("order", "$LATEST", INVOKE_EVENT);
	strcpy(arn, r.arn);
	world_run(&w, 1);
	assert_int_equal(w.nqueue, 1);
	world_stop(&w, arn, &stop);
	assert_true(world_until(&w, &stop.done, 1));
	world_run(&w, 1);
	assert_int_equal(w.nqueue, 0);
	w.busy = false;
	world_run(&w, 10);
	assert_int_equal(w.invocations, 0);
	history_is(arn, "ExecutionStarted ExecutionStopped");
	reply_free(&stop);
}

static void
unknown_execution_is_404(void **state)
{
	struct arn_execution arn;
	struct err err;
	char text[1200];

	(void)state;
	invoke("fail", "$LATEST", INVOKE_SYNC);
	snprintf(text, sizeof(text), "%s", r.arn);
	text[strlen(text) - 1] ^= 1;
	assert_int_equal(arn_execution_parse(text, &arn, &err), 0);
	reply_free(&r);
	execution_get_begin(w.engine, &arn, true, durable_reply, &r);
	assert_true(world_until(&w, &r.done, 1));
	assert_string_equal(r.err.code, "ResourceNotFoundException");
	assert_string_equal(r.err.text, "Durable Execution does not exist");
}

static void
control(void (*begin)(struct engine *, const struct durable_caller *,
    const struct arn_execution *, durable_done *, void *), const char *text,
    struct reply *reply)
{
	struct durable_caller who = { 0 };
	struct arn_execution arn;
	struct err err;

	assert_int_equal(arn_execution_parse(text, &arn, &err), 0);
	reply_free(reply);
	begin(w.engine, &who, &arn, durable_reply, reply);
	assert_true(world_until(&w, &reply->done, 5));
}

static void
pause_it(struct engine *g, const struct durable_caller *who,
    const struct arn_execution *arn, durable_done *done, void *arg)
{
	struct blob *reason = blob_str("lunch");

	pause_begin(g, who, arn, "t1", reason, true, done, arg);
	blob_unref(reason);
}

/* Another request, not that one again. */
static void
pause_anew(struct engine *g, const struct durable_caller *who,
    const struct arn_execution *arn, durable_done *done, void *arg)
{
	pause_begin(g, who, arn, "t3", NULL, true, done, arg);
}

static void
resume_it(struct engine *g, const struct durable_caller *who,
    const struct arn_execution *arn, durable_done *done, void *arg)
{
	resume_begin(g, who, arn, "t2", NULL, done, arg);
}

static void
paused_execution_records_but_does_not_run(void **state)
{
	struct reply reply = { 0 };
	char arn[1100], *body;

	(void)state;
	invoke("order", "$LATEST", INVOKE_EVENT);
	strcpy(arn, r.arn);
	world_run(&w, 1);
	control(pause_it, arn, &reply);
	assert_int_equal(reply.err.kind, ERR_NONE);
	assert_string_equal(reply.body, "");
	control(pause_it, arn, &reply);
	assert_int_equal(reply.err.kind, ERR_NONE);	/* the same token */
	world_run(&w, 20);
	body = world_get(&w, arn);
	assert_non_null(strstr(body, "\"Status\":\"PAUSED\""));
	assert_non_null(strstr(body, "\"Reason\":\"lunch\""));
	free(body);
	history_is(arn, "ExecutionStarted StepStarted StepSucceeded "
	    "WaitStarted InvocationCompleted ExecutionPaused WaitSucceeded");
	world_crash(&w);
	world_run(&w, 20);
	control(resume_it, arn, &reply);
	assert_int_equal(reply.err.kind, ERR_NONE);
	ends(arn, "SUCCEEDED");
	control(pause_anew, arn, &reply);
	assert_string_equal(reply.err.code, "ResourceConflictException");
	reply_free(&reply);
}

static void
deleted_execution_is_gone(void **state)
{
	struct reply reply = { 0 };
	char arn[1100];

	(void)state;
	world_invoke(&w, "order", "$LATEST", "name", INVOKE_EVENT, NULL, &r);
	assert_true(world_until(&w, &r.done, 5));
	strcpy(arn, r.arn);
	control(delete_begin, arn, &reply);
	assert_string_equal(reply.err.code, "ResourceConflictException");
	ends(arn, "SUCCEEDED");
	control(delete_begin, arn, &reply);
	assert_non_null(strstr(reply.body, "DeletionRequestTimestamp"));
	/* Whoever meets what a crash left of it takes it away. */
	world_crash(&w);
	assert_true(world_until(&w, &w.up, 5));
	world_invoke(&w, "order", "$LATEST", "name", INVOKE_EVENT, NULL, &r);
	assert_true(world_until(&w, &r.done, 5));
	assert_int_equal(r.err.kind, ERR_UNAVAILABLE);
	world_run(&w, 5);
	control(delete_begin, arn, &reply);
	assert_string_equal(reply.err.code, "ResourceNotFoundException");
	/* Its name is free again. */
	world_invoke(&w, "order", "$LATEST", "name", INVOKE_EVENT, "{}", &r);
	assert_true(world_until(&w, &r.done, 5));
	assert_int_equal(r.status, 202);
	assert_string_not_equal(r.arn, arn);
	reply_free(&reply);
}

static json_t *
list_page(const char *marker, int limit)
{
	struct store_list_filter f = { .function = "fail", .limit = limit };
	struct reply reply = { 0 };
	json_t *root;

	execution_list_begin(w.engine, &f, marker, durable_reply, &reply);
	assert_true(world_until(&w, &reply.done, 5));
	if (reply.body == NULL) {
		assert_string_equal(reply.err.code, limit > 1000 ?
		    "ValidationException" : "InvalidParameterValueException");
		return NULL;
	}
	root = json_loads(reply.body, 0, NULL);
	assert_non_null(root);
	reply_free(&reply);
	return root;
}

static void
list_comes_in_pages(void **state)
{
	json_t *page;
	char *marker = NULL;
	size_t n = 0;
	int i, pages = 0;

	(void)state;
	for (i = 0; i < 5; i++) {
		invoke("fail", "$LATEST", INVOKE_SYNC);
		world_run(&w, 1);
	}
	do {
		page = list_page(marker, 2);
		n += json_array_size(json_object_get(page,
		    "DurableExecutions"));
		free(marker);
		marker = NULL;
		if (json_object_get(page, "NextMarker") != NULL)
			marker = strdup(json_string_value(json_object_get(
			    page, "NextMarker")));
		json_decref(page);
		pages++;
	} while (marker != NULL && pages < 9);
	assert_int_equal(n, 5);
	assert_int_equal(pages, 3);
	assert_null(list_page("forged", 2));
	assert_null(list_page(NULL, 1001));
}

static void
worker_reaches_its_own_execution_only(void **state)
{
	struct durable_caller who = { .worker = true, .epoch = 1 };
	struct checkpoint_token t = { .epoch = 1 };
	struct arn_execution arn;
	struct reply reply = { 0 };
	struct err err;
	char text[TOKEN_TEXT];

	(void)state;
	w.busy = true;
	invoke("order", "$LATEST", INVOKE_EVENT);
	assert_int_equal(arn_execution_parse(r.arn, &arn, &err), 0);
	t.execution = arn.id;
	t.cluster_epoch = w.engine->cluster_epoch;
	token_checkpoint(w.engine->key, &t, text);
	who.capital_token = true;
	who.execution.b[3] = 1;		/* another one's worker */
	checkpoint_begin(w.engine, &who, &arn, text, NULL, NULL, 0,
	    durable_reply, &reply);
	assert_true(world_until(&w, &reply.done, 5));
	assert_string_equal(reply.err.text, "Invalid Checkpoint Token");
	reply_free(&reply);
	who.execution = arn.id;
	who.epoch = 2;			/* not its invocation */
	state_begin(w.engine, &who, &arn, text, NULL, 0, durable_reply,
	    &reply);
	assert_true(world_until(&w, &reply.done, 5));
	assert_string_equal(reply.err.text, "Invalid Checkpoint Token");
	reply_free(&reply);
	who.epoch = 1;
	state_begin(w.engine, &who, &arn, text, NULL, 0, durable_reply,
	    &reply);
	assert_true(world_until(&w, &reply.done, 5));
	assert_non_null(strstr(reply.body, "Operations"));
	reply_free(&reply);
}

static void
more_than_the_pool_holds_wait_as_rows(void **state)
{
	struct reply replies[20];
	int i;

	(void)state;
	memset(replies, 0, sizeof(replies));
	w.busy = true;
	for (i = 0; i < 20; i++)
		world_invoke(&w, "fail", "$LATEST", NULL, INVOKE_SYNC, NULL,
		    &replies[i]);
	world_run(&w, 3);
	assert_int_equal(w.nqueue, 3);
	w.busy = false;
	for (i = 0; i < 20; i++) {
		assert_true(world_until(&w, &replies[i].done, 2));
		assert_string_equal(replies[i].function_error, "Unhandled");
		reply_free(&replies[i]);
	}
	assert_int_equal(w.invocations, 20);
}

static void
forgotten_caller_is_not_answered(void **state)
{
	struct invoke *v;

	(void)state;
	v = world_invoke(&w, "order", "$LATEST", NULL, INVOKE_SYNC, NULL, &r);
	world_run(&w, 1);
	invoke_forget(v);
	v = world_invoke(&w, "plain", NULL, NULL, INVOKE_SYNC, NULL, &r);
	invoke_forget(v);
	world_run(&w, 30);
	assert_false(r.done);
}

/* ---- everything goes wrong ---- */

struct story {
	char arn[1100];
	struct reply start, callback;
	bool asked;
	char current[256];
};

/*
 * A client who wants one execution of "all", and repeats what he was not
 * told the result of.
 */
static void
story_turn(struct story *s)
{
	if (s->arn[0] == '\0') {
		if (s->start.done && s->start.err.kind == ERR_NONE) {
			strcpy(s->arn, s->start.arn);
			return;
		}
		if (s->start.done || !s->asked)
			world_invoke(&w, "all", "$LATEST", "story",
			    INVOKE_EVENT, "{}", &s->start);
		s->asked = true;
	}
	if (w.callback[0] == '\0')
		return;
	if (strcmp(w.callback, s->current) != 0 ||
	    (s->callback.done && s->callback.err.kind == ERR_UNAVAILABLE)) {
		strcpy(s->current, w.callback);
		world_callback(&w, w.callback, CALLBACK_SUCCESS, "\"go\"",
		    &s->callback);
	}
}

static void
story_crashed(struct story *s)
{
	/* No answer will come: ask again. */
	if (!s->start.done)
		s->asked = false;
	if (!s->callback.done)
		s->current[0] = '\0';
}

static bool
story_ended(void)
{
	/* The last line's step is recorded. */
	const char *key;
	json_t *value;

	json_object_foreach(w.done, key, value)
		if (strstr(key, " op7") != NULL)
			return true;
	return false;
}

/* The seed under test when things go wrong at random; 0: they do not. */
static uint64_t disturbed;
static char in_hand[128];	/* the story that is being told */

static void
story_disturb(int turn)
{
	uint64_t z = (disturbed * 0x9e3779b97f4a7c15u) ^
	    ((uint64_t)turn * 0xbf58476d1ce4e5b9u);

	if (disturbed == 0 || turn > 3000)
		return;
	z = (z ^ (z >> 31)) * 0x94d049bb133111ebu;
	z ^= z >> 29;
	if (z % 97 == 0)
		memstore_unknown(w.mem, (int)(z >> 8) % 3 + 1, z >> 16 & 1);
	if (z % 211 == 0)
		w.crash_at = w.turns + 1 + (int)(z >> 20) % 3;
}

static void
story(uint64_t seed, int crash_at, int unknown_at, bool happens)
{
	struct story s;
	int crashes = 0, turns;
	char *events;

	memset(&s, 0, sizeof(s));
	snprintf(in_hand, sizeof(in_hand), "story(%llu, %d, %d, %d), "
	    "FLOW_SEED=%llu", (unsigned long long)seed, crash_at, unknown_at,
	    (int)happens, (unsigned long long)disturbed);
	world_new(&w, programs, sizeof(programs) / sizeof(programs[0]), seed);
	w.crash_at = crash_at ? w.turns + crash_at : 0;
	w.unknown_at = unknown_at ? w.turns + unknown_at : 0;
	w.unknown_happens = happens;
	for (turns = 0; turns < 100000 && !story_ended(); turns++) {
		story_turn(&s);
		story_disturb(turns);
		if (!world_turn(&w))
			world_run(&w, 1);
		if (w.crashes != crashes) {
			crashes = w.crashes;
			story_crashed(&s);
		}
	}
	while (s.arn[0] == '\0' && turns++ < 101000) {
		story_turn(&s);
		world_run(&w, 1);
	}
	assert_true(s.arn[0] != '\0');
	w.crash_at = w.unknown_at = 0;
	ends(s.arn, "SUCCEEDED");
	events = world_history(&w, s.arn);
	assert_non_null(strstr(events, "ExecutionSucceeded"));
	free(events);
	reply_free(&s.start);
	reply_free(&s.callback);
	world_free(&w);
	in_hand[0] = '\0';
}

static int
story_teardown(void **state)
{
	(void)state;
	if (in_hand[0] != '\0')
		print_error("failed in %s\n", in_hand);
	in_hand[0] = '\0';
	disturbed = 0;
	return 0;
}

static void
undisturbed_story_ends(void **state)
{
	(void)state;
	story(1, 0, 0, false);
}

static void
crash_at_every_turn_is_survived(void **state)
{
	int i;

	(void)state;
	for (i = 1; i < 400; i++)
		story((uint64_t)i, i, 0, false);
}

static void
unknown_commit_at_every_turn_is_resolved(void **state)
{
	int i;

	(void)state;
	for (i = 1; i < 300; i++) {
		story((uint64_t)i, 0, i, true);
		story((uint64_t)i, 0, i, false);
	}
}

static void
crash_behind_an_unknown_commit_is_survived(void **state)
{
	int i;

	(void)state;
	for (i = 1; i < 300; i++)
		story((uint64_t)i * 31, i + i % 7, i, i % 2);
}

/* FLOW_SEED=n repeats one, FLOW_SEEDS=n tries that many. */
static void
random_disturbances_are_survived(void **state)
{
	const char *one = getenv("FLOW_SEED"), *many = getenv("FLOW_SEEDS");
	uint64_t from = one != NULL ? strtoull(one, NULL, 10) : 1;
	uint64_t n = one != NULL ? 1 : many != NULL ?
	    strtoull(many, NULL, 10) : 150, seed;

	(void)state;
	for (seed = from; seed < from + n; seed++) {
		disturbed = seed;
		story(seed * 1000003, 0, 0, false);
	}
	disturbed = 0;
}

/* An event and what is told of its end; returns how many invocations. */
static int
told(int crash_at, int unknown_at, bool happens)
{
	int turns, crashes = 0, n;

	snprintf(in_hand, sizeof(in_hand), "told(%d, %d, %d)", crash_at,
	    unknown_at, (int)happens);
	world_new(&w, programs, sizeof(programs) / sizeof(programs[0]), 7);
	tell("plain", 21600, 2);
	invoke("plain", NULL, INVOKE_EVENT);
	assert_int_equal(r.status, 202);
	w.invocations = 0;
	w.crash_at = crash_at ? w.turns + crash_at : 0;
	w.unknown_at = unknown_at ? w.turns + unknown_at : 0;
	w.unknown_happens = happens;
	for (turns = 0; turns < 400; turns++) {
		if (!world_turn(&w))
			world_run(&w, 1);
		if (w.crashes != crashes) {
			crashes = w.crashes;
			tell("plain", 21600, 2);
		}
	}
	n = w.invocations;
	reply_free(&r);
	world_free(&w);
	in_hand[0] = '\0';
	return n;
}

static void
end_of_an_event_is_told_through_everything(void **state)
{
	int i, most = 0, n;

	(void)state;
	assert_int_equal(told(0, 0, false), 2);
	for (i = 1; i < 40; i++) {
		/* Commits of unknown fate make nothing run twice. */
		assert_int_equal(told(0, i, true), 2);
		assert_int_equal(told(0, i, false), 2);
		n = told(i, 0, false);
		assert_in_range(n, 2, 3);
		most = n > most ? n : most;
		assert_in_range(told(i + 1, i, i % 2), 2, 3);
	}
	assert_int_equal(most, 3);	/* some crashes did strike */
}

#define S(f) cmocka_unit_test_teardown(f, story_teardown)
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(plain_function_answers),
		T(event_is_tried_three_times),
		T(event_survives_a_crash),
		T(event_ends_when_it_is_too_old),
		T(event_without_retries_ends_at_once),
		T(unqualified_durable_invoke_is_refused),
		T(steps_and_a_wait_run_to_the_end),
		T(failing_step_is_retried_when_due),
		T(callback_result_reaches_the_function),
		T(callback_times_out),
		T(children_of_all_kinds_come_back),
		T(raised_invocation_is_repeated),
		T(failure_is_told_to_the_caller),
		T(end_by_checkpoint_is_answered_after_the_invocation),
		T(same_name_is_the_same_execution),
		T(stopped_execution_changes_no_more),
		T(stop_before_a_worker_is_found_runs_nothing),
		T(unknown_execution_is_404),
		T(paused_execution_records_but_does_not_run),
		T(deleted_execution_is_gone),
		T(list_comes_in_pages),
		T(worker_reaches_its_own_execution_only),
		T(more_than_the_pool_holds_wait_as_rows),
		T(forgotten_caller_is_not_answered),
		S(end_of_an_event_is_told_through_everything),
		S(undisturbed_story_ends),
		S(crash_at_every_turn_is_survived),
		S(unknown_commit_at_every_turn_is_resolved),
		S(crash_behind_an_unknown_commit_is_survived),
		S(random_disturbances_are_survived),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
