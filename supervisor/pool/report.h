/*
 * report - what the platform itself says of an invocation: its log lines and
 * the errors that no runtime posted.
 */
#ifndef POOL_REPORT_H
#define POOL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/mem.h"
#include "core/function.h"
#include "pool/broker.h"
#include "pool/wlog.h"

struct report {
	const struct function_version *version;
	struct id request;
	const char *tenant;	/* or NULL */
	int64_t at_ms;
	double ms;		/* of the handler */
	double init_ms;		/* below 0: not a cold start */
	bool restored;		/* and that was from a snapshot */
	uint64_t memory_most;	/* bytes; 0: not known, left out */
	const char *status;	/* "success", "error", "timeout" */
	const char *error_type;	/* or NULL */
};

/* Of an environment; phase NULL: it begins with a snapshot, without init. */
void report_start_up(struct wlog *, const struct function_version *,
    const char *phase, int64_t at_ms);
/*
 * The snapshot's has come to its first event, or not: failed is "error",
 * "timeout" or NULL.
 */
void report_restored(struct wlog *, const struct function_version *,
    const char *failed, double ms, int64_t at_ms);
void report_start(struct wlog *, const struct report *);
/* END and REPORT. */
void report_end(struct wlog *, const struct report *);
/* The line that AWS writes in front of END. */
void report_timed_out(struct wlog *, const struct report *);

/* Bodies of errors.  *type gets their errorType (a literal). */
struct blob *report_timeout_error(const struct id *, int timeout_s,
    const char **type);
struct blob *report_restore_timeout_error(const char **type);
struct blob *report_exit_error(const struct id *, const struct broker_gone *,
    const char **type);
struct blob *report_too_large_error(int most, const char **type);
struct blob *report_start_error(const struct id *, const char *why,
    const char **type);

#endif
