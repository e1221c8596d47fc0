/*
 * arn - names, qualifiers and ARNs of Lambda: parse and print
 * (lambda-api.md 1.3, durable-protocol.md 2.1).
 */
#ifndef CORE_ARN_H
#define CORE_ARN_H

#include "base/env.h"
#include "base/err.h"

struct arn_function {
	char partition[16];
	char region[32];	/* "" when the text had none */
	char account[16];	/* "" when the text had none */
	char name[144];
	char qualifier[132];	/* "" when the text had none */
};

/*
 * Any of the seven forms of FunctionName.  ERR_INVALID for anything else;
 * nothing is said about whose region and account they are.
 */
int arn_function_parse(const char *, struct arn_function *, struct err *);

struct arn_execution {
	struct arn_function function;	/* qualifier: the version */
	char name[68];
	char id_text[68];	/* last segment as given */
	struct id id;		/* zero when id_text is no id of ours */
};

int arn_execution_parse(const char *, struct arn_execution *, struct err *);

/* Caller frees.  qualifier NULL or "": unqualified. */
char *arn_function(const char *region, const char *account, const char *name,
    const char *qualifier);
char *arn_execution(const char *region, const char *account,
    const char *function, const char *version, const char *name,
    const struct id *);

/* "$LATEST", "$LATEST.PUBLISHED", digits or an alias name. */
int arn_qualifier_valid(const char *);
int arn_qualifier_is_version(const char *);	/* "$LATEST" or digits */
int arn_qualifier_is_alias(const char *);	/* could be the name of one */

#endif
