/*
 * run - another program, waited for.  Only for processes that may block and
 * start programs: main before its loop, and the command line.
 */
#ifndef BASE_RUN_H
#define BASE_RUN_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Runs argv[0] (searched in PATH) with no input.  Standard output is added
 * to out, or goes to our standard error when out is NULL; `quiet` throws
 * standard error away.  Returns the exit code, 128 + n after signal n, -1:
 * it could not be started.
 */
int run_program(const char *const argv[], struct buf *out, int quiet,
    struct err *);

#endif
