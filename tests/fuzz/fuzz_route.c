/* First line: method; second: path; third: query. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/router.h"
#include "base/mem.h"
#include "base/own.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct router *router;
	own_free char *text = xstrndup((const char *)data, len);
	char *rest = text, *method, *path;
	struct route route;
	struct err err;

	if (router == NULL)
		router = router_new();
	method = strsep(&rest, "\n");
	path = strsep(&rest, "\n");
	if (path != NULL && router_find(router, method, path, rest, &route,
	    &err) == 0 && route.nvars > ROUTE_VARS_MOST)
		abort();
	if (path != NULL)
		route_free(&route);
	return 0;
}
