/*
 * pg_folder - the data folder of the own Postgres: which programs suit it,
 * what is written into it, who still runs on it.
 */
#ifndef ROLE_PG_FOLDER_H
#define ROLE_PG_FOLDER_H

#include <sys/types.h>

#include "base/err.h"
#include "role/config.h"
#include "role/data.h"

/* The folder of the programs for that data folder; caller frees. */
char *pg_folder_programs(const struct config *, const char *folder,
    struct err *);
/* Who may connect, and settings that the owner can change. */
int pg_folder_write(const struct data *, const char *folder, struct err *);
/*
 * The pid of a Postgres that runs on this folder, or 0.  A postmaster.pid
 * whose number belongs to something else now is removed.
 */
pid_t pg_folder_orphan(const char *folder);
/*
 * Sends `sig` to every process of a Postgres on this folder whose postmaster
 * is dead, and says how many there are.  While one lives, no new Postgres
 * starts ("pre-existing shared memory block is still in use").
 */
int pg_folder_leftovers(const char *folder, int sig);
/* Does the postmaster with that pid say that it takes connections? */
int pg_folder_is_ready(const char *folder, pid_t);

#endif
