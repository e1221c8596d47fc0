/*
 * function - functions, versions and aliases as data, and the rules across
 * the fields of a configuration (lambda-api.md section 2).
 */
#ifndef CORE_FUNCTION_H
#define CORE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

/* One version; $LATEST is replaced by a new object at each change. */
struct function_version {
	int refs;
	char *function;
	char *version;		/* "$LATEST" or digits */
	/*
	 * What GetFunctionConfiguration shows of it, State and
	 * LastUpdateStatus included, but not FunctionArn.
	 */
	json_t *config;

	/* Read from config when it is made: */
	char *runtime, *handler, *role;
	int32_t timeout_s, memory_mb, tmp_mb;
	bool durable;
	int64_t execution_timeout_s;
	int32_t retention_days;
	char *kms_key_arn;
	bool per_tenant;
	bool deleting;		/* State Deleting: its executions drain */
	char code[65];		/* SHA-256 of the archive in hex */
	int64_t code_size;
	/* With SnapStart: the name of its snapshot, in hex; else "". */
	char snapshot[65];
};

struct function_alias {
	char *name, *version, *description, *revision;
	char *extra_version;	/* RoutingConfig; NULL: none */
	double extra_weight;
};

struct function {
	char *name;
	struct function_version *latest;
	struct function_version **versions;	/* ascending */
	int nversions;
	struct function_alias **aliases;	/* by name */
	int naliases;
	json_t *tags;		/* object */
	json_t *settings;	/* object; what is set around it, by key */
	int32_t last_version;	/* highest number ever given */
	bool deleting;		/* DrainingDurableExecutions */
};

/* Keys in settings. */
#define FUNCTION_CONCURRENCY "concurrency"
#define FUNCTION_RECURSION "recursion"	/* "Allow", or not there */

/* What is set for one qualifier (NULL or "": $LATEST); caller frees. */
char *function_setting_key(const char *what, const char *qualifier);
/* Reserved concurrency; -1: none. */
int function_reserved(const struct function *);
/* RecursiveLoop is Allow. */
bool function_may_recur(const struct function *);
/* State Deleting, StateReasonCode DrainingDurableExecutions. */
void function_set_deleting(json_t *config);
/* Takes config.  NULL: config lacks what a version needs. */
struct function_version *function_version_new(const char *function,
    const char *version, json_t *config, struct err *);
struct function_version *function_version_ref(struct function_version *);
void function_version_unref(struct function_version *);
void function_free(struct function *);
void function_alias_free(struct function_alias *);
struct function_version *function_find(const struct function *,
    const char *version);
struct function_alias *function_find_alias(const struct function *,
    const char *name);
/*
 * The version that a qualifier means: a version, an alias (by its weights
 * and `random` in [0, 1)), or NULL/"" for $LATEST.  Borrowed; NULL: none.
 */
struct function_version *function_resolve(const struct function *,
    const char *qualifier, double random);

#endif
