/*
 * unpack - archives on their way into this host's code cache.
 */
#ifndef POOL_UNPACK_H
#define POOL_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "pool/broker.h"
#include "pool/pool.h"

struct unpack;

typedef void unpack_done(void *arg, int64_t bytes, const struct err *);

struct unpack *unpack_new(struct broker *, const struct pool_conf *,
    uint64_t seed);
void unpack_free(struct unpack *);
/* done runs once, never inside the call. */
void unpack_request(struct unpack *, const char *hex, const void *, size_t,
    unpack_done *, void *arg);
/* Its folder is there since this process started. */
bool unpack_has(const struct unpack *, const char *hex);
/* Makes it be there, with the bytes from conf.code. */
void unpack_need(struct unpack *, const char *hex, unpack_done *, void *arg);
/* The folder was not there after all. */
void unpack_forget(struct unpack *, const char *hex);
/* Main says that the folder is there. */
void unpack_there(struct unpack *, const char *hex);
/*
 * Folders that are not wanted and not being made go, a few in one call; gives
 * how many.
 */
int unpack_sweep(struct unpack *, bool (*wanted)(void *arg, const char *hex),
    void *arg);
/* That done will not run. */
void unpack_cancel(struct unpack *, void *arg);
void unpack_on_unpacked(struct unpack *, uint64_t id, int64_t bytes,
    const struct err *);

#endif
