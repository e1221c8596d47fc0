/*
 * ops - the operations that are served: name in the model, limits, handler.
 */
#ifndef API_OPS_H
#define API_OPS_H

#include "api/api.h"

struct op_row {
	const char *name;
	api_handler *handle;
	size_t body_most;	/* 0: OP_BODY_MOST */
	/* What a larger body is answered with (status 413). */
	const char *too_large;
	unsigned flags;
};

#define OP_BODY_MOST (6 * 1024 * 1024 + 128 * 1024)
#define OP_WORKER 1u	/* reachable through a worker's listener */

/* NULL: known in the model, but not served. */
const struct op_row *op_find(const char *name);

/* invoke.c */
api_handler op_invoke;

/* callback.c */
api_handler op_callback_failure;
api_handler op_callback_heartbeat;
api_handler op_callback_success;

/* durable.c */
api_handler op_checkpoint;
api_handler op_execution_delete;
api_handler op_execution_get;
api_handler op_execution_history;
api_handler op_execution_list;
api_handler op_execution_pause;
api_handler op_execution_resume;
api_handler op_execution_state;
api_handler op_execution_stop;

#endif
