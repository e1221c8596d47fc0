/*
 * permission - a function's resource policy: the statements that
 * AddPermission made, for the function or one qualifier of it.  They are kept
 * as the text that they are shown as, since the database forgets the order of
 * members.
 */
#ifndef CORE_PERMISSION_H
#define CORE_PERMISSION_H

#include "base/buf.h"
#include "core/function.h"

/* Settings are kept under this and the qualifier, $LATEST for none. */
#define PERMISSION_KEY "policy "
#define PERMISSION_MOST 20480	/* bytes of a policy */

/* As it was set, or NULL; borrowed. */
json_t *permission_policy(const struct function *, const char *qualifier);
/* What identifies its state; policy may be NULL: `otherwise`. */
const char *permission_revision(const json_t *policy, const char *otherwise);
/* Position of the statement, or -1; its text, or NULL. */
int permission_find(const json_t *policy, const char *sid);
const char *permission_text(const json_t *policy, const char *sid);
/* The document of GetPolicy. */
void permission_document(const json_t *policy, struct buf *out);
/*
 * The policy (NULL: none) with the statement of AddPermission's input, or
 * without that one; the revision is new.  Caller owns it.  Without any
 * statement: JSON null.  NULL: the principal is none.
 */
json_t *permission_add(const json_t *policy, const json_t *input,
    const char *arn, const char *revision, struct err *);
json_t *permission_remove(const json_t *policy, const char *sid,
    const char *revision);

#endif
