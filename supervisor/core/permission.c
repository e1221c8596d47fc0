#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "core/permission.h"

json_t *
permission_policy(const struct function *f, const char *qualifier)
{
	own_free char *key = function_setting_key(PERMISSION_KEY, qualifier);

	return json_object_get(f->settings, key);
}

const char *
permission_revision(const json_t *policy, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(policy,
	    "RevisionId"));

	return s != NULL ? s : otherwise;
}

static json_t *
permission_statements(const json_t *policy)
{
	return json_object_get(policy, "Statements");
}

int
permission_find(const json_t *policy, const char *sid)
{
	size_t i;
	json_t *s;

	json_array_foreach(permission_statements(policy), i, s)
		if (strcmp(json_string_value(json_object_get(s, "Sid")),
		    sid) == 0)
			return (int)i;
	return -1;
}

const char *
permission_text(const json_t *policy, const char *sid)
{
	int i = permission_find(policy, sid);

	return i < 0 ? NULL : json_string_value(json_object_get(
	    json_array_get(permission_statements(policy), (size_t)i), "Text"));
}

void
permission_document(const json_t *policy, struct buf *out)
{
	size_t i;
	json_t *s;

	buf_str(out, "{\"Version\":\"2012-10-17\",\"Id\":\"default\","
	    "\"Statement\":[");
	json_array_foreach(permission_statements(policy), i, s) {
		if (i > 0)
			buf_char(out, ',');
		buf_str(out, json_string_value(json_object_get(s, "Text")));
	}
	buf_str(out, "]}");
}

/* ---- one statement ---- */

static bool
is_account(const char *s)
{
	return strlen(s) == 12 && strspn(s, "0123456789") == 12;
}

/* arn:aws:iam:: and arn:aws:sts::, of any partition. */
static bool
is_principal_arn(const char *s)
{
	if (strncmp(s, "arn:aws", 7) != 0 || (s = strchr(s + 4, ':')) == NULL)
		return false;
	return (strncmp(s, ":iam::", 6) == 0 || strncmp(s, ":sts::", 6) == 0) &&
	    s[6] != '\0';
}

/* x.amazonaws.com, x.amazonaws.com.cn */
static bool
is_service(const char *s)
{
	const char *at = strstr(s, ".amazonaws.com");

	if (at == NULL || at == s)
		return false;
	at += strlen(".amazonaws.com");
	return *at == '\0' || strcmp(at, ".cn") == 0;
}

static json_t *
permission_principal(const char *s, struct err *err)
{
	if (strcmp(s, "*") == 0)
		return json_string("*");
	if (is_account(s))
		return json_pack("{s:s++}", "AWS", "arn:aws:iam::", s,
		    ":root");
	if (is_principal_arn(s))
		return json_pack("{s:s}", "AWS", s);
	if (is_service(s))
		return json_pack("{s:s}", "Service", s);
	err_code(err, ERR_INVALID, "InvalidParameterValueException",
	    "The provided principal was invalid. Please check the principal "
	    "and try again.");
	return NULL;
}

static json_t *
permission_condition(const json_t *input)
{
	static const struct {
		const char *member, *operator, *key;
	} all[] = {
		{ "FunctionUrlAuthType", "StringEquals",
		    "lambda:FunctionUrlAuthType" },
		{ "PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID" },
		{ "SourceAccount", "StringEquals", "AWS:SourceAccount" },
		{ "EventSourceToken", "StringEquals",
		    "lambda:EventSourceToken" },
		{ "SourceArn", "ArnLike", "AWS:SourceArn" },
		{ "InvokedViaFunctionUrl", "Bool",
		    "lambda:InvokedViaFunctionUrl" },
	};
	json_t *condition = json_object(), *keys, *v;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		v = json_object_get(input, all[i].member);
		if (json_is_boolean(v))
			v = json_string(json_is_true(v) ? "true" : "false");
		else if (!json_is_string(v))
			continue;
		else
			json_incref(v);
		keys = json_object_get(condition, all[i].operator);
		if (keys == NULL) {
			keys = json_object();
			json_object_set_new(condition, all[i].operator, keys);
		}
		json_object_set_new(keys, all[i].key, v);
	}
	return condition;
}

static char *
permission_statement(const json_t *input, const char *arn, struct err *err)
{
	json_t *s, *condition, *principal = permission_principal(
	    json_string_value(json_object_get(input, "Principal")), err);
	char *text;

	if (principal == NULL)
		return NULL;
	s = json_object();
	json_object_set(s, "Sid", json_object_get(input, "StatementId"));
	json_object_set_new(s, "Effect", json_string("Allow"));
	json_object_set_new(s, "Principal", principal);
	json_object_set(s, "Action", json_object_get(input, "Action"));
	json_object_set_new(s, "Resource", json_string(arn));
	condition = permission_condition(input);
	if (json_object_size(condition) > 0)
		json_object_set(s, "Condition", condition);
	json_decref(condition);
	text = json_dumps(s, JSON_COMPACT);
	json_decref(s);
	return text;
}

/* ---- changes ---- */

static json_t *
permission_changed(json_t *statements, const char *revision)
{
	return json_pack("{s:s, s:o}", "RevisionId", revision, "Statements",
	    statements);
}

json_t *
permission_add(const json_t *policy, const json_t *input, const char *arn,
    const char *revision, struct err *err)
{
	own_free char *text = permission_statement(input, arn, err);
	json_t *before = permission_statements(policy), *after;

	if (text == NULL)
		return NULL;
	after = before != NULL ? json_copy(before) : json_array();
	json_array_append_new(after, json_pack("{s:O, s:s}", "Sid",
	    json_object_get(input, "StatementId"), "Text", text));
	return permission_changed(after, revision);
}

json_t *
permission_remove(const json_t *policy, const char *sid, const char *revision)
{
	json_t *after = json_copy(permission_statements(policy));

	json_array_remove(after, (size_t)permission_find(policy, sid));
	if (json_array_size(after) > 0)
		return permission_changed(after, revision);
	json_decref(after);
	return json_null();
}
