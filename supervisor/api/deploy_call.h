/*
 * deploy_call - what the handlers that change functions have in common.
 */
#ifndef API_DEPLOY_CALL_H
#define API_DEPLOY_CALL_H

#include "api/ops.h"
#include "flow/deploy.h"

/*
 * Begins that change of the call's FunctionName and Qualifier with its whole
 * input; done gets the call.  A name that cannot be ours is answered here.
 */
void deploy_call(struct call *, enum deploy_kind, deploy_done *done);
/* A deploy_done for what leaves nothing to show. */
void deploy_call_dropped(void *arg, const struct function_version *,
    const struct function_alias *, const struct err *);

#endif
