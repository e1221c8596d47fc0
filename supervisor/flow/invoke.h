/*
 * invoke - Invoke in all its kinds, plain and durable.
 */
#ifndef FLOW_INVOKE_H
#define FLOW_INVOKE_H

#include "flow/engine.h"
#include "pool/pool.h"

enum invoke_type {
	INVOKE_SYNC,	/* RequestResponse */
	INVOKE_EVENT,
	INVOKE_DRY_RUN,
};

struct invoke_in {
	struct id request_id;	/* of the API call; the plain request id */
	enum invoke_type type;
	const char *function;	/* name */
	const char *qualifier;	/* NULL: none was given */
	struct blob *payload;	/* checked to be JSON; NULL: empty */
	const char *name;	/* X-Amz-Durable-Execution-Name, or NULL */
	const char *client_context;	/* decoded, or NULL */
	const char *trace, *tenant;	/* or NULL */
	bool log_tail;
};

struct invoke_out {
	int status;		/* 200, 202, 204 */
	const char *executed_version;
	const char *execution_arn;	/* durable, else NULL */
	const char *function_error;	/* "Unhandled", or NULL */
	struct blob *body;	/* or NULL */
	const char *log_tail;	/* or NULL */
	size_t log_tail_len;
};

/* out NULL: refused or failed as err says.  Everything is borrowed. */
typedef void invoke_done(void *arg, const struct invoke_out *,
    const struct err *);

struct invoke;

/* Copies what it needs.  done runs once, never inside the call. */
struct invoke *invoke_begin(struct engine *, const struct invoke_in *,
    invoke_done *, void *arg);
/* The caller left: done will not run; what was started goes on. */
void invoke_forget(struct invoke *);

#endif
