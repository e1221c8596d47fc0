/*
 * retry - when an asynchronous event of a plain function runs again
 * (lambda-api.md section 3).
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdbool.h>

#include "core/change.h"

#define RETRY_ATTEMPTS_MOST 2
#define RETRY_AGE_MOST_MS (6LL * 3600 * 1000)

enum retry_verdict {
	RETRY_AGAIN,		/* due_ms of the event says when */
	RETRY_EXHAUSTED,	/* "RetriesExhausted" */
	RETRY_TOO_OLD,		/* "EventAgeExceeded" */
};

struct retry_policy {
	int32_t retries_most;	/* after the first attempt: 0 to 2 */
	int64_t age_most_ms;
	int64_t delay_ms;	/* before the second attempt; twice: the third */
};

/* What applies to a function without a configuration of its own: a minute. */
extern const struct retry_policy retry_default;

/*
 * An attempt of the event ended in a function error: counts it and decides.
 * A chained event gets no second attempt.
 */
enum retry_verdict retry_failed(const struct retry_policy *,
    struct async_event *, int64_t now_ms);
/*
 * It could not be run (throttled, our own failure), `times` in a row: not
 * counted as an attempt, but only so long as it is young enough.
 */
enum retry_verdict retry_deferred(const struct retry_policy *,
    struct async_event *, int times, int64_t now_ms);
/* 1 s, doubled with each of `times` (from 1) up to the cap. */
int64_t retry_backoff_ms(int times, int64_t cap_ms);

#endif
