/*
 * spawn_int - what spawn.c and blank.c share: one worker's processes, and an
 * order of control.
 */
#ifndef ROLE_SPAWN_INT_H
#define ROLE_SPAWN_INT_H

#include <sys/queue.h>

#include "role/runtime.h"
#include "role/spawn.h"

struct spawned {
	LIST_ENTRY(spawned) link;
	uint64_t id;		/* of no meaning while it is blank */
	uint32_t uid;
	int channel;
	pid_t starter;		/* 0: reaped */
	pid_t first;		/* 0: not known or reaped */
	pid_t stack;		/* 0: none or reaped; see netstack.h */
	int had_first;
	int is_up;
	int is_restored;	/* its runtime is a snapshot */
	int64_t up_by_ms;
	int is_reported;	/* REPORT_GONE came: status is the runtime's */
	int status;
	uint64_t cpu_us, resident;
	struct cgroup *group;	/* NULL: never started */
	uint32_t memory_mb;
	struct fair_seat seat;
	uint32_t way;		/* out, by its own network; 0: none */
	char why[240];
	/* Of one that is or was blank. */
	struct blank_kind *kind; /* NULL: it is a function's */
	int is_ending;		/* a blank that is too much */
	int is_ready;		/* control said so of a function's */
	int fds[SPEC_UP_FDS];	/* kept for control, -1: not there */
	int variables;		/* a pipe, or -1 */
	struct starter binder;	/* pid 0: reaped, channel -1: closed */
	struct buf binding;	/* what goes into the pipe when it is bound */
};

/* An order of control, checked. */
struct order {
	uint64_t id;
	const char *function, *version, *runtime, *code;
	uint32_t memory_mb, tmp_mb, init_ms;
	uint32_t is_networked;	/* wants a network of its own */
	uint32_t nenvs;
	const char *envs[SPEC_ENVS_MOST];
	const char *snapshot;	/* its name, or "" */
	char *snap;		/* where it is, or NULL: not to be used */
};

/* -1: control broke the rules. */
int order_read(struct order *, struct msg_in *, struct err *);

/* One that is in the list, with an own uid. */
struct spawned *spawned_new(struct spawn *, uint64_t id);
/* Frees one without processes. */
void spawned_drop(struct spawn *, struct spawned *);
void spawned_kill(struct spawned *);
/* Fills in what all sandboxes have; the plan keeps strings of it. */
int spawn_plan(struct spawn *, const char *runtime, uint32_t memory_mb,
    struct spec *, struct runtime_plan *, struct err *);
/* Into a starter that waits, with those limits in force before it runs. */
int spawn_fill(struct spawn *, struct spec *, uint32_t memory_mb,
    struct spawned *, struct err *);
/* Puts a way that no live worker has into the spec, if one is wanted. */
int spawn_way(struct spawn *, struct spawned *, const struct order *,
    struct spec *, struct err *);
int spawn_limit(struct spawn *, struct spawned *, uint32_t memory_mb,
    uint32_t tmp_mb, struct err *);
/* Tells control; takes nothing. */
void spawned_up(struct spawn *, struct spawned *, const int *fds);

/* role/blank.c */
void blanks_free(struct spawn *);
/*
 * A blank that is ready for that order, or NULL; in any case there will be
 * more of its kind.
 */
struct spawned *blank_take(struct spawn *, const struct order *);
/* From now on it is the order's; -1: it cannot be bound and must end. */
int blank_bind(struct spawn *, struct spawned *, const struct order *,
    struct err *);
/* A report of a blank, or of one that is being bound; takes its fds. */
void blank_report(struct spawn *, struct spawned *,
    const struct spec_report *, int *fds, int *nfds);
/* What its binder said. */
void blank_read(struct spawn *, struct spawned *);
/* Its processes have all ended. */
void blank_gone(struct spawn *, struct spawned *);
/* Frees what only blanks have. */
void blank_close(struct spawned *);
/* 1: the process bound a blank, or waited for that. */
int blank_reaped(struct spawn *, pid_t);
/* Makes or ends some; ms until there is more to do, or -1. */
int64_t blanks_tick(struct spawn *, int64_t now_ms);

#endif
