/*
 * memstore - the store in memory, serializable, for simulation and tests.
 */
#ifndef STORE_MEMSTORE_H
#define STORE_MEMSTORE_H

#include "store/store.h"

/*
 * Calls are queued; memstore_run lets one happen and answers it, in the order
 * that `pick` chooses (NULL: in order of calls), so a scheduler decides every
 * interleaving.
 */
struct memstore;

struct memstore *memstore_new(struct env *);
struct store *memstore_store(struct memstore *);
/* Picks one of n waiting calls, 0 being the oldest. */
void memstore_pick(struct memstore *, size_t (*pick)(void *arg, size_t n),
    void *arg);
/*
 * Runs one waiting call: it happens and is answered.  False when none waits.
 */
bool memstore_run(struct memstore *);
/* The next `n` commits answer UNKNOWN; they happen if `happen`. */
void memstore_unknown(struct memstore *, int n, bool happen);
/*
 * The process that asked has died: answers that wait are dropped, and of
 * what was asked by them only that is there which memstore_run had done.
 */
void memstore_forget(struct memstore *);
void memstore_free(struct memstore *);

#endif
