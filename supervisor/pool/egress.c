#include <config.h>

#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"
#include "net/peer.h"
#include "net/proxy.h"
#include "pool/egress.h"
#include "pool/inner.h"

#define CONNECTIONS_MOST 64

int
egress_choose(struct worker *w, struct err *err)
{
	const struct pool_egress *conf = w->pool->conf.egress;
	const char *tag;
	struct err why;

	w->egress = EGRESS_NONE;
	if (conf == NULL)
		return 0;
	w->egress = conf->otherwise;
	tag = conf->tag(conf->arg, worker_function(w));
	if (tag != NULL && egress_parse(tag, &w->egress, &w->egress_list,
	    &why) < 0) {
		log_warn("tag " EGRESS_TAG " function=%s err=\"%s\"",
		    worker_function(w), why.text);
		w->egress = EGRESS_NONE;
	}
	if (w->egress == EGRESS_FULL && conf->no_full != NULL)
		return err_set(err, ERR_UNAVAILABLE, EGRESS_NOT_GIVEN
		    " \"full\" is not given on this host (%s); ask for "
		    "\"proxy\"", conf->no_full);
	return 0;
}

/* The operator's list is the frame; a function's own only narrows it. */
static bool
egress_may_name(void *arg, const char *host, int port)
{
	const struct worker *w = arg;

	return egress_is_host(host) &&
	    egress_list_has(w->pool->conf.egress->allow, host, port) &&
	    (w->egress_list == NULL ||
	    egress_list_has(w->egress_list, host, port));
}

static bool
egress_may_address(void *arg, const struct sockaddr *sa)
{
	const struct worker *w = arg;

	return egress_address(w->pool->conf.egress->nets, sa);
}

static void
egress_note(void *arg, enum proxy_outcome o, const char *host, int port)
{
	const struct worker *w = arg;

	metric_inc(METRIC_EGRESS, worker_function(w), proxy_outcome_name(o));
	log_debug("egress function=%s outcome=%s host=%s port=%d",
	    worker_function(w), proxy_outcome_name(o), host, port);
}

int
egress_open(struct worker *w, int fd, struct err *err)
{
	struct proxy_conf conf = {
		.share = w->share,
		.connections_most = CONNECTIONS_MOST,
		.may_name = egress_may_name,
		.may_address = egress_may_address,
		.note = egress_note,
		.arg = w,
	};

	/* Where others could connect as well there is no way out. */
	if (w->egress != EGRESS_PROXY || peer_shares_network(fd)) {
		close(fd);
		return 0;
	}
	conf.dns = w->pool->conf.egress->dns;
	w->proxy = proxy_new(w->pool->base, fd, &conf, err);
	return w->proxy == NULL ? -1 : 0;
}

void
egress_close(struct worker *w)
{
	proxy_free(w->proxy);
	w->proxy = NULL;
}
