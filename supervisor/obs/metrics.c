/*
 * What is counted everywhere (base/metric.h), in Prometheus' text format.
 */
#include <config.h>

#include "base/metric.h"
#include "flow/engine.h"
#include "obs/private.h"
#include "pool/pool.h"

/* Gauges that nobody counts but that can be asked for. */
static void
metrics_ask(const struct engine *e)
{
	static const char *const states[] = {
		"starting", "idle", "busy", "cooling", "stopping",
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		metric_set(METRIC_WORKER_SLOTS, states[i], NULL,
		    pool_count(e->pool, states[i]));
}

void
metrics_handle(struct admin *a, struct http_request *req)
{
	own_buf struct buf out = BUF_INIT;

	metrics_ask(a->conf.engine);
	metric_write(&out);
	http_set_header(req, "Content-Type",
	    "text/plain; version=0.0.4; charset=utf-8");
	http_answer(req, 200, out.data, out.len);
}
