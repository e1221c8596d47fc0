/*
 * check - the invariants of reliability.md as rows show them, for
 * `perdure db check`; SQL in sql/check/invariant.sql.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <jansson.h>

#include "base/err.h"

/*
 * Reads only, on one snapshot, and blocks.  For each invariant an object with
 * Invariant ("I1"), Text, Violations (how many) and Examples (up to 10 texts),
 * in the invariants' order.  The list is the caller's; NULL on failure.
 */
json_t *db_check(const char *conninfo, struct err *err);

#endif
