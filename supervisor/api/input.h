/*
 * input - path, query, headers and body of a request into one checked object
 * by the model's names.
 */
#ifndef API_INPUT_H
#define API_INPUT_H

#include <jansson.h>

#include "api/router.h"
#include "base/buf.h"

struct rules;	/* the model's patterns, compiled */

struct rules *rules_new(struct err *);
void rules_free(struct rules *);

/* A request without its socket, so that tests need none. */
struct input_source {
	const struct route *route;
	const char *query;	/* raw; NULL: none */
	const char *(*header)(const void *arg, const char *name);
	const void *arg;
	const char *body;
	size_t body_len;
	bool is_worker;	/* whom nobody trusts: fewer values */
};

/* Why it was refused: AWS's name of the error (a literal) and its text. */
struct input_fault {
	const char *code;
	struct buf text;
};

/*
 * The input, or NULL with the fault filled (the caller frees its text).
 * Members that are absent, null or unknown to the model are not in it.
 */
json_t *input_read(const struct rules *, const struct input_source *,
    struct input_fault *);
/*
 * The same without the body, which the caller has read: NULL when anything is
 * wrong or unusual, of which input_read knows more.
 */
json_t *input_read_path(const struct rules *, const struct input_source *);

#endif
