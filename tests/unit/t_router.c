#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/router.h"
#include "base/mem.h"

#define ARN "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST" \
	"/durable-execution/n/0190a7d4-0000-7000-8000-000000000000"
#define ARN_ENCODED "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3A" \
	"function%3Af%3A%24LATEST%2Fdurable-execution%2Fn%2F" \
	"0190a7d4-0000-7000-8000-000000000000"
#define EXECUTIONS "/2025-12-01/durable-executions/"

static struct router *router;

static int
setup(void **state)
{
	(void)state;
	router = router_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	router_free(router);
	return 0;
}

static void
expect(const char *method, const char *path, const char *query,
    const char *op, const char *value)
{
	struct route r;
	struct err err;

	if (router_find(router, method, path, query, &r, &err) < 0)
		fail_msg("%s %s: %s", method, path, err.text);
	assert_string_equal(r.op->name, op);
	if (value != NULL) {
		assert_true(r.nvars > 0);
		assert_string_equal(r.vars[0].value, value);
	}
	route_free(&r);
}

static void
expect_none(const char *method, const char *path, enum err_kind kind)
{
	struct route r;
	struct err err;

	if (router_find(router, method, path, NULL, &r, &err) == 0)
		fail_msg("%s %s: %s", method, path, r.op->name);
	assert_int_equal(err.kind, kind);
	route_free(&r);
}

static void
labels_are_decoded_once_after_the_split(void **state)
{
	(void)state;
	expect("POST", "/2015-03-31/functions/f/invocations", NULL, "Invoke",
	    "f");
	expect("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1"
	    "%3A000000000000%3Afunction%3Af%3A%24LATEST/invocations", NULL,
	    "Invoke",
	    "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST");
	expect("GET", "/2015-03-31/functions/a%2Fb", NULL, "GetFunction",
	    "a/b");
	expect("GET", "/2015-03-31/functions/%2541", NULL, "GetFunction",
	    "%41");
	expect("GET", "/2015-03-31/functions/a+b", NULL, "GetFunction", "a+b");
}

static void
execution_arns_arrive_encoded_or_raw(void **state)
{
	static const struct {
		const char *method, *suffix, *op;
	} rows[] = {
		{ "GET", "", "GetDurableExecution" },
		{ "GET", "/history", "GetDurableExecutionHistory" },
		{ "GET", "/state", "GetDurableExecutionState" },
		{ "POST", "/checkpoint", "CheckpointDurableExecution" },
		{ "POST", "/stop", "StopDurableExecution" },
		{ "POST", "/pause", "PauseDurableExecution" },
		{ "POST", "/resume", "ResumeDurableExecution" },
		{ "DELETE", "", "DeleteDurableExecution" },
	};
	char path[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", EXECUTIONS ARN_ENCODED,
		    rows[i].suffix);
		expect(rows[i].method, path, NULL, rows[i].op, ARN);
		snprintf(path, sizeof(path), "%s%s", EXECUTIONS ARN,
		    rows[i].suffix);
		expect(rows[i].method, path, NULL, rows[i].op, ARN);
	}
	/* A word of the API inside the ARN is not the suffix. */
	expect("GET", EXECUTIONS "a/history/b", NULL, "GetDurableExecution",
	    "a/history/b");
}

static void
callback_ids_may_hold_slashes(void **state)
{
	(void)state;
	expect("POST", "/2025-12-01/durable-execution-callbacks/ab/c+/succeed",
	    NULL, "SendDurableExecutionCallbackSuccess", "ab/c+");
	expect("POST", "/2025-12-01/durable-execution-callbacks/ab%2Fc%3D/fail",
	    NULL, "SendDurableExecutionCallbackFailure", "ab/c=");
}

static void
the_query_chooses_between_equal_paths(void **state)
{
	static const char pc[] =
	    "/2019-09-30/functions/f/provisioned-concurrency";

	(void)state;
	expect("GET", pc, "List=ALL", "ListProvisionedConcurrencyConfigs",
	    NULL);
	expect("GET", pc, "Qualifier=1", "GetProvisionedConcurrencyConfig",
	    NULL);
	expect("GET", pc, "Marker=x&List=ALL",
	    "ListProvisionedConcurrencyConfigs", NULL);
	expect("GET", pc, "List=ALLX", "GetProvisionedConcurrencyConfig",
	    NULL);
	expect("GET", "/2018-10-31/layers", "find=LayerVersion&Arn=a",
	    "GetLayerVersionByArn", NULL);
	expect("GET", "/2018-10-31/layers", NULL, "ListLayers", NULL);
}

static void
a_slash_at_the_end_means_nothing(void **state)
{
	(void)state;
	expect("GET", "/2015-03-31/functions/", NULL, "ListFunctions", NULL);
	expect("POST", "/2014-11-13/functions/f/invoke-async", NULL,
	    "InvokeAsync", "f");
	expect("POST", "/2014-11-13/functions/f/invoke-async/", NULL,
	    "InvokeAsync", "f");
}

/* Fills a template's variables and asks for it. */
static void
every_operation_of_the_model_has_its_route(void **state)
{
	(void)state;
	for (int i = 0; i < api_nops; i++) {
		const char *query = strchr(api_ops[i].uri, '?');
		char path[256];
		size_t n = 0;

		for (const char *s = api_ops[i].uri; *s && s != query; s++) {
			if (*s == '{') {
				s = strchr(s, '}');
				path[n++] = 'v';
			} else {
				path[n++] = *s;
			}
		}
		path[n] = '\0';
		expect(api_ops[i].method, path, query ? query + 1 : NULL,
		    api_ops[i].name, NULL);
	}
}

static void
hostile_paths_are_refused(void **state)
{
	char *deep = xmalloc(20001);

	(void)state;
	expect_none("GET", "/", ERR_NOT_FOUND);
	expect_none("GET", "", ERR_NOT_FOUND);
	expect_none("GET", "x", ERR_NOT_FOUND);
	expect_none("GET", "//////", ERR_NOT_FOUND);
	expect_none("PATCH", "/2015-03-31/functions", ERR_NOT_FOUND);
	expect_none("GET", "/2015-03-31/functions/f/g/h/i", ERR_NOT_FOUND);
	expect_none("GET", "/2015-03-31/functions/%", ERR_INVALID);
	expect_none("GET", "/2015-03-31/functions/%4", ERR_INVALID);
	expect_none("GET", "/2015-03-31/functions/%zz", ERR_INVALID);
	expect_none("GET", "/2015-03-31/functions/a%00b", ERR_INVALID);
	expect_none("GET", "/2015-03-31/functions/%ff", ERR_INVALID);
	expect_none("GET", "/2015-03-31/functions/%ed%a0%80", ERR_INVALID);
	memset(deep, '/', 20000);
	deep[20000] = '\0';
	expect_none("GET", deep, ERR_NOT_FOUND);
	memcpy(deep, EXECUTIONS, strlen(EXECUTIONS));
	expect_none("GET", deep, ERR_NOT_FOUND);
	free(deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_decoded_once_after_the_split),
		cmocka_unit_test(execution_arns_arrive_encoded_or_raw),
		cmocka_unit_test(callback_ids_may_hold_slashes),
		cmocka_unit_test(the_query_chooses_between_equal_paths),
		cmocka_unit_test(a_slash_at_the_end_means_nothing),
		cmocka_unit_test(every_operation_of_the_model_has_its_route),
		cmocka_unit_test(hostile_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
