/*
 * durable_call - what the handlers of durable operations have in common: who
 * asks, about what, and what must live until the flow has answered.
 */
#ifndef API_DURABLE_CALL_H
#define API_DURABLE_CALL_H

#include "api/ops.h"
#include "flow/durable.h"

struct durable_call {
	struct call *c;
	struct durable_caller caller;
	struct arn_execution arn;
	struct arn_function fn;
	char *fn_arn;
	struct op_update *updates;
	size_t nupdates;
	struct blob *blob;
};

struct durable_call *durable_call_new(struct call *);
/* durable_done: answers the call and frees arg. */
void durable_call_done(void *arg, const char *body, size_t len,
    const struct err *);
/* Answers with the error and frees. */
void durable_call_fail(struct durable_call *, const struct err *);
/*
 * An ErrorObject of the input as JSON text in one fixed order; NULL when it
 * is absent or empty.
 */
struct blob *durable_error_text(const json_t *error);

/* updates.c: Updates of a checkpoint into d->updates. */
int updates_read(struct durable_call *, const json_t *list, struct err *);
void updates_free(struct op_update *, size_t n);

/* grant.c: may the worker's role invoke what they start? */
int grant_updates(const struct call *, const struct op_update *, size_t n,
    struct err *);
/* The flow shall ask before it completes a callback. */
void grant_callback(const struct call *, struct durable_caller *);

#endif
