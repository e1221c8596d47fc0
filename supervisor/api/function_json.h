/*
 * function_json - functions, versions and aliases as the API shows them.
 */
#ifndef API_FUNCTION_JSON_H
#define API_FUNCTION_JSON_H

#include "api/api.h"
#include "core/function.h"

/* What the reply of a change says that a later read does not. */
enum function_reply {
	REPLY_READ,
	REPLY_CREATED,	/* State Pending, as on AWS */
	REPLY_UPDATED,	/* LastUpdateStatus InProgress, as on AWS */
};

/* FunctionConfiguration; qualifier NULL or "": unqualified ARN. */
json_t *function_json(const struct call *, const struct function_version *,
    const char *qualifier, enum function_reply);
/* As a member of a list: without State and LastUpdateStatus. */
json_t *function_json_listed(const struct call *,
    const struct function_version *, const char *qualifier);
/*
 * The version that the call's FunctionName and Qualifier ask for; an alias
 * gives its main version.  NULL: the call is answered.
 */
struct function_version *function_asked(struct call *, struct arn_function *,
    struct function **);
json_t *alias_json(const struct call *, const char *function,
    const struct function_alias *);

#endif
