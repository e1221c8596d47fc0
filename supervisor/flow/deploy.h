/*
 * deploy - changes of functions: create, update, publish, alias, delete.
 *
 * Changes of one function run one after another.  Each ends in one guarded
 * write, then in the registry, then in the answer.
 */
#ifndef FLOW_DEPLOY_H
#define FLOW_DEPLOY_H

#include "core/function.h"
#include "flow/engine.h"

enum deploy_kind {
	DEPLOY_CREATE,
	DEPLOY_CODE,		/* UpdateFunctionCode */
	DEPLOY_CONFIG,		/* UpdateFunctionConfiguration */
	DEPLOY_PUBLISH,
	DEPLOY_DELETE,
	DEPLOY_DRAIN,		/* what is Deleting, if nothing runs on it */
	DEPLOY_PUT_ALIAS,	/* CreateAlias, UpdateAlias */
	DEPLOY_DROP_ALIAS,
	DEPLOY_PUT_INVOKE,	/* PutFunctionEventInvokeConfig */
	DEPLOY_UPDATE_INVOKE,
	DEPLOY_DROP_INVOKE,
	DEPLOY_PUT_RESERVED,	/* PutFunctionConcurrency */
	DEPLOY_DROP_RESERVED,
	DEPLOY_PUT_RECURSION,	/* PutFunctionRecursionConfig */
	DEPLOY_ADD_PERMISSION,
	DEPLOY_REMOVE_PERMISSION,
	DEPLOY_TAG,		/* TagResource */
	DEPLOY_UNTAG,
};

struct deploy_in {
	enum deploy_kind kind;
	const char *name;	/* function */
	/* DELETE: a version, NULL: all; *_INVOKE, *_PERMISSION */
	const char *qualifier;
	const json_t *input;	/* the operation's, checked by the model */
	struct blob *zip;	/* CREATE, CODE: the archive */
	const char *alias;	/* the aliases' name */
	bool alias_new;		/* CreateAlias */
};

/*
 * What there is now: v for function operations (the published one where
 * Publish was asked for; of a deletion what still drains), a for aliases.
 * Borrowed.  err: nothing changed.
 */
typedef void deploy_done(void *arg, const struct function_version *v,
    const struct function_alias *a, const struct err *);

/* Functions and versions that are Deleting go if nothing runs on them. */
void deploy_drain_sweep(struct engine *);
/* The same for one, of which an execution has just ended. */
void deploy_drain_look(struct engine *, const char *function);
/* ResourceNotFoundException: nothing is set for it; -1. */
int event_invoke_missing(struct engine *, const char *function,
    const char *qualifier, struct err *);

/* Copies what it needs; done runs once, never inside the call. */
void deploy_begin(struct engine *, const struct deploy_in *, deploy_done *,
    void *arg);

/* Is a change under way that brings this archive? */
bool deploy_has_code(const struct engine *, const char *hex);

#endif
