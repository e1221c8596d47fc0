#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/poolplan.h"
#include "flow/registry.h"
#include "flow/start.h"
#include "net/share.h"
#include "obs/admin.h"
#include "pool/pool.h"
#include "role/config.h"
#include "role/out.h"
#include "role/probe.h"
#include "role/serve.h"

#define HEADERS_MOST (64 * 1024)
/* Of all requests together: each may be 70 MB, of thousands of callers. */
#define BODIES_MOST ((size_t)512 * 1024 * 1024)

struct serve {
	const struct serve_conf *conf;
	struct event_base *base;
	struct env *env;
	struct pgstore *pg;
	struct out out;
	struct pool *pool;
	struct engine *engine;
	struct api *api;
	struct admin *admin;
	struct http_server *api_server;
	struct event *stop_timer;
	const char **runtimes;	/* identifiers; NULL ends the list */
	bool told_ready;
	bool refused;		/* the database is of no use, as err says */
	struct err *err;
	char less[160];		/* the last answer of serve_refused */
};

/* ---- what the modules ask of each other ---- */

static void
serve_on_log(void *arg, const struct worker *w, char stream, int64_t at_ms,
    const struct id *request, const char *text, size_t len)
{
	struct serve *s = arg;
	const struct invocation *inv = worker_invocation(w);
	struct log_record r = { .at_ms = at_ms,
		.function = worker_function(w), .version = worker_version(w),
		.stream = stream, .text = text, .len = len };

	if (request != NULL)
		r.request_id = *request;
	if (inv != NULL)
		r.execution = inv->execution;
	pgstore_log(s->pg, &r);
}

struct serve_code {
	void (*done)(void *arg, const void *, size_t, const struct err *);
	void *arg;
};

static void
serve_on_code(void *arg, enum store_result result, const void *data,
    size_t len, const struct err *err)
{
	struct serve_code *c = arg;
	struct err none;

	if (result == STORE_OK && data == NULL) {
		err_set(&none, ERR_NOT_FOUND, "the archive is not stored");
		c->done(c->arg, NULL, 0, &none);
	} else {
		c->done(c->arg, data, len, result == STORE_OK ? NULL : err);
	}
	free(c);
}

static int
serve_reserved(void *arg, const char *function)
{
	struct serve *s = arg;

	return s->engine == NULL ? -1 :
	    registry_reserved(s->engine->registry, function);
}

/* A function may ask for more than the operator does. */
static const char *
serve_refused(void *arg, const char *function)
{
	struct serve *s = arg;
	const char *level = config_fact(s->conf->config, "sandbox.level");
	const struct function *f = s->engine == NULL ? NULL :
	    registry_get(s->engine->registry, function);
	const char *tag = f == NULL ? NULL : json_string_value(
	    json_object_get(f->tags, SANDBOX_TAG));

	if (tag == NULL || level == NULL)
		return NULL;
	if (probe_rank(tag) < 0)
		snprintf(s->less, sizeof(s->less), POOL_REFUSED
		    " \"%.20s\" of the tag " SANDBOX_TAG " is none", tag);
	else if (probe_rank(tag) > probe_rank(level))
		snprintf(s->less, sizeof(s->less), POOL_REFUSED
		    " %s is asked for by the tag " SANDBOX_TAG ", but this "
		    "host gives %s", tag, level);
	else
		return NULL;
	return s->less;
}

static void
serve_fetch_code(void *arg, const char *hex,
    void (*done)(void *donearg, const void *, size_t, const struct err *),
    void *donearg)
{
	struct serve *s = arg;
	struct serve_code *c = xcalloc(1, sizeof(*c));

	c->done = done;
	c->arg = donearg;
	pgstore_code_get(s->pg, hex, serve_on_code, c);
}

/* ---- the end ---- */

static void
serve_on_flushed(void *arg)
{
	struct serve *s = arg;

	log_info("drained");
	event_base_loopbreak(s->base);
}

static void
serve_on_drained(void *arg)
{
	struct serve *s = arg;

	pgstore_log_flush(s->pg, serve_on_flushed, s);
}

static void
serve_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct serve *s = arg;

	(void)fd;
	(void)what;
	log_warn("stop before everything ended");
	event_base_loopbreak(s->base);
}

static void
serve_on_stop(void *arg, int ms)
{
	struct serve *s = arg;
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	if (ms <= 0) {
		event_base_loopbreak(s->base);
		return;
	}
	log_info("drain within_ms=%d", ms);
	admin_draining(s->admin);
	engine_drain(s->engine);
	http_server_drain(s->api_server);
	pool_drain(s->pool, serve_on_drained, s);
	s->stop_timer = evtimer_new(s->base, serve_on_deadline, s);
	evtimer_add(s->stop_timer, &tv);
}

/* ---- the database comes and goes ---- */

