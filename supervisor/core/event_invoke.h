/*
 * event_invoke - how a function's asynchronous events are handled: what its
 * settings say of retries, age and destinations (lambda-api.md section 3),
 * and what is told to a destination or as a dead letter (section 4).
 */
#ifndef CORE_EVENT_INVOKE_H
#define CORE_EVENT_INVOKE_H

#include "core/function.h"
#include "core/retry.h"

/* Settings are kept under this and the qualifier, $LATEST for none. */
#define EVENT_INVOKE_KEY "invoke "

struct event_invoke {
	struct retry_policy policy;
	/* ARNs of functions, borrowed; NULL: none. */
	const char *on_success, *on_failure;
};

/* Caller frees; qualifier NULL or "": that of $LATEST. */
char *event_invoke_key(const char *qualifier);
/* As it was set, or NULL; borrowed. */
json_t *event_invoke_config(const struct function *, const char *qualifier);
/* Defaults where f is NULL or has nothing set for this qualifier. */
struct event_invoke event_invoke_of(const struct function *,
    const char *qualifier);

/* How an event ended. */
struct event_end {
	/*
	 * Success, RetriesExhausted, EventAgeExceeded,
	 * ZeroReservedConcurrency, or FunctionNotFound (ours).
	 */
	const char *condition;
	const char *version;	/* that ran it last; NULL: none did */
	const struct blob *response;	/* of that */
	int32_t attempts;
	int64_t now;
};

bool event_end_succeeded(const struct event_end *);
/*
 * The invocation record; function_arn is qualified.  What is over the size of
 * an event goes without the response.
 */
struct blob *event_record(const struct async_event *,
    const char *function_arn, const struct event_end *);

/* A dead letter, as a function gets it that reads the queue on AWS. */
struct dead_letter {
	struct id request_id;
	const struct blob *payload;	/* the bare event */
	const char *message;		/* cut to 1 KiB */
	const char *region, *account, *target_arn;
	int64_t now;
};

struct blob *dead_letter_record(const struct dead_letter *);

#endif
