/*
 * listen - the sockets that main binds before anything else and keeps while
 * control is started again, so that connections queue meanwhile.
 */
#ifndef ROLE_LISTEN_H
#define ROLE_LISTEN_H

#include "base/err.h"

#define LISTEN_TEXT 64

/*
 * ADDR:PORT or [ADDR]:PORT; port 0 picks one.  Fills text with what was
 * bound.  Returns the socket.
 */
int listen_open(const char *where, char text[LISTEN_TEXT], struct err *err);
/* Is it an address that only this host reaches? -1: not an address. */
int listen_is_loopback(const char *where, struct err *err);

#endif
