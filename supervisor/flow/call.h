/*
 * call - what the calls about one execution share: who asks, the answer, and
 * the errors of AWS (durable-protocol.md section 13).
 */
#ifndef FLOW_CALL_H
#define FLOW_CALL_H

#include "flow/alarm.h"
#include "flow/durable.h"
#include "flow/exec.h"

/* Embedded first in each call's own struct. */
struct call {
	struct exec_input in;
	struct keep keep;	/* while the store reads for it alone */
	struct durable_caller caller;
	struct arn_execution arn;
	durable_done *done;
	void *arg;
	struct buf body;
	char request_id[64];
	int64_t start_us;
	/* An answer that needs no lane. */
	struct alarm alarm;
	struct err err;
	void (*release)(struct call *);	/* what is more than this; or NULL */
};

void call_init(struct call *, struct engine *, const struct exec_kind *,
    const struct durable_caller *, const struct arn_execution *,
    durable_done *, void *arg);
/* Into the lane of the execution that the ARN names; 404 when it is none. */
void call_submit(struct call *);
/*
 * The same for a kind that reads and needs no operations: one that is not
 * held is not loaded for it, and takes no other's place in memory.
 */
void call_submit_head(struct call *);
/* Released by an engine that ends, until call_unkeep. */
void call_keep(struct call *);
void call_unkeep(struct call *);
/* Answers err soon, without a lane. */
void call_end_refused(struct call *);
/* The whole ARN must fit, not only its id. */
int call_check(const struct call *, const struct execution *, struct err *);
int call_unknown(struct err *);
int call_invalid(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int call_stale(const struct call *, struct err *);
/* A finish for calls whose answer is in body. */
void call_finish(struct exec_input *, struct execution *,
    const struct change *, const struct err *);
/* Answers and releases; err NULL: body. */
void call_end(struct call *, const struct err *);

/* Seconds with a fraction, as REST bodies have them. */
void call_time(struct buf *, int64_t ms);

#endif