static void
serve_on_up(void *arg, const struct err *err)
{
	struct serve *s = arg;

	if (err != NULL) {
		log_warn("not serving yet err=\"%s\"", err->text);
		return;
	}
	log_info("serving functions=%zu",
	    registry_count(s->engine->registry));
	if (!s->told_ready)
		pool_send_ready(s->pool);
	s->told_ready = true;
}

static void
serve_on_store(void *arg, bool ready, const struct err *err)
{
	struct serve *s = arg;

	if (ready)
		log_info("database serves");
	else
		log_warn("database away err=\"%s\"", err ? err->text : "");
	/* One that would lose commits, or a schema that is not ours. */
	if (!ready && !s->told_ready && err != NULL &&
	    err->kind == ERR_INVALID) {
		*s->err = *err;
		s->err->kind = ERR_CONFLICT;
		s->refused = true;
		event_base_loopbreak(s->base);
		return;
	}
	if (s->engine != NULL)
		engine_store_ready(s->engine, ready, serve_on_up, s);
}

/* ---- building ---- */

static const char *
serve_architecture(void)
{
	struct utsname u;

	return uname(&u) == 0 && strcmp(u.machine, "aarch64") == 0 ? "arm64" :
	    "x86_64";
}

static void
serve_build_store(struct serve *s)
{
	const struct config *c = s->conf->config;
	const char *conninfo = config_fact(c, "database.conninfo");
	struct pgstore_conf conf = {
		.conninfo = conninfo != NULL ? conninfo :
		    config_text(c, "database.url"),
		.connections = (int)config_count(c, "database.pool_size"),
		.statement_timeout_ms =
		    (int)config_ms(c, "database.statement_timeout"),
		.place = config_fact(c, "data.path"),
		.unsafe_ok = config_flag(c, "database.unsafe_ok"),
	};

	s->pg = pgstore_open(s->base, s->env, &conf, serve_on_store, s);
}

/* Where nothing is set there is a bound for one function version as well. */
static void
serve_workers(const struct config *c, struct pool_conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	conf->workers_most = (int)config_count(c, "workers.max_concurrency");
	conf->group_most = (int)config_count(c, "workers.per_function");
	if (conf->workers_most > 0)
		return;
	conf->workers_most = poolplan_most(cores, pages > 0 && size > 0 ?
	    (uint64_t)pages * (uint64_t)size : 0);
	if (conf->group_most > 0)
		return;
	conf->group_share = poolplan_share(cores);
	conf->durable_share = poolplan_durable(cores, conf->workers_most);
}

/* Half of the descriptors, so that the rest never runs out of them. */
static int
serve_connections(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur > 65536)
		return 32768;
	return (int)(files.rlim_cur / 2);
}

static void
serve_build_pool(struct serve *s)
{
	const struct config *c = s->conf->config;
	struct pool_conf conf = {
		.connections_most = serve_connections(),
		.queue_most = (int)config_count(c, "quota.concurrency"),
		.idle_s = (int)(config_ms(c, "workers.idle_timeout") / 1000),
		.init_ms = (int)config_ms(c, "workers.init_timeout"),
		.fast_off = !config_flag(c, "workers.fast_data_plane"),
		.egress = &s->out.egress,
		.region = config_text(c, "server.region"),
		.account = config_text(c, "server.account"),
		.api = api_handle_worker,
		.api_too_large = api_handle_worker_too_large,
		.api_body_most = api_worker_body_most(),
		.reserved = serve_reserved,
		.reserved_arg = s,
		.refused = serve_refused,
		.refused_arg = s,
		.log = serve_on_log,
		.log_arg = s,
		.code = serve_fetch_code,
		.code_arg = s,
		.stop = serve_on_stop,
		.stop_arg = s,
	};

	serve_workers(c, &conf);
	s->pool = pool_new(s->base, s->env, s->conf->link_fd, &conf);
}

/* The names are main's; the list is ours. */
static void
serve_list_runtimes(struct serve *s)
{
	const char *name, *value;
	size_t at = 0, n = 0;

	s->runtimes = xcalloc(1, sizeof(*s->runtimes));
	while (config_next_fact(s->conf->config, "runtime.", &at, &name,
	    &value)) {
		s->runtimes = xreallocarray(s->runtimes, n + 2,
		    sizeof(*s->runtimes));
		s->runtimes[n++] = name + strlen("runtime.");
		s->runtimes[n] = NULL;
	}
}

