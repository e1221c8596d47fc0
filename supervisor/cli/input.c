#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "cli/input.h"

/* More than any operation takes; the server says what it takes. */
#define INPUT_MOST (64 * 1024 * 1024)

static int
input_file(FILE *f, const char *name, struct buf *out, struct err *err)
{
	char part[65536];
	size_t n;

	while ((n = fread(part, 1, sizeof part, f)) > 0) {
		buf_add(out, part, n);
		if (out->len > INPUT_MOST)
			return err_set(err, ERR_TOO_LARGE,
			    "%s is larger than any payload may be", name);
	}
	if (ferror(f))
		return err_sys(err, "read %s", name);
	return 0;
}

int
input_payload(const char *text, struct buf *out, struct err *err)
{
	own_file FILE *f = NULL;

	if (text == NULL)
		return 0;
	if (strcmp(text, "-") == 0)
		return input_file(stdin, "standard input", out, err);
	if (text[0] != '@') {
		buf_str(out, text);
		return 0;
	}
	f = fopen(text + 1, "re");
	if (f == NULL)
		return err_sys(err, "%s", text + 1);
	return input_file(f, text + 1, out, err);
}

json_t *
input_error(const struct args *args)
{
	json_t *error;

	if (args->type == NULL && args->message == NULL &&
	    args->payload == NULL)
		return NULL;
	error = json_object();
	if (args->type != NULL)
		json_object_set_new(
		    error, "ErrorType", json_string(args->type));
	if (args->message != NULL)
		json_object_set_new(
		    error, "ErrorMessage", json_string(args->message));
	if (args->payload != NULL)
		json_object_set_new(
		    error, "ErrorData", json_string(args->payload));
	return error;
}
