#include <config.h>

#include "core/retry.h"

#define MINUTE_MS 60000LL
#define DEFERRED_CAP_MS (5 * MINUTE_MS)

const struct retry_policy retry_default = {
	RETRY_ATTEMPTS_MOST, RETRY_AGE_MOST_MS, MINUTE_MS,
};

int64_t
retry_backoff_ms(int times, int64_t cap_ms)
{
	int64_t ms = 1000;

	while (times-- > 1 && ms < cap_ms)
		ms *= 2;
	return ms < cap_ms ? ms : cap_ms;
}

static enum retry_verdict
retry_at(const struct retry_policy *p, struct async_event *e, int64_t due_ms)
{
	if (due_ms - e->accepted_ms > p->age_most_ms)
		return RETRY_TOO_OLD;
	e->due_ms = due_ms;
	return RETRY_AGAIN;
}

enum retry_verdict
retry_failed(const struct retry_policy *p, struct async_event *e,
    int64_t now_ms)
{
	e->attempt++;
	if (!id_is_zero(&e->parent) || e->attempt > p->retries_most)
		return RETRY_EXHAUSTED;
	return retry_at(p, e, now_ms + e->attempt * p->delay_ms);
}

enum retry_verdict
retry_deferred(const struct retry_policy *p, struct async_event *e, int times,
    int64_t now_ms)
{
	return retry_at(p, e, now_ms +
	    retry_backoff_ms(times, DEFERRED_CAP_MS));
}