static void
serve_build_engine(struct serve *s)
{
	const struct config *c = s->conf->config;
	struct engine_conf conf = {
		.base = s->base,
		.env = s->env,
		.pg = s->pg,
		.store = pgstore_store(s->pg),
		.pool = s->pool,
		.region = config_text(c, "server.region"),
		.account = config_text(c, "server.account"),
		.sweep_ms = config_ms(c, "retention.sweep_interval"),
		.log_ms = config_ms(c, "log.function_retention"),
		.log_bytes = config_bytes(c, "log.function_size"),
		.failures_most = (int32_t)config_count(c,
		    "durable.max_failures"),
		.concurrency = (int)config_count(c, "quota.concurrency"),
		.unreserved_least = (int)config_count(c, "quota.unreserved"),
		.retry_ms = config_ms(c, "async.retry_delay"),
		.held_most = (int)config_count(c, "durable.held"),
		/* Plain invocations find room beside them. */
		.waits_most = (int)config_count(c, "quota.concurrency") / 2,
	};

	serve_list_runtimes(s);
	conf.host.runtimes = s->runtimes;
	conf.host.architecture = serve_architecture();
	conf.host.region = conf.region;
	conf.host.snapstart = config_text(c, "snapstart.runtimes");
	s->engine = engine_new(&conf);
	s->out.registry = s->engine->registry;
}

/* auth.key.KEYID facts are what main read from the keys file. */
static bool
serve_secret(void *arg, const char *key_id, char out[128])
{
	struct serve *s = arg;
	const char *secret;
	char name[160];

	if (strlen(key_id) > 128)
		return false;
	snprintf(name, sizeof(name), "auth.key.%s", key_id);
	secret = config_fact(s->conf->config, name);
	if (secret == NULL || strlen(secret) >= 128)
		return false;
	strcpy(out, secret);
	return true;
}

static int
serve_build_api(struct serve *s, struct err *err)
{
	struct api_conf conf = {
		.engine = s->engine,
		.auth = strcmp(config_text(s->conf->config,
		    "api.auth"), "none") == 0 ? API_AUTH_NONE : API_AUTH_SIGV4,
		.secret = serve_secret,
		.secret_arg = s,
		.roles = s->conf->roles,
	};
	struct http_conf http = {
		.body_most = api_body_most(),
		.bodies_most = BODIES_MOST,
		.headers_most = HEADERS_MOST,
		.idle_s = (int)(config_ms(s->conf->config,
		    "api.idle_timeout") / 1000),
		.connections_most = (int)config_count(s->conf->config,
		    "api.max_connections"),
		.handle = api_handle,
		.too_large = api_handle_too_large,
	};

	s->api = api_new(&conf, err);
	if (s->api == NULL)
		return -1;
	pool_set_api_arg(s->pool, s->api);
	http.arg = s->api;
	s->api_server = http_server_new(s->base, s->conf->api_fd, &http, err);
	return s->api_server == NULL ? -1 : 0;
}

static int
serve_build_admin(struct serve *s, struct err *err)
{
	struct admin_conf conf = {
		.base = s->base,
		.env = s->env,
		.engine = s->engine,
		.fd = s->conf->admin_fd,
		.sandbox = config_fact(s->conf->config, "sandbox.level"),
		.sandbox_report = config_fact(s->conf->config,
		    "sandbox.report"),
	};

	s->admin = admin_new(&conf, err);
	return s->admin == NULL ? -1 : 0;
}

static void
serve_free(struct serve *s)
{
	http_server_free(s->api_server);
	admin_free(s->admin);
	/* A write in flight would be answered after its owner. */
	pgstore_mute(s->pg);
	engine_free(s->engine);
	pool_free(s->pool);
	out_close(&s->out);
	api_free(s->api);
	pgstore_close(s->pg);
	free(s->runtimes);
	if (s->stop_timer != NULL)
		event_free(s->stop_timer);
	event_base_free(s->base);
}

/*
 * Workers that take more than their part of the time are served one event at
 * a time, when nothing else waits.
 */
static struct event_base *
serve_base(void)
{
	struct event_config *c = event_config_new();
	struct event_base *base = NULL;

	if (c != NULL && event_config_set_max_dispatch_interval(c, NULL, 1,
	    SHARE_LAST) == 0)
		base = event_base_new_with_config(c);
	if (c != NULL)
		event_config_free(c);
	if (base != NULL && event_base_priority_init(base,
	    SHARE_PRIORITIES) < 0) {
		event_base_free(base);
		base = NULL;
	}
	return base;
}

int
serve_run(const struct serve_conf *conf, struct err *err)
{
	struct serve s = { .conf = conf, .env = env_system(), .err = err };

	env_pool(s.env);
	s.base = serve_base();
	if (s.base == NULL)
		return err_set(err, ERR_INTERNAL, "no event loop");
	if (out_open(&s.out, s.base, conf->config, err) < 0)
		return -1;
	serve_build_store(&s);
	serve_build_pool(&s);
	serve_build_engine(&s);
	if (serve_build_api(&s, err) < 0 || serve_build_admin(&s, err) < 0)
		return -1;
	event_base_dispatch(s.base);
	serve_free(&s);
	return s.refused ? err_wrap(err, "database refused") : 0;
}
