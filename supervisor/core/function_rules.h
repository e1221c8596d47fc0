/*
 * function_rules - what a configuration may say beyond what the service
 * model can check (lambda-api.md 2.1, runtime-api.md section 2).
 */
#ifndef CORE_FUNCTION_RULES_H
#define CORE_FUNCTION_RULES_H

#include <jansson.h>

#include "base/err.h"

struct function_host {
	const char *const *runtimes;	/* identifiers; NULL ends the list */
	const char *architecture;	/* x86_64 or arm64 */
	const char *region;
	/* Runtimes that may have SnapStart, blanks between; NULL: none. */
	const char *snapstart;
};

#define FUNCTION_ZIP_MOST (50 * 1024 * 1024)	/* 52428800 bytes */
#define FUNCTION_UNZIPPED_MOST 262144000LL
#define FUNCTION_ENTRIES_MOST 100000
#define FUNCTION_TAGS_MOST 50

/*
 * The configuration that CreateFunction's input means, defaults filled in,
 * code members not set yet.  The caller owns it.  NULL: refused.
 */
json_t *function_rules_create(const char *name, const json_t *in,
    const struct function_host *, struct err *);
/* A copy of `old` with UpdateFunctionConfiguration's input applied. */
json_t *function_rules_update(const char *name, const json_t *old,
    const json_t *in, const struct function_host *, struct err *);
/* Code of CreateFunction or the input of UpdateFunctionCode. */
int function_rules_code(const json_t *code, struct err *);

#endif
