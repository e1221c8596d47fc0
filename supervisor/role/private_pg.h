/*
 * private_pg - the own Postgres: found, made, started, watched, stopped.
 *
 * Its data folder <data>/pg is made under another name and renamed, and never
 * removed or made anew.  All is driven by private_pg_tick and the ends of
 * children; nothing waits.
 */
#ifndef ROLE_PRIVATE_PG_H
#define ROLE_PRIVATE_PG_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "role/child.h"
#include "role/config.h"
#include "role/data.h"

enum private_pg_state {
	PG_NONE,	/* a given database, none of ours */
	PG_ORPHAN,	/* a predecessor's still runs on the folder */
	PG_INITDB,
	PG_CREATEDB,
	PG_STARTING,
	PG_UP,
	PG_DOWN,	/* to be started again at next_ms */
	PG_STOPPING,
	PG_STOPPED,
	PG_FAILED,	/* failure says why */
};

struct private_pg {
	const struct config *config;
	const struct data *data;
	enum private_pg_state state;
	char *folder;		/* <data>/pg */
	char *half;		/* <data>/pg.new */
	char *seen;		/* where Postgres itself sees its folder */
	char *sockets;
	char *bindir;
	const char *source;	/* what is bound at `seen` for the next child */
	int is_bound;		/* root: the data folder is closed to others */
	pid_t pid;
	int64_t insist_ms;	/* what a dead one left is killed then */
	int64_t next_ms;	/* start, probe or insist at this time; 0: no */
	struct child_restart restart;
	struct err failure;
};

/* Also puts the fact database.conninfo. */
int private_pg_init(struct private_pg *, struct config *,
    const struct data *, struct err *);
void private_pg_free(struct private_pg *);
/* It is to be made yet, which takes a second or two. */
int private_pg_is_new(const struct private_pg *);
int private_pg_start(struct private_pg *, int64_t now_ms, struct err *);
/* ms until it wants to be called again, or -1. */
int64_t private_pg_tick(struct private_pg *, int64_t now_ms);
/* 1: the process was its own. */
int private_pg_reaped(struct private_pg *, pid_t, int status, int64_t now_ms);
void private_pg_stop(struct private_pg *, int64_t now_ms);

#endif
