/*
 * sim - supervisors, workers, clients and the store in memory, in one thread
 * with one seed: every interleaving, fault and time comes from it.
 *
 * A world is a queue of things that will happen.  The engines are the real
 * ones; their pool, their clock and the order in which the store answers are
 * the simulator's.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/durable.h"
#include "flow/engine.h"
#include "flow/invoke.h"
#include "pool/pool.h"
#include "store/memrows.h"

#define SIM_REGION "us-east-1"
#define SIM_ACCOUNT "123456789012"
#define SIM_SUPERS 3
#define SIM_SCRIPTS 8
#define SIM_NODES 48
#define SIM_SECOND 1000000LL

enum fault {
	FAULT_CRASH = 1 << 0,	/* a supervisor ends as by kill -9 */
	FAULT_PAUSE = 1 << 1,	/* ... stands still for a while */
	FAULT_UNKNOWN = 1 << 2,	/* a commit's answer is lost */
	FAULT_RETRY = 1 << 3,	/* the database refuses for now */
	FAULT_DROP = 1 << 4,	/* a message is lost */
	FAULT_REPEAT = 1 << 5,	/* a message comes twice */
	FAULT_SLOW = 1 << 6,	/* messages and answers overtake */
	FAULT_WORKER = 1 << 7,	/* workers crash, stand still, are refused */
	FAULT_CLOCK = 1 << 8,	/* clocks differ and jump */
	FAULT_MANY = 1 << 9,	/* several supervisors on one database */
	FAULT_CONTROL = 1 << 10, /* clients stop and pause executions */
	FAULT_LATE = 1 << 11,	/* a commit happens after its answer is lost */
	FAULT_ALL = (1 << 12) - 1
};

struct rng {
	uint64_t s;
};

uint64_t rng_next(struct rng *);
int rng_below(struct rng *, int n);		/* 0 to n - 1 */
bool rng_chance(struct rng *, double per_cent);
/* Mostly short, sometimes long. */
int64_t rng_delay(struct rng *, int64_t usual_us);

/* ---- scripts: what the functions do (script.c) ---- */

enum node_kind {
	NODE_STEP,
	NODE_ONCE,	/* at most once per attempt */
	NODE_CONDITION,	/* wait-for-condition: polls n times */
	NODE_WAIT,
	NODE_CALLBACK,
	NODE_AWAIT,	/* the callback that was created earlier */
	NODE_DURABLE,	/* chained invoke of another script */
	NODE_PLAIN,
	NODE_CHILD,	/* a context and what is in it */
	NODE_PARALLEL,	/* branches, each a NODE_CHILD */
	NODE_CANCEL,	/* of the wait that was started earlier */
};

struct node {
	enum node_kind kind;
	int parent;		/* the context, or -1 */
	int first, next;	/* children and siblings; -1: none */
	int n;			/* failing attempts, polls */
	int most;		/* attempts */
	int seconds;		/* of a wait, delay or timeout; 0: none */
	int heartbeat;
	int target;		/* script, or plain function */
	int ref;		/* NODE_AWAIT: the callback; NODE_CANCEL */
	bool lazy;		/* callback, wait: not awaited here */
	bool replay;		/* the context's children are replayed */
};

struct script {
	char name[8];
	int timeout_s;
	int first;
	bool large;		/* the result goes by a checkpoint */
	bool fails;		/* the handler's own exception at the end */
	int raises;		/* invocations that raise at the end */
	struct node nodes[SIM_NODES];
	int n;
};

/* What is known of one operation, by a worker or by the rows. */
struct seen {
	enum op_status status;
	const char *result;	/* NULL: none */
	size_t len;
};

void script_make(struct script *, struct rng *, int index, int depth);
void script_print(const struct script *);
/* What the handler computes from what its operations gave. */
uint64_t script_digest(const struct script *,
    const struct seen *(*see)(void *arg, int node), void *arg);
uint64_t script_digest_of(const struct script *, int context,
    const struct seen *(*see)(void *arg, int node), void *arg);

/* ---- the world (world.c) ---- */

struct sim;
typedef void sim_fn(struct sim *, void *arg);

