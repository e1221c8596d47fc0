/*
 * roles - the operator's policies of execution roles: files of JSON in one
 * folder, named as the role's ARN ends (role/team/reader: team/reader.json).
 */
#ifndef ROLE_ROLES_H
#define ROLE_ROLES_H

#include "core/policy.h"
#include "role/config.h"

/*
 * Reads them all; never fails.  A file that is wrong is told in the log, and
 * its role may do nothing beyond its own durable operations.
 */
struct policy_set *roles_load(const struct config *);

#endif
