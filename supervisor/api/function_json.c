#include <config.h>

#include <stdlib.h>

#include "api/function_json.h"
#include "flow/registry.h"
#include "pool/pool.h"

static const char *const listed_without[] = { "State", "StateReason",
	"StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason",
	"LastUpdateStatusReasonCode", "RuntimeVersionConfig" };

static void
set_text(json_t *o, const char *key, const char *value)
{
	json_object_set_new(o, key, json_string(value));
}

static void
function_json_reply(json_t *o, enum function_reply reply)
{
	if (reply == REPLY_CREATED) {
		set_text(o, "State", "Pending");
		set_text(o, "StateReason", "The function is being created.");
		set_text(o, "StateReasonCode", "Creating");
		json_object_del(o, "LastUpdateStatus");
	} else if (reply == REPLY_UPDATED) {
		set_text(o, "LastUpdateStatus", "InProgress");
		set_text(o, "LastUpdateStatusReason",
		    "The function is being created.");
		set_text(o, "LastUpdateStatusReasonCode", "Creating");
	}
}

/* What is stored says what was asked for; this is what became of it. */
static void
function_json_snapshot(const struct call *c, const struct function_version *v,
    json_t *o)
{
	enum snapshot_state state = pool_snapshot(c->engine->pool, v);

	if (state == SNAPSHOT_NONE)
		return;
	json_object_set_new(o, "SnapStart", json_pack("{s:s, s:s}", "ApplyOn",
	    "PublishedVersions", "OptimizationStatus",
	    state == SNAPSHOT_ON ? "On" : "Off"));
	if (state != SNAPSHOT_PENDING)
		return;
	set_text(o, "State", "Pending");
	set_text(o, "StateReason", "The function is being created.");
	set_text(o, "StateReasonCode", "Creating");
}

json_t *
function_json(const struct call *c, const struct function_version *v,
    const char *qualifier, enum function_reply reply)
{
	json_t *o = json_copy(v->config);
	char *arn = arn_function(c->engine->region, c->engine->account,
	    v->function, qualifier);
	const struct function *f;

	set_text(o, "FunctionName", v->function);
	set_text(o, "FunctionArn", arn);
	set_text(o, "Version", v->version);
	function_json_snapshot(c, v, o);
	f = registry_get(c->engine->registry, v->function);
	if (f != NULL && f->deleting)
		function_set_deleting(o);
	function_json_reply(o, reply);
	free(arn);
	return o;
}

json_t *
function_json_listed(const struct call *c, const struct function_version *v,
    const char *qualifier)
{
	json_t *o = function_json(c, v, qualifier, REPLY_READ);
	size_t i;

	for (i = 0; i < sizeof(listed_without) / sizeof(listed_without[0]); i++)
		json_object_del(o, listed_without[i]);
	return o;
}

json_t *
alias_json(const struct call *c, const char *function,
    const struct function_alias *a)
{
	char *arn = arn_function(c->engine->region, c->engine->account,
	    function, a->name);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "AliasArn", arn,
	    "Name", a->name, "FunctionVersion", a->version, "Description",
	    a->description, "RevisionId", a->revision);

	if (a->extra_version != NULL)
		json_object_set_new(o, "RoutingConfig",
		    json_pack("{s:{s:f}}", "AdditionalVersionWeights",
		    a->extra_version, a->extra_weight));
	free(arn);
	return o;
}
