/*
 * router - a raw path, method and query to an operation of the model.
 */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/model.h"
#include "base/err.h"

#define ROUTE_VARS_MOST 3

struct router;

struct route {
	const struct api_op *op;
	int nvars;
	struct {
		const char *name;	/* in the template */
		char *value;		/* decoded once */
	} vars[ROUTE_VARS_MOST];
};

struct router *router_new(void);
void router_free(struct router *);
/*
 * ERR_NOT_FOUND: no such route; ERR_INVALID: a label cannot be decoded.
 * route_free afterwards, also after a failure.
 */
int router_find(const struct router *, const char *method, const char *path,
    const char *query, struct route *, struct err *);
void route_free(struct route *);

#endif
