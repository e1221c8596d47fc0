#include <config.h>

#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/own.h"
#include "core/arn.h"
#include "flow/destination.h"
#include "flow/registry.h"

/* Where AWS ends a loop of functions that call each other. */
#define HOPS_MOST 16

static int
destination_invalid(const char *arn, const char *why, struct err *err)
{
	return err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "The destination ARN %s is invalid%s", arn, why);
}

int
destination_check(struct engine *g, const char *function, const char *arn,
    struct err *err)
{
	struct function_version *v = NULL;
	struct arn_function a;
	struct function *f;
	struct err ignored;

	memset(&a, 0, sizeof(a));
	if (strstr(arn, ":lambda:") == NULL)
		return destination_invalid(arn, ": this server delivers to "
		    "functions only, not to queues, topics, event buses or "
		    "buckets.", err);
	if (arn_function_parse(arn, &a, &ignored) < 0 ||
	    strcmp(a.region, g->region) != 0 ||
	    strcmp(a.account, g->account) != 0)
		return destination_invalid(arn, ".", err);
	if (strcmp(a.name, function) == 0)
		return err_code(err, ERR_INVALID,
		    "InvalidParameterValueException",
		    "You can't specify the function as a destination for "
		    "itself.");
	f = registry_get(g->registry, a.name);
	if (f != NULL && !f->deleting)
		v = function_resolve(f, a.qualifier, 1.0);
	if (v == NULL || v->deleting)
		return destination_invalid(arn, ".", err);
	if (v->durable && a.qualifier[0] == '\0')
		return destination_invalid(arn, ": a durable function cannot "
		    "be invoked using an unqualified ARN.", err);
	return 0;
}

/* Takes payload. */
static struct async_event *
destination_event(struct engine *g, const char *arn, struct blob *payload,
    const char *trace, int32_t hops)
{
	struct async_event *e = async_event_new();
	struct arn_function a;
	struct err err;

	memset(&a, 0, sizeof(a));
	if (arn_function_parse(arn, &a, &err) < 0)
		log_error("destination is no function arn=%s", arn);
	e->id = id_ordered(g->env);
	e->function = xstrdup(a.name);
	if (a.qualifier[0] != '\0')
		e->qualifier = xstrdup(a.qualifier);
	e->payload = payload;
	e->trace = xstrdup(trace);
	e->accepted_ms = env_now_ms(g->env);
	e->owner = g->draining ? 0 : g->node;
	e->hops = hops;
	return e;
}

static const char *
destination_dead_letter(const struct function_version *v)
{
	const char *arn = v == NULL ? NULL : json_string_value(
	    json_object_get(json_object_get(v->config, "DeadLetterConfig"),
	    "TargetArn"));

	return arn != NULL && *arn != '\0' ? arn : NULL;
}

static struct async_event *
destination_letter(struct engine *g, const char *arn, struct dead_letter *d,
    const char *trace, int32_t hops)
{
	d->region = g->region;
	d->account = g->account;
	d->target_arn = arn;
	d->now = env_now_ms(g->env);
	return destination_event(g, arn, dead_letter_record(d), trace, hops);
}

/* What a runtime or we ourselves said went wrong; caller frees. */
static char *
destination_message(const struct blob *error, const char *key,
    const char *otherwise)
{
	json_t *o = error == NULL ? NULL : json_loadb(error->data, error->len,
	    JSON_ALLOW_NUL, NULL);
	const char *text = json_string_value(json_object_get(o, key));
	char *copy = xstrdup(text != NULL ? text : otherwise);

	json_decref(o);
	return copy;
}

static bool
destination_loops(const struct function *f, const struct async_event *e)
{
	char id[ID_TEXT];

	if (e->hops < HOPS_MOST || (f != NULL && function_may_recur(f)))
		return false;
	id_text(e->id, id);
	log_warn("destinations end in a loop function=%s request_id=%s",
	    e->function, id);
	metric_inc(METRIC_DESTINATION_FAILURES, e->function, NULL);
	return true;
}

size_t
destination_events(struct engine *g, const struct async_event *e,
    const struct event_end *end, struct async_event *out[DESTINATIONS_MOST])
{
	struct function *f = registry_get(g->registry, e->function);
	struct event_invoke conf = event_invoke_of(f, e->qualifier);
	bool succeeded = event_end_succeeded(end);
	struct dead_letter letter = { .request_id = e->id,
		.payload = e->payload };
	const char *to, *dlq = NULL;
	own_free char *arn = NULL, *message = NULL;
	size_t n = 0;

	if (f != NULL && !succeeded)
		dlq = destination_dead_letter(function_resolve(f,
		    e->qualifier, 1.0));
	to = succeeded ? conf.on_success : conf.on_failure;
	if ((to == NULL && dlq == NULL) || destination_loops(f, e))
		return 0;
	if (to != NULL) {
		arn = arn_function(g->region, g->account, e->function,
		    e->qualifier != NULL ? e->qualifier : "$LATEST");
		out[n++] = destination_event(g, to, event_record(e, arn, end),
		    e->trace, e->hops + 1);
	}
	if (dlq != NULL) {
		letter.message = message = destination_message(end->response,
		    "errorMessage", end->condition);
		out[n++] = destination_letter(g, dlq, &letter, e->trace,
		    e->hops + 1);
	}
	metric_add(METRIC_DESTINATION_EVENTS, e->function, end->condition,
	    (double)n);
	return n;
}

/* ---- durable executions ---- */

void
destination_add(struct engine *g, const struct execution *x,
    struct change *c)
{
	struct dead_letter letter = { .request_id = x->id };
	own_free char *message = NULL;
	struct function *f;
	const char *dlq;
	struct child_start *s;

	/* Only one that an event started: nobody waits for its end. */
	if (x->sync || !id_is_zero(&x->parent) ||
	    (x->status != EXECUTION_FAILED &&
	    x->status != EXECUTION_TIMED_OUT))
		return;
	f = registry_get(g->registry, x->function);
	dlq = f == NULL ? NULL :
	    destination_dead_letter(function_find(f, x->version));
	if (dlq == NULL)
		return;
	letter.payload = x->nops > 0 ? x->ops[0]->payload : NULL;
	letter.message = message = destination_message(x->error,
	    "ErrorMessage", execution_status_name(x->status));
	c->children = xreallocarray(c->children, (size_t)c->nchildren + 1,
	    sizeof(*c->children));
	s = &c->children[c->nchildren++];
	memset(s, 0, sizeof(*s));
	s->event = destination_letter(g, dlq, &letter, x->trace, 1);
	metric_inc(METRIC_DESTINATION_EVENTS, x->function,
	    execution_status_name(x->status));
}
