/*
 * wlog - a worker's output: stdout and stderr become lines, the platform adds
 * its own.
 *
 * The pipes are read faster than a function should write, so it hardly ever
 * waits for us; what is over the bounds of an invocation or of the time is
 * dropped and counted.
 */
#ifndef POOL_WLOG_H
#define POOL_WLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"

#define WLOG_TAIL_BYTES 4096
#define WLOG_INVOCATION_MOST (4 * 1024 * 1024)
/* Over many invocations a worker keeps so much a second, after a first burst. */
#define WLOG_SECOND_MOST (256 * 1024)
#define WLOG_BURST_MOST (8 * 1024 * 1024)

struct event_base;
struct share;
struct wlog;

typedef void wlog_line(void *arg, char stream, int64_t at_ms,
    const struct id *request, const char *text, size_t len);

/* Takes both pipes; either may be -1. */
struct wlog *wlog_new(struct event_base *, struct env *, int out, int errs,
    wlog_line *, void *arg);
void wlog_free(struct wlog *);
/* Reading it is charged to that share, which must outlive it. */
void wlog_share(struct wlog *, struct share *);

/*
 * Lines belong to this request from now on, and the tail begins anew.  (Before
 * the first request it gathers what the init phase writes.)
 */
void wlog_begin(struct wlog *, struct id request, bool want_tail);
/* The same for an invocation that the init phase failed: keeps that tail. */
void wlog_begin_failed(struct wlog *, struct id request);
/* Reads all that was written so far. */
void wlog_drain(struct wlog *);
/* Lines belong to nobody from now on; the tail stays until the next begin. */
void wlog_end(struct wlog *);
void wlog_platform(struct wlog *, const char *text, size_t len);
const char *wlog_tail(const struct wlog *, size_t *len);

#endif