struct sim_conf {
	uint64_t seed;
	int executions;		/* started by clients */
	uint32_t faults;
	int faults_most;	/* so many faults strike; -1: no bound */
	int depth;
	bool trace;
};

struct super {
	struct env env;		/* first */
	struct sim *sim;
	int index;
	int life;		/* counts starts */
	struct engine *engine;	/* NULL: is not there */
	bool up, dying;
	int64_t paused_us;	/* stands still until then */
	int64_t skew_us, wall_us;
	int64_t wake_us;	/* alarms are scheduled for; 0: not */
	int in_pool;
};

struct hand;
struct actor;
struct shadow;

struct sim {
	struct sim_conf conf;
	struct rng order, fault, client, ids;
	int64_t now_us, start_us, db_shift_us;
	int64_t heal_us;	/* no faults from then on */
	bool healed;
	bool expiring;		/* rows may go by their age */
	struct sim_event {
		int64_t at_us;
		uint64_t order;
		sim_fn *fn;
		void *arg;
	} *heap;
	size_t nheap, heap_room;
	uint64_t serial;
	uint64_t happened;
	int faults;		/* that struck */
	uint32_t kinds;		/* of faults in this world */
	struct memstore *mem;
	struct env env;		/* the database's host */
	struct super supers[SIM_SUPERS];
	int nsupers;
	struct script scripts[SIM_SCRIPTS];
	struct hand *hands;
	struct actor *actors;
	int open_actors;
	struct shadow **shadows;	/* by row */
	size_t nshadows;
	struct map *ledger;	/* execution, operation, attempt */
	struct map *acked;	/* execution, operation: the result */
	struct map *plain_ran;	/* by request id */
	/* Ids of events and executions that "told" got a record of. */
	struct map *told;
	struct arena *arena;
	int unchecked;
	/* What was seen, for the report. */
	uint64_t checkpoints, commits, bodies, invocations, unknowns, crashes,
	    callbacks, rows, deletions, pages;
};

void sim_at(struct sim *, int64_t delay_us, sim_fn *, void *arg);
void sim_trace(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A property does not hold: ends the process. */
void sim_fail(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* May this kind of fault strike now?  Counts it. */
bool sim_fault(struct sim *, enum fault, double per_cent);
void *sim_alloc(struct sim *, size_t);	/* until the world ends */
char *sim_text(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct blob *sim_blob(struct sim *, const char *text);
int64_t sim_db_ms(const struct sim *);

/* Around everything that enters an engine. */
bool super_there(const struct super *, int life);
/* False, and comes back later or never: it stands still or is gone. */
bool super_ready(struct super *, int life, sim_fn *, void *arg);
void super_leave(struct super *);
struct super *super_any(struct sim *);
void super_crash(struct super *);

/* One world from its start to the end of all; fails by sim_fail. */
void sim_run(const struct sim_conf *, struct sim *out);

/* ---- workers (worker.c) ---- */

void hands_super_died(struct super *);
void hands_free(struct sim *);
void hand_crash_any(struct sim *);
int hand_script(const char *function);	/* index; -1: plain */

/* ---- clients (client.c) ---- */

void clients_start(struct sim *);
void clients_super_died(struct super *);
void client_callback(struct sim *, const char *id, int timeout_s,
    int heartbeat_s);
void clients_heal(struct sim *);
void clients_check(struct sim *);
/* Did anybody want it to be stopped? */
bool client_stopped(struct sim *, const struct id *);
/* ... or deleted? */
bool client_deleted(struct sim *, const struct id *);
void clients_free(struct sim *);

/* ---- what must hold (check.c) ---- */

void check_commit(struct sim *, const char *what);
/* The body of a step begins: attempt from 1. */
void check_body(struct sim *, const struct invocation *, int node,
    int attempt, bool once);
/* A checkpoint was answered 200. */
void check_acked(struct sim *, const struct id *, int32_t epoch, int64_t seq);
void check_ack_result(struct sim *, const struct id *, int node,
    const char *result);
/* The worker is shown a result. */
void check_shown(struct sim *, const struct id *, int node,
    const struct seen *);
bool check_quiet(struct sim *, bool complain);
void check_end(struct sim *);
void check_expired(struct sim *);
void check_free(struct sim *);
struct mem_execution *sim_row(struct sim *, const struct id *);

#endif
