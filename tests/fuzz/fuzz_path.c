/* Paths to operations, and each of their values as name or ARN. */
#include <config.h>

#include <string.h>

#include "api/router.h"
#include "core/arn.h"
#include "tests/fuzz/fuzz.h"

static void
check_function(const char *text)
{
	struct arn_function f, again;
	struct err err;
	char *arn;

	if (arn_function_parse(text, &f, &err) < 0)
		return;
	FUZZ_CHECK(f.name[0] != '\0');
	if (f.qualifier[0] != '\0')
		arn_qualifier_is_version(f.qualifier);
	arn = arn_function("us-east-1", "000000000000", f.name, f.qualifier);
	/* Short forms hold longer names than the ARN has room for. */
	if (strlen(arn) <= 256) {
		FUZZ_CHECK(arn_function_parse(arn, &again, &err) == 0);
		FUZZ_CHECK(strcmp(f.name, again.name) == 0);
		FUZZ_CHECK(strcmp(f.qualifier, again.qualifier) == 0);
	}
	free(arn);
}

static void
check_execution(const char *text)
{
	struct arn_execution x, again;
	struct err err;
	char *arn;

	if (arn_execution_parse(text, &x, &err) < 0)
		return;
	arn = arn_execution("us-east-1", "000000000000", x.function.name,
	    x.function.qualifier, x.name, &x.id);
	FUZZ_CHECK(arn_execution_parse(arn, &again, &err) == 0);
	FUZZ_CHECK(strcmp(x.name, again.name) == 0);
	FUZZ_CHECK(id_compare(&x.id, &again.id) == 0);
	free(arn);
}

static void
check_text(const char *text)
{
	check_function(text);
	check_execution(text);
	arn_qualifier_valid(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct router *router;
	struct fuzz_request r;
	struct route route;
	struct err err;

	if (router == NULL)
		router = router_new();
	if (fuzz_request_read(&r, data, size)) {
		if (router_find(router, r.method, r.path, r.query, &route,
		    &err) == 0)
			FUZZ_CHECK(route.op != NULL);
		for (int i = 0; i < route.nvars; i++)
			if (route.vars[i].value != NULL)
				check_text(route.vars[i].value);
		route_free(&route);
		check_text(r.path);
	}
	fuzz_request_free(&r);
	return 0;
}
