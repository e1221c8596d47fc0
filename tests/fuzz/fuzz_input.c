/*
 * First line: number of the operation; second: query; third: a header's
 * value; the rest is the body.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/input.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

static const char *
give_header(const void *arg, const char *name)
{
	(void)name;
	return arg;
}

static void
feed(const struct rules *rules, const struct input_source *source)
{
	struct input_fault fault = { 0 };
	json_t *in = input_read(rules, source, &fault);

	if (in == NULL && (fault.code == NULL ||
	    !utf8_valid(fault.text.data, fault.text.len)))
		abort();
	json_decref(in);
	buf_free(&fault.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rules *rules;
	own_free char *text = xstrndup((const char *)data, len);
	char *rest = text, *number, *query, *header;
	struct route route = { 0 };
	struct input_source source = { .route = &route,
		.header = give_header };
	struct err err;

	if (rules == NULL)
		rules = rules_new(&err);
	number = strsep(&rest, "\n");
	query = strsep(&rest, "\n");
	header = strsep(&rest, "\n");
	if (header == NULL)
		return 0;
	route.op = &api_ops[(unsigned)atoi(number) % (unsigned)api_nops];
	route.nvars = 1;
	route.vars[0].name = "{FunctionName}";
	route.vars[0].value = header;
	source.query = query;
	source.arg = header;
	/* Bytes behind a NUL belong to the body as well. */
	source.body = rest != NULL ? (const char *)data + (rest - text) : "";
	source.body_len = rest != NULL ? len - (size_t)(rest - text) : 0;
	feed(rules, &source);
	return 0;
}
