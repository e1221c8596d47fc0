/*
 * Policies of roles: what they allow, what they deny, what is refused.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy.h"

#define F "arn:aws:lambda:us-east-1:000000000000:function:"
#define INVOKE "lambda:InvokeFunction"

static enum policy_verdict
decide(const char *text, const char *action, const char *resource)
{
	struct err err = { 0 };
	struct policy *p = policy_parse(text, strlen(text), &err);
	enum policy_verdict v;

	if (p == NULL)
		fail_msg("%s: %s", text, err.text);
	v = policy_decide(p, action, resource);
	policy_free(p);
	return v;
}

static void
verdicts(void **state)
{
	static const struct {
		const char *statement, *action, *resource;
		enum policy_verdict verdict;
	} rows[] = {
		{ "{'Effect':'Allow','Action':'*','Resource':'*'}",
		    INVOKE, F "f", POLICY_ALLOW },
		{ "{'Effect':'Allow','Action':'LAMBDA:invoke*',"
		    "'Resource':'*'}", INVOKE, F "f", POLICY_ALLOW },
		{ "{'Effect':'Allow','Action':'lambda:Invoke',"
		    "'Resource':'*'}", INVOKE, F "f", POLICY_NOTHING },
		{ "{'Effect':'Allow','Action':'*','Resource':'" F "f'}",
		    INVOKE, F "f", POLICY_ALLOW },
		/* A qualified call is another resource, and the reverse. */
		{ "{'Effect':'Allow','Action':'*','Resource':'" F "f'}",
		    INVOKE, F "f:prod", POLICY_NOTHING },
		{ "{'Effect':'Allow','Action':'*','Resource':'" F "f:*'}",
		    INVOKE, F "f", POLICY_NOTHING },
		{ "{'Effect':'Allow','Action':'*','Resource':'" F "f:*'}",
		    INVOKE, F "f:1/durable-execution/n/i", POLICY_ALLOW },
		{ "{'Effect':'Allow','Action':'*','Resource':'" F "F'}",
		    INVOKE, F "f", POLICY_NOTHING },
		/* A star stays in its field of the five. */
		{ "{'Effect':'Allow','Action':'*','Resource':"
		    "'arn:aws:lambda:*:function:f'}", INVOKE, F "f",
		    POLICY_NOTHING },
		{ "{'Effect':'Allow','Action':'*','Resource':"
		    "'arn:aws:*:*:*:function:?'}", INVOKE, F "f",
		    POLICY_ALLOW },
		{ "{'Effect':'Allow','Action':'*','Resource':'" F "*'}",
		    "lambda:ListFunctions", "*", POLICY_NOTHING },
		{ "{'Effect':'Allow','NotAction':'lambda:Delete*',"
		    "'Resource':'*'}", INVOKE, F "f", POLICY_ALLOW },
		{ "{'Effect':'Allow','NotAction':['lambda:Invoke*'],"
		    "'Resource':'*'}", INVOKE, F "f", POLICY_NOTHING },
		{ "{'Effect':'Allow','Action':'*','NotResource':'" F "g'}",
		    INVOKE, F "g", POLICY_NOTHING },
		/* An explicit denial wins, wherever it stands. */
		{ "[{'Effect':'Deny','Action':'lambda:*','Resource':'" F
		    "secret*'},{'Effect':'Allow','Action':'*',"
		    "'Resource':'*'}]", INVOKE, F "secrets", POLICY_DENY },
		{ "[{'Effect':'Allow','Action':'*','Resource':'*'},"
		    "{'Effect':'Deny','Action':['x:y','" INVOKE "'],"
		    "'Resource':['a','" F "f']}]", INVOKE, F "f",
		    POLICY_DENY },
		{ "[]", INVOKE, F "f", POLICY_NOTHING },
	};
	char text[1000];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
		    "{'Version':'2012-10-17','Statement':%s}",
		    rows[i].statement);
		for (k = 0; text[k] != '\0'; k++)
			if (text[k] == '\'')
				text[k] = '"';
		if (decide(text, rows[i].action, rows[i].resource) !=
		    rows[i].verdict)
			fail_msg("row %zu: %s", i, text);
	}
}

static void
what_is_not_understood_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "[]", "{", "{}", "{\"Statement\":1}",
		"{\"Version\":\"2020-01-01\",\"Statement\":[]}",
		"{\"Statement\":[],\"More\":1}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"allow\",\"Action\":\"*\","
		    "\"Resource\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
		    "\"Resource\":\"*\",\"Condition\":{}}}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
		    "\"NotAction\":\"a\",\"Resource\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":[],"
		    "\"Resource\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\","
		    "\"Resource\":\"arn:${aws:username}\"}}",
		"{\"Statement\":{\"Effect\":\"Deny\",\"Action\":[1],"
		    "\"Resource\":\"*\"}}",
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (policy_parse(texts[i], strlen(texts[i]), &err) != NULL)
			fail_msg("%s", texts[i]);
}

static struct policy *
parsed(const char *text)
{
	struct err err;

	return policy_parse(text, strlen(text), &err);
}

static void
roles_have_their_own_policy_or_the_default_one(void **state)
{
	struct policy_set *s = policy_set_new(1);
	const char *all = "{\"Statement\":{\"Effect\":\"Allow\","
	    "\"Action\":\"*\",\"Resource\":\"*\"}}";
	const char *role = "arn:aws:iam::000000000000:role/team/reader";

	(void)state;
	assert_int_equal(policy_decide(policy_set_find(s, role), INVOKE,
	    F "f"), POLICY_NOTHING);
	policy_set_put(s, "default", parsed(all));
	assert_int_equal(policy_decide(policy_set_find(s, role), INVOKE,
	    F "f"), POLICY_ALLOW);
	assert_int_equal(policy_decide(policy_set_find(s, NULL), INVOKE,
	    F "f"), POLICY_ALLOW);
	policy_set_put(s, "team/reader", parsed("{\"Statement\":[]}"));
	assert_int_equal(policy_decide(policy_set_find(s, role), INVOKE,
	    F "f"), POLICY_NOTHING);
	policy_set_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(
		    roles_have_their_own_policy_or_the_default_one),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
