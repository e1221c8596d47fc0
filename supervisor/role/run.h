/*
 * run - the folder for sockets: its path is short, it is open to the user of
 * the database, and it goes with its main.
 */
#ifndef ROLE_RUN_H
#define ROLE_RUN_H

#include "role/data.h"

/*
 * Makes it anew and fills data->run and data->run_lock.  Root's are all in
 * one place, where those of mains that were killed are removed, too.
 */
int run_open(struct data *, struct err *);
void run_close(struct data *);

#endif
