/*
 * context - what a worker is told: the headers of one invocation and the
 * whole environment of the process.
 */
#ifndef RUNTIME_API_CONTEXT_H
#define RUNTIME_API_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/function.h"
#include "net/http.h"

/* Where a worker finds us, inside its network namespace. */
#define RUNTIME_API_ADDRESS "127.0.0.1:9001"
#define LAMBDA_API_ADDRESS "http://127.0.0.1:9002"
#define PROXY_ADDRESS "http://127.0.0.1:9003"

/* The variable that says whether durable SDKs get our own client. */
#define FAST_DATA_PLANE "PERDURE_FAST_DATA_PLANE"

/* One event as it is handed over; everything is borrowed. */
struct context {
	struct id request;
	int64_t deadline_ms;	/* since 1970, by this host's clock */
	const char *function_arn;	/* as invoked */
	const char *trace, *client_context, *cognito, *tenant;	/* or NULL */
	const struct blob *payload;
};

/* Sets the headers of the answer to next. */
void context_headers(const struct context *, struct http_request *);

/* Made once for each worker. */
struct context_env {
	const struct function_version *version;
	const char *region;
	const char *log_stream;
	const char *access_key, *secret_key, *session_token;
	bool proxy;		/* there is one that leads out */
	bool fast_off;	/* durable SDKs use AWS's own clients */
};

/* n texts "NAME=value"; context_environment_free ends them. */
char **context_environment(const struct context_env *, int *n);
void context_environment_free(char **, int n);
/* The environment's own names, which a user's variable cannot replace. */
bool context_is_reserved(const char *name);

/* From LoggingConfig. */
const char *context_log_group(const struct function_version *);	/* or NULL */
bool context_logs_json(const struct function_version *);

#endif
