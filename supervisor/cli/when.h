/*
 * when - times and durations as people read and write them.
 */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <jansson.h>

#include "base/err.h"

#define WHEN_TEXT 40

/* Seconds since 1970 as "2026-11-22 14:46:10.844". */
void when_text(double at, int utc, char out[WHEN_TEXT]);
/* A timestamp of the API: a number, or text that is taken as it is. */
void when_json(const json_t *, int utc, char out[WHEN_TEXT]);
/* "90", "90s", "10m", "2h", "1d" to seconds; -1: wrong. */
int when_duration(const char *, long *seconds, struct err *);
/* The reverse, shortest: "1h30m", "45s". */
void when_length(long seconds, char out[WHEN_TEXT]);

#endif
