/*
 * input - values of options that need reading: payloads and errors.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/cli.h"

/* "-p JSON", "-p @FILE" or "-p -" (standard input) into *out. */
int input_payload(const char *text, struct buf *out, struct err *);
/*
 * An ErrorObject from --type, --message and -p (its ErrorData); NULL when
 * none of them was given.
 */
json_t *input_error(const struct args *);

#endif
