#include <config.h>

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "core/retry.h"
#include "flow/alarm.h"
#include "flow/async.h"
#include "flow/exec.h"
#include "flow/recover.h"
#include "flow/registry.h"
#include "flow/retention.h"
#include "flow/run.h"
#include "flow/start.h"
#include "flow/timer.h"
#include "flow/waiters.h"

struct engine *
engine_new(const struct engine_conf *conf)
{
	struct engine *g = xcalloc(1, sizeof(*g));

	g->base = conf->base;
	g->env = conf->env;
	g->pg = conf->pg;
	g->store = conf->store;
	g->pool = conf->pool;
	g->region = conf->region;
	g->account = conf->account;
	g->host = conf->host;
	g->failures_most = conf->failures_most;
	g->concurrency = conf->concurrency;
	g->unreserved_least = conf->unreserved_least;
	g->log_ms = conf->log_ms;
	g->log_bytes = conf->log_bytes;
	g->sweep_ms = conf->sweep_ms > 0 ? conf->sweep_ms : 60000;
	g->retry_ms = conf->retry_ms > 0 ? conf->retry_ms :
	    retry_default.delay_ms;
	/* New at every start: what another one claimed is not ours. */
	g->node = (int64_t)(env_random_u64(g->env) >> 1) | 1;
	TAILQ_INIT(&g->kept);
	g->alarms = alarms_new(g->base, g->env);
	g->waiters = waiters_new(g);
	g->execs = exec_table_new(g, conf->held_most);
	g->runs = runs_new(g, conf->waits_most);
	g->async = async_new(g);
	g->timer = timer_new(g, conf->held_most);
	g->retention = retention_new(g);
	g->recover = recover_new(g);
	g->registry = registry_new(g);
	return g;
}

struct durable_env
engine_durable(const struct engine *g, enum event_cause cause,
    const char *cause_id)
{
	struct durable_env denv = {
		.env = g->env,
		.region = g->region,
		.account = g->account,
		.key = g->key,
		.cluster_epoch = g->cluster_epoch,
		.node = g->node,
		.failures_most = g->failures_most,
		.now = env_now_ms(g->env),
		.cause = cause,
		.cause_id = cause_id,
	};

	return denv;
}

void
engine_store_ready(struct engine *g, bool ready,
    void (*up)(void *arg, const struct err *), void *arg)
{
	if (ready)
		recover_start(g, up, arg);
	else
		recover_stop(g);
}

/* What runs goes on and is recorded; nothing new is handed out. */
void
engine_drain(struct engine *g)
{
	g->draining = true;
}

void
engine_free(struct engine *g)
{
	struct keep *k;

	if (g == NULL)
		return;
	g->draining = true;
	exec_table_free(g->execs);
	while ((k = TAILQ_FIRST(&g->kept)) != NULL)
		k->drop(k);
	runs_free(g->runs);
	waiters_free(g->waiters);
	async_free(g->async);
	timer_free(g->timer);
	retention_free(g->retention);
	recover_free(g->recover);
	registry_free(g->registry);
	alarms_free(g->alarms);
	free(g);
}
