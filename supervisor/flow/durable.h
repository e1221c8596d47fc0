/*
 * durable - what the API does with durable executions: each call loads the
 * execution, decides in core/, writes once and then answers.
 */
#ifndef FLOW_DURABLE_H
#define FLOW_DURABLE_H

#include "core/arn.h"
#include "flow/engine.h"

/* body: the JSON of the answer, borrowed; NULL with err. */
typedef void durable_done(void *arg, const char *body, size_t len,
    const struct err *);

/*
 * Who asks: a worker's listener binds the call to its own execution and
 * invocation; everybody else is bound by the token alone.
 */
struct durable_caller {
	bool worker;
	struct id execution;	/* worker: zero when it runs none */
	int32_t epoch;
	bool capital_token;	/* "Invalid Checkpoint Token" (JS, Java SDKs) */
	const char *request_id;	/* of the call; cause of events */
	/* Callbacks: may it, now that it shows whose?  NULL: it may. */
	int (*may)(const void *arg, const char *execution_arn, struct err *);
	const void *may_arg;
};

/* CheckpointDurableExecution; updates' texts and blobs live until done. */
void checkpoint_begin(struct engine *, const struct durable_caller *,
    const struct arn_execution *, const char *token,
    const char *client_token, struct op_update *, size_t n, durable_done *,
    void *arg);
/* GetDurableExecutionState */
void state_begin(struct engine *, const struct durable_caller *,
    const struct arn_execution *, const char *token, const char *marker,
    int max_items, durable_done *, void *arg);
/* GetDurableExecution, ...History, ListDurableExecutionsByFunction */
void execution_get_begin(struct engine *, const struct arn_execution *,
    bool include_data, durable_done *, void *arg);
void history_get_begin(struct engine *, const struct arn_execution *,
    bool include_data, int max_items, const char *marker, bool reverse,
    durable_done *, void *arg);
void execution_list_begin(struct engine *, const struct store_list_filter *,
    const char *marker, durable_done *, void *arg);
/* StopDurableExecution: body {"StopTimestamp": ...} */
void stop_begin(struct engine *, const struct durable_caller *,
    const struct arn_execution *, struct blob *error, durable_done *,
    void *arg);
void pause_begin(struct engine *, const struct durable_caller *,
    const struct arn_execution *, const char *client_token,
    struct blob *reason, bool timeout_paused, durable_done *, void *arg);
void resume_begin(struct engine *, const struct durable_caller *,
    const struct arn_execution *, const char *client_token,
    struct blob *reason, durable_done *, void *arg);
void delete_begin(struct engine *, const struct durable_caller *,
    const struct arn_execution *, durable_done *, void *arg);
/* The three callback calls; callback_id as in the path, decoded. */
void callback_begin(struct engine *, const struct durable_caller *,
    const char *callback_id, enum callback_kind, struct blob *payload,
    durable_done *, void *arg);

#endif
