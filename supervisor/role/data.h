/*
 * data - the data folder: whoever has its lock owns it.  And the folder for
 * sockets, whose path is short and open to the database's user.
 */
#ifndef ROLE_DATA_H
#define ROLE_DATA_H

#include <sys/types.h>

#include "base/err.h"
#include "role/config.h"

struct data {
	char *path;		/* absolute */
	char *run;		/* sockets; made new at each start */
	int lock, run_lock;
	int is_root;		/* main is root: others get users of their own */
	uid_t uid;		/* of control and the database */
	gid_t gid;
	char *user;		/* their name; NULL: none (an odd container) */
};

/* Makes what is missing, takes the lock, finds the user. */
int data_open(struct data *, const struct config *, struct err *);
/* Removes the run folder; keeps the data. */
void data_close(struct data *);
/* Makes <data>/name if missing, with that mode, owned by main. */
int data_folder(const struct data *, const char *name, mode_t, struct err *);
/* Removes a tree of ours; not there is fine. */
int data_remove(const char *path, struct err *);

#endif
