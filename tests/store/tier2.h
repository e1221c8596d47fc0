/*
 * tier2 - the same calls on Postgres, truly parallel, and on the store in
 * memory.
 *
 * Several stores race on the same rows of one Postgres; then some order of
 * the calls, in which none comes before one that had ended when it began,
 * must give the same answers and leave the same rows in memory.
 */
#ifndef TESTS_STORE_TIER2_H
#define TESTS_STORE_TIER2_H

#include <limits.h>

#include "base/buf.h"
#include "store/memrows.h"
#include "tests/store/harness.h"

#define CLIENTS 4
#define BURST_CALLS 16
#define PLACES 10		/* executions of one world */
#define EVENTS 6		/* asynchronous events of one world */

/* Draws from the seed. */
uint32_t pick(uint32_t n);
uint64_t pick64(void);

/* ---- calls (tier2_call.c) ---- */

enum call_kind {
	CALL_START, CALL_WRITE, CALL_DROP, CALL_ARCHIVE, CALL_EXPIRE,
	CALL_EVENT_PUT, CALL_EVENT_TAKE, CALL_EVENT_RETRY, CALL_EVENT_END,
	CALL_EVENT_DROP,
	CALL_LOAD, CALL_HEAD, CALL_HISTORY, CALL_NAME, CALL_LIST, CALL_DUE,
	CALL_NEXT, CALL_ORPHANS, CALL_UNTOLD,
	CALL_KINDS
};

struct call {
	enum call_kind kind;
	int client;
	/* Places in the burst's log; ended INT_MAX: it may happen later. */
	int begun, ended;
	struct execution *x;	/* START, WRITE */
	struct change c;
	struct async_event *event;
	struct async_event *next;	/* EVENT_END */
	struct id id;
	char name[8];
	int64_t number;		/* time or node */
	int limit;
	bool flag;
	uint32_t statuses;
	struct answer a;
	char *text;		/* the answer's */
};

/* What the clients know of the rows, perhaps not the newest. */
struct known {
	struct execution *views[PLACES];	/* as last seen */
	int n;
	struct async_event *events[EVENTS];
	int nevents;
	bool endings;		/* many end, go on and are archived */
};

void known_free(struct known *);
/* Makes a call up. */
void call_make(struct call *, struct bench *, struct known *);
void call_issue(struct call *, struct store *, struct answer *);
/* The answer as text, the same for both stores. */
char *call_text(const struct call *, struct answer *);
/* What it taught its client. */
void call_learn(const struct call *, struct known *);
bool call_changes(const struct call *);	/* may change rows */
bool call_is_event(const struct call *);
bool call_is_chore(const struct call *);	/* archives, expires */
void call_print(const struct call *);
void call_free(struct call *);

/* ---- the store in memory (tier2_model.c) ---- */

struct memstore *model_copy(const struct memstore *, struct env *);
/* All rows as text. */
char *model_dump(const struct memstore *);
/*
 * An order of the calls that explains their answers and ends in `rows`: the
 * model after it, or NULL.  most: bits of the calls that the longest try could
 * place.
 */
struct memstore *model_explain(const struct memstore *, struct env *,
    struct call *, int n, const char *rows, uint32_t *most);

/* ---- between a store and its server (tier2_cut.c) ---- */

struct cutter;
struct cutter *cutter_new(struct event_base *, const char *folder,
    const char *server);
/* Cuts connections around one in `chance` pieces from now on; 0: none. */
void cutter_set(struct cutter *, int chance);
/* Nothing of a connection that was cut is on its way any more. */
bool cutter_quiet(const struct cutter *);
int cutter_cuts(const struct cutter *);
void cutter_free(struct cutter *);

#endif
