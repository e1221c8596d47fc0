/*
 * target - which execution a word means: an ARN, a name, an id or an
 * unambiguous prefix of an id.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/client.h"

/* The execution's ARN; the caller frees it.  NULL: none or several. */
char *target_execution(struct client *, const char *word, struct err *);
/* Path of an operation on an execution: ".../{arn}" and suffix. */
char *target_path(const char *arn, const char *suffix);
bool target_is_execution_arn(const char *);
/* All functions, as ListFunctions shows them. */
json_t *target_functions(struct client *, struct err *);

#endif
