/*
 * policy - what the code of a function may call: the identity policy of its
 * execution role, as JSON in the form of IAM's (auth.md section 2).
 *
 * Understood are Version, Id, and statements of Sid, Effect, Action or
 * NotAction and Resource or NotResource with wildcards.  A document with
 * anything else is refused whole: half of a policy is another policy.
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct policy;
struct policy_set;

enum policy_verdict {
	POLICY_NOTHING,		/* no statement says anything: denied */
	POLICY_ALLOW,
	POLICY_DENY,		/* explicitly: nothing else counts */
};

struct policy *policy_parse(const char *text, size_t len, struct err *);
void policy_free(struct policy *);	/* accepts NULL */
enum policy_verdict policy_decide(const struct policy *, const char *action,
    const char *resource);
/* AccessDeniedException as AWS words it.  Always -1. */
int policy_denied(enum policy_verdict, const char *principal,
    const char *action, const char *resource, struct err *);

/*
 * Policies by role.  A role is known by what follows ":role/" in its ARN;
 * the one that is called "default" is for all that have none.
 */
struct policy_set *policy_set_new(uint64_t seed);
void policy_set_free(struct policy_set *);	/* accepts NULL */
/* Takes the policy. */
void policy_set_put(struct policy_set *, const char *role, struct policy *);
/* Borrowed; never NULL (nothing is allowed then). */
const struct policy *policy_set_find(const struct policy_set *,
    const char *role_arn);

#endif
