#include <config.h>

#include <string.h>

#include <event2/dns.h>

#include "base/own.h"
#include "flow/registry.h"
#include "role/network.h"
#include "role/out.h"

static int
out_read(struct out *o, const struct config *config, struct err *err)
{
	struct egress_list *none = NULL;

	if (egress_parse(config_text(config, "egress.default"),
	    &o->egress.otherwise, &none, err) < 0)
		return err_wrap(err, "egress.default");
	if (none != NULL) {
		egress_list_free(none);
		return err_set(err, ERR_INVALID, "egress.default: names "
		    "belong into egress.allow");
	}
	o->allow = egress_list_parse(config_text(config, "egress.allow"),
	    err);
	if (o->allow == NULL)
		return err_wrap(err, "egress.allow");
	o->nets = egress_nets_parse(config_text(config, "egress.networks"),
	    err);
	return o->nets == NULL ? err_wrap(err, "egress.networks") : 0;
}

int
out_check(const struct config *config, struct err *err)
{
	struct out o = { .allow = NULL };
	int r = out_read(&o, config, err);

	egress_list_free(o.allow);
	egress_nets_free(o.nets);
	return r;
}

static const char *
out_tag(void *arg, const char *function)
{
	const struct out *o = arg;
	const struct function *f = o->registry == NULL ? NULL :
	    registry_get(o->registry, function);

	return f == NULL ? NULL : json_string_value(json_object_get(f->tags,
	    EGRESS_TAG));
}

int
out_open(struct out *o, struct event_base *base, const struct config *config,
    struct err *err)
{
	const char *resolver = config_text(config, "egress.resolver");
	const char *full = config_fact(config, NETWORK_FACT);
	int flags = EVDNS_BASE_DISABLE_WHEN_INACTIVE;

	if (out_read(o, config, err) < 0)
		return -1;
	if (resolver[0] == '\0')
		flags |= EVDNS_BASE_INITIALIZE_NAMESERVERS;
	o->egress.dns = evdns_base_new(base, flags);
	if (o->egress.dns == NULL)
		return err_set(err, ERR_SYSTEM, "no resolver");
	if (resolver[0] != '\0' && evdns_base_nameserver_ip_add(o->egress.dns,
	    resolver) != 0)
		return err_set(err, ERR_INVALID, "egress.resolver = %s is no "
		    "address", resolver);
	o->egress.allow = o->allow;
	o->egress.nets = o->nets;
	o->egress.no_full = full == NULL ? "off" :
	    strncmp(full, "on", 2) == 0 ? NULL : full;
	o->egress.tag = out_tag;
	o->egress.arg = o;
	return 0;
}

void
out_close(struct out *o)
{
	if (o->egress.dns != NULL)
		evdns_base_free(o->egress.dns, 1);
	egress_list_free(o->allow);
	egress_nets_free(o->nets);
}
