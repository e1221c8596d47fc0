/*
 * keys - who may call with --auth sigv4: <data>/keys, an INI file with one
 * section [keys] of `access key id = secret` lines, read at start.
 */
#ifndef ROLE_KEYS_H
#define ROLE_KEYS_H

#include "base/err.h"

struct config;

/*
 * Reads the file under folder into facts auth.key.ID; a folder without one
 * gets a file with one new key, readable by its owner only.
 */
int keys_load(struct config *, const char *folder, struct err *);

#endif
