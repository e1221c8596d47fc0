/* Requests of every operation against the model. */
#include <config.h>

#include <string.h>

#include "api/input.h"
#include "base/utf8.h"
#include "core/function.h"
#include "core/function_rules.h"
#include "runtime-api/context.h"
#include "tests/fuzz/fuzz.h"
#include "worker/spec.h"

static struct router *router;
static struct rules *rules;

static void
setup(void)
{
	struct err err;

	router = router_new();
	rules = rules_new(&err);
	FUZZ_CHECK(rules != NULL);
}

/* Nulls are taken out, wherever they were. */
static void
check_value_taken(const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	FUZZ_CHECK(!json_is_null(v));
	json_object_foreach((json_t *)v, key, item)
		check_value_taken(item);
	json_array_foreach((json_t *)v, i, item)
		check_value_taken(item);
}

static bool
has_body(const struct api_op *op)
{
	return op->input >= 0 && strcmp(op->method, "GET") != 0 &&
	    strcmp(op->method, "DELETE") != 0;
}

static void
check_input(const struct input_source *source, const json_t *in,
    const struct input_fault *f)
{
	const struct api_op *op = source->route->op;

	if (in == NULL) {
		FUZZ_CHECK(f->code != NULL);
		FUZZ_CHECK(f->text.len > 0 &&
		    utf8_valid(f->text.data, f->text.len));
		return;
	}
	FUZZ_CHECK(json_is_object(in));
	/* No JSON has one: to jansson it is the end. */
	FUZZ_CHECK(op->payload != NULL || !has_body(op) ||
	    source->body_len == 0 ||
	    memchr(source->body, '\0', source->body_len) == NULL);
	/* A payload is the caller's own: opaque. */
	if (op->payload == NULL)
		check_value_taken(in);
}

/* Main ends a control that asks for more than a worker is given. */
static void
check_environment(const struct function_version *v)
{
	struct context_env in = { .version = v, .region = "us-east-1",
		.log_stream = "s", .access_key = "a", .secret_key = "s",
		.session_token = "t" };
	char **list;
	int n;

	list = context_environment(&in, &n);
	FUZZ_CHECK(n <= SPEC_ENVS_MOST);
	for (int i = 0; i < n; i++)
		FUZZ_CHECK(strchr(list[i], '=') > list[i]);
	context_environment_free(list, n);
}

/* What CreateFunction would make of it. */
static void
check_function(const char *op, const json_t *in)
{
	static const char *const runtimes[] = { "python3.11", "nodejs24.x",
		"provided.al2023", NULL };
	static const struct function_host host = { runtimes, "x86_64",
		"us-east-1", "python3.11" };
	struct function_version *v;
	struct err err = { 0 };
	json_t *config;

	if (in == NULL || strcmp(op, "CreateFunction") != 0)
		return;
	config = function_rules_create("f", in, &host, &err);
	if (config == NULL) {
		FUZZ_CHECK(err.text[0] != '\0');
		return;
	}
	json_object_set_new(config, "CodeSha256", json_string(
	    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
	v = function_version_new("f", "$LATEST", config, &err);
	FUZZ_CHECK(v != NULL);
	check_environment(v);
	function_version_unref(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_request r;
	struct input_source source = { .header = fuzz_request_header,
		.arg = &r };
	struct input_fault fault = { NULL, BUF_INIT };
	struct route route;
	struct err err;
	json_t *in;

	if (router == NULL)
		setup();
	if (fuzz_request_read(&r, data, size)) {
		source.query = r.query;
		source.body = r.body;
		source.body_len = r.body_len;
		source.route = &route;
		if (router_find(router, r.method, r.path, r.query, &route,
		    &err) == 0) {
			in = input_read(rules, &source, &fault);
			check_input(&source, in, &fault);
			check_function(route.op->name, in);
			json_decref(in);
		}
		route_free(&route);
	}
	buf_free(&fault.text);
	fuzz_request_free(&r);
	return 0;
}
