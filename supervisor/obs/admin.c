#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/mem.h"
#include "base/metric.h"
#include "obs/private.h"

#define BODY_MOST 4096
#define IDLE_S 65
#define CONNECTIONS_MOST 64
#define TICK_S 1

static void
admin_on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	health_tick(arg);
}

static void
admin_handle(void *arg, struct http_request *req)
{
	static const char text[] = "{\"message\":\"Not found\"}";
	struct admin *a = arg;
	const char *path = http_path(req);

	if (strcmp(http_method(req), "GET") != 0 &&
	    strcmp(http_method(req), "HEAD") != 0) {
		http_set_header(req, "Allow", "GET, HEAD");
		http_answer(req, 405, NULL, 0);
	} else if (strcmp(path, "/metrics") == 0) {
		metrics_handle(a, req);
	} else if (strcmp(path, "/sandbox") == 0 &&
	    a->conf.sandbox_report != NULL) {
		http_set_header(req, "Content-Type", "application/json");
		http_answer(req, 200, a->conf.sandbox_report,
		    strlen(a->conf.sandbox_report));
	} else if (!health_handle(a, req, path)) {
		http_set_header(req, "Content-Type", "application/json");
		http_answer(req, 404, text, sizeof(text) - 1);
	}
}

static int
sandbox_level(const char *name)
{
	static const char *const names[] = {
		"none", "process", "userns", "full",
	};

	for (int i = 0; i < 4; i++)
		if (name != NULL && strcmp(names[i], name) == 0)
			return i;
	return 0;
}

struct admin *
admin_new(const struct admin_conf *conf, struct err *err)
{
	struct admin *a = xcalloc(1, sizeof(*a));
	struct timeval tv = { TICK_S, 0 };
	struct http_conf http = {
		.body_most = BODY_MOST,
		.idle_s = IDLE_S,
		.connections_most = CONNECTIONS_MOST,
		.handle = admin_handle,
		.arg = a,
	};

	a->conf = *conf;
	a->tick = event_new(conf->base, -1, EV_PERSIST, admin_on_tick, a);
	event_add(a->tick, &tv);
	health_tick(a);
	metric_set(METRIC_BUILD, PACKAGE_VERSION, NULL, 1);
	metric_set(METRIC_SANDBOX_LEVEL, NULL, NULL,
	    sandbox_level(conf->sandbox));
	a->server = http_server_new(conf->base, conf->fd, &http, err);
	if (a->server == NULL) {
		admin_free(a);
		return NULL;
	}
	return a;
}

void
admin_draining(struct admin *a)
{
	a->draining = true;
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	http_server_free(a->server);
	event_free(a->tick);
	free(a);
}
