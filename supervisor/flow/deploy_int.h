/*
 * deploy_int - what the files of deploy share.
 */
#ifndef FLOW_DEPLOY_INT_H
#define FLOW_DEPLOY_INT_H

#include "flow/deploy.h"

struct deploy {
	struct deploy *next;	/* waits for the one before on its function */
	struct engine *engine;
	enum deploy_kind kind;
	char *name, *qualifier, *alias_name;
	bool alias_new;
	json_t *input;
	struct blob *zip;
	char code[65];
	int code_waits;		/* for its unpacking, its storing */
	bool code_bad, code_lost;
	deploy_done *done;
	void *arg;

	struct function_version *latest, *publish;
	struct function_alias *alias;
	json_t *settings, *tags;
	struct function_write write;
	/* Deletion of what is durable: first the mark, then the drop. */
	bool marks, drains;
	char *revision_before;
	struct err err;
};

enum deploy_next {
	DEPLOY_FAILED,	/* d->err says why */
	DEPLOY_UNPACK,
	DEPLOY_WRITE,
	DEPLOY_DONE,	/* nothing to write */
};

/* InvalidParameterValueException; -1. */
int deploy_refuse(struct deploy *, const char *sentence);
/* ResourceNotFoundException of the function or its qualifier; -1. */
int deploy_not_found(struct deploy *, const char *qualifier);
/*
 * The function, which is there and whose revision is what the caller named;
 * makes it the guard of the write.  NULL: d->err.
 */
struct function *deploy_function(struct deploy *);
char *deploy_revision(struct engine *);	/* a new one; caller frees */
/* The revision that the caller named is not the one there is; -1. */
int deploy_stale(struct deploy *, const char *calls);
/* A text of a version's configuration, "" when absent. */
const char *deploy_text(const struct function_version *, const char *key);

/* The mark is written: fills d->write with what comes next. */
enum deploy_next deploy_marked(struct deploy *);
/* It is gone: there is nothing left to tell of. */
void deploy_drained(struct deploy *);
/* The write takes away what is set around this qualifier. */
void deploy_unset_qualifier(struct deploy *, const char *qualifier);

/* InvalidParameterValueException when they are too many; -1. */
int deploy_check_tags(struct deploy *, const json_t *tags);

/* The kinds: look, decide, and fill d->write. */
enum deploy_next deploy_create(struct deploy *);
enum deploy_next deploy_code(struct deploy *);
enum deploy_next deploy_config(struct deploy *);
enum deploy_next deploy_publish(struct deploy *);
enum deploy_next deploy_delete(struct deploy *);
enum deploy_next deploy_drain(struct deploy *);
enum deploy_next deploy_put_alias(struct deploy *);
enum deploy_next deploy_drop_alias(struct deploy *);
enum deploy_next deploy_put_invoke(struct deploy *);
enum deploy_next deploy_update_invoke(struct deploy *);
enum deploy_next deploy_drop_invoke(struct deploy *);
enum deploy_next deploy_put_reserved(struct deploy *);
enum deploy_next deploy_drop_reserved(struct deploy *);
enum deploy_next deploy_put_recursion(struct deploy *);
enum deploy_next deploy_add_permission(struct deploy *);
enum deploy_next deploy_remove_permission(struct deploy *);
enum deploy_next deploy_tag(struct deploy *);
enum deploy_next deploy_untag(struct deploy *);

#endif
