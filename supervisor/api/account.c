#include <config.h>

#include "api/ops.h"
#include "core/function_rules.h"
#include "flow/registry.h"

/* AWS's quota of archives in all; ours is the disk, so the same is shown. */
#define ACCOUNT_CODE_BYTES 80530636800LL

void
op_account_settings(struct call *c)
{
	const struct registry *r = c->engine->registry;

	call_ok(c, json_pack("{s:{s:I, s:I, s:I, s:i, s:i}, s:{s:I, s:I}}",
	    "AccountLimit", "TotalCodeSize", (json_int_t)ACCOUNT_CODE_BYTES,
	    "CodeSizeUnzipped", (json_int_t)FUNCTION_UNZIPPED_MOST,
	    "CodeSizeZipped", (json_int_t)FUNCTION_ZIP_MOST,
	    "ConcurrentExecutions", c->engine->concurrency,
	    "UnreservedConcurrentExecutions", c->engine->concurrency -
	    (int)registry_reserved_all(r),
	    "AccountUsage", "TotalCodeSize",
	    (json_int_t)registry_code_bytes(r), "FunctionCount",
	    (json_int_t)registry_count(r)));
}
