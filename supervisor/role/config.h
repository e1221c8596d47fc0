/*
 * config - every setting with its effective value and where it came from;
 * config.def lists them.  Facts are what main found out: the same kind of
 * pairs, without a default (database.conninfo, sandbox.level, runtime.NAME).
 */
#ifndef ROLE_CONFIG_H
#define ROLE_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/msg.h"

enum config_source {
	CONFIG_DEFAULT,
	CONFIG_FILE,
	CONFIG_ENVIRON,
	CONFIG_OPTION,
};

struct config;

struct config *config_new(void);
void config_free(struct config *);	/* accepts NULL */

/* Checks name and value; a weaker source than the present one is ignored. */
int config_set(struct config *, const char *name, const char *value,
    enum config_source, struct err *);
/* "table.key=value", as with --set. */
int config_set_pair(struct config *, const char *pair, struct err *);
/* A value that is meant when nothing else was said. */
void config_default(struct config *, const char *name, const char *value);
/* NULL: the system's files, if they are there. */
int config_read_files(struct config *, const char *path, struct err *);
int config_read_environ(struct config *, struct err *);

/* Asking for a name that is not in config.def ends the program. */
const char *config_text(const struct config *, const char *name);
int64_t config_count(const struct config *, const char *name);
int config_flag(const struct config *, const char *name);
int64_t config_ms(const struct config *, const char *name);
int64_t config_bytes(const struct config *, const char *name);

void config_put_fact(struct config *, const char *name, const char *value);
/* NULL: not known. */
const char *config_fact(const struct config *, const char *name);
/* Facts whose name starts with prefix: start with *at = 0; 0 at the end. */
int config_next_fact(const struct config *, const char *prefix, size_t *at,
    const char **name, const char **value);

/* All settings and facts as the body of a CONFIG frame, and back. */
void config_send(const struct config *, struct msg_out *);
int config_receive(struct config *, struct msg_in *, struct err *);

/* Every setting with its default and what it means. */
void config_print(FILE *);

int config_parse_ms(const char *, int64_t *);	/* -1: not a duration */
int config_parse_bytes(const char *, int64_t *);

#endif
