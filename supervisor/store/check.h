/*
 * check - the invariants of reliability.md as rows show them, for
 * `perdure db check`; SQL in sql/check/invariant.sql.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdio.h>

#include "base/err.h"

/*
 * Reads only, on one snapshot, and blocks.  Writes a line for each invariant
 * with the number of violations, and up to 10 of them below.  Returns how many
 * there are in all, or -1.
 */
int db_check(const char *conninfo, FILE *out, struct err *err);

#endif
