/*
 * out - the settings of functions' outgoing network, and the resolver.
 */
#ifndef ROLE_OUT_H
#define ROLE_OUT_H

#include "base/err.h"
#include "pool/pool.h"
#include "role/config.h"

struct event_base;
struct registry;

struct out {
	struct pool_egress egress;
	struct egress_list *allow;
	struct egress_nets *nets;
	const struct registry *registry;	/* where the tags are */
};

/* Are they well formed? */
int out_check(const struct config *, struct err *);
int out_open(struct out *, struct event_base *, const struct config *,
    struct err *);
void out_close(struct out *);

#endif
